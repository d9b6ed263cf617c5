"""`login` as a user runs it, whose browser is this test; and a deployment's calls by OAuth2, by the real ovh client."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from byoi_tools.simulator.credentials import OAuthClient
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from fixtures.tiny.good import good_raw
from tests.command import PROGRAM, Finished, byoi_tools, clean_environment
from tests.simulated_user import api_environment
from tests.unit.simulator.outside import small_server

NAME = "ns1.simulated"
# What deploy, match and status ask of one server (OVHcloud API, paths of `/dedicated/server`).
RIGHTS = {
    *(f"GET /dedicated/server/{NAME}{suffix}" for suffix in ("", "/install/status", "/task", "/task/*", "/boot/*")),
    *(
        f"GET /dedicated/server/{NAME}/{suffix}"
        for suffix in ("specifications/hardware", "install/compatibleTemplates")
    ),
    f"POST /dedicated/server/{NAME}/reinstall",
}


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator([small_server()], directory=tmp_path / "servers") as running:
        yield running


def application(provider: Simulator) -> dict[str, str]:
    """The variables of an application without a consumer key."""
    return {name: value for name, value in api_environment(provider).items() if name != "OVH_CONSUMER_KEY"}


def oauth2(provider: Simulator) -> dict[str, str]:
    client = provider.oauth_client
    return {
        "OVH_ENDPOINT": provider.url,
        "OVH_CLIENT_ID": client.client_id,
        "OVH_CLIENT_SECRET": client.client_secret,
    }


def log_in(environment: Mapping[str, str], folder: Path, *flags: str | Path, agrees: bool = True) -> Finished:
    """Run `login`, and open the URL that it shows."""
    shown = folder / "shown"
    command = [str(PROGRAM), "login", *map(str, flags)]
    with shown.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=clean_environment(environment), cwd=folder
        )
    deadline = time.monotonic() + 60
    while agrees and time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://\S+credentialToken=\w+", shown.read_text()):
            with urllib.request.urlopen(found[0]) as page:  # noqa: S310 - the simulator's, on loopback
                assert page.status == 200
            break
        time.sleep(0.1)
    output, _ = process.communicate(timeout=120)
    return Finished(process.returncode, output, shown.read_text())


def status(environment: Mapping[str, str], folder: Path) -> Finished:
    return byoi_tools("status", NAME, environment=environment, directory=folder)


def test_a_key_with_the_rights_of_a_deployment_is_written(provider: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "ovh.conf"
    file.write_text(f"# mine\n[default]\nendpoint={provider.url}\n\n[ovh-ca]\nconsumer_key=other\n")
    file.chmod(0o644)
    run = log_in(application(provider), tmp_path, "--server", NAME, "--write", file)
    assert (run.code, run.output) == (0, ""), run.said
    assert set(re.findall(r"^  ((?:GET|POST) \S+)$", run.errors, re.MULTILINE)) == RIGHTS
    parsed = configparser.RawConfigParser()
    parsed.read(file)
    key = parsed[provider.url]["consumer_key"]
    assert key not in run.said
    assert parsed["ovh-ca"]["consumer_key"] == "other"
    assert file.read_text().startswith("# mine\n[default]\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".ovh.conf*"))
    # The real client reads it there, in this directory; and the key may do no more than that.
    assert status(application(provider), tmp_path).code == 0
    refused = byoi_tools("rescue", NAME, "--confirm", NAME, environment=application(provider), directory=tmp_path)
    assert (refused.code, "PUT /dedicated/server" in refused.errors or "right" in refused.errors) == (6, True)


def test_without_a_file_the_key_is_the_output_and_works_for_reading(provider: Simulator, tmp_path: Path) -> None:
    run = log_in(application(provider), tmp_path, "--read-only")
    assert run.code == 0, run.said
    key = run.output.strip()
    assert re.fullmatch(r"[0-9a-f]{32}", key)
    assert key not in run.errors
    assert "POST" not in run.errors
    environment = application(provider) | {"OVH_CONSUMER_KEY": key}
    assert status(environment, tmp_path).code == 0
    good_raw(tmp_path / "good.raw")
    matched = byoi_tools("match", tmp_path / "good.raw", "--server", NAME, environment=environment)
    assert matched.code == 6
    assert f"POST /dedicated/server/{NAME}/reinstall" in matched.output


def test_a_key_that_nobody_validates_is_given_up(provider: Simulator, tmp_path: Path) -> None:
    run = log_in(application(provider), tmp_path, "--timeout", "1", "--write", tmp_path / "ovh.conf", agrees=False)
    assert (run.code, "nobody has validated" in run.errors) == (6, True)
    assert not (tmp_path / "ovh.conf").exists()


@pytest.mark.parametrize(
    ("change", "flags", "code", "said"),
    [
        ({"OVH_APPLICATION_KEY": "wrong"}, (), 6, "The application key is unknown"),
        ({}, ("--write", "nowhere/ovh.conf"), 2, "cannot be written"),
        ({}, ("--write", "."), 2, "cannot be written"),
        ({}, ("--server", ".."), 2, "is no server's name"),
    ],
)
def test_what_cannot_work_asks_for_no_key(
    provider: Simulator, tmp_path: Path, change: dict[str, str], flags: tuple[str, ...], code: int, said: str
) -> None:
    run = log_in(application(provider) | change, tmp_path, *flags, agrees=False)
    assert (run.code, said in run.errors, "credentialToken" in run.errors) == (code, True, False), run.said


def test_an_oauth2_client_reads_and_is_told_what_it_lacks(tmp_path: Path) -> None:
    """By python-ovh's own way to a token; a call's IAM action is the one of OVH's OpenAPI."""
    reads = {"get", "task/get", "install/status/get", "specifications/hardware/get", "install/compatibleTemplates/get"}
    client = OAuthClient.generate(frozenset(f"dedicatedServer:apiovh:{action}" for action in (*reads, "boot/get")))
    with Simulator([small_server()], directory=tmp_path / "servers", oauth_client=client) as provider:
        assert status(oauth2(provider), tmp_path).code == 0
        order = ("--url", "http://127.0.0.1:9/i", "--checksum", "sha512:" + "0" * 128, "--image-type", "qcow2")
        more = ("--efi-bootloader-path", r"\EFI\debian\grubx64.efi", "--confirm", NAME)
        environment = oauth2(provider) | {"XDG_STATE_HOME": str(tmp_path)}
        refused = byoi_tools("deploy", "--server", NAME, *order, *more, environment=environment)
        assert (refused.code, "dedicatedServer:apiovh:reinstall" in refused.errors) == (6, True), refused.said
        wrong = byoi_tools("status", NAME, environment=oauth2(provider) | {"OVH_CLIENT_SECRET": "wrong-one"})
        assert (wrong.code, "OAuth2 client id or secret is wrong" in wrong.errors) == (6, True), wrong.said
        for run in (refused, wrong):
            assert client.client_secret not in run.said


