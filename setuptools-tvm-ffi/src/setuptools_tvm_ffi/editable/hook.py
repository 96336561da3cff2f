# SPDX-License-Identifier: Apache-2.0
"""Import hook of an editable install: rebuilds the libraries before a package is imported.

With `editable-rebuild`, setuptools-tvm-ffi copies this module into the editable wheel, together
with a `.pth` file that imports it whenever Python starts; `pip uninstall` removes both. The module
needs only the standard library, and imports most of that only for a rebuild. The build tools are in
an archive beside the libraries.
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

#: Set while a build holds its lock, see `build_lock`. A rebuild would wait for that build forever.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

#: The setting `editable-rebuild`: if it is false, imports do not rebuild.
SWITCH_VARIABLE = "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD"

#: The prefix of variables that are settings, and the only such variable that is not a setting.
SETTINGS_VARIABLES = "SETUPTOOLS_TVM_FFI_"
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"

#: The `.gitignore` of a folder that the plugin creates, see `build_folder`.
IGNORE_EVERYTHING = b"# Created by setuptools-tvm-ffi.\n*\n"

RECORD = "rebuild.json"
TOOLS = "rebuild-tools.zip"
LOG = "rebuild.log"
NINJA = "ninja.exe" if sys.platform == "win32" else "ninja"

_UNPACKED = "rebuild-tools-"  # followed by the digest of the archive

_PREFIX = "setuptools-tvm-ffi"

# A preloaded sanitizer runtime makes compilers fail, because they do not free all memory.
_PRELOADING_VARIABLES = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")

# Patterns of the first error, in order of preference.
_ERRORS = (
    # GCC, Clang: `a.cc:1:2: error: …`; nvcc: `a.cu(1): error: …`; cl: `a.cc(1): error C2065: …`;
    # as: `a.s:1: Error: …`; ptxas: `… line 1; error   : …`; nvcc's driver: `nvcc fatal   : …`;
    # ld: `…: undefined reference to …`. A driver's "linker command failed" gives no cause.
    rf"(?m)^(?!FAILED: |{_PREFIX}: |collect2: |clang(\+\+)?: error: linker command failed)"
    r"(?P<shown>.*[:;] (fatal )?[Ee]rror( \w+)? *:|\w+ fatal +:"
    r"|.*: (undefined reference to|multiple definition of) |\S*ld(\.\w+)?: cannot find ).*$",
    # If no line looks like an error, for example because it is not in English: show the output of
    # the first command that failed.
    r"(?m)^FAILED: .*\n.*\n(?P<shown>)",
    rf"(?m)^(?P<shown>{_PREFIX}: error: .*)$",
)
_COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_SHOWN_LINES = 6

_HOW_TO_SKIP = f"Set {SWITCH_VARIABLE}=0 to import the libraries of the last build."

# Imports that immediately follow a failure, such as those of pytest, raise the same error at once.
_RETRY_AFTER_SECONDS = 2.0

# Other processes that import the package within this time get the same error, too.
_SHARED_FAILURE_SECONDS = 10.0

_SECONDS_TO_END = 5

# If tools are deleted that are still in use, the next build unpacks the archive again.
_SECONDS_UNTIL_UNUSED = 60 * 24 * 60 * 60

# A `.pth` file of this environment's setuptools may have imported modules of that setuptools, which
# must not mix with the tools' setuptools.
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
    """Rebuild before imports of these packages; the `.pth` file calls this function."""
    # In a virtual environment, Python (3.9 to 3.13) reads every `.pth` file twice.
    if any(isinstance(finder, RebuildingFinder) for finder in sys.meta_path):
        return
    # `_my_package_rebuild` belongs to `my_package.libs`.
    distribution = __name__[len("_") : -len("_rebuild")]
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{distribution}.libs")
    sys.meta_path.insert(0, RebuildingFinder(folder, packages))


class RebuildingFinder:
    """Rebuilds when a package of the project is imported; other finders find the module."""

    def __init__(self, folder: str, packages: tuple[str, ...]) -> None:
        self._folder = folder
        self._packages = packages
        self._failure = ""
        self._failed_at = 0.0

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Rebuild the libraries if necessary; return None.

        :raises ImportError: the rebuild failed; the libraries of the last build are unchanged.
        """
        del path, target
        if name not in self._packages or is_switched_off(os.environ):
            return None
        import time

        if not self._failure or time.monotonic() - self._failed_at >= _RETRY_AFTER_SECONDS:
            try:
                bring_up_to_date(self._folder)
            except ImportError as problem:
                self._failure = str(problem)
            except OSError as problem:
                self._failure = f"cannot rebuild the libraries of {name}: {problem}\n{_HOW_TO_SKIP}"
            else:
                self._packages = ()  # once per process
                return None
        self._failed_at = time.monotonic()
        raise ImportError(self._failure, name=name)


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """Whether imports must not rebuild."""
    switch = environment.get(SWITCH_VARIABLE, "").strip().lower()
    return switch in {"0", "no", "off", "false"} or BUILDING_VARIABLE in environment


