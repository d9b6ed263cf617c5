"""Where a fleet's new systems are asked: at the address of the file, else at the one that the API has told already."""

from __future__ import annotations

from dataclasses import replace

from byoi_tools.model.proof import Prove
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.pipeline.proving import ProofWish, with_addresses
from tests.unit.checks.planned_scenes import FITTING


def test_the_address_of_the_file_wins_and_the_told_one_is_not_asked_for_again() -> None:
    wish, own = ProofWish(Prove.PORT, 60.0), SshAddress("192.0.2.9", 2222)
    servers = [replace(FITTING.server, name=name, address="192.0.2.1") for name in ("a", "b")]
    silent = replace(FITTING.server, name="c", address="")
    proofs = {"a": wish, "b": replace(wish, address=own), "c": wish}
    addresses = {name: each.address for name, each in with_addresses(proofs, [*servers, silent]).items()}
    assert addresses == {"a": SshAddress("192.0.2.1"), "b": own, "c": None}
