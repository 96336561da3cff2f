# SPDX-License-Identifier: Apache-2.0
"""Detection of stale steps. A fake compiler in Python runs the steps, so tests are quick."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building import missing_files
from setuptools_tvm_ffi.building.file_states import status_of
from setuptools_tvm_ffi.building.freshness import Freshness, Stale
from setuptools_tvm_ffi.building.plan import BuildPlan, LibraryPlan, Step
from setuptools_tvm_ffi.building.step_record import StepRecord
from setuptools_tvm_ffi.settings import ExtensionSettings

SETTINGS = ExtensionSettings(name="pkg.lib", sources=("a.c",))
INCLUDE_DIRS = ("one", "two")


def compile_step(source: str, **changes: Any) -> Step:
    # Without querying the compiler, the include path consists of the /I options.
    output = f"build/{source}.o"
    step = Step(
        *("compile", (source,), output, ("cc",)),
        arguments=(*(f"/I{folder}" for folder in INCLUDE_DIRS), source),
        description=f"compile {source}",
        version="1.0",
        dependency_style="gcc",
        depfile=f"{output}.d",
    )
    return dataclasses.replace(step, **changes)


def link_step(*inputs: str, **changes: Any) -> Step:
    step = Step(
        *("link", inputs, "build/lib.so", ("cc",), ("-Llibs", "-lz", "-o", "build/lib.so"), "link"),
        version="1.0",
    )
    return dataclasses.replace(step, **changes)


def run(step: Step) -> None:
    """Run a step. Its output contains the contents of all files that the step reads."""
    read: dict[str, str] = {}

    def include(file: str) -> None:
        if file in read:
            return
        read[file] = Path(file).read_text()
        for name in re.findall(r'^#include "(.*)"', read[file], re.MULTILINE):
            for folder in (os.path.dirname(file), *INCLUDE_DIRS):
                if os.path.isfile(os.path.join(folder, name)):
                    include(os.path.join(folder, name))
                    break
            else:
                raise FileNotFoundError(name)

    for name in step.inputs if step.depfile is not None else ():
        include(name)
    if step.kind == "link":
        read = {name: Path(name).read_text() for name in step.inputs}
    Path(step.output).write_text("".join(read.values()))
    for name in step.extra_outputs:
        Path(name).write_text("more")
    if step.depfile is not None:
        Path(step.depfile).write_text(f"{step.output}: {' '.join(read)}\n")


class Builder:
    """Builds the project in the current folder."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.variables: dict[str, str] = {}
        self.run: Callable[[Step], None] = run
        self.failing: frozenset[str] = frozenset()
        self.bypassed: list[str] = []
        self.watched: dict[str, Any] = {}

    @property
    def plan(self) -> BuildPlan:
        return BuildPlan("build", (LibraryPlan(SETTINGS, "build/lib.so", self.steps, {}),))

    def open(self) -> Freshness:
        return Freshness(Path("build").absolute(), Path.cwd(), self.variables)

    def stale(self) -> list[Stale]:
        return self.open().stale(self.plan)

    def __call__(self) -> dict[str, str]:
        """Run the stale steps; return their names and the reasons."""
        freshness = self.open()
        stale = freshness.stale(self.plan)
        self.bypassed = [each.step.output for each in stale if each.bypass_cache]
        if stale:
            manifest = Path("build/build.ninja")
            manifest.unlink(missing_ok=True)
            manifest.touch()
            freshness.begin(stale, manifest.absolute())
            done = []
            for each in stale:
                self.run(each.step)
                if each.step.output not in self.failing:
                    done.append(each.step)
            try:
                freshness.complete(done, self.plan)
            finally:
                self.watched = freshness.watched()
        self.watched = freshness.watched()
        return {Path(each.step.output).name: each.reason for each in stale}


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    """A project with two sources, two headers and a library, that was built."""
    monkeypatch.chdir(tmp_path)
    # Trust timestamps immediately, so that no test waits until timestamps advance.
    monkeypatch.setattr("setuptools_tvm_ffi.building.file_states._STEP", 0)
    for folder in ("csrc", "one", "two", "build/csrc", "libs"):
        Path(folder).mkdir(parents=True)
    write("csrc/a.c", '#include "a.h"\n#include "both.h"\n')
    write("csrc/b.c", '#include "both.h"\n')
    write("csrc/a.h", "a")
    write("two/both.h", "both")
    write("libs/libz.a", "!<arch>\n")
    steps = [compile_step("csrc/a.c"), compile_step("csrc/b.c")]
    build = Builder(*steps, link_step("build/csrc/a.c.o", "build/csrc/b.c.o"))
    time.sleep(0.01)
    assert build() == {"a.c.o": "", "b.c.o": "", "lib.so": ""}
    assert build() == {}
    yield build
    # After any sequence of changes, a second build does nothing.
    build.run, build.failing = run, frozenset()
    build()
    assert build() == {}


