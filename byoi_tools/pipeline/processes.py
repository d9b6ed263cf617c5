"""Checks images side by side, in processes of their own."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from byoi_tools.errors import ToolFailed
from byoi_tools.pipeline.parallel import Answer, Order, answer


def answer_in_processes(images: Sequence[str], order: Order, count: int) -> Iterator[Answer]:
    """Yield what is said of each image, in their order; that many are read at a time.

    An image that takes its process with it is checked once more, alone.
    """
    with _processes(count) as pool:
        futures: list[Future[Answer]] = [pool.submit(answer, image, order) for image in images]
        try:
            for image, future in zip(images, futures, strict=True):
                try:
                    yield future.result()
                except BrokenProcessPool:  # by this image or by another: the pool does not say
                    yield _alone(image, order)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _alone(image: str, order: Order) -> Answer:
    with _processes(1) as pool:
        try:
            return pool.submit(answer, image, order).result()
        except BrokenProcessPool:
            died = ToolFailed(
                f"the process that read {image} died",
                remedy="Check it alone, without --jobs, and report what happens; is there enough memory?",
            )
            return Answer(died)


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
