"""The flags of the proof: what they mean together, and what is taken when they are not given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.flag_groups import ProofFlags
from byoi_tools.cli.order import private_half, read_public_key
from byoi_tools.cli.terminal import write_note
from byoi_tools.errors import UsageError
from byoi_tools.model.proof import Prove
from byoi_tools.model.ssh_address import SshAddress

if TYPE_CHECKING:
    from byoi_tools.pipeline.proving import ProofWish


def choose_proof(flags: ProofFlags, ssh_key: Path | None) -> ProofWish | None:
    """Return how the user wants it proven, None for not at all.

    Without --prove it is a login where there is a key for it, else the host key alone, with a note. Raises `UsageError`
    for a login without a key that can be used.
    """
    from byoi_tools.pipeline.proving import ProofWish
    from byoi_tools.publishing.destination import parse_duration

    if flags.prove is Prove.NONE:
        return None
    address = _parse_address(flags.ssh_address) if flags.ssh_address else None
    seconds = parse_duration(flags.prove_timeout).total_seconds()
    private_key = flags.ssh_private_key or private_half(ssh_key)
    trouble = _find_trouble(private_key, None if flags.ssh_private_key else ssh_key)
    if trouble and (flags.prove is Prove.SSH or flags.ssh_private_key):
        raise UsageError(
            f"the system cannot be proven by a login: {trouble}",
            remedy="Give --ssh-key KEY.pub beside its private half, or --ssh-private-key KEY, without a passphrase; "
            "or --prove port.",
        )
    if trouble and flags.prove is None:
        write_note(f"the new system will be known by its host key alone (--prove port): {trouble}")
    method = flags.prove or (Prove.PORT if trouble else Prove.SSH)
    return ProofWish(method, seconds, address, private_key, (flags.ssh_user,) if flags.ssh_user else ())


def _parse_address(text: str) -> SshAddress:
    try:
        return SshAddress.parse(text)
    except ValueError as wrong:
        raise UsageError(
            "--ssh-address is no address", details=str(wrong), remedy="Write for instance 192.0.2.1:22."
        ) from wrong


def _find_trouble(private_key: Path | None, public_key: Path | None) -> str:
    """Why nobody could log in with the key; empty when somebody can."""
    from byoi_tools.tools.ssh import load_key

    if private_key is None:
        return "there is no SSH key to log in with"
    key = load_key(private_key)
    if key is None:
        return f"{private_key} is not at hand, or no private key without a passphrase"
    if public_key and key.public_line.split()[:2] != read_public_key(public_key).split()[:2]:
        return f"{private_key} is not the private half of {public_key}"
    return ""
