# SPDX-License-Identifier: Apache-2.0
"""The command ``stubs`` writes or checks stubs. Builds warn about stale committed stubs or fail."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from environments import QUICK, Environment, make_environment
from sample_projects import Project, ProjectFactory

PACKAGE = "described_pkg"
API, API_STUB = f"{PACKAGE}/_ffi_api.py", f"{PACKAGE}/_ffi_api.pyi"
INIT, INIT_STUB = f"{PACKAGE}/__init__.py", f"{PACKAGE}/__init__.pyi"
TYPED = f"{PACKAGE}/py.typed"
STUBS = {API, API_STUB, INIT, INIT_STUB, TYPED}

OUT_OF_DATE = "setuptools-tvm-ffi: stubs are out of date: "

FUNCTION = """
#include "register.h"

static int Answer(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {{
  (void)self, (void)args, (void)num_args;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = 42;
  return 0;
}}

__attribute__((constructor)) static void RegisterAnswer(void) {{
  Register("{name}", Answer, INT_OF(""), "");
}}
"""

#: A source whose library hangs when it is loaded, if the variable HANG_AND_TELL is set.
HANGING = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void Hang(void) {
  const char* path = getenv("HANG_AND_TELL");
  if (!path) return;
  FILE* file = fopen(path, "w");
  fprintf(file, "%d\\n", (int)getpid());
  fclose(file);
  for (;;) pause();
}
"""


@pytest.fixture
def described(project: ProjectFactory) -> Project:
    copy: Project = project("described")
    return copy


@pytest.fixture
def committed(described: Project) -> Project:
    """The project with its stubs in the source tree."""
    refresh(described)
    return described


def stubs(
    project: Project, *arguments: str, as_module: bool = False, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = project.environment
    command: tuple[str | Path, ...] = (environment.folder / "bin" / "setuptools-tvm-ffi",)
    if as_module:
        command = (environment.python, "-m", "setuptools_tvm_ffi")
    return environment.run(
        *(*command, "stubs", *arguments),
        cwd=project.folder,
        variables={**QUICK, **variables},
        check=False,
    )


def refresh(project: Project, *arguments: str) -> list[str]:
    """Write the stubs and return the printed lines."""
    process = stubs(project, *arguments)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


def difference(project: Project, *arguments: str) -> str:
    """Check the stubs, assert that they are out of date, and return the printed difference."""
    before = project.tree()
    process = stubs(project, "--check", *arguments)
    assert process.returncode == 1, process.stdout + process.stderr
    assert OUT_OF_DATE in process.stderr
    assert project.tree() == before
    return process.stdout


def assert_up_to_date(project: Project, *arguments: str) -> None:
    before = project.tree()
    process = stubs(project, "--check", *arguments)
    assert (process.returncode, process.stdout) == (0, ""), process.stderr
    assert OUT_OF_DATE not in process.stderr
    assert project.tree() == before


def assert_could_not_run(project: Project, *arguments: str, **variables: str) -> str:
    """Assert that both forms of the command fail and change no file. Return the last error."""
    before = project.tree()
    for form in (arguments, ("--check", *arguments)):
        process = stubs(project, *form, **variables)
        assert (process.returncode, process.stdout) == (2, ""), process.stderr
        assert "Traceback" not in process.stderr
        assert project.tree() == before
    return process.stderr


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def times(project: Project) -> dict[str, int]:
    return {name: (project.folder / name).stat().st_mtime_ns for name in project.tree()}


def warnings(process: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the plugin's warnings without their prefix."""
    printed = process.stdout + process.stderr
    return re.findall(r"^setuptools-tvm-ffi: warning: (.*)$", printed, re.MULTILINE)


def rename_parameter(project: Project) -> None:
    project.edit("csrc/scale.c", "scale(value, factor)", "scale(value, times)")


def add_function(project: Project, name: str) -> None:
    (project.folder / "csrc" / "answer.c").write_text(FUNCTION.format(name=name))


def declare(project: Project, text: str) -> None:
    """Insert settings of the project before the library."""
    table = "[[tool.setuptools-tvm-ffi.ext-modules]]\n"
    project.edit("pyproject.toml", table, f"[tool.setuptools-tvm-ffi]\n{text}\n{table}")


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "as_module",
    [
        pytest.param(False, id="script"),
        pytest.param(True, id="module", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("described", STUBS),
        pytest.param(
            # This project has a setup.py, the backend of setuptools and code in __init__.py.
            "c_only",
            {f"c_only_pkg/{n}" for n in ("__init__.py", "_ffi_api.py", "_ffi_api.pyi")},
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_second_run_writes_no_stubs(
    name: str, expected: set[str], project: ProjectFactory, *, as_module: bool
) -> None:
    copy: Project = project(name)
    expected = {*expected, f"{name}_pkg/py.typed"}
    before = copy.tree()
    process = stubs(copy, as_module=as_module)
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines() == [f"wrote {file}" for file in sorted(expected)]
    assert changed(before, copy.tree()) == expected
    assert not list(copy.folder.rglob("*.egg-info"))
    written = times(copy)
    process = stubs(copy, as_module=as_module)
    assert (process.returncode, process.stdout) == (0, "stubs are up to date\n"), process.stderr
    assert times(copy) == written
    assert_up_to_date(copy)


@pytest.mark.long
def test_only_stubs_whose_content_changes_are_written(committed: Project) -> None:
    written = times(committed)
    rename_parameter(committed)
    assert refresh(committed) == [f"wrote {API_STUB}"]
    assert "def scale(value: int, times: int, /) -> int:" in (
        committed.folder / API_STUB
    ).read_text(encoding="utf-8")
    assert {n for n, t in times(committed).items() if written[n] != t} == {
        API_STUB,
        "csrc/scale.c",
    }
    add_function(committed, f"{PACKAGE}.deep.answer")
    deep = {f"{PACKAGE}/deep/{file.rpartition('/')[2]}" for file in STUBS - {TYPED}}
    # The library registers a new function, but the stubs of this package do not change.
    assert set(refresh(committed)) == {f"wrote {file}" for file in deep}
    assert refresh(committed) == ["stubs are up to date"]


@pytest.mark.long
def test_wheels_and_editable_installs_have_the_stubs_that_the_command_writes(
    committed: Project,
) -> None:
    process = committed.build(config_settings={"stubs": "check"})
    assert warnings(process) == []
    for name in STUBS:
        assert committed.read(name) == (committed.folder / name).read_text(encoding="utf-8")
    written = times(committed)
    committed.environment.run(
        *(committed.environment.python, "-I", "-c"),
        "from setuptools_tvm_ffi.build_meta import build_editable; build_editable('..')",
        cwd=committed.folder,
        variables=QUICK,
    )
    assert times(committed) == written


@pytest.mark.long
def test_stubs_are_written_into_the_package_dir(described: Project) -> None:
    (described.folder / "src").mkdir()
    (described.folder / PACKAGE).rename(described.folder / "src" / PACKAGE)
    described.edit("pyproject.toml", "packages = [", 'package-dir = { "" = "src" }\npackages = [')
    assert f"--- a/src/{INIT}\n+++ b/src/{INIT}\n" in difference(described)
    assert refresh(described) == [f"wrote src/{name}" for name in sorted(STUBS)]
    rename_parameter(described)
    assert difference(described).startswith(f"--- a/src/{API_STUB}\n+++ b/src/{API_STUB}\n")
    (warning,) = warnings(described.build())
    assert f"out of date: src/{API_STUB}; " in warning
    assert "times: int" in described.read(API_STUB)


@pytest.mark.long
def test_blocks_in_handwritten_files_are_filled(described: Project) -> None:
    with (described.folder / "pyproject.toml").open("a") as stream:
        stream.write('stubs = "directives"\n')
    (described.folder / PACKAGE / "ops.py").write_text(
        "# tvm-ffi-stubgen(begin): import-section\n# tvm-ffi-stubgen(end)\n\nKEPT = 1\n\n"
        f"# tvm-ffi-stubgen(begin): global/{PACKAGE}\n# tvm-ffi-stubgen(end)\n"
    )
    assert "+    def scale(_0: int, _1: int, /) -> int: ...\n" in difference(described)
    assert refresh(described) == [f"wrote {PACKAGE}/ops.py", f"wrote {TYPED}"]
    assert "\nKEPT = 1\n" in (described.folder / PACKAGE / "ops.py").read_text()
    assert_up_to_date(described)


@pytest.mark.long
def test_the_command_accepts_config_settings(described: Project) -> None:
    lines = refresh(described, "-C", "py-typed=false", "--config-setting", "build-type=debug")
    assert lines == [f"wrote {name}" for name in sorted(STUBS - {TYPED})]
    assert list((described.folder / "build").glob("tvm-ffi.*/debug"))
    assert_up_to_date(described, "-C", "py-typed=false")
    assert refresh(described) == [f"wrote {TYPED}"]


# --- comparing ----------------------------------------------------------------------------------


@pytest.mark.long
def test_a_check_of_a_tree_without_stubs_prints_every_missing_stub(described: Project) -> None:
    printed = difference(described)
    for name in STUBS - {INIT, TYPED}:
        assert f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1," in printed
    assert f"--- a/{INIT}\n+++ b/{INIT}\n@@ " in printed


@pytest.mark.long
@pytest.mark.parametrize("name", [f"{PACKAGE}.answer", f"{PACKAGE}.deep.answer"])
def test_a_check_prints_a_patch_that_updates_the_tree(name: str, committed: Project) -> None:
    rename_parameter(committed)
    add_function(committed, name)
    left_over = committed.folder / PACKAGE / "gone" / "_ffi_api.pyi"
    left_over.parent.mkdir()
    shutil.copy(committed.folder / API_STUB, left_over)
    patch = difference(committed)
    assert patch.startswith("--- ")
    assert f"--- a/{PACKAGE}/gone/_ffi_api.pyi\n+++ /dev/null\n" in patch
    subprocess.run(["git", "apply", "-"], cwd=committed.folder, input=patch.encode(), check=True)
    assert_up_to_date(committed)
    assert not left_over.exists()


def test_a_check_shows_only_the_renamed_parameter(committed: Project) -> None:
    rename_parameter(committed)
    lines = difference(committed).splitlines()
    assert lines[:2] == [f"--- a/{API_STUB}", f"+++ b/{API_STUB}"]
    said = [line for line in lines[2:] if line[0] in "+-" and "registry" not in line]
    assert said == [
        "-    def scale(value: int, factor: int, /) -> int:",
        '-        """scale(value, factor)',
        "+    def scale(value: int, times: int, /) -> int:",
        '+        """scale(value, times)',
    ]


@pytest.mark.long
def test_without_a_recorder_the_committed_docs_are_kept_and_new_functions_are_named(
    committed: Project,
) -> None:
    compiler = committed.folder.with_name("cc")
    compiler.write_text('#!/bin/sh\ncase "$*" in *recorder-*) exit 1;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    shutil.rmtree(committed.folder / "build")
    process = stubs(committed, "--check", CC=str(compiler))
    assert (process.returncode, process.stdout) == (0, "")
    (recorder,) = warnings(process)
    assert "recorder" in recorder
    add_function(committed, f"{PACKAGE}.answer")
    first, warning = warnings(stubs(committed, CC=str(compiler)))
    assert first == recorder
    assert "answer" in warning
    assert "scale" not in warning
    assert (
        "def scale(value: int, factor: int, /) -> int:\n"
        in (committed.folder / API_STUB).read_text()
    )


def test_a_stub_whose_prefix_no_longer_exists_is_deleted(committed: Project) -> None:
    add_function(committed, f"{PACKAGE}.deep.answer")
    refresh(committed)
    (committed.folder / "csrc" / "answer.c").unlink()
    deep = committed.folder / PACKAGE / "deep"
    for name in ("__init__.py", "_ffi_api.py"):  # The error of a build requests this.
        (deep / name).unlink()
    printed = difference(committed)
    for name in ("__init__.pyi", "_ffi_api.pyi"):
        assert f"--- a/{PACKAGE}/deep/{name}\n+++ /dev/null\n" in printed
    assert refresh(committed) == [
        f"removed {PACKAGE}/deep/__init__.pyi",
        f"removed {PACKAGE}/deep/_ffi_api.pyi",
    ]
    assert list(deep.iterdir()) == []
    assert_up_to_date(committed)


@pytest.mark.long
def test_the_stub_of_a_package_is_deleted_if_its_init_contains_code(committed: Project) -> None:
    with (committed.folder / INIT).open("a") as stream:
        stream.write("\nprint('imported')\n")
    assert f"--- a/{INIT_STUB}\n+++ /dev/null\n" in difference(committed)
    committed.build()
    assert {name for name in committed.names() if name.endswith(".pyi")} == {API_STUB}
    assert refresh(committed) == [f"removed {INIT_STUB}"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "written"),
    [
        # The package's stub would import from this handwritten stub, so it is not generated.
        (API_STUB, {API, INIT, TYPED}),
        (INIT_STUB, {API, API_STUB, INIT, TYPED}),
    ],
)
def test_a_handwritten_stub_is_unchanged(name: str, written: set[str], described: Project) -> None:
    by_hand = '"""By hand."""\n\ndef scale(value: int, factor: int) -> int: ...\n'
    (described.folder / name).write_text(by_hand)
    assert name not in difference(described)
    assert refresh(described) == [f"wrote {file}" for file in sorted(written)]
    rename_parameter(described)
    add_function(described, f"{PACKAGE}.answer")
    assert f"wrote {name}" not in refresh(described)
    described.build()
    assert described.read(name) == (described.folder / name).read_text() == by_hand


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(STUBS - {INIT}))
def test_a_missing_file_is_reported_and_written(name: str, committed: Project) -> None:
    before = committed.tree()
    (committed.folder / name).unlink()
    process = stubs(committed, "--check")
    assert process.returncode == 1
    assert process.stdout.startswith(f"--- /dev/null\n+++ b/{name}\n")
    assert process.stderr.endswith(f"{OUT_OF_DATE}{name}\n")
    assert refresh(committed) == [f"wrote {name}"]
    assert set(committed.tree()) == set(before)


@pytest.mark.long
def test_line_endings_are_ignored_and_preserved(committed: Project) -> None:
    files = [committed.folder / name for name in STUBS]
    for file in files:
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert_up_to_date(committed)
    rename_parameter(committed)
    add_function(committed, f"{PACKAGE}.answer")
    assert refresh(committed) == [f"wrote {name}" for name in sorted({API, API_STUB, INIT_STUB})]
    for file in files:
        assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n")
    assert_up_to_date(committed)


def replace(project: Project, name: str, pattern: str, new: str) -> None:
    """Replace the only match of a pattern."""
    file = project.folder / name
    text, count = re.subn(pattern, new, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, (pattern, text)
    file.write_text(text, encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (r"(, registry) \w+$", r"\1 0123456789abcdef"),
        (r"^# setuptools-tvm-ffi .*$", "# of another release"),
    ],
    ids=["registry", "everything"],
)
def test_the_versions_in_the_header_of_a_stub_are_ignored(
    pattern: str, new: str, committed: Project
) -> None:
    for name in (API_STUB, INIT_STUB):
        replace(committed, name, pattern, new)
    written = times(committed)
    assert_up_to_date(committed)
    assert refresh(committed) == ["stubs are up to date"]
    assert times(committed) == written
    assert warnings(committed.build(config_settings={"stubs": "check"})) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("patterns", "tools"),
    [
        (
            {r"^(# setuptools-tvm-ffi) [^,]+(, apache-tvm-ffi) [^,]+": r"\1 0.0.1\2 0.0.1"},
            ["setuptools-tvm-ffi", "apache-tvm-ffi"],
        ),
    ],
    ids=["both"],
)
def test_if_new_tool_versions_change_a_stub_both_versions_are_reported(
    patterns: Mapping[str, str], tools: list[str], committed: Project
) -> None:
    program = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    environment = committed.environment
    printed = environment.run(environment.python, "-c", program, *tools, cwd=committed.folder)
    now = dict(zip(tools, printed.stdout.split()))
    for pattern, new in patterns.items():
        replace(committed, API_STUB, pattern, new)
    replace(committed, API_STUB, r"value: int, factor: int", "value: int, factor: float")
    reason = "the registry did not change; the stubs were written with " + ", ".join(
        f"{tool} 0.0.1, now {now[tool]}" for tool in tools
    )
    process = stubs(committed, "--check")
    assert process.returncode == 1
    assert process.stderr.endswith(f"{OUT_OF_DATE}{API_STUB} ({reason})\n")
    (warning,) = warnings(committed.build())
    assert f"{API_STUB} ({reason}); " in warning


@pytest.mark.long
def test_if_the_registry_changed_a_new_tool_is_only_a_possible_cause(
    committed: Project,
) -> None:
    rename_parameter(committed)
    assert stubs(committed, "--check").stderr.endswith(f"{OUT_OF_DATE}{API_STUB}\n")
    replace(committed, API_STUB, r"(, apache-tvm-ffi) [^,]+", r"\1 0.0.1")
    process = stubs(committed, "--check")
    assert process.returncode == 1
    assert re.search(
        rf"{OUT_OF_DATE}{API_STUB} \(a possible cause: the stubs were written with apache-tvm-ffi "
        r"0\.0\.1, now [\w.]+\)\n\Z",
        process.stderr,
    )


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_source_that_does_not_compile_is_shown_with_the_compilers_message(
    committed: Project,
) -> None:
    committed.edit("csrc/scale.c", "(void)self;", "(void)self")
    printed = assert_could_not_run(committed)
    assert re.search(r"csrc/scale\.c:\d+:\d+: error: ", printed)
    assert "compiling csrc/scale.c failed" in printed


@pytest.mark.long
def test_a_project_that_declares_no_library_is_rejected(
    builder: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n')
    printed = assert_could_not_run(Project(folder, builder))
    assert "tool.setuptools-tvm-ffi.ext-modules is missing, and there is no setup.py" in printed


@pytest.mark.long
def test_a_project_whose_libraries_have_no_stubs_is_rejected(project: ProjectFactory) -> None:
    without = project("described")
    with (without.folder / "pyproject.toml").open("a") as stream:
        stream.write('stubs = "none"\n')
    assert "no library of the project in this folder has stubs" in assert_could_not_run(without)
    other = project("c_only")
    (other.folder / "setup.py").write_text("from setuptools import setup\n\nsetup()\n")
    assert "no library of the project in this folder has stubs" in assert_could_not_run(other)


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["stubs=never"], "--config-settings stubs is 'never', expected one of 'warn', 'check', "),
        (["job=1"], "--config-settings job: unknown key, did you mean 'jobs'?"),
        (["jobs"], "--config-setting jobs has no value"),
        (["jobs=1", "jobs=1"], "--config-settings jobs is specified more than once"),
    ],
)
def test_an_invalid_setting_is_rejected_with_its_key(
    options: list[str], message: str, described: Project
) -> None:
    arguments = [word for option in options for word in ("-C", option)]
    printed = assert_could_not_run(described, *arguments)
    assert printed.startswith(f"setuptools-tvm-ffi: error: {message}")
    assert not (described.folder / "build").exists()


@pytest.mark.long
def test_unknown_arguments_are_rejected(described: Project) -> None:
    for arguments in (["--chek"], ["--che"], ["described_pkg"]):
        assert "unrecognized arguments: " in assert_could_not_run(described, *arguments)


@pytest.mark.long
def test_a_name_that_no_stub_can_contain_is_rejected_in_strict_mode(committed: Project) -> None:
    add_function(committed, f"{PACKAGE}.import")
    reason = f"function '{PACKAGE}.import': 'import' is a Python keyword"
    assert f"registered {reason}" in assert_could_not_run(committed, "-C", "stubs=strict")
    process = stubs(committed)
    assert (process.returncode, process.stdout) == (0, "stubs are up to date\n")
    (warning,) = warnings(process)
    assert warning.startswith(f"{reason}: left out of the stubs; ")


@pytest.mark.long
def test_if_libtvm_ffi_does_not_load_the_error_shows_the_loaders_message(
    described: Project, variables: dict[str, str], plugin_wheel: Path, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    needs = ("setuptools>=77", "packaging", "tomli", "ninja", "apache-tvm-ffi", plugin_wheel)
    environment.pip("install", "-q", *needs, cwd=tmp_path)
    (library,) = environment.site_packages.glob("tvm_ffi/lib/libtvm_ffi.so")
    # The library defines the symbols that the linker needs, but cannot be loaded itself.
    source = "void nowhere(void);\n" + "".join(
        f"void TVMFFIFunction{name}(void) {{ nowhere(); }}\n"
        for name in ("Create", "SetGlobalFromMethodInfo")
    )
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-Wl,-z,now", "-x", "c", "-", "-o", str(library)],
        input=source.encode(),
        check=True,
    )
    before = described.tree()
    for arguments in ((), ("--check",)):
        process = stubs(Project(described.folder, environment), *arguments)
        assert (process.returncode, process.stdout) == (2, "")
        assert (
            "setuptools-tvm-ffi: error: extension 'described_pkg.described': cannot import tvm_ffi "
            "to generate stubs (exit status 1):\n"
        ) in process.stderr
        assert "undefined symbol: nowhere" in process.stderr
    assert described.tree() == before


# --- builds -------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_wheel_has_current_stubs_and_stale_committed_stubs_cause_a_warning(
    committed: Project,
) -> None:
    rename_parameter(committed)
    add_function(committed, f"{PACKAGE}.answer")
    before = committed.tree()
    for _ in range(2):  # The second build uses the cached stubs of the first.
        files = ", ".join(sorted({API, API_STUB, INIT_STUB}))
        (warning,) = warnings(committed.build())
        assert f"out of date: {files};" in warning
        assert "'setuptools-tvm-ffi stubs'" in warning
        assert committed.tree() == before
        assert "def scale(value: int, times: int, /) -> int:" in committed.read(API_STUB)
        assert "answer as answer" in committed.read(INIT_STUB)
        assert "def answer() -> int: ..." in committed.read(API)


@pytest.mark.long
@pytest.mark.parametrize("check", ["check", "strict"])
def test_a_build_with_stubs_check_fails_with_the_difference(check: str, committed: Project) -> None:
    rename_parameter(committed)
    printed = committed.refuse(config_settings={"stubs": check})
    assert (
        "setuptools-tvm-ffi: error: --config-settings stubs: stubs in the source tree are out of "
        f"date: {API_STUB}\n"
    ) in printed
    patch = stubs(committed, "--check").stdout
    assert patch.startswith(f"--- a/{API_STUB}\n")
    for line in patch.splitlines():
        assert line.rstrip() in printed
    assert "setuptools-tvm-ffi stubs'" in printed.partition("hint: ")[2]
    refresh(committed)
    assert warnings(committed.build(config_settings={"stubs": check})) == []


@pytest.mark.long
def test_a_project_can_enable_the_check_for_every_build(committed: Project) -> None:
    declare(committed, 'stubs = "check"')
    committed.build()
    rename_parameter(committed)
    assert "tool.setuptools-tvm-ffi.stubs: stubs in the source tree" in committed.refuse()
    # An editable install writes the stubs.
    committed.environment.run(
        *(committed.environment.python, "-I", "-c"),
        "from setuptools_tvm_ffi.build_meta import build_editable; build_editable('..')",
        cwd=committed.folder,
        variables=QUICK,
    )
    committed.build()


@pytest.mark.long
@pytest.mark.parametrize("check", ["warn", "check"])
def test_without_committed_stubs_no_warning_is_printed(check: str, described: Project) -> None:
    before = described.tree()
    assert warnings(described.build(config_settings={"stubs": check})) == []
    assert STUBS | {f"{PACKAGE}/libdescribed.so"} < described.names()
    assert described.tree() == before


@pytest.mark.long
def test_every_build_warns_about_an_omitted_name(described: Project) -> None:
    add_function(described, f"{PACKAGE}.import")
    first, second = described.build(), described.build()
    assert "generated stubs: " in first.stdout
    assert "generated stubs: " not in second.stdout
    (warning,) = warnings(first)
    assert warning.startswith(f"function '{PACKAGE}.import': 'import' is a Python keyword: left ")
    assert warnings(second) == [warning]


# --- py.typed -----------------------------------------------------------------------------------


def markers(project: Project) -> dict[str, str]:
    """Return the content of each ``py.typed`` file in the wheel."""
    return {name: project.read(name) for name in project.names() if name.endswith("py.typed")}


def nest(project: Project, *, regular: bool) -> None:
    """Move the package into another package."""
    outer = project.folder / "outer_pkg"
    outer.mkdir()
    (project.folder / PACKAGE).rename(outer / PACKAGE)
    packages = f'["outer_pkg.{PACKAGE}"]'
    if regular:
        (outer / "__init__.py").touch()
        packages = f'["outer_pkg", "outer_pkg.{PACKAGE}"]'
    project.edit("pyproject.toml", f'["{PACKAGE}"]', packages)
    project.edit("pyproject.toml", f'"{PACKAGE}.described"', f'"outer_pkg.{PACKAGE}.described"')
    project.edit("csrc/scale.c", f"{PACKAGE}.scale", f"outer_pkg.{PACKAGE}.scale")


@pytest.mark.long
def test_a_package_with_stubs_has_a_py_typed_file(described: Project) -> None:
    described.build()
    assert markers(described) == {TYPED: ""}


@pytest.mark.long
@pytest.mark.parametrize("regular", [True, False], ids=["package", "namespace"])
def test_py_typed_is_written_to_the_outermost_regular_package(
    described: Project, *, regular: bool
) -> None:
    nest(described, regular=regular)
    described.build()
    assert f"outer_pkg/{API_STUB}" in described.names()
    folder = "outer_pkg" if regular else f"outer_pkg/{PACKAGE}"
    assert markers(described) == {f"{folder}/py.typed": ""}
    assert f"wrote {folder}/py.typed" in refresh(described)


@pytest.mark.long
def test_a_renamed_library_is_reported_with_the_line_that_loads_the_old_name(
    committed: Project,
) -> None:
    committed.edit("pyproject.toml", f"{PACKAGE}.described", f"{PACKAGE}.renamed")
    lines = (committed.folder / API).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if line.startswith("LIB = "))
    error = assert_could_not_run(committed)
    assert f"{API}:{number}: " in error
    # Follow the hint.
    correct = '("described-project", "renamed")'
    assert correct in error
    committed.edit(API, '("described-project", "described")', correct)
    refresh(committed)
    assert_up_to_date(committed)


