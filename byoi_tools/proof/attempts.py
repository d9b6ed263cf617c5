"""Attempts to log in to a system that boots: whom to try, what the system said, and what went wrong at the last."""

from __future__ import annotations

import time
from collections.abc import Callable

from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.proof.guest import CLOUD_INIT_SECONDS, SCRIPT, is_complete
from byoi_tools.tools.ssh import KeyPair, SshAnswer, SshRefusedError, SshSilentError, read_host_key, run_script

# Whom the images of the distributions give the key.
USERS = ("debian", "ubuntu", "almalinux", "rocky", "cloud-user", "centos", "fedora", "arch", "alpine", "root")

_SCRIPT_SECONDS = CLOUD_INIT_SECONDS + 120.0


class Attempts:
    """`answer` is there once somebody was let in and answered; `trouble` says what happened at the last attempt.

    `let_in_at` is the time of the last login by the monotonic clock; `place` is what `trouble` calls the address.

    Without a key nobody can be let in: then `fingerprint` alone tells that an SSH server answers.
    """

    def __init__(
        self, address: SshAddress, key: KeyPair | None, users: Callable[[], tuple[str, ...]], *, place: str
    ) -> None:
        self._address = address
        self._key = key
        self._users = users
        self._place = place
        self.let_in_at: float | None = None
        self.answer: SshAnswer | None = None
        self.fingerprint: str | None = None
        self.trouble = f"nobody answered at {place}"

    @property
    def has_succeeded(self) -> bool:
        """Tell whether all was learned that can be."""
        return self.answer is not None or (self._key is None and self.fingerprint is not None)

    def attempt(self) -> None:
        """Try once; what was learned before is replaced by what is learned now."""
        try:
            self._try()
        except SshSilentError as silent:
            if self.fingerprint is None:
                self.trouble = f"nobody answered at {self._place} ({silent})"
        except SshRefusedError as refused:
            self.fingerprint = refused.fingerprint
            self.trouble = f"an SSH server answers, but {refused}"

    def _try(self) -> None:
        if self._key is None:
            self.fingerprint = read_host_key(self._address)
            self._note_login()
            return
        answer = run_script(self._address, self._key, self._users(), SCRIPT, _SCRIPT_SECONDS, self._note_login)
        self.fingerprint = answer.fingerprint
        if is_complete(answer.output):
            self.answer = answer
        else:
            self.let_in_at = None
            self.trouble = f"{answer.user} is let in, but no shell answers: {answer.output.strip()[:200]!r}"

    def _note_login(self) -> None:
        self.let_in_at = time.monotonic()
