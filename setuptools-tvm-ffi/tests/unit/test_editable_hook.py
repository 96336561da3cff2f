# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from setuptools_tvm_ffi.editable import hook

SUFFIXES = (".c", ".cc")

NINJA_BUILDS = "[1/2] compile a.cc\n"
GCC = f"""\
{NINJA_BUILDS}FAILED: build/objects/a.cc.o
c++ -O3 -c a.cc -o build/objects/a.cc.o
a.cc: In function 'int f()':
a.cc:1:17: error: 'missing' was not declared in this scope
    1 | int f(){{ return missing; }}
      |                 ^~~~~~~
[2/2] compile b.cc
b.cc:9:9: error: not the first
ninja: build stopped: subcommand failed.
setuptools-tvm-ffi: error: extension 'p.a': compiling a.cc failed, see the compiler's message above
"""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        pytest.param(
            GCC,
            "a.cc:1:17: error: 'missing' was not declared in this scope\n"
            "    1 | int f(){ return missing; }\n",
            id="gcc",
        ),
        pytest.param(
            "In file included from a.cc:3:\n"
            "\x1b[01m\x1b[Kh.h:1:10:\x1b[m\x1b[K \x1b[01;31m\x1b[Kfatal error: \x1b[m\x1b[Kno.h\n"
            "    1 | #include <no.h>\n",
            "h.h:1:10: fatal error: no.h\n    1 | #include <no.h>",
            id="gcc in colours, in a header",
        ),
        pytest.param(
            "a.c:1:9: warning: unused variable 'error' [-Wunused]\n"
            "a.c:1:17: error: use of undeclared identifier 'missing'\n"
            "int f(){ return missing; }\n                ^\n1 error generated.\n",
            "a.c:1:17: error: use of undeclared identifier 'missing'\nint f(){ return missing; }\n",
            id="clang",
        ),
        pytest.param(
            'a.cu(1): error: identifier "missing" is undefined\n  int f(){ return missing; }\n',
            'a.cu(1): error: identifier "missing" is undefined\n  int f(){ return missing; }',
            id="nvcc",
        ),
        pytest.param(
            "ptxas /tmp/k.ptx, line 21; error   : Not a name of any known instruction: 'bad'\n"
            "ptxas fatal   : Ptx assembly aborted due to errors\n",
            "ptxas /tmp/k.ptx, line 21; error   : Not a name of any known instruction: 'bad'\n"
            "ptxas fatal   : Ptx assembly aborted due to errors",
            id="ptxas",
        ),
        pytest.param(
            f"{NINJA_BUILDS}nvcc fatal   : Unsupported gpu architecture 'compute_1'\n",
            "nvcc fatal   : Unsupported gpu architecture 'compute_1'",
            id="nvcc's driver",
        ),
        pytest.param(
            "a.cc\nC:\\p\\a.cc(7): error C2065: 'missing': undeclared identifier\n",
            "C:\\p\\a.cc(7): error C2065: 'missing': undeclared identifier",
            id="msvc",
        ),
        pytest.param(
            "   Creating library a.lib\na.obj : error LNK2019: unresolved external symbol f\n",
            "a.obj : error LNK2019: unresolved external symbol f",
            id="msvc's linker",
        ),
        pytest.param(
            "p.c: Assembler messages:\np.c:1: Error: no such instruction: `bad'\n",
            "p.c:1: Error: no such instruction: `bad'",
            id="as",
        ),
        pytest.param(
            "/usr/bin/ld: l.o: in function `h()':\n"
            "l.cc:(.text+0x5): undefined reference to `g()'\n"
            "collect2: error: ld returned 1 exit status\n",
            "l.cc:(.text+0x5): undefined reference to `g()'\n",
            id="ld",
        ),
        pytest.param(
            "/usr/bin/ld: cannot find -lnowhere: No such file or directory\n"
            "collect2: error: ld returned 1 exit status\n",
            "/usr/bin/ld: cannot find -lnowhere: No such file or directory\n",
            id="ld without a library",
        ),
        pytest.param(
            "ld.lld: error: undefined symbol: g()\n>>> referenced by l.cc\n",
            "ld.lld: error: undefined symbol: g()\n>>> referenced by l.cc",
            id="lld",
        ),
        pytest.param(
            "FAILED: [code=1] build/libl.dylib \nclang++ -shared l.o\n"
            'Undefined symbols for architecture arm64:\n  "g()", referenced from:\n'
            "ld: symbol(s) not found for architecture arm64\n"
            "clang++: error: linker command failed with exit code 1 (use -v to see invocation)\n",
            'Undefined symbols for architecture arm64:\n  "g()", referenced from:\n'
            "ld: symbol(s) not found for architecture arm64\n",
            id="ld of macOS",
        ),
        pytest.param(
            "FAILED: build/objects/a.cc.o\nc++ -c a.cc\n"
            "a.cc:1:17: Fehler: »missing« wurde in diesem Gültigkeitsbereich nicht definiert\n"
            "setuptools-tvm-ffi: error: extension 'p.a': compiling a.cc failed\n",
            "a.cc:1:17: Fehler: »missing« wurde in diesem Gültigkeitsbereich nicht definiert\n",
            id="in another language",
        ),
        pytest.param(
            "ninja: error: 'h.h', needed by 'a.o', missing and no known rule to make it\n",
            "ninja: error: 'h.h', needed by 'a.o', missing and no known rule to make it",
            id="ninja",
        ),
        pytest.param(
            "running build_ext\nsetuptools-tvm-ffi: error: no C++ compiler\n"
            "setuptools-tvm-ffi: hint: set CXX\n",
            "setuptools-tvm-ffi: error: no C++ compiler\nsetuptools-tvm-ffi: hint: set CXX",
            id="ours",
        ),
        pytest.param(
            'Traceback (most recent call last):\n  File "setup.py", line 1, in <module>\n'
            "    import numpy\nModuleNotFoundError: No module named 'numpy'\n",
            'Traceback (most recent call last):\n  File "setup.py", line 1, in <module>\n'
            "    import numpy\nModuleNotFoundError: No module named 'numpy'",
            id="a setup script",
        ),
        pytest.param("", "", id="nothing"),
    ],
)
def test_first_error_of_a_build(printed: str, expected: str) -> None:
    found = hook.first_error(printed)
    assert found.startswith(expected)
    assert len(found.splitlines()) <= 6


