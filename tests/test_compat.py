# SPDX-License-Identifier: Apache-2.0
"""Results of `setuptools-tvm-ffi compat` for the reference package's wheel.

The results change at three of the nine releases. With 0.1.0, the library crashes when it creates
objects. The package needs `load_lib_module`, which is new in 0.1.6. Up to 0.1.9, an object of a
subclass has the parent's class in Python.

docs/compat.md and docs/abi-floor.md quote the commands and the results.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from environments import Environment, made_once, make_environment

pytestmark = pytest.mark.long

# Releases up to 0.1.5 have no load_lib_module, so load the library directly.
BY_HAND = """\
import pathlib, runpy, sysconfig, tvm_ffi, tvm_ffi.libinfo

def make_an_object():
    from my_ffi_extension import Accumulator
    accumulator = Accumulator("by hand")
    accumulator.push(2.0)
    assert accumulator.mean == 2.0

if not hasattr(tvm_ffi.libinfo, "load_lib_module"):
    (library,) = pathlib.Path(sysconfig.get_path("purelib"), "my_ffi_extension").glob("lib*")
    tvm_ffi.libinfo.load_lib_module = lambda *_: tvm_ffi.load_module(str(library))
    make_an_object()
    raise SystemExit("it has no load_lib_module")
runpy.run_module("my_ffi_extension", run_name="__main__")
"""

Compat = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], plugin_wheel: Path
) -> Environment:
    def make(folder: Path) -> None:
        made = make_environment(folder / "venv", variables)
        made.pip("install", "-q", plugin_wheel, "pip", "uv", cwd=folder)

    folder = made_once(tmp_path_factory, "compat", make)
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    return Environment(folder / "venv", {**variables, **cache})


@pytest.fixture
def compat(
    environment: Environment,
    downloads: Path,
    old_releases: Path,
    reference_wheel: Path,
    tmp_path: Path,
) -> Compat:
    """Run the command on the wheel. Temporary files go to the test's folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        process = environment.run(
            *(environment.python, "-I", "-m", "setuptools_tvm_ffi", "compat", reference_wheel),
            *("--find-links", str(downloads), "--find-links", str(old_releases), *options),
            cwd=tmp_path,
            variables={"TMPDIR": str(temporary)},
            check=False,
        )
        assert "Traceback" not in process.stderr, process.stderr
        assert list(temporary.iterdir()) == []
        return process

    return run


def parsed(process: subprocess.CompletedProcess[str]) -> Any:
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def outcomes(document: Any) -> dict[str, str]:
    return {release["version"]: release["outcome"] for release in document["releases"]}


def test_one_run_over_all_releases_finds_each_edge(
    compat: Compat, tmp_path: Path, reference_wheel: Path
) -> None:
    (tmp_path / "by_hand.py").write_text(BY_HAND)
    options = ("--command", "python by_hand.py")
    process = compat(*options)
    assert process.returncode == 0, process.stderr
    rows = [line.split() for line in process.stdout.splitlines()[1:] if line.startswith("0.1")]
    assert [(row[0], row[1]) for row in rows] == [
        ("0.1.0", "command"),
        ("0.1.1", "command"),
        ("0.1.5", "command"),
        ("0.1.6", "command"),
        ("0.1.9", "command"),
        ("0.1.10", "passed"),
        ("0.1.13", "passed"),
        ("0.1.14.post1", "passed"),
        (rows[-1][0], "passed"),
    ]
    # The program prints this after it has created an object.
    assert "status 1: it has no load_lib_module" in process.stdout
    assert re.search(r"^0\.1\.13 +passed +withdrawn, not admitted ", process.stdout, re.MULTILINE)
    assert 'abi-floor = "0.1.10"' in process.stdout
    assert '"apache-tvm-ffi>=0.1.10,!=0.1.13,!=0.1.13.post0,<0.2"' in process.stdout

    document = parsed(compat(*options, "--json"))
    assert len(document["releases"]) == 9
    assert all(release["cached"] for release in document["releases"])
    assert "Expected `my_ffi_extension.WeightedAccumulator`" in document["releases"][4]["detail"]
    assert document["wheel"]["file"] == reference_wheel.name
    assert [r["version"] for r in document["releases"] if r["admitted"]] == [rows[-1][0]]
    assert [r["version"] for r in document["releases"] if r["withdrawn"]] == ["0.1.13"]
    assert (document["range"]["oldest"], document["range"]["abi-floor"]) == ("0.1.10", "0.1.10")

    # A changed script of the command invalidates the cached result, although the wheel is the same.
    (tmp_path / "by_hand.py").write_text("raise SystemExit('not today')")
    document = parsed(compat("--against", "0.1.9", *options, "--json"))
    assert outcomes(document) == {"0.1.9": "command failed"}
    assert document["releases"][0]["detail"] == "exit status 1: not today"
    assert document["range"] is None


def test_importing_alone_proves_no_floor(compat: Compat) -> None:
    process = compat(*(w for v in ("0.1.5", "0.1.6", "0.1.9") for w in ("--against", v)))
    assert process.returncode == 0, process.stderr
    assert "cannot import name 'load_lib_module' from 'tvm_ffi.libinfo'" in process.stdout
    assert "found 16 functions and 4 classes, called none" in process.stdout
    assert "range that passed: 0.1.6 to 0.1.9 (2 of 3" in process.stdout
    assert "No function was called" in process.stdout
    assert "abi-floor" not in process.stdout


def test_pip_and_uv_give_the_same_results(compat: Compat) -> None:
    options = ("--against", "0.1.5", "--against", "0.1.6", "--json")
    with_pip, with_uv = (
        compat("--installer", installer, "--no-cache", *options) for installer in ("pip", "uv")
    )
    assert "with pip" in with_pip.stderr
    assert "with uv" in with_uv.stderr
    found = [parsed(process)["releases"] for process in (with_pip, with_uv)]
    assert [release["outcome"] for release in found[0]] == ["import failed", "passed"]
    for releases in found:
        for release in releases:
            del release["cached"]
    assert found[0] == found[1]