def write(name: str, text: str) -> None:
    time.sleep(0.005)  # timestamps of files have a coarse resolution
    Path(name).write_text(text)
    time.sleep(0.005)


def change(build: Builder, number: int, **changes: Any) -> None:
    steps = list(build.steps)
    steps[number] = dataclasses.replace(steps[number], **changes)
    build.steps = tuple(steps)


# --- precompiled headers -----------------------------------------------------------------------


@pytest.fixture
def precompiling(build: Builder) -> Builder:
    """The project with a precompiled header that contains `two/both.h`.

    As with GCC, its content differs each time, and compile steps do not report its headers.
    """
    write("build/all.h", '#include "both.h"\n')
    write("csrc/a.c", '#include "a.h"\n')
    write("csrc/b.c", "")
    header = compile_step("build/all.h", kind="precompile", output="build/all.h.gch")
    header = dataclasses.replace(header, depfile="build/all.h.d")
    units = [
        compile_step(name, precompiled=header.output, arguments=("/Ione", "/Itwo", name))
        for name in ("csrc/a.c", "csrc/b.c")
    ]
    build.steps = (header, *units, build.steps[-1])
    numbers = itertools.count()

    def run_it(step: Step) -> None:
        run(step)
        if step is header:
            Path(step.output).write_text(f"precompiled {next(numbers)}")

    build.run = run_it
    assert build().keys() == {"all.h.gch", "a.c.o", "b.c.o", "lib.so"}
    assert build() == {}
    return build


def test_a_change_of_a_precompiled_header_recompiles_its_users(precompiling: Builder) -> None:
    write("two/both.h", "BOTH")
    reason = "two/both.h changed"
    assert precompiling() == {"all.h.gch": reason, "a.c.o": reason, "b.c.o": reason, "lib.so": ""}
    write("csrc/a.h", "A")
    assert precompiling() == {"a.c.o": "csrc/a.h changed", "lib.so": ""}


def test_a_header_that_precedes_one_of_a_precompiled_header_recompiles_its_users(
    precompiling: Builder,
) -> None:
    write("one/both.h", "BOTH")
    reason = "one/both.h is new"
    assert precompiling() == {"all.h.gch": reason, "a.c.o": reason, "b.c.o": reason, "lib.so": ""}


def test_a_compiler_may_report_headers_first_and_by_absolute_paths(
    precompiling: Builder,
) -> None:
    usual = precompiling.run

    def as_clang(step: Step) -> None:
        usual(step)
        if step.precompiled:
            assert step.depfile is not None
            file = Path(step.depfile)
            headers = [
                step.precompiled,
                Path("build/all.h").absolute(),
                Path("two/both.h").absolute(),
            ]
            names = file.read_text().split()[1:]
            file.write_text(f"{step.output}: {' '.join(map(str, [*headers, *names]))}\n")

    precompiling.run = as_clang
    for step in precompiling.steps[1:3]:
        Path(step.output).unlink()
    assert precompiling().keys() == {"a.c.o", "b.c.o", "lib.so"}
    assert precompiling() == {}
    assert not any(os.path.isabs(name) for name in precompiling.watched)
    write("one/a.c", "not the source")
    assert precompiling() == {}
    write("two/both.h", "BOTH")
    assert precompiling().keys() == {"all.h.gch", "a.c.o", "b.c.o", "lib.so"}


def test_a_deleted_precompiled_header_is_written_again_when_a_step_reads_it(
    precompiling: Builder,
) -> None:
    Path("build/all.h.gch").unlink()
    assert precompiling() == {}
    write("csrc/b.c", "int b;\n")
    assert precompiling() == {
        "all.h.gch": "build/all.h.gch is missing",
        "b.c.o": "csrc/b.c changed",
        "lib.so": "",
    }
    assert precompiling() == {}


def test_a_date_in_a_precompiled_header_is_a_date_of_its_users(precompiling: Builder) -> None:
    precompiling.variables["SOURCE_DATE_EPOCH"] = "1"
    write("two/both.h", "char date[] = __DATE__;")
    assert len(precompiling()) == 4
    assert precompiling() == {}
    precompiling.variables["SOURCE_DATE_EPOCH"] = "2"
    assert precompiling().keys() == {"all.h.gch", "a.c.o", "b.c.o", "lib.so"}


def test_a_change_while_a_header_is_precompiled_leaves_its_users_unrecorded(
    precompiling: Builder,
) -> None:
    usual = precompiling.run

    def edit_afterwards(step: Step) -> None:
        usual(step)
        if step.kind == "precompile":
            write("two/both.h", "edited during the build")

    precompiling.run = edit_afterwards
    write("two/both.h", "BOTH")
    assert len(precompiling()) == 4
    precompiling.run = usual
    assert precompiling().keys() == {"all.h.gch", "a.c.o", "b.c.o", "lib.so"}
    assert precompiling() == {}


