"""Attempts to log in, against an SSH server on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.login import Login
from byoi_tools.tools.ssh import KeyPair, generate_key
from tests.ssh_server import SshServer


def begin(port: int, key: KeyPair | None, *users: str) -> Login:
    login = Login(SshAddress("127.0.0.1", port), key, lambda: users, pause_seconds=0.05)
    login.start()
    return login


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_system_is_asked_once_somebody_is_let_in() -> None:
    key = generate_key("run")
    before = time.monotonic()
    with SshServer("ubuntu", key.public_line) as server:
        login = begin(server.port, key, "debian", "ubuntu")
        wait_for(lambda: login.has_succeeded)
    assert login.answer is not None
    assert login.answer.user == "ubuntu"
    assert login.answer.fingerprint == login.fingerprint
    assert login.let_in_at is not None
    assert before < login.let_in_at < time.monotonic()


def test_without_a_key_a_server_that_answers_is_enough() -> None:
    with SshServer("debian", generate_key("somebody's").public_line) as server:
        login = begin(server.port, None)
        wait_for(lambda: login.has_succeeded)
        assert server.tried == []
    assert login.answer is None
    assert login.fingerprint is not None


def test_a_refused_key_and_a_forced_command_are_no_login() -> None:
    key = generate_key("run")
    with SshServer("debian", generate_key("other").public_line) as server:
        login = begin(server.port, key, "debian", "root")
        wait_for(lambda: "refused for debian, root" in login.trouble)
        login.stop()
    assert not login.has_succeeded
    with SshServer("root", key.public_line, command="echo 'Please login as the user debian'") as server:
        login = begin(server.port, key, "root")
        wait_for(lambda: "no shell answers" in login.trouble)
        login.stop()
    assert not login.has_succeeded


def test_silence_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        login = begin(int(unused.getsockname()[1]), generate_key("run"), "debian")
        wait_for(lambda: "(" in login.trouble)
        login.stop()
    assert not login.has_succeeded
    assert "nobody answered" in login.trouble
