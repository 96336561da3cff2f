# SPDX-License-Identifier: Apache-2.0
"""The PEP 517 and PEP 660 hooks of the plugin. Each hook wraps the hook of setuptools.

The hooks add the plugin's build requirements, and print errors without a traceback.

https://peps.python.org/pep-0517/, https://peps.python.org/pep-0660/,
https://setuptools.pypa.io/en/latest/build_meta.html#dynamic-build-dependencies-and-other-build-meta-tweaks
"""

from __future__ import annotations

import contextlib
import gc
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import setuptools
from setuptools import build_meta as _setuptools

from .. import binaries
from ..base.child_python import safe_path
from ..base.errors import DEBUG_VARIABLE, BuildError, ConfigurationError, render
from ..building import ninja
from ..cross.requirements import cross_requirements
from ..cross.targets import target_of
from ..ffi import releases
from ..records import platform_tag
from ..settings import ConfigSettings, Project, read_project
from ..settings.model import TABLE
from .attachment import attach
from .context import BuildContext, StubsReceiver, set_build_context


def get_requires_for_build_wheel(config_settings: ConfigSettings = None) -> list[str]:
    """Return the build requirements: apache-tvm-ffi, and ninja unless a usable ninja is installed.

    If the build chooses or checks the platform tag, auditwheel and LIEF are added. If the build is
    for another platform, Zig is added.
    """
    with _hook(config_settings) as project:
        needed = _setuptools.get_requires_for_build_wheel(config_settings) + _requirements(project)
        if project.settings.platform_tag != platform_tag.DEFAULT:
            needed += binaries.BUILD_REQUIREMENTS
        return needed


def get_requires_for_build_editable(config_settings: ConfigSettings = None) -> list[str]:
    """Return the build requirements of an editable install."""
    with _hook(config_settings) as project:
        needed = _setuptools.get_requires_for_build_editable(config_settings)
        return needed + _requirements(project)


def get_requires_for_build_sdist(config_settings: ConfigSettings = None) -> list[str]:
    """Return only setuptools' requirements, because building an sdist compiles nothing."""
    with _hook(config_settings, compiles=False):
        return list(_setuptools.get_requires_for_build_sdist(config_settings))


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: ConfigSettings = None
) -> str:
    """Write the wheel's ``.dist-info`` into `metadata_directory` and return its name."""
    with _hook(config_settings):
        return str(
            _setuptools.prepare_metadata_for_build_wheel(metadata_directory, config_settings)
        )


def prepare_metadata_for_build_editable(
    metadata_directory: str, config_settings: ConfigSettings = None
) -> str:
    """Write the editable wheel's ``.dist-info`` into `metadata_directory` and return its name."""
    with _hook(config_settings):
        return str(
            _setuptools.prepare_metadata_for_build_editable(metadata_directory, config_settings)
        )


