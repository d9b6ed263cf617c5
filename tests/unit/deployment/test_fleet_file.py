"""The file of a fleet: what the page shows is one, and what is wrong is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoi_tools.deployment.fleet_file import read_fleet_file
from byoi_tools.deployment.user_data_template import fill
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode

PAGE = (Path(__file__).parents[3] / "docs/deploying.md").read_text()


def test_the_example_of_the_page(tmp_path: Path) -> None:
    (example,) = [
        block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("[defaults]")
    ]
    path = tmp_path / "fleet.toml"
    path.write_text(example)
    first, second = read_fleet_file(path)
    assert (first.name, first.hostname, first.user_data) == ("ns1234567.ip-192-0-2.eu", "web-1", tmp_path / "web.yaml")
    assert first.metadata == (("role", "web"),)
    assert first.values is not None
    assert (first.values["domain"], first.values["hostname"]) == ("example.net", "web-1")
    assert (second.boot, second.disk_group_id) == (BootMode.UEFI, 2)
    assert second.values is not None
    assert (second.values["domain"], second.values["rack"]) == ("example.org", "12")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no [[server]]"),
        ("server = 3", "no [[server]]"),
        ("[[server]]\nname = 'a'\n[[server]]\nname = 'a'\n", "a more than once"),
        ("[[server]]\nname = ''\n", "has no name"),
        ("[[server]]\nname = 'a\\u0007'\n".replace("'", '"'), "has no name"),
        ("[[servers]]\nname = 'a'\n", "'servers'"),
        ("[defaults]\nhostname = 'a'\n[[server]]\nname = 'a'\n", "'hostname'"),
        ("[[server]]\nname = 'a'\ntemplate = 'no'\n", "template"),
        ("[[server]]\nname = 'a'\nmetadata = { a = [1] }\n", "metadata"),
        ("[[server]]\nname = 'a'\ndisk-group = -1\n", "disk-group"),
        ("[[server]]\nname = 'a'\nssh-key = 1\n", "ssh-key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as wrong:
        read_fleet_file(path)
    assert named in str(wrong.value.details)


def test_a_template_is_filled_verbatim_and_once() -> None:
    values = {"a": "{{b}}", "b": "'\"\\"}
    assert fill(b"{{a}} {{ b }} {b} }}{{b}}", values, "ns1", "x") == b"{{b}} '\"\\ {b} }}'\"\\"
    assert fill(b"\x1f\x8b no text", values, "ns1", "x") == b"\x1f\x8b no text"


@pytest.mark.parametrize("control", ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028", "\ud800"])
def test_a_value_with_control_characters_is_refused(control: str) -> None:
    with pytest.raises(UsageError, match="control characters"):
        fill(b"{{a}}", {"a": f"x{control}y"}, "ns1", "x")


@pytest.mark.parametrize("template", [b"{{}}", b"{{ c }}", b"{{a.b}}", b"{{a\n}} {{ds.meta_data.x}}"])
def test_a_placeholder_without_a_value_is_named(template: bytes) -> None:
    with pytest.raises(UsageError, match="no such value"):
        fill(template, {"a": "1"}, "ns1", "x")


def test_a_template_has_to_be_text() -> None:
    with pytest.raises(UsageError, match="no UTF-8"):
        fill(b"\xff{{a}}", {"a": "1"}, "ns1", "x")