def test_an_object_that_comes_with_a_precompiled_header_is_linked_again(
    precompiling: Builder,
) -> None:
    header = dataclasses.replace(precompiling.steps[0], extra_outputs=("build/all.h.obj",))
    link = link_step("build/all.h.obj", "build/csrc/a.c.o", "build/csrc/b.c.o")
    precompiling.steps = (header, *precompiling.steps[1:3], link)
    precompiling.run = run
    assert precompiling().keys() == {"all.h.gch", "lib.so"}
    Path("build/all.h.obj").unlink()
    assert precompiling().keys() == {"all.h.gch", "lib.so"}


# --- what is compared ---------------------------------------------------------------------------


def test_the_content_of_headers_and_sources_is_compared(build: Builder) -> None:
    write("csrc/a.h", "A")
    assert build() == {"a.c.o": "csrc/a.h changed", "lib.so": ""}
    assert Path("build/lib.so").read_text().count("A") == 1
    write("two/both.h", "BOTH")
    reason = "two/both.h changed"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": ""}
    write("csrc/b.c", "int b;\n")
    assert build() == {"b.c.o": "csrc/b.c changed", "lib.so": ""}
    write("two/both.h", "no longer read by b.c")
    assert build() == {"a.c.o": reason, "lib.so": ""}


def test_a_library_is_stale_if_a_later_one_that_it_links_with_is(build: Builder) -> None:
    user = link_step("build/csrc/a.c.o", output="build/user.so", extra_inputs=("build/base.so",))
    base = link_step("build/csrc/b.c.o", output="build/base.so")
    build.steps = (*build.steps[:2], user, base)
    build.run = lambda step: run(step) if step is not user else Path("build/user.so").touch()
    assert set(build()) == {"user.so", "base.so"}
    write("csrc/b.c", "int b;\n")
    assert build() == {"b.c.o": "csrc/b.c changed", "base.so": "", "user.so": ""}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no inode time")
def test_content_that_was_replaced_in_place_with_the_same_times_is_detected(
    build: Builder,
) -> None:
    before = Path("csrc/a.h").stat()
    write("csrc/a.h", "b")
    os.utime("csrc/a.h", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert build() == {"a.c.o": "csrc/a.h changed", "lib.so": ""}


def test_an_older_file_that_is_moved_into_place_is_detected(build: Builder) -> None:
    write("backup", "b")
    os.utime("backup", (5, 5))
    os.replace("backup", "csrc/a.h")
    assert build() == {"a.c.o": "csrc/a.h changed", "lib.so": ""}


def test_swapped_files_and_redirected_links_are_detected(build: Builder) -> None:
    write("csrc/other.h", "o")
    os.replace("csrc/a.h", "csrc/a1.h")
    Path("csrc/a.h").symlink_to("a1.h")
    assert build() == {}
    Path("csrc/a.h").unlink()
    Path("csrc/a.h").symlink_to("other.h")
    assert build() == {"a.c.o": "csrc/a.h changed", "lib.so": ""}


def test_times_alone_make_nothing_stale(build: Builder) -> None:
    for name in ("csrc/a.c", "csrc/a.h", "two/both.h", "build/lib.so", "libs/libz.a"):
        os.utime(name, (5, 5))
    assert build() == {}
    assert build.watched == {name: status_of(name or ".") for name in build.watched}
    write("csrc/a.h", "b")
    write("csrc/a.h", "a")
    assert build() == {}


def test_a_copied_project_is_fresh(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(".", "../copy")
    monkeypatch.chdir("../copy")
    assert build() == {}
    record = Path("build/steps.json").read_bytes()
    assert build() == {}
    assert Path("build/steps.json").read_bytes() == record


def test_outputs_are_compared(build: Builder) -> None:
    write("build/csrc/b.c.o", "damaged")
    assert build() == {"b.c.o": "build/csrc/b.c.o changed", "lib.so": "build/csrc/b.c.o changed"}
    Path("build/lib.so").unlink()
    assert build() == {"lib.so": "build/lib.so is missing"}


def test_further_outputs_are_compared(build: Builder) -> None:
    change(build, 2, extra_outputs=("build/lib.pdb",))
    assert build() == {"lib.so": "its command changed"}
    Path("build/lib.pdb").unlink()
    assert build() == {"lib.so": "build/lib.pdb is missing"}


def test_a_header_that_was_deleted_makes_its_source_stale(build: Builder) -> None:
    Path("csrc/a.h").unlink()
    (stale, _) = build.stale()
    assert (stale.step.output, stale.reason) == ("build/csrc/a.c.o", "csrc/a.h is missing")
    write("csrc/a.h", "a")


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": ("/Ione", "/Itwo", "csrc/a.c", "-O3")},
        {"program": ("cc", "-m32")},
        {"extra_inputs": ("csrc/a.h",)},
        {"response_file_content": "more"},
    ],
)
def test_the_command_is_compared(build: Builder, changes: dict[str, Any]) -> None:
    change(build, 0, **changes)
    assert build() == {"a.c.o": "its command changed", "lib.so": ""}


