# SPDX-License-Identifier: Apache-2.0
"""Finds nvcc and hipcc and queries their versions. Neither a GPU nor a driver is needed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Union

from ..base.errors import BuildError
from ..base.text import in_words
from .gnu import GnuToolchain
from .hipcc import HipccCompiler
from .msvc import MsvcToolchain
from .nvcc import NvccCompiler, declares_threads, host_command
from .protocols import Compiler, DeviceCompiler, split_variable

HostToolchain = Union[GnuToolchain, MsvcToolchain]

# nvcc itself reads flags from these environment variables.
_FLAG_VARIABLES = ("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS")
_CUDA_VARIABLES = ("CUDA_HOME", "CUDA_PATH")
# Environment variables that can contain the path of ROCm's folder. ROCm's tools and PyTorch read
# the same variables.
_ROCM_VARIABLES = ("ROCM_HOME", "ROCM_PATH", "HIP_PATH")
_ROCM_FOLDER = "/opt/rocm"

# `_host_of_nvcc` searches for these compilers if a variable names a folder instead of a compiler.
_HOST_NAMES = ("g++", "clang++", "cl.exe")

_STANDARD_INCLUDE_DIRS = ("/usr/include", "/usr/local/include")

# The headers of apache-tvm-ffi need C++17. CUDA 11 is the first release whose nvcc supports C++17.
_FIRST_RELEASE = 11


def find_device_compiler(
    language: str,
    toolchain: HostToolchain,
    launcher: tuple[str, ...],
    *,
    native: bool = False,
) -> DeviceCompiler:
    """Return the device compiler for a language: nvcc for ``cuda``, hipcc for ``hip``.

    For nvcc, the search order is: `CUDA_HOME`, `CUDA_PATH`, the PyPI packages that are installed
    for this interpreter, PATH. For hipcc, the search order is: `ROCM_HOME`, `ROCM_PATH`,
    `HIP_PATH`, PATH, ``/opt/rocm``. If a variable such as `CUDA_HOME` is set, the search ends: the
    variable must name a folder whose subfolder ``bin`` contains the compiler.

    :param toolchain: the toolchain that contains the C++ compiler.
    :param launcher: a command such as ``ccache`` that starts the compiler; empty for no launcher.
    :param native: whether to query the architectures of this machine's GPUs.
    :raises BuildError: the compiler is missing, fails, or does not support this system.
    """
    if language == "hip":
        return _find_hipcc(toolchain, launcher)
    nvcc = _find_nvcc(toolchain, launcher)
    return replace(nvcc, gpu_architectures=gpu_architectures()) if native else nvcc


def nvcc_release(version: str) -> str | None:
    """Return the release in the output of ``nvcc --version``.

    >>> nvcc_release("Cuda compilation tools, release 12.9, V12.9.86")
    '12.9'
    """
    match = re.search(r"\brelease (\d+\.\d+)", version)
    return match[1] if match is not None else None


def nvcc_architectures(text: str) -> tuple[str, ...]:
    """Return the sorted GPU architectures from the output of ``nvcc --help``.

    The result uses PyTorch's notation, such as ``9.0a`` for ``compute_90a``. (The output of
    ``--list-gpu-arch`` lacks architectures with a letter.)

    >>> nvcc_architectures("'compute_100f','compute_75','compute_90a','lto_90a','sm_75'")
    ('7.5', '9.0a', '10.0f')
    """
    found = {
        (int(major), int(minor), letter)
        for major, minor, letter in re.findall(r"'compute_(\d+)(\d)([a-z]?)'", text)
    }
    return tuple(f"{major}.{minor}{letter}" for major, minor, letter in sorted(found))


def nvcc_library_dirs(dryrun: str) -> tuple[str, ...]:
    """Return the library folders that ``nvcc --dryrun`` prints.

    The folders depend on how the toolkit was packaged. nvcc reads the folders from
    ``nvcc.profile``.

    >>> nvcc_library_dirs('#$ LIBRARIES=  "-L/cuda/lib64/stubs" "-L/cuda/lib64"')
    ('/cuda/lib64/stubs', '/cuda/lib64')
    """
    line = re.search(r"^#\$ LIBRARIES=(.*)$", dryrun, re.MULTILINE)
    if line is None:
        return ()
    return tuple(re.findall(r'"(?:-L|/LIBPATH:)([^"]+)"', line[1]))


def gpu_architectures() -> tuple[str, ...]:
    """Return the architectures of this machine's GPUs, such as ``9.0``.

    The result is () if nvidia-smi does not report a GPU.
    """
    try:
        printed = output_of("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
    except BuildError:
        return ()
    return tuple(sorted(set(re.findall(r"^\d+\.\d$", printed, re.MULTILINE)), key=float))


def nvcc_include_dirs(dryrun: str) -> tuple[str, ...]:
    """Return the folders that ``nvcc --dryrun`` prints for the toolkit's headers.

    >>> nvcc_include_dirs('#$ SYSTEM_INCLUDES="-isystem" "/cuda/include/cccl"')
    ('/cuda/include/cccl',)
    """
    lines = re.findall(r"^#\$ (?:SYSTEM_)?INCLUDES=(.*)$", dryrun, re.MULTILINE)
    words = [word.removeprefix("-I") for line in lines for word in re.findall(r'"([^"]*)"', line)]
    return tuple(word for word in words if not word.startswith("-"))


def _find_nvcc(toolchain: HostToolchain, launcher: tuple[str, ...]) -> NvccCompiler:
    host = _host_of_nvcc(toolchain)
    if toolchain.system == "darwin":
        raise BuildError(
            "CUDA does not support macOS",
            hint="move the CUDA sources and cuda-toolkit to overrides = "
            "[{ if = \"sys_platform != 'darwin'\", sources = […] }]",
        )
    if host.family == "clang-cl":
        raise BuildError(
            "on Windows, nvcc supports Microsoft's compiler only, not clang-cl",
            hint="unset CC and CXX",
        )
    nvcc = _find_program(
        *("nvcc", "a CUDA toolkit", _CUDA_VARIABLES),
        packaged=_packaged_nvcc(),
        hint="install the CUDA toolkit and add its bin folder to PATH, set CUDA_HOME to its "
        "folder, or add a release such as 'cuda-toolkit[nvcc,cccl]==13.0.*' to "
        "build-system.requires (the packages for CUDA 12 do not contain nvcc)",
    )
    version = output_of(nvcc, "--version")
    release = nvcc_release(version)
    if release is None:
        raise BuildError(f"cannot find a release in the output of {nvcc} --version: {version}")
    if int(release.partition(".")[0]) < _FIRST_RELEASE:
        raise BuildError(
            f"{nvcc} is from CUDA {release}, which does not support C++17",
            hint=f"install CUDA {_FIRST_RELEASE} or newer",
        )
    described = output_of(nvcc, "--help")
    # With --dryrun, nvcc only prints the commands that would compile an empty file.
    ccbin = f"-ccbin={host_command(host)[0]}"
    planned = output_of(nvcc, *("--dryrun", ccbin, "-c", "-x", "cu", os.devnull, "-o", "unused"))
    # In the PyPI packages, nvcc.profile (13.0) names `lib64`, but the folder is called `lib`.
    named = [
        folder if os.path.isdir(folder) else re.sub(r"lib64\b", "lib", folder)
        for folder in nvcc_library_dirs(planned)
    ]
    folders = existing_folders(named)
    return NvccCompiler(
        compiler=Compiler((nvcc,), "nvcc", _line_with(version, "release"), launcher),
        release=release,
        host=host,
        known_architectures=nvcc_architectures(described),
        library_dirs=folders,
        system=toolchain.system,
        root=toolchain.root,
        environment=toolchain.environment,
        project=toolchain.project,
        # Omit the folders that compilers search last by default. An option that names such a folder
        # would change the search order, and #include_next would not find the folder's headers.
        include_dirs=tuple(
            f
            for f in existing_folders(nvcc_include_dirs(planned))
            if f not in _STANDARD_INCLUDE_DIRS
        ),
        versioned=_versioned(folders),
        takes_objtemp="--objdir-as-tempdir" in described,
        takes_threads="--threads" in described
        and not any(declares_threads(split_variable(name, os.environ)) for name in _FLAG_VARIABLES),
        takes_source_name="--orig_src_path_name" in planned,
    )


def _host_of_nvcc(toolchain: HostToolchain) -> Compiler:
    """Return the C++ compiler that nvcc runs.

    These environment variables can name the compiler, in order of precedence: `NVCC_APPEND_FLAGS`,
    `CUDAFLAGS` and `NVCC_PREPEND_FLAGS` (with the option ``-ccbin``), `NVCC_CCBIN`, `CUDAHOSTCXX`.
    If a variable contains several options ``-ccbin``, the last option applies, as in nvcc. If no
    variable names a compiler, nvcc runs the compiler of C++ sources.
    """
    declared = {
        "CUDAHOSTCXX": os.environ.get("CUDAHOSTCXX"),
        "NVCC_CCBIN": os.environ.get("NVCC_CCBIN"),
        "NVCC_PREPEND_FLAGS": _ccbin(split_variable("NVCC_PREPEND_FLAGS", os.environ)),
        "CUDAFLAGS": _ccbin(toolchain.environment.cudaflags),
        "NVCC_APPEND_FLAGS": _ccbin(split_variable("NVCC_APPEND_FLAGS", os.environ)),
    }
    chosen = [(variable, value) for variable, value in declared.items() if value]
    if not chosen:
        return toolchain.compilers["cxx"]
    variable, value = chosen[-1]
    # Like nvcc, accept a folder that contains the compiler.
    names = [os.path.join(value, name) for name in _HOST_NAMES] if os.path.isdir(value) else [value]
    program = next(filter(shutil.which, names), None)
    if program is None:
        raise BuildError(
            f"{variable}={os.environ[variable]!r}: host compiler {value!r} not found",
            hint=f"set {variable} to the C++ compiler that nvcc runs, or unset it",
        )
    if toolchain.system == "windows":  # cl has no option that prints its version.
        return Compiler((program,), "msvc", f"MSVC at {program}")
    version = output_of(program, "--version", hint=f"correct {variable}").splitlines()[0].strip()
    return Compiler((program,), "clang" if "clang" in version.lower() else "gcc", version)


def _ccbin(flags: Sequence[str]) -> str | None:
    """Return the value of the last option ``-ccbin`` of nvcc, if any."""
    value = None
    for word, following in zip(flags, (*flags[1:], None)):
        option, equals, text = word.partition("=")
        if option in {"-ccbin", "--compiler-bindir"}:
            value = text if equals else following
    return value


def _packaged_nvcc() -> str | None:
    """Return the path of the nvcc that a PyPI package has installed for this interpreter, if any.

    The packages for CUDA 13 install nvcc to ``nvidia/cu13``. The packages for CUDA 12 use the
    folder ``nvidia/cuda_nvcc``.
    """
    for entry in filter(os.path.isabs, sys.path):
        nvidia = Path(entry, "nvidia")
        for folder in (*sorted(nvidia.glob("cu[0-9]*"), reverse=True), nvidia / "cuda_nvcc"):
            program = shutil.which("nvcc", path=folder / "bin")
            if program is not None:
                return program
    return None


def existing_folders(folders: Iterable[str]) -> tuple[str, ...]:
    """Return the existing folders, without duplicates.

    The function does not resolve symbolic links in the paths, because `stable_names` compares paths
    with the entries of `sys.path`. If several paths lead to one folder, the result contains the
    first path.
    """
    found: dict[str, str] = {}
    for folder in filter(os.path.isdir, folders):
        name = os.path.normpath(folder)
        found.setdefault(real := os.path.realpath(folder), name)
        # If ".." follows a symbolic link, normpath returns the path of another folder. Then use the
        # path that realpath returns.
        if os.path.realpath(name) != real:
            found[real] = real
    return tuple(found.values())


def _versioned(folders: Sequence[str]) -> dict[str, str]:
    """Return the file names of the shared libraries that exist only under a name with a version.

    The key is the library's name without the version: ``cudart`` for ``libcudart.so.13``.
    """
    files = [file.name for folder in folders for file in sorted(Path(folder).glob("lib*.so*"))]
    found = {file[len("lib") :].partition(".so")[0]: file for file in reversed(files)}
    return {name: file for name, file in found.items() if f"lib{name}.so" not in files}


def _find_hipcc(toolchain: HostToolchain, launcher: tuple[str, ...]) -> DeviceCompiler:
    if toolchain.system != "linux":
        raise BuildError(
            "HIP sources are supported on Linux only",
            hint="move the HIP sources to overrides = [{ if = \"sys_platform == 'linux'\", "
            "sources = […] }]",
        )
    hipcc = _find_program(
        *("hipcc", "a ROCm installation", _ROCM_VARIABLES),
        last_resort=_ROCM_FOLDER,
        hint="install ROCm and add its bin folder to PATH, or set ROCM_HOME to ROCm's folder",
    )
    version = output_of(hipcc, "--version")
    # If hipcc on PATH is a symbolic link, the target of the link is in ROCm's bin folder.
    path = Path(os.path.realpath(shutil.which(hipcc) or hipcc))
    return HipccCompiler(
        compiler=Compiler((hipcc,), "hipcc", _line_with(version, "HIP version"), launcher),
        rocm=str(path.parent.parent),
        root=toolchain.root,
        environment=toolchain.environment,
        project=toolchain.project,
    )


def _find_program(
    name: str,
    kind: str,
    variables: Sequence[str],
    *,
    hint: str,
    packaged: str | None = None,
    last_resort: str | None = None,
) -> str:
    """Return the command that starts a program.

    If the program was found on PATH, the command is the program's name. Otherwise, the command is
    the program's path.

    :param name: the name of the program.
    :param kind: what a variable must name, such as "a CUDA toolkit", for messages.
    :param variables: environment variables that can name a folder. The program must be in the
        subfolder ``bin``.
    :param hint: the hint of the error if the program is missing.
    :param packaged: the path of the program in the build environment, if any. The build environment
        has precedence over PATH.
    :param last_resort: a folder to search last.
    """
    for variable in variables:
        folder = os.environ.get(variable)
        if folder:
            program = shutil.which(name, path=os.path.join(folder, "bin"))
            if program is None:
                raise BuildError(
                    f"{variable}={folder!r}: {name} not found in its bin folder",
                    hint=f"set {variable} to {kind}, or unset it to search "
                    f"{in_words([*variables[variables.index(variable) + 1 :], 'PATH'], 'and')}",
                )
            return program
    if packaged is not None:
        return packaged
    if shutil.which(name) is not None:
        return name
    program = last_resort and shutil.which(name, path=os.path.join(last_resort, "bin"))
    if program:
        return program
    raise BuildError(
        f"cannot find {name}: it is not on PATH, and {in_words(variables, 'and')} are not set",
        hint=hint,
    )


def output_of(*command: str, hint: str | None = None) -> str:
    """Run a compiler, and return its output.

    The output includes stderr, because ``nvcc --dryrun`` prints to stderr.

    :raises BuildError: the compiler fails or prints nothing.
    """
    try:
        # Use English: some compilers translate the output that contains the version, and the build
        # record contains this output.
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except OSError as problem:
        raise BuildError(f"cannot run {shlex.join(command)}: {problem}", hint=hint) from problem
    output = f"{result.stdout}\n{result.stderr}".strip()
    if result.returncode != 0 or not output:
        raise BuildError(
            f"{shlex.join(command)} failed (exit status {result.returncode}): "
            f"{(result.stderr or result.stdout).strip()}",
            hint=hint,
        )
    return output


def _line_with(text: str, words: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if words in line), lines[0])
