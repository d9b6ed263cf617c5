from __future__ import annotations

import os

import pytest

from byoi_tools.tools.object_store.part_body import PartBody

CONTENT = os.urandom(3 * 2**20)


def body_of(start: int, length: int, positions: list[int]) -> PartBody:
    return PartBody(lambda offset, size: CONTENT[offset : offset + size], start, length, positions.append)


@pytest.mark.parametrize(
    ("asked", "given"),
    [(-1, 2**17), (1, 2**17), (2**14, 2**17), (2**18, 2**18), (2**20, 2**20), (2**30, 2**20), (0, 0)],
)
def test_chunks_are_neither_small_nor_large(asked: int, given: int) -> None:
    assert body_of(5, 2**21, []).read(asked) == CONTENT[5 : 5 + given]


def test_part_is_read_to_its_end_and_again() -> None:
    positions: list[int] = []
    body = body_of(7, 2**20 + 3, positions)

    signed = b"".join(iter(lambda: body.read(2**20), b""))
    body.seek(0)
    sent = b"".join(iter(lambda: body.read(2**14), b""))

    assert signed == sent == CONTENT[7 : 7 + 2**20 + 3]
    assert positions == [2**20, 2**20 + 3, 2**20 + 3, *range(2**17, 2**20 + 1, 2**17), 2**20 + 3, 2**20 + 3]
