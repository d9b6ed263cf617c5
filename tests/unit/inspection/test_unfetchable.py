"""A remote image that cannot be fetched any more, at whatever place, raises: nothing may pass for absent or damaged."""

from __future__ import annotations

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.inspection.inspect import inspect_source
from fixtures.tiny.good import good_raw


class Failing:
    """Content of which one read fails, the one of that number."""

    def __init__(self, content: bytes, failing: int) -> None:
        self._content = content
        self._failing = failing
        self.reads = 0

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        if self.reads == self._failing:
            raise StorageError("the network is gone", remedy="Wait.")
        return self._content[offset : offset + length]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("image") / "good.raw"
    good_raw(path)
    return path.read_bytes()


def test_no_place_is_passed_over(content: bytes) -> None:
    whole = Failing(content, 0)
    inspect_source(whole, "image", len(content))
    assert whole.reads > 50
    for failing in [*range(1, whole.reads - 15, 4), *range(whole.reads - 15, whole.reads + 1)]:
        with pytest.raises(StorageError, match="gone"):
            inspect_source(Failing(content, failing), "image", len(content))
