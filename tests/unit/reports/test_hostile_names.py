"""Names that an image brings along disturb no output: terminal, pipe, JSON, markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from byoi_tools.model.finding import Severity
from byoi_tools.reports.markdown import Page, escape_markdown, render_markdown
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import ROOT
from tests.command import byoi_tools, run_on_terminal

# Sets the title, clears the screen, makes a link, turns the text around, is a C1 control, breaks the line, is markup.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b]8;;http://evil\x1b\\\u202e\x9b31m\r\t<b>[red]x[/red]</b>"
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hostile")
    canvas = Canvas(directory / ".canvas")
    canvas.edit_gpt_entry(ROOT.number, name="\x1b[2J\x07\u202eroot<b>")
    canvas.write(ROOT.offset + 1024 + 120, b"\x1b[2J\x07<b>\xff\x9b".ljust(16, b"\0"))  # the label of the ext4
    hostile = HOSTILE.replace("\r", "")  # a carriage return ends a line for some readers
    canvas.guest_put_all(
        {
            "/usr/lib/os-release": f'ID=debian\nVERSION_ID="12{hostile}"\nPRETTY_NAME="Debian {HOSTILE}"\n',
            "/etc/passwd": f"root{hostile.replace(':', '')}::0:0:root:/root:/bin/bash\n",
            "/etc/fstab": f"LABEL=a{hostile} /b{hostile} ext4{hostile} defaults 0 1\n".replace("\t", ""),
            "/etc/hostname": f"host{hostile}\n",
            "/etc/sudoers.d/x": f"root{hostile} ALL=(ALL) NOPASSWD: ALL\n",
            "/etc/cloud/cloud.cfg.d/99.cfg": 'datasource_list: [ "a\\e[2J\\a\\u202e<b>" ]\n',
        }
    )
    return canvas.as_raw(directory / "image.raw")


def assert_harmless(shown: str) -> None:
    """Nothing but printable characters and new lines."""
    assert {character for character in shown if not character.isprintable()} <= {"\n"}


@pytest.mark.parametrize("verb", [("inspect",), ("check", "--boot", "uefi", "--profile", "fleet")])
def test_a_terminal_gets_nothing_but_our_own_colours(image: Path, verb: tuple[str, ...]) -> None:
    shown = run_on_terminal(100, *verb, image)
    assert OUR_COLOURS.search(shown)
    assert_harmless(OUR_COLOURS.sub("", shown).replace("\r\n", "\n"))
    assert "owned" in shown or "root" in shown


@pytest.mark.parametrize("verb", [("inspect",), ("check", "--boot", "uefi", "--profile", "fleet")])
def test_a_pipe_gets_plain_text(image: Path, verb: tuple[str, ...]) -> None:
    assert_harmless(byoi_tools(*verb, image).said)


def test_the_names_are_seen_all_the_same(image: Path) -> None:
    shown = byoi_tools("inspect", image, environment={"COLUMNS": "400"}).output
    assert r"Debian \x1b]0;owned" in shown
    report = byoi_tools("check", image, "--boot", "uefi", environment={"COLUMNS": "400"}).output
    assert r"root\x1b]0;owned" in report


@pytest.mark.parametrize("verb", [("inspect",), ("check", "--boot", "uefi", "--profile", "fleet")])
def test_json_stays_json(image: Path, verb: tuple[str, ...]) -> None:
    written = byoi_tools(*verb, image, "--format", "json").output
    assert written.isascii()
    assert_harmless(written)
    assert json.loads(written.encode("utf-8"))
    assert not re.search(r"\\ud[89a-f]", written)  # no lone surrogate, which strict readers refuse


def test_markdown_shows_markup_and_does_not_act_on_it() -> None:
    text = "a <script>alert(1)</script> [link](http://x) ![i](y) **bold** | cell # head \\EFI `code <b>` `open"
    shown = escape_markdown(text)
    outside_of_code = re.sub(r"`code <b>`", "", shown)
    assert "`code <b>`" in shown
    assert not re.search(r"(?<!\\)[<>\[\]*|#`]", outside_of_code)
    page = Page("a.b", text, Severity.INFO, "", f"{text}.\n\nWhy: {text}", text)
    body = render_markdown([page]).partition("## a")[2]
    assert "<script>" not in body
    assert not re.search(r"(?<!\\)\]\(http", body)
    assert body.count("\n## ") == 0
