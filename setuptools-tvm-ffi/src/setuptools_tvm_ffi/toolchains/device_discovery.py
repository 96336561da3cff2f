# SPDX-License-Identifier: Apache-2.0
"""Finds nvcc and hipcc, and asks them what they are. No GPU and no driver is asked."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..base.errors import BuildError
from ..base.text import in_words
from ..settings import ProjectSettings
from .hipcc import HipccCompiler
from .model import Compiler, DeviceCompiler, EnvironmentFlags
from .nvcc import NvccCompiler, host_command

_CUDA_VARIABLES = ("CUDA_HOME", "CUDA_PATH")
# What ROCm's own tools and PyTorch read.
_ROCM_VARIABLES = ("ROCM_HOME", "ROCM_PATH", "HIP_PATH")
_ROCM_FOLDER = "/opt/rocm"

# Before it, nvcc has no C++17, which the headers of apache-tvm-ffi need.
_FIRST_RELEASE = 11


def find_device_compiler(
    language: str,
    *,
    host: Compiler,
    system: str,
    root: str,
    environment: EnvironmentFlags,
    project: ProjectSettings,
    launcher: tuple[str, ...],
) -> DeviceCompiler:
    """Return what compiles ``cuda`` or ``hip``.

    nvcc is looked for in `CUDA_HOME`, then `CUDA_PATH`, then on PATH; hipcc in `ROCM_HOME`,
    `ROCM_PATH`, `HIP_PATH`, then on PATH, then in ``/opt/rocm``. A variable that is set decides.

    :param host: what C++ is compiled with.
    :param root: the project's folder, absolute.
    :param launcher: what the compiler is started through.
    :raises BuildError: there is none, it does not run, or not for this system.
    """
    if language == "cuda":
        return _find_nvcc(host, system, root, environment, project, launcher)
    return _find_hipcc(system, root, environment, project, launcher)


def nvcc_release(version: str) -> str | None:
    """Return the release in what ``nvcc --version`` prints.

    >>> nvcc_release("Cuda compilation tools, release 12.9, V12.9.86")
    '12.9'
    """
    match = re.search(r"\brelease (\d+\.\d+)", version)
    return match[1] if match is not None else None


def nvcc_architectures(text: str) -> tuple[str, ...]:
    """Return what ``nvcc --help`` lists, in PyTorch's notation and in order.

    ``--list-gpu-arch`` leaves out those with a letter.

    >>> nvcc_architectures("'compute_100f','compute_75','compute_90a','lto_90a','sm_75'")
    ('7.5', '9.0a', '10.0f')
    """
    found = {
        (int(major), int(minor), letter)
        for major, minor, letter in re.findall(r"'compute_(\d+)(\d)([a-z]?)'", text)
    }
    return tuple(f"{major}.{minor}{letter}" for major, minor, letter in sorted(found))


def nvcc_library_dirs(dryrun: str) -> tuple[str, ...]:
    """Return where nvcc has the linker look for libraries, by what ``nvcc --dryrun`` prints.

    Distributions lay the toolkit out in their own ways, and tell their nvcc in ``nvcc.profile``.

    >>> nvcc_library_dirs('#$ LIBRARIES=  "-L/cuda/lib64/stubs" "-L/cuda/lib64"')
    ('/cuda/lib64/stubs', '/cuda/lib64')
    """
    line = re.search(r"^#\$ LIBRARIES=(.*)$", dryrun, re.MULTILINE)
    if line is None:
        return ()
    return tuple(re.findall(r'"(?:-L|/LIBPATH:)([^"]+)"', line[1]))


def _find_nvcc(
    host: Compiler,
    system: str,
    root: str,
    environment: EnvironmentFlags,
    project: ProjectSettings,
    launcher: tuple[str, ...],
) -> NvccCompiler:
    if system == "darwin":
        raise BuildError(
            "there is no CUDA for macOS",
            hint="leave the CUDA sources out of the extension there, in setup.py",
        )
    if host.family == "clang-cl":
        raise BuildError(
            "nvcc works with Microsoft's compiler on Windows, not with clang-cl",
            hint="unset CC and CXX",
        )
    nvcc = _find_program(
        *("nvcc", "a CUDA toolkit", _CUDA_VARIABLES, None),
        hint="install the CUDA toolkit and put its bin folder on PATH, or set CUDA_HOME to it; "
        "of the packages nvidia-cuda-* on PyPI it is site-packages/nvidia/cu13",
    )
    version = _answer(nvcc, "--version")
    release = nvcc_release(version)
    if release is None:
        raise BuildError(f"{nvcc} --version names no release: {version.strip()}")
    if int(release.partition(".")[0]) < _FIRST_RELEASE:
        raise BuildError(
            f"{nvcc} is of CUDA {release}, which has no C++17",
            hint=f"install CUDA {_FIRST_RELEASE} or newer",
        )
    described = _answer(nvcc, "--help")
    known = nvcc_architectures(described)
    if not known:
        raise BuildError(f"{nvcc} --help names no GPU architecture")
    # What it would do for a file with nothing in it; none of it is done.
    ccbin = f"-ccbin={host_command(host)[0]}"
    planned = _answer(nvcc, *("--dryrun", ccbin, "-c", "-x", "cu", os.devnull, "-o", "unused"))
    folders = tuple(
        dict.fromkeys(os.path.realpath(folder) for folder in nvcc_library_dirs(planned))
    )
    return NvccCompiler(
        compiler=Compiler((nvcc,), "nvcc", _line_with(version, "release"), launcher),
        release=release,
        host=host,
        known_architectures=known,
        library_dirs=tuple(filter(os.path.isdir, folders)),
        system=system,
        root=root,
        environment=environment,
        project=project,
        shared_runtime=_shared_runtime(folders),
        takes_objtemp="--objdir-as-tempdir" in described,
        takes_source_name="--orig_src_path_name" in planned,
    )


def _shared_runtime(folders: Sequence[str]) -> str:
    """Return the name of the shared CUDA runtime: PyPI's package has no link without a version."""
    if not any(Path(folder, "libcudart.so").exists() for folder in folders):
        for folder in folders:
            for file in sorted(Path(folder).glob("libcudart.so.*")):
                return f":{file.name}"
    return "cudart"