def test_the_folder_of_an_isolated_environment_is_not_compared(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-environments"

    def enter(environment: str) -> str:
        packages = str(outside / environment / "site-packages")
        nvcc = f"{packages}/nvidia/cu13"
        monkeypatch.setattr(sys, "path", [packages])
        build.variables = {"CPATH": f"{nvcc}/include"}
        for number in range(2):
            arguments = ("/Ione", "/Itwo", f"/I{nvcc}/include", f"/I{nvcc}/more")
            change(build, number, program=(f"{nvcc}/bin/nvcc",), arguments=arguments)
        change(build, 2, arguments=(f"-L{nvcc}/lib", "-lcudart"))
        return nvcc

    nvcc = Path(enter("first"))
    for folder in ("include", "more", "lib"):
        (nvcc / folder).mkdir(parents=True)
    write(f"{nvcc}/more/cuda.h", "1")
    write(f"{nvcc}/lib/libcudart.a", "!<arch>\n")
    write("csrc/b.c", f'#include "{nvcc}/include/../more/cuda.h"\n#if __has_include(<cccl>)\n')
    build()
    assert build() == {}
    assert build.watched[f"{nvcc}/lib/libcudart.a"] == status_of(f"{nvcc}/lib/libcudart.a")
    shutil.copytree(outside / "first", outside / "second")
    shutil.rmtree(outside / "first")
    nvcc = Path(enter("second"))
    assert build() == {}
    write(f"{nvcc}/lib/libcudart.a", "!<arch>\nnew")
    assert build() == {"lib.so": "<site-packages>/nvidia/cu13/lib/libcudart.a changed"}
    write(f"{nvcc}/include/cccl", "")
    (stale, _) = build.stale()
    assert stale.reason == "<site-packages>/nvidia/cu13/include/cccl is new"
    (nvcc / "include/cccl").unlink()
    write(f"{nvcc}/more/cuda.h", "2")
    (stale, _) = build.stale()
    assert stale.reason == "<site-packages>/nvidia/cu13/include/../more/cuda.h changed"
    write("csrc/b.c", "int b;")


def test_the_version_of_a_compiler_is_compared(build: Builder) -> None:
    change(build, 0, version="1.1")
    assert build() == {"a.c.o": "its compiler changed", "lib.so": ""}


@pytest.mark.skipif(sys.platform == "win32", reason="scripts have no first line there")
@pytest.mark.parametrize("place", ["program", "launcher"])
def test_the_content_of_a_wrapper_script_is_compared(build: Builder, place: str) -> None:
    wrapper = Path("wrapper").absolute()
    for name in (wrapper, Path("copy").absolute()):
        write(str(name), "#!/bin/sh\nexec cc $*\n")
        name.chmod(0o755)
    change(build, 0, **{place: (str(wrapper),)})
    build()
    assert build.watched[str(wrapper)] == status_of(str(wrapper))
    os.utime(wrapper, (5, 5))
    assert build() == {}
    write(str(wrapper), "#!/bin/sh\nexec cc -O3 $*\n")
    assert build() == {"a.c.o": "its compiler changed", "lib.so": ""}


@pytest.mark.skipif(sys.platform == "win32", reason="scripts have no first line there")
def test_a_wrapper_script_that_changes_while_it_runs_is_detected(build: Builder) -> None:
    wrapper = Path("wrapper").absolute()
    write(str(wrapper), "#!/bin/sh\n")
    wrapper.chmod(0o755)
    build.steps = (*build.steps, compile_step("csrc/c.c", program=(str(wrapper),)))
    write("csrc/c.c", "int c;")

    def run_and_edit(step: Step) -> None:
        run(step)
        write(str(wrapper), "#!/bin/sh\n# too late\n")

    build.run = run_and_edit
    assert build() == {"c.c.o": "was not built yet"}
    build.run = run
    assert build() == {"c.c.o": "its compiler changed"}


@pytest.mark.parametrize(
    "name", ["CPATH", "LIBRARY_PATH", "LD_RUN_PATH", "NVCC_APPEND_FLAGS", "CL", "SDKROOT"]
)
def test_variables_of_compilers_are_compared(build: Builder, name: str) -> None:
    build.variables = {name: "x", "HOME": "/root"}
    reason = f"{name} changed"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": reason}
    build.variables = {name: "x", "HOME": "/home/me", "PATH": "/bin"}
    assert build() == {}
    build.variables = {name: ""}
    assert set(build().values()) == {reason}


def test_files_in_arguments_are_compared(build: Builder) -> None:
    write("exports.map", "{};")
    write("more.rsp", "-Wl,--version-script=exports.map")
    change(build, 2, arguments=("@more.rsp",))
    build()
    write("exports.map", "{global: *;};")
    assert build() == {"lib.so": "exports.map changed"}
    write("more.rsp", "-Wl,--version-script=exports.map ")
    assert build() == {"lib.so": "more.rsp changed"}


@pytest.mark.skipif(sys.platform == "win32", reason="uses cat")
def test_a_file_in_an_argument_can_change_the_include_path(build: Builder) -> None:
    printed = "#include <...> search starts here:\n%sEnd of search list.\n"
    write("path.rsp", printed % " two\n")
    change(build, 1, arguments=("@path.rsp",), question=("cat", "path.rsp"))
    build()
    write("path.rsp", printed % " one\n two\n")
    assert build()["b.c.o"] == "path.rsp changed"
    write("one/both.h", "other")
    assert build()["b.c.o"] == "one/both.h is new"


def test_libraries_are_compared(build: Builder) -> None:
    write("libs/libz.a", "!<arch>\nnew")
    assert build() == {"lib.so": "libs/libz.a changed"}
    write("libs/libz.so", "\0")
    assert build() == {"lib.so": "libs/libz.so is new"}
    Path("libs/libz.so").unlink()
    assert build() == {"lib.so": "libs/libz.so is missing"}


def test_declared_files_are_compared(build: Builder) -> None:
    write("table.inc", "1")
    change(build, 0, extra_inputs=("table.inc",))
    build()
    write("table.inc", "2")
    assert build() == {"a.c.o": "table.inc changed", "lib.so": ""}


def test_a_declared_file_that_does_not_exist_is_compared(build: Builder) -> None:
    change(build, 0, extra_inputs=("table.inc",))
    build()
    assert build() == {}
    write("table.inc", "2")
    assert build() == {"a.c.o": "table.inc is new", "lib.so": ""}
    Path("table.inc").unlink()
    assert build() == {"a.c.o": "table.inc is missing", "lib.so": ""}


def test_the_files_of_a_declared_folder_are_compared(build: Builder) -> None:
    Path("tables/more").mkdir(parents=True)
    write("tables/more/a.inc", "1")
    change(build, 0, extra_inputs=("tables",))
    build()
    assert build() == {}
    write("tables/more/a.inc", "2")
    assert build() == {"a.c.o": "tables/more/a.inc changed", "lib.so": ""}
    write("tables/more/b.inc", "1")
    assert build() == {"a.c.o": "files in tables/more changed", "lib.so": ""}
    write("tables/b.inc", "1")
    assert build() == {"a.c.o": "files in tables changed", "lib.so": ""}
    Path("tables/more/b.inc").unlink()
    assert set(build()) == {"a.c.o", "lib.so"}
    shutil.rmtree("tables")
    assert set(build()) == {"a.c.o", "lib.so"}


def test_an_input_that_cannot_be_read_is_always_stale(
    build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: Path) -> str:
        raise PermissionError

    write("table.inc", "1")
    change(build, 0, extra_inputs=("table.inc",))
    with monkeypatch.context() as context:
        context.setattr("setuptools_tvm_ffi.building.file_states.digest_of", unreadable)
        shutil.rmtree("build")
        Path("build/csrc").mkdir(parents=True)
        assert "a.c.o" in build()
        assert "a.c.o" in build()


@pytest.mark.parametrize("name", ["table.inc", "build/csrc/a.c.o", "csrc/a.h"])
def test_a_file_that_is_deleted_before_it_is_recorded_is_stale(
    build: Builder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write("table.inc", "1")
    write("csrc/a.h", "A")
    change(build, 0, extra_inputs=("table.inc",))
    real = missing_files.folders_to_watch

    def deleted(*arguments: Any) -> Any:
        Path(name).unlink()
        return real(*arguments)

    with monkeypatch.context() as context:
        context.setattr(missing_files, "folders_to_watch", deleted)
        build()
    if name == "csrc/a.h":
        write("csrc/a.c", "int a;")
    assert "a.c.o" in build()


def test_a_dated_source_is_stale_unless_the_date_is_set(build: Builder) -> None:
    write("csrc/a.h", "char *d = __DATE__;")
    build()
    for _ in range(2):
        assert "SOURCE_DATE_EPOCH is unset" in build()["a.c.o"]
    build.variables = {"SOURCE_DATE_EPOCH": "1"}
    assert set(build()) == {"a.c.o", "lib.so"}
    assert build() == {}
    build.variables = {"SOURCE_DATE_EPOCH": "2"}
    assert set(build()) == {"a.c.o", "lib.so"}
    assert build() == {}


def test_a_date_in_an_argument_is_detected(build: Builder) -> None:
    change(build, 0, arguments=("/Ione", "/Itwo", "-DBUILT=__DATE__"))
    build()
    assert set(build()) == {"a.c.o", "lib.so"}
    build.variables = {"SOURCE_DATE_EPOCH": "2"}


def test_a_timestamp_is_always_stale(build: Builder) -> None:
    write("two/both.h", "char *d = __TIMESTAMP__;")
    build.variables = {"SOURCE_DATE_EPOCH": "1"}
    build()
    reason = "it contains __TIMESTAMP__"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": ""}
    write("two/both.h", "")


# --- files that were missing --------------------------------------------------------------------


def test_a_header_that_shadows_another_is_detected(build: Builder) -> None:
    write("one/both.h", "shadows")
    reason = "one/both.h is new"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": ""}
    assert build.bypassed == ["build/csrc/a.c.o", "build/csrc/b.c.o"]
    assert "shadows" in Path("build/lib.so").read_text()
    write("csrc/both.h", "beside")
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}
    Path("csrc/both.h").unlink()
    Path("one/both.h").unlink()
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}
    assert build.bypassed == []