def bring_up_to_date(folder: str) -> None:
    """Rebuild the libraries of one distribution if something has changed.

    :param folder: contains the installed libraries and their record.
    :raises ImportError: the rebuild failed; the libraries of the last build are unchanged.
    """
    record = read_record(folder)
    if record is None or not os.path.isdir(record["root"]) or is_up_to_date(record):
        return
    import time

    build_folder = os.path.join(record["root"], record["folder"])
    base = os.path.dirname(build_folder)
    if not os.path.isdir(base):
        os.makedirs(base, exist_ok=True)
        with open(os.path.join(base, ".gitignore"), "wb") as stream:
            stream.write(IGNORE_EVERYTHING)
    os.makedirs(build_folder, exist_ok=True)
    started = time.time()
    with open(os.path.join(build_folder, "rebuild-lock"), "ab") as lock:
        if not _try_lock(lock):
            _report(f"{record['distribution']} has changed: another process rebuilds its libraries")
            while not _try_lock(lock):
                time.sleep(0.1)
        # Another process may have rebuilt the libraries meanwhile.
        record = read_record(folder)
        if record is not None and not is_up_to_date(record):
            _report_recent_failure(record, started)
            _rebuild(folder, record)
    import importlib

    importlib.invalidate_caches()  # stubs may be new files


def read_record(folder: str) -> dict[str, Any] | None:
    """Return the record of the last build, ``None`` if the project was uninstalled.

    :raises ImportError: the record is corrupt.
    """
    import json

    file = os.path.join(folder, RECORD)
    try:
        with open(file, encoding="utf-8") as stream:
            record: dict[str, Any] = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError:
        raise ImportError(
            f"{file} is corrupt: reinstall the project, for example with 'pip install -e .'"
        ) from None
    return record


def is_up_to_date(record: Mapping[str, Any]) -> bool:
    """Whether sources, headers, settings and libraries are unchanged since the last build."""
    root = record["root"]
    if any(signature(os.path.join(root, n)) != known for n, known in record["files"].items()):
        return False
    suffixes = tuple(record["suffixes"])
    for name, known in record["folders"].items():
        if listing(os.path.join(root, name), suffixes) != known:
            return False
    try:
        with open(os.path.join(root, record["folder"], "lock"), "rb") as lock:
            # Another process that builds may be about to replace the libraries.
            return _try_lock(lock, shared=True)
    except OSError:  # the lock was deleted
        return False


def signature(path: str) -> list[int] | None:
    """Return what changes with a file: its size, inode and times in nanoseconds."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def listing(folder: str, suffixes: tuple[str, ...]) -> list[str] | None:
    """Return the sources and folders in a folder, sorted.

    The folder's modification time does not help: Python and editors write other files there.
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
    """Return the folder of the unpacked build tools."""
    return os.path.join(record["tools_parent"], f"{_UNPACKED}{record['tools']}")


def unpack_tools(folder: str, record: Mapping[str, Any]) -> str:
    """Unpack the archive of build tools unless it is already unpacked; return the folder.

    After unpacking, delete tools that no build has used for 60 days.
    """
    import contextlib
    import shutil
    import time
    import zipfile

    tools = tools_folder(record)
    if os.path.isdir(tools):
        with contextlib.suppress(OSError):  # another user's folder
            os.utime(tools)
        return tools
    temporary = f"{tools}.{os.getpid()}"
    try:
        with zipfile.ZipFile(os.path.join(folder, TOOLS)) as archive:
            archive.extractall(temporary)
        os.chmod(os.path.join(temporary, NINJA), 0o755)  # noqa: S103 - a program
        os.rename(temporary, tools)
    except BaseException as problem:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(problem, OSError) and os.path.isdir(tools):
            return tools  # another process was first
        raise
    parent = os.path.dirname(tools)
    for path in [os.path.join(parent, n) for n in os.listdir(parent) if n.startswith(_UNPACKED)]:
        with contextlib.suppress(OSError):  # another process has deleted the folder
            if time.time() - os.stat(path).st_mtime > _SECONDS_UNTIL_UNUSED:
                shutil.rmtree(path)
    return tools


