# SPDX-License-Identifier: Apache-2.0
"""The facts that a diagnosis needs, and the findings that it returns, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """The system, and the programs that can install software on it.

    :param system: ``linux``, ``darwin`` or ``windows``.
    :param pip: the start of the command that installs a distribution for this Python.
    :param managers: the package managers on PATH: ``apt-get``, ``dnf``, ``brew``, ``winget``.
    :param sudo: whether the commands of ``apt-get`` and ``dnf`` need ``sudo``.
    """

    system: str
    pip: str
    managers: tuple[str, ...] = ()
    sudo: bool = False


@dataclass(frozen=True)
class Tool:
    """A program or a Python distribution that builds use.

    :param path: the program or the folder; empty if the tool is missing.
    :param origin: what makes builds use this tool: an environment variable, PATH, or a setting.
    :param problem: why the tool does not work, or cannot be found where `origin` declares it.
    """

    name: str
    version: str = ""
    path: str = ""
    origin: str = ""
    problem: str = ""


@dataclass(frozen=True)
class TVMFFI:
    """The apache-tvm-ffi that is installed in this environment.

    :param version: the version in its metadata; empty if apache-tvm-ffi is not installed.
    :param headers: the version that its headers define.
    :param library: the path of its ``libtvm_ffi``.
    :param library_version: the version that the library reports when it is loaded.
    :param problem: why ``tvm-ffi-config`` fails or the library cannot be loaded.
    :param others: the paths of the copies of ``libtvm_ffi`` in other installed distributions.
    """

    version: str = ""
    path: str = ""
    headers: str = ""
    library: str = ""
    library_version: str = ""
    problem: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """A distribution to diagnose, which may be missing.

    :param version: empty if the distribution is not installed.
    :param path: the folder that imports should use: the project of an editable install, or the
        folder of installed packages.
    :param problem: why the files of the distribution cannot be examined.
    :param libraries: the paths of its shared libraries.
    :param newer: sources of an editable install that are newer than its libraries.
    :param shadows: the folders that an import would use instead of `path`.
    """

    name: str
    version: str = ""
    path: str = ""
    editable: bool = False
    libraries: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Preceding:
    """A library on the loader's search path that shadows an installed library of the same name.

    :param variable: the environment variable with the search path.
    :param own: the library that the loader should find.
    """

    variable: str
    path: str
    own: str


@dataclass(frozen=True)
class Unreadable:
    """A file that should describe a project or a distribution, but is corrupt.

    :param problem: why the file cannot be read.
    :param remedy: an instruction that fixes the problem.
    """

    path: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Facts:
    """All facts about this machine and this Python environment."""

    machine: Machine
    tools: tuple[Tool, ...]
    tvm_ffi: TVMFFI
    packages: tuple[Package, ...] = ()
    preceding: tuple[Preceding, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A problem of this machine.

    :param level: ``error`` if no build can work, ``warning`` if some builds or imports fail or use
        the wrong files, and ``optional`` if a feature is unavailable.
    :param why: what fails because of the problem.
    :param command: a command or an instruction that fixes the problem.
    """

    level: str
    what: str
    why: str
    command: str
