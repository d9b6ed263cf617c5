"""Whole installations by the real client, and each message with which one fails."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import BootMode
from byoi_tools.simulator.service import Simulator
from tests.unit.simulator.bad_images import DOWNLOAD, FAILURES, make_bad_images
from tests.unit.simulator.outside import (
    LOADER,
    MIB,
    SERVER,
    Api,
    ImageHost,
    Start,
    failed_step,
    order,
    sh,
    small_server,
)


def install(simulator: Simulator, body: dict[str, object]) -> Api:
    """Reinstall and wait for the end."""
    api = Api(simulator)
    api.reinstall(body)
    assert simulator.wait_until_idle(60)
    return api


def read_state(simulator: Simulator) -> dict[str, object]:
    state: dict[str, object] = json.loads(simulator.state_file("ns1.simulated").read_text())
    return state


def test_a_qcow2_is_downloaded_verified_written_and_configured(start: Start, host: ImageHost, images: Path) -> None:
    simulator = start(small_server())
    image = images / "gpt.qcow2"
    before = len(host.requests)
    body = order(host.url("/moved/gpt.qcow2?signature=x"), image, hostname="mon-tux")
    api = install(simulator, body)

    assert host.requests[before:] == [("GET", "/moved/gpt.qcow2?signature=x"), ("GET", "/files/gpt.qcow2")]
    disk = simulator.disk_file("ns1.simulated")
    assert disk.stat().st_size == 10**9
    assert disk.stat().st_blocks * 512 < 32 * MIB
    assert "No problems found" in sh(f"sgdisk -v {disk}")
    # All but the first MiB, which holds the table: its headers tell where the second copy is.
    assert sh(f"cmp --bytes={14 * MIB} --ignore-initial={MIB} {images / 'gpt.raw'} {disk}") == ""
    assert sh(f"mtype -i {disk}@@{MIB} ::/EFI/debian/grubx64.efi") == "a loader"
    partitions = json.loads(sh(f"sfdisk --json {disk}"))["partitiontable"]["partitions"]
    assert [entry.get("name") for entry in partitions] == [None, None, "config-2"]
    drive = partitions[-1]["start"] * 512
    assert drive + partitions[-1]["size"] * 512 > 10**9 - 2 * MIB
    assert sh(f"blkid -p -O {drive} -o value -s TYPE -s LABEL {disk}").split() == ["config-2", "iso9660"]

    assert api.get(f"{SERVER}/task?function=reinstallServer&status=done") == [1000001]
    assert api.get_object(SERVER)["efiBootloaderPath"] == LOADER
    state = read_state(simulator)
    assert (state["status"], state["disk"]) == ("done", str(disk))
    assert state["boot"] == {"outcome": "loader", "detail": LOADER}
    assert {path.name for path in disk.parent.iterdir()} == {disk.name, "state.json"}
    assert api.get_refusal(f"{SERVER}/install/status") == (
        404,
        {"message": "Server is not being installed or reinstalled at the moment"},
    )


def test_without_customizations_there_is_no_config_drive_and_refind_takes_over(
    start: Start, host: ImageHost, images: Path
) -> None:
    simulator = start(small_server())
    install(simulator, order(host.url("/files/gpt.raw"), images / "gpt.raw", efiBootloaderPath=r"\EFI\x.efi"))
    partitions = json.loads(sh(f"sfdisk --json {simulator.disk_file('ns1.simulated')}"))["partitiontable"]["partitions"]
    assert len(partitions) == 2
    state = read_state(simulator)
    assert (state["status"], state["config_drive"]) == ("done", False)
    assert state["boot"] == {
        "outcome": "rEFInd fallback",
        "detail": r"\EFI\x.efi is not in the EFI system partition; rEFInd sees /EFI/debian/grubx64.efi",
    }


def test_a_legacy_server_boots_an_mbr_image_with_its_config_drive(start: Start, host: ImageHost) -> None:
    simulator = start(small_server(boot_mode=BootMode.LEGACY))
    install(simulator, order(host.url("/files/mbr.raw"), hostname="tux"))
    disk = simulator.disk_file("ns1.simulated")
    table = json.loads(sh(f"sfdisk --json {disk}"))["partitiontable"]
    assert (table["label"], len(table["partitions"])) == ("dos", 2)
    drive = table["partitions"][1]["start"] * 512
    assert sh(f"blkid -p -O {drive} -o value -s LABEL {disk}").strip() == "config-2"
    boot = read_state(simulator)["boot"]
    assert boot == {"outcome": "loader", "detail": "the first disk's first sector has boot code"}


def test_the_target_disk_group_is_written_and_every_other_disk_is_erased(start: Start, host: ImageHost) -> None:
    simulator = start(small_server(boot_mode=BootMode.LEGACY))
    url = host.url("/files/mbr.raw")
    install(simulator, order(url))
    assert simulator.disk_file("ns1.simulated", 1).exists()
    install(simulator, order(url) | {"storage": [{"diskGroupId": 2}]})
    assert not simulator.disk_file("ns1.simulated", 1).exists()
    assert sh(f"sfdisk --json {simulator.disk_file('ns1.simulated', 2)}")
    assert read_state(simulator)["boot"] == {
        "outcome": "no boot",
        "detail": "the image is not on the server's first disk",
    }


def test_the_customers_headers_are_sent(start: Start, host: ImageHost) -> None:
    simulator = start(small_server(boot_mode=BootMode.LEGACY))
    install(simulator, order(host.url("/guarded/mbr.raw"), httpHeaders={"X-Token": "secret"}))
    assert read_state(simulator)["status"] == "done"
    assert "secret" not in simulator.state_file("ns1.simulated").read_text()


@pytest.fixture(scope="module")
def bad_images(images: Path) -> Path:
    """The folder with the good images, with the bad ones among them."""
    make_bad_images(images)
    return images


def test_each_bad_image_fails_at_its_step_in_ovhs_words(start: Start, host: ImageHost, bad_images: Path) -> None:
    simulator = start(small_server())
    assert bad_images.is_dir()
    for path, kind, customizations, comment, message in FAILURES:
        api = install(simulator, order(host.url(path), None, imageType=kind, **customizations))
        assert failed_step(api) == (comment, message)
        assert read_state(simulator)["status"] == "customerError"
        assert {file.suffix for file in simulator.state_file("ns1.simulated").parent.iterdir()} == {".raw", ".json"}
    tasks = api.get(f"{SERVER}/task?status=customerError")
    assert isinstance(tasks, list) and len(tasks) == len(FAILURES)


def test_remains_of_file_systems_do_not_hide_a_partition_table(start: Start, host: ImageHost, images: Path) -> None:
    image = images / "used.raw"
    sh(f"truncate -s 8M {image} && mkfs.ext4 -q -F {image} && mkswap --quiet {image}")
    with image.open("r+b") as file:
        file.seek(1024 + 56)  # the magic of ext4, which mkswap has wiped
        file.write(b"\x53\xef")
    sh(f"sfdisk --quiet --no-reread --wipe never {image}", script="label: dos\nsize=1M\n")
    simulator = start(small_server(boot_mode=BootMode.LEGACY))
    install(simulator, order(host.url("/files/used.raw")))
    assert read_state(simulator)["status"] == "done"


def test_another_checksum_fails_and_both_are_told(start: Start, host: ImageHost, images: Path) -> None:
    simulator = start(small_server())
    found = sh(f"md5sum {images}/mbr.raw").split()[0]
    body = order(host.url("/files/mbr.raw"), imageCheckSum="0" * 32, imageCheckSumType="md5")
    api = install(simulator, body)
    message = f"Bad checkSumType for downloaded file, got: {found} while expecting {'0' * 32}."
    assert failed_step(api) == (DOWNLOAD, message)


def test_a_checksum_may_be_in_upper_case(start: Start, host: ImageHost, images: Path) -> None:
    simulator = start(small_server(boot_mode=BootMode.LEGACY))
    found = sh(f"sha1sum {images}/mbr.raw").split()[0].upper()
    install(simulator, order(host.url("/files/mbr.raw"), imageCheckSum=found, imageCheckSumType="sha1"))
    assert read_state(simulator)["status"] == "done"


@pytest.mark.parametrize(("memory_mib", "fits"), [(3072 + 8, True), (3072 + 7, False)])
def test_an_image_must_fit_in_memory_less_3_gib(start: Start, host: ImageHost, memory_mib: int, fits: bool) -> None:
    simulator = start(small_server(boot_mode=BootMode.LEGACY, memory_mib=memory_mib))
    api = install(simulator, order(host.url("/files/mbr.raw")))
    if fits:
        assert read_state(simulator)["status"] == "done"
    else:
        message = "Could not download, raw image is too big to download in memory."
        assert failed_step(api) == (DOWNLOAD, message)


def test_nobody_listening_is_told_without_the_query(start: Start) -> None:
    simulator = start(small_server())
    api = install(simulator, order("http://127.0.0.1:1/image?signature=secret"))
    comment, message = failed_step(api)
    assert comment == DOWNLOAD
    assert message.startswith("Could not download image: ") and "refused" in message
    assert "secret" not in message


def test_a_cancelled_task_stops_and_leaves_an_erased_disk(start: Start, host: ImageHost) -> None:
    simulator = start(small_server())
    api = Api(simulator)
    task_id = api.reinstall(order(host.url("/stalled")))
    while not simulator.disk_file("ns1.simulated").exists():
        time.sleep(0.01)
    api.post(f"{SERVER}/task/{task_id}/cancel")
    assert simulator.wait_until_idle(15)  # what stalls ends by itself after 20
    assert api.get_object(f"{SERVER}/task/{task_id}")["status"] == "cancelled"
    assert simulator.disk_file("ns1.simulated").stat().st_blocks == 0
    assert api.get_refusal(f"{SERVER}/install/status")[0] == 404
    assert api.post_refusal(f"{SERVER}/task/{task_id}/cancel")[0] == 400
