# SPDX-License-Identifier: Apache-2.0
"""Runs ``doctor`` in environments that the tests have broken.

docs/doctor.md quotes the output.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import setuptools_tvm_ffi
from setuptools_tvm_ffi.doctor import observation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fakes are POSIX scripts")

SOURCES = Path(setuptools_tvm_ffi.__file__).parents[1]
DISTRIBUTION = importlib.metadata.distribution("apache-tvm-ffi")
TVM_FFI = Path(str(DISTRIBUTION.locate_file("tvm_ffi")))
LIBRARY = next(TVM_FFI.glob("lib/libtvm_ffi.[sd]*"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return an empty folder that precedes the installed packages on the import path."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def doctor(
    site: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    cwd: Path | None = None,
) -> tuple[int, dict[str, Any]]:
    """Run ``doctor --json``. Return the exit status and the report."""
    ignored = {"CC", "CXX", "NINJA", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
    kept = {name: value for name, value in os.environ.items() if name not in ignored}
    process = subprocess.run(
        [sys.executable, *options, "-m", "setuptools_tvm_ffi", "doctor", "--json", *arguments],
        env={**kept, "PYTHONPATH": f"{site}{os.pathsep}{SOURCES}", **(variables or {})},
        cwd=cwd or site.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stderr == ""
    report: dict[str, Any] = json.loads(process.stdout)
    return process.returncode, report


def found(report: dict[str, Any], *words: str) -> dict[str, str]:
    """Return the only finding that contains all words."""
    matching = [f for f in report["findings"] if all(word in f["what"] for word in words)]
    assert len(matching) == 1, report["findings"]
    finding: dict[str, str] = matching[0]
    return finding


def install(
    site: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    requires: str = "apache-tvm-ffi",
    url: Mapping[str, object] | None = None,
) -> None:
    """Write an installed distribution."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content = {
        **files,
        f"{folder.name}/METADATA": f"{metadata}Requires-Dist: {requires}\n",
        f"{folder.name}/RECORD": "".join(f"{file},,\n" for file in files),
        **({f"{folder.name}/direct_url.json": json.dumps(url)} if url else {}),
    }
    for file, text in content.items():
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def install_tvm_ffi(site: Path, version: str, *, headers: str = "", config: str = "") -> None:
    include = site / "tvm_ffi/include"
    lines = zip(("MAJOR", "MINOR", "PATCH"), headers.split("."))
    defined = "".join(f"#define TVM_FFI_VERSION_{part} {number}\n" for part, number in lines)
    files = {
        "tvm_ffi/__init__.py": "",
        "tvm_ffi/config.py": config or f"print({str(include)!r})\nprint({str(LIBRARY)!r})\n",
        "tvm_ffi/include/tvm/ffi/c_api.h": defined,
    }
    install(site, "apache-tvm-ffi", version, files, requires="typing-extensions")


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_this_environment_can_build(site: Path) -> None:
    status, report = doctor(site)
    assert status == 0, report["findings"]
    tools = {tool["name"]: tool for tool in report["tools"]}
    assert tools["setuptools-tvm-ffi"]["path"] == str(SOURCES / "setuptools_tvm_ffi")
    assert tools["C++ compiler"]["origin"] == "PATH"
    assert tools["setuptools"]["version"] == importlib.metadata.version("setuptools")
    assert report["tvm_ffi"]["version"] == DISTRIBUTION.version
    assert report["tvm_ffi"]["headers"] == report["tvm_ffi"]["library_version"] != ""
    assert os.path.samefile(report["tvm_ffi"]["library"], LIBRARY)


def test_doctor_imports_nothing_that_it_diagnoses(site: Path) -> None:
    program = (
        "import sys; from setuptools_tvm_ffi.cli import main; main(['doctor']); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=site, capture_output=True, text=True, check=True
    )
    imported = set(process.stdout.splitlines()[-1].split())
    assert "setuptools_tvm_ffi" in imported
    assert not imported & {"setuptools", "distutils", "packaging", "tvm_ffi", "ninja", "ziglang"}


def test_no_compiler(site: Path, tmp_path: Path) -> None:
    status, report = doctor(site, variables={"PATH": str(tmp_path)})
    assert status == 1
    assert found(report, "C++ compiler is missing")["level"] == "error"


