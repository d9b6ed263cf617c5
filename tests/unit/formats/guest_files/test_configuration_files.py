"""Small formats of /etc: sections and keys, shell assignments, interfaces(5), sshd_config(5)."""

from __future__ import annotations

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.formats.guest_files.ifupdown import read_interfaces
from byoi_tools.formats.guest_files.section_file import Setting, read_section_file
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.formats.guest_files.sshd_config import SshdLine, read_sshd_config

UNIT = """\
# comment
[Match]
Name=en* eth*
; another
[Address]
Address = 10.0.0.1/24
[Address]
Address=10.0.0.2/24
[Service]
ExecStart=/bin/a \\
  # a comment does not end it
  --any
ExecStart=
"""


def test_sections_and_keys_may_repeat() -> None:
    file = read_section_file(UNIT)
    assert file.values("Address", "Address") == ("10.0.0.1/24", "10.0.0.2/24")
    assert file.last("Match", "Name") == "en* eth*"
    assert file.last("match", "Name") == ""
    assert file.of("Match") == (Setting("Match", "Name", "en* eth*", 3),)


def test_a_backslash_joins_lines_over_comments_as_in_units() -> None:
    assert read_section_file(UNIT).values("Service", "ExecStart") == ("/bin/a  --any", "")


ASSIGNMENTS = """\
# ENABLED=no
ENABLED=yes
export ZONE="public zone" # comment
LAST=1
LAST='2'
BARE=a#b;c
not an assignment
EMPTY=
 INDENTED=1
"""


def test_assignments_are_those_that_a_shell_makes() -> None:
    found = read_shell_assignments(ASSIGNMENTS)
    assert found == {"ENABLED": "yes", "ZONE": "public zone", "LAST": "2", "BARE": "a", "EMPTY": "", "INDENTED": "1"}
    lines = [line for line in ASSIGNMENTS.splitlines() if not line.startswith(("not", "BARE"))]
    script = "\n".join([*lines, 'echo "$ENABLED|$ZONE|$LAST|$EMPTY|$INDENTED"'])
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "|".join(found[name] for name in ("ENABLED", "ZONE", "LAST", "EMPTY", "INDENTED"))


def test_nothing_is_expanded() -> None:
    assert read_shell_assignments('A="$(reboot)"\nB=`id`\n') == {"A": "$(reboot)", "B": "`id`"}


INTERFACES = """\
source /etc/network/interfaces.d/*
auto lo eth0
iface lo inet loopback
# comment
allow-hotplug /en*=lan
iface eth0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    dns-nameservers 192.0.2.53 \\
        192.0.2.54
iface lan inet dhcp
auto eth1
    address 10.0.0.1
"""


def test_interfaces() -> None:
    file = read_interfaces(INTERFACES)
    assert [(one.name, one.method, one.line) for one in file.stanzas] == [
        ("lo", "loopback", 3),
        ("eth0", "static", 6),
        ("lan", "dhcp", 11),
    ]
    assert file.started == ("lo", "eth0", "/en*=lan", "eth1")
    assert file.sources == (("source", "/etc/network/interfaces.d/*"),)
    assert file.stanzas[1].option("address") == "192.0.2.10/24"
    assert file.stanzas[1].option("dns-nameservers") == "192.0.2.53 192.0.2.54"
    assert file.stanzas[2].option("address") == ""


SSHD = """\
Include /etc/ssh/sshd_config.d/*.conf "other file"
port 22 # comment
PermitRootLogin=no
PasswordAuthentication = no
Match User git
    PasswordAuthentication yes
Match all
    X11Forwarding yes
"""


def test_lines_of_sshd_config() -> None:
    assert read_sshd_config(SSHD) == (
        SshdLine("include", ("/etc/ssh/sshd_config.d/*.conf", "other file"), False, 1),
        SshdLine("port", ("22",), False, 2),
        SshdLine("permitrootlogin", ("no",), False, 3),
        SshdLine("passwordauthentication", ("no",), False, 4),
        SshdLine("passwordauthentication", ("yes",), True, 6),
        SshdLine("x11forwarding", ("yes",), False, 8),
    )


def test_a_file_that_a_match_block_includes_is_conditional_in_all_its_lines() -> None:
    assert [line.is_conditional for line in read_sshd_config("Port 1\nMatch all\nPort 2\n", is_conditional=True)] == [
        True,
        True,
    ]


@given(st.text(max_size=200))
def test_no_text_breaks_them(text: str) -> None:
    read_section_file(text)
    read_shell_assignments(text)
    read_interfaces(text)
    read_sshd_config(text)
