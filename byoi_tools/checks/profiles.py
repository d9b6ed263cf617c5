"""Reads profiles: TOML files that extend each other, named or by path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Severity
from byoi_tools.model.intent import Target
from byoi_tools.model.profile import CheckSetting, Profile

Choice = TypeVar("Choice", bound=Enum)

_KEYS = {"name", "description", "extends", "product", "boot", "target", "checks"}
_TARGET_KEYS = {"memory_mib", "disk_gb", "sector_bytes"}
_SETTING_KEYS = {"severity", "enabled", "reason"}
_MAXIMUM_DEPTH = 8


def profile_directory() -> Path:
    """Where the profiles that come with the program are: in the package, which links to the folder at the top."""
    return Path(__file__).parent.parent / "profiles"


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that come with the program."""
    return tuple(sorted(path.stem for path in profile_directory().glob("*.toml")))


def load_profile(name: str, known_ids: frozenset[str] | None) -> Profile:
    """Return the profile of that name, or in that file when the name ends in `.toml` or has a slash.

    `known_ids` are the ids of all checks; None takes the profile's word for them, as for those that come with the
    program. Raises `UsageError` for a profile that does not exist, is no TOML, names
    a check that does not exist, or disables one without a reason.
    """
    layers = _read_layers(_locate(name, Path()), 0)
    merged: dict[str, object] = {}
    settings: list[CheckSetting] = []
    for path, layer in layers:
        merged |= {key: value for key, value in layer.items() if key != "checks"}
        settings += _settings(path, _table(path, layer, "checks"), known_ids)
    path = layers[-1][0]
    boot = _text(path, merged, "boot", "")
    return Profile(
        name=_text(path, merged, "name", path.stem),
        description=_text(path, merged, "description", ""),
        product=_one_of(path, "product", Product, _text(path, merged, "product", "byoi")),
        boot=_one_of(path, "boot", BootMode, boot) if boot else None,
        target=_target(path, _table(path, merged, "target")),
        settings=tuple(settings),
    )


def _locate(name: str, beside: Path) -> Path:
    if name.endswith(".toml") or "/" in name:
        return beside / name
    path = profile_directory() / f"{name}.toml"
    if re.fullmatch(r"[A-Za-z0-9._-]+", name) and path.is_file():
        return path
    raise UsageError(
        f"there is no profile {name!r}",
        details=f"the profiles are {', '.join(profile_names())}",
        remedy="Name one of these, or a file as ./my-profile.toml.",
    )


def _read_layers(path: Path, depth: int) -> list[tuple[Path, Mapping[str, object]]]:
    if depth > _MAXIMUM_DEPTH:
        raise _wrong(path, f"it extends more than {_MAXIMUM_DEPTH} profiles, or itself")
    try:
        layer = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise _wrong(path, str(failure)) from failure
    unknown = set(layer) - _KEYS
    if unknown:
        raise _wrong(path, f"unknown keys: {', '.join(sorted(unknown))}")
    base = _text(path, layer, "extends", "")
    below = _read_layers(_locate(base, path.parent), depth + 1) if base else []
    return [*below, (path, layer)]


def _settings(path: Path, table: Mapping[str, object], known_ids: frozenset[str] | None) -> list[CheckSetting]:
    return [_setting(path, pattern, _table(path, table, pattern), known_ids) for pattern in table]


def _setting(path: Path, pattern: str, table: Mapping[str, object], known_ids: frozenset[str] | None) -> CheckSetting:
    unknown = set(table) - _SETTING_KEYS
    if unknown:
        raise _wrong(path, f"unknown keys of {pattern}: {', '.join(sorted(unknown))}")
    severity = _text(path, table, "severity", "")
    reason = _text(path, table, "reason", "")
    is_enabled = table.get("enabled", True)
    if not isinstance(is_enabled, bool):
        raise _wrong(path, f"`enabled` of {pattern} is true or false")
    if not is_enabled and not reason:
        raise _wrong(path, f"{pattern} is disabled without a `reason`")
    setting = CheckSetting(
        pattern,
        _severity(path, severity) if severity else None,
        reason if not is_enabled else None,
    )
    if known_ids is not None and not any(setting.is_about(check_id) for check_id in known_ids):
        raise _wrong(path, f"there is no check {pattern}")
    return setting


def _severity(path: Path, word: str) -> Severity:
    found = next((severity for severity in Severity if severity.word == word), None)
    if found is None:
        raise _wrong(path, f"a severity is error, warning or info, not {word!r}")
    return found


def _target(path: Path, table: Mapping[str, object]) -> Target:
    unknown = set(table) - _TARGET_KEYS
    if unknown:
        raise _wrong(path, f"unknown keys of target: {', '.join(sorted(unknown))}")
    nothing = Target()
    memory, disk, sector = (_positive(path, table, key) for key in ("memory_mib", "disk_gb", "sector_bytes"))
    return Target(
        memory_bytes=Known(memory * 2**20) if memory else nothing.memory_bytes,
        disk_bytes=Known(disk * 10**9) if disk else nothing.disk_bytes,
        sector_size_bytes=Known(sector) if sector else nothing.sector_size_bytes,
    )


def _positive(path: Path, table: Mapping[str, object], key: str) -> int | None:
    value = table.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise _wrong(path, f"{key} is a whole number above 0")


def _table(path: Path, table: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(path, f"{key} is a table")
    return value


def _text(path: Path, table: Mapping[str, object], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise _wrong(path, f"{key} is a text")
    return value


def _one_of(path: Path, key: str, kind: type[Choice], value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise _wrong(path, f"{key} is one of {', '.join(str(each.value) for each in kind)}, not {value!r}") from None


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError(
        f"the profile {path} cannot be used", details=why, remedy="Correct the file; docs/checking.md shows one."
    )
