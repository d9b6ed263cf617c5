"""KVM is believed only when a machine's firmware speaks; QEMU is a fake first in PATH, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = "from byoi_tools.rehearsal.accelerator import accelerator_name; print(accelerator_name())"


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("echo 'SeaBIOS (version 1.16.2)'; exec sleep 600", "kvm"),
        ("echo 'Could not access KVM kernel module' >&2; exit 1", "tcg"),
        ("echo 'error: failed to set MSR 0x38f' >&2; kill -ABRT $$", "tcg"),
        ("exec sleep 600", "tcg"),
    ],
    ids=["it works", "no device", "it aborts", "it hangs"],
)
def test_kvm_is_used_where_a_machine_starts_with_it(tmp_path: Path, script: str, name: str) -> None:
    fake = tmp_path / "qemu-system-x86_64"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], check=True, capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.strip() == name
