# SPDX-License-Identifier: Apache-2.0
"""The environment markers of a build's target, for the setting `overrides`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.markers import default_environment

from ..cross.targets import Target
from ..settings.values import MARKER_VARIABLES

_SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macosx": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "win": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}
#: The values of `platform_machine` on Windows. The keys are the names of machines in platform names
#: and in targets.
_WINDOWS_MACHINES = {"amd64": "AMD64", "x86_64": "AMD64", "arm64": "ARM64", "aarch64": "ARM64"}
_PLATFORM = re.compile(r"(linux|macosx|win)(?:-[0-9.]+)?-(\w+)")
_ARCHITECTURE = re.compile(r"-arch\s+(\w+)")


def target_markers(
    target: Target | None, platform: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the values that the `MARKER_VARIABLES` of PEP 508 have on a build's target.

    :param target: the target of a cross build with Zig. In any other build, the parameter is
        ``None``, and `platform` names the build's target.
    :param platform: the name of a platform, as in ``build_ext --plat-name``. If the environment
        variable `_PYTHON_HOST_PLATFORM` or, on Windows, `VSCMD_ARG_TGT_ARCH` selects a machine, the
        name already contains this machine.
    :param environment: environment variables. On macOS, `ARCHFLAGS` selects the machine. If
        `ARCHFLAGS` selects several machines, `platform_machine` is ``universal2``.
    """
    if target is not None:
        system = {"darwin": "macosx", "windows": "win"}.get(target.system, target.system)
        return _markers(system, target.machine)
    match = _PLATFORM.fullmatch(platform)
    here = default_environment()
    if match is None:
        # The platform is 32-bit Windows, or a system that `_SYSTEMS` does not contain: use the
        # values of this machine.
        return {name: str(here[name]) for name in MARKER_VARIABLES}  # type: ignore[literal-required]
    system, machine = match[1], match[2]
    if system == "macosx":
        named = set(_ARCHITECTURE.findall(environment.get("ARCHFLAGS", "")))
        if named:
            machine = named.pop() if len(named) == 1 else "universal2"
        elif machine == "universal2":  # Without ARCHFLAGS, compilers build for this machine.
            machine = here["platform_machine"]
    return _markers(system, machine)


def _markers(system: str, machine: str) -> dict[str, str]:
    if system == "win":
        machine = _WINDOWS_MACHINES.get(machine, machine)
    if system == "macosx" and machine == "aarch64":
        machine = "arm64"
    return {**_SYSTEMS[system], "platform_machine": machine}
