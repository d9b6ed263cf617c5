"""The provider's API for a fleet: what does not depend on the server is asked for once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlencode

from byoi_tools.tools.ovh.api import Client, Json, OvhApi

_OF_ONE_SERVER = "/dedicated/server/"


class RememberingApi(OvhApi):
    """An `OvhApi` that keeps the answers about credentials and templates, and no errors; any thread may use it."""

    def __init__(
        self,
        client: Client,
        endpoint: str = "",
        before_each: Callable[[str], None] | None = None,
        *,
        has_application_key: bool = True,
    ) -> None:
        super().__init__(client, endpoint, before_each, has_application_key=has_application_key)
        self._lock = threading.Lock()
        self._answers: dict[str, Json] = {}

    def get(self, path: str, **query: str) -> Json:
        """GET a route, or return what an earlier GET of it was answered; a server's routes are asked each time."""
        if path.startswith(_OF_ONE_SERVER):
            return super().get(path, **query)
        key = f"{path}?{urlencode(query)}"
        with self._lock:
            if key not in self._answers:
                self._answers[key] = super().get(path, **query)
            return self._answers[key]
