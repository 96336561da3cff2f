# SPDX-License-Identifier: Apache-2.0
"""The parts of the module that run no compiler; end-to-end tests cover the rest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.build_lock import build_lock
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building import libraries
from setuptools_tvm_ffi.building.file_states import FileStates, status_of
from setuptools_tvm_ffi.building.freshness import Freshness, Stale
from setuptools_tvm_ffi.building.jobs import JobCount
from setuptools_tvm_ffi.building.libraries import (
    _check,
    _check_device_link,
    _check_files,
    _compile_hint,
    _failure,
    _for_architectures,
    _Run,
    _with_generated,
    _with_overrides_for_nvcc,
    reasons,
    remove_objects,
)
from setuptools_tvm_ffi.building.native import NativeHost
from setuptools_tvm_ffi.building.plan import BuildPlan, LibraryPlan, Step
from setuptools_tvm_ffi.building.request import BuildRequest
from setuptools_tvm_ffi.building.step_commands import StepCommands
from setuptools_tvm_ffi.cross import zig_host
from setuptools_tvm_ffi.ffi.process import TVMFFIProcess
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.project.sources import NOTHING_GENERATED, Generated
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.model import EmbedSettings, Override, SourceOptions
from setuptools_tvm_ffi.settings.overrides import with_options
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

FIELDS = ("cuda_architectures", "hip_architectures")
ABOVE = ("--config-settings cuda-architectures", "TVM_FFI_CUDA_ARCH_LIST")
LOUD, QUIET = "build/loud/libloud.so", "build/quiet/libquiet.so"


def counting(field: str, of_extension: str, of_project: str, origin: str) -> tuple[str, ...]:
    """Return the effective architectures for these settings of an extension and a project."""
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
def test_without_architectures_of_its_own_an_extension_uses_its_projects(field: str) -> None:
    assert counting(field, "", "x y", "pyproject.toml") == ("x", "y")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_project", ["", "x"])
def test_architectures_of_an_extension_override_those_of_its_project(
    field: str, of_project: str
) -> None:
    assert counting(field, "z", of_project, "pyproject.toml" if of_project else "") == ("z",)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_extension", ["", "z"])
@pytest.mark.parametrize("origin", ABOVE)
def test_architectures_from_a_build_option_or_variable_override_the_project(
    field: str, of_extension: str, origin: str
) -> None:
    assert counting(field, of_extension, "x", origin) == ("x",)


@pytest.mark.parametrize("field", FIELDS)
def test_without_declared_architectures_the_compiler_chooses_its_default(field: str) -> None:
    assert counting(field, "", "", "") == ()


@pytest.mark.parametrize("origin", ["pyproject.toml", *ABOVE])
def test_architectures_of_a_source_replace_all_others(origin: str) -> None:
    own = SourceOptions(sources=("a.cu",), cuda_architectures=("9.0a",))
    settings = ExtensionSettings("pkg.ops", ("a.cu",), cuda_architectures=("8.0",))
    project = Project(ProjectSettings(cuda_architectures=("7.5",)), {"cuda_architectures": origin})
    made = with_options(_for_architectures(settings, project), [own])
    assert made.cuda_architectures == ("9.0a",)


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
        _check_files(settings, root, NOTHING_GENERATED)
    inside = dataclasses.replace(settings, extra_objects=("b.o", "../project/b.o"))
    _check_files(inside, root, NOTHING_GENERATED)


def test_generated_files_can_be_linked_and_embedded(tmp_path: Path) -> None:
    settings = ExtensionSettings(
        *("pkg.ops", ("a.c",)),
        extra_objects=("x/made.o",),
        embed=(EmbedSettings("f", file="./f.bin"), EmbedSettings("k", source="k.cu")),
    )
    folder = PurePosixPath("build/generated")
    generated = Generated({"x/made.o", "f.bin", "k.cu"}, folder)
    _check_files(settings, tmp_path, generated)
    with pytest.raises(ConfigurationError, match="bin': file does not exist"):
        _check_files(settings, tmp_path, Generated({"x/made.o", "k.cu"}, folder))
    made = _with_generated(settings, generated)
    assert made.extra_objects == ("build/generated/x/made.o",)
    assert [entry.path for entry in made.embed] == ["build/generated/f.bin", "build/generated/k.cu"]
    assert made.include_dirs == ("build/generated",)
    assert _with_generated(settings, NOTHING_GENERATED) == settings


def test_an_embedded_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    settings = ExtensionSettings("pkg.ops", ("a.c",), embed=(EmbedSettings("d", file="data"),))
    with pytest.raises(ConfigurationError, match="'data' is a folder"):
        _check_files(settings, tmp_path, NOTHING_GENERATED)


@pytest.mark.parametrize(
    ("linked", "advice"),
    [
        ({"extra_objects": ("../a.o",)}, True),
        ({"embed": (EmbedSettings("a", file="../a.o"),)}, False),
    ],
)
def test_a_file_outside_the_project_may_be_a_library_of_the_system(
    tmp_path: Path, linked: dict[str, Any], *, advice: bool
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "a.o").touch()
    where = Declaration("pyproject.toml: tool.x[0]", in_toml=True)
    settings = ExtensionSettings("pkg.ops", ("a.c",), declaration=where, **linked)
    with pytest.raises(ConfigurationError, match=r"'\.\./a\.o' lies outside") as caught:
        _check_files(settings, root, NOTHING_GENERATED)
    assert ("'library-dirs'" in str(caught.value.hint)) is advice


LAMBDA = "a.cc:1:2: error: lambda-expression in unevaluated context\n"
GCC_NO_HEADER = "a.cc:1:10: fatal error: cuda.h: No such file or directory\n"
CLANG_NO_HEADER = "a.cc:1:10: fatal error: 'cuda_runtime_api.h' file not found\n"
MSVC_NO_HEADER = (
    "a.cc(1): fatal error C1083: Cannot open include file: 'cuda.h': No such file or directory\n"
)
NO_DEVICE_LINK = "ptxas fatal   : Unresolved extern function '_Z1fv'\n"


@pytest.mark.parametrize(
    ("printed", "in_toml", "in_python"),
    [
        (LAMBDA, 'set cxx-std = "20",', "set cxx_std='20',"),
        (LAMBDA, 'undef-macros = ["TVM_FFI', "undef_macros=['TVM_FFI"),
        (NO_DEVICE_LINK, "cuda-separable-compilation = true", "cuda_separable_compilation=True"),
        (GCC_NO_HEADER, "cuda-toolkit = true", "cuda_toolkit=True"),
        (CLANG_NO_HEADER, "cuda-toolkit = true", "cuda_toolkit=True"),
        (MSVC_NO_HEADER, "cuda-toolkit = true", "cuda_toolkit=True"),
    ],
)
def test_hints_for_compilers_spell_settings_as_the_project_does(
    printed: str, in_toml: str, in_python: str
) -> None:
    where = Declaration("pyproject.toml: tool.x[0]", in_toml=True)
    settings = ExtensionSettings("pkg.ops", ("a.cc",), declaration=where)
    assert in_toml in str(_compile_hint(settings, printed))
    where = Declaration("TVMFFIExtension('pkg.ops')")
    settings = ExtensionSettings("pkg.ops", ("a.cc",), declaration=where)
    assert in_python in str(_compile_hint(settings, printed))


def test_a_missing_header_has_no_hint_if_the_toolkit_cannot_help() -> None:
    settings = ExtensionSettings("pkg.ops", ("a.cc",))
    assert _compile_hint(settings, GCC_NO_HEADER.replace("cuda.h", "torch/cuda.h")) is None
    uses_toolkit = dataclasses.replace(settings, cuda_toolkit=True)
    assert _compile_hint(uses_toolkit, GCC_NO_HEADER) is None


@pytest.mark.parametrize("name", ["include_dirs", "system_include_dirs", "library_dirs"])
def test_a_missing_folder_is_refused_by_its_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    folders = {name: ("there", "/nowhere/absolute", "missing")}
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",), **folders)
    with pytest.raises(ConfigurationError, match=f"{name}: 'missing': folder does not exist"):
        _check_files(settings, tmp_path, NOTHING_GENERATED)


class HostWithNvcc:
    """Has nvcc of one release, and lists the languages for which tools were needed."""

    def __init__(self) -> None:
        self.languages: list[frozenset[str]] = []

    def tools(self, request: BuildRequest, languages: frozenset[str], process: object) -> Any:
        del request, process
        self.languages.append(languages)
        version = "Cuda compilation tools, release 12.9, V12.9.86"
        compilers = {"cuda": Compiler(("nvcc",), "nvcc", version)}
        return GnuToolchain(compilers, "linux", "/project", EnvironmentFlags()), None


@pytest.mark.parametrize(
    ("base", "specifier", "sources", "asked"),
    [
        ("a.cu", ">=12.8", ("a.cu", "sm100.cu"), True),
        ("a.cc", ">=12.8", ("a.cc", "sm100.cu"), True),
        ("a.cu", ">=13", ("a.cu",), True),
        ("a.cu", "", ("a.cu",), False),
    ],
)
def test_overrides_for_nvcc_compare_the_release_that_compiles_the_sources(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    base: str,
    specifier: str,
    sources: tuple[str, ...],
    *,
    asked: bool,
) -> None:
    for name in (base, "sm100.cu"):
        (tmp_path / name).touch()
    changes = {"sources": ("sm100.cu",), "cuda_architectures": ("10.0a",)}
    where = Declaration("p.overrides[0]", in_toml=True)
    overrides = (Override(None, specifier, changes, where),) if specifier else ()
    host: Any = HostWithNvcc()
    request = BuildRequest(
        extensions=(ExtensionSettings("pkg.ops", (base,), overrides=overrides),),
        project=Project(ProjectSettings()),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=host,
    )
    process: Any = None
    with caplog.at_level("INFO"):
        made = _with_overrides_for_nvcc(request, process)
    assert made.extensions[0].sources == sources
    assert made.extensions[0].overrides == ()
    assert [("cuda" in languages) for languages in host.languages] == [True] * asked
    applied = len(sources) > 1
    assert (made.extensions[0].place("sources").endswith("p.overrides[0].sources")) is applied
    assert ('cuda-architectures = ["10.0a"] (p.overrides[0]' in caplog.text) is applied


def test_two_overrides_that_apply_cannot_embed_under_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.cu").touch()
    changes = [
        {"embed": (EmbedSettings("env", file=f, declaration=Declaration(f)),)} for f in ("a", "b")
    ]
    overrides = tuple(Override(None, ">=1", changed) for changed in changes)
    host: Any = HostWithNvcc()
    request = BuildRequest(
        extensions=(ExtensionSettings("pkg.ops", ("a.cu",), overrides=overrides),),
        project=Project(ProjectSettings()),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=host,
    )
    process: Any = None
    with pytest.raises(ConfigurationError, match="b: name: 'env'"):
        libraries.build_libraries(request, process)


def test_without_cuda_sources_no_override_for_nvcc_applies(tmp_path: Path) -> None:
    (tmp_path / "a.cc").touch()
    override = Override(None, ">=1", {"libraries": ("m",)})
    host: Any = HostWithNvcc()
    request = BuildRequest(
        extensions=(ExtensionSettings("pkg.ops", ("a.cc",), overrides=(override,)),),
        project=Project(ProjectSettings()),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=host,
    )
    process: Any = None
    assert _with_overrides_for_nvcc(request, process).extensions[0].libraries == ()
    assert host.languages == []


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
        library = LibraryPlan(settings, "libops.so", steps, {}, units=steps)
        plan = BuildPlan("build/release", (library,))
        run = _Run(plan, "ninja", request, JobCount(3, 3, "3 jobs"), toolchain)
        run.libraries(on_work=None)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    monkeypatch.setattr(libraries.ninja, "run_ninja", made.run_ninja)
    return made


def test_nvcc_uses_the_jobs_that_would_be_idle(tmp_path: Path) -> None:
    toolchain = GnuToolchain({}, "linux", "/project", EnvironmentFlags())
    plan = BuildPlan("build", ())

    def threads(units: int, devices: int | None) -> int:
        host = Step("compile", ("a.cc",), "a.o", ("c++",), (), "", on_this_machine=False)
        device = Step("compile", ("a.cu",), "b.o", ("nvcc",), (), "", parts=6)
        jobs = JobCount(8, 8, "8 jobs", devices)
        run = _Run(plan, "ninja", SimpleNamespace(root=tmp_path), jobs, toolchain)  # type: ignore[arg-type]
        return run._threads([Stale(host), *([Stale(device)] * units)])  # noqa: SLF001

    assert [threads(units, 8) for units in (0, 1, 2, 3, 8, 9)] == [1, 8, 4, 2, 1, 1]
    assert threads(1, 2) == 2
    assert threads(1, None) == 1


def test_the_number_of_threads_does_not_make_an_output_stale(tmp_path: Path) -> None:
    step = Step("compile", ("a.cu",), "b.o", ("nvcc",), ("-c", "a.cu"), "", parts=6)
    commands = StepCommands({}, FileStates(tmp_path, {}))
    last = commands.describe(dataclasses.replace(step, parts=1))
    assert commands.difference(step, last) is None
    assert "threads" not in " ".join(step.command)


def test_the_compilation_database_is_written_again_if_the_commands_change(runs: Runs) -> None:
    for command in ("old", "old", "new"):
        runs.build(command)
        for folder in ("build", "build/release"):
            database = json.loads((runs.folder / folder / "compile_commands.json").read_text())
            assert [entry["command"] for entry in database] == [f"c++ {command}"]


def test_each_stale_step_has_a_line_with_its_reason() -> None:
    compiled = [Step("compile", (f"{n}.cc",), f"b/{n}.cc.o", (), (), "") for n in range(30)]
    link = Step("link", ("b/fresh.cc.o", "b/7.cc.o"), "b/libops.so", (), (), "")
    other = Step("link", (), "b/libother.so", (), (), "", extra_inputs=("b/libops.so",))
    stale = [Stale(step, "b.h changed") for step in compiled]
    assert list(reasons([*stale, Stale(link), Stale(other, "its command changed")])) == [
        *(f"{n}.cc: b.h changed" for n in range(30)),
        "libops.so: 7.cc.o is built again",
        "libother.so: its command changed",
    ]
    assert list(reasons([stale[0], Stale(link, "its command changed"), Stale(other)])) == [
        *("0.cc: b.h changed", "libops.so: its command changed"),
        "libother.so: libops.so is built again",
    ]


def test_a_build_without_a_record_gives_no_reasons() -> None:
    assert list(reasons([Stale(Step("compile", ("a.cc",), "a.cc.o", (), (), ""))])) == []


@pytest.mark.parametrize("bypass", [True, False])
def test_caches_compile_again_if_a_missing_file_exists_now(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, *, bypass: bool
) -> None:
    def stale(_: Freshness, plan: BuildPlan) -> list[Stale]:
        return [Stale(plan.libraries[0].steps[0], bypass_cache=bypass)]

    monkeypatch.setattr(Freshness, "stale", stale)
    runs.build("c++ a.cc")
    expected = {"CCACHE_RECACHE": "1", "SCCACHE_RECACHE": "1"} if bypass else {}
    (options,) = runs.options
    recaching = {name: v for name, v in options["variables"].items() if "RECACHE" in name}
    assert recaching == expected


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


def built_library(path: str, content: bytes) -> Any:
    plan = SimpleNamespace(library=path)
    return SimpleNamespace(plan=plan, content=content, sha256=content.hex())


def test_a_warning_is_repeated_if_nothing_was_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[set[str]] = []

    def check_libraries(contents: Mapping[str, bytes], target: object) -> dict[str, str]:
        del target
        asked.append(set(contents))
        return {path: f"{path} exports" for path in contents if path == LOUD}

    monkeypatch.setattr(zig_host, "check_libraries", check_libraries)
    target: Any = object()
    request: Any = SimpleNamespace(root=tmp_path, host=zig_host.ZigHost(target))
    toolchain: Any = None
    for folder in ("loud", "quiet"):
        (tmp_path / "build" / folder).mkdir(parents=True)

    def warnings(content: bytes) -> list[str]:
        caplog.clear()
        _check([built_library(LOUD, b"same"), built_library(QUIET, content)], request, toolchain)
        return [record.getMessage() for record in caplog.records]

    said = [f"setuptools-tvm-ffi: warning: {LOUD} exports"]
    assert warnings(b"one") == said
    assert warnings(b"one") == said
    assert asked == [{LOUD, QUIET}]
    # If one library was linked again, all libraries are checked: one may need another.
    assert warnings(b"two") == said
    assert asked == [{LOUD, QUIET}] * 2


@pytest.mark.parametrize("content", ["[]", "1", "null", '"sha256"', "{", "[" * 100_000])
def test_a_library_with_a_corrupt_stamp_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    asked: list[set[str]] = []

    def check_libraries(contents: Mapping[str, bytes], target: object) -> dict[str, str]:
        del target
        asked.append(set(contents))
        return {}

    monkeypatch.setattr(zig_host, "check_libraries", check_libraries)
    target: Any = object()
    request: Any = SimpleNamespace(root=tmp_path, host=zig_host.ZigHost(target))
    toolchain: Any = None
    stamp = (tmp_path / QUIET).with_name("checked.json")
    stamp.parent.mkdir(parents=True)
    stamp.write_text(content)
    for _ in range(2):
        _check([built_library(QUIET, b"one")], request, toolchain)
    assert asked == [{QUIET}]


def test_the_originals_of_an_editable_sdk_are_watched(tmp_path: Path) -> None:
    header = tmp_path / "ffi.h"
    header.touch()
    sdk = TVMFFISdk(Version("0.1.15"), (), "sdk", "libtvm_ffi.so", originals=(str(header),))
    toolchain = GnuToolchain({}, "linux", str(tmp_path), EnvironmentFlags())
    host: Any = SimpleNamespace(tools=lambda *_: (toolchain, sdk))
    request = BuildRequest(
        extensions=(),
        project=Project(ProjectSettings()),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=host,
    )
    result = libraries.build_libraries(request, TVMFFIProcess(tmp_path))
    assert result.watched[str(header)] == status_of(str(header))


def test_a_device_link_without_cuda_sources_is_rejected() -> None:
    settings = ExtensionSettings(
        *("pkg.ops", ("a.cc",)),
        embed=(EmbedSettings("env", source="k.cu"),),
        cuda_separable_compilation=True,
    )
    with pytest.raises(ConfigurationError, match="cuda_separable_compilation"):
        _check_device_link(settings, [PurePosixPath("a.cc")])
    _check_device_link(settings, [PurePosixPath("a.cc"), PurePosixPath("a.cu")])


def test_a_device_link_of_sources_for_different_architectures_is_rejected() -> None:
    where = Declaration("ext", in_toml=True)
    own = SourceOptions(
        *(("a*",),), cuda_architectures=("9.0a",), declaration=Declaration("ext.o[0]", in_toml=True)
    )
    settings = ExtensionSettings(
        *("pkg.ops", ("*",)),
        source_options=(own,),
        cuda_separable_compilation=True,
        declaration=where,
    )
    with pytest.raises(ConfigurationError) as refused:
        _check_device_link(settings, [PurePosixPath("b.cu"), PurePosixPath("a.cu")])
    assert refused.value.message.startswith("ext.o[0].cuda-architectures: a.cu")
    assert "ext.cuda-separable-compilation" in refused.value.message
    _check_device_link(settings, [PurePosixPath("b.cu"), PurePosixPath("a.cc")])


@pytest.mark.parametrize("sources", [("a.cu",), ("a.cu", "b.cu")], ids=["alone", "batch"])
@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("ptxas fatal   : Unresolved extern function 'f'", "cuda_separable_compilation"),
        ("ptxas x.ptx, line 9; fatal: Unsupported .version 9.1", "same release"),
        ("error: lambda-expression in unevaluated context", "cxx_std"),
    ],
)
def test_a_known_compiler_error_has_a_hint(
    sources: tuple[str, ...], printed: str, hint: str
) -> None:
    step = Step("compile", sources, "build/a.o", ("nvcc",), (), "compile a.cu")
    plan = BuildPlan(
        "build", (LibraryPlan(ExtensionSettings("pkg.ops", sources), "l.so", (step,), {}),)
    )
    request = BuildRequest(
        extensions=(),
        project=Project(ProjectSettings()),
        root=Path("/project"),
        folder=PurePosixPath("build"),
        build_base=Path("/project/build"),
        platform="linux",
        host=NativeHost(),
    )
    failed = _failure(plan, 1, f"FAILED: [code=1] build/a.o \nnvcc a.cu\n{printed}\n", request)
    assert hint in str(failed.hint)
