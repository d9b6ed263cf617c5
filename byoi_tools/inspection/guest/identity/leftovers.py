"""Finds files that the build left: histories, logs, leases, seeds, identifiers, caches, subscriptions, installers'."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.disks.esp import Esp
from byoi_tools.model.fact import Known
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.identity import Leftover, LeftoverKind

_WALK_ENTRIES = 3000
_GENERATED_ISCSI = b"GenerateName=yes"  # open-iscsi makes a name of its own at the first start

_HISTORIES = (
    *(".bash_history", ".zsh_history", ".sh_history", ".ash_history", ".history", ".local/share/fish/fish_history"),
    *(".python_history", ".mysql_history", ".psql_history", ".rediscli_history", ".lesshst", ".viminfo"),
)
# A directory and the pattern of the names in it.
_FILES: tuple[tuple[LeftoverKind, str, str], ...] = (
    (LeftoverKind.DHCP, "/var/lib/dhcp", "*.lease*"),
    (LeftoverKind.DHCP, "/var/lib/dhclient", "*.lease*"),
    (LeftoverKind.DHCP, "/var/lib/dhcpcd", "*.lease*"),
    (LeftoverKind.DHCP, "/var/lib/dhcpcd", "duid"),
    (LeftoverKind.DHCP, "/etc", "dhcpcd.duid"),
    (LeftoverKind.DHCP, "/var/lib/NetworkManager", "*.lease"),
    (LeftoverKind.DHCP, "/var/lib/NetworkManager", "secret_key"),
    (LeftoverKind.DHCP, "/var/lib/wicked", "lease-*"),
    (LeftoverKind.DHCP, "/var/lib/wicked", "duid-*"),
    (LeftoverKind.RANDOM_SEED, "/var/lib/systemd", "random-seed"),
    (LeftoverKind.RANDOM_SEED, "/var/lib/urandom", "random-seed"),
    (LeftoverKind.RANDOM_SEED, "/var/lib/random-seed", "*"),
    (LeftoverKind.RANDOM_SEED, "/var/lib/seedrng", "seed.*"),
    (LeftoverKind.HOST_KEY, "/var/lib/systemd", "credential.secret"),
    (LeftoverKind.HOST_KEY, "/var/lib/systemd", "tpm2-srk-public-key.*"),
    (LeftoverKind.HOST_KEY, "/var/lib/systemd", "pcrlock.json"),
    (LeftoverKind.HOST_ID, "/etc/nvme", "hostid"),
    (LeftoverKind.HOST_ID, "/etc/nvme", "hostnqn"),
    (LeftoverKind.HOST_ID, "/etc/lvm/devices", "system.devices"),
    (LeftoverKind.HOST_ID, "/etc", "hostid"),
    (LeftoverKind.PACKAGE, "/var/cache/apt/archives", "*.deb"),
    (LeftoverKind.PACKAGE, "/var/cache/pacman/pkg", "*.pkg.tar*"),
    (LeftoverKind.PACKAGE, "/var/cache/apk", "*.apk"),
    (LeftoverKind.SUBSCRIPTION, "/etc/pki/consumer", "*.pem"),
    (LeftoverKind.SUBSCRIPTION, "/etc/pki/entitlement", "*.pem"),
    (LeftoverKind.SUBSCRIPTION, "/etc/sysconfig/rhn", "systemid"),
    (LeftoverKind.SUBSCRIPTION, "/etc/zypp/credentials.d", "*"),
    (LeftoverKind.SUBSCRIPTION, "/var/lib/ubuntu-advantage/private", "machine-token.json"),
    (LeftoverKind.INSTALLER, "/root", "*-ks.cfg"),
    (LeftoverKind.INSTALLER, "/root", "preseed.cfg"),
    (LeftoverKind.INSTALLER, "/", "preseed.cfg"),
    (LeftoverKind.INSTALLER, "/", "[Aa]utounattend.xml"),
    (LeftoverKind.INSTALLER, "/var/log/installer", "*"),
    (LeftoverKind.INSTALLER, "/var/log/anaconda", "*"),
    (LeftoverKind.TEMPORARY, "/tmp", "*"),  # noqa: S108 - a path in the guest
    (LeftoverKind.TEMPORARY, "/var/tmp", "*"),  # noqa: S108 - a path in the guest
    (LeftoverKind.SWAP, "/", "swapfile"),
    (LeftoverKind.SWAP, "/", "swap.img"),
    (LeftoverKind.SWAP, "/swap", "swapfile"),
)
_PACKAGE_TREES = (("/var/cache/dnf", "*.rpm"), ("/var/cache/libdnf5", "*.rpm"), ("/var/cache/yum", "*.rpm"))
_ISCSI = "/etc/iscsi/initiatorname.iscsi"
_LOGS = "/var/log"
_TOLD_AS_INSTALLER = ("/var/log/installer/", "/var/log/anaconda/")
_JOURNALS = "/var/log/journal/"


def find_leftovers(tree: GuestTree, esps: Iterable[Esp], homes: Iterable[str]) -> tuple[Leftover, ...]:
    """Return what was left, empty files and symlinks not counted; by kind in the order of the tables, then by path."""
    found = [*_histories(tree, homes), *_logs(tree), *_listed(tree), *_cached(tree), *_iscsi(tree), *_esp_seeds(esps)]
    order = list(LeftoverKind)
    return tuple(sorted(dict.fromkeys(found), key=lambda left: (order.index(left.kind), left.path)))


def _histories(tree: GuestTree, homes: Iterable[str]) -> Iterator[Leftover]:
    for home in homes:
        present = frozenset(tree.names(home))
        for name in (name for name in _HISTORIES if name.split("/")[0] in present):
            status = tree.link_status(f"{home}/{name}")
            if status is not None and status.kind is FileKind.FILE and status.size_bytes:
                yield Leftover(LeftoverKind.HISTORY, f"{home}/{name}", status.size_bytes)


def _listed(tree: GuestTree) -> Iterator[Leftover]:
    for directory in dict.fromkeys(directory for _, directory, _ in _FILES):
        wanted = [(kind, pattern) for kind, place, pattern in _FILES if place == directory]
        for entry in tree.entries(directory)[:_WALK_ENTRIES]:
            if entry.status.kind is not FileKind.FILE or not entry.status.size_bytes:
                continue
            path = f"{directory.rstrip('/')}/{entry.name}"
            kinds = (kind for kind, pattern in wanted if fnmatch.fnmatchcase(entry.name, pattern))
            yield from (Leftover(kind, path, entry.status.size_bytes) for kind in kinds)


def _logs(tree: GuestTree) -> Iterator[Leftover]:
    for path, size in _files_below(tree, _LOGS):
        if not path.startswith(_TOLD_AS_INSTALLER):
            yield Leftover(LeftoverKind.JOURNAL if path.startswith(_JOURNALS) else LeftoverKind.LOG, path, size)


def _cached(tree: GuestTree) -> Iterator[Leftover]:
    for directory, pattern in _PACKAGE_TREES:
        for path, size in _files_below(tree, directory):
            if fnmatch.fnmatchcase(path.rpartition("/")[2], pattern):
                yield Leftover(LeftoverKind.PACKAGE, path, size)


def _files_below(tree: GuestTree, directory: str) -> Iterator[tuple[str, int]]:
    """Files with something in them below a directory, of its first 3000 entries."""
    walked = zip(tree.walk(directory), range(_WALK_ENTRIES), strict=False)
    for (path, status), _ in walked:
        if status.kind is FileKind.FILE and status.size_bytes:
            yield path, status.size_bytes


def _iscsi(tree: GuestTree) -> Iterator[Leftover]:
    content = tree.read(_ISCSI, 4096) or b""
    if b"InitiatorName=" in content and not content.startswith(_GENERATED_ISCSI):
        yield Leftover(LeftoverKind.HOST_ID, _ISCSI, len(content))


def _esp_seeds(esps: Iterable[Esp]) -> Iterator[Leftover]:
    for esp in esps:
        seed = esp.content.value.find("loader/random-seed") if isinstance(esp.content, Known) else None
        if seed is not None and not seed.is_directory and seed.size_bytes:
            yield Leftover(LeftoverKind.RANDOM_SEED, "ESP:/loader/random-seed", seed.size_bytes)
