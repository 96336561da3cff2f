# SPDX-License-Identifier: Apache-2.0
"""What `setuptools-tvm-ffi compat` finds out about the reference package's wheel.

Nine releases, and three edges. The library makes objects from 0.1.1 on and crashes on 0.1.0; the
package needs `load_lib_module`, which is new in 0.1.6; and an object of a subclass is one of its
parent's up to 0.1.9.
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

# Without load_lib_module, as the library would be used by hand.
BY_HAND = """\
import pathlib, sysconfig, tvm_ffi, tvm_ffi.libinfo
(library,) = pathlib.Path(sysconfig.get_path("purelib"), "my_ffi_extension").glob("lib*")
tvm_ffi.libinfo.load_lib_module = lambda *_: tvm_ffi.load_module(str(library))

def make_an_object():
    from my_ffi_extension import Accumulator
    accumulator = Accumulator("by hand")
    accumulator.push(2.0)
    assert accumulator.mean == 2.0

make_an_object()
print("made")
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
    """Run the command on the wheel; temporary files go to a folder of the test's."""
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


def test_every_release_is_tried_and_the_oldest_that_can_import_the_package_is_found(
    compat: Compat, reference_wheel: Path
) -> None:
    process = compat()
    assert process.returncode == 0, process.stderr
    rows = [line.split() for line in process.stdout.splitlines()[1:] if line.startswith("0.1")]
    assert [(row[0], row[1]) for row in rows] == [
        ("0.1.0", "import"),
        ("0.1.1", "import"),
        ("0.1.5", "import"),
        ("0.1.6", "passed"),
        ("0.1.9", "passed"),
        ("0.1.10", "passed"),
        ("0.1.13", "passed"),
        ("0.1.14.post1", "passed"),
        (rows[-1][0], "passed"),
    ]
    assert "cannot import name 'load_lib_module' from 'tvm_ffi.libinfo'" in process.stdout
    assert re.search(r"^0\.1\.13 +passed +withdrawn, not admitted ", process.stdout, re.MULTILINE)
    assert "16 functions and 4 classes found" in process.stdout
    assert 'abi-floor = "0.1.6"' in process.stdout
    assert '"apache-tvm-ffi>=0.1.6,!=0.1.13,!=0.1.13.post0,<0.2"' in process.stdout

    again = compat("--json")
    document = parsed(again)
    assert len(document["releases"]) == 9
    assert all(release["cached"] for release in document["releases"])
    assert document["wheel"]["file"] == reference_wheel.name
    assert [r["version"] for r in document["releases"] if r["admitted"]] == [rows[-1][0]]
    assert [r["version"] for r in document["releases"] if r["withdrawn"]] == ["0.1.13"]
    assert document["range"]["oldest"] == "0.1.6"


def test_a_release_that_crashes_the_process_is_found(compat: Compat, tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(BY_HAND)
    options = ("--against", "<0.1.6", "--command", "python by_hand.py", "--json")
    document = parsed(compat(*options))
    assert outcomes(document) == {"0.1.0": "crashed", "0.1.1": "passed", "0.1.5": "passed"}
    crash = document["releases"][0]
    assert crash["signal"] == "SIGSEGV"
    assert document["range"]["oldest"] == "0.1.1"
    assert document["range"]["abi-floor"] is None  # which begins with 0.1.6
    # A command reads more than the wheel: what it reads has changed, and so may what comes of it.
    (tmp_path / "by_hand.py").write_text("raise SystemExit('not today')")
    document = parsed(compat(*options))
    assert set(outcomes(document).values()) == {"command failed"}
    assert document["releases"][0]["detail"] == "status 1: not today"
    assert document["range"] is None


def test_the_projects_own_command_finds_what_an_import_does_not(compat: Compat) -> None:
    document = parsed(
        compat(
            *("--against", "0.1.9", "--against", ">=0.1.10,!=0.1.13,!=0.1.14.post1"),
            *("--command", "python -m my_ffi_extension", "--json"),
        )
    )
    found = outcomes(document)
    assert len(found) == 3
    assert found["0.1.9"] == "command failed"
    assert "Expected `my_ffi_extension.WeightedAccumulator`" in document["releases"][0]["detail"]
    assert (document["range"]["oldest"], document["range"]["abi-floor"]) == ("0.1.10", "0.1.10")


def test_pip_finds_what_uv_finds(compat: Compat) -> None:
    options = ("--against", "0.1.5", "--against", "0.1.6", "--json")
    with_pip, with_uv = compat("--installer", "pip", "--no-cache", *options), compat(*options)
    assert "with pip" in with_pip.stderr
    assert "with uv" in with_uv.stderr
    found = [parsed(process)["releases"] for process in (with_pip, with_uv)]
    assert [release["outcome"] for release in found[0]] == ["import failed", "passed"]
    for releases in found:
        for release in releases:
            del release["cached"]
    assert found[0] == found[1]
