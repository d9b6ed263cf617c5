"""Shows why the line ended before anything was uploaded: a bad verdict, a rehearsal that failed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from byoi_tools.cli.terminal import terminal_of, write_note, write_result

Made = TypeVar("Made")
REHEARSAL_SECONDS = 900.0
_UNTOUCHED = "nothing was uploaded, and the server was not touched"


def or_shown(run: Callable[[], Made]) -> Made | None:
    """Return what the run makes; None when the image was found bad, which was shown: exit 1 follows."""
    from byoi_tools.pipeline.stages import BadRehearsal, BadVerdict
    from byoi_tools.reports.rehearsal import render_rehearsal
    from byoi_tools.reports.text import render_report

    try:
        return run()
    except BadVerdict as bad:
        shown = render_report(bad.report, terminal_of(sys.stdout))
    except BadRehearsal as bad:
        ended = bad.rehearsed
        shown = render_rehearsal(ended.rehearsal, ended.explanations, terminal_of(sys.stdout))
    write_result(shown)
    write_note(_UNTOUCHED)
    return None
