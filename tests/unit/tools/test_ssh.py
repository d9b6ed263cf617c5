"""The door to SSH, against a server on loopback."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.tools.ssh import (
    SshRefusedError,
    SshSilentError,
    generate_key,
    load_key,
    read_host_key,
    run_script,
)
from tests.ssh_server import SshServer


def nothing() -> None:
    """Nobody listens."""


def keygen_fingerprint(public_line: str, directory: Path) -> str:
    """What ssh-keygen says of a key."""
    path = directory / "key.pub"
    path.write_text(public_line + "\n")
    return subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True).stdout.split()[1]


def test_the_first_user_who_is_let_in_runs_the_script(tmp_path: Path) -> None:
    key = generate_key("a comment")
    times: list[None] = []
    with SshServer("ubuntu", key.public_line) as server:
        answer = run_script(
            server.address, key, ("debian", "ubuntu", "root"), "echo $((6 * 7))", 30, lambda: times.append(None)
        )
        assert server.tried[0] == "debian"
        assert "root" not in server.tried
        host_key = f"{server.host_key.get_name()} {server.host_key.get_base64()}"
    assert (answer.user, answer.output) == ("ubuntu", "42\n")
    assert answer.fingerprint == keygen_fingerprint(host_key, tmp_path)
    assert times == [None]


def test_a_made_key_is_one_line_that_openssh_reads(tmp_path: Path) -> None:
    assert keygen_fingerprint(generate_key("a comment").public_line, tmp_path).startswith("SHA256:")


def test_a_server_that_refuses_everybody_is_told_apart_from_silence(tmp_path: Path) -> None:
    with SshServer("somebody", generate_key("x").public_line) as server:
        with pytest.raises(SshRefusedError, match="debian, root") as refused:
            run_script(server.address, generate_key("y"), ("debian", "root"), "true", 30, nothing)
        assert refused.value.fingerprint == read_host_key(server.address)


def test_a_listener_that_hangs_up_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        listener.settimeout(30)

        def hang_up() -> None:
            listener.accept()[0].close()

        import threading

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(SshSilentError):
            read_host_key(SshAddress("127.0.0.1", port))
    with pytest.raises(SshSilentError):
        read_host_key(SshAddress("127.0.0.1", port))


def test_a_private_key_of_openssh_is_read(tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    key = load_key(path)
    assert key is not None
    assert key.public_line.split()[:2] == path.with_suffix(".pub").read_text().split()[:2]


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe"])
def test_what_is_no_private_key_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "id"
    path.write_bytes(content)
    assert load_key(path) is None
    assert load_key(tmp_path / "absent") is None


def test_a_private_key_with_a_passphrase_is_none(tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", path], check=True)
    assert load_key(path) is None
