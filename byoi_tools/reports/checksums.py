"""Digests in the form that `sha256sum --tag` writes, which `sha256sum -c` and its like read."""

from __future__ import annotations

from byoi_tools.model.digest import Digest


def render_checksums(path: str, digests: tuple[Digest, ...]) -> str:
    """Return a line for each digest: `SHA256 (image.qcow2) = 2cbd3d...`; an odd name is escaped as coreutils does."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != path else ""
    return "".join(f"{mark}{digest.algorithm.name} ({escaped}) = {digest.hexadecimal}\n" for digest in digests)
