"""What the documents say is what the program does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

from byoi_tools import errors
from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile, profile_names
from byoi_tools.checks.waivers import load_waivers
from byoi_tools.cli.app import VERBS, app_of
from byoi_tools.deployment.reinstall.partitioning import parse_partitioning
from tests.command import byoi_tools

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
MANUAL = README + "".join(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))
TOML_BLOCKS = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
HELP_BLOCKS = re.findall(r"```\n\$ byoi-tools ([^\n]*--help)\n(.*?)\n```", MANUAL, re.DOTALL)


def test_the_help_of_every_verb_is_shown() -> None:
    """`make docs` writes the page of all commands."""
    app = app_of(VERBS)
    verbs = [str(command.name) for command in app.registered_commands]
    for group in app.registered_groups:
        parts = group.typer_instance.registered_commands if group.typer_instance else []
        verbs += [str(group.name), *(f"{group.name} {part.name}" for part in parts)]
    assert sorted(command for command, _ in HELP_BLOCKS) == sorted(["--help", *(f"{verb} --help" for verb in verbs)])


@pytest.mark.parametrize(("command", "shown"), HELP_BLOCKS, ids=[command for command, _ in HELP_BLOCKS])
def test_help_in_the_documents_is_the_programs(command: str, shown: str) -> None:
    assert byoi_tools(*command.split(), environment={"TERM": "dumb"}).output.rstrip() == shown


def test_every_verb_is_in_the_readme() -> None:
    for name in VERBS:
        assert f"**{name}**" in README


def test_every_module_of_the_verbs_is_one() -> None:
    modules = (ROOT / "byoi_tools" / "cli" / "verbs").glob("[a-z]*.py")
    assert sorted(path.stem.replace("_", "-") for path in modules) == sorted(VERBS)


def test_the_exit_codes_in_the_readme_are_those_of_the_errors() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ByoiError)]
    assert listed == {kind.exit_code for kind in kinds} | {0, 1}


def test_the_profile_in_the_manual_is_one(tmp_path: Path) -> None:
    (example,) = (block for block in TOML_BLOCKS if "[checks." in block)
    tomllib.loads(example)
    path = tmp_path / "our-fleet.toml"
    path.write_text(example)
    profile = load_profile(str(path), frozenset(check.id for check in CHECKS))
    assert profile.name == "our-fleet"
    assert profile.disabled_reason("esp.stale-vendor-dirs")


def test_the_waivers_in_the_manual_are_some(tmp_path: Path) -> None:
    path = tmp_path / "byoi.toml"
    (example,) = (block for block in TOML_BLOCKS if "[[waiver]]" in block)
    path.write_text(example)
    (waiver,) = load_waivers(path, frozenset(check.id for check in CHECKS))
    assert waiver.reason
    assert waiver.expires


def test_the_layout_in_the_manual_is_one() -> None:
    (text,) = (block for block in TOML_BLOCKS if "[[layout]]" in block)
    assert [item.mount_point for item in parse_partitioning(text).layout] == ["/boot", "swap", "/"]


def test_the_profiles_in_the_manual_exist() -> None:
    assert {name for name in re.findall(r"`(ovh-[a-z-]+)`", MANUAL) if not name.endswith("-")} <= set(profile_names())


def test_the_page_of_checks_is_up_to_date() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs/checks.md").read_text() == byoi_tools("explain", "--format", "markdown").output


def test_paths_in_the_documents_exist() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(((?!https?:|#)[^)]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} names {target}"


def test_every_flag_has_an_environment_variable() -> None:
    commands = [("", typer.main.get_command(app_of(VERBS)))]
    for name, command in commands:
        # typer keeps its own copy of click's types
        commands += [(f"{name} {each}", one) for each, one in getattr(command, "commands", {}).items()]
        for parameter in command.params if name else ():
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert str(parameter.envvar).startswith("BYOI_"), f"{name} {parameter.opts}"
