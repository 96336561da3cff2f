# SPDX-License-Identifier: Apache-2.0
"""The repair tools for Linux, macOS and Windows, and their command lines.

TVM-FFI's documentation recommends these tools:
https://tvm.apache.org/ffi/packaging/python_packaging.html
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.tags import Tag, platform_tags

from ..base.errors import BuildError
from ..binaries.platform_tags import EXTERNAL

_INSTALL = "python -m pip install 'setuptools-tvm-ffi[repair]'"


def _external(*ends: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in EXTERNAL if name.endswith(ends)))


#: Libraries that are never bundled, as patterns for each system: libtvm_ffi, NVIDIA's driver and
#: HIP's runtime. A process must use the libtvm_ffi that `import tvm_ffi` loads. On Windows, HIP's
#: runtime comes with the driver. On Linux, a bundled HIP runtime could not share memory with
#: the HIP runtime of ROCm or PyTorch.
PROVIDED: Mapping[str, tuple[str, ...]] = {
    "linux": (*_external(".so", ".so.1"), "libamdhip64.so.*"),
    "darwin": _external(".dylib"),
    # Every CPython for Windows includes vcruntime140.dll and vcruntime140_1.dll.
    "windows": (*_external(".dll"), "amdhip64*.dll", "vcruntime140.dll", "vcruntime140_1.dll"),
}

# auditwheel (6.8) and delvewheel (1.13) print these messages if they do not find a library.
_MISSING = re.compile(
    r'library "(?P<elf>[^"]+)" could not be located|Unable to find library: (?P<dll>\S+)'
)
_MACOS_TAG = re.compile(r"macosx_(\d+)_(\d+)_\w+")


@dataclass(frozen=True)
class Request:
    """One run of a repair tool.

    :param wheel: absolute path of the original wheel.
    :param folder: output folder, which must not be the wheel's folder.
    :param platform: the required platform tag; ``None`` for the most compatible tag.
    :param exclude: libraries that the tool must not bundle, besides the libraries in `PROVIDED`.
    """

    wheel: Path
    folder: Path
    platform: str | None = None
    exclude: Sequence[str] = ()


@dataclass(frozen=True)
class RepairTool:
    """A repair tool.

    :param name: name of the tool's distribution.
    :param module: the module to run with ``python -m``.
    :param arguments: a function that returns the tool's command-line arguments for a request.
    :param variables: a function that returns additional environment variables for a request.
    :param hosts: the values of :data:`sys.platform` that the tool supports; empty if the tool
        supports all systems.
    :param programs: the programs that the tool runs.
    :param lowest: the value of `Request.platform` that selects the lowest tag that the wheel
        satisfies. For auditwheel, this value is not ``None``, because the variable AUDITWHEEL_PLAT
        changes auditwheel's default. manylinux images set this variable.
    """

    name: str
    module: str
    arguments: Callable[[Request], list[str]]
    variables: Callable[[Request], dict[str, str]] = field(default=lambda _: {})
    hosts: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    lowest: str | None = None

    @property
    def runs_here(self) -> bool:
        """Whether the tool runs on this system."""
        return not self.hosts or sys.platform in self.hosts

    def can_judge(self, tags: Iterable[Tag]) -> bool:
        """Whether the tool can process a wheel with these tags on this system.

        auditwheel (6.8) fails on wheels for musl if this Python runs on glibc, and on wheels for
        glibc if this Python runs on musl.
        """
        if not self.runs_here or self.name != "auditwheel":
            return self.runs_here
        here = {re.split(r"[\d_]", tag, maxsplit=1)[0] for tag in platform_tags()}
        for_libc = {re.split(r"[\d_]", tag.platform, maxsplit=1)[0] for tag in tags} - {"linux"}
        # If this Python supports no manylinux_… or musllinux_… tag, `packaging` did not recognise
        # the C library. Then do not reject the wheel here: run the tool.
        return here == {"linux"} or for_libc <= here

    def check_installed(self) -> str:
        """Return the name and version of the tool.

        :raises BuildError: the tool, or a program that the tool runs, is not installed.
        """
        if importlib.util.find_spec(self.name) is None:
            raise BuildError(f"{self.name} is not installed", hint=_INSTALL)
        for program in self.programs:
            if shutil.which(program, path=search_path()) is None:
                raise BuildError(
                    f"{self.name} needs {program}, which is not on PATH",
                    hint=_INSTALL if program == "patchelf" else "xcode-select --install",
                )
        return f"{self.name} {metadata.version(self.name)}"


def missing_library_hint(tool: RepairTool, output: str) -> str | None:
    """Return a hint about a missing library, or ``None`` if the output names no missing library.

    delocate never reports a missing library, because it runs with an option that ignores missing
    libraries. The audit after the repair reports these libraries.
    """
    match = _MISSING.search(output)
    if match is None:
        return None
    name = match["elf"] or match["dll"]
    variable = "PATH" if tool.name == "delvewheel" else "LD_LIBRARY_PATH"
    return (
        f"add the folder of {name} to {variable}, so that {tool.name} can bundle it; or, if every "
        f"user has this library, leave it out with --exclude {name}"
    )


def search_path() -> str:
    """Return PATH with the scripts folder of this Python at the start.

    If the environment of this Python is not activated, PATH lacks this folder.
    """
    return os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))


def _auditwheel(request: Request) -> list[str]:
    return [
        *("repair", "--wheel-dir", str(request.folder)),
        *(("--plat", request.platform) if request.platform else ()),
        *_each("--exclude", (*PROVIDED["linux"], *request.exclude)),
        str(request.wheel),
    ]


def _delocate(request: Request) -> list[str]:
    return [
        *("--wheel-dir", str(request.folder)),
        # Without this option, delocate 0.13 fails if it does not find libtvm_ffi, even if
        # libtvm_ffi is excluded. The audit of the repaired wheel reports other missing libraries.
        "--ignore-missing-dependencies",
        *_each("--exclude", (*PROVIDED["darwin"], *request.exclude)),
        str(request.wheel),
    ]


def _delocate_variables(request: Request) -> dict[str, str]:
    match = _MACOS_TAG.fullmatch(request.platform or "")
    return {"MACOSX_DEPLOYMENT_TARGET": f"{match[1]}.{match[2]}"} if match else {}


def _delvewheel(request: Request) -> list[str]:
    return [
        *("repair", "--wheel-dir", str(request.folder)),
        # By default, delvewheel 1.13 inspects .pyd files only.
        "--analyze-existing",
        # If the wheel contains a library, do not search for this library outside the wheel.
        "--ignore-existing",
        *_each("--exclude", (*PROVIDED["windows"], *request.exclude)),
        str(request.wheel),
    ]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


TOOLS: Mapping[str, RepairTool] = {
    "linux": RepairTool(
        "auditwheel",
        "auditwheel",
        _auditwheel,
        hosts=("linux",),
        programs=("patchelf",),
        lowest="auto",
    ),
    "darwin": RepairTool(
        "delocate",
        "delocate.cmd.delocate_wheel",
        _delocate,
        _delocate_variables,
        hosts=("darwin",),
        programs=("otool", "install_name_tool", "codesign"),
    ),
    "windows": RepairTool("delvewheel", "delvewheel", _delvewheel),
}

_SYSTEMS = {"linux": "linux", "manylinux": "linux", "musllinux": "linux"}
_SYSTEMS |= {"macosx": "darwin", "win": "windows", "win32": "windows"}


def system_of_wheel(name: str, tags: Iterable[Tag]) -> str:
    """Return the system of a wheel's platform tags: ``linux``, ``darwin`` or ``windows``.

    :raises BuildError: the tags belong to no system or to several.
    """
    platforms = sorted({tag.platform for tag in tags})
    families = [re.split(r"[0-9]*_", platform, maxsplit=1)[0] for platform in platforms]
    systems = {_SYSTEMS.get(family) for family in families}
    system = systems.pop()
    if system is not None and not systems:
        return system
    if platforms == ["any"]:
        raise BuildError(
            f"{name}: the platform tag is 'any', so the wheel has no libraries to repair"
        )
    raise BuildError(
        f"{name}: no tool repairs wheels for {', '.join(platforms)}",
        hint="supported are Linux (auditwheel), macOS (delocate) and Windows (delvewheel)",
    )
