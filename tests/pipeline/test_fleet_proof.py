"""A fleet whose canary is installed, and does not answer: it is not proven, and nothing else is started."""

from __future__ import annotations

from pathlib import Path

from tests.fleet_scene import NAMES, AskedSimulator, FleetScene, three

IMAGE = ("--url", "https://images.example.net/x.qcow2", "--image-type", "qcow2", "--checksum", f"sha512:{'2c' * 64}")
NOBODY = "127.0.0.1:1"


def test_a_canary_that_is_not_proven_keeps_the_others_from_being_started(tmp_path: Path) -> None:
    with AskedSimulator(three(), tmp_path / "servers") as simulator:
        scene = FleetScene(simulator, tmp_path, IMAGE)
        scene.write(*[f'ssh-address = "{NOBODY}"'] * 3)
        flags = ("--canary", "1", "--prove", "port", "--prove-timeout", "1m")
        first = scene.run(*flags)
        assert (first.code, simulator.posts) == (6, {NAMES[0]: 1}), first.said
        assert "3 servers: 1 failed, 2 not started" in first.output
        assert NOBODY in first.errors
        second = scene.run(*flags)
        assert (second.code, simulator.posts) == (6, {NAMES[0]: 1}), second.said  # proven again, not installed again
        third = scene.run("--prove", "none")
        assert (third.code, simulator.posts) == (0, dict.fromkeys(NAMES, 1)), third.said
