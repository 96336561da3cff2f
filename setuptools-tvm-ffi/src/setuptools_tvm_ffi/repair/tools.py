# SPDX-License-Identifier: Apache-2.0
"""The three programs that put into a wheel what it needs, and how each is called.

https://tvm.apache.org/ffi/packaging/python_packaging.html names them for the three systems.
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


#: Libraries that no wheel brings along, as patterns of each tool: beside libtvm_ffi, which has to
#: be the one that `import tvm_ffi` has loaded, and NVIDIA's driver, the run time of HIP. On Windows
#: it comes with the driver; on Linux a second one beside that of ROCm or PyTorch would share no
#: memory with it.
PROVIDED: Mapping[str, tuple[str, ...]] = {
    "linux": (*_external(".so", ".so.1"), "libamdhip64.so.*"),
    "darwin": _external(".dylib"),
    # Every CPython for Windows has the last two beside it.
    "windows": (*_external(".dll"), "amdhip64*.dll", "vcruntime140.dll", "vcruntime140_1.dll"),
}

_MACOS_TAG = re.compile(r"macosx_(\d+)_(\d+)_\w+")


@dataclass(frozen=True)
class Request:
    """What is asked of a tool.

    :param wheel: an absolute path.
    :param folder: where it is to write, another one than the wheel's.
    :param platform: the tag that is wanted, with its machine; ``None`` for the best there is.
    :param exclude: libraries that are not to be brought along, beside those in `PROVIDED`.
    """

    wheel: Path
    folder: Path
    platform: str | None = None
    exclude: Sequence[str] = ()


@dataclass(frozen=True)
class RepairTool:
    """One of the programs.

    :param name: of its distribution.
    :param module: what is started as ``python -m``.
    :param arguments: those of its command line for a request.
    :param variables: what its environment has to hold for one.
    :param hosts: the values of :data:`sys.platform` where it runs; none for any.
    :param programs: what it starts itself.
    """

    name: str
    module: str
    arguments: Callable[[Request], list[str]]
    variables: Callable[[Request], dict[str, str]] = field(default=lambda _: {})
    hosts: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    @property
    def runs_here(self) -> bool:
        """Whether this is a system on which it can run."""
        return not self.hosts or sys.platform in self.hosts

    def can_judge(self, tags: Iterable[Tag]) -> bool:
        """Whether it can look at a wheel with these tags here.

        auditwheel (6.8) fails on a wheel for the C library that this Python does not run on: musl's
        where that is glibc, and the other way round.
        """
        if not self.runs_here or self.name != "auditwheel":
            return self.runs_here
        here = {re.split(r"[\d_]", tag, maxsplit=1)[0] for tag in platform_tags()}
        for_libc = {re.split(r"[\d_]", tag.platform, maxsplit=1)[0] for tag in tags} - {"linux"}
        # Where this Python has no tags but linux_…, nothing is known of the C library.
        return here == {"linux"} or for_libc <= here

    def check_installed(self) -> str:
        """Return the name with the release, for people.

        :raises BuildError: it is not installed, or a program that it starts is not.
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


def search_path() -> str:
    """Return the PATH of tools: an environment may be used without being activated."""
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
        # 0.13 looks at excludes only for what it has found, and libtvm_ffi lies nowhere that a
        # library names. What else is missing is found by the audit of the result.
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
        # Left to itself, 1.13 looks at .pyd files alone.
        "--analyze-existing",
        # And it would look for the libraries of the wheel itself outside.
        "--ignore-existing",
        *_each("--exclude", (*PROVIDED["windows"], *request.exclude)),
        str(request.wheel),
    ]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


TOOLS: Mapping[str, RepairTool] = {
    "linux": RepairTool(
        "auditwheel", "auditwheel", _auditwheel, hosts=("linux",), programs=("patchelf",)
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
    """Return the system of a wheel's libraries: ``linux``, ``darwin`` or ``windows``.

    :raises BuildError: its platform tags are of none, or of several.
    """
    platforms = sorted({tag.platform for tag in tags})
    families = [re.split(r"[0-9]*_", platform, maxsplit=1)[0] for platform in platforms]
    systems = {_SYSTEMS.get(family) for family in families}
    system = systems.pop()
    if system is not None and not systems:
        return system
    if platforms == ["any"]:
        raise BuildError(
            f"{name}: a wheel for any platform has no libraries", hint="there is nothing to repair"
        )
    raise BuildError(
        f"{name}: no tool repairs wheels for {', '.join(platforms)}",
        hint="known are those for Linux (auditwheel), macOS (delocate) and Windows (delvewheel)",
    )
