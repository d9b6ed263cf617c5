"""Keeps damage in an image, and defects of a reader, from ending more than the fact that was to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from byoi_tools.errors import ImageError, StorageError, ToolError
from byoi_tools.model.fact import Broken, Fact, Known, NotExamined

Value = TypeVar("Value")


def read_guarded(read: Callable[[], Value]) -> Fact[Value]:
    """Return what `read` returns, or why it is not known: damage in the image, or a defect of ours."""
    try:
        return Known(read())
    except (ImageError, ToolError) as error:
        return NotExamined(f"{error.message} ({error.details})" if error.details else error.message)
    except StorageError:  # a remote image that cannot be fetched any more: nothing could be said of the rest either
        raise
    except Exception as defect:  # a defect of the reader must neither end the whole inspection nor pass for absence
        return Broken(f"what reads it broke: {type(defect).__name__}: {defect}")
