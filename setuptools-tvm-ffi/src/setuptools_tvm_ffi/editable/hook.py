# SPDX-License-Identifier: Apache-2.0
"""Import hook of an editable install: rebuilds the libraries before a package is imported.

If the setting `editable-rebuild` is true, setuptools-tvm-ffi copies this module into the editable
wheel. A `.pth` file in the wheel imports the module whenever Python starts. `pip uninstall` removes
the module and the `.pth` file. The module imports only standard modules, and imports most of
them only for a rebuild, so that Python starts fast. A rebuild uses build tools from an archive,
which is in the folder of the libraries.
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

#: An environment variable that a build sets, see `build_lock`. While the variable is set, imports
#: do not rebuild. Otherwise, an import during a build would start a rebuild, which would wait
#: forever for the running build.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

#: The environment variable of the setting `editable-rebuild`. If the variable is set to false,
#: imports do not rebuild.
SWITCH_VARIABLE = "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD"

#: Environment variables with this prefix are settings, except `SETUPTOOLS_TVM_FFI_DEBUG`.
SETTINGS_VARIABLES = "SETUPTOOLS_TVM_FFI_"
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"

#: The content of the `.gitignore` that the plugin writes into the folder that contains all build
#: folders. If a folder's `.gitignore` has this content, the plugin has created the folder.
IGNORE_EVERYTHING = b"# Created by setuptools-tvm-ffi.\n*\n"

REBUILD_RECORD = "rebuild.json"
TOOLS = "rebuild-tools.zip"
LOG = "rebuild.log"
NINJA = "ninja.exe" if sys.platform == "win32" else "ninja"

# The name of a folder with unpacked tools consists of this prefix and the digest of the archive.
_UNPACKED = "rebuild-tools-"

_PREFIX = "setuptools-tvm-ffi"

# A rebuild removes these variables from the environment of its child process. A user may set them
# to preload the runtime of a sanitizer. This runtime would also examine the compilers, and would
# report an error because compilers do not free all memory.
_PRELOADING_VARIABLES = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")

# Patterns that find the first error in the output of a build. `first_error` uses the first pattern
# that matches.
_ERRORS = (
    # GCC, Clang: `a.cc:1:2: error: …`; nvcc: `a.cu(1): error: …`; cl: `a.cc(1): error C2065: …`;
    # as: `a.s:1: Error: …`; ptxas: `… line 1; error   : …`; nvcc's driver: `nvcc fatal   : …`;
    # ld: `…: undefined reference to …`. Exclude "linker command failed", which names no cause.
    rf"(?m)^(?!FAILED: |{_PREFIX}: |collect2: |clang(\+\+)?: error: linker command failed)"
    r"(?P<shown>.*[:;] (fatal )?[Ee]rror( \w+)? *:|\w+ fatal +:"
    r"|.*: (undefined reference to|multiple definition of) |\S*ld(\.\w+)?: cannot find ).*$",
    # Finds the output of the first command that failed. If the compiler's messages are not in
    # English, the first pattern matches no line, and this pattern is used.
    r"(?m)^FAILED: .*\n.*\n(?P<shown>)",
    rf"(?m)^(?P<shown>{_PREFIX}: error: .*)$",
)
_COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_SHOWN_LINES = 6

_HOW_TO_SKIP = f"Set {SWITCH_VARIABLE}=0 to import the libraries of the last build."

# After a failed rebuild, imports in the same process raise the same error for this number of
# seconds, without another rebuild. For example, pytest imports a package once per test file.
_RETRY_AFTER_SECONDS = 2.0

# After a failed rebuild, imports in other processes raise the same error for this number of
# seconds, without another rebuild.
_SHARED_FAILURE_SECONDS = 10.0

# The number of seconds to wait for the build to end after Ctrl-C.
_SECONDS_TO_END = 5

# Unpacked tools that no build has used for 60 days are deleted. If an editable install still needs
# the tools, its next rebuild unpacks the archive again.
_SECONDS_UNTIL_UNUSED = 60 * 24 * 60 * 60

# The code that the child process of a rebuild runs. When Python starts, a `.pth` file of the
# installed setuptools imports modules of setuptools. The build tools may contain another version of
# setuptools, so the code removes these modules before it imports the build tools.
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
    """Install an import hook that rebuilds before one of these packages is imported.

    The `.pth` file calls this function.
    """
    # Install the hook only once, although Python (3.9 to 3.13) reads every `.pth` file twice in a
    # virtual environment.
    if any(isinstance(finder, RebuildingFinder) for finder in sys.meta_path):
        return
    # The name of this module contains the name of the distribution. For example, the module
    # `_my_package_rebuild` rebuilds the libraries in the folder `my_package.libs`.
    distribution = __name__[len("_") : -len("_rebuild")]
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{distribution}.libs")
    sys.meta_path.insert(0, RebuildingFinder(folder, packages))


class RebuildingFinder:
    """Rebuilds the libraries before the first import of a package of the project.

    Other finders then find and load the package.
    """

    def __init__(self, folder: str, packages: tuple[str, ...]) -> None:
        self._folder = folder
        self._packages = packages
        self._failure = ""
        self._failed_at = 0.0

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Rebuild the libraries if necessary, and return ``None``.

        :raises ImportError: the rebuild failed. The libraries of the last build are unchanged.
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
                self._packages = ()  # Do not rebuild again in this process.
                return None
        self._failed_at = time.monotonic()
        raise ImportError(self._failure, name=name)


def is_switched_off(environment: Mapping[str, str]) -> bool:
    """Whether an environment variable disables rebuilds on import."""
    switch = environment.get(SWITCH_VARIABLE, "").strip().lower()
    return switch in {"0", "no", "off", "false"} or BUILDING_VARIABLE in environment


def bring_up_to_date(folder: str) -> None:
    """Rebuild the libraries of one distribution if an input or a library has changed.

    :param folder: the folder that contains the installed libraries and the rebuild record.
    :raises ImportError: the rebuild failed. The libraries of the last build are unchanged.
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
    with open(os.path.join(build_folder, "rebuild-lock"), "a+b") as lock:
        if not _try_lock(lock):
            lock.seek(0)
            holder = lock.read().decode(errors="replace")
            process = f"process {holder}" if holder else "another process"
            _report(f"{record['distribution']} has changed: {process} rebuilds its libraries")
            while not _try_lock(lock):
                time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        # Another process may have rebuilt the libraries while this process waited for the lock.
        record = read_record(folder)
        if record is not None and not is_up_to_date(record):
            _report_recent_failure(record, started)
            _rebuild(folder, record)
    import importlib

    # Python caches the contents of folders on the import path. The rebuild may have created Python
    # modules, which are missing from these caches.
    importlib.invalidate_caches()