def _find_hipcc(
    system: str,
    root: str,
    environment: EnvironmentFlags,
    project: ProjectSettings,
    launcher: tuple[str, ...],
) -> HipccCompiler:
    if system != "linux":
        raise BuildError(
            "HIP sources are compiled on Linux alone",
            hint="leave them out of the extension on other systems, in setup.py",
        )
    hipcc = _find_program(
        *("hipcc", "a ROCm installation", _ROCM_VARIABLES, _ROCM_FOLDER),
        hint="install ROCm and put its bin folder on PATH, or set ROCM_HOME to it",
    )
    version = _answer(hipcc, "--version")
    # Next to the program, which is a link in /usr/bin or in ROCm's own bin folder.
    path = Path(os.path.realpath(shutil.which(hipcc) or hipcc))
    return HipccCompiler(
        compiler=Compiler((hipcc,), "hipcc", _line_with(version, "HIP version"), launcher),
        rocm=str(path.parent.parent),
        root=root,
        environment=environment,
        project=project,
    )


def _find_program(
    name: str, kind: str, variables: Sequence[str], last_resort: str | None, *, hint: str
) -> str:
    """Return a command: a path where a variable says so, a name where PATH does."""
    for variable in variables:
        folder = os.environ.get(variable)
        if folder:
            program = shutil.which(name, path=os.path.join(folder, "bin"))
            if program is None:
                raise BuildError(
                    f"{variable}={folder!r}: there is no {name} in its bin folder",
                    hint=f"set {variable} to {kind}, or unset it to have {name} looked for "
                    f"{_elsewhere(variables[variables.index(variable) + 1 :])}",
                )
            return program
    if shutil.which(name) is not None:
        return name
    if last_resort is not None:
        program = shutil.which(name, path=os.path.join(last_resort, "bin"))
        if program is not None:
            return program
    raise BuildError(
        f"no {name}: it is not on PATH, and {in_words(variables, 'and')} are not set", hint=hint
    )


def _elsewhere(variables: Sequence[str]) -> str:
    return f"in {in_words(variables, 'or')} and on PATH" if variables else "on PATH"


def _answer(program: str, *arguments: str) -> str:
    """Return all that a compiler prints; nvcc plans a compilation on its standard error."""
    command = [program, *arguments]
    try:
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
        raise BuildError(f"cannot start {program}: {problem}") from problem
    if result.returncode != 0:
        raise BuildError(
            f"{shlex.join(command)} failed (exit status {result.returncode}): "
            f"{(result.stderr or result.stdout).strip()}"
        )
    return f"{result.stdout}\n{result.stderr}"


def _line_with(text: str, words: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if words in line), lines[0] if lines else "unknown")