def test_only_sources_that_could_read_a_new_header_are_stale(build: Builder) -> None:
    write("csrc/b.c", "#if __has_include(<optional.h>)\n#endif\n")
    build()
    write("two/optional.h", "")
    assert build() == {"b.c.o": "two/optional.h is new", "lib.so": ""}
    write("one/a.h", "")  # a.c reads csrc/a.h
    assert build() == {}


def test_a_header_that_a_source_only_looks_for_is_compared(build: Builder) -> None:
    write("csrc/b.c", "#if __has_include(<optional.h>)\n#endif\n")
    write("two/optional.h", "")
    build()
    Path("two/optional.h").unlink()
    assert build() == {"b.c.o": "two/optional.h is missing", "lib.so": ""}
    write("two/optional.h", "")
    assert build() == {"b.c.o": "two/optional.h is new", "lib.so": ""}


@pytest.mark.parametrize("place", ["one/both.h", "one"])
def test_the_target_of_a_dangling_link_can_appear(build: Builder, place: str) -> None:
    Path("elsewhere").mkdir()
    if place == "one":
        Path("one").rmdir()
    Path(place).symlink_to(Path("elsewhere/target").absolute())
    write("csrc/a.c", '#include "a.h"\n#include "both.h"\n//\n')
    assert build() == {"a.c.o": "csrc/a.c changed", "lib.so": ""}
    assert build() == {}
    if place == "one":
        Path("elsewhere/target").mkdir()
        write("elsewhere/target/both.h", "shadows")
    else:
        write("elsewhere/target", "shadows")
    reason = "one/both.h is new"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": ""}
    assert "shadows" in Path("build/lib.so").read_text()


