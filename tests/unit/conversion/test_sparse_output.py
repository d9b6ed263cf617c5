"""What a stream becomes on the disk: the bytes, holes for zeros, and never more than is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.conversion.sparse_output import SparseOutput
from byoi_tools.errors import ImageUnsafe, NoSpace

TIB = 1 << 40
PIECES = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from([65536, 65535, 65537, 200_000, 1, 0]).map(bytes)), max_size=8
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_the_file_is_what_was_written(tmp_path: Path, pieces: list[bytes]) -> None:
    path = tmp_path / "out"
    path.unlink(missing_ok=True)
    with SparseOutput(path, "x", TIB) as output:
        for piece in pieces:
            output.write(piece)
    assert path.read_bytes() == b"".join(pieces)
    assert output.size_bytes == len(b"".join(pieces))


def test_zeros_take_no_space(tmp_path: Path) -> None:
    with SparseOutput(tmp_path / "out", "x", TIB) as output:
        zeros = bytes(1 << 20)
        for _ in range(2048):
            output.write(zeros)
        output.write(b"the end")
    assert (tmp_path / "out").stat().st_size == (2 << 30) + 7
    assert (tmp_path / "out").stat().st_blocks <= 8


def test_the_cap_counts_holes_too(tmp_path: Path) -> None:
    with SparseOutput(tmp_path / "out", "disk.gz", 3 << 20) as output:
        for _ in range(3):
            output.write(bytes(1 << 20))
        with pytest.raises(ImageUnsafe, match=r"disk\.gz unpacks to more than 3\.0 MiB"):
            output.write(b"\0")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoSpace):
        SparseOutput(tmp_path / "none" / "out", "x", TIB)
