"""The native readers against the file systems of mke2fs and mkfs.xfs, and the cell that they sit in."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from byoi_tools.errors import ImageError, ImageMalformed, ImageUnreadable, ToolFailed
from byoi_tools.formats.source import Memory, Window
from byoi_tools.model.guest.files import FileKind
from byoi_tools.tools.native.files import NativeFiles, NativeReaders
from tests.disk_images import OnDisk, run
from tests.guest_volumes import BIG, make_ext, make_tree, walk

ROOT = Path(__file__).parents[4]
EXT = {
    "ext2": ("-t", "ext2", "-b", "1024"),
    "ext3": ("-t", "ext3", "-b", "4096"),
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext4 of small blocks": ("-t", "ext4", "-b", "1024"),
    "ext4 with inline data": ("-t", "ext4", "-O", "inline_data"),
    "ext4 without extents": ("-t", "ext4", "-O", "^extent,^64bit"),
}
KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.SYMLINK}


class Meddling:
    """A volume during whose reading something happens: `act` is called with the number of the read."""

    def __init__(self, path: Path, act: Callable[[int], None]) -> None:
        self._volume = OnDisk(path)
        self._act = act
        self.reads = 0

    @property
    def size_bytes(self) -> int:
        return self._volume.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self._act(self.reads)
        return self._volume.read_at(offset, length)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def ext4(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ext(tree, tmp_path_factory.mktemp("volume") / "ext4", *EXT["ext4"])


@pytest.fixture
def readers() -> Iterator[NativeReaders]:
    with NativeReaders() as readers:
        yield readers


@pytest.fixture
def files(ext4: Path, readers: NativeReaders) -> NativeFiles:
    return readers.open("ext4", OnDisk(ext4))


def children() -> set[int]:
    """The readers that this process started; an object store of other tests may be its child too."""
    started = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in started if b"native.child" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def started_by(act: Callable[[], object]) -> int:
    """The one process that an action starts."""
    before = children()
    act()
    (pid,) = children() - before
    return pid


def limits_of(pid: int) -> dict[str, str]:
    """The hard limits of a process, by the kernel's names."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[1] for line in lines}


def assert_is_the_tree(files: NativeFiles, tree: Path, *but: str) -> None:
    expected = {f"/{path.relative_to(tree)}" for path in tree.rglob("*")}
    found = dict(walk(files))
    assert found.keys() == expected
    for path in expected - set(but):
        there = tree / path[1:]
        status, wanted = found[path], there.lstat()
        assert status == files.status(path)
        assert status.kind is KINDS.get(stat.S_IFMT(wanted.st_mode), FileKind.OTHER)
        assert (status.mode, status.owner_id, status.group_id) == (
            wanted.st_mode & 0o7777,
            wanted.st_uid,
            wanted.st_gid,
        )
        assert status.modified_seconds == wanted.st_mtime
        if status.kind is FileKind.FILE:
            assert status.size_bytes == wanted.st_size
            assert files.read(path, 1 << 30) == there.read_bytes(), path
            assert b"".join(files.pieces(path, 1 << 30) or ()) == there.read_bytes(), path
        assert files.read_link(path) == (str(there.readlink()) if there.is_symlink() else None)


@pytest.mark.parametrize("options", EXT.values(), ids=EXT)
def test_everything_in_an_ext_file_system(
    options: tuple[str, ...], tree: Path, readers: NativeReaders, tmp_path: Path
) -> None:
    volume = make_ext(tree, tmp_path / "volume", *options)
    # mke2fs 1.47.0 itself writes a wrong size for a file that begins with a hole where there are inline data
    but = ("/sparse",) if "inline_data" in options else ()
    assert_is_the_tree(readers.open("ext4", OnDisk(volume)), tree, *but)


