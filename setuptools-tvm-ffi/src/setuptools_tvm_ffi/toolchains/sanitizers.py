# SPDX-License-Identifier: Apache-2.0
"""What a process needs to load a library that was built with a sanitizer."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping

from ..base.errors import BuildError
from ..settings.model import SANITIZERS
from . import Compiler

# GCC's libubsan is loaded with the library like any other; Clang's lies where no loader looks.
_GCC_RUNTIME = {"address": "libasan.so", "thread": "libtsan.so"}
_CLANG_RUNTIME = {"address": "asan", "thread": "tsan", "undefined": "ubsan_standalone"}

# CPython keeps what it allocates to its end, which is no leak, and raises MemoryError where there
# is not enough.
_OPTIONS = {"address": ("ASAN_OPTIONS", "detect_leaks=0:allocator_may_return_null=1")}


def run_time_variables(
    build_type: str, compiler: Compiler, environment: Mapping[str, str], *, system: str
) -> dict[str, str]:
    """Return the environment variables under which Python can load such a library.

    The runtime of a sanitizer has to come before everything else in a process, and the C++
    library's right after: the runtime looks for what it wraps when it starts.

    :param compiler: what linked the library.
    :param environment: what is set already, and is kept.
    :raises BuildError: the compiler has no such runtime.
    """
    sanitizer = SANITIZERS.get(build_type, "")
    known = _GCC_RUNTIME if compiler.family == "gcc" else _CLANG_RUNTIME
    if sanitizer not in known or system == "windows":
        return {}
    runtime = _runtime(sanitizer, compiler, system)
    variable = "DYLD_INSERT_LIBRARIES" if system == "darwin" else "LD_PRELOAD"
    # macOS has one C++ library, which the runtime is linked with.
    others = [] if system == "darwin" else [_file(compiler, "libstdc++.so.6")]
    before = environment.get(variable)
    preloaded = [runtime, *others, *([before] if before else [])]
    variables = {variable: os.pathsep.join(preloaded)}
    option = _OPTIONS.get(sanitizer)
    if option is not None and option[0] not in environment:
        variables[option[0]] = option[1]
    return variables


def runtime_names(sanitizer: str, family: str, system: str, machine: str) -> tuple[str, ...]:
    """Return the file names that a compiler's shared runtime may have.

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


def _runtime(sanitizer: str, compiler: Compiler, system: str) -> str:
    names = runtime_names(sanitizer, compiler.family, system, platform.machine())
    for name in names:
        found = _file(compiler, name)
        if os.path.isabs(found):
            return found
    raise BuildError(
        f"{' '.join(compiler.command)} has no shared runtime for the {sanitizer} sanitizer "
        f"({', '.join(names)})",
        hint="install it (Debian and Ubuntu: libasan or libtsan of the compiler's version, "
        "libclang-rt-dev for Clang), or use another compiler",
    )


def _file(compiler: Compiler, name: str) -> str:
    """Return where a file of a compiler's own lies; its name alone where the compiler has none."""
    result = subprocess.run(
        [*compiler.command, f"-print-file-name={name}"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    found = result.stdout.strip()
    return os.path.realpath(found) if os.path.isabs(found) else name
