"""The catalogue as a whole: ids, names, manual pages, and a defective image for each check."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from byoi_tools.checks import catalogue
from byoi_tools.checks.catalogue import CHECKS, DEPLOYMENT_CHECKS, FAMILIES, find_check
from byoi_tools.checks.check import Check
from fixtures.tiny.recipes import recipes

ROOT = Path(__file__).parents[2]
# Their images are in tests/slow/test_guest_readers.py: it takes half a minute to read one.
NEED_GUESTFS = {"fs.btrfs-subvol"}
PARAGRAPHS = ("Why:", "How:", "Fix:", "Source:")

each_check = pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.id)


def test_ids_are_unique() -> None:
    assert [check_id for check_id, count in Counter(one.id for one in CHECKS).items() if count > 1] == []


def test_the_catalogue_is_in_the_order_of_its_families() -> None:
    families = [one.family for one in CHECKS]
    assert list(dict.fromkeys(families)) == list(FAMILIES)
    assert families == sorted(families, key=list(FAMILIES).index)


def test_every_module_of_checks_is_in_the_catalogue() -> None:
    directory = Path(catalogue.__file__).parent
    written = [path for path in directory.rglob("*.py") if "@check(" in path.read_text()]
    decorated = sum(path.read_text().count("\n@check(") for path in written)
    assert decorated == len(CHECKS)
    assert {path.relative_to(directory).parts[0].removesuffix(".py") for path in written} == set(FAMILIES)


@each_check
def test_a_check_is_named_after_its_file(one: Check) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", one.id)
    home = f"byoi_tools.checks.{one.family}"
    assert one.examine.__module__ == home or one.examine.__module__.startswith(f"{home}.")
    assert one.examine.__name__ == one.id.partition(".")[2].replace("-", "_")
    assert find_check(one.id) is one


@each_check
def test_a_title_is_a_line_that_says_what_holds(one: Check) -> None:
    assert one.title
    assert "\n" not in one.title
    assert not one.title.endswith(".")
    assert len(one.title) <= 100


@each_check
def test_a_manual_page_says_why_and_how_and_what_to_do(one: Check) -> None:
    summary, *paragraphs = one.manual.split("\n\n")
    assert summary.endswith(".")
    assert [paragraph.split(maxsplit=1)[0] for paragraph in paragraphs] == list(PARAGRAPHS)
    for paragraph in paragraphs:
        text = paragraph.split(maxsplit=1)[1]
        assert len(text) > 20
        assert text.rstrip().endswith((".", '"', ")"))


@each_check
def test_a_finding_always_has_a_remedy(one: Check) -> None:
    assert one.remedy.strip()
    assert "\n" not in one.remedy


@each_check
def test_a_remedy_is_not_for_debian_s_family_alone(one: Check) -> None:
    """Fedora and its kin have neither program: there it is grub2-mkconfig, which needs -o, and dracut."""
    for name, elsewhere in {"update-grub": "grub2-mkconfig -o /boot/", "update-initramfs": "dracut "}.items():
        assert name not in one.remedy or elsewhere in one.remedy


@each_check
def test_a_check_has_an_image_that_fails_it(one: Check) -> None:
    """Or, where it is about a deployment, a scene (test_target.py asserts that each of those has one)."""
    if one.id not in NEED_GUESTFS and one not in DEPLOYMENT_CHECKS:
        assert [recipe for recipe in recipes() if recipe.check == one.id]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_a_recipe_is_for_a_check_and_in_the_module_of_its_family(recipe: object) -> None:
    from fixtures.tiny.recipes import Recipe

    assert isinstance(recipe, Recipe)
    one = find_check(recipe.check)
    assert one is not None
    module = recipe.paint.__module__.rpartition(".")[2]
    assert module == one.family or module.startswith(f"{one.family}_")
    assert recipe.paint.__doc__


def test_what_a_manual_page_refers_to_exists_or_is_left_out_on_purpose() -> None:
    families = "|".join(FAMILIES)
    references = {
        (one.id, word)
        for one in CHECKS
        for word in re.findall(rf"\b(?:{families})\.[a-z0-9]+(?:-[a-z0-9]+)*\b", one.manual)
        if word.partition(".")[2] not in ("py", "c", "h", "efi", "cfg", "img", "rules", "ifnames", "rst")
    }
    assert {(where, word) for where, word in references if find_check(word) is None} == set()


def test_what_is_left_out_is_not_built_and_has_a_reason() -> None:
    rows = re.findall(
        r"^\| `([a-z]+\.[a-z0-9-]+)`[^|]*\| ([^|]+) \|$", (ROOT / "docs/checks-left-out.md").read_text(), re.M
    )
    assert len(rows) > 5
    assert [check_id for check_id, _ in rows if find_check(check_id) is not None] == []
    assert all(len(reason) > 20 for _, reason in rows)
