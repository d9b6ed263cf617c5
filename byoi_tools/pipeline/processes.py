"""Checks images side by side, in processes of their own."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event

from byoi_tools.errors import Interrupted, ToolFailed
from byoi_tools.pipeline.parallel import Answer, Order, answer

_interrupted = Event()  # of a process that answers: what is queued for it is not begun any more


def answer_in_processes(images: Sequence[str], order: Order, count: int) -> Generator[Answer, None, None]:
    """Yield what is said of each image, in their order; that many are read at a time.

    An image that takes its process with it is checked once more, alone.
    """
    with _processes(count) as pool:
        with _interrupts_waiting():
            futures: list[Future[Answer]] = [pool.submit(_answer, image, order) for image in images]
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
        with _interrupts_waiting():
            future = pool.submit(_answer, image, order)
        try:
            return future.result()
        except BrokenProcessPool:
            died = ToolFailed(
                f"the process that read {image} died",
                remedy="Check it alone, without --jobs, and report what happens; is there enough memory?",
            )
            return Answer(died)


def _answer(image: str, order: Order) -> Answer:
    """Ctrl-C ends the work on an image at once, because unpacking can take long; nothing is left of it."""
    try:
        if not _interrupted.is_set():
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return answer(image, order)
    except KeyboardInterrupt:
        _interrupted.set()
    finally:
        _leave_interrupts_to_the_parent()
    return Answer(Interrupted(f"{image} was not read to its end", remedy="Run the same command again."))


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)


@contextmanager
def _interrupts_waiting() -> Iterator[None]:
    """Hold Ctrl-C back, here and in the processes that are started meanwhile, until they are ready for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
