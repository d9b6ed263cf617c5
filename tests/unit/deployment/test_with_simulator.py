"""The whole stage against the simulator: real HTTP, real signatures, a disk that is really written."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from byoi_tools.deployment.delivery import delivery_of
from byoi_tools.deployment.facts import read_server
from byoi_tools.deployment.reinstall.start import start_reinstallation
from byoi_tools.deployment.reinstall.watch import watch_installation
from byoi_tools.deployment.status import read_status
from byoi_tools.errors import DeploymentFailed, DeploymentRefused
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations, ImageNeeds, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.server import InstallResult, TaskStatus
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.checking import known_profile
from byoi_tools.pipeline.matching import ask, judge_deployment, plan_deployment, refuse_misfits
from byoi_tools.rehearsal.refusals import InstallationError
from byoi_tools.simulator import servers as simulated
from byoi_tools.simulator.failures import FAILURES
from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from byoi_tools.tools.ovh.api import OvhApi
from tests.clock import FakeClock
from tests.unit.deployment.examples import SSH_KEY, USER_DATA, Told
from tests.unit.simulator.outside import LOADER, ImageHost, make_gpt_image, small_server, to_qcow2

NAME = "ns1.simulated"
ORDER = InstallOrder(NAME, Product.BYOI, LOADER, Customizations("mon-tux", SSH_KEY, USER_DATA))


class HastyClock(FakeClock):
    """Sleeps for a small part of what is asked, so that the simulator gets on meanwhile."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 250)
        super().sleep(seconds)


@dataclass
class Image:
    path: Path
    url: str

    @property
    def source(self) -> ImageSource:
        digits = hashlib.sha512(self.path.read_bytes()).hexdigest()
        return ImageSource(Secret(self.url), ImageType.QCOW2, Digest(DigestAlgorithm.SHA512, digits))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("images")
    path = to_qcow2(make_gpt_image(folder / "gpt.raw"))
    with ImageHost(folder) as host:
        yield Image(path, host.url(f"/files/{path.name}"))


@pytest.fixture(autouse=True)
def no_other_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def connect(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, credentials: Credentials | None = None) -> OvhApi:
    keys = credentials or simulator.credentials
    monkeypatch.setenv("OVH_ENDPOINT", simulator.url)
    monkeypatch.setenv("OVH_APPLICATION_KEY", keys.application_key)
    monkeypatch.setenv("OVH_APPLICATION_SECRET", keys.application_secret)
    monkeypatch.setenv("OVH_CONSUMER_KEY", keys.consumer_key)
    return OvhApi.from_configuration()


def needs(image: Image) -> ImageNeeds:
    return ImageNeeds(BootMode.UEFI, image.path.stat().st_size, 16 * 2**20)


def compare(api: OvhApi, image: Image, told: Told) -> None:
    delivery = delivery_of(image.source, datetime.now(UTC))
    planned = plan_deployment(api, ask(api, NAME), ORDER, needs(image), delivery)
    profile = known_profile("ovh-byoi")
    refuse_misfits(NAME, judge_deployment(planned, NotExamined("a test"), BootMode.UEFI, profile), None, told)


def deploy(api: OvhApi, image: Image, source: ImageSource, told: Told) -> InstallResult:
    clock = HastyClock()
    compare(api, image, told)
    task = start_reinstallation(api, Reinstallation(ORDER, source), clock, told, lambda earlier: None)
    return watch_installation(api, NAME, task, clock, told)


