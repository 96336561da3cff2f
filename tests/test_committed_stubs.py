# SPDX-License-Identifier: Apache-2.0
"""The committed stubs equal the stubs that old and new Pythons write, in any locale."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import (
    QUICK,
    Environment,
    Interpreter,
    copy_repository,
    find_interpreters,
    made_once,
    make_environment,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository. The libraries are compiled once for all Python versions."""
    return copy_repository(made_once(tmp_path_factory, "committed", lambda _: None) / "source")


def interpreters() -> list[Interpreter]:
    """Return the oldest and the newest interpreter. The versions between them are not tested."""
    ordered = sorted(find_interpreters(), key=lambda found: found.version)
    return [*ordered[:1], *ordered[1:][-1:]]


@pytest.mark.parametrize(
    "interpreter",
    [
        # The quick tests only use the newest interpreter.
        pytest.param(found, id=found.name, marks=pytest.mark.long if number else ())
        for number, found in enumerate(reversed(interpreters()))
    ],
)
def test_every_python_version_writes_identical_stubs(
    interpreter: Interpreter,
    repository: Path,
    variables: dict[str, str],
    plugin_wheel: Path,
    tmp_path: Path,
) -> None:
    environment = make_environment(tmp_path / "venv", variables, interpreter.executable)
    needs = ("setuptools>=77", "packaging", "tomli", "ninja", "apache-tvm-ffi", plugin_wheel)
    environment.pip("install", "-q", *needs, cwd=tmp_path)
    before = {path: path.read_bytes() for path in stubs(repository)}
    # Use an unusual hash seed and locale, and delete the cache of the previous run.
    odd = {"PYTHONHASHSEED": str(sum(interpreter.version)), "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    for known in repository.glob("build/**/stubs.json"):
        known.unlink()
    checked = check(environment, repository, odd)
    assert checked == (0, "")
    for path in before:
        path.unlink()
    command = (environment.python, "-m", "setuptools_tvm_ffi", "stubs")
    environment.run(*command, cwd=repository, variables={**QUICK, **odd})
    assert {path: path.read_bytes() for path in stubs(repository)} == before


def check(environment: Environment, repository: Path, variables: dict[str, str]) -> tuple[int, str]:
    command = (environment.python, "-m", "setuptools_tvm_ffi", "stubs", "--check")
    process = environment.run(
        *command, cwd=repository, variables={**QUICK, **variables}, check=False
    )
    return process.returncode, process.stdout


def stubs(repository: Path) -> list[Path]:
    return sorted((repository / "my_ffi_extension").rglob("*.pyi"))
