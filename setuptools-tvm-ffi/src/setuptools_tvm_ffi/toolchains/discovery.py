# SPDX-License-Identifier: Apache-2.0
"""Finds the compilers of this machine: the one place that starts one to ask who it is."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools.errors import PlatformError

from ..errors import BuildError
from .gnu import GnuToolchain
from .model import Compiler, EnvironmentFlags, Toolchain
from .msvc import MsvcToolchain

_LANGUAGE_NAMES = {"c": "C", "cxx": "C++"}
_VARIABLES = {"c": "CC", "cxx": "CXX"}
_CANDIDATES = {"c": ("cc", "gcc", "clang"), "cxx": ("c++", "g++", "clang++")}


def find_toolchain(languages: frozenset[str], root: Path, plat_name: str) -> Toolchain:
    """Return the toolchain for these languages.

    `CC` and `CXX` name the compilers where they are set (with arguments, or a launcher before
    them); otherwise the usual names are looked for on PATH. Microsoft's compiler is located as
    setuptools locates it.

    :param plat_name: the platform built for, as in ``bdist_wheel --plat-name``.
    :raises BuildError: a compiler is missing or does not run.
    """
    environment = EnvironmentFlags.from_environment(os.environ)
    if sys.platform == "win32":
        return _find_msvc(languages, plat_name, environment)
    if sys.platform == "darwin" and environment.deployment_target is None:
        target = macos_deployment_target(plat_name)
        environment = dataclasses.replace(environment, deployment_target=target)
    compilers = {language: _find_compiler(language) for language in sorted(languages)}
    system = "darwin" if sys.platform == "darwin" else "linux"
    return GnuToolchain(compilers, system, str(root), environment)


def macos_deployment_target(plat_name: str) -> str | None:
    """Return the version in a platform's name: what the wheel's tag promises.

    >>> macos_deployment_target("macosx-11.0-universal2")
    '11.0'
    """
    match = re.match(r"macosx-(\d+(\.\d+)*)-", plat_name)
    return match[1] if match is not None else None


def msvc_version(compiler: str) -> str:
    r"""Return the version in the path of Microsoft's compiler.

    >>> msvc_version(r"C:\VS\VC\Tools\MSVC\14.38.33130\bin\HostX86\x64\cl.exe")
    'MSVC 14.38.33130'
    """
    match = re.search(r"[\\/]MSVC[\\/](\d[\d.]*)[\\/]", compiler)
    return f"MSVC {match[1]}" if match is not None else f"MSVC at {compiler}"


def _find_compiler(language: str) -> Compiler:
    variable = _VARIABLES[language]
    name = _LANGUAGE_NAMES[language]
    declared = os.environ.get(variable, "").strip()
    if declared:
        try:
            command = tuple(shlex.split(declared))
        except ValueError as problem:
            raise BuildError(
                f"{variable}={declared!r} cannot be split into a command: {problem}"
            ) from None
        if shutil.which(command[0]) is None:
            raise BuildError(
                f"{variable}={declared!r}: there is no program {command[0]!r}",
                hint=f"set {variable} to a {name} compiler, or unset it to have "
                f"{', '.join(_CANDIDATES[language])} looked for on PATH",
            )
    else:
        found = next((c for c in _CANDIDATES[language] if shutil.which(c)), None)
        if found is None:
            raise BuildError(
                f"no {name} compiler: looked for {', '.join(_CANDIDATES[language])} on PATH, "
                f"and {variable} is not set",
                hint=f"install one ({_how_to_install()}) or set {variable}",
            )
        command = (found,)
    version = _ask_version(command, variable)
    family = "clang" if "clang" in version.lower() else "gcc"
    return Compiler(command, family, version)


def _how_to_install() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if sys.platform == "win32":
        return "Visual Studio Build Tools, with 'Desktop development with C++'"
    return "Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++"


def _ask_version(command: tuple[str, ...], variable: str) -> str:
    try:
        # The locale would translate the line, and the build record with it.
        result = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except OSError as problem:
        raise BuildError(f"cannot start {shlex.join(command)}: {problem}") from problem
    lines = result.stdout.splitlines()
    if result.returncode != 0 or not lines:
        raise BuildError(
            f"{shlex.join(command)} --version failed (exit status {result.returncode}): "
            f"{(result.stderr or result.stdout).strip()}",
            hint=f"set {variable} to a compiler that runs",
        )
    return lines[0].strip()


def _find_msvc(
    languages: frozenset[str], plat_name: str, environment: EnvironmentFlags
) -> Toolchain:
    for variable in ("CC", "CXX"):
        if os.environ.get(variable):
            raise BuildError(
                f"{variable}={os.environ[variable]!r}: on Windows only Microsoft's compiler is "
                "used, as setuptools locates it",
                hint=f"unset {variable}",
            )
    from distutils.ccompiler import new_compiler  # noqa: PLC0415 - setuptools' copy; Windows only

    # Its attributes are those of one compiler class, which exists on Windows alone.
    msvc: Any = new_compiler(compiler="msvc")
    try:
        msvc.initialize(plat_name)
    except PlatformError as problem:
        raise BuildError(
            f"no C++ compiler: {problem}", hint=f"install one ({_how_to_install()})"
        ) from None
    # What vcvarsall.bat would have set; ninja's commands inherit it.
    os.environ["PATH"] = f"{Path(msvc.cc).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["INCLUDE"] = os.pathsep.join(msvc.include_dirs)
    os.environ["LIB"] = os.pathsep.join(msvc.library_dirs)
    os.environ["VSLANG"] = "1033"  # ninja reads English /showIncludes lines
    compiler = Compiler((msvc.cc,), "msvc", msvc_version(msvc.cc))
    return MsvcToolchain(dict.fromkeys(sorted(languages), compiler), msvc.linker, environment)
