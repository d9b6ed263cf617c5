"""What a deployment will do, for the people who agree to it: shown by `plan`, and before every confirmation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from byoi_tools.model.deployment.deed import Concern, Deed, fingerprint
from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.deployment.server import Server, list_disks
from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.finding import OutcomeKind
from byoi_tools.model.sizes import exact_size, human_size
from byoi_tools.reports.terminal import Terminal

_LABEL = 11


def render_deed(deed: Deed, terminal: Terminal) -> str:
    """Return the heading, a row for each thing that will be, and what did not pass; no secret, no control character."""
    heading = terminal.wrap(f"This will ERASE {deed.server.name}, and install an image:", "", "  ")
    lines = [terminal.paint(line, "bad") for line in heading]
    for name, value in (*_server_rows(deed), *_image_rows(deed), *_payload_rows(deed)):
        lines += terminal.wrap(value, f"  {name:<{_LABEL}}", " " * (_LABEL + 2))
    for concern in deed.concerns:
        lines += _concern_lines(concern, terminal)
    return "\n".join(lines) + "\n"


def _server_rows(deed: Deed) -> Iterator[tuple[str, str]]:
    server = deed.server
    groups = server.disk_groups
    yield "disks", f"{list_disks(groups.value)}: all of them" if isinstance(groups, Known) else "all of them"
    yield "written", _written(server, deed.order.disk_group_id)
    yield "server", "; ".join(_facts_of(server))


def _written(server: Server, group_id: int | None) -> str:
    group = server.disk_group(group_id)
    if isinstance(group, Known) and group.value is not None:
        return f"the first disk of group {group.value.group_id}"
    return f"the first disk of group {group_id}" if group_id else "the first disk of the provider's default group"


def _facts_of(server: Server) -> Iterator[str]:
    if isinstance(server.boot_modes, Known):
        yield "boots by " + " or ".join(sorted(mode.value for mode in server.boot_modes.value))
    if isinstance(server.memory_bytes, Known):
        yield f"{human_size(server.memory_bytes.value)} of memory"
    yield f"boots from {_word(server.boot_type)} now"
    yield f"installed: {_word(server.installed_system)}"


def _word(fact: Fact[str]) -> str:
    return fact.value if isinstance(fact, Known) else "not known"


def _image_rows(deed: Deed) -> Iterator[tuple[str, str]]:
    image = deed.image
    size = "" if image.size_bytes is None else f", {exact_size(image.size_bytes)}"
    yield "image", f"{image.place} ({image.image_type.value}{size})"
    for digest in image.digests:
        yield digest.algorithm.value, digest.hexadecimal
    if deed.verdict is not None:
        yield "checked", deed.verdict


def _payload_rows(deed: Deed) -> Iterator[tuple[str, str]]:
    order, wishes = deed.order, deed.order.customizations
    yield "request", f"{order.api.value}, {order.product.template}"
    if order.description is not None:
        yield "named", order.description
    if order.loader_path is not None and order.api is InstallApi.REINSTALL:
        yield "loader", order.loader_path
    if order.partitioning is not None:
        yield "layout", _layout(order.partitioning)
    if wishes.hostname:
        yield "hostname", wishes.hostname
    if wishes.ssh_key:
        yield "SSH key", fingerprint(wishes.ssh_key)
    if wishes.user_data:
        yield "user data", f"{len(wishes.user_data)} bytes, sha256:{hashlib.sha256(wishes.user_data).hexdigest()}"
    if wishes.metadata:
        yield "metadata", ", ".join(f"{key}={value}" for key, value in wishes.metadata)
    if deed.header_names:
        yield "headers", f"{', '.join(deed.header_names)} (values not shown)"


def _layout(wished: Partitioning) -> str:
    """The partitions of Bring Your Own Linux, each with its mount point, file system and size."""
    parts = [
        f"{item.mount_point} {item.file_system} {human_size(item.size_mib << 20) if item.size_mib else 'the rest'}"
        for item in wished.layout
    ]
    named = [f"scheme {wished.scheme_name}"] if wished.scheme_name else []
    disks = [] if wished.disks is None else [f"on {wished.disks} disks"]
    return ", ".join([*named, *parts, *disks]) or "the provider's own"


def _concern_lines(concern: Concern, terminal: Terminal) -> list[str]:
    seen = f": {concern.observed}" if concern.observed else ""
    label = "not compared" if concern.outcome is OutcomeKind.SKIPPED else concern.severity
    if concern.outcome is OutcomeKind.WAIVED:
        label += ", waived"
    first, *rest = terminal.wrap(f"{label} {concern.check_id}: {concern.message}{seen}", "  ", "    ")
    return [
        first.replace(label, terminal.paint(label, "error" if concern.severity == "error" else "warning"), 1),
        *rest,
    ]
