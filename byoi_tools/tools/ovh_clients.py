"""One client of the provider's API for each thread: the session and the tokens inside one are not made to be shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ovh
    import requests


class ClientEachThread:
    """Stands for an `ovh.Client`: each thread that calls it uses its own, with its own connections."""

    def __init__(self, make: Callable[[], ovh.Client]) -> None:
        """Make the client of this thread at once, so that a wrong configuration is told now."""
        self._make = make
        self._own = threading.local()
        self._own.client = make()

    def raw_call(self, method: str, path: str, data: object, need_auth: bool = True) -> requests.Response:
        """Sign and send one request by this thread's client."""
        if not hasattr(self._own, "client"):
            self._own.client = self._make()
        answer: requests.Response = self._own.client.raw_call(method, path, data, need_auth)
        return answer
