"""Converts by qemu-img: any format that it knows to qcow2 or raw, compared afterwards by qemu-img too."""

from __future__ import annotations

from pathlib import Path

from byoi_tools.conversion.plan import plan_conversion
from byoi_tools.conversion.space import require_space
from byoi_tools.model.fact import Known
from byoi_tools.model.image import Compression, Container, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.tools import qemu_img

_WORK = "converting"


def convert_by_qemu_img(
    source: Path,
    container: Container,
    source_format: str,
    output: Path,
    output_type: ImageType,
    compression: Compression,
    observer: Observer,
    *,
    is_verified: bool,
) -> dict[str, str]:
    """Write the source, whose header was judged, as `output`, and return what made it, with its version.

    Raises `ToolError`, `NoSpace` or `IntegrityError`.
    """
    size = container.virtual_size_bytes
    virtual_size_bytes = size.value if isinstance(size, Known) else qemu_img.virtual_size(source, source_format)
    plan = plan_conversion(source, container.format, output, output_type, compression, virtual_size_bytes)
    require_space(output.parent, qemu_img.measure(source, source_format, output_type.value))
    limits = qemu_img.Limits(plan.seconds)
    observer.work_started(_WORK, virtual_size_bytes)
    qemu_img.convert(
        plan.arguments, limits, lambda percent: observer.work_advanced(_WORK, int(virtual_size_bytes * percent / 100))
    )
    observer.work_finished(_WORK)
    if is_verified:
        observer.work_started("comparing", None)
        qemu_img.compare(source, source_format, output, output_type.value, limits)
        observer.work_finished("comparing")
    return {"qemu-img": qemu_img.version()}
