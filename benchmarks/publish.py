"""Measures `publish`: against the programs that a user would run one after the other, and against the wire."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.conversion import COMPRESSED, QEMU_IMG, measure_conversion, measure_digests
from benchmarks.images import DEBIAN, make_uncompressed
from benchmarks.measure import BYOI_TOOLS, Command, medians, seconds_of
from benchmarks.publish_limits import measure_memory, measure_resumption
from benchmarks.rivals import AWS, S5CMD, install_rivals
from benchmarks.stores import publish_command, seconds_to_send
from benchmarks.table import Row, ratio_row
from byoi_tools.model.sizes import human_size
from fixtures.object_store import ObjectStore
from fixtures.store_proxy import StoreProxy

_GIGABIT = 1e9 / 8  # bytes
_ROUNDS_OF_SLOW_RIVALS = 3
_LARGEST_RATIO_TO_PROGRAMS = 0.30
_LARGEST_RATIO_WITHOUT_CONVERSION = 0.60
_LARGEST_RATIO_TO_WIRE = 1.15


def measure_publish(rounds: int) -> list[Row]:
    """Return the rows; nothing of what they needed is left."""
    install_rivals()
    with tempfile.TemporaryDirectory(dir=DEBIAN.parent, prefix=".bench.") as directory:
        scratch = Path(directory)
        uncompressed = make_uncompressed(scratch)
        rows = measure_conversion(rounds, scratch)
        rows.append(measure_digests(rounds, uncompressed))
        with ObjectStore(scratch / "store") as store:
            rows.append(_against_programs(rounds, store, scratch))
            rows.append(_without_conversion(rounds, store, uncompressed))
            rows.append(_against_the_wire(rounds, store, scratch))
            rows.append(measure_memory(store, scratch))
            rows.append(measure_resumption(store, uncompressed))
        return rows


def _against_programs(rounds: int, store: ObjectStore, scratch: Path) -> Row:
    raw, converted = DEBIAN.with_suffix(".raw"), scratch / "converted.qcow2"
    script = f'{QEMU_IMG} "$1" "$2" && sha256sum "$2" && sha512sum "$2" && "$3" s3 cp --no-progress "$2" s3://BUCKET/'
    theirs: Command = ["sh", "-c", script, "sh", raw, converted, AWS]
    ours = publish_command(raw, *COMPRESSED)
    found = medians(
        {
            "publish": lambda: seconds_to_send(store, ours),
            "their programs": lambda: seconds_to_send(store, theirs),
        },
        min(rounds, _ROUNDS_OF_SLOW_RIVALS),
    )
    converted.unlink()
    what = (
        "`publish --compress zlib` of it (with both digests, and verified) ÷ "
        "`qemu-img convert -c -m 16 -W && sha256sum && sha512sum && aws s3 cp`"
    )
    return ratio_row(what, found["publish"], found["their programs"], _LARGEST_RATIO_TO_PROGRAMS)


def _without_conversion(rounds: int, store: ObjectStore, image: Path) -> Row:
    script = 'sha256sum "$1" && sha512sum "$1" && "$2" cp "$1" s3://BUCKET/'
    theirs: Command = ["sh", "-c", script, "sh", image, S5CMD]
    ours = publish_command(image)
    found = medians(
        {
            "publish as it is": lambda: seconds_to_send(store, ours),
            "sha256sum, sha512sum, s5cmd": lambda: seconds_to_send(store, theirs),
        },
        rounds,
    )
    size = human_size(image.stat().st_size)
    what = f"`publish` without conversion ({size}) ÷ `sha256sum && sha512sum && s5cmd cp`"
    limit = _LARGEST_RATIO_WITHOUT_CONVERSION
    return ratio_row(what, found["publish as it is"], found["sha256sum, sha512sum, s5cmd"], limit)


def _against_the_wire(rounds: int, store: ObjectStore, scratch: Path) -> Row:
    """Both go through the same proxy, which lets 1 Gbit/s pass; `convert` makes the bytes that `publish` makes."""
    raw, made = DEBIAN.with_suffix(".raw"), scratch / "made.qcow2"
    ours = publish_command(raw, *COMPRESSED)
    seconds_of([BYOI_TOOLS, "convert", raw, made, *COMPRESSED])
    with StoreProxy(store.endpoint_url, _GIGABIT) as proxy:
        found = medians(
            {
                "publish at 1 Gbit/s": lambda: seconds_to_send(store, ours, proxy.url),
                "s5cmd at 1 Gbit/s": lambda: seconds_to_send(store, [S5CMD, "cp", made, "s3://BUCKET/"], proxy.url),
            },
            rounds,
        )
    size = human_size(made.stat().st_size)
    made.unlink()
    what = f"the same at 1 Gbit/s ÷ `s5cmd cp` of the finished file ({size}) at 1 Gbit/s"
    return ratio_row(what, found["publish at 1 Gbit/s"], found["s5cmd at 1 Gbit/s"], _LARGEST_RATIO_TO_WIRE)
