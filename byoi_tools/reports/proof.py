"""A proof for people: what the system said of itself, and the verdict."""

from __future__ import annotations

from byoi_tools.model.fact import Known
from byoi_tools.model.proof import Proof, Verdict
from byoi_tools.reports.rehearsal import render_guest
from byoi_tools.reports.terminal import Terminal

_WORDS = {Verdict.PROVEN: "PROVEN", Verdict.FAILED: "NOT PROVEN", Verdict.UNKNOWN: "NOT PROVEN"}


def render_proof(proof: Proof, terminal: Terminal) -> str:
    """Return lines of text that end in a newline; the verdict is the last one."""
    lines = render_guest(proof.guest.value, terminal) if isinstance(proof.guest, Known) else []
    text = f"{_WORDS[proof.verdict]} at {proof.order.address} after {proof.seconds:.0f} s: {proof.reason}"
    style = "good" if proof.verdict is Verdict.PROVEN else "bad"
    lines += [terminal.paint(line, style) for line in terminal.wrap(text, "", "  ")]
    return "\n".join(lines) + "\n"
