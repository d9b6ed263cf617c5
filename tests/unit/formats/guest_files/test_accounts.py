"""passwd, shadow, group and sudoers as their manual pages describe them."""

from __future__ import annotations

import pytest

from byoi_tools.formats.guest_files.accounts import (
    count_authorized_keys,
    parse_accounts,
    parse_groups,
    parse_passwordless_rules,
)
from byoi_tools.model.guest.identity import PasswordState


@pytest.mark.parametrize(
    ("own", "shadow", "state"),
    [
        ("x", "root:*:19000:0:99999:7:::\n", PasswordState.LOCKED),
        ("x", "root:!:19000::::::\n", PasswordState.LOCKED),
        ("x", "root:!!:19000::::::\n", PasswordState.LOCKED),
        ("x", "root:!$6$salt$hash:19000::::::\n", PasswordState.LOCKED),  # usermod -L
        ("x", "root:*NP*:19000::::::\n", PasswordState.LOCKED),
        ("x", "root::19000::::::\n", PasswordState.EMPTY),
        ("x", "root:$y$j9T$salt$hash:19000::::::\n", PasswordState.SET),
        ("x", "daemon:*:19000::::::\n", PasswordState.LOCKED),
        ("x", None, PasswordState.LOCKED),
        ("", "root:$6$a$b:1::::::\n", PasswordState.EMPTY),
        ("$1$salt$hash", None, PasswordState.SET),
        ("*", None, PasswordState.LOCKED),
    ],
)
def test_the_state_of_a_password(own: str, shadow: str | None, state: PasswordState) -> None:
    (account,) = parse_accounts(f"root:{own}:0:0:root:/root:/bin/bash\n", shadow)
    assert (account.name, account.user_id, account.home, account.password) == ("root", 0, "/root", state)


def test_wrong_lines_are_left_out() -> None:
    wrong = ("", "#comment", "root:x:0:0", "+::::::", "x:x:-1:0:::", "x:x:1e3:0:::", "x:x:٣:0:::", ":x:1:1::/:/bin/sh")
    passwd = "\n".join([*wrong, "ok:x:5:5:::/bin/sh\r", ""])
    assert [(a.name, a.shell) for a in parse_accounts(passwd, None)] == [("ok", "/bin/sh")]


@pytest.mark.parametrize(
    ("shell", "can_log_in"),
    [("/bin/bash", True), ("", True), ("/usr/sbin/nologin", False), ("/bin/false", False), ("/bin/sync", False)],
)
def test_who_can_log_in(shell: str, can_log_in: bool) -> None:
    (account,) = parse_accounts(f"name:x:1000:1000::/home/name:{shell}\n", None)
    assert account.can_log_in is can_log_in
    assert account.is_person


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("packer ALL=(ALL) NOPASSWD:ALL\n", ["packer"]),
        ("packer\tALL=(ALL:ALL) NOPASSWD : ALL", ["packer"]),
        ("%wheel ALL=(ALL) NOPASSWD: ALL\n", ["%wheel"]),
        ("ALL ALL=(ALL) NOPASSWD: ALL\n", ["ALL"]),
        ("web ALL = NOPASSWD: /usr/bin/systemctl restart web\n", ["web"]),
        ("packer ALL=(ALL) \\\n  NOPASSWD: ALL\n", ["packer"]),
        ("# packer ALL=(ALL) NOPASSWD:ALL\n", []),
        ("root ALL=(ALL:ALL) ALL # NOPASSWD: no\n", []),
        ("Defaults!/x NOPASSWD: y = NOPASSWD:\n@includedir /etc/sudoers.d\n", []),
        ("Cmnd_Alias X = NOPASSWD: ALL\n", []),
    ],
)
def test_rules_without_a_password(text: str, who: list[str]) -> None:
    assert [rule.who for rule in parse_passwordless_rules(text)] == who


def test_a_continued_rule_has_the_line_where_it_begins() -> None:
    text = "Defaults env_reset\n\npacker ALL=(ALL) \\\nNOPASSWD: ALL\nother ALL=NOPASSWD:ALL"
    assert [(rule.who, rule.line) for rule in parse_passwordless_rules(text)] == [("packer", 3), ("other", 5)]


def test_groups_and_keys() -> None:
    assert parse_groups("wheel:x:10:a,b\nempty:x:11:\nbroken:x\n") == {"wheel": ("a", "b"), "empty": ()}
    assert count_authorized_keys("# a comment\n\nssh-ed25519 AAAA a\n  \nrestrict ssh-rsa AAAA b\n") == 2
