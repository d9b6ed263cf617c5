"""Bytes that are read while they arrive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.formats.arriving import Arriving


def test_who_reads_waits_for_what_has_not_come() -> None:
    content, is_asked, arrives = Arriving(), threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"abc"
        is_asked.wait(60)
        yield b"def"
        arrives.wait(60)
        yield b"ghi"

    with ThreadPoolExecutor(3) as pool:
        receiving = pool.submit(content.receive, pieces())
        assert content.read_at(0, 3) == b"abc"  # which does not wait for the rest
        later, size = pool.submit(content.read_at, 2, 3), pool.submit(lambda: content.size_bytes)
        is_asked.set()
        assert later.result(60) == b"cde"
        assert not size.done()
        arrives.set()
        assert size.result(60) == 9
        receiving.result(60)
    assert content.read_at(7, 100) == b"hi"


def test_what_fails_on_the_way_ends_it() -> None:
    content = Arriving()

    def pieces() -> Iterator[bytes]:
        yield b"abc"
        raise OSError("gone")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(content.read_at, 1, 10)
        with pytest.raises(OSError, match="gone"):
            content.receive(pieces())
        assert waiting.result(60) == b"bc"
    assert content.size_bytes == 3


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(-2, 90), st.integers(-2, 90))
def test_its_pieces_do_not_show(pieces: list[bytes], offset: int, length: int) -> None:
    content, whole = Arriving(), b"".join(pieces)
    content.receive(pieces)
    expected = whole[offset : offset + length] if offset >= 0 and length > 0 else b""
    assert content.read_at(offset, length) == expected
    assert content.size_bytes == len(whole)
