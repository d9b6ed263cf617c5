"""Reads the firewalls that a boot starts, as far as to tell which TCP ports they let in."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.network import Firewall

_NFTABLES_FILES = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/nftables.nft")
_IPTABLES_FILES = {
    "netfilter-persistent.service": "/etc/iptables/rules.v4",
    "iptables.service": "/etc/sysconfig/iptables",
    "iptables-openrc.service": "/etc/iptables/rules-save",
}
_SERVICES = {"ssh": "22", "0-65535": "any"}
_CHAIN = re.compile(r"\bchain\s+\S{1,64}\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_POLICY = re.compile(r"\bhook\s+input\b[^;]*;\s*policy\s+drop\b")
_PORTS = re.compile(r"\bdport\s+(\{[^{}]{0,1000}\}|[^\s;{}]+)")
_LIMIT_BYTES = 256 * 1024
_LIMIT_LINES = 5000


def read_firewalls(tree: GuestTree, units: Units) -> tuple[Firewall, ...]:
    """Return the enabled ones of nftables, ufw, firewalld and iptables; one that cannot be read accepts everything."""
    found = [_nftables(tree, units), _ufw(tree, units), _firewalld(tree, units), _iptables(tree, units)]
    return tuple(one for one in found if one is not None)


def _nftables(tree: GuestTree, units: Units) -> Firewall | None:
    if not units.unit("nftables.service").is_enabled:
        return None
    for path in _NFTABLES_FILES:
        text = tree.read_text(path, _LIMIT_BYTES)
        if text is not None:
            code = "\n".join(line.partition("#")[0] for line in text.splitlines()[:_LIMIT_LINES])
            inputs = [body for body in _CHAIN.findall(code) if re.search(r"\bhook\s+input\b", body)]
            return Firewall(
                "nftables",
                path,
                drops=any(_POLICY.search(body) or _ends_with_drop(body) for body in inputs),
                accepted=tuple(_nft_ports(code)),
                is_understood=not re.search(r"^\s*include\b|\bdport\s+(vmap|@|\$)|\bvmap\b", code, re.M),
            )
    return None


def _ends_with_drop(body: str) -> bool:
    statements = [line.strip(" \t;") for line in body.splitlines() if line.strip(" \t;")]
    return bool(statements) and re.fullmatch(r"(counter )?(drop|reject.*)", statements[-1]) is not None


def _nft_ports(code: str) -> list[str]:
    ports: list[str] = []
    for line in code.splitlines():
        if re.search(r"\baccept\b", line):
            for written in _PORTS.findall(line):
                ports += [_service(word.strip()) for word in written.strip("{} ").split(",")]
    return ports


def _ufw(tree: GuestTree, units: Units) -> Firewall | None:
    settings = read_shell_assignments(tree.read_text("/etc/ufw/ufw.conf") or "")
    if settings.get("ENABLED", "").lower() != "yes" or not units.unit("ufw.service").is_enabled:
        return None
    defaults = read_shell_assignments(tree.read_text("/etc/default/ufw") or "")
    ports: list[str] = []
    for line in (tree.read_text("/etc/ufw/user.rules", _LIMIT_BYTES) or "").splitlines()[:_LIMIT_LINES]:
        words = line.split()
        if words[:3] == ["###", "tuple", "###"] and len(words) > 5 and words[3] in ("allow", "limit"):
            ports += [_service(word) for word in words[5].split(",")] if words[4] in ("tcp", "any") else []
    drops = defaults.get("DEFAULT_INPUT_POLICY", "DROP").upper() != "ACCEPT"
    return Firewall("ufw", "/etc/ufw/user.rules", drops, tuple(ports), is_understood=True)


def _firewalld(tree: GuestTree, units: Units) -> Firewall | None:
    if not units.unit("firewalld.service").is_enabled:
        return None
    zone = read_shell_assignments(tree.read_text("/etc/firewalld/firewalld.conf") or "").get("DefaultZone") or "public"
    if "/" in zone:
        return None
    for directory in ("/etc/firewalld/zones", "/usr/lib/firewalld/zones"):
        text = tree.read_text(f"{directory}/{zone}.xml", 65536)
        if text is not None:
            services = re.findall(r"""<service\s+name=["']([\w-]{1,64})["']""", text)
            ports = re.findall(r"""<port\s[^>]*port=["']([0-9-]{1,16})["']""", text)
            is_open = re.search(r"""<zone\s[^>]*target=["']ACCEPT["']""", text) is not None
            accepted = [_service(name) for name in services] + ports + (["any"] if is_open else [])
            return Firewall("firewalld", f"{directory}/{zone}.xml", True, tuple(accepted), is_understood=True)
    return None


def _iptables(tree: GuestTree, units: Units) -> Firewall | None:
    path = next((path for unit, path in _IPTABLES_FILES.items() if units.unit(unit).is_enabled), None)
    text = tree.read_text(path, _LIMIT_BYTES) if path is not None else None
    if path is None or text is None:
        return None
    drops, accepted = False, []
    for line in text.splitlines()[:_LIMIT_LINES]:
        if re.match(r":INPUT\s+DROP\b|-A INPUT -j (DROP|REJECT)\b", line):
            drops = True
        elif line.startswith("-A ") and re.search(r"-j\s+ACCEPT\b", line):
            if re.fullmatch(r"-A INPUT -j ACCEPT\s*", line) and not drops:
                accepted.append("any")
            for written in re.findall(r"--dports?\s+(\S+)", line):
                accepted += [_service(word) for word in written.split(",")]
    return Firewall("iptables", path, drops, tuple(accepted), is_understood=True)


def _service(word: str) -> str:
    return _SERVICES.get(word, word)
