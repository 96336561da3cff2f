# SPDX-License-Identifier: Apache-2.0
"""The command ``audit`` on wheels from real builds and on malicious files.

docs/audit.md quotes the command and its output.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from abi3info import DATAS, FUNCTIONS
from abi3info.models import Symbol
from environments import Environment
from made_wheels import write_wheel
from setuptools_tvm_ffi.audit.wheel_audit import audit_wheel
from setuptools_tvm_ffi.binaries.binary import BinaryReader

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("readelf") is None, reason="no readelf for ELF on PATH"
)


@pytest.fixture(scope="module")
def shipped_wheel(
    reference_wheel: Path,
    builder: Environment,
    reader: BinaryReader,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The reference wheel, renamed to the best tag that it satisfies."""
    tag = audit_wheel(reference_wheel, reader).satisfied_tag
    assert tag is not None
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copy(reference_wheel, folder)
    command = (builder.python, "-m", "wheel", "tags", "--remove", "--platform-tag", tag)
    builder.run(*command, reference_wheel.name, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def library(shipped_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    with zipfile.ZipFile(shipped_wheel) as archive:
        return Path(archive.extract("my_ffi_extension/libmy_ffi_extension.so", folder))


def readelf(library: Path, *options: str) -> str:
    command = ["readelf", "-W", *options, str(library)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def undefined_symbols(library: Path) -> set[str]:
    lines = [line.split() for line in readelf(library, "--dyn-syms").splitlines()]
    return {line[7].partition("@")[0] for line in lines if len(line) > 7 and line[6] == "UND"}


def test_the_reference_wheel_has_no_findings(shipped_wheel: Path, reader: BinaryReader) -> None:
    report = audit_wheel(shipped_wheel, reader)
    assert report.findings == ()
    assert report.claimed_tags == (report.satisfied_tag,)


def test_readelf_agrees_about_the_reference_library(
    shipped_wheel: Path, library: Path, reader: BinaryReader
) -> None:
    (report,) = audit_wheel(shipped_wheel, reader).libraries
    binary = report.binary
    dynamic = readelf(library, "-d")
    assert list(binary.needed) == re.findall(r"NEEDED.*\[(.+)\]", dynamic)
    assert binary.name == re.findall(r"SONAME.*\[(.+)\]", dynamic)[0]
    assert set(binary.undefined) == undefined_symbols(library)
    versions = set(re.findall(r"Name: (\S+)  Flags", readelf(library, "-V")))
    assert {version.version for version in binary.symbol_versions} == versions
    assert binary.relro == ("full" if "BIND_NOW" in dynamic else "partial")
    assert "GNU_RELRO" in readelf(library, "-l")


def test_auditwheel_chooses_the_same_tag(shipped_wheel: Path) -> None:
    command = [sys.executable, "-m", "auditwheel", "show", str(shipped_wheel)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tag = shipped_wheel.stem.rpartition("-")[2]
    assert f'constrains the platform tag to "{tag}"' in " ".join(printed.split())


def test_other_tools_accept_the_reference_wheel(shipped_wheel: Path) -> None:
    for tool in (("twine", "check", "--strict"), ("check_wheel_contents",)):
        command = [sys.executable, "-m", *tool, str(shipped_wheel)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_library_uses_no_symbol_of_the_cpython_abi(library: Path) -> None:
    """Like abi3audit: compare with the list of the stable ABI, and match names of other symbols."""
    undefined = undefined_symbols(library)
    assert undefined
    assert not {Symbol(name) for name in undefined} & {*FUNCTIONS, *DATAS}
    assert not [name for name in undefined if re.match(r"_?Py[A-Z_]", name)]


@pytest.mark.parametrize(
    "name",
    [
        "c_abi_only",
        pytest.param("several_libraries", marks=pytest.mark.long),
        pytest.param("numpy_interop", marks=pytest.mark.long),
    ],
)
def test_the_examples_only_have_findings_about_their_tags(
    name: str, example_wheel: Callable[[str], Path], reader: BinaryReader
) -> None:
    report = audit_wheel(example_wheel(name), reader)
    assert {finding.code.name for finding in report.findings} == {"TVM102"}


def bomb(folder: Path) -> Path:
    return write_wheel(folder, {"bomb/zeros.bin": bytes(300 * 1024**2)}, distribution="bomb-1.0")


def traversal(folder: Path) -> Path:
    return write_wheel(folder, {"../../outside.txt": b"1"}, distribution="traversal-1.0")


def lying(folder: Path, library: Path) -> Path:
    content = bytearray(library.read_bytes())
    content[40:48] = (2**62).to_bytes(8, "little")  # the offset of the section headers
    return write_wheel(folder, {"lying/libops.so": bytes(content)}, distribution="lying-1.0")


def test_hostile_wheels_are_rejected_within_limits(
    library: Path, shipped_wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    text = folder / "text-1.0-py3-none-any.whl"
    text.write_text("this is no wheel", encoding="utf-8")
    cut = folder / shipped_wheel.name
    cut.write_bytes(shipped_wheel.read_bytes()[:-1000])
    wheels = [text, cut, bomb(folder), traversal(folder), lying(folder, library), shipped_wheel]
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "setuptools_tvm_ffi", "audit", "--json", *map(str, wheels)]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1024**3, 1024**3)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    answers = json.loads(done.stdout)["wheels"]
    reasons = [answer.get("error", "").partition("\n")[0] for answer in answers]
    assert "zip archive" in reasons[0]
    assert "zip archive" in reasons[1]
    assert "would unpack to" in reasons[2]
    assert "contains '..'" in reasons[3]
    assert [finding["code"] for finding in answers[4]["findings"]] == ["TVM206"]
    assert answers[5]["findings"] == []
