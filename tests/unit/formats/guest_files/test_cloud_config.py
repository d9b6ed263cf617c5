"""Merging of cloud-config and the list that ds-identify reads; tests/slow compares both with the real programs."""

from __future__ import annotations

import pytest

from byoi_tools.formats.guest_files.cloud_config import Config, merge_configs, read_listed_datasources


@pytest.mark.parametrize(
    ("configs", "merged"),
    [
        ([], {}),
        ([{"a": 1}, {"a": 2, "b": 3}], {"a": 1, "b": 3}),
        ([{"l": [1]}, {"l": [2, 3]}], {"l": [1]}),
        ([{"d": {"x": 1}}, {"d": {"x": 2, "y": 3}}], {"d": {"x": 1, "y": 3}}),
        ([{"d": 1}, {"d": {"y": 3}}], {"d": 1}),
        ([{"l": [1]}, {"merge_how": "list(append)+dict(recurse_array)+str()", "l": [2]}], {"l": [1, 2]}),
        ([{"l": [1]}, {"merge_type": "list(prepend)+dict(recurse_list)+str()", "l": [2]}], {"l": [2, 1]}),
        ([{"a": 1}, {"merge_how": "dict(replace)", "a": 2}], {"a": 2}),
        ([{"a": 1}, {"merge_how": [{"name": "dict", "settings": ["replace"]}], "a": 2}], {"a": 2}),
        ([{"a": 1}, {"merge_how": "dict(allow_delete)", "a": None}], {}),
    ],
)
def test_the_first_counts_more_unless_told_otherwise(configs: list[Config], merged: Config) -> None:
    assert merge_configs(configs) == merged


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("datasource_list: [ ConfigDrive, None ]\n", ("ConfigDrive", "None")),
        ("  datasource_list: ['NoCloud', \"Ec2\"]\n", ("NoCloud", "Ec2")),
        ("datasource_list: ConfigDrive\n", ("ConfigDrive",)),
        ("datasource_list: [ A ]\nx: y\ndatasource_list: [ B ]\n", ("B",)),
        ("datasource_list:\n - ConfigDrive\n", None),
        ("datasource_list: []\n", None),
        ("#datasource_list: [ A ]\n", None),
        ("my_datasource_list: [ A ]\n", None),
        ("", None),
    ],
)
def test_the_list_as_a_reader_of_lines_sees_it(text: str, names: tuple[str, ...] | None) -> None:
    found = read_listed_datasources([("/etc/cloud/cloud.cfg", text)])
    assert (found[0] if found else None) == names


def test_the_last_file_counts() -> None:
    files = [("a", "datasource_list: [ A ]\n"), ("b", "datasource_list: [ B ]\n"), ("c", "locale: C\n")]
    assert read_listed_datasources(files) == (("B",), "b")
