# SPDX-License-Identifier: Apache-2.0
"""Editable installs that rebuild their libraries if an import finds a changed file.

The projects are installed with build isolation. The environment contains apache-tvm-ffi but no
build tools. Most tests use a project in C, because it compiles quickly.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from environments import QUICK, Environment, make_environment
from sample_projects import PROJECTS
from slow_compiler import SlowCompiler, make_slow_compiler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and PATH as Linux has")

#: Build tools that the importing environment does not contain.
TOOLS = ("setuptools", "setuptools_tvm_ffi", "ninja", "packaging", "wheel", "pip")

#: The programs on PATH, which compilers need. ninja is missing.
PROGRAMS = ("as", "c++", "cc", "g++", "gcc", "ld", "nm", "sleep")

SWITCHED_OFF = {"SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD": "0"}

ANSWER = "import rebuilt_pkg; print(rebuilt_pkg.LIB.answer())"
INCREMENT = "import rebuilt_pkg; print(rebuilt_pkg.LIB.increment(1))"

REBUILDING = "has changed: rebuilding its libraries"
COMPILE_BOTH = {"compile csrc/answer.c", "compile csrc/increment.c", "link librebuilt.so"}


@dataclass
class EditableInstall:
    """A copy of a sample project, and the environment with its editable install."""

    folder: Path
    environment: Environment
    original: dict[Path, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.original = {path: path.read_bytes() for path in self._files()}

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            inside = set(path.relative_to(self.folder).parts)
            if path.is_file() and not inside & {"build", "__pycache__"}:
                yield path

    def restore(self) -> None:
        """Undo every edit. Files without edits keep their timestamps."""
        for path in self._files():
            if path not in self.original:
                path.unlink()
        for folder in sorted(self.folder.rglob("*/"), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        for path, content in self.original.items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new))

    def set_answer(self, number: int) -> None:
        (self.folder / "csrc" / "answer.h").write_text(f"#pragma once\n\n#define ANSWER {number}\n")

    def python(
        self,
        program: str,
        *options: str,
        cwd: Path = Path("/"),
        check: bool = True,
        variables: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        command = (self.environment.python, *options, "-c", program)
        return self.environment.run(*command, cwd=cwd, variables=variables, check=check)

    def start(self, program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.environment.python, "-c", program],
            cwd="/",
            env=self.environment.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rebuilds(self, program: str, *options: str, **how: Any) -> str:
        """Run a program, assert that it rebuilds once, and return its output."""
        process = self.python(program, *options, **how)
        assert process.stderr.count(REBUILDING) == 1, process.stderr
        return process.stdout.strip()

    def finds_nothing_to_do(self, program: str, *options: str, **how: Any) -> str:
        """Run a program, assert that it does not rebuild, and return its output."""
        before = self.state()
        process = self.python(program, *options, **how)
        assert process.stderr == ""
        assert self.state() == before
        return process.stdout.strip()

    def fails(self, program: str, *options: str, **how: Any) -> str:
        """Run a program, assert that its import fails, and return the error."""
        before = self.library.read_bytes()
        process = self.python(program, *options, check=False, **how)
        assert process.returncode == 1, process.stderr
        assert self.library.read_bytes() == before
        # The error is at the end, after the traceback.
        _, _, error = process.stderr.rpartition("\nImportError: ")
        assert error, process.stderr
        return error

    @property
    def libraries(self) -> Path:
        (folder,) = self.environment.site_packages.glob("*.libs")
        return folder

    @property
    def library(self) -> Path:
        (library,) = self.libraries.glob("*.so")
        return library

    @property
    def build_folder(self) -> Path:
        (folder,) = (self.folder / "build").glob("tvm-ffi.*")
        return folder

    def state(self) -> tuple[object, ...]:
        """Return timestamps and inodes of the files that every rebuild writes."""
        files = (self.library, self.libraries / "rebuild.json", self.build_folder / "rebuild.log")
        return tuple((f.stat().st_mtime_ns, f.stat().st_ino) for f in files if f.exists())

    def steps(self) -> set[str]:
        """Return the steps that ninja announced in the last rebuild."""
        text = (self.build_folder / "rebuild.log").read_text()
        return set(re.findall(r"^\[\d+/\d+\] (.*)$", text, re.MULTILINE))

    def installed_files(self) -> set[str]:
        site = self.environment.site_packages
        return {
            str(path.relative_to(site))
            for path in site.rglob("*")
            if "__pycache__" not in path.parts and path.is_file()
        }


@pytest.fixture(scope="module")
def importing_variables(
    variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment variables of every process. PATH has compilers but no ninja."""
    folder = tmp_path_factory.mktemp("programs")
    for program in PROGRAMS:
        found = shutil.which(program)
        if found is not None:
            (folder / program).symlink_to(found)
    kept = {name: v for name, v in variables.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PATH": str(folder)}


@pytest.fixture(scope="module")
def uv(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that contains uv, with a separate cache."""
    folder = tmp_path_factory.mktemp("uv")
    environment = make_environment(
        folder / "venv", {**variables, "UV_CACHE_DIR": str(folder / "cache")}
    )
    environment.pip("install", "-q", "uv", cwd=folder)
    return environment


def install_with_pip(
    name: str, folder: Path, importing: dict[str, str], *options: str
) -> EditableInstall:
    shutil.copytree(PROJECTS / name, folder / name)
    environment = make_environment(folder / "venv", importing)
    arguments = ("install", "-q", *options, "-e", ".")
    environment.pip(*arguments, cwd=folder / name, variables=QUICK)
    return EditableInstall(folder / name, environment)


def install_with_uv(
    uv: Environment,
    project: Path,
    folder: Path,
    importing: dict[str, str],
    *options: str,
    **variables: str,
) -> EditableInstall:
    environment = make_environment(folder, importing)
    arguments: tuple[str | Path, ...] = ("--python", environment.python, *options, "-e", project)
    environment.run(
        *(uv.folder / "bin" / "uv", "pip", "install"),
        *arguments,
        cwd=project,
        variables={**QUICK, "UV_CACHE_DIR": uv.variables["UV_CACHE_DIR"], **variables},
    )
    return EditableInstall(project, environment)


@pytest.fixture(scope="module")
def installation(
    importing_variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> EditableInstall:
    """The project in C. pip installs it with build isolation."""
    return install_with_pip("rebuilt", tmp_path_factory.mktemp("c"), importing_variables)


@pytest.fixture
def rebuilt(installation: EditableInstall) -> Iterator[EditableInstall]:
    """The project in C, installed and up to date. Tests may edit it."""
    installation.python(ANSWER)
    yield installation
    installation.restore()


@pytest.fixture(scope="module")
def small(
    importing_variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> EditableInstall:
    """The project in C++ with a ``setup.py`` and stubs. The `-C` option is not in its files."""
    folder = tmp_path_factory.mktemp("cxx")
    setting = ("--config-settings", "editable-rebuild=true")
    return install_with_pip("small", folder, importing_variables, *setting)


@pytest.fixture(scope="module")
def installation_by_uv(
    uv: Environment,
    importing_variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> EditableInstall:
    """The project in C. uv installs it with build isolation."""
    folder = tmp_path_factory.mktemp("uv-c")
    shutil.copytree(PROJECTS / "rebuilt", folder / "rebuilt")
    return install_with_uv(uv, folder / "rebuilt", folder / "venv", importing_variables)


@pytest.fixture
def with_uv(installation_by_uv: EditableInstall) -> Iterator[EditableInstall]:
    """The project in C, installed by uv and up to date. Tests may edit it."""
    installation_by_uv.python(ANSWER)
    yield installation_by_uv
    installation_by_uv.restore()


@pytest.fixture(scope="module")
def slow_compiler(tmp_path_factory: pytest.TempPathFactory) -> SlowCompiler:
    return make_slow_compiler(tmp_path_factory.mktemp("slow") / "compiler")


@pytest.fixture(scope="module")
def slow_installation(
    uv: Environment,
    importing_variables: dict[str, str],
    slow_compiler: SlowCompiler,
    tmp_path_factory: pytest.TempPathFactory,
) -> EditableInstall:
    """The project in C, installed with a compiler that waits on request."""
    folder = tmp_path_factory.mktemp("slow-c")
    shutil.copytree(PROJECTS / "rebuilt", folder / "rebuilt")
    return install_with_uv(
        *(uv, folder / "rebuilt", folder / "venv", importing_variables),
        CC=str(slow_compiler.path),
    )


@pytest.fixture
def slow(
    slow_installation: EditableInstall, slow_compiler: SlowCompiler
) -> Iterator[EditableInstall]:
    """The project with the slow compiler, up to date. Tests may edit it."""
    slow_installation.python(ANSWER)
    yield slow_installation
    slow_compiler.release()
    slow_installation.restore()


def assert_nothing_is_kept_of_what_built(install: EditableInstall) -> None:
    program = f"from importlib.util import find_spec; print([*map(find_spec, {TOOLS!r})])"
    assert install.python(program).stdout.strip() == str([None] * len(TOOLS))
    assert shutil.which("ninja", path=install.environment.variables["PATH"]) is None
    manifests = list(install.build_folder.rglob("build.ninja"))
    assert manifests
    files = (
        *manifests,
        *install.libraries.glob("*.json"),
        *install.environment.site_packages.glob("_*_rebuild.*"),
        install.build_folder / "compile_commands.json",
    )
    # The next build compares this path with the origin of apache-tvm-ffi, but does not open it.
    origin = json.loads((install.build_folder / "apache-tvm-ffi" / "origin.json").read_text())
    location = Path(origin["origin"]["location"])
    assert location.name == "site-packages"
    assert not location.exists()
    (environment,) = (p for p in location.parents if p.name.startswith(("pip-build-env", ".tmp")))
    for file in files:
        assert environment.name not in file.read_text(), file


@pytest.mark.long
def test_no_path_of_pips_isolated_environment_is_recorded(installation: EditableInstall) -> None:
    assert_nothing_is_kept_of_what_built(installation)


@pytest.mark.long
@pytest.mark.parametrize("place", ["project", "elsewhere"])
def test_an_import_without_a_change_builds_nothing(rebuilt: EditableInstall, place: str) -> None:
    cwd = rebuilt.folder if place == "project" else Path("/")
    assert rebuilt.finds_nothing_to_do(ANSWER, cwd=cwd) == "42"
    # An import without changes needs no compiler, and ignores the variables of compilers.
    variables = {"PATH": "/nowhere", "CFLAGS": "-O1", "CC": "no-such-compiler"}
    assert rebuilt.finds_nothing_to_do(ANSWER, cwd=cwd, variables=variables) == "42"
    # Files that Python and editors write beside the sources are not sources.
    (rebuilt.folder / "csrc" / "__pycache__").mkdir(exist_ok=True)
    (rebuilt.folder / "csrc" / ".answer.c.swp").write_text("")
    (rebuilt.folder / "csrc" / "notes.txt").write_text("")
    assert rebuilt.finds_nothing_to_do(ANSWER, cwd=cwd) == "42"


def test_a_changed_source_is_compiled_with_the_settings_of_the_installation(
    rebuilt: EditableInstall,
) -> None:
    before = rebuilt.library.stat().st_ino
    rebuilt.edit("csrc/increment.c", "args[0].v_int64 + 1", "args[0].v_int64 + 10")
    other = {
        "CFLAGS": "-DTVM_FFI_DLL_EXPORT=broken",
        "SETUPTOOLS_TVM_FFI_BUILD_TYPE": "debug",
        "SETUPTOOLS_TVM_FFI_UNKNOWN": "1",
    }
    assert rebuilt.rebuilds(INCREMENT, variables=other) == "11"
    assert rebuilt.steps() == COMPILE_BOTH - {"compile csrc/answer.c"}
    commands = json.loads((rebuilt.build_folder / "compile_commands.json").read_text())
    assert all(" -O0 " in f"{entry['command']} " for entry in commands)
    # The rebuild replaces the library and does not overwrite it: a process may have loaded it.
    assert rebuilt.library.stat().st_ino != before
    assert rebuilt.finds_nothing_to_do(INCREMENT, cwd=rebuilt.folder) == "11"


@pytest.mark.long
def test_a_changed_header_recompiles_only_sources_that_include_it(rebuilt: EditableInstall) -> None:
    rebuilt.set_answer(43)
    assert rebuilt.rebuilds(ANSWER, cwd=rebuilt.folder) == "43"
    assert rebuilt.steps() == COMPILE_BOTH - {"compile csrc/increment.c"}
    assert rebuilt.finds_nothing_to_do(ANSWER) == "43"


@pytest.mark.long
def test_a_source_that_a_glob_finds_is_added_and_removed(rebuilt: EditableInstall) -> None:
    text = (rebuilt.folder / "csrc" / "increment.c").read_text()
    new = rebuilt.folder / "csrc" / "deep" / "er" / "added.c"
    new.parent.mkdir(parents=True)
    new.write_text(text.replace("increment", "added").replace("v_int64 + 1", "v_int64 + 2"))
    program = INCREMENT.replace("increment", "added")
    assert rebuilt.rebuilds(program) == "3"
    assert rebuilt.steps() == {"compile csrc/deep/er/added.c", "link librebuilt.so"}
    assert rebuilt.finds_nothing_to_do(program) == "3"
    # A second new source in the same folder is found, too.
    (new.parent / "another.c").write_text(text.replace("increment", "another"))
    assert rebuilt.rebuilds(program.replace("added", "another")) == "2"
    (new.parent / "another.c").unlink()
    new.unlink()
    without = "import rebuilt_pkg; print(hasattr(rebuilt_pkg.LIB, 'added'))"
    assert rebuilt.rebuilds(without) == "False"
    assert rebuilt.steps() == {"link librebuilt.so"}


@pytest.mark.long
def test_a_changed_setting_causes_a_rebuild(rebuilt: EditableInstall) -> None:
    rebuilt.edit("pyproject.toml", '["SUMMAND", "0"]', '["SUMMAND", "100"]')
    assert rebuilt.rebuilds(ANSWER) == "142"
    rebuilt.edit("pyproject.toml", "editable-rebuild =", 'build-type = "debug"\neditable-rebuild =')
    assert rebuilt.rebuilds(ANSWER) == "142"
    assert rebuilt.steps() == COMPILE_BOTH
    (debug,) = rebuilt.build_folder.glob("debug/build.ninja")
    assert " -g " in debug.read_text()
    # From now on, imports check the files of the new build type.
    rebuilt.set_answer(44)
    assert rebuilt.rebuilds(ANSWER) == "144"
    assert rebuilt.finds_nothing_to_do(ANSWER) == "144"


@pytest.mark.long
def test_an_unknown_setting_is_an_import_error_that_names_it(rebuilt: EditableInstall) -> None:
    rebuilt.edit("pyproject.toml", "sources =", "sorces =")
    error = rebuilt.fails(ANSWER)
    assert "ext-modules[0].sorces: unknown key, did you mean 'sources'?" in error
    assert "Traceback" not in error


@pytest.mark.long
def test_a_compile_error_is_an_import_error_until_it_is_fixed(rebuilt: EditableInstall) -> None:
    good = "args[0].v_int64 + 1"
    rebuilt.edit("csrc/increment.c", good, "args[0].no_such_field")
    lines = (rebuilt.folder / "csrc" / "increment.c").read_text().splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if "no_such_field" in text)
    for _ in range(2):
        error = rebuilt.fails(INCREMENT)
        assert f"csrc/increment.c:{line}:" in error
        assert re.search("error: .*no member named .no_such_field", error)
        assert "result->v_int64 = args[0].no_such_field" in error
        assert "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD=0" in error
        log = Path(re.findall(r"\S+/rebuild\.log", error)[0])
        assert "FAILED: " in log.read_text()
    as_module = rebuilt.environment.run(
        rebuilt.environment.python, "-m", "rebuilt_pkg.inner", cwd=Path("/"), check=False
    )
    assert as_module.returncode == 1
    assert f"csrc/increment.c:{line}:" in as_module.stderr
    assert rebuilt.finds_nothing_to_do(INCREMENT, variables=SWITCHED_OFF) == "2"
    rebuilt.edit("csrc/increment.c", "args[0].no_such_field", good)
    assert rebuilt.rebuilds(INCREMENT) == "2"
    assert rebuilt.finds_nothing_to_do(INCREMENT) == "2"


@pytest.mark.long
def test_repeated_failing_imports_compile_once(rebuilt: EditableInstall) -> None:
    rebuilt.set_answer(0)
    header = rebuilt.folder / "csrc" / "answer.h"
    header.write_text("#error not today\n")
    program = f"""
import importlib, pathlib, sys, time
for number in range(3):
    try:
        import rebuilt_pkg.inner
    except ImportError as problem:
        print("not today" in str(problem), problem.name)
pathlib.Path({str(header)!r}).write_text("#define ANSWER 9")
time.sleep(2.1)
import rebuilt_pkg
print(rebuilt_pkg.LIB.answer())
"""
    process = rebuilt.python(program)
    assert process.stdout.splitlines() == [*["True rebuilt_pkg"] * 3, "9"]
    assert process.stderr.count(REBUILDING) == 2


@pytest.mark.long
def test_a_link_error_shows_the_undefined_symbol(rebuilt: EditableInstall) -> None:
    rebuilt.edit("csrc/answer.c", "ANSWER + SUMMAND", "defined_nowhere()")
    rebuilt.edit("csrc/answer.c", "#include <tvm", "int defined_nowhere(void);\n#include <tvm")
    assert "undefined reference to `defined_nowhere'" in rebuilt.fails(ANSWER)


@pytest.mark.long
def test_parallel_imports_in_processes_cause_one_rebuild(rebuilt: EditableInstall) -> None:
    rebuilt.set_answer(45)
    processes = [rebuilt.start(ANSWER) for _ in range(4)]
    printed = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in printed] == ["45"] * 4, printed
    assert sum(error.count(REBUILDING) for _, error in printed) == 1, printed
    assert rebuilt.steps() == COMPILE_BOTH - {"compile csrc/increment.c"}
    assert rebuilt.finds_nothing_to_do(ANSWER) == "45"


@pytest.mark.long
def test_parallel_imports_in_threads_cause_one_rebuild(rebuilt: EditableInstall) -> None:
    rebuilt.set_answer(46)
    program = """
import importlib, threading
found = []
def look(name):
    found.append(importlib.import_module(name).LIB.answer())
names = ["rebuilt_pkg", "rebuilt_pkg.inner", "rebuilt_pkg", "rebuilt_pkg.inner"]
threads = [threading.Thread(target=look, args=[name]) for name in names]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(found)
"""
    assert rebuilt.rebuilds(program) == "[46, 46, 46, 46]"


@pytest.mark.long
def test_every_way_to_import_checks_for_changes(rebuilt: EditableInstall, tmp_path: Path) -> None:
    # Import a submodule first, and use Python's options for isolation.
    rebuilt.set_answer(1)
    inner = "import rebuilt_pkg.inner; print(rebuilt_pkg.inner.answer())"
    assert rebuilt.rebuilds(inner, "-I") == "1"
    if sys.version_info >= (3, 11):
        rebuilt.set_answer(2)
        assert rebuilt.rebuilds(inner, "-P", cwd=rebuilt.folder) == "2"
    # Run a script beside files that have the names of standard library modules.
    rebuilt.set_answer(3)
    (tmp_path / "configparser.py").write_text("raise SystemError('not the one')\n")
    (tmp_path / "tarfile.py").write_text("raise SystemError('not the one')\n")
    (tmp_path / "setuptools.py").write_text("raise SystemError('not the one')\n")
    script = tmp_path / "script.py"
    script.write_text(f"import pathlib, sys\nsys.path.append(pathlib.Path('/odd'))\n{ANSWER}\n")
    process = rebuilt.environment.run(rebuilt.environment.python, script, cwd=tmp_path)
    assert process.stdout.strip() == "3"
    # Import in a child process that multiprocessing spawns.
    script.write_text(
        "import multiprocessing\n"
        "def child(queue):\n"
        f"    {ANSWER.replace('print', 'queue.put')}\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    queue = context.Queue()\n"
        "    process = context.Process(target=child, args=[queue])\n"
        "    process.start(); print(queue.get()); process.join()\n"
    )
    rebuilt.set_answer(4)
    (tmp_path / "tarfile.py").unlink()
    process = rebuilt.environment.run(rebuilt.environment.python, script, cwd=tmp_path)
    assert process.stdout.strip() == "4"
    # A process that has loaded the library does not check for changes again.
    header = str(rebuilt.folder / "csrc" / "answer.h")
    program = (
        "import importlib, rebuilt_pkg, rebuilt_pkg.inner\n"
        f"open({header!r}, 'w').write('#define ANSWER 5')\n"
        "importlib.reload(rebuilt_pkg); importlib.reload(rebuilt_pkg.inner)\n"
        "print(rebuilt_pkg.LIB.answer())"
    )
    assert rebuilt.finds_nothing_to_do(program) == "4"
    assert rebuilt.rebuilds(ANSWER) == "5"


@pytest.mark.long
def test_a_rebuild_without_sys_executable_is_an_import_error(rebuilt: EditableInstall) -> None:
    program = f"import sys; sys.executable = ''; {ANSWER}"
    assert rebuilt.finds_nothing_to_do(program) == "42"
    rebuilt.set_answer(47)
    assert "sys.executable is not set" in rebuilt.fails(program)
    # sys.stderr can be None, too.
    assert rebuilt.python(f"import sys; sys.stderr = None; {ANSWER}").stdout.strip() == "47"


@pytest.mark.long
def test_starting_python_imports_no_module_for_the_hook(rebuilt: EditableInstall) -> None:
    process = rebuilt.python("pass", "-X", "importtime")
    names = [line.rpartition("|")[2].rstrip() for line in process.stderr.splitlines()]
    (at,) = (n for n, name in enumerate(names) if name.strip() == "_rebuilt_project_rebuild")
    depth = len(names[at]) - len(names[at].lstrip())
    imported = set()
    while len(names[at - 1]) - len(names[at - 1].lstrip()) > depth:
        at -= 1
        imported.add(names[at].strip())
    assert imported <= {"__future__"}
    # Python can read the .pth files of a virtual environment twice.
    program = "import sys; print(*(type(finder).__name__ for finder in sys.meta_path))"
    assert rebuilt.python(program).stdout.count("RebuildingFinder") == 1


@pytest.mark.long
def test_a_deleted_build_folder_is_created_again(rebuilt: EditableInstall) -> None:
    shutil.rmtree(rebuilt.folder / "build")
    assert rebuilt.rebuilds(ANSWER) == "42"
    assert rebuilt.steps() == COMPILE_BOTH
    assert rebuilt.finds_nothing_to_do(ANSWER) == "42"


@pytest.mark.long
def test_an_import_reports_that_it_waits_for_another_build(rebuilt: EditableInstall) -> None:
    with (rebuilt.build_folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = rebuilt.start(ANSWER)
        assert process.stderr is not None
        assert REBUILDING in process.stderr.readline()
        assert "waiting for another build (process " in process.stderr.readline()
    assert process.communicate()[0].strip() == "42"


@pytest.mark.long
def test_a_library_that_is_not_installed_is_an_error_that_suggests_reinstalling(
    rebuilt: EditableInstall,
) -> None:
    before = rebuilt.installed_files()
    rebuilt.edit("pyproject.toml", "rebuilt_pkg.rebuilt", "rebuilt_pkg.renamed")
    for module in ("__init__", "_ffi_api"):
        rebuilt.edit(f"rebuilt_pkg/{module}.py", '"rebuilt"', '"renamed"')
    for _ in range(2):
        error = rebuilt.fails(ANSWER)
        assert "not installed: librenamed.so" in error
        assert "pip install -e ." in error
        assert rebuilt.installed_files() == before


@pytest.mark.long
def test_an_interrupted_import_terminates_its_compilers(
    slow: EditableInstall, slow_compiler: SlowCompiler
) -> None:
    library = slow.library.read_bytes()
    slow.set_answer(48)
    slow_compiler.hold()
    process = slow.start(ANSWER)
    slow_compiler.wait_until_it_compiles(process)
    # Like an IDE or a notebook, interrupt only this process and not its process group.
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode != 0
    assert error.rstrip().endswith("KeyboardInterrupt")
    slow_compiler.wait_until_it_has_ended()
    assert slow.library.read_bytes() == library
    slow_compiler.release()
    assert slow.rebuilds(ANSWER) == "48"


@pytest.mark.long
def test_after_an_import_is_killed_the_next_import_waits_for_its_compilers(
    slow: EditableInstall, slow_compiler: SlowCompiler
) -> None:
    slow.set_answer(49)
    slow_compiler.hold()
    process = slow.start(ANSWER)
    slow_compiler.wait_until_it_compiles(process)
    process.kill()
    process.communicate()
    following = slow.start(ANSWER)
    time.sleep(0.5)
    assert following.poll() is None
    slow_compiler.release()
    assert following.communicate()[0].strip() == "49"
    assert slow.finds_nothing_to_do(ANSWER) == "49"


@pytest.mark.long
def test_files_edited_during_a_rebuild_are_built_by_the_next_import(
    slow: EditableInstall, slow_compiler: SlowCompiler
) -> None:
    slow.set_answer(50)
    slow_compiler.hold()
    process = slow.start(ANSWER)
    slow_compiler.wait_until_it_compiles(process)
    slow.edit("pyproject.toml", '["SUMMAND", "0"]', '["SUMMAND", "100"]')
    added = (slow.folder / "csrc" / "increment.c").read_text().replace("increment", "added")
    (slow.folder / "csrc" / "added.c").write_text(added)
    slow_compiler.release()
    printed, error = process.communicate()
    assert (printed.strip(), error.count(REBUILDING)) == ("50", 1)
    assert slow.rebuilds(ANSWER) == "150"
    assert slow.steps() == {*COMPILE_BOTH, "compile csrc/added.c"}


@pytest.mark.long
def test_no_path_of_uvs_isolated_environment_is_recorded(with_uv: EditableInstall) -> None:
    assert_nothing_is_kept_of_what_built(with_uv)
    assert with_uv.finds_nothing_to_do(ANSWER) == "42"
    with_uv.set_answer(51)
    assert with_uv.rebuilds(ANSWER) == "51"
    assert with_uv.steps() == COMPILE_BOTH - {"compile csrc/increment.c"}


@pytest.mark.long
def test_an_install_by_uv_rebuilds_although_the_project_does_not_set_it(
    uv: Environment, importing_variables: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(PROJECTS / "rebuilt", tmp_path / "rebuilt")
    declared = tmp_path / "rebuilt" / "pyproject.toml"
    declared.write_text(declared.read_text().replace("editable-rebuild = true\n", ""))
    install = install_with_uv(uv, tmp_path / "rebuilt", tmp_path / "venv", importing_variables)
    install.python(ANSWER)
    install.set_answer(61)
    assert install.rebuilds(ANSWER) == "61"


@pytest.mark.long
def test_a_rebuild_updates_every_environment_of_a_project(
    with_uv: EditableInstall, uv: Environment, importing_variables: dict[str, str], tmp_path: Path
) -> None:
    other = install_with_uv(uv, with_uv.folder, tmp_path / "other", importing_variables)
    with_uv.set_answer(52)
    assert with_uv.rebuilds(ANSWER) == "52"
    assert other.rebuilds(ANSWER) == "52"
    assert other.steps() == set()
    assert with_uv.finds_nothing_to_do(ANSWER) == other.finds_nothing_to_do(ANSWER) == "52"


@pytest.mark.long
def test_if_the_project_was_moved_its_package_is_not_found(with_uv: EditableInstall) -> None:
    with_uv.folder.rename(with_uv.folder.with_name("moved"))
    assert with_uv.python("print('fine')").stderr == ""
    process = with_uv.python(ANSWER, check=False)
    assert process.returncode == 1
    assert "ModuleNotFoundError: No module named 'rebuilt_pkg'" in process.stderr
    assert REBUILDING not in process.stderr
    with_uv.folder.with_name("moved").rename(with_uv.folder)
    assert with_uv.python(ANSWER).stdout.strip() == "42"


@pytest.mark.long
def test_a_strict_install_is_rebuilt_and_uninstalling_it_leaves_nothing(
    uv: Environment, importing_variables: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(PROJECTS / "rebuilt", tmp_path / "rebuilt")
    install = install_with_uv(
        *(uv, tmp_path / "rebuilt", tmp_path / "venv", importing_variables),
        *("--config-setting", "editable_mode=strict"),
    )
    before = install.installed_files()
    assert install.finds_nothing_to_do(ANSWER) == "42"
    install.set_answer(53)
    assert install.rebuilds(ANSWER, cwd=install.folder) == "53"
    install.edit("csrc/answer.h", "53", ";")
    install.fails(ANSWER)
    install.edit("csrc/answer.h", ";", "54")
    assert install.rebuilds(ANSWER) == "54"
    assert install.installed_files() == before
    install.environment.pip("uninstall", "-q", "-y", "rebuilt-project", cwd=tmp_path)
    assert not [name for name in install.installed_files() if "rebuil" in name.lower()]
    assert not list(install.environment.site_packages.glob("*.libs"))
    process = install.python(ANSWER, check=False)
    assert process.stderr.rstrip().endswith("No module named 'rebuilt_pkg'")


@pytest.mark.long
def test_a_cxx_project_with_a_setup_script_is_rebuilt_with_its_stubs(
    small: EditableInstall,
) -> None:
    call = "import small_pkg._ffi_api as api; print(api.add_shared(1), api.Point(1, 3).middle())"
    assert_nothing_is_kept_of_what_built(small)
    assert small.finds_nothing_to_do(call) == "2 2.0"
    # Only one of the two sources includes this header.
    small.edit("csrc/only_point.h", "x / 2", "x * 2")
    assert small.rebuilds(call) == "2 8.0"
    assert small.steps() == {"compile csrc/point.cc", "link libsmall.so"}
    # The import that rebuilds the library also reads the stubs of the new function.
    small.edit(
        "csrc/functions.cc",
        "TVM_FFI_STATIC_INIT_BLOCK() {",
        "TVM_FFI_STATIC_INIT_BLOCK() {\n"
        "  tvm::ffi::reflection::GlobalDef()\n"
        '      .def("small_pkg.halve", [](int64_t x) { return x / FACTOR; });',
    )
    assert re.search("functions.cc:.* error: .*FACTOR. was not declared", small.fails(call))
    assert "halve" not in (small.folder / "small_pkg" / "_ffi_api.py").read_text()
    # Change a setting in setup.py. The environment itself has no setuptools.
    small.edit("setup.py", "include_dirs=", 'define_macros=[("FACTOR", "2")], include_dirs=')
    assert small.rebuilds("from small_pkg import _ffi_api; print(_ffi_api.halve(8))") == "4"
    assert small.finds_nothing_to_do(call) == "2 8.0"


@pytest.mark.long
def test_a_setup_script_with_a_missing_import_is_an_import_error(small: EditableInstall) -> None:
    small.python("import small_pkg")
    text = (small.folder / "setup.py").read_text()
    (small.folder / "setup.py").write_text(f"import only_in_the_build_environment\n{text}")
    error = small.fails("import small_pkg")
    assert "No module named 'only_in_the_build_environment'" in error
    # The kept copy of setuptools includes its metadata.
    (small.folder / "setup.py").write_text(
        f"import setuptools\nassert setuptools.__version__[0].isdigit(), setuptools.__version__\n"
        f"assert setuptools.__version__ != '0.dev0+unknown'\n{text}"
    )
    small.rebuilds("import small_pkg")
    (small.folder / "setup.py").write_text(text)
    small.rebuilds("import small_pkg")


# --- generated sources --------------------------------------------------------------------------


@pytest.mark.long
def test_an_import_runs_the_commands_whose_inputs_changed(
    importing_variables: dict[str, str], tmp_path: Path
) -> None:
    installation = install_with_pip("generated", tmp_path, importing_variables)
    program = "import generated_pkg; print(generated_pkg.LIB.sum())"
    assert installation.finds_nothing_to_do(program) == "5"
    (installation.folder / "numbers" / "c.txt").write_text("4")  # A new match of a glob.
    assert installation.rebuilds(program) == "9"
    assert "generate sum.c, include/sum.h" in installation.steps()
    installation.edit("tools/add.py", "import sys\n", "import sys  # A comment.\n")
    assert installation.rebuilds(program) == "9"
    assert installation.steps() == {"generate sum.c, include/sum.h"}
    assert installation.finds_nothing_to_do(program) == "9"
    (installation.folder / "data" / "a blob.bin").write_text("xy")
    program = "import generated_pkg; print(generated_pkg.LIB.embedded_size())"
    assert installation.rebuilds(program) == "2"
    (installation.folder / "tools" / "add.py").write_text("import missing_module")
    error = installation.fails(program)
    assert "missing_module" in error
