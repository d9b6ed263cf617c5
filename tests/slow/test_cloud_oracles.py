"""cloud-init, ds-identify and sshd of the real Debian image judge the same configurations as we do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS, find_check
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.guest.cloud.config import read_cloud_config
from byoi_tools.inspection.guest.cloud.read import read_cloud
from byoi_tools.inspection.guest.ssh import read_ssh
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.finding import OutcomeKind, Severity
from byoi_tools.model.guest.cloud import CloudSetup
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.debian.build import ensure_image
from fixtures.debian.layout import ROOT
from fixtures.tiny.good_files import Content
from fixtures.tiny.good_files.cloud import FILES
from tests.guest_contexts import context_of
from tests.guest_tree import tree_of
from tests.unit.checks.guest_facts import facts_of

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
RAW = IMAGE.with_suffix(".raw")
DIRECTORY = "/etc/cloud/cloud.cfg.d"
MAIN = "/etc/cloud/cloud.cfg"
LIBWRAP = "libwrap.so.0.7.6"

MERGE = """
import json, sys
from cloudinit import util
print(json.dumps(util.read_conf_with_confd(sys.argv[1])))
"""
# blkid as on a server that has a config drive.
BLKID = "#!/bin/sh\nprintf 'DEVNAME=/dev/nvme0n1p5\\nUUID=1\\nLABEL=config-2\\nTYPE=iso9660\\n\\n'\n"

CONFIGS: list[dict[str, str]] = [
    {},
    {MAIN: "datasource_list: [ NoCloud, None ]\n"},
    {MAIN: "datasource_list: [ NoCloud, None ]\n", f"{DIRECTORY}/90.cfg": "datasource_list: [ ConfigDrive, None ]\n"},
    {f"{DIRECTORY}/1.cfg": "datasource_list: [ ConfigDrive ]\n", f"{DIRECTORY}/9.cfg": "datasource_list: [Ec2, GCE]\n"},
    {MAIN: "a: {b: 1, c: [1]}\nd: x\n", f"{DIRECTORY}/50.cfg": "a: {b: 2, e: 3}\nd: [y]\n"},
    {MAIN: "l: [1]\n", f"{DIRECTORY}/50.cfg": "merge_how: 'list(append)+dict(recurse_array)+str()'\nl: [2]\n"},
    {MAIN: "merge_how: 'list(append)+dict(recurse_array)+str()'\nl: [1]\n", f"{DIRECTORY}/50.cfg": "l: [2]\n"},
    {MAIN: "merge_how: [{name: dict, settings: [replace]}]\nl: [1]\nm: 2\n", f"{DIRECTORY}/50.cfg": "l: [2]\n"},
    {MAIN: "merge_type: 'list(prepend)+dict(no_replace,recurse_list)'\nl: [1]\n", f"{DIRECTORY}/50.cfg": "l: [2, 3]\n"},
    {MAIN: "x: &x [1, 2]\ny: *x\n", f"{DIRECTORY}/50.cfg": "- not a mapping\n", f"{DIRECTORY}/60.cfg": "a: [\n"},
    {MAIN: "conf_d: /etc/other\na: 1\n", f"{DIRECTORY}/50.cfg": "a: 2\n"},
    {MAIN: "datasource_list:\n - NoCloud\n - None\n"},
    {MAIN: "datasource_list: [ ConfigDrive ]\n", f"{DIRECTORY}/95.cfg": "b:\n  datasource_list: [ Ec2, Azure ]\n"},
    {MAIN: "datasource_list: ['ConfigDrive', \"None\"]  # both\n"},
    {MAIN: "datasource_list: [ConfigDrive,None]# no blank\n"},
    {MAIN: "datasource_list: ConfigDrive\n"},
    {MAIN: "datasource_list: []\n"},
    {MAIN: "datasource_list: [ Ec2, ConfigDrive ]\n"},
    {"/etc/cloud/ds-identify.cfg": "policy: disabled\n"},
    {"/etc/cloud/ds-identify.cfg": "datasource: Ec2\n"},
    {"/etc/cloud/ds-identify.cfg": "datasource: ConfigDrive\npolicy: search,found=first\n"},
    {MAIN: "datasource_list: [ Ec2, GCE ]\n", "/etc/cloud/ds-identify.cfg": "policy: enabled\n"},
]  # fmt: skip
each_config = pytest.mark.parametrize("files", CONFIGS, ids=lambda files: repr(files)[:60])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cloud-init's package, ds-identify and sshd, out of the image by debugfs."""
    ensure_image(IMAGE)
    target = tmp_path_factory.mktemp("installed")
    commands = [
        f"rdump /usr/lib/python3/dist-packages/cloudinit {target}",
        f"dump /usr/lib/cloud-init/ds-identify {target}/ds-identify",
        f"dump /usr/sbin/sshd {target}/sshd",
        f"dump /usr/lib/x86_64-linux-gnu/{LIBWRAP} {target}/libwrap.so.0",
    ]
    for command in commands:
        volume = f"{RAW}?offset={ROOT.offset_bytes}"
        subprocess.run(["debugfs", "-R", command, volume], capture_output=True, check=True)
    (target / "sshd").chmod(0o755)
    return target


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@each_config
def test_the_configuration_is_merged_as_cloud_init_merges_it(
    files: dict[str, str], installed: Path, tmp_path: Path
) -> None:
    moved = {path: text.replace("conf_d: /etc/other", f"conf_d: {tmp_path}/etc/other") for path, text in files.items()}
    write(tmp_path, {MAIN: "", f"{DIRECTORY}/README": "x", **moved, "/etc/other/a.cfg": "a: 3\n"})
    said = subprocess.run(
        [sys.executable, "-c", MERGE, f"{tmp_path}{MAIN}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    ours = read_cloud_config(tree_of({f"{DIRECTORY}/README": "x", **files, "/etc/other/a.cfg": "a: 3\n"})).merged
    theirs = json.loads(said.stdout.splitlines()[-1])
    assert {**ours, "conf_d": 0} == {**theirs, "conf_d": 0}


def chosen_by_ds_identify(installed: Path, root: Path) -> tuple[str, ...] | None:
    """The datasources that it hands to cloud-init; None where it switches cloud-init off."""
    (root / "bin").mkdir(exist_ok=True)
    for name, script in (("blkid", BLKID), ("systemd-detect-virt", "#!/bin/sh\necho none\nexit 1\n")):
        (root / "bin" / name).write_text(script)
        (root / "bin" / name).chmod(0o755)
    write(root, {"/proc/cmdline": "root=UUID=1 ro\n", "/sys/class/dmi/id/product_name": "server\n"})
    environment = {"PATH": f"{root}/bin:/usr/bin:/bin", "PATH_ROOT": str(root), "DI_LOG": "stderr"}
    ran = subprocess.run(
        ["sh", installed / "ds-identify"], env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        return None
    result = root / "run" / "cloud-init" / "cloud.cfg"
    text = result.read_text() if result.is_file() else ""
    return tuple(text.partition("[")[2].partition("]")[0].replace(" ", "").split(",")) if text else ()


def cloud_of(files: Mapping[str, Content]) -> CloudSetup:
    return read_cloud(context_of(files))


@each_config
def test_the_verdict_is_that_of_ds_identify_on_a_server(files: dict[str, str], installed: Path, tmp_path: Path) -> None:
    configs = {MAIN: "system_info: {distro: debian}\n", **files}
    write(tmp_path, {f"{DIRECTORY}/README": "x", **configs})
    chosen = chosen_by_ds_identify(installed, tmp_path)
    unpinned = {path: text for path, text in FILES.items() if "/etc/cloud/" not in path}
    facts = facts_of(context_of({**unpinned, **configs}))
    checks = [find_check(name) for name in ("cloud.datasource", "cloud.ds-identify")]
    report = check_image(
        [check for check in checks if check],
        facts,
        Intent(Product.BYOI, BootMode.UEFI),
        Profile("test", "", Product.BYOI, None, Target(), ()),
        Severity.ERROR,
    )
    if chosen == ():  # cloud-init asks the datasources of its own list
        merged = cloud_of({**unpinned, **configs}).cloud_init
        assert merged is not None
        chosen = merged.datasource_list.items if merged.datasource_list else ("ConfigDrive",)
    assert report.has_passed is (chosen is not None and "ConfigDrive" in chosen), (chosen, report.outcomes)


SSHD_CONFIGS: list[dict[str, str]] = [
    {},
    {"sshd_config": "PermitRootLogin yes\nPermitRootLogin no\nPort 2222\nPort 22\n"},
    {"sshd_config": "Include {d}/*.conf\nPermitRootLogin no\n", "1.conf": "PermitRootLogin yes\n", "2": "Port 9\n"},
    {"sshd_config": "PasswordAuthentication no\nInclude {d}/*.conf\n", "10.conf": "PasswordAuthentication yes\n"},
    {"sshd_config": "Match User git\n PasswordAuthentication no\nMatch all\n PermitRootLogin no\n"},
    {"sshd_config": "Include {d}/*.conf\nPubkeyAuthentication no\n", "1.conf": "Match User x\nPermitRootLogin yes\n"},
    {"sshd_config": "permitrootlogin=without-password\nPermitEmptyPasswords = yes\nAllowUsers a b@c\nAllowUsers d\n"},
    {"sshd_config": 'PermitRootLogin "forced-commands-only" # comment\nListenAddress 127.0.0.1\nAllowGroups "x" y\n'},
]  # fmt: skip


@pytest.mark.parametrize("files", SSHD_CONFIGS, ids=lambda files: repr(files)[:60])
def test_the_settings_are_those_that_sshd_would_use(files: dict[str, str], installed: Path, tmp_path: Path) -> None:
    directory = tmp_path / "etc" / "ssh"
    write(
        tmp_path, {f"/etc/ssh/{name}": text.format(d=directory) for name, text in {"sshd_config": "", **files}.items()}
    )
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "run" / "sshd").mkdir(parents=True)
    (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n")
    # Its unprivileged user is on no other machine: a mount namespace has one.
    mounts = f"mount --bind {tmp_path}/passwd /etc/passwd && mount --bind {tmp_path}/run /run"
    script = f"{mounts} && exec {installed}/sshd -T -f {directory}/sshd_config -h {key}"
    said = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        capture_output=True,
        text=True,
        env={"LD_LIBRARY_PATH": str(installed), "PATH": os.environ["PATH"]},
        check=False,
    )
    if "unshare" in said.stderr or "loading shared libraries" in said.stderr:
        pytest.skip(said.stderr.strip())
    assert said.returncode == 0, said.stderr
    theirs: dict[str, list[str]] = {}
    for line in said.stdout.splitlines():
        theirs.setdefault(line.partition(" ")[0], []).append(line.partition(" ")[2])
    guest = {f"/etc/ssh/{name}": text.format(d="/etc/ssh") for name, text in {"sshd_config": "", **files}.items()}
    ours = read_ssh(context_of({"/usr/sbin/sshd": "", **guest})).settings
    assert ours is not None
    assert sorted(ours.ports) == sorted(int(port) for port in theirs["port"])
    assert [ours.permit_root_login.replace("prohibit", "without")] == theirs["permitrootlogin"]
    assert ours.has_passwords is (theirs["passwordauthentication"] == ["yes"])
    assert ours.has_public_keys is (theirs["pubkeyauthentication"] == ["yes"])
    assert ours.permits_empty_passwords is (theirs["permitemptypasswords"] == ["yes"])
    assert list(ours.allowed_users) == theirs.get("allowusers", [])
    assert list(ours.allowed_groups) == theirs.get("allowgroups", [])


def test_the_debian_image_lets_its_owner_in() -> None:
    ensure_image(IMAGE)
    families = ("cloud.", "net.", "ssh.")
    checks = [check for check in CHECKS if check.id.startswith(families)]
    profile = Profile("test", "", Product.BYOI, None, Target(), ())
    report = check_image(checks, inspect_image(IMAGE), Intent(Product.BYOI, BootMode.UEFI), profile, Severity.INFO)
    failed = [one for one in report.outcomes if one.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]
    assert failed == []
    assert len(report.of_kind(OutcomeKind.PASSED)) > 15