def test_a_compiler_without_a_standard_library(site: Path, tmp_path: Path) -> None:
    fake = script(
        tmp_path / "bin/c++",
        'case $1 in --version) echo "g++ 1.2";; *) echo "string: No such file" >&2; exit 1;; esac',
    )
    status, report = doctor(site, variables={"CXX": str(fake)})
    assert status == 1
    assert found(report, "C++ compiler", "(CXX)", "string: No such file")["command"].endswith("CXX")


def test_a_ninja_that_does_not_run(site: Path, tmp_path: Path) -> None:
    fake = script(tmp_path / "bin/ninja", "echo libfoo.so: cannot open >&2; exit 127")
    status, report = doctor(site, variables={"NINJA": str(fake)})
    assert status == 1
    assert found(report, "ninja", str(fake), "libfoo.so: cannot open")["level"] == "error"


def test_a_broken_ninja_on_path_is_skipped_if_another_one_works(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin/ninja", "exit 1")
    script(tmp_path / "scripts/ninja", "echo 1.11.1")
    monkeypatch.delenv("NINJA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(observation.sysconfig, "get_path", lambda _: str(tmp_path / "scripts"))
    assert observation._ninja().path == str(tmp_path / "scripts/ninja")  # noqa: SLF001
    assert site.is_dir()


def test_setuptools_whose_import_raises(site: Path) -> None:
    (site / "setuptools").mkdir()
    (site / "setuptools/__init__.py").write_text("raise RuntimeError('half removed')\n")
    status, report = doctor(site)
    assert status == 1
    finding = found(report, "setuptools", str(site / "setuptools"), "half removed")
    assert finding["level"] == "error"


def test_nothing_is_installed(tmp_path: Path) -> None:
    # Without site-packages, there is neither setuptools nor apache-tvm-ffi, and no pip.
    alone = tmp_path / "alone"
    shutil.copytree(SOURCES / "setuptools_tvm_ffi", alone / "setuptools_tvm_ffi")
    variables = {"PATH": str(tmp_path), "PYTHONPATH": str(alone)}
    status, report = doctor(tmp_path, variables=variables, options=("-S",))
    assert status == 1
    for name in ("setuptools", "apache-tvm-ffi", "C++ compiler", "C compiler"):
        assert found(report, f"{name} is missing")


def test_a_withdrawn_tvm_ffi_with_headers_of_another_version(site: Path) -> None:
    install_tvm_ffi(site, "0.1.13", headers="0.0.9")
    status, report = doctor(site)
    assert status == 1
    assert found(report, "0.1.13 was withdrawn")
    assert found(report, "headers 0.0.9, library 0.")


def test_a_tvm_ffi_that_does_not_work(site: Path) -> None:
    install_tvm_ffi(site, "0.1.15", config="raise RuntimeError('Cannot find libtvm_ffi')")
    status, report = doctor(site)
    assert status == 1
    assert found(report, "is broken", "Cannot find libtvm_ffi")


def test_two_libraries(site: Path) -> None:
    install(
        site, "other", "1.0", {"other.libs/libtvm_ffi-0a1b2c3d.so": b"", "x/my_tvm_ffi.so": b""}
    )
    status, report = doctor(site)
    assert status == 0
    assert "my_tvm_ffi" not in found(report, "libtvm_ffi-0a1b2c3d.so", str(LIBRARY))["what"]


@pytest.mark.skipif(sys.platform != "linux", reason="macOS removes DYLD_LIBRARY_PATH")
@pytest.mark.parametrize("works", [True, False])
def test_a_library_on_the_path_of_the_loader(site: Path, tmp_path: Path, *, works: bool) -> None:
    copy = tmp_path / LIBRARY.name
    if works:
        shutil.copy(LIBRARY, copy)
    else:
        copy.write_bytes(b"")
    _, report = doctor(site, variables={"LD_LIBRARY_PATH": f"/nonexistent:{tmp_path}"})
    assert found(report, f"{copy} in LD_LIBRARY_PATH", str(LIBRARY))["level"] == "warning"


def test_an_editable_install_older_than_its_sources(site: Path, tmp_path: Path) -> None:
    project = tmp_path / "a project"
    for name in ("csrc/new.cc", "csrc/old.cc", "build/generated.cc", ".venv/x.h", "README.md"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    os.utime(project / "csrc/old.cc", (1, 1))
    url = {"url": project.as_uri(), "dir_info": {"editable": True}}
    install(site, "my-package", "1.0", {"my_package.libs/libmy.so": b""}, url=url)
    library = site / "my_package.libs/libmy.so"
    os.utime(library, (1000, 1000))
    status, report = doctor(site)
    assert status == 0
    finding = found(report, "editable install of my-package is older than csrc/new.cc")
    assert finding["what"].endswith("new.cc")
    assert str(project) in finding["command"]

    # If imports rebuild the libraries, they are not stale.
    (library.parent / "rebuild.json").write_text("{}")
    assert "new.cc" not in str(doctor(site)[1]["findings"])
    switched_off = {"SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD": "0"}
    assert "new.cc" in str(doctor(site, variables=switched_off)[1]["findings"])


def test_a_source_tree_that_shadows_an_installed_package(site: Path, tmp_path: Path) -> None:
    install(site, "my-package", "1.0", {"my_package/__init__.py": ""})
    tree = tmp_path / "project/my_package"
    tree.mkdir(parents=True)
    (tree / "__init__.py").write_text("")
    status, report = doctor(site, "My_Package", cwd=tree.parent)
    assert status == 0
    assert found(report, f"{tree} shadows the installed my-package")["level"] == "warning"
    assert "shadows" not in str(doctor(site, "my-package", cwd=tmp_path)[1]["findings"])


def test_a_launcher_that_is_missing(site: Path, tmp_path: Path) -> None:
    toml = '[tool.setuptools-tvm-ffi]\ncompiler-launcher = "no-such-cache"\n'
    (tmp_path / "pyproject.toml").write_text(toml)
    status, report = doctor(site, cwd=tmp_path)
    assert status == 1
    assert found(report, "launcher", "pyproject.toml", "'no-such-cache' not found")


@pytest.mark.parametrize("launcher", [" ", '"cc'])
def test_a_launcher_that_names_no_program(launcher: str, site: Path) -> None:
    variable = "SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER"
    status, report = doctor(site, variables={variable: launcher})
    assert status == 1
    assert found(report, "launcher", variable)["level"] == "error"


@pytest.mark.parametrize(
    ("pyproject", "url"),
    [
        ("[[[", "[]"),
        ("tool = 1", '{"url": "fi'),
        ("[tool]\nsetuptools-tvm-ffi = []", '{"url": 1, "dir_info": []}'),
        ("a b", b"\xff"),
    ],
)
def test_corrupt_files_are_reported(pyproject: str, url: str | bytes, site: Path) -> None:
    (site / "empty-1.0.dist-info").mkdir()
    install(site, "my-package", "1.0", {"my_package/__init__.py": ""})
    origin = site / "my_package-1.0.dist-info/direct_url.json"
    origin.write_bytes(url if isinstance(url, bytes) else url.encode())
    install(site, "other", "1.0", {})
    metadata = site / "other-1.0.dist-info/METADATA"
    metadata.write_bytes(metadata.read_bytes() + b"Summary: \xff\n")
    (site.parent / "pyproject.toml").write_text(pyproject)
    status, report = doctor(site)
    assert status == 0
    for file in (origin, metadata, site.parent / "pyproject.toml"):
        assert found(report, f"{file} cannot be read: ")["command"]


def test_a_record_that_cannot_be_read_is_reported(site: Path) -> None:
    install(site, "my-package", "1.0", {"my_package/__init__.py": ""})
    (site / "my_package-1.0.dist-info/RECORD").write_bytes(b"\xff")
    status, report = doctor(site)
    assert status == 0
    assert "UnicodeDecodeError" in found(report, "my-package cannot be examined")["what"]


def test_a_program_that_never_ends_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shell's child inherits its output, and would keep a pipe open.
    script(tmp_path / "ninja", "sleep 60 & wait")
    monkeypatch.setattr(observation, "_SECONDS", 0.5)
    tool = observation._program("ninja", [(str(tmp_path), "PATH")])  # noqa: SLF001
    assert "does not answer" in tool.problem


def test_the_text_shows_tools_and_commands(site: Path, tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "setuptools_tvm_ffi", "doctor"],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "NINJA": str(tmp_path / "none")},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "C++ compiler  " in process.stdout
    assert "fix: correct or unset NINJA" in process.stdout