def build_environment(record: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build; compilers and settings see the values at installation."""
    variables = record["variables"]
    dropped = {*variables, *_PRELOADING_VARIABLES}
    kept = {
        name: value
        for name, value in environment.items()
        if name == DEBUG_VARIABLE or not (name in dropped or name.startswith(SETTINGS_VARIABLES))
    }
    return {
        **kept,
        **{name: value for name, value in variables.items() if value is not None},
        "NINJA": os.path.join(tools_folder(record), NINJA),
        BUILDING_VARIABLE: "1",
    }


def import_path(entries: Sequence[object], root: str) -> list[str]:
    """Return the import path of this process without the project's folder.

    The standard library comes first, because the folder of the running script may contain a module
    with the name of a standard one, such as `configparser.py`.
    """
    standard = os.path.dirname(os.__file__)
    kept = [
        os.path.abspath(entry)
        for entry in entries
        if isinstance(entry, str) and entry and os.path.realpath(entry) != os.path.realpath(root)
    ]
    return sorted(kept, key=lambda entry: entry not in {standard, f"{standard}{os.sep}lib-dynload"})


def first_error(printed: str) -> str:
    """Return the first lines of a build's first error, or the last lines if there is no error."""
    import re

    printed = re.sub(_COLOURS, "", printed)
    for pattern in _ERRORS:
        found = re.search(pattern, printed)
        if found is not None:
            return "\n".join(printed[found.start("shown") :].splitlines()[:_SHOWN_LINES])
    return "\n".join(printed.splitlines()[-_SHOWN_LINES:])


def _rebuild(folder: str, record: Mapping[str, Any]) -> None:
    distribution = record["distribution"]
    _report(f"{distribution} has changed: rebuilding its libraries")
    if not sys.executable:
        raise ImportError(
            f"cannot rebuild the libraries of {distribution}: sys.executable is not set. Import it "
            f"in a regular Python first.\n{_HOW_TO_SKIP}"
        )
    state = _state_of_inputs(record)
    status, printed = _run_build(folder, unpack_tools(folder, record), record)
    log = os.path.join(record["root"], record["folder"], LOG)
    with open(log, "w", encoding="utf-8") as stream:
        stream.write(printed)
    if status != 0:
        message = (
            f"cannot rebuild the libraries of {distribution}:\n{first_error(printed)}\n"
            f"Full output: {log}\n{_HOW_TO_SKIP}"
        )
        with open(_failure_file(record), "w", encoding="utf-8") as stream:
            stream.write(f"{state}\n{message}")
        raise ImportError(message)


def _report_recent_failure(record: Mapping[str, Any], started: float) -> None:
    """Raise the error of another process that has just failed to rebuild the same inputs.

    The processes of pytest-xdist import a package at about the same time. Only the first of them
    should compile a broken source.

    :param started: when this process began to wait for its turn.
    """
    import time

    try:
        failed = os.stat(_failure_file(record)).st_mtime
        with open(_failure_file(record), encoding="utf-8") as stream:
            state, _, message = stream.read().partition("\n")
    except OSError:
        return
    recent = failed >= min(started, time.time() - _SHARED_FAILURE_SECONDS)
    if recent and state == _state_of_inputs(record):
        raise ImportError(message)


def _failure_file(record: Mapping[str, Any]) -> str:
    return os.path.join(record["root"], record["folder"], "rebuild-failure.txt")


def _state_of_inputs(record: Mapping[str, Any]) -> str:
    """Return a digest of all that a rebuild depends on, except what builds write themselves."""
    import hashlib
    import json

    root, own = record["root"], f"{record['folder']}/"
    names = sorted(name for name in record["files"] if not name.startswith(own))
    state = [
        *([name, signature(os.path.join(root, name))] for name in names),
        *(
            [name, listing(os.path.join(root, name), tuple(record["suffixes"]))]
            for name in record["folders"]
        ),
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def _run_build(folder: str, tools: str, record: Mapping[str, Any]) -> tuple[int, str]:
    """Build in a child process; return its exit status and its output."""
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
                    _report(line[len(f"{_PREFIX}: ") :].rstrip())
        except BaseException:
            # The interrupt may have reached this process only. The child ends its compilers.
            process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):  # the next build waits for it
                process.wait(_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def _report(message: str) -> None:
    if sys.stderr is not None:  # pythonw.exe has none
        sys.stderr.write(f"{_PREFIX}: {message}\n")
        sys.stderr.flush()


def _try_lock(stream: IO[bytes], *, shared: bool = False) -> bool:
    """Lock a file; return whether no other process has locked it."""
    if sys.platform == "win32":
        return True  # rebuilds wait for the build lock
    import fcntl

    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # This file system does not support locks.
    return True