def test_a_new_folder_on_the_path_is_detected(build: Builder) -> None:
    shutil.rmtree("one")
    assert build() == {}
    Path("one").mkdir()
    assert build() == {}
    write("one/both.h", "shadows")
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}


def test_an_include_check_of_a_computed_name_depends_on_folders(build: Builder) -> None:
    write("csrc/b.c", "#define H <h.h>\n#if __has_include(H)\n#endif\n")
    build()
    assert build() == {}
    write("one/any.txt", "")
    assert build() == {"b.c.o": "files in one changed", "lib.so": ""}


def test_other_files_in_a_searched_folder_make_nothing_stale(build: Builder) -> None:
    before = build.watched["one"]
    write("one/README", "")
    assert build() == {}
    assert build.watched["one"] == status_of("one") != before
    record = Path("build/steps.json").read_bytes()
    assert build() == {}
    assert Path("build/steps.json").read_bytes() == record


def test_a_compiler_cache_is_bypassed_until_the_step_has_succeeded(build: Builder) -> None:
    write("one/both.h", "shadows")
    build.failing = frozenset({"build/csrc/a.c.o", "build/lib.so"})
    build()
    assert set(build()) == {"a.c.o", "lib.so"}
    assert build.bypassed == ["build/csrc/a.c.o"]


def test_a_compiler_cache_is_bypassed_if_no_step_is_recorded(build: Builder) -> None:
    write("one/both.h", "shadows")
    build.failing = frozenset(step.output for step in build.steps)
    build()
    assert build() == {"a.c.o": "", "b.c.o": "", "lib.so": ""}
    assert build.bypassed == ["build/csrc/a.c.o", "build/csrc/b.c.o"]


# --- changes during a build ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csrc/a.c", "csrc/a.h"])
@pytest.mark.parametrize("known", [True, False])
def test_a_step_whose_input_changes_while_it_runs_is_not_recorded(
    build: Builder, name: str, *, known: bool
) -> None:
    if known:
        write(name, f"{Path(name).read_text()}// edited\n")
    else:
        shutil.rmtree("build")
        Path("build/csrc").mkdir(parents=True)

    def run_and_edit(step: Step) -> None:
        run(step)
        if step.output == "build/csrc/a.c.o":
            write(name, f"{Path(name).read_text()}// too late\n")

    build.run = run_and_edit
    assert "a.c.o" in build()
    assert build.watched["build/csrc/a.c.o"] is None
    build.run = run
    assert build() == {"a.c.o": "was not built yet", "lib.so": ""}
    assert "too late" in Path("build/lib.so").read_text()


