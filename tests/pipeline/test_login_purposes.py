"""A key of `login --for` can do what it is for, and no more: each verb with it, while the provider keeps the calls."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.deployment.consumer_key import request_key, rules_for
from byoi_tools.model.deployment.order import Purpose
from byoi_tools.model.deployment.planned import AccessRule
from byoi_tools.simulator.credentials import OAuthClient
from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.servers import OLD_API, REINSTALL_API, SimulatedServer
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import SignedCall
from byoi_tools.tools.ovh.api import OvhApi
from tests.command import Finished, byoi_tools
from tests.fleet_scene import AskedSimulator
from tests.pipeline.test_login import oauth2
from tests.simulated_user import api_environment
from tests.unit.simulator.outside import LOADER, SSH_KEY, Api, ImageHost, make_mbr_image, order, small_server

NAME = "ns1.simulated"
CONFIRM = ("--confirm", NAME)
IMAGE = ("--url", "https://images.example.net/x.raw", "--image-type", "raw", "--checksum", f"sha512:{'2c' * 64}")
BY_OLD_API = ("--api", "bring-your-own-image", "--hostname", "web", "--ssh-key", "id.pub")
VERBS = {
    Purpose.DEPLOY: ("deploy", "--server", NAME, *IMAGE, *CONFIRM, "--efi-bootloader-path", LOADER),
    Purpose.OLD_API: ("deploy", "--server", NAME, *IMAGE, *CONFIRM, *BY_OLD_API),
    Purpose.DELETE: ("delete", NAME, *CONFIRM),
    Purpose.CANCEL: ("cancel", NAME, *CONFIRM),
    Purpose.RESCUE: ("rescue", NAME, *CONFIRM),
    Purpose.CONSOLE: ("console", NAME),
}


class CallsSimulator(AskedSimulator):
    """Keeps the method and path of every call."""

    def answer(self, call: SignedCall, target: str) -> object:
        self.calls.append(AccessRule(call.method, target.partition("?")[0].removeprefix("/1.0")))
        return super().answer(call, target)

    def __init__(self, servers: Sequence[SimulatedServer], directory: Path) -> None:
        super().__init__(servers, directory)
        self.calls: list[AccessRule] = []


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[CallsSimulator]:
    """Its server has both APIs, and is done at once; another installs for a long time."""
    both = replace(small_server(), api=(REINSTALL_API, OLD_API), instant=True)
    slow = replace(small_server(faults=Faults(step_seconds=300)), name="ns2.simulated")
    with CallsSimulator([both, slow], tmp_path / "servers") as running:
        (tmp_path / "id.pub").write_text(f"{SSH_KEY}\n")
        yield running


def key_for(provider: Simulator, monkeypatch: pytest.MonkeyPatch, rules: tuple[AccessRule, ...]) -> dict[str, str]:
    """The environment with a key as `login` asks for it, whose owner agrees."""
    environment = api_environment(provider)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    requested = request_key(OvhApi.from_configuration(), rules)
    with urllib.request.urlopen(requested.validation_url) as page:  # noqa: S310 - the simulator's, on loopback
        assert page.status == 200
    return environment | {"OVH_CONSUMER_KEY": requested.key.reveal()}


def run(tmp_path: Path, environment: dict[str, str], purpose: Purpose, server: str = NAME) -> Finished:
    arguments = [server if each == NAME else each for each in VERBS[purpose]]
    return byoi_tools(*arguments, environment=environment | {"XDG_STATE_HOME": str(tmp_path)}, directory=tmp_path)


def assert_each_was_used(rules: tuple[AccessRule, ...], calls: list[AccessRule]) -> None:
    """Or need not be: a task or boot by its number, where there was none to ask for."""
    unused = [rule for rule in rules if not any(rule.covers(call) for call in calls)]
    assert [str(rule) for rule in unused if not rule.path.endswith(("/task/*", "/boot/*"))] == []


@pytest.mark.parametrize("purpose", [Purpose.DEPLOY, Purpose.RESCUE, Purpose.CONSOLE])
def test_a_key_does_what_it_is_for(
    provider: CallsSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, purpose: Purpose
) -> None:
    rules = rules_for((NAME,), (purpose,))
    environment = key_for(provider, monkeypatch, rules)
    provider.calls = []
    done = run(tmp_path, environment, purpose)
    assert done.code == 0, done.said
    assert_each_was_used(rules, provider.calls)


def test_the_api_of_the_2020_guides_and_its_delete(
    provider: CallsSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = rules_for((NAME,), (Purpose.OLD_API,))
    environment = key_for(provider, monkeypatch, rules)
    provider.calls = []
    assert run(tmp_path, environment, Purpose.OLD_API).code == 0
    assert_each_was_used(tuple(r for r in rules if not r.path.endswith("/install/status")), provider.calls)
    refused = run(tmp_path, environment, Purpose.DELETE)
    assert refused.code == 6
    assert f"no rule allows DELETE /dedicated/server/{NAME}/bringYourOwnImage" in refused.errors
    assert "login --for delete" in " ".join(refused.errors.split())
    environment = key_for(provider, monkeypatch, rules_for((NAME,), (Purpose.DELETE,)))
    deleted = run(tmp_path, environment, Purpose.DELETE)
    assert deleted.code == 0, deleted.said


def test_cancel(provider: CallsSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    make_mbr_image(images / "mbr.raw")
    with ImageHost(images) as host:
        body = order(host.url("/files/mbr.raw"))
        Api(provider).post("/dedicated/server/ns2.simulated/reinstall", body)
        rules = rules_for(("ns2.simulated",), (Purpose.CANCEL,))
        environment = key_for(provider, monkeypatch, rules)
        provider.calls = []
        done = run(tmp_path, environment, Purpose.CANCEL, "ns2.simulated")
    assert (done.code, "is cancelled" in done.output) == (0, True), done.said
    assert_each_was_used(rules, provider.calls)


def test_a_right_that_is_missing_in_the_middle_is_found_before_the_first_change(
    provider: CallsSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`rescue` first chooses the boot and then reboots: with half of its rights it would leave a trap."""
    environment = key_for(provider, monkeypatch, rules_for((NAME,), (Purpose.RESCUE,))[:-1])
    refused = run(tmp_path, environment, Purpose.RESCUE)
    assert refused.code == 6
    assert f"no rule allows POST /dedicated/server/{NAME}/reboot" in refused.errors
    assert {call.method for call in provider.calls} == {"GET", "POST"}  # the POST asked for the key
    assert [call for call in provider.calls if call.method == "POST" and "server" in call.path] == []


def test_an_oauth2_client_that_could_not_watch_erases_nothing(tmp_path: Path) -> None:
    """The API does not tell what a client may do: `install/status` is tried, as only the watching asks for it."""
    some = (
        "get",
        "specifications/hardware/get",
        "install/compatibleTemplates/get",
        "task/get",
        "boot/get",
        "reinstall",
    )
    client = OAuthClient.generate(frozenset(f"dedicatedServer:apiovh:{action}" for action in some))
    server = replace(small_server(), instant=True)
    with Simulator([server], directory=tmp_path / "servers", oauth_client=client) as provider:
        refused = run(tmp_path, oauth2(provider), Purpose.DEPLOY)
        assert Api(provider).get(f"/dedicated/server/{NAME}/task") == []
    assert (refused.code, "dedicatedServer:apiovh:install/status/get" in refused.errors) == (6, True), refused.said
