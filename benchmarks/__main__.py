"""Runs the measurements, prints their table, and writes it into the README: `make bench`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.check import measure_check
from benchmarks.images import DEBIAN
from benchmarks.publish import measure_publish
from benchmarks.table import describe_machine, render_table, write_table
from byoi_tools.errors import ByoiError
from fixtures.libguestfs import libguestfs_environment

README = Path(__file__).parents[1] / "README.md"
_ROUNDS = 5


def main() -> int:
    """Return 0 when every target is met, 1 when one is missed, and the code of an error."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each is measured; the median counts")
    parser.add_argument("--only", choices=("check", "publish"), help="measure that alone; the table is not written")
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    options = parser.parse_args()
    try:
        libguestfs = libguestfs_environment(DEBIAN.with_suffix(".raw"))
        rows = [] if options.only == "publish" else measure_check(options.rounds, libguestfs)
        rows += [] if options.only == "check" else measure_publish(options.rounds)
        has_kvm = "LIBGUESTFS_BACKEND_SETTINGS" not in libguestfs
        table = render_table(rows, describe_machine("KVM" if has_kvm else "no KVM"))
        print(table)
        if options.write and not options.only:
            write_table(README, table)
    except ByoiError as error:
        print(f"bench: {error.message}\n  seen: {error.details}\n  do:   {error.remedy}", file=sys.stderr)
        return error.exit_code
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