def build_wheel(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel into `wheel_directory` and return its file name."""
    with _hook(config_settings):
        return str(_setuptools.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build an editable wheel into `wheel_directory` and return its file name."""
    with _hook(config_settings):
        return str(_setuptools.build_editable(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """Build an sdist into `sdist_directory` and return its file name."""
    with _hook(config_settings, compiles=False):
        return str(_setuptools.build_sdist(sdist_directory, config_settings))


def rebuild_editable(folder: str, config_settings: ConfigSettings = None) -> None:
    """Rebuild the libraries of an editable install. Only `plugin.rebuild` calls this function.

    :param folder: the folder of the installed libraries.
    """
    with _hook(config_settings, rebuild_into=folder):
        _run_build_ext()


def build_stubs(receiver: StubsReceiver, config_settings: ConfigSettings = None) -> None:
    """Build the libraries, and pass their stubs to `receiver`.

    PEP 517 does not define this function. The build compiles only what has changed, and writes only
    to the build folder.
    """
    with _hook(config_settings, stubs=receiver):
        _run_build_ext()


def _run_build_ext() -> None:
    """Run the setuptools command ``build_ext``, with the project's ``setup.py`` if it exists."""
    before = sys.argv, sys.path[:]
    sys.argv, sys.path[:] = ["setup.py", "build_ext"], safe_path(sys.path, Path.cwd())
    try:
        if Path("setup.py").exists():
            # setup.py may import modules from the project's folder. Append the folder to the import
            # path, so that these modules do not shadow installed modules.
            sys.path.append(os.getcwd())
            runpy.run_path("setup.py", run_name="__main__")
        else:
            setuptools.setup()
    except ModuleNotFoundError as problem:
        raise BuildError(
            f"cannot run build_ext: {problem}",
            hint="install the module in this environment (the build is not isolated), or declare "
            "the library in pyproject.toml",
        ) from problem
    finally:
        sys.argv, sys.path[:] = before


def _requirements(project: Project) -> list[str]:
    needed = [releases.BUILD_REQUIREMENT]
    if project.settings.target is not None:
        needed += cross_requirements()
    if ninja.find_ninja() is None:
        needed.append(ninja.BUILD_REQUIREMENT)
    return needed


@contextlib.contextmanager
def _hook(
    config_settings: ConfigSettings,
    rebuild_into: str | None = None,
    *,
    compiles: bool = True,
    stubs: StubsReceiver | None = None,
) -> Iterator[Project]:
    with _reported_errors(), _without_collections():
        # Report invalid settings before running setup.py.
        project = read_project(Path.cwd(), config_settings=config_settings)
        # If there is a setup.py, accept a project without libraries: setup.py may declare libraries
        # only for some platforms.
        if compiles and not project.settings.ext_modules and not Path("setup.py").exists():
            raise ConfigurationError(
                f"pyproject.toml: {TABLE}.ext-modules is missing, and there is no setup.py, so no "
                "library is declared",
                hint=f"add [[{TABLE}.ext-modules]], or use the backend setuptools.build_meta",
            )
        context = BuildContext(project, config_settings, rebuild_into, stubs)
        target_of(project)
        with _attached_distribution(context):
            yield project


@contextlib.contextmanager
def _attached_distribution(context: BuildContext) -> Iterator[None]:
    """Attach the plugin and the build context to every distribution that setuptools creates.

    Usually setuptools attaches the plugin through the plugin's entry point. If the project itself
    contains the backend (``backend-path``), the entry point is not installed. setuptools' hooks
    create an instance of a private subclass of `Distribution`, which this function cannot replace.
    It therefore patches `Distribution.finalize_options`, the method that calls the entry points.
    """
    patched: Any = setuptools.Distribution
    original = patched.finalize_options

    def finalize_options(distribution: setuptools.Distribution) -> None:
        set_build_context(distribution, context)
        original(distribution)
        attach(distribution)

    patched.finalize_options = finalize_options
    try:
        yield
    finally:
        patched.finalize_options = original


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Disable garbage collections in the ``with`` block and at the end of the process."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _reported_imports() -> Iterator[None]:
    """If ``setup.py`` imports a missing module, raise a `BuildError` that names the line."""
    try:
        yield
    except ModuleNotFoundError as problem:
        *_, last = traceback.extract_tb(problem.__traceback__)
        # setuptools runs setup.py as a string, so its file name in the traceback is <string>.
        if last.filename != "<string>" or not Path("setup.py").exists():
            raise
        top = (problem.name or "").partition(".")[0]
        hint = "add the package to build-system.requires in pyproject.toml; or delete setup.py, if "
        hint += "pyproject.toml declares everything"
        if Path(f"{top}.py").exists() or Path(top, "__init__.py").exists():
            hint = "to import modules beside setup.py, add this line before the import: "
            hint += "import os, sys; sys.path.append(os.path.dirname(__file__))"
        raise BuildError(f"setup.py, line {last.lineno}: {problem}", hint=hint) from problem


@contextlib.contextmanager
def _reported_errors() -> Iterator[None]:
    """Print a `BuildError` without a traceback, and exit with status 1."""
    try:
        with _reported_imports():
            yield
    except ValueError as problem:
        # setuptools checks some tables of pyproject.toml, and raises a ValueError if one of these
        # tables is invalid.
        if not str(problem).startswith("invalid pyproject.toml config"):
            raise
        print(render(BuildError(str(problem))), file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except (BuildError, SystemExit) as problem:
        # If a command raises an error, distutils raises SystemExit("error: …") instead. The
        # `__context__` of this SystemExit is the original error.
        error = problem if isinstance(problem, BuildError) else problem.__context__
        if not isinstance(error, BuildError):
            raise
        if os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}:
            raise error from error.__cause__
        sys.stdout.flush()
        print(render(error), file=sys.stderr, flush=True)
        raise SystemExit(1) from None
