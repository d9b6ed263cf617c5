"""Finds private keys and credentials in the places where builds leave them: by name first, then by first bytes."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind, NamedStatus
from byoi_tools.model.guest.identity import SecretFile, SecretKind

_FIRST_BYTES = 4096
_MAXIMUM_READS = 256
_MAXIMUM_NAMES = 2000

_KEY_NAMES = ("id_*", "*.pem", "*.key", "*_key", "*.ppk", "*.p12", "*.pfx", "*.age", "identity")
_KEY_DIRECTORIES = (
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/pki/tls/private",
    "/etc/wireguard",
    "/etc/openvpn",
)
_HOME_KEY_DIRECTORIES = ("", ".ssh", ".config/age", ".config/sops/age", ".chef", ".vagrant.d")
_LIVE_CERTIFICATES = "/etc/letsencrypt/live"
_KEY_MARK = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----|^PuTTY-User-Key-File-|^AGE-SECRET-KEY-1", re.M)
_WIREGUARD_MARK = re.compile(rb"^[ \t]*PrivateKey[ \t]*=[ \t]*\S", re.M)
_KEY_STORES = (".p12", ".pfx")

_CREDENTIALS = (
    (".aws/credentials", rb"aws_secret_access_key"),
    (".aws/config", rb"aws_secret_access_key"),
    (".docker/config.json", rb'"(?:auth|identitytoken)"\s*:\s*"[^"]'),
    (".config/containers/auth.json", rb'"auth"\s*:\s*"[^"]'),
    (".netrc", rb"password\s+\S"),
    (".pgpass", rb":\S"),
    (".my.cnf", rb"^[ \t]*password[ \t]*=[ \t]*\S"),
    (".git-credentials", rb"://[^:\s]{1,99}:[^@\s]{1,199}@"),
    (".config/git/credentials", rb"://[^:\s]{1,99}:[^@\s]{1,199}@"),
    (".npmrc", rb"_(?:auth|authToken|password)\s*=\s*\S"),
    (".pypirc", rb"password\s*[=:]\s*\S"),
    (".kube/config", rb"(?:token|client-key-data|password):\s*\S"),
    (".azure/accessTokens.json", rb"accessToken"),
    (".azure/msal_token_cache.json", rb"secret"),
    (".config/gcloud/application_default_credentials.json", rb"(?:refresh_token|private_key)"),
    (".config/gcloud/credentials.db", rb"SQLite"),
    (".config/openstack/clouds.yaml", rb"(?:password|secret):\s*\S"),
    (".config/rclone/rclone.conf", rb"(?:secret_access_key|pass|token)\s*=\s*\S"),
    (".config/hcloud/cli.toml", rb"token\s*="),
    (".s3cfg", rb"^[ \t]*secret_key[ \t]*=[ \t]*\S"),
    (".ovh.conf", rb"^[ \t]*(?:application_secret|client_secret)[ \t]*=[ \t]*\S"),
    (".vault-token", rb"\S"),
    (".terraform.d/credentials.tfrc.json", rb"token"),
)
_SYSTEM_CREDENTIALS = (
    ("/etc/ovh.conf", rb"^[ \t]*(?:application_secret|client_secret)[ \t]*=[ \t]*\S"),
    ("/etc/environment", rb"(?:SECRET|TOKEN|PASSWORD)[A-Z_]{0,40}=\S"),
    ("/etc/docker/config.json", rb'"auth"\s*:\s*"[^"]'),
    ("/etc/krb5.keytab", rb"^\x05"),
)


def find_secrets(tree: GuestTree, homes: Iterable[str]) -> tuple[SecretFile, ...]:
    """Return the files that hold a private key or credentials, ordered by path; SSH's host keys are not among them.

    At most 256 files are opened, of each the first 4096 bytes, and none is kept.
    """
    homes = tuple(homes)
    keys = (
        SecretFile(path, SecretKind.PRIVATE_KEY) for path in _limited(_key_paths(tree, homes)) if _is_key(tree, path)
    )
    credentials = (
        SecretFile(path, SecretKind.CREDENTIALS)
        for path, mark in _credential_paths(tree, homes)
        if _has(tree, path, mark)
    )
    return tuple(sorted({*keys, *credentials}, key=lambda secret: secret.path))


def _key_paths(tree: GuestTree, homes: tuple[str, ...]) -> Iterator[str]:
    directories = [f"{home}/{below}".rstrip("/") for home in homes for below in _HOME_KEY_DIRECTORIES]
    directories += _KEY_DIRECTORIES
    directories += [f"{_LIVE_CERTIFICATES}/{name}" for name in tree.names(_LIVE_CERTIFICATES)[:16]]
    for directory in dict.fromkeys(directories):
        for entry in tree.entries(directory)[:_MAXIMUM_NAMES]:
            if _may_be_key(directory, entry):
                yield f"{directory}/{entry.name}"


def _may_be_key(directory: str, entry: NamedStatus) -> bool:
    name = entry.name
    if entry.status.kind not in (FileKind.FILE, FileKind.SYMLINK) or name.endswith(".pub"):
        return False
    if directory == "/etc/ssh" and name.startswith("ssh_host_"):
        return False
    wanted = ("*.conf",) if directory == "/etc/wireguard" else ()
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*_KEY_NAMES, *wanted))


def _is_key(tree: GuestTree, path: str) -> bool:
    start = tree.read(path, _FIRST_BYTES) or b""
    if path.endswith(_KEY_STORES):
        return start[:1] == b"\x30"  # PKCS #12 is a DER sequence
    if path.startswith("/etc/wireguard/"):
        return _WIREGUARD_MARK.search(start) is not None
    return _KEY_MARK.search(start) is not None


def _credential_paths(tree: GuestTree, homes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for home in homes:
        present = frozenset(tree.names(home))
        yield from ((f"{home}/{name}", mark) for name, mark in _CREDENTIALS if name.split("/")[0] in present)
    yield from _SYSTEM_CREDENTIALS


def _has(tree: GuestTree, path: str, mark: bytes) -> bool:
    start = tree.read(path, _FIRST_BYTES)
    return start is not None and re.search(mark, start, re.MULTILINE) is not None


def _limited(paths: Iterator[str]) -> list[str]:
    return [path for path, _ in zip(paths, range(_MAXIMUM_READS), strict=False)]