def read_record(folder: str) -> dict[str, Any] | None:
    """Return the rebuild record in `folder`, or ``None`` if the project was uninstalled.

    :raises ImportError: the record is corrupt.
    """
    import json

    file = os.path.join(folder, REBUILD_RECORD)
    try:
        with open(file, encoding="utf-8") as stream:
            record: object = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ImportError(  # noqa: TRY004 - importers expect ImportError
            f"{file} is corrupt: reinstall the project, for example with 'pip install -e .'"
        )
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
            # Another process may be building, and may soon replace the libraries.
            return _try_lock(lock, shared=True)
    except OSError:  # The lock file is missing: the build folder was deleted, so rebuild.
        return False


def signature(path: str) -> list[int] | None:
    """Return a file's size, inode, ``st_mtime_ns`` and ``st_ctime_ns``.

    If the file does not exist, return ``None``. At least one of the numbers changes when the file
    changes.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def listing(folder: str, suffixes: tuple[str, ...]) -> list[str] | None:
    """Return the sorted names of the sources and subfolders in a folder.

    The listing shows whether a source was added or removed. The folder's modification time cannot
    show this, because the time also changes when Python or an editor creates any other file.
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
    """Return the folder into which the build tools are unpacked."""
    return os.path.join(record["tools_parent"], f"{_UNPACKED}{record['tools']}")


