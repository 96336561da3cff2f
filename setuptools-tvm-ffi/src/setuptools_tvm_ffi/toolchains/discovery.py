# SPDX-License-Identifier: Apache-2.0
"""Finds C and C++ compilers and queries their versions."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from setuptools.errors import PlatformError

from ..base.errors import BuildError, ConfigurationError
from ..settings import ExtensionSettings, Project
from ..settings.languages import DEVICE_LANGUAGES
from .device_discovery import HostToolchain, find_device_compiler, output_of
from .gnu import GnuToolchain
from .input_symbols import InputSymbols, read_input_symbols
from .launcher import Launcher, base_name, split_windows
from .msvc import MsvcToolchain
from .nvcc import NvccCompiler
from .protocols import Compiler, EnvironmentFlags, split_variable, system_of

_LANGUAGE_NAMES = {"c": "C", "cxx": "C++"}
_VARIABLES = {"c": "CC", "cxx": "CXX"}
# A command that compiles assembly starts with these words, which disable ccache. ccache (4.7) would
# ignore changes in files that the assembly includes with the directive `.include`.
_WITHOUT_CACHE = ("/usr/bin/env", "CCACHE_DISABLE=1")
_CANDIDATES = {"c": ("cc", "gcc", "clang"), "cxx": ("c++", "g++", "clang++")}


def find_toolchain(
    languages: frozenset[str],
    root: Path,
    plat_name: str,
    *,
    project: Project,
    launcher: Launcher | None = None,
    extensions: Sequence[ExtensionSettings] = (),
) -> HostToolchain:
    """Return the toolchain that compiles sources in these languages.

    The environment variables `CC` and `CXX` can name the compilers. The value of a variable is an
    optional launcher such as ``ccache``, the program, and optional arguments. If a variable is not
    set, this function searches PATH for common compilers, except on Windows: there, setuptools
    finds Microsoft's compiler.

    :param languages: the languages of the sources, such as ``cxx``.
    :param plat_name: the target platform, as in ``bdist_wheel --plat-name``.
    :param launcher: the program that starts the compilers, if the project declares a launcher.
    :param extensions: all extensions of the distribution.
    :raises BuildError: a compiler is missing or fails.
    """
    environment = EnvironmentFlags.from_environment(os.environ)
    system = system_of(sys.platform)
    if system == "darwin" and environment.deployment_target is None:
        target = macos_deployment_target(plat_name)
        environment = dataclasses.replace(environment, deployment_target=target)
    device_languages = languages & DEVICE_LANGUAGES
    # Device sources need the C++ compiler: it compiles their host code and links the objects. If
    # there are only assembly and prebuilt objects, the C compiler links.
    host_languages = languages - device_languages - {"asm"} or frozenset({"c"})
    if device_languages:
        host_languages = languages & {"c"} | {"cxx"}

    def launched(language: str) -> tuple[str, ...]:
        return launcher.command if launcher is not None and launcher.takes(language) else ()

    linker = ""
    inputs: dict[str, InputSymbols] = {}
    if system == "windows":
        compilers, linker = _find_msvc(host_languages, plat_name, project)
    else:
        compilers = {language: _find_compiler(language) for language in sorted(host_languages)}
        inputs = read_input_symbols(extensions, root, compilers, environment)
        if "cxx" not in compilers and any(each.needs_cxx for each in inputs.values()):
            compilers["cxx"] = _find_compiler("cxx")
    for language, compiler in compilers.items():
        # CC or CXX may already start with the launcher.
        if launcher is None or base_name(compiler.command[0]) != launcher.name:
            compilers[language] = dataclasses.replace(compiler, launcher=launched(language))
    if "asm" in languages:
        assembler = compilers.get("c") or compilers["cxx"]
        compilers["asm"] = dataclasses.replace(assembler, launcher=_WITHOUT_CACHE)
    toolchain: HostToolchain
    if system == "windows":
        toolchain = MsvcToolchain(compilers, linker, environment, str(root), project.settings)
    else:
        toolchain = GnuToolchain(
            compilers, system, str(root), environment, project.settings, inputs=inputs
        )
    native = "native" in project.settings.cuda_architectures
    native = native or any(place for e in extensions for place in e.native_places())
    devices = {
        language: find_device_compiler(language, toolchain, launched(language), native=native)
        for language in sorted(device_languages)
    }
    every = {**compilers, **{language: device.compiler for language, device in devices.items()}}
    nvcc = devices.get("cuda")
    if isinstance(nvcc, NvccCompiler) and nvcc.host != compilers["cxx"]:
        every["cuda-host"] = nvcc.host
    return dataclasses.replace(toolchain, compilers=every, devices=devices)


def macos_deployment_target(plat_name: str) -> str | None:
    """Return the macOS version in a platform name. The wheel's tag contains the same version.

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
    command = split_variable(variable, os.environ)
    if command:
        declared = os.environ[variable]
        if shutil.which(command[0]) is None:
            raise BuildError(
                f"{variable}={declared!r}: program {command[0]!r} not found",
                hint=f"set {variable} to a {name} compiler, or unset it to search PATH for "
                f"{', '.join(_CANDIDATES[language])}",
            )
    else:
        found = next((c for c in _CANDIDATES[language] if shutil.which(c)), None)
        if found is None:
            raise BuildError(
                f"cannot find a {name} compiler: {', '.join(_CANDIDATES[language])} are not on "
                f"PATH, and {variable} is not set",
                hint=f"install one ({_how_to_install()}) or set {variable}",
            )
        command = (found,)
    version = _version_line(command, variable)
    family = "clang" if "clang" in version.lower() else "gcc"
    return Compiler(command, family, version)