def test_a_project_can_disable_py_typed(described: Project) -> None:
    declare(described, "py-typed = false")
    described.build()
    assert markers(described) == {}
    assert {API, API_STUB, INIT, INIT_STUB} < described.names()
    assert f"wrote {TYPED}" not in refresh(described)


@pytest.mark.long
def test_a_py_typed_file_of_the_project_is_unchanged(described: Project) -> None:
    (described.folder / TYPED).write_text("partial\n")
    described.build()
    assert markers(described) == {TYPED: "partial\n"}
    assert f"wrote {TYPED}" not in refresh(described)
    assert_up_to_date(described)
    assert (described.folder / TYPED).read_text() == "partial\n"


@pytest.mark.long
def test_a_package_without_stubs_has_no_py_typed_file(described: Project) -> None:
    with (described.folder / "pyproject.toml").open("a") as stream:
        stream.write('stubs = "none"\n')
    described.build()
    assert {n for n in described.names() if ".dist-info/" not in n} == {
        INIT,
        f"{PACKAGE}/libdescribed.so",
    }


# --- crashes and killed builds ------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("statement", "how"), [("abort();", "SIGABRT"), ("kill(getpid(), SIGKILL);", "SIGKILL")]
)
def test_a_library_that_crashes_when_loaded_leaves_the_tree_unchanged(
    statement: str, how: str, committed: Project
) -> None:
    rename_parameter(committed)
    ending = committed.folder / "csrc" / "ending.c"
    ending.write_text(
        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\n"
        f"__attribute__((constructor)) static void End(void) {{ {statement} }}\n"
    )
    printed = committed.refuse()
    assert f"failed (killed by {how})" in printed
    assert f"failed (killed by {how})" in assert_could_not_run(committed)
    ending.unlink()
    committed.build()
    assert "times: int" in committed.read(API_STUB)
    assert refresh(committed) == [f"wrote {API_STUB}"]


