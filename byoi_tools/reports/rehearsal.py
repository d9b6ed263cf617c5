"""A rehearsal for people and for programs: the milestones, what the system said, and what explains an early end."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.finding import Outcome
from byoi_tools.model.proof import GuestState
from byoi_tools.model.rehearsal import Milestone, Rehearsal, Screen
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.plain import to_plain, write_json
from byoi_tools.reports.terminal import Terminal, printable

SCHEMA = "byoi-tools/rehearsal/v1"

_EXPLANATIONS = 5
_LINES = 12
_SILENT = (
    "The system writes nothing to the serial port, and its screen is in graphics mode, which nobody reads: it may have "
    "come further than is shown, and only SSH would tell. Add console=ttyS0 to the kernel's command line to see it; "
    "--keep keeps a picture of the screen."
)
_ACCELERATORS = {"kvm": "on KVM", "tcg": "emulated (KVM does not work here)"}


def render_rehearsal(rehearsal: Rehearsal, explanations: tuple[Outcome, ...], terminal: Terminal) -> str:
    """Return lines of text that end in a newline; the verdict is the last one."""
    order = rehearsal.order
    loader = f", loader {order.loader_path}" if order.boot.value == "uefi" else ""
    lines = terminal.wrap(
        f"boot {order.boot.value}{loader}{', Secure Boot' if order.has_secure_boot else ''}; "
        f"disk {order.disk.value}, network {order.network.value}, {human_size(order.memory_bytes)} of memory, "
        f"{_ACCELERATORS.get(rehearsal.accelerator, 'not started')}",
        "",
        "  ",
    )
    lines += ["", *_milestones(rehearsal, terminal), *_screen(rehearsal, terminal), ""]
    if isinstance(rehearsal.guest, Known):
        lines += [*render_guest(rehearsal.guest.value, terminal), ""]
    elif Milestone.SSH in rehearsal.passed:
        lines += [*terminal.wrap(f"the system was not asked: {rehearsal.guest.reason}", "  "), ""]
    for contradiction in rehearsal.contradictions:
        lines += terminal.wrap(contradiction, "! ", "  ")
    if rehearsal.missed is not None:
        lines += [*_early_end(rehearsal, explanations, terminal), ""]
    is_good = rehearsal.has_succeeded
    verdict = f"{'BOOTED' if is_good else 'FAILED'}: {_verdict(rehearsal)}"
    return "\n".join([*lines, terminal.paint(verdict, "good" if is_good else "bad")]) + "\n"


def render_rehearsal_json(rehearsal: Rehearsal, explanations: tuple[Outcome, ...]) -> str:
    """Return one JSON document, `byoi-tools/rehearsal/v1`, with a newline at the end."""
    order = rehearsal.order
    missed = rehearsal.missed
    document = {
        "schema": SCHEMA,
        "boot": order.boot.value,
        "efi_bootloader_path": order.loader_path if order.boot.value == "uefi" else None,
        "secure_boot": order.has_secure_boot,
        "disk": order.disk.value,
        "network": order.network.value,
        "memory_bytes": order.memory_bytes,
        "accelerator": rehearsal.accelerator,
        "until": order.until.value,
        "verdict": "booted" if rehearsal.has_succeeded else "failed",
        "seconds": round(rehearsal.seconds, 1),
        "ending": rehearsal.ending,
        "missed": missed.value if missed else None,
        "milestones": [_milestone(rehearsal, milestone) for milestone in Milestone],
        "is_console_silent": rehearsal.is_console_silent,
        "screen": to_plain(rehearsal.screen),
        "guest": to_plain(rehearsal.guest),
        "contradictions": list(rehearsal.contradictions),
        "explained_by": [_explanation(outcome) for outcome in explanations],
        "console_end": list(rehearsal.console_end),
    }
    return write_json(document)


def _milestone(rehearsal: Rehearsal, milestone: Milestone) -> dict[str, object]:
    sighting = next((one for one in rehearsal.sightings if one.milestone is milestone), None)
    return {
        "name": milestone.value,
        "is_reached": milestone in rehearsal.passed,
        "seconds": round(sighting.seconds, 1) if sighting else None,
        "seen": sighting.line if sighting else "",
    }


def _explanation(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.check_id,
        "severity": outcome.severity.word,
        "message": outcome.message,
        "observed": outcome.observed,
        "remedy": outcome.remedy,
    }


def _milestones(rehearsal: Rehearsal, terminal: Terminal) -> Iterator[str]:
    seconds = {sighting.milestone: sighting.seconds for sighting in rehearsal.sightings}
    passed = rehearsal.passed
    for milestone in Milestone:
        if milestone in seconds:
            yield f"  {terminal.paint('reached', 'good')} {seconds[milestone]:7.1f} s  {milestone.value}"
        elif milestone in passed:
            yield f"  {terminal.paint('reached', 'good')}         -   {milestone.value} (the console does not say when)"
        else:
            word, style = ("missed ", "bad") if milestone is rehearsal.missed else ("-      ", "faint")
            yield f"  {terminal.paint(word, style)}         -   {milestone.value}"


def _screen(rehearsal: Rehearsal, terminal: Terminal) -> Iterator[str]:
    """What the screen adds; nothing when the console has said it all."""
    if rehearsal.missed is None or Milestone.LOADER not in rehearsal.passed:
        return
    if isinstance(rehearsal.screen, Known):
        yield from terminal.wrap(describe_screen(rehearsal.screen.value), "  screen: ", "  ")
    if rehearsal.is_console_silent:
        yield from terminal.wrap(_SILENT, "  ")


def describe_screen(screen: Screen) -> str:
    """Return one sentence on when it was drawn, and in which mode."""
    mode = "text, 80 columns" if screen.is_text_mode else f"{screen.width_pixels} x {screen.height_pixels} pixels"
    if screen.first_change_seconds is None or screen.last_change_seconds is None:
        return f"nothing was drawn after the loader was started ({mode})"
    first, last = screen.first_change_seconds, screen.last_change_seconds
    return f"drawn from {first:.0f} s after power-on, changed last at {last:.0f} s ({mode})"


def render_guest(state: GuestState, terminal: Terminal) -> list[str]:
    """Return what the system said of itself, in lines of a name and a text."""
    grown = {True: ", grown to the disk", False: ", NOT grown to the disk"}
    size = f", {human_size(state.root_size_bytes.value)}" if isinstance(state.root_size_bytes, Known) else ""
    growth = grown[state.is_root_grown.value] if isinstance(state.is_root_grown, Known) else ""
    rows = (
        ("login", f"as {state.user}"),
        ("host name", state.hostname),
        ("kernel", state.kernel),
        ("root", f"{state.root_device}, UUID {state.root_uuid}{size}{growth}"),
        ("cloud-init", _in_one_line(state.cloud_init)),
        ("user data", _as_sent(state.has_user_data)),
        ("failed", _listed(state.failed_units, "no unit")),
        ("firmware", _listed(state.missing_firmware, "nothing is missing")),
        ("host key", f"{state.host_key}{_printed(state.is_host_key_on_console)}"),
        ("boot id", state.boot_id),
    )
    return [line for name, text in rows for line in terminal.wrap(text, f"  {name:<11}", " " * 13)]


def _printed(answer: Fact[bool]) -> str:
    if isinstance(answer, NotExamined):
        return ""
    return ", printed on the console" if answer.value else ", not on the console"


def _in_one_line(text: Fact[str]) -> str:
    return "; ".join(text.value.splitlines()) if isinstance(text, Known) else text.reason


def _as_sent(answer: Fact[bool]) -> str:
    if isinstance(answer, NotExamined):
        return answer.reason
    return "as sent" if answer.value else "NOT what was sent"


def _listed(names: Fact[tuple[str, ...]], nothing: str) -> str:
    if isinstance(names, NotExamined):
        return names.reason
    return ", ".join(names.value) or nothing


def _early_end(rehearsal: Rehearsal, explanations: tuple[Outcome, ...], terminal: Terminal) -> list[str]:
    lines = [terminal.paint("the console ended with", "title")]
    lines += [f"  {printable(line)[: terminal.width - 2]}" for line in rehearsal.console_end or ("(nothing)",)]
    if isinstance(rehearsal.screen, Known) and rehearsal.screen.value.text:
        lines += ["", terminal.paint("the screen shows", "title")]
        lines += [f"  {printable(line)[: terminal.width - 2]}" for line in rehearsal.screen.value.text[-_LINES:]]
    if rehearsal.order.keep is not None and isinstance(rehearsal.screen, Known):
        lines += ["", *terminal.wrap(f"kept in {printable(str(rehearsal.order.keep))}: console.txt, screen.png", "")]
    if not explanations:
        return lines
    lines += ["", terminal.paint("what the check says of the image", "title")]
    for outcome in explanations[:_EXPLANATIONS]:
        lines.append(f"  {terminal.paint(outcome.severity.word, outcome.severity.word)} {outcome.check_id}")
        for label, text in (("", outcome.message), ("observed ", outcome.observed), ("fix      ", outcome.remedy)):
            if text:
                lines += terminal.wrap(text, f"    {label}", "    " + " " * len(label))
    if len(explanations) > _EXPLANATIONS:
        lines.append(f"  and {len(explanations) - _EXPLANATIONS} more: byoi-tools check shows them")
    return lines


def _verdict(rehearsal: Rehearsal) -> str:
    """One line, whatever the width."""
    missed = rehearsal.missed
    if missed is not None:
        return f"did not reach '{missed.value}': {printable(rehearsal.ending)}"
    if rehearsal.contradictions:
        return f"{printable(rehearsal.contradictions[0])}"
    return f"{rehearsal.order.until.milestone.value} after {_seconds_of_goal(rehearsal):.0f} s"


def _seconds_of_goal(rehearsal: Rehearsal) -> float:
    goal = rehearsal.order.until.milestone
    return next((one.seconds for one in rehearsal.sightings if one.milestone is goal), rehearsal.seconds)
