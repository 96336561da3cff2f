# SPDX-License-Identifier: Apache-2.0
"""Repair wheels with the real tools, then install and use the results.

docs/repair.md quotes the command.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pefile
import pytest
from environments import Environment, make_environment
from made_binaries import make_macho, make_pe
from made_wheels import write_wheel
from sample_projects import PROJECTS, Project
from setuptools_tvm_ffi.binaries.binary import BinaryReader
from setuptools_tvm_ffi.cli import audited_wheels, main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINDINGS, FINE

LIBRARY = "grafted_pkg/libgrafted.so"


@dataclass(frozen=True)
class Grafted:
    """A wheel whose library needs two external libraries, and the folder of these two libraries."""

    wheel: Path
    outside: Path


@pytest.fixture(autouse=True)
def _one_reader(reader: BinaryReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share one reader process among all commands, because it starts slowly."""
    monkeypatch.setattr(audited_wheels, "BinaryReader", lambda: contextlib.nullcontext(reader))


@pytest.fixture(scope="module")
def grafted(builder: Environment, tmp_path_factory: pytest.TempPathFactory) -> Grafted:
    folder = tmp_path_factory.mktemp("grafted")
    outside = folder / "outside"
    outside.mkdir()
    for name, value in (("first_step", 2), ("second_step", 3)):
        source = outside / f"{name}.c"
        source.write_text(f"#include <stdint.h>\nint64_t {name}(void) {{ return {value}; }}\n")
        command = ["cc", "-shared", "-fPIC", f"-Wl,-soname,lib{name}.so.1", source.name]
        subprocess.run([*command, "-o", f"lib{name}.so.1"], cwd=outside, check=True)
        (outside / f"lib{name}.so").symlink_to(f"lib{name}.so.1")
    shutil.copytree(PROJECTS / "grafted", folder / "grafted")
    project = Project(folder / "grafted", builder)
    project.build(LD_LIBRARY_PATH=str(outside))
    return Grafted(project.wheel, outside)


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_record_is_right(wheel: Path) -> None:
    files = contents(wheel)
    (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    rows = {row[0]: row[1:] for row in csv.reader(files[record].decode().splitlines())}
    assert list(rows) == list(files)
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        expected = ["", ""] if name == record else [f"sha256={digest}", str(len(content))]
        assert rows[name] == expected, name


def dynamic_section(wheel: Path, library: str, folder: Path) -> str:
    """Return the output of readelf."""
    file = folder / "read.so"
    file.write_bytes(contents(wheel)[library])
    command = ["readelf", "-d", "-W", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def repaired_in(folder: Path) -> Path:
    """Return the only file in a folder."""
    (wheel,) = folder.iterdir()
    assert wheel.suffix == ".whl"
    return wheel


def test_external_libraries_are_bundled_and_found_after_installation(
    grafted: Grafted,
    builder: Environment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = grafted.wheel.read_bytes()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(grafted.outside))
    assert main(["repair", "--json", "-w", str(tmp_path / "w"), str(grafted.wheel)]) == FINE
    monkeypatch.delenv("LD_LIBRARY_PATH")
    document = json.loads(capsys.readouterr().out)
    assert grafted.wheel.read_bytes() == before

    wheel = repaired_in(tmp_path / "w")
    assert re.search(r"-1\.0-py3-none-manylinux\w+(\.manylinux\w+)*\.whl$", wheel.name)
    assert_record_is_right(wheel)
    files = contents(wheel)
    added = sorted(files.keys() - contents(grafted.wheel).keys())
    first, second = added
    assert re.fullmatch(r"grafted_project\.libs/libfirst_step-\w{8}\.so\.1", first)
    assert re.fullmatch(r"grafted_project\.libs/libsecond_step-\w{8}\.so\.1", second)
    (told,) = document["wheels"]
    assert (told["wheel"], told["repaired"]) == (str(grafted.wheel), str(wheel))
    assert (told["added"], told["changed"]) == (added, [LIBRARY])
    assert told["audit"]["findings"] == []
    assert {library["path"] for library in told["audit"]["libraries"]} == {LIBRARY, *added}
    read = dynamic_section(wheel, LIBRARY, tmp_path)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", read))
    assert needed == {Path(first).name, Path(second).name, "libtvm_ffi.so"}
    assert re.findall(r"\(R(?:UN)?PATH\).*\[(.*)\]", read) == ["$ORIGIN/../grafted_project.libs"]

    # The record has the digests of the shipped library and of the built library.
    (record,) = (content for name, content in files.items() if name.endswith("tvm_ffi_build.json"))
    (library,) = json.loads(record)["libraries"]
    built = contents(grafted.wheel)[LIBRARY]
    assert library["sha256"] == hashlib.sha256(files[LIBRARY]).hexdigest()
    assert library["built-sha256"] == hashlib.sha256(built).hexdigest()
    assert re.fullmatch(r"auditwheel \S+", json.loads(record)["repaired-with"])

    environment = make_environment(tmp_path / "venv", builder.variables)
    environment.pip("install", "-q", wheel, cwd=tmp_path)
    program = "import grafted_pkg; print(grafted_pkg.LIB.add_steps(37))"
    assert environment.run(environment.python, "-c", program, cwd=tmp_path).stdout == "42\n"


@pytest.mark.long
def test_a_repair_is_reproducible_with_another_umask_time_zone_and_folder(
    grafted: Grafted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(grafted.outside))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    repair = ("repair", str(grafted.wheel), "-w")
    with umask(0o022):
        assert main([*repair, str(tmp_path / "one")]) == FINE
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.chdir(grafted.outside)
    with umask(0o077):
        assert main([*repair, str(tmp_path / "two")]) == FINE
    one, two = repaired_in(tmp_path / "one"), repaired_in(tmp_path / "two")
    assert (one.name, one.read_bytes()) == (two.name, two.read_bytes())

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert main([*repair, str(tmp_path / "dated")]) == FINE
    with zipfile.ZipFile(repaired_in(tmp_path / "dated")) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


@pytest.mark.long
def test_the_audit_reports_an_excluded_library(
    grafted: Grafted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exclude = ("--exclude", "libfirst_step.so.1", "--exclude", "libsecond_step.so.*")
    assert main(["repair", *exclude, "-w", str(tmp_path / "w"), str(grafted.wheel)]) == FINDINGS
    printed = capsys.readouterr().out
    wheel = repaired_in(tmp_path / "w")
    assert printed.startswith(f"wrote {wheel} (auditwheel ")
    assert "libfirst_step.so.1" in printed.partition("found:")[2]
    assert contents(wheel).keys() == contents(grafted.wheel).keys()


@pytest.mark.long
def test_a_missing_library_is_reported_and_nothing_is_written(
    grafted: Grafted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "-w", str(tmp_path / "w"), str(grafted.wheel)]) == COULD_NOT_RUN
    printed = capsys.readouterr().err
    assert "setuptools-tvm-ffi: error: grafted_project-1.0-" in printed
    (name,) = re.findall(r"library \"(lib\w+_step\.so\.1)\" could not be located", printed)
    assert f"--exclude {name}" in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "w").exists()


@pytest.mark.long
def test_a_wheel_without_external_libraries_only_gets_a_new_tag(
    reference_wheel: Path, tmp_path: Path
) -> None:
    assert main(["repair", "-w", str(tmp_path / "w"), str(reference_wheel)]) == FINE
    wheel = repaired_in(tmp_path / "w")
    assert re.search(r"-py3-none-manylinux_2_\d+_x86_64\.whl$", wheel.name)
    assert_record_is_right(wheel)
    before, after = contents(reference_wheel), contents(wheel)
    assert before.keys() == after.keys()
    changed = {name.rpartition("/")[2] for name in before if before[name] != after[name]}
    assert changed == {"WHEEL", "RECORD"}
    (tag,) = re.findall(r"-(py3-none-\w+)\.whl", wheel.name)
    (wheel_file,) = (content for name, content in after.items() if name.endswith("/WHEEL"))
    assert re.findall(r"^Tag: (.*)$", wheel_file.decode(), re.MULTILINE) == [tag]


@pytest.mark.long
def test_an_unsatisfied_platform_tag_is_rejected_and_other_wheels_are_repaired(
    grafted: Grafted,
    reference_wheel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(grafted.outside))
    wheels = (str(reference_wheel), str(grafted.wheel))
    assert main(["repair", "--plat", "manylinux_2_17", "-w", str(tmp_path / "w"), *wheels]) == 2
    printed = capsys.readouterr().err
    assert "presence of too-recent versioned symbols" in printed
    (lowest,) = re.findall(r"lowest tag that the wheel satisfies is '(\w+)'", printed)
    again = ["repair", "--plat", lowest, "-w", str(tmp_path / "again"), str(grafted.wheel)]
    assert main(again) == FINE
    assert lowest in repaired_in(tmp_path / "again").name
    assert "manylinux_2_17_x86_64" in repaired_in(tmp_path / "w").name


@pytest.mark.long
def test_the_original_wheel_is_never_overwritten(
    reference_wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", "-w", str(tmp_path), str(reference_wheel)]) == FINE
    wheel = repaired_in(tmp_path)
    before = wheel.read_bytes()
    assert main(["repair", "-w", str(tmp_path), str(wheel)]) == COULD_NOT_RUN
    assert f"{wheel}: the repaired wheel would replace the original" in capsys.readouterr().err
    assert repaired_in(tmp_path).read_bytes() == before


@pytest.mark.long
def test_delvewheel_bundles_a_library_into_a_wheel_for_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """delvewheel works on any system: it only searches PATH and reads files."""
    outside = tmp_path / "outside"
    outside.mkdir()
    extra = make_pe(name="extra.dll", needed={"KERNEL32.dll": ["Sleep"]})
    (outside / "extra.dll").write_bytes(extra)
    own = ("tvm_ffi.dll", "nvcuda.dll", "own.dll", "VCRUNTIME140.dll", "KERNEL32.dll")
    files = {
        "pkg/__init__.py": b'"""A package."""\n\nANSWER = 42\n',
        "pkg/ops.dll": make_pe(needed={name: ["f"] for name in (*own, "extra.dll")}),
        "pkg/own.dll": make_pe(name="own.dll", needed={}),
    }
    wheel = write_wheel(tmp_path, files, tag="py3-none-win_amd64")
    of_no_project = ("TVM501", "TVM502", "TVM701", "TVM705")
    ignored = [word for code in of_no_project for word in ("--ignore", code)]
    repair = ("repair", str(wheel), *ignored, "-w")
    assert main([*repair, str(tmp_path / "missing")]) == COULD_NOT_RUN
    assert "--exclude extra.dll" in capsys.readouterr().err.partition("hint: ")[2]
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{outside}")
    assert main([*repair, str(tmp_path / "one")]) == FINE
    assert main([*repair, str(tmp_path / "two")]) == FINE
    made = repaired_in(tmp_path / "one")
    assert made.name == wheel.name
    assert made.read_bytes() == repaired_in(tmp_path / "two").read_bytes()
    assert_record_is_right(made)

    after = contents(made)
    (grafted,) = (name for name in after if re.fullmatch(r"pkg\.libs/extra-\w+\.dll", name))
    needed = {
        entry.dll.decode() for entry in pefile.PE(data=after["pkg/ops.dll"]).DIRECTORY_ENTRY_IMPORT
    }
    assert needed == {*own, Path(grafted).name}
    assert after["pkg/own.dll"] == files["pkg/own.dll"]

    # Run the package's code with replacements for functions that exist only on Windows.
    loaded: list[str] = []
    monkeypatch.setattr(ctypes, "WinDLL", loaded.append, raising=False)
    monkeypatch.setattr(os, "add_dll_directory", lambda _: None, raising=False)
    namespace = {"__file__": str(tmp_path / "site" / "pkg" / "__init__.py")}
    exec(after["pkg/__init__.py"], namespace)
    assert loaded == [str(tmp_path / "site" / grafted)]
    assert namespace["ANSWER"] == 42
    assert namespace["__doc__"] == "A package."
    assert not [name for name in namespace if "patch" in name or "preload" in name]


@pytest.fixture
def apples_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put LLVM's otool and install_name_tool on PATH under Apple's names, and a fake codesign.

    Return the path of codesign's log. LLVM's tools read and write the same files as Apple's.
    """
    if importlib.util.find_spec("delocate") is None:
        pytest.skip("no delocate: it is installed with the extra 'test'")
    found = sorted(Path("/usr/lib").glob("llvm-*/bin/llvm-otool"))
    if not found:
        pytest.skip("no llvm-otool: Debian has it in the package llvm")
    folder, log = tmp_path / "apple", tmp_path / "codesign.log"
    folder.mkdir()
    scripts = {
        # LLVM 14 has no option -m, which stops otool from parsing parentheses as an archive member.
        "otool": 'for word; do shift; [ $word = -m ] || set -- "$@" "$word"; done; '
        f'exec {found[-1]} "$@"',
        "install_name_tool": f'exec {found[-1].with_name("llvm-install-name-tool")} "$@"',
        "codesign": f'for file; do :; done; echo "$1 ${{file##*/}}" >> {log}',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    sysconfig.get_config_vars()  # Fill Python's cache: the variables are in a file of the platform.
    monkeypatch.setattr(sys, "platform", "darwin")
    return log


@pytest.mark.long
def test_delocate_bundles_a_library_into_a_wheel_for_macos_and_signs_it(
    apples_tools: Path, tmp_path: Path
) -> None:
    extra = tmp_path / "libextra.dylib"
    system = "/usr/lib/libSystem.B.dylib"
    extra.write_bytes(make_macho(name=str(extra), needed=(system,), minimum_os=(12, 0)))
    # Names are replaced in place, so a new name must not be longer.
    needed = ("@rpath/libtvm_ffi.dylib", str(extra), system)
    files = {"pkg/__init__.py": b"", "pkg/libops.dylib": make_macho(needed=needed)}
    wheel = write_wheel(tmp_path, files, tag="py3-none-macosx_11_0_arm64")
    of_no_project = ("TVM501", "TVM502", "TVM701", "TVM705")
    ignored = [word for code in of_no_project for word in ("--ignore", code)]
    for folder in ("one", "two"):
        assert main(["repair", *ignored, "-w", str(tmp_path / folder), str(wheel)]) == FINE
    made = repaired_in(tmp_path / "one")
    # The bundled library needs a newer macOS.
    assert made.name == "pkg-1.0-py3-none-macosx_12_0_arm64.whl"
    assert made.read_bytes() == repaired_in(tmp_path / "two").read_bytes()
    assert_record_is_right(made)
    after = contents(made)
    assert after.keys() - contents(wheel).keys() == {"pkg/.dylibs/libextra.dylib"}
    assert b"@loader_path/.dylibs/libextra.dylib\0" in after["pkg/libops.dylib"]
    assert b"@rpath/libtvm_ffi.dylib\0" in after["pkg/libops.dylib"]
    # Changed libraries are signed before their signatures are verified.
    log = apples_tools.read_text().splitlines()
    for name in ("libops.dylib", "libextra.dylib"):
        calls = [line.partition(" ")[0] for line in log if line.endswith(f" {name}")]
        assert calls[0] == "--force"
        assert calls[-1] == "--verify"