def unpack_tools(folder: str, record: Mapping[str, Any]) -> str:
    """Unpack the archive of build tools if necessary, and return the folder of the tools.

    After unpacking, delete the unpacked tools that no build has used for 60 days.

    :param folder: the folder that contains the archive.
    """
    import contextlib
    import shutil
    import time
    import zipfile

    tools = tools_folder(record)
    if os.path.isdir(tools):
        # Mark the tools as used. This fails if the folder belongs to another user.
        with contextlib.suppress(OSError):
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
            return tools  # Another process has unpacked the same archive.
        raise
    parent = os.path.dirname(tools)
    for path in [os.path.join(parent, n) for n in os.listdir(parent) if n.startswith(_UNPACKED)]:
        with contextlib.suppress(OSError):  # Another process may have deleted the folder.
            if time.time() - os.stat(path).st_mtime > _SECONDS_UNTIL_UNUSED:
                shutil.rmtree(path)
    return tools


def build_environment(record: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of a rebuild.

    The variables that compilers read, and the plugin's settings, have the same values as during the
    installation. Variables that preload a library are removed. The remaining variables come from
    `environment`.
    """
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
    """Return `entries` without the project's folder, and with the standard library first.

    The first entry of `entries` is usually the folder of the running script. If that folder
    contains, for example, a `configparser.py`, the build must still import the standard module.

    :param entries: the import path of this process.
    :param root: the project's folder.
    """
    standard = os.path.dirname(os.__file__)
    kept = [
        os.path.abspath(entry)
        for entry in entries
        if isinstance(entry, str) and entry and os.path.realpath(entry) != os.path.realpath(root)
    ]
    return sorted(kept, key=lambda entry: entry not in {standard, f"{standard}{os.sep}lib-dynload"})


def first_error(printed: str) -> str:
    """Return the first error in a build's output. If no pattern matches, return the last lines."""
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
            f"cannot rebuild the libraries of {distribution}: sys.executable is not set, "
            "for example because a program embeds Python. Before you run this program, import the "
            f"package once with the python command.\n{_HOW_TO_SKIP}"
        )
    state = state_of_inputs(record)
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
    """If another process has just failed to build the same inputs, raise the error of that build.

    For example, pytest-xdist starts several processes, which import a package at about the same
    time. Only the first process should compile a broken source.

    :param started: the time when this process began to wait for the lock.
    """
    import time

    try:
        failed = os.stat(_failure_file(record)).st_mtime
        with open(_failure_file(record), encoding="utf-8") as stream:
            state, _, message = stream.read().partition("\n")
    except OSError:
        return
    recent = failed >= min(started, time.time() - _SHARED_FAILURE_SECONDS)
    if recent and state == state_of_inputs(record):
        raise ImportError(message)


def _failure_file(record: Mapping[str, Any]) -> str:
    return os.path.join(record["root"], record["folder"], "rebuild-failure.txt")


def state_of_inputs(record: Mapping[str, Any]) -> str:
    """Return a digest of the state of all inputs. Files in the build folder are not inputs."""
    import hashlib
    import json

    root = record["root"]
    own = os.path.join(root, record["folder"], "")
    # If `name` is an absolute path, `os.path.join` returns `name`.
    paths = sorted(os.path.join(root, name) for name in record["files"])
    state = [
        *([path, signature(path)] for path in paths if not path.startswith(own)),
        *(
            [name, listing(os.path.join(root, name), tuple(record["suffixes"]))]
            for name in record["folders"]
        ),
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def _run_build(folder: str, tools: str, record: Mapping[str, Any]) -> tuple[int, str]:
    """Build in a child process. Return the exit status and the output of the process."""
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
            # The child may not have received the signal that interrupted this process. Send the
            # child a signal, so that it ends the compilers that it has started.
            process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
            # If the child does not end in time, the next build waits for the child.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def _report(message: str) -> None:
    if sys.stderr is not None:  # pythonw.exe has no stderr.
        sys.stderr.write(f"{_PREFIX}: {message}\n")
        sys.stderr.flush()


def _try_lock(stream: IO[bytes], *, shared: bool = False) -> bool:
    """Lock a file without waiting. Return ``False`` if another process has locked the file."""
    if sys.platform == "win32":
        return True  # On Windows, only the build itself takes a lock, see `build_lock`.
    import fcntl

    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # This file system does not support locks: continue without a lock.
    return True
