"""No check breaks, whatever an image holds: damaged tables, tables with right CRCs and absurd fields, damaged qcow2."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.errors import ImageError
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.inspect import inspect_source
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.image import ImageType
from byoi_tools.model.intent import Intent, Target
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.gpt import HEADER_FORMATS, Copy
from fixtures.tiny.layout import DISK_SIZE, ESP, SECTOR

TARGET = Target(Known(64 << 30), Known(480 * 10**9), Known(512))
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Where a flipped byte changes what is read: LBA 0 and the GPT, the boot sector and first directories of the ESP.
PLACES = st.one_of(
    st.integers(0, 34 * SECTOR - 8),
    st.integers(DISK_SIZE - 33 * SECTOR, DISK_SIZE - 8),
    st.integers(ESP.offset, ESP.offset + 96),
    st.integers(ESP.offset + 320 * SECTOR, ESP.offset + 700 * SECTOR),
)
PATCHES = st.lists(st.tuples(PLACES, st.binary(min_size=1, max_size=8)), min_size=1, max_size=6)
NUMBERS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 200), st.just(2**63), st.integers(131000, 131080))
FIELDS = sorted(set(HEADER_FORMATS) - {"signature", "disk_guid", "header_crc32"})


class Painted:
    """A `ByteSource` over bytes that many tests share, with patches of its own."""

    def __init__(self, content: bytes, patches: list[tuple[int, bytes]], size: int | None = None) -> None:
        self.content, self.patches = content, patches
        self.size_bytes = len(content) if size is None else size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0:
            return b""
        found = bytearray(self.content[offset : min(offset + length, self.size_bytes)])
        for start, data in self.patches:
            first, end = max(start, offset), min(start + len(data), offset + len(found))
            if first < end:
                found[first - offset : end - offset] = data[first - start : end - start]
        return bytes(found)


@cache
def good(suffix: str) -> bytes:
    with TemporaryDirectory() as directory:
        canvas = Canvas(Path(directory, ".canvas"))
        image = Path(directory, "image")
        return (canvas.as_qcow2(image) if suffix == "qcow2" else canvas.as_raw(image)).read_bytes()


def broken_checks(source: Memory | Painted, boot: BootMode) -> list[Outcome]:
    profile = load_profile(f"ovh-byoi-{boot.value}", frozenset(check.id for check in CHECKS))
    intent = Intent(profile.product, boot, None, ImageType.RAW, b"#cloud-config\n", TARGET)
    try:
        facts = inspect_source(source, "image", source.size_bytes)
    except ImageError:
        return []
    report = check_image(CHECKS, facts, intent, profile, fail_on=Severity.INFO)
    for outcome in report.outcomes:
        assert outcome.message
        assert (outcome.observed + outcome.evidence).isprintable(), outcome
    return [outcome for outcome in report.outcomes if outcome.kind is OutcomeKind.ERRORED]


@QUICK
@given(patches=PATCHES, boot=st.sampled_from(BootMode))
def test_damaged_disks(patches: list[tuple[int, bytes]], boot: BootMode) -> None:
    assert broken_checks(Painted(good("raw"), patches), boot) == []


@QUICK
@given(size=st.one_of(st.integers(0, 70_000), st.integers(0, DISK_SIZE)), boot=st.sampled_from(BootMode))
def test_truncated_disks(size: int, boot: BootMode) -> None:
    assert broken_checks(Painted(good("raw"), [], size), boot) == []


@QUICK
@given(
    fields=st.dictionaries(st.sampled_from(FIELDS), NUMBERS, min_size=1, max_size=4),
    entry=st.tuples(st.integers(0, 5), st.binary(min_size=128, max_size=128)) | st.none(),
    boot=st.sampled_from(BootMode),
)
def test_tables_with_right_crcs_and_absurd_fields(
    fields: dict[str, int], entry: tuple[int, bytes] | None, boot: BootMode
) -> None:
    patches = []
    for copy in Copy:
        entries = bytearray(good("raw")[copy.entries_offset : copy.entries_offset + 128 * 128])
        if entry is not None:
            entries[entry[0] * 128 : entry[0] * 128 + 128] = entry[1]
        header = bytearray(good("raw")[copy.header_offset : copy.header_offset + SECTOR])
        struct.pack_into("<I", header, 88, zlib.crc32(entries))
        for name, value in fields.items():
            offset, form = HEADER_FORMATS[name]
            struct.pack_into(form, header, offset, value & (1 << 8 * struct.calcsize(form)) - 1)
        size = min(SECTOR, struct.unpack_from("<I", header, 12)[0])
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, zlib.crc32(header[:size]))
        patches += [(copy.entries_offset, bytes(entries)), (copy.header_offset, bytes(header))]
    assert broken_checks(Painted(good("raw"), patches), boot) == []


@QUICK
@given(
    patches=st.lists(
        st.tuples(
            st.one_of(st.integers(4, 112), st.integers(65536, 400_000), st.integers(196_608, 197_000)),
            st.binary(min_size=1, max_size=8),
        ),
        max_size=5,
    ),
    cut=st.integers(0, 2_000_000),
    boot=st.sampled_from(BootMode),
)
def test_damaged_qcow2_files(patches: list[tuple[int, bytes]], cut: int, boot: BootMode) -> None:
    content = good("qcow2")
    assert broken_checks(Painted(content, patches, min(len(content), cut or len(content))), boot) == []
