"""How the checks of hygiene show files of a guest: by path and size, never by content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from byoi_tools.checks.ptable.wording import name_some
from byoi_tools.model.guest.identity import Leftover
from byoi_tools.model.quoting import quote
from byoi_tools.model.sizes import human_size

IN_THE_BUILD = "As the last step of the build, in the image: "
"""How a remedy begins that is a command for the guest, not for this machine."""


def name_paths(paths: Iterable[str]) -> str:
    """Return the paths quoted, the first eight of them."""
    return name_some([quote(path) for path in paths])


def count_files(leftovers: Sequence[Leftover]) -> str:
    """Return `3 files, 1.2 MiB`."""
    count = len(leftovers)
    return f"{count} file{'s' if count != 1 else ''}, {human_size(sum(left.size_bytes for left in leftovers))}"