def test_everything_in_an_xfs_file_system(readers: NativeReaders, tmp_path: Path) -> None:
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/etc/fstab").write_text("LABEL=root / xfs defaults 0 0\n")
    (tmp_path / "tree/etc/mtab").symlink_to("../proc/mounts")
    volume = tmp_path / "volume"
    prototype = tmp_path / "prototype"
    prototype.write_text(
        f"/\n0 0\nd--755 0 0\netc d--755 0 0\nfstab ---644 3 4 {tmp_path}/tree/etc/fstab\n"
        "mtab l--777 0 0 ../proc/mounts\n$\n$\n"
    )
    run("mkfs.xfs", "-q", "-p", prototype, "-d", f"name={volume},file,size=300m")
    files = readers.open("xfs", OnDisk(volume))
    status = files.status("/etc/fstab")
    assert status is not None
    assert (status.mode, status.owner_id, status.group_id, status.size_bytes) == (0o644, 3, 4, 30)
    assert files.read("/etc/fstab", 100) == b"LABEL=root / xfs defaults 0 0\n"
    assert files.read_link("/etc/mtab") == "../proc/mounts"
    assert [entry.name for entry in files.entries("/etc")] == ["fstab", "mtab"]
    assert files.status("/etc/fstab/below") is None


def test_what_is_not_there_is_an_answer(files: NativeFiles) -> None:
    for path in ("/missing", "/missing/below", "/sub/hello/below", "/link/below", "/caf\udce9"):
        assert files.status(path) is None
        assert files.read(path, 10) is None
        assert files.pieces(path, 1 << 30) is None
        assert files.read_link(path) is None
        assert files.entries(path) == ()
        assert files.attributes(path) == frozenset()
    assert files.read("/sub", 10) is None
    assert files.read("/link", 10) is None
    assert files.entries("/sub/hello") == ()
    assert files.status("/") is not None


def test_a_file_is_read_up_to_the_limit(files: NativeFiles) -> None:
    assert files.read("/middle", 5) == bytes(range(5))
    assert files.read("/middle", 0) == b""
    assert files.read("/empty", 5) == b""
    assert b"".join(files.pieces("/middle", 5) or ()) == bytes(range(5))
    assert files.read("/middle", 1_100_000) == (bytes(range(256)) * 5000)[:1_100_000]


def test_what_was_allocated_and_never_written_reads_as_zeros(readers: NativeReaders, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(b"\xaa" * (16 << 20))
    run("mke2fs", "-q", "-F", "-E", "nodiscard", "-t", "ext4", "-b", "1024", volume, "16M")
    (tmp_path / "start").write_bytes(b"start")
    script = f"write {tmp_path}/start file\nfallocate file 1 3000\nset_inode_field file size 3000000\n"
    run("debugfs", "-w", "-f", "-", volume, stdin=script)
    assert readers.open("ext4", OnDisk(volume)).read("/file", 1 << 30) == b"start".ljust(3_000_000, b"\0")


def test_a_large_directory_is_listed_once(ext4: Path, readers: NativeReaders) -> None:
    volume = Meddling(ext4, lambda number: None)
    files = readers.open("ext4", volume)
    names = [entry.name for entry in files.entries("/big")]
    assert len(names) == BIG
    before = volume.reads
    assert all(files.status(f"/big/{name}") for name in names[:500])
    assert volume.reads - before < 50


def test_names_that_are_no_utf8_are_left_out(readers: NativeReaders, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9")).touch()
    (tree / "plain").touch()
    (tree / "link").symlink_to(os.fsdecode(b"caf\xe9"))
    files = readers.open("ext4", OnDisk(make_ext(tree, tmp_path / "volume", size="8M")))
    assert sorted(entry.name for entry in files.entries("/")) == ["link", "lost+found", "plain"]
    assert files.read_link("/link") == "\ufffd"


def test_extended_attributes(readers: NativeReaders, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "labelled").touch()
    volume = make_ext(tree, tmp_path / "volume", size="8M")
    run("debugfs", "-w", "-R", "ea_set /labelled security.selinux system_u:object_r:etc_t:s0", volume)
    files = readers.open("ext4", OnDisk(volume))
    assert files.attributes("/labelled") == {"security.selinux"}
    assert files.attributes("/") == frozenset()


def test_several_volumes_share_one_process(ext4: Path, readers: NativeReaders, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("other")
    other = make_ext(tmp_path / "other", tmp_path / "volume", size="8M")
    before = children()
    first, second = readers.open("ext4", OnDisk(ext4)), readers.open("ext4", OnDisk(other))
    assert first.read("/tiny", 100) == b"fits into an inode"
    assert second.read("/file", 100) == b"other"
    assert len(children() - before) == 1


def test_nothing_is_started_before_it_is_needed(ext4: Path) -> None:
    before = children()
    with NativeReaders() as readers:
        assert children() == before
        readers.open("ext4", OnDisk(ext4))
        assert children() != before
    assert children() == before


def test_the_process_has_no_rights(ext4: Path, readers: NativeReaders) -> None:
    pid = started_by(lambda: readers.open("ext4", OnDisk(ext4)))
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == 0
    limits = limits_of(pid)
    assert (limits["Max cpu time"], limits["Max address space"]) == ("20", str(1 << 30))
    for nothing in ("Max core file size", "Max file size", "Max processes"):
        assert limits[nothing] == "0"
    assert limits["Max open files"] == "3"
    process = Path(f"/proc/{pid}")
    if os.access(process / "fd", os.R_OK):  # only root may look
        kinds = {path.name: str(path.readlink()).partition(":")[0] for path in (process / "fd").iterdir()}
        assert kinds == {"0": "pipe", "1": "pipe", "2": "/dev/null"}
        assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        assert (process / "environ").read_bytes() == b""


def test_limits_that_are_lower_already_stay(ext4: Path) -> None:
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20));"
        "resource.setrlimit(resource.RLIMIT_CPU, (15, 15));"
        "from tests.unit.tools.native.test_files import *; readers = NativeReaders();"
        "files = readers.open('ext4', OnDisk(Path(sys.argv[1]))); (pid,) = children(); limits = limits_of(pid);"
        "print(limits['Max address space'], limits['Max cpu time'], files.read('/tiny', 4));"
        "readers.__exit__(None, None, None)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, ext4], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == [str(900 << 20), "15", "b'fits'"]


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "killed"), (signal.SIGXCPU, "20 s of CPU")]
)
def test_a_process_that_dies_is_an_error_that_stays(number: int, word: str, ext4: Path, readers: NativeReaders) -> None:
    files = readers.open("ext4", OnDisk(ext4))
    (pid,) = children()
    os.kill(pid, number)
    for _ in range(2):
        with pytest.raises(ToolFailed, match=word):
            files.status("/tiny")
    with pytest.raises(ToolFailed, match=word):
        readers.open("ext4", OnDisk(ext4))


