"""Reads the SSH server of a guest: its program, the units that start it, its effective configuration, its host keys."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from byoi_tools.formats.guest_files.sshd_config import SshdLine, read_sshd_config
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.ssh import SshServer, SshSettings, SshSetup

_CONFIGS = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config")  # the second is SUSE's
_OPENSSH = ("/usr/sbin/sshd", "/usr/bin/sshd")
_OTHERS = ("/usr/sbin/dropbear", "/usr/sbin/tinysshd")
_UNITS = ("ssh.service", "ssh.socket", "sshd.service", "sshd.socket", "dropbear.service", "tinyssh.socket")
_KEY_MAKERS = re.compile(r"(sshd?-?keygen|sshdgenkeys|ssh.*(host)?.?keys?|regenerate.*ssh)", re.I)
_KEY_MAKER_TARGET = "sshd-keygen.target"
_KEY_MAKING_SCRIPTS = ("/etc/init.d/sshd", "/etc/rc.d/sshd")  # Alpine's and FreeBSD's make missing keys
_LIMIT_DEPTH = 16
_LIMIT_LINES = 10_000
_LIMIT_INCLUDES = 500
_DEFAULT_PORT = 22


def read_ssh(context: GuestContext) -> SshSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    units = Units(tree)
    openssh = next((path for path in _OPENSSH if tree.is_file(path)), None)
    program = openssh or next((path for path in _OTHERS if tree.is_file(path)), None)
    return SshSetup(
        server=None if program is None else _server(tree, units, program),
        settings=None if openssh is None else _settings(tree),
        host_keys=tuple(path for path in tree.glob("/etc/ssh", "ssh_host_*_key") if tree.is_file(path)),
        key_maker=_key_maker(tree, units),
    )


def _server(tree: GuestTree, units: Units, program: str) -> SshServer:
    enabled = units.first_enabled(*_UNITS)
    if enabled is not None:
        return SshServer(program, is_enabled=True, state=str(enabled))
    if tree.is_file("/etc/rc.d/sshd") and re.search(
        r'^\s*sshd_enable="?yes', tree.read_text("/etc/rc.conf") or "", re.I | re.M
    ):
        return SshServer(program, is_enabled=True, state="sshd_enable in /etc/rc.conf")
    known = [unit for unit in map(units.unit, _UNITS) if unit.is_masked or unit.is_installed]
    return SshServer(program, is_enabled=False, state=str(known[0]) if known else "no unit starts it")


def _key_maker(tree: GuestTree, units: Units) -> str:
    """The first unit that a boot starts, or that the server's unit wants, whose name says that it makes host keys."""
    names = [name for name in units.started_names() if _KEY_MAKERS.search(name) and name not in _UNITS]
    wanted = [_KEY_MAKER_TARGET] if any(_KEY_MAKER_TARGET in units.text(name) for name in _UNITS) else []
    for name in [*names, *wanted, "sshdgenkeys.service"]:
        unit = units.unit(name)
        if unit.is_installed and (unit.started_by or name in wanted or name in units.text("sshd.service")):
            return name
    if any(re.search(r"ExecStartPre=.*(ssh-keygen\s+-A|keygen)", units.text(name)) for name in _UNITS[:3]):
        return "ExecStartPre of the server's unit"
    return next((path for path in _KEY_MAKING_SCRIPTS if "keygen" in (tree.read_text(path, 65536) or "")), "")


def _settings(tree: GuestTree) -> SshSettings:
    """The first value of each keyword counts, but all of Port, ListenAddress, AllowUsers and AllowGroups."""
    first: dict[str, tuple[SshdLine, str]] = {}
    every: dict[str, list[str]] = {}
    for line, path in _lines(tree):
        if not line.is_conditional:
            every.setdefault(line.keyword, []).extend(line.arguments)
            first.setdefault(line.keyword, (line, path))

    def value(keyword: str, default: str) -> str:
        line = first.get(keyword)
        return line[0].arguments[0].lower() if line and line[0].arguments else default

    root = value("permitrootlogin", "prohibit-password")
    ports = [int(word) for word in every.get("port", []) if word.isdecimal() and int(word[:6]) < 65536]
    return SshSettings(
        ports=tuple(ports) or (_DEFAULT_PORT,),
        listen_addresses=tuple(word for word in every.get("listenaddress", []) if word != "rdomain"),
        permit_root_login="prohibit-password" if root == "without-password" else root,
        has_passwords=value("passwordauthentication", "yes") != "no",
        has_public_keys=value("pubkeyauthentication", "yes") != "no",
        permits_empty_passwords=value("permitemptypasswords", "no") == "yes",
        allowed_users=tuple(every.get("allowusers", [])),
        allowed_groups=tuple(every.get("allowgroups", [])),
        places=tuple((keyword, f"{path} line {line.line}") for keyword, (line, path) in first.items()),
    )


def _lines(tree: GuestTree) -> Iterator[tuple[SshdLine, str]]:
    path = next((path for path in _CONFIGS if tree.is_file(path)), None)
    if path is None:
        return
    yield from itertools.islice(_Includes(tree).lines_of(path, is_conditional=False, depth=0), _LIMIT_LINES)


class _Includes:
    """Follows Include lines, as many as a server's configuration may have at most."""

    def __init__(self, tree: GuestTree) -> None:
        self._tree = tree
        self._left = _LIMIT_INCLUDES

    def lines_of(self, path: str, *, is_conditional: bool, depth: int) -> Iterator[tuple[SshdLine, str]]:
        """The lines of a file, those of included files in their place (sshd_config(5), Include)."""
        for line in read_sshd_config(self._tree.read_text(path) or "", is_conditional=is_conditional):
            if line.keyword != "include":
                yield line, path
                continue
            for included in self._files(line) if depth < _LIMIT_DEPTH else ():
                yield from self.lines_of(included, is_conditional=line.is_conditional, depth=depth + 1)

    def _files(self, line: SshdLine) -> list[str]:
        found: list[str] = []
        for word in line.arguments:
            if self._left > 0:
                self._left -= 1
                directory, _, name = (word if word.startswith("/") else f"/etc/ssh/{word}").rpartition("/")
                found += self._tree.glob(directory, name)[: self._left]
        self._left -= len(found)
        return found
