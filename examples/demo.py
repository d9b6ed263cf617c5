"""The main job from end to end, on a real object store and a pretend provider, with commands that a user would type.

    .venv/bin/python -m examples.demo build/debian-12.raw

Everything that it starts listens on loopback alone and is stopped at the end, on failure and on Ctrl-C too.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fixtures.object_store import ObjectStore

DIRECTORY = Path("build/demo")
BUCKET = "images"
SERVER = "ns1.simulated"
PROGRAM = Path(sys.executable).parent / "byoi-tools"
HOST_NAME = "demo"


def main() -> int:
    """Run the demonstration; returns 0 only when all of it worked."""
    if len(sys.argv) != 2:
        say("usage: demo.py IMAGE")
        return 2
    image = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, interrupt)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        with ObjectStore(DIRECTORY / "object-store") as store, simulator(DIRECTORY / "servers") as api:
            environment = store.environment | api | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
            store.client.create_bucket(Bucket=BUCKET)
            run(environment, "check", str(image), "--boot", "uefi")
            summary = run(environment, "publish-and-deploy", str(image), *deployment_flags())
    except KeyboardInterrupt:
        say("interrupted; everything that was started is stopped")
        return 130
    except subprocess.CalledProcessError as failed:
        say(f"this failed with exit code {failed.returncode}: byoi-tools {failed.cmd[1]}")
        return 1
    say(f"\nThe whole line took {time.monotonic() - began:.0f} s. In short:\n")
    sys.stdout.write(summary)
    sys.stdout.write(written_disk())
    return 0


def deployment_flags() -> list[str]:
    """What a user would type after `publish-and-deploy IMAGE`."""
    (DIRECTORY / "user-data.yaml").write_text("#cloud-config\nruncmd:\n  - [touch, /root/it-works]\n")
    return [
        *("--server", SERVER, "--confirm", SERVER),
        *("--to", f"s3://{BUCKET}/debian", "--image-type", "qcow2", "--compress", "zlib"),
        *("--expires", "2h", "--hostname", HOST_NAME, "--user-data", str(DIRECTORY / "user-data.yaml")),
        *("--receipt", str(DIRECTORY / "receipt.jsonl")),
    ]


def run(environment: Mapping[str, str], *arguments: str) -> str:
    """Run byoi-tools, show its messages as they come, and return its result."""
    say(f"\n$ byoi-tools {shlex.join(arguments)}")
    with subprocess.Popen(
        [str(PROGRAM), *arguments], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            raise
    if arguments[0] == "check" or process.returncode:
        sys.stdout.write(output)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    return output


@contextmanager
def simulator(directory: Path) -> Iterator[dict[str, str]]:
    """The pretend provider, as a program of its own; gives the environment that points the real client to it."""
    command = [str(PROGRAM), "simulator", "--listen", "127.0.0.1:0", "--directory", str(directory), "--pace", "0.2"]
    log = directory.parent / "simulator.log"
    with (
        log.open("w") as messages,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=messages, text=True, start_new_session=True
        ) as process,
    ):
        try:
            yield read_exports(process, log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def read_exports(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    """Read the `export NAME=VALUE` lines that the simulator prints once it listens."""
    output = process.stdout or sys.exit("no output")
    lines = [output.readline().strip().removeprefix("export ") for _ in range(4)]
    if not all("=" in line for line in lines):
        raise RuntimeError(f"the simulator did not start; see {log}")
    return dict(line.split("=", 1) for line in lines)


def written_disk() -> str:
    """Where the disk of the simulated server is, and how it would boot."""
    directory = DIRECTORY / "servers" / SERVER
    state = json.loads((directory / "state.json").read_text())
    disks = [path for path in directory.iterdir() if path.suffix in (".raw", ".img")]
    lines = [f"disk      {path} ({path.stat().st_blocks * 512 / 2**20:.0f} MiB written)\n" for path in disks]
    return "".join(lines) + f"boot      {json.dumps(state.get('boot'))}\n"


def say(text: str) -> None:
    """Tell people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C would."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
