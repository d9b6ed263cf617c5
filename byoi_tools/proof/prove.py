"""Proves that the system which answers is the one that was ordered: waits for it, asks it, judges what it says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.observer import Observer
from byoi_tools.model.proof import GuestState, Proof, ProofOrder, Prove, Verdict
from byoi_tools.proof.attempts import Attempts
from byoi_tools.proof.guest import find_contradictions, read_answers, read_state
from byoi_tools.proof.marker import judge_marker
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ssh import KeyPair

# Who guards a server may lock out whoever knocks too often.
PAUSE_SECONDS = 10.0
# The provider calls it done at the last reboot: who answers wrongly may be what is about to go down.
GRACE_SECONDS = 90.0

_NOT_ASKED = NotExamined("the system was not asked")


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one attempt showed; `verdict` None while nothing has been shown."""

    verdict: Verdict | None
    reason: str
    host_key: str = ""
    guest: Fact[GuestState] = _NOT_ASKED


def prove(order: ProofOrder, key: KeyPair | None, clock: Clock, observer: Observer) -> Proof:
    """Try until the system is proven, has been a wrong one for a while, or the time of the order is up.

    `key` is what to log in with, needed by `Prove.SSH` alone.
    """
    began, wrong_since, told = clock.monotonic(), None, ""
    while True:
        judged = _attempt(order, key)
        now = clock.monotonic()
        if judged.verdict is Verdict.PROVEN:
            break
        kind = judged.reason.partition(" (")[0]  # what the socket said of it changes at every attempt
        if kind != told:
            observer.noted(judged.reason)
            told = kind
        wrong_since = None if judged.verdict is None else now if wrong_since is None else wrong_since
        is_settled = wrong_since is not None and now - wrong_since >= GRACE_SECONDS
        if is_settled or now - began >= order.timeout_seconds:
            break
        clock.sleep(min(PAUSE_SECONDS, max(order.timeout_seconds - (now - began), 1.0)))
    verdict = judged.verdict or Verdict.UNKNOWN
    return Proof(order, verdict, judged.reason, clock.monotonic() - began, judged.host_key, judged.guest)


def _attempt(order: ProofOrder, key: KeyPair | None) -> _Judged:
    users = tuple(dict.fromkeys(order.users))
    attempts = Attempts(
        order.address, key if order.method is Prove.SSH else None, lambda: users, place=str(order.address)
    )
    attempts.attempt()
    host_key = attempts.fingerprint or ""
    if attempts.answer is not None:
        return _judge_system(order, attempts)
    if not attempts.has_succeeded:
        is_old = host_key in (order.host_keys_before or ())
        return _Judged(None, attempts.trouble + (", with the host key of before" if is_old else ""), host_key)
    return _judge_host_key(order, host_key)


def _judge_host_key(order: ProofOrder, host_key: str) -> _Judged:
    """All that is known of a system that nobody asked."""
    if order.host_keys_before is None:
        return _Judged(Verdict.UNKNOWN, "an SSH server answers, and nobody noted who answered before", host_key)
    if host_key in order.host_keys_before:
        return _Judged(Verdict.FAILED, "an SSH server answers with the host key of before: an old system", host_key)
    return _Judged(Verdict.PROVEN, "an SSH server answers with a host key that was not there before", host_key)


def _judge_system(order: ProofOrder, attempts: Attempts) -> _Judged:
    answer = attempts.answer
    assert answer is not None  # noqa: S101 - asked before
    sent = order.customizations.user_data
    digest = hashlib.sha256(sent).hexdigest() if sent else None
    state = read_state(answer, digest, None, is_key_printed=NotExamined("nobody sees the server's console"))
    verdict, reason = _judge_marker(order, read_answers(answer.output), answer.fingerprint)
    contradictions = find_contradictions(order.customizations, state)
    if verdict is not Verdict.FAILED and contradictions:
        verdict, reason = Verdict.FAILED, "; ".join(contradictions)
    elif verdict is not Verdict.PROVEN and answer.fingerprint in (order.host_keys_before or ()):
        reason += "; its host key is that of before"
    return _Judged(verdict, reason, answer.fingerprint, Known(state))


def _judge_marker(order: ProofOrder, answers: dict[str, str], host_key: str) -> tuple[Verdict, str]:
    if order.marker is not None:
        return judge_marker(answers, order.marker)
    judged = _judge_host_key(order, host_key)
    return judged.verdict or Verdict.UNKNOWN, f"no marker was sent; {judged.reason}"
