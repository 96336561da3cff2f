# SPDX-License-Identifier: Apache-2.0
"""Every documented command with build isolation, in a checkout and in an unpacked sdist."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from environments import QUICK, Environment, copy_repository, make_environment

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def frontends(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Environment:
    """An environment with the frontends, but without build requirements."""
    folder = tmp_path_factory.mktemp("frontends")
    cache = {"UV_CACHE_DIR": str(folder / "uv-cache"), **QUICK}
    environment = make_environment(folder / "venv", {**variables, **cache})
    environment.pip("install", "-q", "pip", "build", "uv", cwd=folder)
    return environment


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = copy_repository(tmp_path_factory.mktemp("checkout") / "my-ffi-extension")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(source))
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run([*git, *arguments], check=True)
    # Installing the plugin from its folder leaves these files, which git ignores.
    metadata = source / "setuptools-tvm-ffi" / "src" / "setuptools_tvm_ffi.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: setuptools-tvm-ffi\nVersion: 0.1.0\n"
    )
    return source


@pytest.fixture(scope="module")
def unpacked_sdist(
    checkout: Path, frontends: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    frontends.run(*(frontends.python, "-m", "build", "--sdist", "-o", folder, checkout), cwd=folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        if sys.version_info >= (3, 12):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder)
    return folder / "my_ffi_extension-0.1.0"


@pytest.fixture(params=["checkout", "sdist"])
def source(request: pytest.FixtureRequest, checkout: Path, unpacked_sdist: Path) -> Path:
    return checkout if request.param == "checkout" else unpacked_sdist


def assert_tour_works(environment: Environment, folder: Path) -> None:
    tour = environment.run(environment.python, "-m", "my_ffi_extension", cwd=folder)
    assert tour.stdout.rstrip().endswith("OK: everything works.")


def the_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    assert "-py3-none-linux_" in wheel.name
    return wheel


def installed(wheel: Path, frontends: Environment, folder: Path) -> Environment:
    environment = make_environment(folder / "target", frontends.variables)
    environment.pip("install", "-q", wheel, cwd=folder)
    return environment


def test_pip_wheel(source: Path, frontends: Environment, tmp_path: Path) -> None:
    printed = frontends.run(
        *(frontends.python, "-m", "pip", "wheel", "-v", "--no-deps", "-w", tmp_path / "dist", "."),
        cwd=source,
    )
    progress = re.findall(r"^ *\[(\d+)/(\d+)\] ", printed.stdout + printed.stderr, re.MULTILINE)
    assert [int(done) for done, _ in progress] == list(range(1, int(progress[0][1]) + 1))
    assert_tour_works(installed(the_wheel(tmp_path / "dist"), frontends, tmp_path), tmp_path)


def test_pip_install(source: Path, frontends: Environment, tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "target", frontends.variables)
    environment.pip("install", "-q", ".", cwd=source)
    assert_tour_works(environment, tmp_path)
    # Metadata in the project's folder would shadow the installed metadata.
    assert_tour_works(environment, source)


def test_pip_install_editable(source: Path, frontends: Environment, tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "target", frontends.variables)
    environment.pip("install", "-q", "-e", ".", cwd=source)
    assert_tour_works(environment, tmp_path)
    where = "import my_ffi_extension; print(my_ffi_extension.__file__)"
    printed = environment.run(environment.python, "-c", where, cwd=tmp_path).stdout.strip()
    assert Path(printed) == source / "my_ffi_extension" / "__init__.py"


def test_python_m_build_makes_the_wheel_from_the_sdist(
    source: Path, frontends: Environment, tmp_path: Path
) -> None:
    frontends.run(*(frontends.python, "-m", "build", "-o", tmp_path / "dist", "."), cwd=source)
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == 1
    assert_tour_works(installed(the_wheel(tmp_path / "dist"), frontends, tmp_path), tmp_path)


def test_uv_build(source: Path, frontends: Environment, tmp_path: Path) -> None:
    frontends.run(
        *("uv", "build", "--python", frontends.python, "-o", tmp_path / "dist", "."), cwd=source
    )
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == 1
    assert_tour_works(installed(the_wheel(tmp_path / "dist"), frontends, tmp_path), tmp_path)


def test_uv_pip_install(source: Path, frontends: Environment, tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "target", frontends.variables)
    environment.run(
        *(frontends.folder / "bin" / "uv", "pip", "install", "--python", environment.python, "."),
        cwd=source,
    )
    assert_tour_works(environment, tmp_path)


def test_uv_installs_an_sdist_with_its_requirements(
    unpacked_sdist: Path, frontends: Environment, tmp_path: Path
) -> None:
    (archive,) = unpacked_sdist.parent.glob("*.tar.gz")
    environment = make_environment(tmp_path / "target", frontends.variables)
    uv = (frontends.folder / "bin" / "uv", "pip", "install", "--python", environment.python)
    environment.run(*uv, archive, cwd=tmp_path)
    assert_tour_works(environment, tmp_path)


def test_a_checkout_is_unchanged_by_everything_above(
    checkout: Path, frontends: Environment, tmp_path: Path
) -> None:
    wheel = (frontends.python, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path / "dist", ".")
    frontends.run(*wheel, cwd=checkout)
    status = subprocess.run(
        ["git", "-C", str(checkout), "status", "--porcelain"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert status.stdout == ""
