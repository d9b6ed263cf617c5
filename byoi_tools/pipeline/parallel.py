"""Checks several images, one after the other or in processes of their own; the answers come in the images' order."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from byoi_tools.errors import ByoiError, ImageError, StorageError, ToolError
from byoi_tools.model.dataclass import dataclass
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
class Answer:
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
) -> Generator[Report | ImageError | StorageError | ToolError, None, None]:
    """Yield for each image, named as a user does, its report, or why it has none; `jobs` of them are read at a time.

    One image that breaks does not stop the others, not even when it takes its process with it. Raises `UsageError` as
    soon as an image has one: whatever is wrong with the order is wrong for all.
    """
    if jobs == 1 or len(images) == 1:
        answers = _one_by_one(images, order, observer)
    else:
        from byoi_tools.pipeline.processes import answer_in_processes

        answers = answer_in_processes(images, order, min(jobs, len(images)))
    with closing(answers):  # an error must not leave processes behind
        for answer in answers:
            for warning in answer.warnings:
                observer.warned(warning)
            for note in answer.notes:
                observer.noted(note)
            if isinstance(answer.result, Report | ImageError | StorageError | ToolError):
                yield answer.result
            else:
                raise answer.result


def _one_by_one(images: Sequence[str], order: Order, observer: Observer) -> Generator[Answer, None, None]:
    return (Answer(_check(image, order, observer)) for image in images)


def answer(image: str, order: Order) -> Answer:
    """What checking one image gives, and what an observer would have heard meanwhile."""
    heard = _Heard()
    result = _check(image, order, heard)
    return Answer(result, tuple(heard.warnings), tuple(heard.notes))


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
