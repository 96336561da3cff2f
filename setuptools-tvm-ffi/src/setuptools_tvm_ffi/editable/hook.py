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
    from typing import IO, Any

#: Set while a build holds its lock, see `build_lock`: what imports the package then would wait.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

#: Set to a word for no, imports take the libraries as they are.
SWITCH_VARIABLE = "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD"

#: What the variables that are settings begin with, and the one that is for whoever looks on.
SETTINGS_VARIABLES = "SETUPTOOLS_TVM_FFI_"
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"

RECORD = "rebuild.json"
TOOLS = "rebuild-tools.zip"
LOG = "rebuild.log"
NINJA = "ninja.exe" if sys.platform == "win32" else "ninja"

_UNPACKED = "rebuild-tools-"  # followed by the digest of the archive

_PREFIX = "setuptools-tvm-ffi"

# As a sanitizer's runtime, which makes a compiler fail for the memory that it does not free.
_PRELOADING_VARIABLES = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")

# GCC, Clang: `a.cc:1:2: error: …`; nvcc: `a.cu(1): error: …`; cl: `a.cc(1): error C2065: …`; as:
# `a.s:1: Error: …`; ptxas: `… line 1; error   : …`; nvcc's driver: `nvcc fatal   : …`; ld:
# `…: undefined reference to …`. A driver that says only that its linker failed is passed over.
_FIRST_ERROR = (
    rf"(?m)^(?!FAILED: |{_PREFIX}: |collect2: |clang(\+\+)?: error: linker command failed)"
    r"(.*[:;] (fatal )?[Ee]rror( \w+)? *:|\w+ fatal +:"
    r"|.*: (undefined reference to|multiple definition of) |\S*ld(\.\w+)?: cannot find ).*$"
)
# In another language, or of another tool: what follows the command that ninja gives up on.
_FAILED_COMMAND = r"(?m)^FAILED: .*\n.*\n"
_OUR_ERROR = rf"(?m)^{_PREFIX}: error: .*$"
_COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_SHOWN_LINES = 6

# Imports that follow at once, as when pytest collects, get the same error: none of them compiles.
_RETRY_AFTER_SECONDS = 2.0

_SECONDS_TO_END = 5

# An environment whose tools were deleted unpacks its archive again.
_SECONDS_UNTIL_UNUSED = 60 * 24 * 60 * 60

# The import path is the tools' and that of this process, without the project's folder. What a
# `.pth` file of this environment's own setuptools has imported is not to meet that of the tools.
_BOOTSTRAP = (
    "import sys, json; "
    "sys.path[:] = json.loads(sys.argv.pop(1)); "
    "own = [n for n in sys.modules if n.partition('.')[0] in ('_distutils_hack', 'setuptools')]; "
    "[sys.modules.pop(n) for n in own]; "
    "sys.meta_path[:] = [f for f in sys.meta_path if type(f).__module__ != '_distutils_hack']; "
    "from setuptools_tvm_ffi.plugin.rebuild import rebuild; "
    "rebuild(sys.argv.pop(1))"
)


