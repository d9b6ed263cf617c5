"""The main job from end to end, on a real object store and a pretend provider, with commands that a user would type.

    .venv/bin/python -m examples.demo build/debian-12.raw [--no-boot]

One image goes to a UEFI server and to a legacy one, which boot what was installed in QEMU, and is proven on both over
SSH; with --no-boot it is only installed. Everything that it starts listens on loopback alone and is stopped at the end,
on failure and on Ctrl-C too.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import paramiko

from fixtures.object_store import ObjectStore

DIRECTORY = Path("build/demo")
BUCKET = "images"
UEFI, LEGACY = "ns1.simulated", "ns2.simulated"
PROGRAM = Path(sys.executable).parent / "byoi-tools"
KEY = DIRECTORY / "id_demo"


def main() -> int:
    """Run the demonstration; returns 0 only when all of it worked."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--no-boot"]
    if len(arguments) != 1:
        say("usage: demo.py IMAGE [--no-boot]")
        return 2
    image, boots = Path(arguments[0]), "--no-boot" not in sys.argv
    signal.signal(signal.SIGTERM, interrupt)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        with ObjectStore(DIRECTORY / "object-store") as store:
            environment = store.environment | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
            store.client.create_bucket(Bucket=BUCKET)
            run(environment, "check", str(image), "--boot", "uefi")
            summary = deploy_to_both(environment, image, boots=boots)
    except KeyboardInterrupt:
        say("interrupted; everything that was started is stopped")
        return 130
    except subprocess.CalledProcessError as failed:
        say(f"this failed with exit code {failed.returncode}: byoi-tools {failed.cmd[1]}")
        return 1
    say(f"\nThe whole line took {time.monotonic() - began:.0f} s. In short:\n")
    sys.stdout.write(summary)
    return 0


def deploy_to_both(environment: dict[str, str], image: Path, *, boots: bool) -> str:
    """Deploy to one server after the other, each with the machine for itself; only the first has to upload."""
    write_inputs()
    summary = ""
    for server in (UEFI, LEGACY):
        with simulator(DIRECTORY / "servers", boots=boots) as api:
            flags = deployment_flags(server, boots=boots)
            summary += run(environment | api, "publish-and-deploy", str(image), *flags)
        summary += written_disk(server) + "\n"
    return summary


def write_inputs() -> None:
    """Write the files that a user would have: user data, and a key to log in with."""
    (DIRECTORY / "user-data.yaml").write_text("#cloud-config\nruncmd:\n  - [touch, /root/it-works]\n")
    if not KEY.exists():
        key = paramiko.ECDSAKey.generate(bits=256)
        key.write_private_key_file(str(KEY))
        KEY.with_suffix(".pub").write_text(f"{key.get_name()} {key.get_base64()} demo\n")


def deployment_flags(server: str, *, boots: bool) -> list[str]:
    """What a user would type after the image; `--again` because the servers of the last demonstration are gone."""
    proof = ["--prove", "ssh", "--ssh-address", ssh_address(server)] if boots else ["--prove", "none"]
    return [
        *("--server", server, "--confirm", server, "--again"),
        *("--to", f"s3://{BUCKET}/debian", "--image-type", "qcow2", "--compress", "zlib"),
        *("--expires", "2h", "--hostname", f"demo-{server.partition('.')[0]}"),
        *("--ssh-key", str(KEY.with_suffix(".pub")), "--user-data", str(DIRECTORY / "user-data.yaml")),
        *("--receipt", str(DIRECTORY / f"{server}.jsonl"), *proof),
    ]


def ssh_address(server: str) -> str:
    """Where the simulator says that a server answers."""
    found = re.search(rf"{re.escape(server)} \(SSH at ([0-9.:]+)\)", (DIRECTORY / "simulator.log").read_text())
    if found is None:
        raise RuntimeError(f"the simulator did not say where {server} answers")
    return found[1]


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
            process.wait(60)
            raise
    if arguments[0] == "check" or process.returncode:
        sys.stdout.write(output)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    return output


@contextmanager
def simulator(directory: Path, *, boots: bool) -> Iterator[dict[str, str]]:
    """The pretend provider, as a program of its own; gives the environment that points the real client to it."""
    command = [str(PROGRAM), "simulator", "--listen", "127.0.0.1:0", "--directory", str(directory), "--pace", "0.2"]
    command += ["--boot"] if boots else []
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
    while "servers:" not in log.read_text() and process.poll() is None:
        time.sleep(0.05)
    return dict(line.split("=", 1) for line in lines)


def written_disk(server: str) -> str:
    """Where the disk of a simulated server is, and how it booted."""
    directory = DIRECTORY / "servers" / server
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
