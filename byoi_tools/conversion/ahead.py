"""Maps in threads, some items ahead of whoever takes the results, in the items' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_ITEMS_PER_THREAD = 2


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Yield the result for each item; no more than two for each thread are worked on or waiting to be taken.

    `items` is gone through in the caller's thread. Raises what `function` raises, at that item's place; what was not
    begun by then, or when the caller stops, is not done.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="convert") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > threads * _ITEMS_PER_THREAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for waiting in pending:
                waiting.cancel()
