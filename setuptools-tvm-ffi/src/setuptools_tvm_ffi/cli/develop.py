# SPDX-License-Identifier: Apache-2.0
"""Install a project in this environment so that imports use its sources and rebuild its libraries.

The command builds an editable wheel with the hooks of the project's build backend, in an isolated
environment, and installs the wheel with pip, or with uv if this environment has no pip. The command
sets editable-rebuild to true, unless -C or SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD sets it. A failed
build does not change the installed version.

For example:

    setuptools-tvm-ffi develop
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from ..base.child_python import has_pip
from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from ..compat.release_selection import find_uv
from ..editable.hook import SWITCH_VARIABLE
from . import front_end
from .front_end import Built, Delivered, FailedBuildError
from .progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    front_end.add_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Build and install the project, and print the summary; return the exit status."""
    uv = None if has_pip() else find_uv()
    if uv is None and not has_pip():
        raise BuildError(
            f"this environment ({sys.prefix}) has no pip, and uv is not installed",
            hint=f"run '{sys.executable} -m ensurepip', or install uv",
        )

    def deliver(built: Built, progress: Progress) -> Delivered:
        missing = _missing_requirements(built.wheel)
        with_them = f" and its requirements: {', '.join(missing)}" if missing else ""
        progress.status(f"installing {built.name} {built.version}{with_them}")
        _install(built, uv, progress)
        installed = _installed(built.name)
        if installed is not None:
            record_as_editable(installed, parsed.project)
        packages = built.summary["packages"] if built.summary else []
        next_steps = [f'python -c "import {name}"' for name in packages]
        done = f"installed {built.name} {built.version} (editable)"
        rows = [("environment", sys.prefix), ("wheel", built.wheel.name), ("tag", built.tag)]
        return Delivered(done, rows, next_steps)

    front_end.check_project(parsed.project)
    variables = {SWITCH_VARIABLE: os.environ.get(SWITCH_VARIABLE, "1")}
    return front_end.run(parsed, "editable", deliver, variables=variables)


def _install(built: Built, uv: str | None, progress: Progress) -> None:
    wheel = str(built.wheel)
    if uv is not None:
        install = (uv, "pip", "install", "--python", sys.executable)
        commands = [[*install, "--reinstall-package", built.name, wheel]]
    else:
        pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
        commands = [[*pip, wheel]]
        installed = _installed(built.name)
        if installed is not None and installed.version == built.version:
            # This version is already installed, so the first command installs only missing
            # dependencies. Add a command that replaces the installed version. Without `--no-deps`,
            # `--force-reinstall` would also reinstall the dependencies.
            commands.append([*pip, "--force-reinstall", "--no-deps", wheel])
    try:
        for command in commands:
            front_end.run_child(command, progress)
    except subprocess.CalledProcessError as problem:
        progress.show_hidden()
        raise FailedBuildError from problem


def _missing_requirements(wheel: Path) -> list[str]:
    """Return a wheel's requirements, except requirements that this environment satisfies."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (folder,) = {
            n.split("/")[0] for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)
        }
        declared = metadata.PathDistribution(zipfile.Path(archive, f"{folder}/")).requires or ()
    requirements = map(Requirement, declared)
    needed = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [str(r) for r in needed if not _is_satisfied(r)]


def _is_satisfied(requirement: Requirement) -> bool:
    installed = _installed(requirement.name)
    return installed is not None and requirement.specifier.contains(
        installed.version, prereleases=True
    )


def _installed(name: str) -> metadata.Distribution | None:
    """Return a distribution in this environment's ``site-packages``, or ``None``."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return next(iter(metadata.distributions(name=name, path=folders)), None)


def record_as_editable(installed: metadata.Distribution, project: Path) -> None:
    """Write the project's folder into ``direct_url.json``, as ``pip install -e`` does (PEP 610).

    The installer has written the path of the temporary wheel into this file. pip, uv and `doctor`
    read this file to recognize editable installs.

    :param installed: the installed distribution.
    :param project: the folder of the project.
    """
    found = (file for file in installed.files or () if file.name == "direct_url.json")
    origin = next(found, None)
    if origin is None:
        return
    url = {"url": project.resolve().as_uri(), "dir_info": {"editable": True}}
    content = json.dumps(url).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    path = Path(str(origin.locate()))
    replace_file(path, content)
    record = path.with_name("RECORD")
    rows = record.read_text(encoding="utf-8").splitlines()
    ours = f"{origin.as_posix()},"
    rows = [f"{ours}sha256={digest},{len(content)}" if r.startswith(ours) else r for r in rows]
    replace_file(record, "".join(f"{row}\n" for row in rows).encode())