def _how_to_install() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if sys.platform == "win32":
        return "Visual Studio Build Tools, with 'Desktop development with C++'"
    return "Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++"


def _version_line(command: tuple[str, ...], variable: str) -> str:
    hint = f"set {variable} to a working compiler"
    return output_of(*command, "--version", hint=hint).splitlines()[0].strip()


def _find_msvc(
    languages: AbstractSet[str], plat_name: str, project: Project
) -> tuple[dict[str, Compiler], str]:
    """Return the compiler of each language on Windows, and the path of the linker."""
    for variable in ("CC", "CXX"):
        value = os.environ.get(variable)
        if value and base_name(split_windows(value)[0]).lower() != "clang-cl":
            raise BuildError(
                f"{variable}={value!r}: on Windows, only Microsoft's compiler and clang-cl are "
                "supported",
                hint=f"unset {variable} to use Microsoft's compiler, or set CC and CXX to clang-cl",
            )
    from distutils.ccompiler import new_compiler  # noqa: PLC0415 - only for Windows

    # setuptools' compiler class for MSVC has some attributes only on Windows. On other systems,
    # type checkers would reject these attributes, so declare `Any`.
    msvc: Any = new_compiler(compiler="msvc")
    try:
        msvc.initialize(plat_name)
    except PlatformError as problem:
        raise BuildError(
            f"cannot find a C++ compiler: {problem}", hint=f"install one ({_how_to_install()})"
        ) from None
    # The commands that ninja runs need the variables that vcvarsall.bat would set.
    os.environ["PATH"] = f"{Path(msvc.cc).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["INCLUDE"] = os.pathsep.join(msvc.include_dirs)
    os.environ["LIB"] = os.pathsep.join(msvc.library_dirs)
    # Request English messages. The build searches error messages for English text.
    os.environ["VSLANG"] = "1033"
    if os.environ.get("CC") or os.environ.get("CXX"):
        return _clang_cl(languages, msvc.linker, project)
    if project.settings.build_type in {"undefined-sanitizer", "thread-sanitizer"}:
        raise ConfigurationError(
            f"{project.place('build_type')}: Microsoft's compiler does not support "
            f"{project.settings.build_type}",
            hint="set CC and CXX to clang-cl, or use address-sanitizer",
        )
    compiler = Compiler((msvc.cc,), "msvc", msvc_version(msvc.cc))
    return dict.fromkeys(sorted(languages), compiler), msvc.linker


def _clang_cl(
    languages: AbstractSet[str], linker: str, project: Project
) -> tuple[dict[str, Compiler], str]:
    declared = os.environ.get("CXX") or os.environ["CC"]
    command = split_windows(declared)
    version = _version_line(command, "CXX")
    # With -flto, clang-cl writes objects that link.exe cannot read.
    chosen = shutil.which("lld-link") if project.settings.lto else linker
    if chosen is None:
        raise ConfigurationError(
            f"{project.place('lto')}: with clang-cl, lto needs lld-link, which is not on PATH",
            hint="install LLVM's lld, or set lto to false",
        )
    compiler = Compiler(command, "clang-cl", version)
    return dict.fromkeys(sorted(languages), compiler), chosen