def test_a_fresh_step_is_compared_with_its_recorded_inputs(build: Builder) -> None:
    write("csrc/a.c", '#include "both.h"\n')

    def run_and_edit(step: Step) -> None:
        run(step)
        write("two/both.h", "too late")

    build.run = run_and_edit
    assert set(build()) == {"a.c.o", "lib.so"}
    build.run = run
    assert build()["b.c.o"] == "two/both.h changed"


@pytest.mark.parametrize("of_step", ["a.c", "b.c"])
def test_a_header_that_appears_while_a_step_runs_is_detected(build: Builder, of_step: str) -> None:
    write(f"csrc/{of_step}", '#include "both.h"\n//\n')

    def run_and_create(step: Step) -> None:
        run(step)
        write("one/both.h", "shadows")

    build.run = run_and_create
    assert len(build()) == 2
    build.run = run
    reason = "one/both.h is new"
    assert build() == {"a.c.o": reason, "b.c.o": reason, "lib.so": ""}


@pytest.mark.parametrize("ahead", [0, -3600, 3600])
def test_a_file_that_changed_just_before_the_build_is_read_again(
    build: Builder, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    real = time.time_ns
    # The clock of this machine differs from the clock of the file system.
    monkeypatch.setattr(time, "time_ns", lambda: real() + ahead * 1_000_000_000)
    monkeypatch.setattr("setuptools_tvm_ffi.building.file_states._STEP", 10**12)
    write("csrc/a.h", "A")
    build()
    assert build.watched["csrc/a.h"] is None
    assert build.watched["build/lib.so"] is not None
    assert build() == {}
    monkeypatch.setattr("setuptools_tvm_ffi.building.file_states._STEP", 0)
    assert build() == {}
    assert build.watched == {name: status_of(name or ".") for name in build.watched}


# --- failures -----------------------------------------------------------------------------------


def test_steps_that_have_succeeded_are_recorded(build: Builder) -> None:
    write("csrc/a.c", "int a;")
    write("csrc/b.c", "int b;")
    build.failing = frozenset({"build/csrc/b.c.o", "build/lib.so"})  # their outputs are incomplete
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}
    assert build.watched["build/lib.so"] is None
    build.failing = frozenset()
    assert set(build()) == {"b.c.o", "lib.so"}


def test_a_step_that_failed_is_stale_when_its_input_is_restored(build: Builder) -> None:
    text = Path("csrc/a.c").read_text()
    write("csrc/a.c", "int a")
    build.failing = frozenset({"build/csrc/a.c.o", "build/lib.so"})
    build()
    write("csrc/a.c", text)
    build.failing = frozenset()
    assert set(build()) == {"a.c.o", "lib.so"}


def test_a_build_that_was_killed_starts_again(build: Builder) -> None:
    write("csrc/a.c", "int a;")
    freshness = build.open()
    stale = freshness.stale(build.plan)
    freshness.begin(stale, Path("csrc/a.c").absolute())
    assert not Path("build/lib.so").exists()
    Path("build/csrc/a.c.o").write_text("incomplete")
    assert set(build()) == {"a.c.o", "lib.so"}


def test_a_build_that_was_killed_between_its_two_records_starts_again(
    build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("csrc/a.h", "A")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(StepRecord, "write_statuses", killed)
        with pytest.raises(KeyboardInterrupt):
            build()
    build()
    write("one/both.h", "shadows")
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}


