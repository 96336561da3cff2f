# SPDX-License-Identifier: Apache-2.0
"""Checks an editable install when its package is imported, and has it rebuilt if need be.

Written by setuptools-tvm-ffi into editable installs with `editable-rebuild`, together with a `.pth`
file that imports it whenever Python starts; `pip uninstall` removes both. It needs nothing but the
standard library, and imports what is not there anyway only when it is of use: what it starts to
rebuild with lies in an archive beside the libraries.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

#: Set in processes that rebuild: what they import is not to be rebuilt once more.
REBUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_REBUILDING"

#: Set to a word for no, imports take the libraries as they are.
SWITCH_VARIABLE = "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD"

RECORD = "rebuild.json"
TOOLS = "rebuild-tools.zip"
LOG = "rebuild.log"
NINJA = "ninja.exe" if sys.platform == "win32" else "ninja"

# GCC, Clang: `a.cc:1:2: error: …`; nvcc: `a.cu(1): error: …`; cl: `a.cc(1): error C2065: …`;
# linkers: `ld: …: undefined reference to …`; and our own.
_FIRST_ERROR = (
    r"(?m)^.*(: (fatal )?error\b.*:|: error: |undefined reference to).*$"
    r"|^setuptools-tvm-ffi: error:.*$"
)
_SHOWN_LINES = 6

# The import path is the tools' and that of this process, without the project's folder. What a
# `.pth` file of this environment's own setuptools has imported is not to meet that of the tools.
_BOOTSTRAP = (
    "import sys, json; "
    "sys.path[:] = json.loads(sys.argv.pop(1)); "
    "own = [n for n in sys.modules if n.partition('.')[0] in ('_distutils_hack', 'setuptools')]; "
    "[sys.modules.pop(n) for n in own]; "
    "sys.meta_path[:] = [f for f in sys.meta_path if type(f).__module__ != '_distutils_hack']; "
    "from setuptools_tvm_ffi.editable_rebuild import rebuild; "
    "rebuild(sys.argv.pop(1))"
)


def install(*packages: str) -> None:
    """Have imports of these packages looked at from now on; the `.pth` file calls it."""
    off = os.environ.get(SWITCH_VARIABLE, "").strip().lower() in {"0", "no", "off", "false"}
    if off or os.environ.get(REBUILDING_VARIABLE):
        return
    # `_my_package_rebuild` belongs to `my_package.libs`.
    distribution = __name__[len("_") : -len("_rebuild")]
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{distribution}.libs")
    sys.meta_path.insert(0, RebuildingFinder(folder, packages))


class RebuildingFinder:
    """Finds no module: it rebuilds before those that follow find a package of the project."""

    def __init__(self, folder: str, packages: tuple[str, ...]) -> None:
        self._folder = folder
        self._packages = packages

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Bring a package's libraries up to date; return nothing."""
        del path, target
        if name in self._packages:
            bring_up_to_date(self._folder)
            self._packages = ()  # once in a process
        return None


def bring_up_to_date(folder: str) -> None:
    """Rebuild the libraries of one distribution unless nothing has changed.

    :param folder: where its libraries and its record are installed.
    :raises ImportError: it failed; the last libraries that were built are still there.
    """
    import json

    with open(os.path.join(folder, RECORD), encoding="utf-8") as stream:
        record = json.load(stream)
    root = record["root"]
    if not os.path.isdir(root) or is_up_to_date(record):
        return
    sys.stderr.write(
        f"setuptools-tvm-ffi: {record['distribution']} has changed: rebuilding its libraries\n"
    )
    sys.stderr.flush()
    tools = unpack_tools(folder, record)
    import importlib
    import subprocess

    import_path = [e for e in sys.path if e and os.path.realpath(e) != os.path.realpath(root)]
    process = subprocess.run(
        [
            *(sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOTSTRAP),
            json.dumps([tools, *import_path]),
            folder,
        ],
        cwd=root,
        env=build_environment(record, os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if process.returncode != 0:
        log = os.path.join(root, record["folder"], LOG)
        with open(log, "w", encoding="utf-8") as stream:
            stream.write(process.stdout)
        raise ImportError(
            f"rebuilding the libraries of {record['distribution']} failed; those of the last build "
            f"are still there ({SWITCH_VARIABLE}=0 imports them; {log} tells more):\n"
            f"{first_error(process.stdout)}"
        )
    importlib.invalidate_caches()  # stubs may be new files


def is_up_to_date(record: Mapping[str, Any]) -> bool:
    """Whether sources, headers, settings and libraries are those of the last build."""
    root = record["root"]
    watched = {**record["files"], **record["folders"]}
    if any(signature(os.path.join(root, name)) != known for name, known in watched.items()):
        return False
    try:
        lock = open(os.path.join(root, record["folder"], "lock"), "rb")  # noqa: SIM115 - below
    except OSError:
        return False
    with lock:
        # While another process builds, its libraries may be about to be replaced.
        return _is_free(lock.fileno()) and _ninja_has_nothing_to_do(record)


def signature(path: str) -> list[int] | None:
    """Return what changes when a file or a folder does: its time in nanoseconds, a file's size."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    size = 0 if os.path.isdir(path) else status.st_size
    return [status.st_mtime_ns, size]


def tools_folder(record: Mapping[str, Any]) -> str:
    """Return where the tools of a build are unpacked."""
    return os.path.join(record["root"], record["folder"], f"rebuild-tools-{record['tools']}")


def unpack_tools(folder: str, record: Mapping[str, Any]) -> str:
    """Unpack the archive beside the libraries unless that was done before; return where."""
    tools = tools_folder(record)
    if os.path.isdir(tools):
        return tools
    import shutil
    import zipfile

    temporary = f"{tools}.{os.getpid()}"
    with zipfile.ZipFile(os.path.join(folder, TOOLS)) as archive:
        archive.extractall(temporary)
    os.chmod(os.path.join(temporary, NINJA), 0o755)  # noqa: S103 - a program's
    try:
        os.rename(temporary, tools)
    except OSError:  # another process was first
        shutil.rmtree(temporary, ignore_errors=True)
    return tools


def build_environment(record: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build: what compilers see is as it was at the install."""
    variables = record["variables"]
    return {
        **{name: value for name, value in environment.items() if name not in variables},
        **{name: value for name, value in variables.items() if value is not None},
        "NINJA": os.path.join(tools_folder(record), NINJA),
        REBUILDING_VARIABLE: "1",
    }


def first_error(printed: str) -> str:
    """Return a build's first error, with what the compiler shows below it; else its end."""
    import re

    found = re.search(_FIRST_ERROR, printed)
    if found is None:
        return "\n".join(printed.splitlines()[-_SHOWN_LINES:])
    return "\n".join(printed[found.start() :].splitlines()[:_SHOWN_LINES])


def _is_free(lock: int) -> bool:
    if sys.platform == "win32":
        return True  # its locks are not for readers
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _ninja_has_nothing_to_do(record: Mapping[str, Any]) -> bool:
    import subprocess

    command = [os.path.join(tools_folder(record), NINJA), "-n", "-f", record["manifest"]]
    try:
        process = subprocess.run(
            command,
            cwd=record["root"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError:
        return False
    return process.returncode == 0 and b"no work to do" in process.stdout
