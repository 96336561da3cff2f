# SPDX-License-Identifier: Apache-2.0
"""The parts of the module that run no compiler; end-to-end tests cover the rest."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.build_lock import build_lock
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building import libraries
from setuptools_tvm_ffi.building.freshness import Freshness, Stale
from setuptools_tvm_ffi.building.jobs import JobCount
from setuptools_tvm_ffi.building.libraries import (
    _check_files,
    _for_architectures,
    _Run,
    reasons,
    remove_objects,
)
from setuptools_tvm_ffi.building.model import BuildRequest
from setuptools_tvm_ffi.building.native import NativeHost
from setuptools_tvm_ffi.building.plan import BuildPlan, LibraryPlan, Step
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

FIELDS = ("cuda_architectures", "hip_architectures")
ABOVE = ("--config-settings cuda-architectures", "TVM_FFI_CUDA_ARCH_LIST")


def counting(field: str, of_extension: str, of_project: str, origin: str) -> tuple[str, ...]:
    """What counts of one architecture each, or none."""
    settings = ExtensionSettings(
        name="pkg.ops", sources=("a.cu",), **{field: tuple(of_extension.split())}
    )
    project = Project(
        ProjectSettings(**{field: tuple(of_project.split())}), {field: origin} if origin else {}
    )
    made = _for_architectures(settings, project)
    (other,) = set(FIELDS) - {field}
    assert getattr(made, other) == ()
    found: tuple[str, ...] = getattr(made, field)
    return found


@pytest.mark.parametrize("field", FIELDS)
def test_an_extension_that_names_none_is_compiled_for_those_of_its_project(field: str) -> None:
    assert counting(field, "", "x y", "pyproject.toml") == ("x", "y")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_project", ["", "x"])
def test_an_extension_s_own_count_more_than_those_of_its_project(
    field: str, of_project: str
) -> None:
    assert counting(field, "z", of_project, "pyproject.toml" if of_project else "") == ("z",)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_extension", ["", "z"])
@pytest.mark.parametrize("origin", ABOVE)
def test_those_of_the_one_who_builds_count_more_than_both(
    field: str, of_extension: str, origin: str
) -> None:
    assert counting(field, of_extension, "x", origin) == ("x",)


@pytest.mark.parametrize("field", FIELDS)
def test_where_nobody_names_one_it_is_left_to_the_compiler(field: str) -> None:
    assert counting(field, "", "", "") == ()


@pytest.mark.parametrize("build_type", ["release", "debug", "address-sanitizer"])
def test_each_build_type_has_a_folder_of_its_own(build_type: str) -> None:
    request = BuildRequest(
        extensions=(),
        project=Project(ProjectSettings(build_type=build_type)),
        root=Path("/project"),
        folder=PurePosixPath("build/tvm-ffi.linux"),
        build_base=Path("/project/build"),
        platform="linux",
        host=NativeHost(),
    )
    assert str(request.objects_folder) == f"build/tvm-ffi.linux/{build_type}"


def test_force_removes_the_objects_of_this_build_type_only(tmp_path: Path) -> None:
    def kept(build_type: str) -> Path:
        return tmp_path / "build" / build_type / "pkg.ops" / "objects" / "a.c.o"

    for build_type in ("release", "debug"):
        kept(build_type).parent.mkdir(parents=True)
        kept(build_type).touch()
    request = BuildRequest(
        extensions=(ExtensionSettings(name="pkg.ops", sources=("a.c",)),),
        project=Project(ProjectSettings(build_type="release")),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=NativeHost(),
    )
    remove_objects(request)
    assert not kept("release").exists()
    assert kept("debug").exists()


def test_an_extra_object_outside_the_project_is_rejected(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "a.o").touch()
    (root / "b.o").touch()
    settings = ExtensionSettings(name="pkg.ops", sources=("a.c",), extra_objects=("b.o", "../a.o"))
    with pytest.raises(ConfigurationError, match=r"extra_objects: '\.\./a\.o' lies outside"):
        _check_files(settings, root)
    _check_files(dataclasses.replace(settings, extra_objects=("b.o", "../project/b.o")), root)


@dataclass
class Runs:
    """Replaces ninja, and keeps the options of each run."""

    folder: Path
    options: list[dict[str, Any]] = field(default_factory=list)

    def run_ninja(self, ninja: str, file: Path, **options: Any) -> tuple[int, str]:
        del ninja, file
        self.options.append(options)
        return 0, ""

    def build(self, *commands: str, jobs: int | None = None, launcher: str = "ccache") -> None:
        request = BuildRequest(
            extensions=(),
            project=Project(ProjectSettings(jobs=jobs)),
            root=self.folder,
            folder=PurePosixPath("build"),
            build_base=self.folder / "build",
            platform="linux",
            host=NativeHost(),
        )
        compiler = Compiler(("g++",), "gcc", "g++ 12.2.0", (launcher,))
        toolchain = GnuToolchain({"cxx": compiler}, "linux", "/project", EnvironmentFlags())
        steps = tuple(
            Step("compile", ("a.cc",), f"{command}.o", ("c++",), (command,), f"compile {command}")
            for command in commands
        )
        settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",))
        plan = BuildPlan("build", (LibraryPlan(settings, "libops.so", steps, {}),))
        run = _Run(plan, "ninja", request, JobCount(3, 3, "3 jobs"), toolchain)
        run.everything(on_work=None)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    monkeypatch.setattr(libraries.ninja, "run_ninja", made.run_ninja)
    return made


def test_the_compilation_database_is_written_again_if_the_commands_change(runs: Runs) -> None:
    found = []
    for command in ("old", "old", "new"):
        runs.build(command)
        database = json.loads((runs.folder / "build" / "compile_commands.json").read_text())
        found += [entry["command"] for entry in database]
    assert found == ["c++ old", "c++ old", "c++ new"]


def test_each_stale_file_has_a_line_unless_many_have_one_reason() -> None:
    def stale(number: int, reason: str) -> Stale:
        name = f"{number}.cc"
        return Stale(Step("compile", (name,), f"{name}.o", (), (), ""), reason)

    link = Stale(Step("link", (), "build/libops.so", (), (), ""), "its command changed")
    few = [stale(0, "a.h changed"), link, *(stale(n, "b.h changed") for n in range(1, 21))]
    assert list(reasons([*few, Stale(few[0].step)])) == [
        "0.cc: a.h changed",
        "libops.so: its command changed",
        *(f"{number}.cc: b.h changed" for number in range(1, 21)),
    ]
    many = [stale(number, "b.h changed") for number in range(21)]
    assert list(reasons(many)) == ["0.cc, 1.cc, 2.cc and 18 more: b.h changed"]


@pytest.mark.parametrize("bypass", [True, False])
def test_caches_compile_again_if_a_missing_file_exists_now(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, *, bypass: bool
) -> None:
    def stale(_: Freshness, plan: BuildPlan) -> list[Stale]:
        return [Stale(plan.libraries[0].steps[0], bypass_cache=bypass)]

    monkeypatch.setattr(Freshness, "stale", stale)
    runs.build("c++ a.cc")
    expected = {"CCACHE_RECACHE": "1", "SCCACHE_RECACHE": "1"} if bypass else {}
    assert [options["variables"] for options in runs.options] == [expected]


@pytest.mark.parametrize(
    ("makeflags", "declared", "jobs"),
    [
        ("", None, 3),
        (" -j8 --jobserver-auth=fifo:/tmp/fifo", None, None),
        (" -j8 --jobserver-auth=fifo:/tmp/fifo", 3, 3),
        # Ninja does not support a jobserver that consists of two file descriptors.
        (" -j8 --jobserver-auth=3,4", None, 3),
    ],
)
def test_the_jobserver_of_make_replaces_a_measured_number_of_jobs(
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    makeflags: str,
    declared: int | None,
    jobs: int | None,
) -> None:
    monkeypatch.setenv("MAKEFLAGS", makeflags)
    runs.build("c++ a.cc", jobs=declared)
    assert [options["jobs"] for options in runs.options] == [jobs]


@pytest.mark.parametrize(("launcher", "inherited"), [("ccache", True), ("sccache", False)])
def test_commands_hold_the_build_lock_unless_a_launcher_leaves_a_server(
    runs: Runs, launcher: str, *, inherited: bool
) -> None:
    with build_lock(runs.folder / "build"):
        runs.build("c++ a.cc", launcher=launcher)
    assert [bool(options["inherited"]) for options in runs.options] == [inherited]
