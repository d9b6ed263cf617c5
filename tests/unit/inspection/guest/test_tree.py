"""The tree of a guest: mounts, and symlinks that stay inside."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileStatus, NamedStatus
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


class Counting(DictionaryReader):
    """Counts what it is asked; finds names in any case where it does not tell them exactly, as FAT does."""

    def __init__(self, files: dict[str, str], *, tells_names_exactly: bool = True) -> None:
        super().__init__(files)
        self.tells_names_exactly = tells_names_exactly
        self.questions: list[str] = []

    def status(self, path: str) -> FileStatus | None:
        self.questions.append(path)
        return super().status(path if self.tells_names_exactly else path.lower())

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        before = self.questions
        self.questions = []  # what it asks itself does not count
        found = super().entries(path)
        self.questions = [*before, f"list {path}"]
        return found


def test_a_directory_that_is_asked_often_is_listed_once() -> None:
    reader = Counting({f"/etc/{number}": "" for number in range(20)})
    tree = GuestTree({"/": reader})
    reader.questions.clear()
    assert [tree.is_file(f"/etc/{number}") for number in range(40)] == [number < 20 for number in range(40)]
    assert tree.names("/etc") == tuple(sorted(str(number) for number in range(20)))
    assert reader.questions.count("list /etc") == 1
    assert len(reader.questions) < 10


def test_a_large_directory_is_not_remembered() -> None:
    reader = Counting({f"/etc/{number}": "" for number in range(3000)})
    tree = GuestTree({"/": reader})
    assert all(tree.is_file(f"/etc/{number}") for number in range(50))
    assert not tree.is_file("/etc/none")
    assert reader.questions.count("list /etc") == 1
    assert reader.questions.count("/etc/40") == 1


def test_names_in_any_case_are_always_asked_for() -> None:
    tree = GuestTree({"/": Counting({"/efi/boot/a": ""}, tells_names_exactly=False)})
    for _ in range(2):
        assert all(tree.is_file(path) for path in ("/efi/boot/a", "/EFI/BOOT/A", "/efi/Boot/A", "/EFI/boot/a"))
        assert tree.names("/efi/boot") == ("a",)


def test_a_mount_point_is_what_is_mounted_there_also_after_listing() -> None:
    tree = GuestTree({"/": DictionaryReader({"/a": "", "/b": "", "/c": "", "/boot": "a file"}), "/boot": Counting({})})
    assert tree.names("/") == ("a", "b", "boot", "c")
    assert tree.is_directory("/boot")
