"""The door to `paramiko`: keys, host keys, and one script run on a machine that has just booted."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.errors import ToolMissing
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.ssh_address import SshAddress

if TYPE_CHECKING:
    import paramiko

_CONNECT_SECONDS = 10.0
_GREETING_SECONDS = 30.0
_HANDSHAKE_SECONDS = 60.0
_LARGEST_OUTPUT = 1 << 20
# What OpenSSH makes at its first start: the server shows the one that the client asks for.
_HOST_KEY_KINDS = (("ssh-ed25519",), ("ecdsa-sha2-nistp256",), ("rsa-sha2-512", "rsa-sha2-256"))


class SshSilentError(Exception):
    """Nobody answered as an SSH server does, or the connection broke."""


class SshRefusedError(Exception):
    """A server answered and let none of the users in; `fingerprint` is that of its host key."""

    def __init__(self, fingerprint: str, users: tuple[str, ...]) -> None:
        super().__init__(f"the key is refused for {', '.join(users)}")
        self.fingerprint = fingerprint


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key to log in with, and its public half as one line in OpenSSH's format."""

    public_line: str
    _private: paramiko.PKey


@dataclass(frozen=True, slots=True)
class SshAnswer:
    """Who was let in, the server's host key (`SHA256:...`), and what the script wrote."""

    user: str
    fingerprint: str
    output: str


def generate_key(comment: str) -> KeyPair:
    """Make a key (ECDSA, NIST P-256) that exists in memory alone; raises `ToolMissing` without paramiko."""
    require_ssh()
    import paramiko

    key = paramiko.ECDSAKey.generate(bits=256)
    return KeyPair(f"{key.get_name()} {key.get_base64()} {comment}", key)


def load_key(path: Path) -> KeyPair | None:
    """Read a private key; None when it is none, has a passphrase, or cannot be read."""
    require_ssh()
    import paramiko

    try:
        key = paramiko.PKey.from_path(path)
    except (OSError, ValueError, TypeError, paramiko.SSHException):
        return None
    return KeyPair(f"{key.get_name()} {key.get_base64()}", key)


def require_ssh() -> None:
    """Raise `ToolMissing` unless paramiko is installed."""
    try:
        import paramiko  # noqa: F401
    except ImportError as missing:
        raise ToolMissing(
            "paramiko, which logs in over SSH, is not installed", remedy="pip install paramiko."
        ) from missing


def read_host_key(address: SshAddress, kinds: tuple[str, ...] = ()) -> str:
    """Return the fingerprint of an SSH server, of its preferred key or of one of those kinds.

    Raises `SshSilentError`, also when it has no key of these kinds.
    """
    transport = _connect(address, kinds)
    try:
        return _fingerprint(transport)
    finally:
        transport.close()


def read_host_keys(address: SshAddress) -> tuple[str, ...]:
    """Return the fingerprints of all usual host keys of an SSH server; none where nobody answers."""
    found = []
    for kinds in ((), *_HOST_KEY_KINDS):
        try:
            found.append(read_host_key(address, kinds))
        except SshSilentError:
            if not found:
                return ()
    return tuple(dict.fromkeys(found))


def run_script(
    address: SshAddress, key: KeyPair, users: Iterable[str], script: str, seconds: float, on_login: Callable[[], None]
) -> SshAnswer:
    """Run a shell script as the first of the users whom the server on a loopback port lets in.

    `on_login` is called when somebody is let in. The host key is not judged here: the caller knows what it should be.
    Raises `SshSilentError` or `SshRefusedError`.
    """
    import paramiko

    tried: list[str] = []
    fingerprint = ""
    for user in users:
        transport = _connect(address)
        try:
            fingerprint = _fingerprint(transport)
            tried.append(user)
            transport.auth_publickey(user, key._private)
            on_login()
            return SshAnswer(user, fingerprint, _run(transport, script, seconds))
        except paramiko.AuthenticationException:
            continue
        except (paramiko.SSHException, OSError, EOFError) as broken:
            raise SshSilentError(str(broken)) from broken
        finally:
            transport.close()
    raise SshRefusedError(fingerprint, tuple(tried))


def _connect(address: SshAddress, kinds: tuple[str, ...] = ()) -> paramiko.Transport:
    import paramiko

    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what fails here is an answer, and no news
    try:
        connection = socket.create_connection((address.host, address.port), _CONNECT_SECONDS)
    except (OSError, UnicodeError) as failure:
        raise SshSilentError(str(failure)) from failure
    # QEMU accepts for a guest that does not listen: only the server's own greeting is an answer.
    transport = paramiko.Transport(connection)
    transport.banner_timeout = _GREETING_SECONDS
    transport.auth_timeout = _HANDSHAKE_SECONDS
    try:
        if kinds:
            transport.get_security_options().key_types = kinds
        transport.start_client(timeout=_HANDSHAKE_SECONDS)
    except (paramiko.SSHException, OSError, EOFError, ValueError) as silent:
        transport.close()
        raise SshSilentError(str(silent)) from silent
    return transport


def _fingerprint(transport: paramiko.Transport) -> str:
    digest = hashlib.sha256(transport.get_remote_server_key().asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _run(transport: paramiko.Transport, script: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    channel = transport.open_session(timeout=_HANDSHAKE_SECONDS)
    channel.exec_command(script)
    channel.shutdown_write()
    output = b""
    while len(output) < _LARGEST_OUTPUT and time.monotonic() < deadline:
        channel.settimeout(max(deadline - time.monotonic(), 0.1))
        chunk = channel.recv(65536)
        if not chunk:
            break
        output += chunk
    return output.decode(errors="replace")
