"""EFI programs signed by osslsigncode with certificates of openssl, and the shim of the distribution."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from byoi_tools.formats.boot.authenticode import read_issuers, read_sbat
from byoi_tools.formats.boot.efi_program import read_efi_program
from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.source import Memory
from fixtures.tiny import loaders, pe
from fixtures.tiny.signature import sign
from tests.disk_images import run

SHIM = Path("/usr/lib/shim/shimx64.efi")
needs_osslsigncode = pytest.mark.skipif(shutil.which("osslsigncode") is None, reason="osslsigncode is not installed")


def issuers(program: bytes) -> tuple[str, ...]:
    return read_issuers(Memory(program), read_pe(Memory(program)))


@needs_osslsigncode
@pytest.mark.parametrize("name", ["Tiny CA", "Zertifizierungsstelle für Tests, Nr. 2"])
def test_the_issuer_is_that_of_the_certificate(name: str, tmp_path: Path) -> None:
    key, certificate, program = tmp_path / "key", tmp_path / "certificate", tmp_path / "in.efi"
    subject = ("-subj", f"/O=Tests/CN={name}", "-utf8", "-days", "2")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", certificate, *subject)
    program.write_bytes(pe.build({".data": bytes(1000)}))
    signed = tmp_path / "out.efi"
    run("osslsigncode", "sign", "-certs", certificate, "-key", key, "-in", program, "-out", signed)

    assert issuers(program.read_bytes()) == ()
    assert issuers(signed.read_bytes()) == (name,)


def test_a_signature_that_is_cut_off_has_an_unknown_issuer() -> None:
    signed = sign(pe.build({}), "Tiny CA")
    assert issuers(signed) == ("Tiny CA",)
    assert issuers(signed[:-40]) == ("unknown issuer",)


@pytest.mark.skipif(not SHIM.exists(), reason="shim-unsigned is not installed")
def test_generations_of_shim_are_those_that_objcopy_shows(tmp_path: Path) -> None:
    run(
        "objcopy", "-O", "binary", "--only-section=.sbat", "--set-section-flags", ".sbat=alloc", SHIM, tmp_path / "sbat"
    )
    text = (tmp_path / "sbat").read_text("ascii").strip("\0")
    expected = tuple((name, int(number)) for name, number in re.findall(r"^([^,]+),(\d+),", text, re.MULTILINE))

    content = SHIM.read_bytes()

    assert expected[0] == ("sbat", 1)
    assert read_efi_program("shimx64.efi", len(content), Memory(content)).sbat == expected


@pytest.mark.parametrize("section", [b"", b"shim", b"shim,x\n", b"shim,99999999\n", b"\xff,\xb2\n"])
def test_wrong_lines_of_sbat_are_left_out(section: bytes) -> None:
    assert read_sbat(section) == ()


def test_sbat_ends_with_the_first_zero() -> None:
    assert read_sbat(loaders.SHIM_SBAT + b"\0grub,1\n") == (("sbat", 1), ("shim", 4))