def test_a_process_that_dies_while_it_is_given_bytes(ext4: Path, readers: NativeReaders) -> None:
    def kill(read: int) -> None:
        if read == 3:
            (pid,) = children()
            os.kill(pid, signal.SIGSEGV)

    with pytest.raises(ToolFailed, match="SIGSEGV"):
        for _ in walk(readers.open("ext4", Meddling(ext4, kill))):
            pass


@pytest.mark.slow
def test_a_process_that_needs_too_much_time(ext4: Path, readers: NativeReaders) -> None:
    files = readers.open("ext4", OnDisk(ext4))
    started = time.monotonic()
    with pytest.raises(ToolFailed, match="20 s of CPU"):
        while time.monotonic() - started < 1200:  # a busy machine gives it a tenth of a processor
            files.entries("/big")


def test_what_the_image_refuses_is_what_the_reader_raises(ext4: Path, readers: NativeReaders) -> None:
    def refuse(read: int) -> None:
        if read > 3:
            raise ImageUnreadable("the disk is on fire", remedy="Call somebody.")

    with pytest.raises(ImageUnreadable, match="on fire"):
        for _ in walk(readers.open("ext4", Meddling(ext4, refuse))):
            pass


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("content", [b"", b"\0" * 70_000, b"\xff" * 70_000, b"XFSB" + b"\xff" * 5000])
def test_what_is_no_file_system_is_refused(kind: str, content: bytes, readers: NativeReaders) -> None:
    with pytest.raises(ImageMalformed) as refused:
        readers.open(kind, Memory(content)).status("/etc")
    assert refused.value.remedy
    assert refused.value.details is None or refused.value.details.isprintable()


def test_a_volume_that_ends_early(ext4: Path, readers: NativeReaders) -> None:
    try:
        files = readers.open("ext4", Window(OnDisk(ext4), 0, 6 << 20))
        for path, status in walk(files):
            if status.kind is FileKind.FILE:
                files.read(path, 1 << 20)
    except ImageError as refused:
        assert refused.remedy
    else:
        raise AssertionError("half of a file system was read without an error")