@pytest.mark.parametrize("file", ["steps.json", "step-details.json"])
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 2}',
        '{"format": 2, "steps": {"build/lib.so": {}}}',
        '{"format": 2, "files": {"a": [""]}}',
        '{"format": 2, "steps": []}',
        pytest.param("\0" * 100, id="zeros"),
    ],
)
def test_a_corrupt_record_makes_every_step_stale(build: Builder, file: str, content: str) -> None:
    Path("build", file).write_text(content)
    write("one/both.h", "shadows")
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}
    assert "shadows" in Path("build/lib.so").read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"missing": []},
        {"missing": {"build/csrc/a.c.o": [10**6]}},
        {"facts": {"digest": {"unknown": 1}}},
        {"facts": {"digest": []}},
        {"answers": 1},
        {"paths": {}},
    ],
)
def test_corrupt_details_make_every_step_stale(build: Builder, changes: dict[str, Any]) -> None:
    file = Path("build/step-details.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    write("one/both.h", "shadows")
    assert set(build()) == {"a.c.o", "b.c.o", "lib.so"}


def test_a_record_of_another_format_is_ignored(build: Builder) -> None:
    record = json.loads(Path("build/steps.json").read_text())
    Path("build/steps.json").write_text(json.dumps({**record, "format": 0}))
    assert build() == {"a.c.o": "", "b.c.o": "", "lib.so": ""}


@pytest.mark.parametrize("suffix", [".o", ".o.d"])
def test_a_compiler_that_writes_nothing_is_an_error(build: Builder, suffix: str) -> None:
    def incomplete(step: Step) -> None:
        if step.kind == "link":
            Path(step.output).touch()
        else:
            run(step)
            Path(f"build/{step.inputs[0]}{suffix}").unlink()

    build.run = incomplete
    write("csrc/a.c", "int a;")
    with pytest.raises(BuildError, match=r"compile csrc/a\.c: ") as caught:
        build()
    assert ("did not write build/csrc/a.c.o" in str(caught.value)) == (suffix == ".o")
    assert ("which files it read" in str(caught.value)) == (suffix == ".o.d")
    assert "'cc'" in (caught.value.hint or "")
    assert build.watched["build/csrc/a.c.o"] is None
    build.run = run
    assert set(build()) == {"a.c.o", "lib.so"}


def test_other_steps_are_recorded_if_one_writes_nothing(build: Builder) -> None:
    def incomplete(step: Step) -> None:
        if step.output != "build/csrc/a.c.o":
            run(step)

    build.steps = build.steps[:2]
    write("two/both.h", "changed")
    build.run = incomplete
    with pytest.raises(BuildError):
        build()
    build.run = run
    assert set(build()) == {"a.c.o"}


def test_a_corrupt_depfile_is_an_error(build: Builder) -> None:
    def corrupt(step: Step) -> None:
        run(step)
        if step.depfile is not None:
            Path(step.depfile).write_text("build/csrc/a.c.o: csrc/a.c \\")

    build.run = corrupt
    write("csrc/a.c", "int a;")
    with pytest.raises(BuildError, match="which files it read"):
        build()


# --- the record ---------------------------------------------------------------------------------


def test_a_step_that_is_removed_is_forgotten(build: Builder) -> None:
    steps = build.steps
    build.steps = (steps[0], link_step("build/csrc/a.c.o"))
    assert build() == {"lib.so": "its command changed"}
    for name in ("steps.json", "step-details.json"):
        assert "b.c" not in Path("build", name).read_text()
    build.steps = steps
    assert build() == {"b.c.o": "was not built yet", "lib.so": "its command changed"}


def test_everything_that_a_build_depends_on_is_watched(build: Builder) -> None:
    assert {"csrc/a.c", "csrc/a.h", "csrc/b.c", "two/both.h", "libs/libz.a"} <= set(build.watched)
    assert {"build/csrc/a.c.o", "build/csrc/b.c.o", "build/lib.so"} <= set(build.watched)
    assert {"csrc", "one", "libs"} <= set(build.watched)
    assert build.watched == {name: status_of(name) for name in build.watched}


def test_inputs_outside_the_project_are_recorded(build: Builder, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    write(f"{outside}/x.h", "x")
    write("csrc/b.c", f'#include "{outside}/x.h"\n#include "../../{outside.name}/x.h"\n')
    time.sleep(0.01)
    build()
    assert build() == {}
    write(f"{outside}/x.h", "y")
    assert set(build()) == {"b.c.o", "lib.so"}


def test_a_file_with_a_time_in_the_future_is_recorded(build: Builder) -> None:
    write("csrc/new.h", "")
    os.utime("csrc/new.h", (2**33, 2**33))
    write("csrc/b.c", '#include "new.h"\n')
    build()
    assert build() == {}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")
def test_gcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("csrc", "one", "two", "build/csrc"):
        Path(folder).mkdir(parents=True)
    write("csrc/a.c", "#include <stdio.h>\n#include <value.h>\nint a = VALUE;\n")
    write("two/value.h", "#define VALUE 1\n")
    flags = ("-Ione", "-Itwo", "-Inowhere")
    output = "build/csrc/a.c.o"
    compile_ = compile_step(
        "csrc/a.c",
        program=("gcc",),
        arguments=(*flags, "-MD", "-MF", f"{output}.d", "-c", "csrc/a.c", "-o", output),
        question=("gcc", *flags, "-E", "-v", "-x", "c", os.devnull),
    )
    link = link_step(
        output,
        program=("gcc",),
        arguments=("-shared", output, "-lm", "-o", "build/lib.so"),
        question=("gcc", "-print-search-dirs"),
    )
    build = Builder(compile_, link)
    build.run = lambda step: subprocess.run(step.command, check=True) and None
    time.sleep(0.05)
    assert set(build()) == {"a.c.o", "lib.so"}
    assert build() == {}
    assert any(os.path.basename(name).startswith("libm.") for name in build.watched)
    write("one/value.h", "#define VALUE 2\n")
    assert build() == {"a.c.o": "one/value.h is new", "lib.so": ""}
    time.sleep(0.05)
    assert build() == {}
    Path("nowhere").mkdir()
    assert build() == {}
    write("nowhere/stdio.h", "")
    assert build()["a.c.o"] == "nowhere/stdio.h is new"
