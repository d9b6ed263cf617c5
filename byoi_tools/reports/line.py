"""The summary of a whole line: what was found, published and installed."""

from __future__ import annotations

from byoi_tools.model.deployment.server import InstallResult
from byoi_tools.model.finding import OutcomeKind, Report, Severity
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.model.sizes import exact_size
from byoi_tools.reports.installation import render_installation


def render_line(report: Report, published: PublishedImage, result: InstallResult) -> str:
    """Return lines of `name value` and the steps; without the presigned URL, which nobody needs any more."""
    return f"{render_published(report, published)}{'server':<10}{result.server}\n{render_installation(result)}"


def render_published(report: Report, published: PublishedImage) -> str:
    """Return lines of `name value` of what was found in the image, and where it lies."""
    rows = [
        ("image", f"{report.image.path} ({report.image.format.value}, {exact_size(report.image.size_bytes)})"),
        ("findings", _findings(report)),
        ("object", str(published.address) + (" (was there already)" if published.was_reused else "")),
        ("size", exact_size(published.size_bytes)),
        *((digest.algorithm.value, digest.hexadecimal) for digest in published.digests),
        ("loader", report.loader_path or "none"),
    ]
    return "".join(f"{name:<10}{value}\n" for name, value in rows)


def _findings(report: Report) -> str:
    failed = report.of_kind(OutcomeKind.FAILED)
    counts = [f"{sum(o.severity is severity for o in failed)} {severity.word}" for severity in reversed(Severity)]
    others = (OutcomeKind.PASSED, OutcomeKind.WAIVED, OutcomeKind.SKIPPED)
    rest = [f"{len(report.of_kind(kind))} {kind.value}" for kind in others if report.of_kind(kind)]
    return "; ".join([", ".join(counts), ", ".join(rest)])
