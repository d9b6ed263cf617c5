"""YAML: PyYAML's own loader is the oracle where it reads the same, and the caps hold where it would go on for ever."""

from __future__ import annotations

import contextlib
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.guest_files.yaml_document import LIMIT_CHARACTERS, read_yaml

DOCUMENTS = [
    "datasource_list: [ ConfigDrive, None ]\n",
    "a: {b: [1, 0x10, 0o7, 010, 1_000, -3, 1.5, .inf, 1e3]}\nc: ~\nd: null\ne: yes\nf: Off\n",
    "text: |\n  one\n  two\nfolded: >\n  one\n  two\nquoted: '1'\nother: \"a\\tb\"\n",
    "_log:\n - &log_base |\n   [loggers]\nlog_cfgs:\n - [ *log_base, *log_base ]\n",
    "base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\nmost: {<<: [*base, {c: 4}], a: 0}\n",
    "- a\n- [b]\n- {c: d}\n",
    "{}\n",
    "# nothing\n",
    "",
    "plain words\n",
    "a: !!str 12\nb: !!int '3'\n",
    "a:\n",
    "sexagesimal: 1:30\nempty: ''\n",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_values_are_those_of_pyyaml(text: str) -> None:
    assert read_yaml(text).value == yaml.safe_load(text)


def test_keys_are_texts_as_they_are_written() -> None:
    assert read_yaml("1: a\ntrue: b\n2001-01-01: 2001-01-02\n").value == {
        "1": "a",
        "true": "b",
        "2001-01-01": "2001-01-02",
    }


def test_a_key_that_is_there_twice_is_told_with_its_line() -> None:
    document = read_yaml("runcmd: [a]\nusers:\n  - {name: a, name: b}\nruncmd: [b]\n")
    assert document.value == {"runcmd": ["b"], "users": [{"name": "b"}]}
    assert document.repeated_keys == ("name (line 3)", "runcmd (line 4)")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\n\tb: 2\n", "line 2"),
        ("a: [1, 2\n", "line 2"),
        ("a: b: c\n", "line 1, column 5"),
        ("a: *nothing\n", "line 1"),
        ("a: &a [*a]\n", "line 1"),
        ("a: !!python/object/apply:os.system [id]\n", "line 1"),
        ("a: !Ref x\n", "line 1"),
        ("a: !!int x\n", "line 1"),
        ("? [a]\n: b\n", "line 1"),
        ("a: 1\n---\nb: 2\n", "line 2"),
        ("a: \x00\n", "control characters"),
        ("a: {<<: 3}\n", "mapping"),
    ],
)
def test_what_a_safe_loader_refuses_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ImageMalformed) as refused:
        read_yaml(text)
    assert place in (refused.value.details or "")


def laughs(merged: bool) -> str:
    lines = ["a: &a {k: v}" if merged else "a: &a [x, x]"]
    for before, name in zip("abcdefghijklmn", "bcdefghijklmno", strict=True):
        parts = ",".join([f"*{before}"] * 10)
        lines.append(f"{name}: &{name} {{<<: [{parts}], k{name}: 1}}" if merged else f"{name}: &{name} [{parts}]")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        laughs(merged=False),
        laughs(merged=True),
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000,
        "a: [" + "x," * 150_000 + "]",
        " " * (LIMIT_CHARACTERS + 1),
        "&a " * 10_000,
        "a: " + "1" * 100_000 + ":1",
    ],
)
def test_texts_that_would_fill_the_memory_end_at_once(text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ImageMalformed):
        read_yaml(text)
    assert time.process_time() - started < 10


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@,? \n\t~<0", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    try:
        found = read_yaml(text).value
    except ImageMalformed:
        return
    theirs = yaml.load(text, Loader=yaml.CSafeLoader)  # its scanner takes a little more than that of Python
    assert found == theirs or has_odd_keys(theirs)


def has_odd_keys(value: object) -> bool:
    """Whether a mapping has keys that are no texts for PyYAML."""
    if isinstance(value, dict):
        return any(not isinstance(key, str) or has_odd_keys(below) for key, below in value.items())
    return isinstance(value, list) and any(has_odd_keys(one) for one in value)
