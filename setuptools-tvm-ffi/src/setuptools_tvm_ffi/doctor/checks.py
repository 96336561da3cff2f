# SPDX-License-Identifier: Apache-2.0
"""Derives findings from facts. The functions are pure, so tests can cover every system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..base.text import first_few
from .facts import TVMFFI, Facts, Finding, Machine, Package, Preceding, Tool, Unreadable
from .remedies import install_command, is_supported, pip_install, quoted

# The same withdrawn releases as in `ffi.releases`. `doctor` cannot import this module, because the
# module imports packaging and setuptools, which may be broken. A test compares the two lists.
WITHDRAWN = ("0.1.13", "0.1.13.post0")
_OLDEST_TVM_FFI = (0, 1, 7)


@dataclass(frozen=True)
class _Need:
    """Why builds need a tool, and which releases of the tool are supported.

    :param purpose: what does not work without the tool.
    :param missing: the level of the finding if the tool is missing.
    :param broken: the level if the tool does not work, or is not a supported release.
    """

    purpose: str
    missing: str = "optional"
    broken: str = "warning"
    oldest: tuple[int, ...] = ()
    below: tuple[int, ...] = ()


_ISOLATED = "builds without isolation fail (an isolated build installs its own copy)"
_NEEDS = {
    "Python": _Need("every build needs it", "error", "error", (3, 9)),
    "setuptools-tvm-ffi": _Need("every build needs it"),
    "setuptools": _Need("every build and this plugin need it", "error", "error", (77,)),
    "C++ compiler": _Need("no C++ source can be compiled", "error", "error"),
    "C compiler": _Need("C sources and assembly cannot be compiled", "warning"),
    "ninja": _Need(_ISOLATED, "warning", "error", (1, 10)),
    "nvcc": _Need("CUDA sources cannot be compiled", oldest=(11,)),
    "hipcc": _Need("HIP sources cannot be compiled"),
    "zig": _Need("'setuptools-tvm-ffi cross' cannot build", oldest=(0, 17, 1), below=(0, 18)),
    "launcher": _Need("the builds of this project fail", "error", "error"),
    "ccache": _Need('compiler-launcher = "ccache" cannot speed up builds'),
    "pkg-config": _Need("the setting pkg-config cannot be used"),
    "PyPA build": _Need("'setuptools-tvm-ffi build' and 'develop' cannot call the build backend"),
    "pip or uv": _Need("'setuptools-tvm-ffi develop' cannot install a project"),
    "patchelf": _Need("'setuptools-tvm-ffi repair' cannot change wheels for Linux"),
    "delocate": _Need("'setuptools-tvm-ffi repair' cannot change wheels for macOS"),
    "audit extra": _Need("'setuptools-tvm-ffi audit', 'repair' and 'cross' cannot check wheels"),
}


def diagnose(facts: Facts) -> list[Finding]:
    """Return all findings: errors first, then warnings, then findings of level ``optional``."""
    found = [
        *(finding for tool in facts.tools for finding in check_tool(tool, facts.machine)),
        *check_tvm_ffi(facts.tvm_ffi, facts.machine),
        *check_preceding(facts.preceding),
        *(f for package in facts.packages for f in check_package(package, facts.machine)),
        *check_unreadable(facts.unreadable),
    ]
    return sorted(found, key=lambda finding: ("error", "warning", "optional").index(finding.level))


def check_tool(tool: Tool, machine: Machine) -> Iterator[Finding]:
    """Check that a tool is installed, works, and has a supported version."""
    need = _NEEDS[tool.name]
    if not is_supported(tool.name, machine.system):
        return
    remedy = install_command(tool.name, machine, again=bool(tool.path))
    if tool.origin.isupper() and tool.origin != "PATH":
        remedy = f"correct or unset {tool.origin}"
    if tool.name == "launcher":
        remedy = f"install the launcher, or remove it from {tool.origin}"
    where = f" ({tool.origin})" if tool.origin else ""
    if tool.problem:
        broken = f"{tool.name}{tool.path and ': '}{tool.path}{where}: {tool.problem}"
        yield Finding(need.broken, broken, need.purpose, remedy)
    elif not tool.path:
        yield Finding(need.missing, f"{tool.name} is missing", need.purpose, remedy)
    elif tool.version and numbers(tool.version) < need.oldest:
        oldest = ".".join(map(str, need.oldest))
        what = f"{tool.name} {tool.version} is too old: {oldest} or newer is needed"
        yield Finding(need.broken, what, need.purpose, remedy)
    elif need.below and numbers(tool.version) >= need.below:
        below = ".".join(map(str, need.below))
        what = f"{tool.name} {tool.version} is too new: a release before {below} is needed"
        yield Finding(need.broken, what, need.purpose, remedy)


def check_tvm_ffi(tvm_ffi: TVMFFI, machine: Machine) -> Iterator[Finding]:
    """Check that apache-tvm-ffi is supported, and that its headers and library match."""
    version, name = tvm_ffi.version, f"apache-tvm-ffi {tvm_ffi.version}"
    another = install_command("apache-tvm-ffi", machine)
    if not version:
        why = f"packages that need it cannot be imported, and {_ISOLATED}"
        yield Finding("warning", "apache-tvm-ffi is missing", why, another)
        return
    public = version.partition("+")[0]
    # The versions of Git clones without tags, such as 0.1.dev1, do not identify a release.
    release = numbers(version) if ".dev" not in version else ()
    if public in WITHDRAWN:
        why = "its C++ vtables differ from those of other releases, so libraries break silently"
        yield Finding("error", f"{name} was withdrawn by its maintainers", why, another)
    elif release and release < _OLDEST_TVM_FFI:
        why = "it has no 'tvm-ffi-stubgen --init-*', which builds run"
        yield Finding("error", f"{name} is too old: 0.1.7 or newer is needed", why, another)
    again = "rebuild and reinstall apache-tvm-ffi from its clone"
    if release:
        again = pip_install(machine, f"apache-tvm-ffi=={public}", again=True)
    if tvm_ffi.problem:
        why = "builds cannot find its headers and library, and packages that need it fail to import"
        yield Finding("error", f"{name} is broken: {tvm_ffi.problem}", why, again)
    # Do not compare the headers with `version`: the headers of 0.1.15.post2 define 0.1.16.
    if tvm_ffi.headers and tvm_ffi.library_version not in {"", tvm_ffi.headers}:
        what = (
            f"{name}: headers and library are of different versions: headers {tvm_ffi.headers}, "
            f"library {tvm_ffi.library_version}"
        )
        why = "libraries compiled against these headers may crash with this library"
        yield Finding("error", what, why, again)
    if tvm_ffi.others:
        what = f"more than one libtvm_ffi: {tvm_ffi.library} and {first_few(tvm_ffi.others)}"
        why = "a process that loads two copies has two registries, which do not share functions"
        command = (
            "uninstall the distributions that contain the other copies, or repair their wheels"
        )
        yield Finding("warning", what, why, command)


def check_preceding(libraries: Iterable[Preceding]) -> Iterator[Finding]:
    """Report libraries on the loader's search path that shadow installed libraries."""
    for library in libraries:
        what = f"{library.path} in {library.variable} shadows {library.own}"
        why = "programs may load this library instead of the installed one"
        yield Finding("warning", what, why, f"remove its folder from {library.variable}")


