"""Reads cloud-init's configuration out of all its files, in the order in which cloud-init merges them."""

from __future__ import annotations

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.guest_files.cloud_config import Config, merge_configs
from byoi_tools.formats.guest_files.yaml_document import YamlValue, read_yaml
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.network import UnreadFile

MAIN_FILE = "/etc/cloud/cloud.cfg"
_LIMIT_FILES = 200
_LIMIT_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """The merged configuration; `layers` are the files by path, the one that counts most first."""

    merged: Config
    layers: tuple[tuple[str, Config], ...]
    texts: tuple[tuple[str, str], ...]
    unread: tuple[UnreadFile, ...]

    def value(self, *keys: str) -> YamlValue:
        """The value at a path of keys; None where something on the way is no mapping."""
        value: YamlValue = self.merged
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def source(self, key: str) -> str:
        """The file that a key of the first level comes from; empty where none has it."""
        return next((path for path, config in self.layers if key in config), "")

    def flag(self, key: str, default: bool) -> bool:
        """A yes or no as `util.get_cfg_option_bool` takes it."""
        value = self.merged.get(key, default)
        return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "1", "on", "yes")

    def names(self, *keys: str) -> tuple[str, ...]:
        """A list of texts; an element that is a list counts with its first text."""
        value = self.value(*keys)
        items = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        firsts = [item[0] if isinstance(item, list) and item else item for item in items]
        return tuple("None" if item is None else str(item) for item in firsts if not isinstance(item, list | dict))


def read_cloud_config(tree: GuestTree) -> CloudConfig:
    """Merge `/etc/cloud/cloud.cfg` with its directory: later names count more, the directory more than the file.

    As `util.read_conf_with_confd`: `conf_d` in the file names another directory. What cannot be parsed is left out, as
    cloud-init leaves it out, and told.
    """
    unread: list[UnreadFile] = []
    text = tree.read_text(MAIN_FILE, _LIMIT_BYTES)
    main = _parse(MAIN_FILE, text or "", unread)
    chosen = main.get("conf_d", f"{MAIN_FILE}.d")
    directory = chosen.strip() if isinstance(chosen, str) else ""
    paths = [path for path in tree.glob(directory, "*.cfg") if tree.is_file(path)] if directory else []
    parts = [(path, tree.read_text(path, _LIMIT_BYTES) or "") for path in paths[:_LIMIT_FILES]]
    inner = [(path, _parse(path, content, unread)) for path, content in reversed(parts)]
    merged = merge_configs([merge_configs(config for _, config in inner), main])
    return CloudConfig(merged, (*inner, (MAIN_FILE, main)), ((MAIN_FILE, text or ""), *parts), tuple(unread))


def _parse(path: str, text: str, unread: list[UnreadFile]) -> Config:
    try:
        value = read_yaml(text).value
    except ImageMalformed as malformed:
        unread.append(UnreadFile(path, malformed.details or malformed.message))
        return {}
    if value is not None and not isinstance(value, dict):
        unread.append(UnreadFile(path, "the document is no mapping"))
    return value if isinstance(value, dict) else {}