def fake_record(root: Path, **changes: Any) -> dict[str, Any]:
    """Return the record of a finished build."""
    (root / "csrc").mkdir(parents=True)
    (root / "csrc" / "a.c").write_text("")
    (root / "pyproject.toml").write_text("[project]\n")
    record = {
        "distribution": "some-project",
        "root": str(root),
        "folder": "build/tvm-ffi.linux",
        "tools": "0123",
        "tools_parent": str(root.parent / "cache"),
        "variables": {"CXX": "g++-12", "CC": None},
        "config_settings": None,
        "files": {
            "pyproject.toml": hook.signature(str(root / "pyproject.toml")),
            "setup.py": None,
        },
        "folders": {"csrc": hook.listing(str(root / "csrc"), SUFFIXES)},
        "suffixes": [*SUFFIXES],
        **changes,
    }
    (root / record["folder"]).mkdir(parents=True)
    (root / record["folder"] / "lock").touch()
    return record


needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="changes are shell commands")


def test_an_unchanged_project_is_up_to_date(tmp_path: Path) -> None:
    assert hook.is_up_to_date(fake_record(tmp_path / "p"))


@needs_shell
@pytest.mark.parametrize(
    "change",
    [
        "echo '[project]\n# more' > pyproject.toml",
        "rm pyproject.toml",
        "echo > setup.py",
        "echo > csrc/b.cc",
        "mkdir csrc/deeper",
        "rm csrc/a.c",
        "rm -r csrc",
        "rm build/tvm-ffi.linux/lock",
        "rm -r build",
    ],
)
def test_a_changed_file_is_detected(change: str, tmp_path: Path) -> None:
    record = fake_record(tmp_path / "p")
    subprocess.run(["/bin/sh", "-c", change], cwd=tmp_path / "p", check=True)
    assert not hook.is_up_to_date(record)


@needs_shell
@pytest.mark.parametrize(
    "change", ["echo > csrc/notes.txt", "mkdir csrc/__pycache__", "echo > csrc/.a.c.swp"]
)
def test_other_files_in_source_folders_are_ignored(change: str, tmp_path: Path) -> None:
    record = fake_record(tmp_path / "p")
    subprocess.run(["/bin/sh", "-c", change], cwd=tmp_path / "p", check=True)
    assert hook.is_up_to_date(record)