def check_package(package: Package, machine: Machine) -> Iterator[Finding]:
    """Check that imports use the installed package, and that its libraries are up to date."""
    name = package.name
    if not package.version:
        command = pip_install(machine, name)
        why = "its modules cannot be imported"
        yield Finding("warning", f"{name} is not installed", why, command)
    if package.problem:
        what = f"{name} cannot be examined: {package.problem}"
        command = pip_install(machine, name, again=True)
        yield Finding("warning", what, "its installation may be damaged", command)
    if package.newer:
        what = f"the editable install of {name} is older than {first_few(package.newer)}"
        why = "imports use the old libraries (editable-rebuild = true would rebuild them on import)"
        command = f"{machine.pip} -e {quoted(machine, package.path)}"
        yield Finding("warning", what, why, command)
    for folder in package.shadows:
        what = f"{folder} shadows the installed {name} in {package.path}"
        why = "Python imports this folder instead, and this folder may lack libraries and stubs"
        command = (
            "start Python in another folder, move the package into src/, or remove the folder from "
            "PYTHONPATH"
        )
        yield Finding("warning", what, why, command)


def check_unreadable(files: Iterable[Unreadable]) -> Iterator[Finding]:
    """Report files that are corrupt."""
    for file in files:
        what = f"{file.path} cannot be read: {file.problem}"
        why = "this diagnosis ignores the file, and other programs may fail"
        yield Finding("warning", what, why, file.remedy)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version.

    >>> numbers("0.1.13.post2"), numbers("1.11.1.git.kitware")
    ((0, 1, 13), (1, 11, 1))
    """
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match is not None else ()