WHEEL = "from setuptools_tvm_ffi.build_meta import build_wheel; build_wheel('../dist')"
EDITABLE = "from setuptools_tvm_ffi.build_meta import build_editable; build_editable('../dist')"
REFRESH = "from setuptools_tvm_ffi.cli import main; raise SystemExit(main(['stubs']))"


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
@pytest.mark.parametrize("whole", [False, True], ids=["child", "build"])
@pytest.mark.parametrize("program", [WHEEL, EDITABLE, REFRESH], ids=["wheel", "editable", "stubs"])
def test_a_killed_stub_step_leaves_the_tree_unchanged_and_writes_no_wheel(
    program: str, committed: Project, tmp_path: Path, *, whole: bool
) -> None:
    rename_parameter(committed)
    (committed.folder / "csrc" / "hanging.c").write_text(HANGING)
    before = committed.tree()
    told = tmp_path / "told"
    environment = committed.environment
    with subprocess.Popen(
        [environment.python, "-I", "-c", program],
        cwd=committed.folder,
        env={**environment.variables, **QUICK, "HANG_AND_TELL": str(told)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as build:
        try:
            child = wait_for_process(told, build)
            assert committed.tree() == before
            if not whole:
                os.kill(child, signal.SIGKILL)
                build.wait(timeout=60)
        finally:
            if build.poll() is None:
                os.killpg(build.pid, signal.SIGKILL)
        assert build.stdout is not None
        printed = build.stdout.read()
    if whole:
        assert build.returncode == -signal.SIGKILL
    else:
        assert build.returncode in {1, 2}
        assert "failed (killed by SIGKILL)" in printed
        assert "Traceback" not in printed
    assert committed.tree() == before
    assert not list(committed.wheels.rglob("*.whl"))
    committed.build()
    assert "times: int" in committed.read(API_STUB)
    assert refresh(committed) == [f"wrote {API_STUB}"]


def wait_for_process(file: Path, build: subprocess.Popen[str]) -> int:
    """Wait until a file contains a process ID, and return it."""
    end = time.monotonic() + 120
    while not file.exists() or not file.read_text().endswith("\n"):
        assert build.poll() is None, build.stdout and build.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(file.read_text())