@needs_shell
@pytest.mark.parametrize(
    "change",
    [
        "echo 1 > include/a.h",
        "cp other.h include/a.h",
        "mv other.h include/a.h",
        "cp -p other.h include/a.h",
        "ln -sf ../other.h include/a.h",
        "touch -d 2001-01-01 include/a.h",
        "rm include/a.h",
        "echo > include/new.h",
        "rm -r include && ln -s other include",
    ],
)
def test_a_change_of_a_watched_file_or_folder_is_detected(change: str, tmp_path: Path) -> None:
    root = tmp_path / "p"
    for name in ("include/a.h", "other.h", "other/a.h"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("0\n")
    record = fake_record(root)
    for name in ("include", "include/a.h"):
        record["files"][name] = hook.signature(str(root / name))
    assert hook.is_up_to_date(record)
    time.sleep(0.01)  # timestamps of files have a coarse resolution
    subprocess.run(["/bin/sh", "-c", change], cwd=root, check=True)
    assert not hook.is_up_to_date(record)


def test_a_file_whose_status_is_unknown_is_stale(tmp_path: Path) -> None:
    record = fake_record(tmp_path / "p")
    for name in ("pyproject.toml", "missing.h"):
        assert not hook.is_up_to_date({**record, "files": {name: []}})


@needs_shell
def test_a_project_is_stale_while_another_process_builds(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    record = fake_record(tmp_path / "p")
    with (tmp_path / "p" / "build" / "tvm-ffi.linux" / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not hook.is_up_to_date(record)
    assert hook.is_up_to_date(record)


def test_the_signature_of_a_file_has_its_size_inode_and_times(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert hook.signature(str(file)) is None
    file.write_text("ab")
    os.utime(file, ns=(5, 5))
    status = file.stat()
    assert hook.signature(str(file)) == [2, status.st_ino, 5, status.st_ctime_ns]


def test_a_listing_has_sources_and_folders_and_is_sorted(tmp_path: Path) -> None:
    for name in ("z.c", "a.cc", "b.py", "c.h", ".hidden.c"):
        (tmp_path / name).touch()
    for name in ("sub", "__pycache__", ".git", "odd.c"):
        (tmp_path / name).mkdir()
    assert hook.listing(str(tmp_path), SUFFIXES) == ["a.cc", "odd.c/", "sub/", "z.c"]
    assert hook.listing(str(tmp_path / "gone"), SUFFIXES) is None


def test_a_build_has_the_variables_of_the_installation(tmp_path: Path) -> None:
    record = fake_record(tmp_path / "p")
    environment = {
        "PATH": "/usr/bin",
        "CC": "set later",
        "CXX": "changed later",
        "LD_PRELOAD": "libasan.so",
        "DYLD_INSERT_LIBRARIES": "libasan.dylib",
        "SETUPTOOLS_TVM_FFI_JOBS": "set later",
        "SETUPTOOLS_TVM_FFI_DEBUG": "1",
        "NINJA": "/usr/bin/ninja",
    }
    assert hook.build_environment(record, environment) == {
        "PATH": "/usr/bin",
        "CXX": "g++-12",
        "SETUPTOOLS_TVM_FFI_DEBUG": "1",
        "NINJA": os.path.join(hook.tools_folder(record), hook.NINJA),
        hook.BUILDING_VARIABLE: "1",
    }


def test_a_build_has_the_settings_variables_of_the_installation(tmp_path: Path) -> None:
    record = fake_record(tmp_path / "p", variables={"SETUPTOOLS_TVM_FFI_JOBS": "3"})
    assert hook.build_environment(record, {})["SETUPTOOLS_TVM_FFI_JOBS"] == "3"


def test_the_import_path_of_a_build_has_the_standard_library_first(tmp_path: Path) -> None:
    standard = os.path.dirname(os.__file__)
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "link").symlink_to(project)
    entries = [
        "",
        str(tmp_path / "script's folder"),
        str(project),
        str(tmp_path / "link"),
        standard,
        tmp_path / "no string",
        os.path.join(standard, "lib-dynload"),
        str(tmp_path / "site-packages"),
    ]
    assert hook.import_path(entries, str(project)) == [
        standard,
        os.path.join(standard, "lib-dynload"),
        str(tmp_path / "script's folder"),
        str(tmp_path / "site-packages"),
    ]


def test_relative_entries_of_the_import_path_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hook.import_path(["lib"], "/project") == [str(tmp_path / "lib")]


@pytest.mark.parametrize("word", ["0", "no", "off", "false", " OFF "])
def test_false_values_of_the_variable_disable_rebuilds(word: str) -> None:
    assert hook.is_switched_off({hook.SWITCH_VARIABLE: word})


@pytest.mark.parametrize("word", ["", "1", "yes", "true", "maybe"])
def test_other_values_of_the_variable_do_not_disable_rebuilds(word: str) -> None:
    assert not hook.is_switched_off({hook.SWITCH_VARIABLE: word})
    assert not hook.is_switched_off({})


def test_a_rebuild_hides_a_new_build_folder_from_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fake_record(tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "build")
    monkeypatch.setattr(hook, "read_record", lambda _: record)
    monkeypatch.setattr(hook, "_rebuild", lambda *_: None)
    hook.bring_up_to_date("folder")
    assert (tmp_path / "p" / "build" / ".gitignore").read_bytes() == hook.IGNORE_EVERYTHING


@needs_shell
def test_a_waiting_import_names_the_process_that_rebuilds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    record = fake_record(tmp_path / "p", files={"pyproject.toml": []})
    monkeypatch.setattr(hook, "read_record", lambda _: record)
    monkeypatch.setattr(hook, "_rebuild", lambda *_: None)
    file = tmp_path / "p" / record["folder"] / "rebuild-lock"
    file.write_bytes(b"4711")
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(other, fcntl.LOCK_UN))
        hook.bring_up_to_date("folder")
    assert "some-project has changed: process 4711 rebuilds" in capsys.readouterr().err
    assert file.read_text() == str(os.getpid())


def test_child_processes_of_a_build_do_not_rebuild() -> None:
    assert hook.is_switched_off({hook.BUILDING_VARIABLE: "1"})


@pytest.fixture
def tools(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of an installation with a tools archive, and the installation's record."""
    folder = tmp_path / "some_project.libs"
    folder.mkdir()
    with zipfile.ZipFile(folder / hook.TOOLS, "w") as archive:
        archive.writestr(hook.NINJA, "#!/bin/sh\n")
        archive.writestr("setuptools/__init__.py", "")
    record = {"tools_parent": str(tmp_path / "cache"), "tools": "89ab"}
    return folder, record


def test_tools_are_unpacked_once(tools: tuple[Path, dict[str, Any]]) -> None:
    folder, record = tools
    unpacked = Path(hook.unpack_tools(str(folder), record))
    assert unpacked == Path(hook.tools_folder(record))
    assert os.access(unpacked / hook.NINJA, os.X_OK)
    (folder / hook.TOOLS).unlink()
    assert hook.unpack_tools(str(folder), record) == str(unpacked)


def test_unused_tools_are_deleted_after_60_days(
    tools: tuple[Path, dict[str, Any]],
) -> None:
    folder, record = tools
    for digest, days in {"old": 61, "recent": 59, "used": 61}.items():
        made = Path(hook.unpack_tools(str(folder), {**record, "tools": digest}))
        then = time.time() - days * 24 * 3600
        os.utime(made, (then, then))
    hook.unpack_tools(str(folder), {**record, "tools": "used"})
    hook.unpack_tools(str(folder), record)
    names = {path.name for path in Path(record["tools_parent"]).iterdir()}
    assert names == {f"rebuild-tools-{digest}" for digest in ("recent", "used", "89ab")}


def test_tools_that_another_process_unpacks_at_the_same_time_are_used(
    tools: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, record = tools
    rename = os.rename

    def late(source: str, destination: str) -> None:
        Path(destination).mkdir()
        Path(destination, "theirs").touch()
        rename(source, destination)

    monkeypatch.setattr(os, "rename", late)
    unpacked = Path(hook.unpack_tools(str(folder), record))
    assert [file.name for file in unpacked.iterdir()] == ["theirs"]
    assert [file.name for file in unpacked.parent.iterdir()] == [unpacked.name]


def test_a_broken_archive_leaves_no_unpacked_files(
    tools: tuple[Path, dict[str, Any]],
) -> None:
    folder, record = tools
    with zipfile.ZipFile(folder / hook.TOOLS, "w") as archive:
        archive.writestr("setuptools/__init__.py", "")
    with pytest.raises(FileNotFoundError):
        hook.unpack_tools(str(folder), record)
    assert list(Path(record["tools_parent"]).iterdir()) == []


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[ModuleType]:
    """The hook, imported under the name that it has in an environment."""
    name = "_some_project_rebuild"
    (tmp_path / f"{name}.py").write_bytes(Path(hook.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = sys.meta_path[:]
    yield module
    sys.meta_path[:] = before


class Calls:
    """A replacement for `bring_up_to_date` that records calls and raises `problem` if it is set."""

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.problem: Exception | None = None

    def __call__(self, folder: str) -> None:
        self.folders.append(folder)
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def calls(installed: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(installed, "bring_up_to_date", made)
    monkeypatch.delenv(hook.SWITCH_VARIABLE, raising=False)
    monkeypatch.delenv(hook.BUILDING_VARIABLE, raising=False)
    return made


def find(name: str) -> None:
    """Run the first step of an import."""
    assert sys.meta_path[0].find_spec(name, None) is None


def test_only_the_first_import_of_a_package_checks_for_changes(
    installed: ModuleType, calls: Calls, tmp_path: Path
) -> None:
    installed.install("some_package", "namespace.other")
    find("json")
    find("some_package_of_another")
    find("namespace")
    assert calls.folders == []
    find("namespace.other")
    find("some_package")
    find("namespace.other")
    assert calls.folders == [str(tmp_path / "some_project.libs")]


def test_the_finder_is_installed_once_if_python_reads_the_pth_file_twice(
    installed: ModuleType,
) -> None:
    before = len(sys.meta_path)
    installed.install("some_package")
    installed.install("some_package")
    assert len(sys.meta_path) == before + 1


def test_a_running_process_can_disable_rebuilds(
    installed: ModuleType, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.install("some_package")
    monkeypatch.setenv(hook.SWITCH_VARIABLE, "0")
    find("some_package")
    assert calls.folders == []
    monkeypatch.delenv(hook.SWITCH_VARIABLE)
    find("some_package")
    assert len(calls.folders) == 1


def test_a_failed_rebuild_raises_an_import_error_with_the_package(
    installed: ModuleType, calls: Calls
) -> None:
    installed.install("some_package")
    calls.problem = ImportError("a.cc:1:1: error: no")
    with pytest.raises(ImportError, match=r"^a\.cc:1:1: error: no$") as caught:
        find("some_package")
    assert caught.value.name == "some_package"


def test_an_os_error_during_a_rebuild_raises_an_import_error(
    installed: ModuleType, calls: Calls
) -> None:
    installed.install("some_package")
    calls.problem = PermissionError(13, "Permission denied", "/project/build")
    with pytest.raises(ImportError, match="Permission denied: '/project/build'"):
        find("some_package")


def test_imports_immediately_after_a_failure_raise_the_same_error(
    installed: ModuleType, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    installed.install("some_package")
    calls.problem = ImportError("no")
    for seconds in (0.0, 1.5, 1.5, 1.5):
        now += seconds
        with pytest.raises(ImportError, match=r"^no$"):
            find("some_package")
    assert len(calls.folders) == 1
    now += 2.5
    calls.problem = None
    find("some_package")
    assert len(calls.folders) == 2


def test_a_missing_record_or_project_is_ignored(tmp_path: Path) -> None:
    hook.bring_up_to_date(str(tmp_path / "gone.libs"))
    (tmp_path / "there.libs").mkdir()
    record = {"root": str(tmp_path / "gone")}
    (tmp_path / "there.libs" / hook.REBUILD_RECORD).write_text(json.dumps(record))
    hook.bring_up_to_date(str(tmp_path / "there.libs"))


@pytest.mark.parametrize("content", ["", "{", "[]", "1", "null"])
def test_a_corrupt_record_raises_an_import_error_with_its_path(
    installed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.delenv(hook.SWITCH_VARIABLE, raising=False)
    monkeypatch.delenv(hook.BUILDING_VARIABLE, raising=False)
    (tmp_path / "some_project.libs").mkdir()
    record = tmp_path / "some_project.libs" / hook.REBUILD_RECORD
    record.write_text(content)
    installed.install("some_package")
    with pytest.raises(ImportError) as caught:
        find("some_package")
    assert str(record) in str(caught.value)
    assert "pip install -e ." in str(caught.value)
    assert caught.value.name == "some_package"


def test_files_that_a_build_writes_are_not_inputs(tmp_path: Path) -> None:
    # A failed build changes them. Other processes must still find its error.
    own = tmp_path / "build" / "tvm-ffi.linux-x86_64"
    names = ("a.cc", str(own / "generated"), "build/tvm-ffi.linux-x86_64/a.o")
    record = {
        "root": str(tmp_path),
        "folder": "build/tvm-ffi.linux-x86_64",
        "files": dict.fromkeys(names),
        "folders": {},
        "suffixes": [],
    }
    before = hook.state_of_inputs(record)
    (own / "generated").mkdir(parents=True)
    (own / "a.o").touch()
    assert hook.state_of_inputs(record) == before
    (tmp_path / "a.cc").touch()
    assert hook.state_of_inputs(record) != before
