# SPDX-License-Identifier: Apache-2.0
"""Builds a stub of the CUDA driver's library if the CUDA toolkit does not contain a stub.

A library that uses the driver is linked with the stub. NVIDIA's installers install a stub with the
toolkit, but the PyPI packages of the toolkit do not contain a stub. The stub defines the functions
that the toolkit's headers declare. The stub is not part of the wheel.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from ..settings import ExtensionSettings
from .nvcc import NvccCompiler
from .protocols import Compiler

_LIBRARY = "libcuda.so"
_HEADERS = ("cuda.h", "cudaProfiler.h", "cudaGL.h", "cudaEGL.h", "cudaVDPAU.h")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_FUNCTION = re.compile(r"\bcu[A-Z]\w*")
# If a source requests a default stream for each thread, two macros of cuda.h append suffixes to
# names of functions. Each key is a suffix. The value is a pattern that matches each use of the
# macro for this suffix. The macro's argument, which the group matches, is the name of a function.
_PER_THREAD = {
    "ptds": re.compile(r"__CUDA_API_PTDS\((\w+)\)"),
    "ptsz": re.compile(r"__CUDA_API_PTSZ\((\w+)\)"),
}


def add_driver_stub(
    nvcc: NvccCompiler,
    extensions: Iterable[ExtensionSettings],
    compiler: Compiler,
    root: Path,
    folder: Path,
) -> NvccCompiler:
    """Build a stub of the driver if an extension links with the driver and no stub exists.

    :param compiler: a C or C++ compiler.
    :param folder: the folder of the stub, relative to `root`.
    :returns: a copy of `nvcc` whose library folders include `folder`, or `nvcc` itself if no stub
        is needed.
    :raises BuildError: the compiler fails.
    """
    extensions = tuple(extensions)
    linked = any("cuda" in settings.libraries for settings in extensions)
    own = any(settings.target == "cuda" for settings in extensions)
    present = any(Path(f, _LIBRARY).exists() for f in nvcc.library_dirs)
    headers = [Path(f, name) for f in nvcc.include_dirs for name in _HEADERS]
    text = "\n".join(file.read_text(errors="replace") for file in headers if file.is_file())
    if nvcc.system != "linux" or not linked or own or present or not text:
        return nvcc
    _build(stub_source(text), compiler, root, folder)
    return replace(nvcc, library_dirs=(*nvcc.library_dirs, folder.as_posix()))


def stub_source(headers: str) -> str:
    """Return C code that defines the functions of the driver.

    >>> print(stub_source("CUresult cuInit(unsigned int); /* see cuExit */"), end="")
    int cuInit(void) { return 34; }

    :param headers: the text of the headers that declare the functions.
    """
    code = _COMMENT.sub("", headers)
    names = set(_FUNCTION.findall(code))
    for suffix, macro in _PER_THREAD.items():
        names.update(f"{name}_{suffix}" for name in macro.findall(code))
    # 34 is CUDA_ERROR_STUB_LIBRARY.
    return "".join(f"int {name}(void) {{ return 34; }}\n" for name in sorted(names))


def _build(source: str, compiler: Compiler, root: Path, folder: Path) -> None:
    file, library = folder / "libcuda.c", folder / _LIBRARY
    known = (root / file).read_text() if (root / file).is_file() else None
    if known == source and (root / library).is_file():
        return
    replace_file(root / file, source.encode())
    part = f"{library}.{os.getpid()}"
    command = [
        *compiler.command,
        *("-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libcuda.so.1"),
        *("-x", "c", str(file), "-o", part),
    ]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"cannot build a stub of the CUDA driver's library:\n{result.stderr}")
    os.replace(root / part, root / library)
