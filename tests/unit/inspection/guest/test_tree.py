"""The tree of a guest: mounts, and symlinks that stay inside."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.tree import GuestTree
from tests.guest_tree import DictionaryReader, Link, tree_of

TREE = tree_of(
    {
        "/usr/bin/sh": "shell",
        "/bin": Link("usr/bin"),
        "/etc/a/b": Link("../../usr/./bin/sh"),
        "/etc/up": Link("../../../../bin/sh"),
        "/etc/absolute": Link("/bin/sh"),
        "/etc/dangling": Link("nothing"),
        "/loop/a": Link("b"),
        "/loop/b": Link("a"),
        "/etc/empty/": "",
    }
)


@pytest.mark.parametrize("path", ["/bin/sh", "/etc/a/b", "/etc/up", "/etc/absolute", "//bin/./sh", "/etc/../bin/sh"])
def test_symlinks_are_followed_inside_the_guest(path: str) -> None:
    assert TREE.resolve(path) == "/usr/bin/sh"
    assert TREE.read_text(path) == "shell"
    assert TREE.is_file(path)


@pytest.mark.parametrize("path", ["/etc/dangling", "/loop/a", "/nothing", "/nothing/at/all", "/usr/bin/sh/x"])
def test_what_leads_nowhere(path: str) -> None:
    assert TREE.resolve(path) is None
    assert TREE.status(path) is None
    assert TREE.read(path) is None
    assert TREE.entries(path) == ()


def test_a_link_itself() -> None:
    assert TREE.read_link("/etc/dangling") == "nothing"
    assert TREE.link_status("/etc/dangling") is not None
    assert TREE.read_link("/usr/bin/sh") is None


def test_names_are_ordered() -> None:
    assert TREE.names("/etc") == ("a", "absolute", "dangling", "empty", "up")
    assert TREE.glob("/etc", "a*") == ("/etc/a", "/etc/absolute")
    assert TREE.is_directory("/etc/empty")


def test_walking_does_not_follow_links() -> None:
    assert {path for path, _ in TREE.walk("/etc/a")} == {"/etc/a/b"}
    assert {path for path, _ in TREE.walk("/")} >= {"/bin", "/usr/bin/sh", "/loop/a"}


def test_other_file_systems_lie_at_their_mount_points() -> None:
    tree = GuestTree(
        {
            "/": DictionaryReader({"/boot/": "", "/etc/x": Link("/boot/efi/y"), "/boot/hidden": "h"}),
            "/boot": DictionaryReader({"/vmlinuz": Link("vmlinuz-1"), "/vmlinuz-1": "k", "/efi/": ""}),
            "/boot/efi": DictionaryReader({"/y": "esp"}),
        }
    )
    assert tree.read_text("/boot/vmlinuz") == "k"
    assert tree.read_text("/etc/x") == "esp"
    assert tree.read("/boot/hidden") is None
