"""Merges cloud-config mappings as cloud-init does (its `mergers` modules), and reads a list as ds-identify does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from byoi_tools.formats.guest_files.yaml_document import YamlValue
from byoi_tools.model.dataclass import dataclass

Config = dict[str, YamlValue]

_RULE = re.compile(r"([a-zA-Z_][A-Za-z0-9_]*)\((.*?)\)")
_LIMIT_LINES = 50_000
_LIMIT_LIST = 10_000


@dataclass(frozen=True, slots=True)
class _Rules:
    """The options of each merger; a type without one keeps the value that counts more."""

    options: dict[str, frozenset[str]]

    def merge(self, strong: YamlValue, weak: YamlValue) -> YamlValue:
        if isinstance(strong, dict) and "dict" in self.options:
            return self._merge_mappings(strong, weak)
        if isinstance(strong, list) and "list" in self.options:
            return self._merge_lists(strong, weak)
        if isinstance(strong, str) and "str" in self.options:
            is_joined = "append" in self.options["str"] and isinstance(weak, str)
            return strong + str(weak) if is_joined else weak
        return strong

    def _merge_mappings(self, strong: Config, weak: YamlValue) -> YamlValue:
        if not isinstance(weak, dict):
            return strong
        options = self.options["dict"]
        merged = dict(strong)
        for key, value in weak.items():
            if key not in merged:
                merged[key] = value
            elif value is None and "allow_delete" in options:
                del merged[key]
            elif "replace" in options:
                merged[key] = value
            elif _is_followed(value, options):
                merged[key] = self.merge(merged[key], value)
        return merged

    def _merge_lists(self, strong: list[YamlValue], weak: YamlValue) -> YamlValue:
        options = self.options["list"]
        method = next((one for one in ("append", "prepend", "replace", "no_replace") if one in options), "replace")
        if not isinstance(weak, list):
            return weak if method == "replace" else strong
        if method == "append":
            return [*strong, *weak][:_LIMIT_LIST]
        if method == "prepend":
            return [*weak, *strong][:_LIMIT_LIST]
        merged = list(strong)
        for index, value in enumerate(weak[: len(strong)]):
            if method == "replace":
                follows = _is_followed(value, options, followed_mappings="recurse_dict" in options)
                merged[index] = self.merge(strong[index], value) if follows else value
        return merged


_DEFAULT_RULES = _Rules({"list": frozenset(), "dict": frozenset(), "str": frozenset()})


def merge_configs(configs: Iterable[Config]) -> Config:
    """Merge mappings, the one that counts most first (`util.mergemanydict`).

    By default mappings are merged key by key and everything else is taken from the first that has it; `merge_how` and
    `merge_type` of a mapping change how that one is merged into those before it.
    """
    merged: YamlValue = {}
    for config in configs:
        if config:
            rest = {key: value for key, value in config.items() if key != "merge_how"}
            how = config.get("merge_how")
            if how is None:
                how = rest.pop("merge_type", None)
            merged = (_rules(how) or _DEFAULT_RULES).merge(merged, rest)
    return merged if isinstance(merged, dict) else {}


def read_listed_datasources(texts: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], str] | None:
    """What ds-identify takes for the datasource_list, and the path of the file: `check_config` and `parse_yaml_array`.

    `texts` are pairs of path and text in the order of its globs. It reads lines, not YAML: the last line of all files
    that starts with the key counts, nested or not, and a list over several lines is an empty one. None where there is
    no such line or nothing is behind it: ds-identify then takes its own list.
    """
    found: tuple[str, str] | None = None
    for path, text in texts:
        for raw in text.splitlines()[:_LIMIT_LINES]:
            line = raw.strip(" \t").partition("#")[0]
            if line.startswith("datasource_list: ") or line == "datasource_list:":
                found = (line.partition(":")[2].removeprefix(" "), path)
    if found is None:
        return None
    names = tuple(
        _unquote(" ".join(token.split())) for token in found[0].removeprefix("[").removesuffix("]").split(",")
    )
    names = tuple(part for name in names for part in name.split())
    return (names, found[1]) if names else None


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text


def _is_followed(value: YamlValue, options: frozenset[str], *, followed_mappings: bool = True) -> bool:
    if isinstance(value, dict):
        return followed_mappings
    if isinstance(value, list):
        return bool(options & {"recurse_array", "recurse_list"})
    return isinstance(value, str) and "recurse_str" in options


def _rules(how: YamlValue) -> _Rules | None:
    """The rules that a `merge_how` asks for; None for the default, which is taken for malformed ones too."""
    pairs: list[tuple[str, Iterable[object]]] = []
    if isinstance(how, str):
        pairs = [(name, options.split(",")) for name, options in _RULE.findall(how[:1000].lower())]
    elif isinstance(how, list):
        for one in how[:10]:
            settings = one.get("settings") if isinstance(one, dict) else one[1:] if isinstance(one, list) else None
            name = one.get("name") if isinstance(one, dict) else one[0] if isinstance(one, list) and one else None
            if isinstance(name, str) and isinstance(settings, list):
                pairs.append((name, settings))
    options: dict[str, frozenset[str]] = {}
    for name, words in pairs:
        options.setdefault(name.strip().removeprefix("m_"), frozenset(str(word).strip().lower() for word in words))
    return _Rules(options) if options else None
