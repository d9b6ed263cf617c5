"""Several clients of the provider's API for several threads: the session and the tokens inside one are not shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ovh
    import requests


class ClientPool:
    """Stands for an `ovh.Client`: each call has one for itself, with its own connections.

    There are as many as calls ran at the same time: who comes later takes one that is idle, with its tokens and its
    knowledge of the API's clock, and asks for neither again.
    """

    def __init__(self, make: Callable[[], ovh.Client]) -> None:
        """Make the first client at once, so that a wrong configuration is told now."""
        self._make = make
        self._idle = [make()]

    def raw_call(self, method: str, path: str, data: object, need_auth: bool = True) -> requests.Response:
        """Sign and send one request by an idle client, or by a new one."""
        client = self._take()
        try:
            answer: requests.Response = client.raw_call(method, path, data, need_auth)
        finally:
            self._idle.append(client)
        return answer

    def _take(self) -> ovh.Client:
        try:
            return self._idle.pop()  # atomic, as append is
        except IndexError:
            return self._make()
