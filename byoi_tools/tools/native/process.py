"""Starts and feeds the child process that reads guest file systems: bytes go in, answers come out, nothing else."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from byoi_tools.errors import ImageError, ToolFailed, ToolMissing
from byoi_tools.tools.native import pipe as child

MAX_ANSWER_BYTES = 512 * 1024 * 1024
MAX_SERVED_BYTES = 4 * 1024 * 1024 * 1024
ANSWER_SECONDS = 120
_PIPE_BYTES = 1024 * 1024
_OWN_DIRECTORY = Path(__file__).parents[3]
_PROGRAM = "import sys; sys.path += sys.argv[1:]; from byoi_tools.tools.native.child import main; main()"
_HEAD = struct.Struct(">IB")
_REMEDY = (
    "The image is damaged or hostile: do not deploy it before its file systems are checked (e2fsck -fn, xfs_repair -n)."
)
_SIGNALS = {
    signal.SIGXCPU: f"needed more than {child.CPU_SECONDS} s of CPU",
    signal.SIGKILL: f"needed more than {child.CPU_SECONDS} s of CPU, or more memory than there is, and was killed",
}


class ByteSource(Protocol):
    """A volume."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the source."""
        ...


class Refusal(Exception):
    """The library in the child refused what it read; `reason` is fit to be shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NativeProcess:
    """The child: started by the first question, ended by `end`. Once it has failed, every question fails alike."""

    def __init__(self) -> None:
        self._sources: list[ByteSource] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: ToolFailed | None = None
        self._received = bytearray()
        self._served_bytes = 0
        self._lock = threading.Lock()

    def register(self, source: ByteSource) -> int:
        """Return the number by which the child may ask for bytes of this volume."""
        self._sources.append(source)
        return len(self._sources) - 1

    def ask(self, name: str, argument: bytes) -> Iterator[bytes]:
        """Send a question and yield the pieces of the answer, giving the child what bytes it asks for meanwhile.

        Raises `Refusal` for damage, `ToolFailed` when the child died or misbehaves, and the source's own `ImageError`.
        The answer must be read to its end: until then questions of other threads wait.
        """
        with self._lock:
            yield from self._converse(name, argument)

    def _converse(self, name: str, argument: bytes) -> Iterator[bytes]:
        self._require_process()
        self._send(child.REQUEST, name.encode() + b"\0" + argument)
        unreadable: ImageError | None = None
        left = MAX_ANSWER_BYTES
        while True:
            kind, content = self._receive()
            if kind == child.PREAD:
                try:
                    self._send(child.DATA, self._bytes_for(content))
                except ImageError as error:
                    unreadable = error
                    self._send(child.DATA, b"")
                continue
            if unreadable is not None and kind in (child.ANSWER, child.REFUSED):
                raise unreadable
            if kind == child.ANSWER:
                return
            if kind == child.REFUSED:
                raise Refusal(_printable(content))
            left -= len(content)
            if kind != child.PIECE or left < 0:
                raise self._fail(_printable(content) if kind == child.BROKEN else "answered nonsense")
            yield content

    def end(self) -> None:
        """Kill the child, which has nothing to lose, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._failure = ToolFailed("the reader of guest file systems was closed", remedy="Open the image again.")

    def _require_process(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._process is None:
            self._process = _take_spare() or _start()

    def _bytes_for(self, content: bytes) -> bytes:
        """The bytes of a volume that the child asks for."""
        if len(content) != child.WANTED.size:
            raise self._fail("answered nonsense")
        numbers: tuple[int, int, int] = child.WANTED.unpack(content)
        number, offset, length = numbers
        self._served_bytes += length
        if number >= len(self._sources) or length > child.MAX_FRAME_BYTES or self._served_bytes > MAX_SERVED_BYTES:
            raise self._fail("asked for more bytes than the files of a guest can need")
        return self._sources[number].read_at(offset, length)

    def _send(self, kind: int, content: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101 - asked for by the caller
        descriptor = self._process.stdin.fileno()
        rest = memoryview(_HEAD.pack(len(content), kind) + content)
        deadline = time.monotonic() + ANSWER_SECONDS
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                self._wait(descriptor, select.POLLOUT, deadline)
            except OSError:
                raise self._died() from None

    def _receive(self) -> tuple[int, bytes]:
        length, kind = _HEAD.unpack(self._take(_HEAD.size))
        if length > child.MAX_FRAME_BYTES:
            raise self._fail("answered nonsense")
        return kind, self._take(length)

    def _take(self, count: int) -> bytes:
        """The next bytes that the child sent."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101 - asked for by the caller
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + ANSWER_SECONDS
        while len(self._received) < count:
            self._wait(descriptor, select.POLLIN, deadline)
            piece = os.read(descriptor, _PIPE_BYTES)
            if not piece:
                raise self._died()
            self._received += piece
        taken = bytes(memoryview(self._received)[:count])
        del self._received[:count]
        return taken

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise self._fail(f"did not answer for {ANSWER_SECONDS} s")

    def _died(self) -> ToolFailed:
        """The failure of a child whose pipe is closed."""
        assert self._process is not None  # noqa: S101 - there was a pipe
        code = self._process.wait()
        if code < 0:
            return self._fail(_SIGNALS.get(signal.Signals(-code), f"was ended by {signal.Signals(-code).name}"))
        return self._fail(f"ended with exit code {code}")

    def _fail(self, how: str) -> ToolFailed:
        self.end()
        self._failure = ToolFailed(f"the reader of guest file systems {how}", remedy=_REMEDY)
        return self._failure


class _Spare:
    """The child that was started ahead, and how many more will be."""

    process: subprocess.Popen[bytes] | None = None
    more = 0


def start_ahead(count: int) -> None:
    """Start a child for whoever asks first, and another one when that is taken, until there were `count`.

    So each is ready when it is needed: starting one takes as long as the imports of this process. Nothing happens where
    it cannot be started: who needs it will be told why. One that nobody needs ends with this process, whose end of the
    pipe is all that it lives by.
    """
    _Spare.more = count - 1
    with suppress(ToolMissing, OSError):
        _Spare.process = _start()


def _take_spare() -> subprocess.Popen[bytes] | None:
    process, _Spare.process = _Spare.process, None
    if process is not None and _Spare.more > 0:
        start_ahead(_Spare.more)
    return process


def _start() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(_library_directory()), str(_OWN_DIRECTORY)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
    )
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None  # noqa: S101 - both are pipes
        os.set_blocking(pipe.fileno(), False)
        try:
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:  # a user may have no more than a certain sum of them: smaller ones are only slower
            continue
    return process


def _library_directory() -> Path:
    names = ("pyfsext", "pyfsxfs")
    origins = [spec.origin for name in names if (spec := find_spec(name)) is not None and spec.origin is not None]
    directories = {Path(origin).parent for origin in origins}
    if len(origins) < len(names) or len(directories) != 1:
        raise ToolMissing(
            "the libraries that read guest file systems are not installed",
            remedy="Install them: pip install libfsext-python libfsxfs-python",
        )
    return directories.pop()


def _printable(content: bytes) -> str:
    text = content.decode("utf-8", "replace")[:300]
    return "".join(character if character.isprintable() else " " for character in text)