FAULTS = {
    "odd polls": Faults((404, 500, 404), (500, 404, 500), bare_progress_list=True),
    "answer dropped": Faults(reinstall_answer=ReinstallAnswer.DROPPED),
    "answer lost, task purged": Faults(reinstall_answer=ReinstallAnswer.SERVER_ERROR, purge_done_tasks=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_image_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image, name: str) -> None:
    told = Told()
    server = small_server(faults=FAULTS[name])
    with Simulator([server], directory=tmp_path, pace_seconds=0.01) as simulator:
        api = connect(simulator, monkeypatch)
        result = deploy(api, image, image.source, told)
        assert simulator.wait_until_idle(60)
        status = read_status(api, NAME)
        disk = simulator.disk_file(NAME)
    assert result.task.status is TaskStatus.DONE
    assert ("Deploying OS on disks", "done") in told.steps or FAULTS[name].purge_done_tasks
    assert len(set(told.steps)) == len(told.steps)
    assert (status.running_tasks, status.progress) == ((), None)
    raw = image.path.with_name("gpt.raw").read_bytes()
    with disk.open("rb") as written:
        written.seek(2**20)
        assert written.read(8 * 2**20) == raw[2**20 : 9 * 2**20]


def test_a_wrong_checksum_is_told_with_its_cause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image) -> None:
    source = ImageSource(Secret(image.url), ImageType.QCOW2, Digest(DigestAlgorithm.SHA256, "0" * 64))
    with Simulator([small_server()], directory=tmp_path) as simulator, pytest.raises(DeploymentFailed) as failure:
        deploy(connect(simulator, monkeypatch), image, source, Told())
    assert "Bad checkSumType for downloaded file" in failure.value.message
    assert "not those of the checksum" in str(failure.value.details)


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_of_the_provider_s_is_told_with_its_cause_and_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image, name: str
) -> None:
    server = small_server(faults=Faults(failure=name))
    with Simulator([server], directory=tmp_path) as simulator, pytest.raises(DeploymentFailed) as failure:
        deploy(connect(simulator, monkeypatch), image, image.source, Told())
    if FAILURES[name].kind is InstallationError:
        assert FAILURES[name].message.partition("https:")[0] in failure.value.message
    assert str(failure.value.details).endswith(".") or "found before by" in str(failure.value.details)
    assert "support" not in failure.value.remedy or name == "provider"


def test_a_clock_that_drifted_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (
        Simulator([small_server()], directory=tmp_path, clock_drift_seconds=120) as simulator,
        pytest.raises(DeploymentRefused) as failure,
    ):
        read_server(connect(simulator, monkeypatch), NAME)
    assert "clock is wrong" in str(failure.value.details)


def test_an_installation_that_failed_does_not_spoil_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image
) -> None:
    wrong = ImageSource(Secret(image.url), ImageType.RAW, image.source.checksum)
    with Simulator([small_server()], directory=tmp_path) as simulator:
        api = connect(simulator, monkeypatch)
        with pytest.raises(DeploymentFailed):
            deploy(api, image, wrong, Told())
        assert deploy(api, image, image.source, Told()).task.status is TaskStatus.DONE


def test_a_server_that_another_process_holds_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image
) -> None:
    server = small_server(faults=Faults(locked=True))
    with Simulator([server], directory=tmp_path) as simulator, pytest.raises(DeploymentRefused, match="locked"):
        deploy(connect(simulator, monkeypatch), image, image.source, Told())


def test_a_busy_server_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image
) -> None:
    with Simulator([small_server()], directory=tmp_path, pace_seconds=10) as simulator:
        api = connect(simulator, monkeypatch)
        start_reinstallation(api, Reinstallation(ORDER, image.source), HastyClock(), Told(), lambda earlier: None)
        with pytest.raises(DeploymentRefused, match="busy"):
            deploy(api, image, image.source, Told())


def test_an_unknown_server_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (
        Simulator([small_server()], directory=tmp_path) as simulator,
        pytest.raises(DeploymentRefused, match="knows no server"),
    ):
        read_server(connect(simulator, monkeypatch), "ns9.simulated")


def test_wrong_credentials_and_missing_rights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rules = (AccessRule("GET", f"/dedicated/server/{NAME}"),)
    known = Credentials("the-key", "the-secret", "the-consumer", rules)
    with Simulator([small_server()], directory=tmp_path, credentials=known) as simulator:
        with pytest.raises(DeploymentRefused, match=f"right to GET /dedicated/server/{NAME}/specifications/hardware"):
            read_server(connect(simulator, monkeypatch), NAME)
        for wrong in (
            Credentials("other", "the-secret", "the-consumer"),
            Credentials("the-key", "other", "the-consumer"),
            Credentials("the-key", "the-secret", "other"),
        ):
            with pytest.raises(DeploymentRefused, match="refuses the credentials"):
                read_server(connect(simulator, monkeypatch, wrong), NAME)


def test_a_server_of_another_boot_mode_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: Image
) -> None:
    server = small_server(boot_mode=simulated.BootMode.LEGACY)
    with (
        Simulator([server], directory=tmp_path) as simulator,
        pytest.raises(DeploymentRefused, match="another boot mode"),
    ):
        compare(connect(simulator, monkeypatch), image, Told())
