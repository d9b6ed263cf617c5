"""Errors pass from one process to another without a loss."""

from __future__ import annotations

import pickle

from byoi_tools.errors import ByoiError, ImageUnreadable


def test_an_error_survives_pickle() -> None:
    error = ImageUnreadable("it cannot be read", remedy="Look again.", details="seen")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is ImageUnreadable
    assert (again.message, again.remedy, again.details) == ("it cannot be read", "Look again.", "seen")
    assert isinstance(again, ByoiError)
