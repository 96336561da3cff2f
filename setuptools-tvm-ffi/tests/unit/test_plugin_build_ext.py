# SPDX-License-Identifier: Apache-2.0
"""The parts of ``build_ext`` that start no compiler."""

from __future__ import annotations

import importlib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.version import Version
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import BuildError, ConfigurationError
from setuptools_tvm_ffi.building.plan import LibraryPlan
from setuptools_tvm_ffi.building.request import BuildRequest, BuildResult, BuiltLibrary
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands.build_ext import BuildExtMixin, _check_architectures
from setuptools_tvm_ffi.plugin.commands.unshipped import warn_about_unshipped_files
from setuptools_tvm_ffi.stubs import StubFile
from setuptools_tvm_ffi.stubs.directives import SIGNATURE
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

SDK = TVMFFISdk(Version("0.1.15"), ("build/sdk/include",), "build/sdk/lib", "libtvm_ffi.so")
GNU = GnuToolchain(
    {"cxx": Compiler(("g++",), "gcc", "g++ 12.2.0")}, "linux", "/project", EnvironmentFlags()
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("BUILD_TYPE", "STUBS", "TARGET"):
        monkeypatch.delenv(f"SETUPTOOLS_TVM_FFI_{name}", raising=False)
    for name in ("csrc/a.cpp", "csrc/a.h", "csrc/notes.txt", "include/deep/b.hpp", "table.inc"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def build_ext(package_dir: dict[str, str] | None = None, **settings: Any) -> Any:
    extensions = [TVMFFIExtension("pkg.ops", ["csrc/*.cpp"], **settings)]
    made: Any = Distribution(
        {"name": "p", "version": "1", "packages": ["pkg"], "ext_modules": extensions}
    )
    made.package_dir = package_dir
    made.commands = ["build_ext"]
    attach(made)
    command = made.get_command_obj("build_ext")
    command.ensure_finalized()
    return command


def test_an_sdist_contains_the_sources_the_headers_and_the_declared_files() -> None:
    command = build_ext(include_dirs=["include"], depends=["table.inc"])
    assert sorted(command.get_source_files()) == [
        "csrc/a.cpp",
        "csrc/a.h",
        "include/deep/b.hpp",
        "table.inc",
    ]


def test_embedded_files_are_in_the_sdist_but_are_not_package_data() -> None:
    names = {"pkg/kernels/k.cu", "pkg/a.cubin"}
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    embed = [{"name": "k", "source": "pkg/kernels/k.cu"}, {"name": "a", "file": "./pkg/a.cubin"}]
    command = build_ext(embed=embed)
    assert names.isdisjoint(command.get_source_files())
    assert names <= set(command.get_sdist_files())


def test_inputs_of_the_build_do_not_make_a_wheel_incomplete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inputs = ("pkg/kernels/k.cu", "pkg/kernels/k.cuh", "pkg/data/table.csv", "pkg/data/gen.py")
    for name in ("pkg/__init__.py", *inputs, "pkg/data/shipped.json"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("pyproject.toml").write_text(
        "[[tool.setuptools-tvm-ffi.generate]]\n"
        'command = ["{python}", "pkg/data/gen.py"]\n'
        'inputs = ["pkg/data/table.csv"]\noutputs = ["a.h"]\n'
    )
    command = build_ext(embed=[{"name": "k", "source": "pkg/kernels/k.cu"}])
    command.distribution.script_name = "setup.py"
    warn_about_unshipped_files(command)
    (warning, *_) = caplog.messages
    assert "pkg/data/shipped.json" in warning
    assert not [name for name in inputs if name in warning]


def test_an_sdist_does_not_list_generated_files() -> None:
    Path("pyproject.toml").write_text(
        "[[tool.setuptools-tvm-ffi.generate]]\n"
        'command = ["x"]\noutputs = ["made.o", "f.bin", "k.cu"]\n'
    )
    embed = [{"name": "f", "file": "f.bin"}, {"name": "k", "source": "k.cu"}]
    command = build_ext(extra_objects=["made.o"], embed=embed)
    assert sorted(command.get_source_files()) == ["csrc/a.cpp", "csrc/a.h"]
    assert not set(command.get_sdist_files()) & {"made.o", "f.bin", "k.cu"}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[BuildRequest]:
    """Fake the compilation, and return the list of build requests."""
    made: list[BuildRequest] = []

    def build_libraries(request: BuildRequest, process: object) -> BuildResult:
        del process
        made.append(request)
        (settings,) = request.extensions
        companions = {PurePosixPath("libops.so.dSYM/Contents/Info.plist"): b"symbols"}
        plan = LibraryPlan(settings, "build/libops.so", (), {})
        return BuildResult((BuiltLibrary(plan, b"library", companions),), GNU, SDK, "ninja", {})

    def make_stubs(*arguments: object) -> list[StubFile]:
        del arguments
        return []

    module = importlib.import_module(BuildExtMixin.__module__)
    monkeypatch.setattr(module, "build_libraries", build_libraries)
    monkeypatch.setattr(BuildExtMixin, "_make_stubs", make_stubs)
    return made


@pytest.mark.parametrize("debug", [False, True])
def test_the_option_debug_selects_the_build_type_debug(
    requests: list[BuildRequest], *, debug: bool
) -> None:
    command = build_ext()
    command.debug = debug
    command.run()
    (request,) = requests
    assert request.project.settings.build_type == ("debug" if debug else "release")
    assert request.objects_folder.name == ("debug" if debug else "release")
    if debug:
        assert request.project.place("build_type") == "build_ext --debug"


def test_the_build_folder_is_relative_to_the_project_if_it_is_inside(
    requests: list[BuildRequest], tmp_path: Path
) -> None:
    command = build_ext()
    command.run()
    outside = build_ext()
    outside.get_finalized_command("build").build_base = str(tmp_path.parent / "elsewhere")
    outside.run()
    folder = f"tvm-ffi.{command.plat_name}"
    assert [str(request.folder) for request in requests] == [
        f"build/{folder}",
        (tmp_path.parent / "elsewhere" / folder).as_posix(),
    ]


def test_a_build_for_a_target_keeps_the_objects_for_this_machine_in_another_folder(
    requests: list[BuildRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "x86_64-linux-gnu.2.17"
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", target)
    command = build_ext()
    command.run()
    assert [(request.folder.name, request.platform) for request in requests] == [
        (f"tvm-ffi.{target}", target),
        (f"tvm-ffi.{command.plat_name}", command.plat_name),
    ]


def test_a_build_for_a_target_and_its_build_for_this_machine_have_their_own_overrides(
    requests: list[BuildRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", "aarch64-windows-gnu")
    windows = {"if": "platform_system == 'Windows'", "libraries": ["ws2_32"]}
    others = {"if": "platform_system != 'Windows'", "libraries": ["m"]}
    Path("pyproject.toml").write_text(
        "[[tool.setuptools-tvm-ffi.overrides]]\nif = \"platform_machine == 'ARM64'\"\n"
        "warnings-as-errors = true\n"
    )
    build_ext(libraries=["z"], overrides=[windows, others]).run()
    assert [request.extensions[0].libraries for request in requests] == [
        ("z", "ws2_32"),
        ("z", "m"),
    ]
    assert [r.project.settings.warnings_as_errors for r in requests] == [True, False]


@pytest.mark.usefixtures("requests")
def test_settings_in_setup_py_are_printed_with_their_origins(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        build_ext(cxx_std=20, overrides=[{"if": "os_name != ''", "libraries": ["m"]}]).run()
    lines = [line.partition(": ")[2] for line in caplog.messages]
    assert 'pkg.ops: cxx-std = "20" (setup.py)' in lines
    place = "TVMFFIExtension('pkg.ops'): overrides[0]: libraries"
    assert f'pkg.ops: libraries = ["m"] ({place})' in lines


def test_libraries_that_link_with_each_other_only_on_other_targets_are_rejected() -> None:
    on_nothing = {"if": "sys_platform == 'nothing'", "libraries": ["ops"]}
    with pytest.raises(ConfigurationError, match=r"overrides\[0\]: libraries: ops → ops"):
        build_ext(overrides=[on_nothing]).run()


def test_an_sdist_contains_the_files_of_all_overrides_and_source_options() -> None:
    for name in ("win/w.cpp", "win/w.h", "new/n.cu", "avx/include/x.hpp", "data.bin"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    command = build_ext(
        source_options=[{"sources": "csrc/a.cpp", "include_dirs": ["avx/include"]}],
        overrides=[
            {"if": "sys_platform == 'nothing'", "sources": ["win/*.cpp"], "depends": ["data.bin"]},
            {"cuda": ">=99", "sources": ["new/*.cu"]},
        ],
    )
    found = {"csrc/a.cpp", "win/w.cpp", "win/w.h", "new/n.cu", "avx/include/x.hpp", "data.bin"}
    assert found <= set(command.get_source_files())
    assert found <= set(command.get_sdist_files())


@pytest.mark.usefixtures("requests")
def test_the_outputs_contain_the_files_beside_a_library() -> None:
    command = build_ext()
    command.run()
    outputs = [Path(output).relative_to(command.build_lib) for output in command.get_outputs()]
    assert Path("pkg/libops.so.dSYM/Contents/Info.plist") in outputs
    assert all(Path(command.build_lib, output).is_file() for output in outputs)


@pytest.mark.usefixtures("requests")
@pytest.mark.parametrize("base", [".", "src"])
def test_an_inplace_build_records_the_library_in_the_package_folder(base: str) -> None:
    command = build_ext(package_dir={"": "" if base == "." else base})
    command.inplace = 1
    command.run()
    metadata = Path(base, "p.egg-info")
    assert "pkg/libops.so,,\n" in (metadata / "RECORD").read_text()
    assert "\nName: p\n" in (metadata / "PKG-INFO").read_text()
    assert Path(base, "pkg", "libops.so").is_file()


@pytest.mark.usefixtures("requests")
@pytest.mark.parametrize("inplace", [False, True])
def test_libraries_of_earlier_inplace_builds_are_removed(tmp_path: Path, *, inplace: bool) -> None:
    """A build copies package data, such as ``*.so``, before it builds libraries."""
    command = build_ext()
    command.inplace = inplace
    folder = Path("") if inplace else Path(command.build_lib)
    names = ("pkg/libold.so", "pkg/libops.so", "pkg/libkept.so", "pkg/data.bin", "../outside.so")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"old")
    Path("p.egg-info").mkdir()
    record = "".join(f"{name},,\n" for name in names if "kept" not in name)
    Path("p.egg-info/RECORD").write_text(record + f"{tmp_path / 'pkg/libkept.so'},,\n")
    command.run()
    assert [name for name in names if not (folder / name).exists()] == ["pkg/libold.so"]
    assert (folder / "pkg/libops.so").read_bytes() == b"library"


def test_an_option_for_cpython_extensions_is_rejected(requests: list[BuildRequest]) -> None:
    command = build_ext()
    command.distribution.get_option_dict("build_ext")["include_dirs"] = ("command line", "include")
    with pytest.raises(ConfigurationError, match="build_ext --include-dirs"):
        command.run()
    assert requests == []


@pytest.fixture
def stale_stub(requests: list[BuildRequest], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fake a build whose stub differs from the stub in the source tree."""
    assert requests == []  # no compilers
    path = PurePosixPath("pkg/_ffi_api.pyi")
    old, new = (f"{SIGNATURE}\n\n\nX: {kind}\n".encode() for kind in ("int", "str"))
    Path("pkg").mkdir()
    Path(path).write_bytes(old)

    def make_stubs(*arguments: object) -> list[StubFile]:
        del arguments
        return [StubFile(Path(path), old, new, path)]

    monkeypatch.setattr(BuildExtMixin, "_make_stubs", make_stubs)
    return Path(path)


@pytest.mark.parametrize("value", ["check", "strict"])
def test_a_stale_committed_stub_fails_a_build_that_checks_before_anything_is_placed(
    monkeypatch: pytest.MonkeyPatch, stale_stub: Path, value: str
) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_STUBS", value)
    command = build_ext()
    with pytest.raises(BuildError, match=r"pkg/_ffi_api\.pyi"):
        command.run()
    assert not Path(command.build_lib, stale_stub).exists()


def test_a_stale_committed_stub_is_a_warning_by_default_and_the_wheel_gets_the_new_one(
    caplog: pytest.LogCaptureFixture, stale_stub: Path
) -> None:
    command = build_ext()
    command.run()
    assert [r.levelname for r in caplog.records if str(stale_stub) in r.getMessage()] == ["WARNING"]
    assert b"X: str" in Path(command.build_lib, stale_stub).read_bytes()
    assert b"X: int" in stale_stub.read_bytes()


@pytest.mark.filterwarnings("ignore:setup.py install is deprecated")
def test_a_strict_editable_install_links_a_stub_to_its_place_in_a_src_layout(
    tmp_path: Path, stale_stub: Path
) -> None:
    Path("src").mkdir()
    stale_stub.parent.rename(Path("src", "pkg"))
    command = build_ext(package_dir={"": "src"})
    command.editable_mode = True
    command.get_finalized_command("install").install_lib = str(tmp_path / "wheel")
    command.run()
    output = str(Path(command.build_lib, stale_stub))
    assert command.get_output_mapping() == {output: str(Path("src", stale_stub))}
    assert (tmp_path / "wheel" / "p.libs" / "libops.so").is_file()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"cuda_architectures": ["native"]}, "cuda_architectures"),
        ({"source_options": [{"sources": "*", "cuda_architectures": ["native"]}]}, "options[0]"),
        (
            {"embed": [{"name": "e", "source": "e.cu", "cuda_architectures": ["native"]}]},
            "embed[0]",
        ),
        ({"cuda_architectures": ["9.0"]}, ""),
    ],
)
def test_a_wheel_with_code_for_native_prints_a_warning(
    caplog: pytest.LogCaptureFixture, settings: dict[str, Any], place: str
) -> None:
    extension = TVMFFIExtension("pkg.ops", ["csrc/*.cu"], **settings).settings
    plan = LibraryPlan(extension, "libops.so", (), {"cuda": ()})
    library = BuiltLibrary(plan, b"", {})
    _check_architectures(BuildResult((library,), GNU, SDK, "ninja", {}))
    assert ("'native'" in caplog.text) is bool(place)
    assert place in caplog.text