def install(*packages: str) -> None:
    """Have imports of these packages looked at from now on; the `.pth` file calls it."""
    # In a virtual environment, Python reads every `.pth` file twice (seen in 3.9 to 3.13).
    if any(isinstance(finder, RebuildingFinder) for finder in sys.meta_path):
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
        self._failure = ""
        self._failed_at = 0.0

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Bring a package's libraries up to date; return nothing.

        :raises ImportError: it failed; the last libraries that were built are still there.
        """
        del path, target
        if name in self._packages and not is_switched_off(os.environ):
            self._bring_up_to_date(name)
            self._packages = ()  # once in a process
        return None

    def _bring_up_to_date(self, name: str) -> None:
        import time

        if self._failure and time.monotonic() - self._failed_at < _RETRY_AFTER_SECONDS:
            self._failed_at = time.monotonic()
            raise ImportError(self._failure, name=name)
        try:
            bring_up_to_date(self._folder)
        except (ImportError, OSError) as problem:
            what = str(problem)
            if isinstance(problem, OSError):
                what = (
                    f"cannot rebuild the libraries of {name} "
                    f"({SWITCH_VARIABLE}=0 imports those of the last build): {problem}"
                )
            self._failure, self._failed_at = what, time.monotonic()
            raise ImportError(what, name=name) from None


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """Whether imports are to take the libraries as they are."""
    switch = environment.get(SWITCH_VARIABLE, "").strip().lower()
    return switch in {"0", "no", "off", "false"} or BUILDING_VARIABLE in environment


def bring_up_to_date(folder: str) -> None:
    """Rebuild the libraries of one distribution unless nothing has changed.

    :param folder: where its libraries and its record are installed.
    :raises ImportError: it failed; the last libraries that were built are still there.
    """
    record = read_record(folder)
    if record is None or not os.path.isdir(record["root"]) or is_up_to_date(record):
        return
    with _turn(record):
        # Whoever had its turn before has rebuilt for this process, too.
        record = read_record(folder)
        if record is not None and not is_up_to_date(record):
            _rebuild(folder, record)
    import importlib

    importlib.invalidate_caches()  # stubs may be new files


def read_record(folder: str) -> dict[str, Any] | None:
    """Return the record of the last build, ``None`` if the project was uninstalled.

    :raises ImportError: the record is corrupt.
    """
    import json

    file = os.path.join(folder, RECORD)
    record: object = None
    try:
        with open(file, encoding="utf-8") as stream:
            record = json.load(stream)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        pass  # reported below
    if not isinstance(record, dict):
        raise ImportError(  # noqa: TRY004 - the importing program expects no other error
            f"{file} is corrupt: install the project again, as with 'pip install -e .', or set "
            f"{SWITCH_VARIABLE}=0 to import the libraries of the last build"
        )
    return record


def is_up_to_date(record: Mapping[str, Any]) -> bool:
    """Whether sources, headers, settings and libraries are those of the last build."""
    root = record["root"]
    if any(signature(os.path.join(root, n)) != known for n, known in record["files"].items()):
        return False
    suffixes = tuple(record["suffixes"])
    for name, known in record["folders"].items():
        if listing(os.path.join(root, name), suffixes) != known:
            return False
    try:
        lock = open(os.path.join(root, record["folder"], "lock"), "rb")  # noqa: SIM115 - below
    except OSError:
        return False
    with lock:
        # While another process builds, its libraries may be about to be replaced.
        return _is_free(lock.fileno()) and _ninja_has_nothing_to_do(record)


def signature(path: str) -> list[int] | None:
    """Return what changes when a file does: its time in nanoseconds and its size."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def listing(folder: str, suffixes: tuple[str, ...]) -> list[str] | None:
    """Return what a glob for sources can meet in a folder, sorted.

    Not the folder's time: Python and editors write files of their own beside a package's sources.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if not entry.name.startswith((".", "__pycache__"))
                and (entry.name.endswith(suffixes) or entry.is_dir())
            )
    except OSError:
        return None


def tools_folder(record: Mapping[str, Any]) -> str:
    """Return where the tools of a build are unpacked."""
    return os.path.join(record["root"], record["folder"], f"{_UNPACKED}{record['tools']}")


def unpack_tools(folder: str, record: Mapping[str, Any]) -> str:
    """Unpack the archive beside the libraries unless that was done before; return where.

    If the archive is unpacked, tools that no build has used for 60 days are deleted.
    """
    tools = tools_folder(record)
    if os.path.isdir(tools):
        import contextlib

        with contextlib.suppress(OSError):  # another user's folder
            os.utime(tools)
        return tools
    import shutil
    import zipfile

    temporary = f"{tools}.{os.getpid()}"
    try:
        with zipfile.ZipFile(os.path.join(folder, TOOLS)) as archive:
            archive.extractall(temporary)
        os.chmod(os.path.join(temporary, NINJA), 0o755)  # noqa: S103 - a program's
        os.rename(temporary, tools)
    except BaseException as problem:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(problem, OSError) and os.path.isdir(tools):
            return tools  # another process was first
        raise
    _remove_unused_tools(os.path.dirname(tools))
    return tools


def _remove_unused_tools(folder: str) -> None:
    import shutil
    import time

    try:
        with os.scandir(folder) as entries:
            names = [e.path for e in entries if e.name.startswith(_UNPACKED)]
    except OSError:
        return
    for name in names:
        unused = f"{name}.{os.getpid()}"
        try:
            if time.time() - os.stat(name).st_mtime <= _SECONDS_UNTIL_UNUSED:
                continue
            os.rename(name, unused)  # no build finds a folder that is half deleted
        except OSError:
            continue  # another process has deleted the folder
        shutil.rmtree(unused, ignore_errors=True)


def build_environment(record: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build: what compilers and settings see is as at the install."""
    variables = record["variables"]
    dropped = {*variables, *_PRELOADING_VARIABLES}
    return {
        **{
            name: value
            for name, value in environment.items()
            if name == DEBUG_VARIABLE
            or not (name in dropped or name.startswith(SETTINGS_VARIABLES))
        },
        **{name: value for name, value in variables.items() if value is not None},
        "NINJA": os.path.join(tools_folder(record), NINJA),
        BUILDING_VARIABLE: "1",
    }


