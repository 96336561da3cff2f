# SPDX-License-Identifier: Apache-2.0
"""Finds Zig, which the distribution ``ziglang`` installs into the build environment."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import shutil
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib import metadata
from pathlib import Path

from ..base.errors import BuildError, ConfigurationError
from ..base.user_cache import user_cache_folder
from ..settings import ExtensionSettings, Project
from ..settings.languages import DEVICE_LANGUAGES
from ..settings.model import SANITIZERS
from ..toolchains import Compiler, EnvironmentFlags
from ..toolchains.input_symbols import InputSymbols, read_input_symbols
from ..toolchains.zig import ZigToolchain, driver_command
from .targets import Target
from .zig_library import keep_library


def find_zig_toolchain(
    target: Target,
    languages: AbstractSet[str],
    root: Path,
    folder: Path,
    project: Project,
    extensions: Sequence[ExtensionSettings] = (),
) -> ZigToolchain:
    """Return the toolchain for a target, and add Zig to ``PATH``.

    :param root: the project's folder.
    :param folder: the build folder, relative to `root`.
    :param extensions: all extensions of the distribution.
    :raises BuildError: Zig is not installed.
    """
    zig = zig_folder()
    version = metadata.version("ziglang")
    cache = user_cache_folder(os.environ)
    library = zig / "lib" if cache is None else keep_library(zig / "lib", version, cache)
    # The commands that Ninja runs inherit PATH and ZIG_LIB_DIR.
    os.environ["PATH"] = f"{zig}{os.pathsep}{os.environ.get('PATH', '')}"
    _name_library_folder(library, root, folder / "zig-lib")
    flags = EnvironmentFlags.from_environment(os.environ)
    compilers = {
        language: Compiler(driver_command(target.name, language), "clang", f"zig {version}")
        for language in sorted(languages | {"c"} if languages <= {"asm"} else languages)
    }
    if target.system == "linux":
        inputs = read_input_symbols(extensions, root, compilers, flags)
    else:
        # Do not list the symbols of prebuilt files for macOS and Windows: nm cannot read these
        # files, and Zig's linkers for these systems could not hide the symbols.
        inputs = {s.name: InputSymbols(needs_cxx=bool(s.extra_objects)) for s in extensions}
    if any(each.needs_cxx for each in inputs.values()):
        command = driver_command(target.name, "cxx")
        compilers.setdefault("cxx", Compiler(command, "clang", f"zig {version}"))
    return ZigToolchain(
        compilers=compilers,
        system=target.system,
        root=str(root),
        # The target determines the machine and the macOS version. Ignore ARCHFLAGS and
        # MACOSX_DEPLOYMENT_TARGET.
        environment=dataclasses.replace(flags, archflags=(), deployment_target=None),
        project=dataclasses.replace(project.settings, strip=True),
        inputs=inputs,
        llvm=_llvm_release(library),
        mingw=_mingw_release(library),
    )


def check_project(target: Target, languages: AbstractSet[str], project: Project) -> None:
    """Raise `ConfigurationError` if Zig does not support a setting or language of the project."""
    place = project.place("target")
    devices = sorted(languages & DEVICE_LANGUAGES)
    if devices:
        raise ConfigurationError(
            f"{place}: sources in {' and '.join(name.upper() for name in devices)} cannot be "
            f"compiled for {target.name}: Zig compiles only C, C++ and assembly",
            hint="build this wheel on the target platform",
        )
    settings = project.settings
    if settings.build_type in SANITIZERS:
        raise ConfigurationError(
            f"{project.place('build_type')}: {settings.build_type} is not available for "
            f"{target.name}",
            hint="build for this machine, or use another build type",
        )
    if settings.lto and target.system != "linux":
        raise ConfigurationError(
            f"{project.place('lto')}: Zig has no link-time optimization for {target.name}",
            hint="set lto = false for this target",
        )


def _name_library_folder(library: Path, root: Path, name: Path) -> None:
    """Create a link to Zig's headers and sources. Make Zig use the link through ``ZIG_LIB_DIR``.

    The link has the same relative path in every project. Zig (0.17) writes this path to debug
    information, and reuses cached files only if the path is the same.
    """
    link = root / name
    if link.resolve() != library.resolve():
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)  # A CI cache may have restored the link as a folder.
        link.unlink(missing_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        try:
            link.symlink_to(library, target_is_directory=True)
        except OSError:
            # On Windows, the user may lack the right to create links. Zig then finds its headers
            # and sources without ZIG_LIB_DIR, in the folder of its installation.
            return
    os.environ["ZIG_LIB_DIR"] = str(name)


def _llvm_release(library: Path) -> str | None:
    found = _defined(library / "libcxx" / "include" / "__config", r"_LIBCPP_VERSION +(\d+)")
    if len(found) != 1:
        return None
    major, rest = divmod(int(found[0]), 10_000)
    return f"{major}.{rest // 100}.{rest % 100}"


def _mingw_release(library: Path) -> str | None:
    header = library / "libc" / "include" / "any-windows-any" / "_mingw_mac.h"
    numbers = _defined(header, r"__MINGW64_VERSION_(?:MAJOR|MINOR|BUGFIX) +(\d+)")
    return ".".join(numbers) or None


def _defined(header: Path, pattern: str) -> list[str]:
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return re.findall(rf"^# *define +{pattern}$", text, re.MULTILINE)


def zig_folder() -> Path:
    """Return the folder into which the distribution ``ziglang`` was installed.

    :raises BuildError: ziglang is not installed.
    """
    spec = importlib.util.find_spec("ziglang")
    folder = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    if folder is None or not (folder / ("zig.exe" if os.name == "nt" else "zig")).is_file():
        raise BuildError(
            "Zig, which compiles for other platforms, is not installed",
            hint="python -m pip install 'setuptools-tvm-ffi[cross]'; an isolated build installs "
            "Zig only with the backend setuptools_tvm_ffi.build_meta",
        )
    return folder
