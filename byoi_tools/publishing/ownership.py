"""How this tool knows its own objects again: the form of their keys, and a mark in their metadata."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools import __version__

_RUN, _TOOL = "byoi-run", "byoi-tool"
_TOOL_NAME = "byoi-tools"
_RUN_ID = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9.+_-]{1,40}", re.ASCII)
# What `destination` takes as a prefix, then what `name_object` makes.
_KEY = re.compile(
    r"(?P<object>(?:(?!\.\.?/)[A-Za-z0-9._~-]+/)*[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{16}\.(?:qcow2|raw))"
    r"(?P<sidecar>\.(?:json|md5|sha1|sha256|sha512))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The run that wrote an object, and the version of byoi-tools that it was a run of."""

    run_id: str
    version: str


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of the form that this tool gives: the key of the image, and the suffix of a sidecar of it (`.json`)."""

    object_key: str
    sidecar: str


def new_run_id() -> str:
    """Return a random id for a run that writes objects: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def describe_owner(run_id: str) -> dict[str, str]:
    """Return the metadata that every object of this tool has: `byoi-run`, and `byoi-tool` (name and version)."""
    return {_RUN: run_id, _TOOL: f"{_TOOL_NAME}/{__version__}"}


def owner_of(metadata: Mapping[str, str]) -> Owner | None:
    """Return who wrote an object with that metadata; None when it was not this tool."""
    run_id = metadata.get(_RUN, "")
    name, _, version = metadata.get(_TOOL, "").partition("/")
    if name != _TOOL_NAME or not _VERSION.fullmatch(version) or not _RUN_ID.fullmatch(run_id):
        return None
    return Owner(run_id, version)


def parse_key(key: str) -> OwnKey | None:
    """Read a key; None when it has not the form of ours, so that whatever lies there was written by somebody else."""
    match = _KEY.fullmatch(key)
    return None if match is None else OwnKey(match["object"], match["sidecar"] or "")


def is_run_id(text: str) -> bool:
    """Whether the text has the form of a run id."""
    return _RUN_ID.fullmatch(text) is not None
