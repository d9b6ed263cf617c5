"""The simulated API of the 2020 guides: what it refuses, what it tells, and the disks that it takes out of OVAs."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.rehearsal.refusals import InstallationError
from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.ova import unpack_disk
from byoi_tools.simulator.servers import OLD_API, REINSTALL_API, SimulatedServer, load_servers, old_server
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from tests.unit.simulator.outside import SERVER, SSH_KEY, Api, ImageHost, Start, order, sh, small_server

ROUTE = f"{SERVER}/bringYourOwnImage"
GOOD: dict[str, object] = {
    "URL": "http://127.0.0.1:9/image.qcow2",
    "checkSum": "0" * 64,
    "checkSumType": "sha256",
    "hostname": "mon-tux",
    "sshKey": SSH_KEY,
    "type": "qcow2",
}
REFUSALS: list[tuple[Mapping[str, object], int, str]] = [
    *(({name: None}, 400, f"Missing parameter {name}") for name in GOOD),
    ({"imageURL": "http://127.0.0.1/"}, 400, "Unknown parameter imageURL"),
    ({"configdrive": {"enable": True}}, 400, "Unknown parameter configdrive"),
    ({"type": "vmdk"}, 400, "Invalid parameter type: must be one of qcow2, raw, ova"),
    ({"checkSumType": "crc32"}, 400, "Invalid parameter checkSumType: must be one of md5, sha1, sha256, sha512"),
    ({"URL": "ftp://127.0.0.1/"}, 400, "Invalid parameter URL"),
    ({"URL": 1}, 400, "Invalid parameter URL"),
    ({"sshKey": "a key"}, 400, "Invalid parameter sshKey"),
    ({"hostname": "1_2"}, 400, "Invalid hostname 1_2"),
    ({"httpHeader": {"X-Token": "secret"}}, 400, "Invalid parameter httpHeader"),
    ({"userMetadatas": [{"key": "a"}]}, 400, "Invalid parameter userMetadatas"),
    ({"userMetadatas": [{"key": "a", "value": 1}]}, 400, "Invalid parameter userMetadatas"),
    ({"diskGroupId": 9}, 404, "diskGroup 9 could not be found"),
    ({"diskGroupId": 3}, 400, "diskGroup 3 is not installable"),
    ({"diskGroupId": True}, 400, "Invalid parameter diskGroupId"),
]


def both(*, faults: Faults | None = None) -> SimulatedServer:
    return replace(small_server(faults=faults), api=(REINSTALL_API, OLD_API))


def test_bad_orders_are_refused_and_begin_nothing(start: Start) -> None:
    api = Api(start(both()))
    for change, status, message in REFUSALS:
        seen_status, seen = api.post_refusal(ROUTE, {**GOOD, **change})
        assert (seen_status, str(seen["message"]).startswith(message)) == (status, True), (change, seen)
    assert api.post_refusal(ROUTE)[0] == 400
    assert api.get_refusal(ROUTE)[0] == 404


def test_one_installation_at_a_time_by_either_api(start: Start) -> None:
    api = Api(start(both(), pace_seconds=5))
    assert api.post(ROUTE, GOOD) is None
    told = api.get_object(ROUTE)
    assert (told["status"], told["checksum"], told["servername"]) == ("doing", "0" * 64, "ns1.simulated")
    assert api.post_refusal(ROUTE, GOOD)[0] == 409
    assert api.post_refusal(f"{SERVER}/reinstall", order("http://127.0.0.1:9/"))[0] == 409
    assert api.get(f"{SERVER}/task") == []
    assert api.get_refusal(f"{SERVER}/install/status")[0] == 404


def test_a_failed_deployment_says_why_until_it_is_deleted(start: Start) -> None:
    simulator = start(both())
    api = Api(simulator)
    api.post(ROUTE, GOOD)
    assert simulator.wait_until_idle(60)
    told = api.get_object(ROUTE)
    assert told["status"] == "error"
    assert str(told["message"]).startswith("Could not download image")


@pytest.mark.parametrize(("apis", "missing"), [((REINSTALL_API,), "bringYourOwnImage"), ((OLD_API,), "reinstall")])
def test_a_route_that_the_server_lacks(start: Start, apis: tuple[str, ...], missing: str) -> None:
    """The words of the live API, of October 2025, for a route that was taken away."""
    api = Api(start(replace(small_server(), api=apis)))
    answer = (404, {"class": "Client::NotFound", "message": "Got an invalid (or empty) URL"})
    assert api.post_refusal(f"{SERVER}/{missing}", GOOD) == answer


def test_rights_are_asked_for(tmp_path: Path) -> None:
    limited = replace(Credentials.generate(), rules=(AccessRule("GET", "/dedicated/server/*"),))
    with Simulator([both()], directory=tmp_path, credentials=limited) as simulator:
        assert Api(simulator).post_refusal(ROUTE, GOOD)[0] == 403


def test_the_file_of_servers_says_which_api_they_have(tmp_path: Path) -> None:
    file = tmp_path / "servers.toml"
    disks = "[[server.disk_groups]]\ndisk_group_id = 1\ndisks = 1\ndisk_size_gb = 1\n"
    head = '[[server]]\nname = "ns7.simulated"\nboot_mode = "uefi"\nmemory_mib = 4096\n'
    file.write_text(f'{head}api = ["bring-your-own-image"]\n{disks}')
    assert [server.api for server in load_servers(file)] == [(OLD_API,)]
    assert old_server().api == (REINSTALL_API, OLD_API)
    for wrong in ('["install"]', "[]"):
        file.write_text(f"{head}api = {wrong}\n{disks}")
        with pytest.raises(UsageError):
            load_servers(file)


def make_ova(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


@pytest.fixture
def vmdk(images: Path, tmp_path: Path) -> bytes:
    sh(f"qemu-img convert -f raw -O vmdk -o subformat=streamOptimized {images / 'gpt.raw'} {tmp_path / 'disk.vmdk'}")
    return (tmp_path / "disk.vmdk").read_bytes()


def test_the_disk_is_taken_out_by_its_content(tmp_path: Path, vmdk: bytes) -> None:
    """Whatever its name says about where it would like to be."""
    ova = make_ova(tmp_path / "good.ova", {"a.ovf": b"<Envelope/>", "../../disk.VMDK": vmdk, "a.mf": b""})
    unpack_disk(ova)
    assert ova.read_bytes() == vmdk
    assert not list(tmp_path.glob("*.disk"))


def test_what_is_no_ova_of_one_disk_cannot_be_written(tmp_path: Path, vmdk: bytes) -> None:
    descriptor = b'# Disk DescriptorFile\nRW 1 FLAT "/etc/passwd" 0\n'
    empty = vmdk[:12] + bytes(8) + vmdk[20:]  # no capacity: the extents are those of its descriptor
    for files in (
        {"disk.vmdk": vmdk},
        {"a.ovf": b"<Envelope/>"},
        {"a.ovf": b"<Envelope/>", "1.vmdk": vmdk, "2.vmdk": vmdk},
        {"a.ovf": b"<Envelope/>", "disk.vmdk": descriptor},
        {"a.ovf": b"<Envelope/>", "disk.vmdk": empty},
        {"a.ovf": b"<Envelope/>", "disk.vmdk": vmdk[:10]},
    ):
        with pytest.raises(InstallationError, match="Can't write ova on disk"):
            unpack_disk(make_ova(tmp_path / "bad.ova", files))
    (tmp_path / "no.ova").write_bytes(b"no tar at all")
    with pytest.raises(InstallationError):
        unpack_disk(tmp_path / "no.ova")


def test_a_file_that_is_no_tar_is_not_taken_for_an_ova(start: Start, host: ImageHost, images: Path) -> None:
    simulator = start(both())
    api = Api(simulator)
    digest = hashlib.sha256((images / "gpt.qcow2").read_bytes()).hexdigest()
    api.post(ROUTE, GOOD | {"URL": host.url("/files/gpt.qcow2"), "checkSum": digest, "type": "ova"})
    assert simulator.wait_until_idle(60)
    expected = "image provided format is qcow2 which does not match expected ova format"
    assert api.get_object(ROUTE)["message"] == expected
