"""Checks several images, one after the other or in processes of their own; the answers come in the images' order."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from byoi_tools.errors import ByoiError, ImageError, StorageError, ToolError, ToolFailed
from byoi_tools.model.finding import Report
from byoi_tools.model.image import ImageType
from byoi_tools.model.location import parse_location
from byoi_tools.model.observer import Observer
from byoi_tools.pipeline.checking import Rules, check_location


@dataclass(frozen=True, slots=True)
class Order:
    """What each image is checked for."""

    rules: Rules
    loader_path: str | None
    image_type: ImageType | None
    user_data: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a process says of one image, and what it would have told an observer: warnings, and notes."""

    result: Report | ByoiError
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Heard(Observer):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)

    def noted(self, message: str) -> None:
        self.notes.append(message)


def check_images(
    images: Sequence[str], order: Order, jobs: int, observer: Observer
) -> Iterator[Report | ImageError | StorageError | ToolError]:
    """Yield for each image, named as a user does, its report, or why it has none; `jobs` of them are read at a time.

    One image that breaks does not stop the others, not even when it takes its process with it. Raises `UsageError` as
    soon as an image has one: whatever is wrong with the order is wrong for all.
    """
    answers = (
        _one_by_one(images, order, observer) if jobs == 1 or len(images) == 1 else _side_by_side(images, order, jobs)
    )
    for answer in answers:
        for warning in answer.warnings:
            observer.warned(warning)
        for note in answer.notes:
            observer.noted(note)
        if isinstance(answer.result, Report | ImageError | StorageError | ToolError):
            yield answer.result
        else:
            raise answer.result


def _one_by_one(images: Sequence[str], order: Order, observer: Observer) -> Iterator[_Answer]:
    return (_Answer(_check(image, order, observer)) for image in images)


def _side_by_side(images: Sequence[str], order: Order, jobs: int) -> Iterator[_Answer]:
    with _processes(min(jobs, len(images))) as pool:
        futures: list[Future[_Answer]] = [pool.submit(_answer, image, order) for image in images]
        try:
            for image, future in zip(images, futures, strict=True):
                try:
                    yield future.result()
                except BrokenProcessPool:  # by this image or by another: the pool does not say
                    yield _alone(image, order)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _alone(image: str, order: Order) -> _Answer:
    with _processes(1) as pool:
        try:
            return pool.submit(_answer, image, order).result()
        except BrokenProcessPool:
            died = ToolFailed(
                f"the process that read {image} died",
                remedy="Check it alone, without --jobs, and report what happens; is there enough memory?",
            )
            return _Answer(died)


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(image: str, order: Order) -> _Answer:
    heard = _Heard()
    result = _check(image, order, heard)
    return _Answer(result, tuple(heard.warnings), tuple(heard.notes))


def _check(image: str, order: Order, observer: Observer) -> Report | ByoiError:
    try:
        return check_location(
            parse_location(image),
            order.rules,
            order.loader_path,
            order.image_type,
            observer,
            user_data=order.user_data,
        )
    except ByoiError as error:
        return error