def test_an_oauth2_client_has_no_consumer_key(provider: Simulator, tmp_path: Path) -> None:
    run = log_in(oauth2(provider), tmp_path, agrees=False)
    assert (run.code, "IAM policies" in run.errors) == (2, True)


def test_how_far_the_clocks_are_apart_is_told(tmp_path: Path) -> None:
    """The API's clock is an hour ahead, and its signatures are judged by a third one."""
    with Simulator(
        [small_server()], directory=tmp_path, clock=lambda: time.time() + 3600, clock_drift_seconds=120
    ) as provider:
        run = status(api_environment(provider), tmp_path)
    assert run.code == 6
    match = re.search(r"clock is (\d+) s\s+behind", run.errors)
    assert match, run.errors
    assert 3590 <= int(match[1]) <= 3660


def test_a_wrong_secret_is_not_blamed_on_the_clock(provider: Simulator, tmp_path: Path) -> None:
    run = status(api_environment(provider) | {"OVH_APPLICATION_SECRET": "wrong"}, tmp_path)
    assert (run.code, "The clocks agree now" in " ".join(run.errors.split())) == (6, True), run.errors


def test_a_missing_right_leads_to_login(tmp_path: Path) -> None:
    keys = Credentials("ak", "as", "ck", (AccessRule("POST", "/*"),))
    with Simulator([small_server()], directory=tmp_path, credentials=keys) as provider:
        run = byoi_tools("match", sys.executable, "--server", NAME, environment=api_environment(provider))
    assert (run.code, "byoi-tools login" in run.errors) == (6, True), run.errors
