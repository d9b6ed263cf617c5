"""cloud-init as a guest has it: configuration, what starts it, what it would find."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.cloud.read import read_cloud
from byoi_tools.model.guest.cloud import CloudInit, CloudSetup, ConfigValue, LabelledVolume, ProvisionerKind
from fixtures.tiny.good_files import Content, Link
from fixtures.tiny.good_files.cloud import DATASOURCES, FILES, MAIN_CONFIG, UNITS, VERSION, WANTS
from tests.guest_contexts import context_of, labelled

DIRECTORY = "/etc/cloud/cloud.cfg.d"


def cloud_of(changes: dict[str, Content | None]) -> CloudSetup:
    files = {path: content for path, content in (FILES | changes).items() if content is not None}
    return read_cloud(context_of({"/lib": Link("usr/lib"), **files}))


def cloud_init_of(changes: dict[str, Content | None]) -> CloudInit:
    found = cloud_of(changes).cloud_init
    assert found is not None
    return found


def test_the_good_guest() -> None:
    found = cloud_init_of({})
    assert found.version == "22.4.2"
    assert found.disabled_by == ""
    assert found.datasource_list == ConfigValue(("ConfigDrive", "None"), DATASOURCES)
    assert found.ds_identify is not None
    assert found.ds_identify.listed == found.datasource_list
    assert (found.user.name, found.user.is_created, found.user.is_root_disabled) == ("debian", True, True)
    assert "users_groups" in found.modules


def test_a_guest_without_cloud_init() -> None:
    found = read_cloud(context_of({"/etc/": ""}))
    assert (found.cloud_init, found.provisioners, found.is_windows) == (None, (), False)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('__VERSION__ = "18.3"\n', "18.3"),
        ("__VERSION__ = '24.1'\n_PACKAGED_VERSION = '24.1-0ubuntu1~22.04.1'\n", "24.1-0ubuntu1~22.04.1"),
        ("nothing\n", ""),
    ],
)
def test_the_version(text: str, version: str) -> None:
    assert cloud_init_of({VERSION: text}).version == version


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({DATASOURCES: None}, None),
        ({f"{DIRECTORY}/10.cfg": "datasource_list: [Ec2]\n"}, ConfigValue(("ConfigDrive", "None"), DATASOURCES)),
        ({f"{DIRECTORY}/99.cfg": "datasource_list: [Ec2]\n"}, ConfigValue(("Ec2",), f"{DIRECTORY}/99.cfg")),
        ({f"{DIRECTORY}/99.txt": "datasource_list: [Ec2]\n"}, ConfigValue(("ConfigDrive", "None"), DATASOURCES)),
        ({f"{DIRECTORY}/99.cfg": "datasource_list: [None, ~]\n"}, ConfigValue(("None", "None"), f"{DIRECTORY}/99.cfg")),
        ({DATASOURCES: "datasource_list:\n - A\n"}, ConfigValue(("A",), DATASOURCES)),
        ({DATASOURCES: None, MAIN_CONFIG: "conf_d: /other\n", "/other/a.cfg": "datasource_list: [B]\n"},
         ConfigValue(("B",), "/other/a.cfg")),
    ],
)  # fmt: skip
def test_the_datasource_list_is_that_of_the_last_file(
    changes: dict[str, Content | None], expected: ConfigValue | None
) -> None:
    assert cloud_init_of(changes).datasource_list == expected


def test_files_that_cannot_be_parsed_are_told_and_left_out() -> None:
    found = cloud_init_of({f"{DIRECTORY}/98.cfg": "a: [\n", f"{DIRECTORY}/99.cfg": "- a\n"})
    assert [unread.path for unread in found.unread_files] == [f"{DIRECTORY}/99.cfg", f"{DIRECTORY}/98.cfg"]
    assert found.datasource_list is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"/etc/cloud/cloud-init.disabled": ""}, "cloud-init.disabled exists"),
        ({"/etc/cloud/cloud-init.disabled": "", "/etc/cloud/cloud-init.enabled": ""}, ""),
        ({"/etc/systemd/system/cloud-init.target": Link("/dev/null")}, "cloud-init.target is masked"),
        ({"/etc/systemd/system-generators/cloud-init-generator": Link("/dev/null")}, "generator is masked"),
        ({"/usr/lib/systemd/system-generators/cloud-init-generator": None}, "nothing starts cloud-init.target"),
        ({f"{WANTS}/{UNITS[2]}": None}, "cloud-config.service is not enabled"),
        ({f"/etc/systemd/system/{UNITS[1]}": Link("/dev/null")}, "cloud-init.service is masked"),
        # Newer versions call the second stage another name.
        (
            {
                f"/usr/lib/systemd/system/{UNITS[1]}": None,
                f"{WANTS}/{UNITS[1]}": None,
                "/usr/lib/systemd/system/cloud-init-network.service": "",
            },
            "cloud-init-network.service is masked",
        ),
    ],
)
def test_what_switches_it_off(changes: dict[str, Content | None], words: str) -> None:
    found = cloud_init_of(changes).disabled_by
    assert words in found
    assert bool(words) is bool(found)


def test_ds_identify() -> None:
    text = "# comment\ndatasource: 'Ec2' # why\npolicy: search,found=all,maybe=none,notfound=disabled\n"
    found = cloud_init_of({"/etc/cloud/ds-identify.cfg": text}).ds_identify
    assert found is not None
    assert (found.mode, found.datasource) == ("search", "Ec2")
    assert cloud_init_of({"/usr/lib/cloud-init/ds-identify": None}).ds_identify is None


@pytest.mark.parametrize(
    ("users", "is_created"),
    [
        ("users: [default]", True),
        ("users: [{name: default}]", True),
        ("users: build, default", True),
        ("users: [build]", False),
        ("locale: C", False),
    ],
)
def test_the_default_user(users: str, is_created: bool) -> None:
    assert cloud_init_of({MAIN_CONFIG: f"{users}\n"}).user.is_created is is_created


def test_a_network_configuration_of_the_images_own() -> None:
    text = (
        "network:\n  version: 1\n  config:\n  - {type: physical, name: eth0, mac_address: '52:54:00:00:00:01',"
        " subnets: [{type: static, address: 192.0.2.1/24}, {type: dhcp4}]}\n  - {type: nameserver, address: 9.9.9.9}\n"
    )
    found = cloud_init_of({f"{DIRECTORY}/99.cfg": text}).network
    assert (found.own_config, found.disabled_by) == (f"{DIRECTORY}/99.cfg", "")
    (own,) = found.own_interfaces
    assert (own.names, own.macs, own.uses_dhcp) == (("eth0",), ("52:54:00:00:00:01",), True)
    assert own.addresses == ("192.0.2.1/24",)


def test_seeds_traces_and_labels() -> None:
    files = {
        "/var/lib/cloud/seed/nocloud-net/meta-data": "a: b\n",
        "/var/lib/cloud/seed/empty/": "",
        "/var/lib/cloud/instance": Link("/var/lib/cloud/instances/i"),
        "/var/lib/cloud/data/instance-id": "i\n",
    }
    found = read_cloud(context_of(files, (labelled(1, "CIDATA"), labelled(2, "config-2"), labelled(3, "root"))))
    assert found.seeds == ("/var/lib/cloud/seed/nocloud-net",)
    assert found.traces == ("/var/lib/cloud/instance", "/var/lib/cloud/data/instance-id")
    assert found.nocloud_volumes == (LabelledVolume("partition 1", "CIDATA"),)
    assert found.config_drives == (LabelledVolume("partition 2", "config-2"),)


@pytest.mark.parametrize(
    ("files", "kind", "is_enabled"),
    [
        ({"/usr/libexec/nuageinit": "", "/etc/rc.conf": 'nuageinit_enable="YES"\n'}, ProvisionerKind.NUAGEINIT, True),
        ({"/usr/libexec/nuageinit": "", "/etc/rc.conf": ""}, ProvisionerKind.NUAGEINIT, False),
        ({"/usr/bin/ignition": ""}, ProvisionerKind.IGNITION, True),
        ({"/usr/bin/afterburn": ""}, ProvisionerKind.AFTERBURN, False),
    ],
)
def test_counterparts(files: dict[str, Content], kind: ProvisionerKind, is_enabled: bool) -> None:
    (found,) = read_cloud(context_of(files)).provisioners
    assert (found.kind, found.is_enabled) == (kind, is_enabled)