def import_path(entries: Sequence[object], root: str) -> list[str]:
    """Return the import path of a build: that of this process, with a few differences.

    It has nothing of the project's folder. The standard library comes first: beside the script
    that is running may lie a `configparser.py`, which so far nobody has imported.
    """
    standard = os.path.dirname(os.__file__)
    kept = [
        os.path.abspath(entry)
        for entry in entries
        if isinstance(entry, str) and entry and os.path.realpath(entry) != os.path.realpath(root)
    ]
    return sorted(kept, key=lambda entry: entry not in {standard, f"{standard}{os.sep}lib-dynload"})


def first_error(printed: str) -> str:
    """Return a build's first error, with what the compiler shows below it; else its end."""
    import re

    printed = re.sub(_COLOURS, "", printed)
    error = re.search(_FIRST_ERROR, printed)
    if error is None:
        command = re.search(_FAILED_COMMAND, printed)
        if command is not None:
            return "\n".join(printed[command.end() :].splitlines()[:_SHOWN_LINES])
        error = re.search(_OUR_ERROR, printed)
    if error is not None:
        return "\n".join(printed[error.start() :].splitlines()[:_SHOWN_LINES])
    return "\n".join(printed.splitlines()[-_SHOWN_LINES:])


def _rebuild(folder: str, record: Mapping[str, Any]) -> None:
    distribution, root = record["distribution"], record["root"]
    _say(f"{distribution} has changed: rebuilding its libraries")
    if not sys.executable:
        raise ImportError(
            f"{distribution} has changed, and this program knows of no Python to rebuild its "
            f"libraries with: import it in one, or set {SWITCH_VARIABLE}=0"
        )
    status, printed = _run_build(folder, unpack_tools(folder, record), record)
    log = os.path.join(root, record["folder"], LOG)
    try:
        with open(log, "w", encoding="utf-8") as stream:
            stream.write(printed)
    except OSError:
        pass  # what counts is said below
    if status != 0:
        raise ImportError(
            f"rebuilding the libraries of {distribution} failed:\n{first_error(printed)}\n"
            f"{log} has all of it; those of the last build are still there, and are imported with "
            f"{SWITCH_VARIABLE}=0"
        )


def _run_build(folder: str, tools: str, record: Mapping[str, Any]) -> tuple[int, str]:
    """Build in a process of its own; return its exit status and all that it printed."""
    import contextlib
    import json
    import signal
    import subprocess

    root = record["root"]
    command = [
        sys.executable,
        "-I",
        *(["-B"] if sys.dont_write_bytecode else []),
        *("-X", "utf8", "-c", _BOOTSTRAP),
        json.dumps([tools, *import_path(sys.path, root)]),
        folder,
    ]
    printed = []
    with subprocess.Popen(
        command,
        cwd=root,
        env=build_environment(record, os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                printed.append(line)
                if line.startswith(f"{_PREFIX}: waiting for "):
                    _say(line[len(f"{_PREFIX}: ") :].rstrip())
        except BaseException:
            # An interrupt may be of this process alone. The build ends its compilers on its own.
            if sys.platform == "win32":
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):  # the next build waits for it
                process.wait(_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def _say(message: str) -> None:
    if sys.stderr is not None:  # pythonw.exe has none
        sys.stderr.write(f"{_PREFIX}: {message}\n")
        sys.stderr.flush()


def _turn(record: Mapping[str, Any]) -> IO[bytes]:
    """Wait for other processes that rebuild for an import; the open file is this one's turn."""
    folder = os.path.join(record["root"], record["folder"])
    os.makedirs(folder, exist_ok=True)
    stream = open(os.path.join(folder, "rebuild-lock"), "ab")  # noqa: SIM115 - returned
    if sys.platform == "win32":
        return stream  # builds wait for each other
    import fcntl

    try:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{record['distribution']} has changed: another process rebuilds its libraries")
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
    except BaseException:
        stream.close()
        raise
    return stream


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
            env=build_environment(record, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError:
        return False
    return process.returncode == 0 and b"no work to do" in process.stdout
