from __future__ import annotations

import pytest

from byoi_tools.publishing.part_plan import FilePart, PartPlan, plan_parts

MIB = 2**20
GIB = 2**30
TIB = 2**40


@pytest.mark.parametrize(
    ("size_bytes", "part_mib"),
    [
        (1, 16),
        (15 * GIB, 16),
        (30 * GIB, 31),  # 1,000 parts, in whole MiB
        (100 * GIB, 64),
        (10_000 * 64 * MIB, 64),
        (10_000 * 64 * MIB + 1, 65),
        (48 * TIB, 5034),  # the largest object at OVHcloud
    ],
)
def test_size_of_parts(size_bytes: int, part_mib: int) -> None:
    plan = plan_parts(size_bytes)

    assert plan.part_bytes == part_mib * MIB
    assert plan.count(size_bytes) <= 10_000
    assert plan.part_bytes <= 5 * GIB  # S3 API, "Multipart upload limits"
    assert 4 <= plan.parallel <= 16


def test_parts_cover_the_file() -> None:
    plan = PartPlan(10, 4)

    assert plan.count(25) == 3
    assert [plan.part(number, 25) for number in (1, 2, 3)] == [
        FilePart(1, 0, 10),
        FilePart(2, 10, 10),
        FilePart(3, 20, 5),
    ]
