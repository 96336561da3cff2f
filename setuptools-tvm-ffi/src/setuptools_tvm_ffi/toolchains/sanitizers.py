# SPDX-License-Identifier: Apache-2.0
"""Finds the environment variables that Python needs to load libraries built with a sanitizer.

For example, `LD_PRELOAD` must name the runtime library of the address sanitizer.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping

from ..base.errors import BuildError
from ..settings.model import SANITIZERS
from . import Compiler

# The runtimes that a process must preload. GCC's libubsan is not listed, because the loader finds
# libubsan. All runtimes of Clang are listed, because the loader does not search their folder.
_GCC_RUNTIME = {"address": "libasan.so", "thread": "libtsan.so"}
_CLANG_RUNTIME = {"address": "asan", "thread": "tsan", "undefined": "ubsan_standalone"}

# CPython does not free all memory at exit, so the detection of leaks would report errors. If an
# allocation returns NULL, CPython raises MemoryError, so the sanitizer need not end the process.
_ASAN_OPTIONS = "detect_leaks=0:allocator_may_return_null=1"


def run_time_variables(
    build_type: str, compiler: Compiler, environment: Mapping[str, str], *, system: str
) -> dict[str, str]:
    """Return the environment variables that Python needs to load a library of this build type.

    A process must load the sanitizer's runtime first, then the C++ standard library. The runtime
    wraps functions of the C++ standard library, and looks them up when the process starts.

    :param compiler: the compiler that linked the library.
    :param environment: the current environment variables. The result keeps libraries that are
        already preloaded.
    :raises BuildError: the compiler has no shared runtime.
    """
    sanitizer = SANITIZERS.get(build_type, "")
    known = _GCC_RUNTIME if compiler.family == "gcc" else _CLANG_RUNTIME
    if sanitizer not in known or system == "windows":
        return {}
    names = runtime_names(sanitizer, compiler.family, system, platform.machine())
    runtime = next((f for f in (_file(compiler, name) for name in names) if os.path.isabs(f)), None)
    if runtime is None:
        raise BuildError(
            f"{' '.join(compiler.command)} has no shared runtime for the {sanitizer} sanitizer "
            f"({', '.join(names)})",
            hint="install it (Debian and Ubuntu: libasan or libtsan of the compiler's version, "
            "libclang-rt-dev for Clang), or use another compiler",
        )
    variable = "DYLD_INSERT_LIBRARIES" if system == "darwin" else "LD_PRELOAD"
    # On macOS, the sanitizer's runtime itself loads the C++ standard library.
    others = [] if system == "darwin" else [_file(compiler, "libstdc++.so.6")]
    before = environment.get(variable)
    preloaded = [runtime, *others, *([before] if before else [])]
    variables = {variable: os.pathsep.join(preloaded)}
    if sanitizer == "address" and "ASAN_OPTIONS" not in environment:
        variables["ASAN_OPTIONS"] = _ASAN_OPTIONS
    return variables


def runtime_names(sanitizer: str, family: str, system: str, machine: str) -> tuple[str, ...]:
    """Return the possible file names of the sanitizer's shared runtime.

    :param family: the compiler's family, such as ``gcc``.

    >>> runtime_names("address", "gcc", "linux", "x86_64")
    ('libasan.so',)
    >>> runtime_names("thread", "clang", "linux", "aarch64")
    ('libclang_rt.tsan-aarch64.so', 'libclang_rt.tsan.so')
    """
    if family == "gcc":
        return (_GCC_RUNTIME[sanitizer],)
    name = f"libclang_rt.{_CLANG_RUNTIME[sanitizer]}"
    if system == "darwin":
        return (f"{name}_osx_dynamic.dylib",)
    return (f"{name}-{machine}.so", f"{name}.so")


def _file(compiler: Compiler, name: str) -> str:
    """Return the path that the compiler reports for a file, or `name` if the file is missing."""
    result = subprocess.run(
        [*compiler.command, f"-print-file-name={name}"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    found = result.stdout.strip()
    return os.path.realpath(found) if os.path.isabs(found) else name
