"""An SSH server on loopback, by paramiko: one user with one key, commands run by a real shell."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import suppress
from types import TracebackType

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from byoi_tools.model.ssh_address import SshAddress


class SshServer:
    """Lets `user` in with `public_line`, as long as the context lasts; `command` replaces what is asked, if given."""

    def __init__(self, user: str, public_line: str, command: str | None = None) -> None:
        self._user = user
        self._public_line = public_line
        self._command = command
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host_key = paramiko.ECDSAKey.generate(bits=256)
        self.port = int(self._listener.getsockname()[1])
        self.tried: list[str] = []

    @property
    def address(self) -> SshAddress:
        return SshAddress("127.0.0.1", self.port)

    def __enter__(self) -> SshServer:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            with suppress(paramiko.SSHException, OSError, EOFError):  # a client that leaves at once
                transport.start_server(server=_Session(self, self._user, self._public_line, self._command))


class _Session(paramiko.ServerInterface):
    def __init__(self, server: SshServer, user: str, public_line: str, command: str | None) -> None:
        self._server = server
        self._user = user
        self._public_line = public_line
        self._command = command

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.tried.append(username)
        is_right = f"{key.get_name()} {key.get_base64()}" == " ".join(self._public_line.split()[:2])
        return AUTH_SUCCESSFUL if is_right and username == self._user else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._execute, args=(channel, self._command or command.decode()), daemon=True).start()
        return True

    def _execute(self, channel: paramiko.Channel, command: str) -> None:
        done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, stdin=subprocess.DEVNULL)
        channel.sendall(done.stdout)
        channel.send_exit_status(done.returncode)
        channel.close()
