# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.settings.model import EmbedSettings, SourceOptions
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags, Toolchain, discovery
from setuptools_tvm_ffi.toolchains.discovery import find_toolchain
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.input_symbols import InputSymbols
from setuptools_tvm_ffi.toolchains.launcher import Launcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs are shell scripts")

C, CXX, BOTH = frozenset({"c"}), frozenset({"cxx"}), frozenset({"c", "cxx"})
GCC_LINE = "g++ (Debian 12.2.0-14) 12.2.0"
CLANG_LINE = "Debian clang version 14.0.6"
PLAIN = Project(ProjectSettings())
FLAG_VARIABLES = (
    *("CPPFLAGS", "CFLAGS", "CXXFLAGS", "CUDAFLAGS", "HIPFLAGS", "LDFLAGS", "ARCHFLAGS"),
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the only folder on PATH. Compiler variables are unset."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for variable in ("CC", "CXX", "MACOSX_DEPLOYMENT_TARGET", *FLAG_VARIABLES):
        monkeypatch.delenv(variable, raising=False)
    return folder


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def compiler(path: Path, line: str) -> None:
    program(path, f"[ \"$*\" = --version ] && printf '%s\\n' '{line}' 'Copyright someone'")


def find(
    languages: frozenset[str],
    root: str = "/project",
    *,
    project: Project = PLAIN,
    launcher: Launcher | None = None,
) -> Toolchain:
    return find_toolchain(languages, Path(root), "linux-x86_64", project=project, launcher=launcher)


def test_the_usual_names_are_searched_on_path(programs: Path) -> None:
    compiler(programs / "gcc", GCC_LINE)
    compiler(programs / "clang++", CLANG_LINE)
    assert find(BOTH).compilers == {
        "c": Compiler(("gcc",), "gcc", GCC_LINE),
        "cxx": Compiler(("clang++",), "clang", CLANG_LINE),
    }


@pytest.mark.parametrize(
    ("languages", "names"), [(C, ["cc", "gcc", "clang"]), (CXX, ["c++", "g++", "clang++"])]
)
def test_the_platforms_own_name_comes_first(
    programs: Path, languages: frozenset[str], names: list[str]
) -> None:
    while names:
        for name in names:
            compiler(programs / name, f"{name} 1")
        (found,) = find(languages).compilers.values()
        assert found.command == (names[0],)
        (programs / names[0]).unlink()
        names = names[1:]


def test_only_compilers_of_used_languages_are_searched(programs: Path) -> None:
    compiler(programs / "cc", GCC_LINE)
    assert set(find(C).compilers) == {"c"}


def test_cc_and_cxx_take_precedence_over_path(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cc", "c++", "my-cc", "my-c++"):
        compiler(programs / name, f"{name} 1")
    monkeypatch.setenv("CC", "my-cc")
    monkeypatch.setenv("CXX", "my-c++")
    assert {k: v.command for k, v in find(BOTH).compilers.items()} == {
        "c": ("my-cc",),
        "cxx": ("my-c++",),
    }


def test_cc_does_not_affect_cxx(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler(programs / "my-cc", GCC_LINE)
    compiler(programs / "g++", GCC_LINE)
    monkeypatch.setenv("CC", "my-cc")
    assert find(CXX).compilers["cxx"].command == ("g++",)


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_variable_is_ignored(
    programs: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    compiler(programs / "c++", GCC_LINE)
    monkeypatch.setenv("CXX", value)
    assert find(CXX).compilers["cxx"].command == ("c++",)


def test_a_variable_can_contain_a_launcher_and_arguments(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my tools"
    folder.mkdir()
    compiler(folder / "g++", GCC_LINE)
    program(programs / "launch", 'shift_to="$1"; for last; do :; done; exec "$shift_to" "$last"')
    monkeypatch.setenv("CXX", f"launch '{folder}/g++' -m64")
    assert find(CXX).compilers["cxx"] == Compiler(
        ("launch", f"{folder}/g++", "-m64"), "gcc", GCC_LINE
    )


@pytest.mark.parametrize(
    ("line", "family"),
    [
        (GCC_LINE, "gcc"),
        ("x86_64-conda-linux-gnu-c++ (conda-forge gcc 13.3.0-1) 13.3.0", "gcc"),
        (CLANG_LINE, "clang"),
        ("Apple clang version 15.0.0 (clang-1500.3.9.4)", "clang"),
        ("AMD Clang 17", "clang"),
    ],
)
def test_the_family_is_read_from_the_version(programs: Path, line: str, family: str) -> None:
    compiler(programs / "c++", line)
    assert find(CXX).compilers["cxx"] == Compiler(("c++",), family, line)


def test_the_version_is_queried_in_english(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs / "c++", 'echo "c++ in $LC_ALL"')
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert find(CXX).compilers["cxx"].version == "c++ in C"


def test_a_version_that_is_not_utf8_is_accepted(programs: Path) -> None:
    program(programs / "c++", "printf 'c++ \\377 1\\n'")
    assert find(CXX).compilers["cxx"].version.endswith(" 1")


def test_the_toolchain_has_root_system_and_environment(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(programs / "c++", GCC_LINE)
    monkeypatch.setenv("CXXFLAGS", "-g '-DX=a b'")
    monkeypatch.setenv("LDFLAGS", "-Wl,-O1")
    tools = find(CXX, "/my project")
    assert isinstance(tools, GnuToolchain)
    assert (tools.root, tools.system) == ("/my project", "linux")
    assert tools.environment == EnvironmentFlags(cxxflags=("-g", "-DX=a b"), ldflags=("-Wl,-O1",))


def test_the_toolchain_has_the_projects_settings(programs: Path) -> None:
    compiler(programs / "c++", GCC_LINE)
    settings = ProjectSettings(build_type="debug", lto=True)
    tools = find(CXX, project=Project(settings))
    assert isinstance(tools, GnuToolchain)
    assert tools.project is settings


def test_a_launcher_precedes_the_compilers_and_is_not_queried(programs: Path) -> None:
    compiler(programs / "cc", GCC_LINE)
    compiler(programs / "c++", GCC_LINE)
    launcher = Launcher(("no-such-launcher", "--quiet"), "no-such-launcher")
    found = find(BOTH, launcher=launcher).compilers
    assert {language: (c.launcher, c.command) for language, c in found.items()} == {
        "c": (("no-such-launcher", "--quiet"), ("cc",)),
        "cxx": (("no-such-launcher", "--quiet"), ("c++",)),
    }


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (C, r" C compiler: cc, gcc, clang .*PATH, .*\bCC\b"),
        (CXX, r" C\+\+ compiler: c\+\+, g\+\+, clang\+\+ .*PATH, .*\bCXX\b"),
    ],
)
@pytest.mark.usefixtures("programs")
def test_the_error_for_no_compiler_contains_how_to_install_one(
    languages: frozenset[str], message: str
) -> None:
    with pytest.raises(BuildError) as caught:
        find(languages)
    assert re.search(message, caught.value.message)
    variable = "CC" if languages == C else "CXX"
    assert caught.value.hint == (
        "install one (Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++) "
        f"or set {variable}"
    )


@pytest.mark.parametrize("value", ["my-g++", "/nowhere/g++ -m64", "''"])
def test_a_variable_with_a_missing_program_is_reported(
    programs: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    compiler(programs / "c++", GCC_LINE)
    monkeypatch.setenv("CXX", value)
    with pytest.raises(BuildError) as caught:
        find(CXX)
    first = value.split(maxsplit=1)[0].strip("'")
    assert caught.value.message == f"CXX={value!r}: program {first!r} not found"
    assert re.search(r"CXX .*PATH for c\+\+, g\+\+, clang\+\+$", caught.value.hint or "")


def test_a_file_that_is_not_executable_is_not_a_compiler(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "my-cc").write_text("#!/bin/sh\n", encoding="utf-8")
    monkeypatch.setenv("CC", "my-cc")
    with pytest.raises(BuildError, match="CC='my-cc': program 'my-cc' not found"):
        find(C)


@pytest.mark.usefixtures("programs")
def test_a_variable_that_cannot_be_split_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "gcc 'unclosed")
    with pytest.raises(BuildError) as caught:
        find(C)
    assert caught.value.message == (
        'CC="gcc \'unclosed" cannot be split into words: No closing quotation'
    )


def test_flags_that_cannot_be_split_are_reported(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(programs / "cc", GCC_LINE)
    monkeypatch.setenv("CFLAGS", "-DX='a")
    with pytest.raises(BuildError, match="CFLAGS"):
        find(C)


def test_a_compiler_that_fails_is_reported_with_its_output(programs: Path) -> None:
    program(programs / "cc", "echo 'xcrun: error: no developer tools' >&2; exit 72")
    with pytest.raises(BuildError) as caught:
        find(C)
    assert caught.value.message == (
        "cc --version failed (exit status 72): xcrun: error: no developer tools"
    )
    assert re.search(r"\bCC\b", caught.value.hint or "")


def test_a_compiler_that_prints_nothing_is_reported(programs: Path) -> None:
    program(programs / "cc", "exit 0")
    with pytest.raises(BuildError, match=r"cc --version failed \(exit status 0\)"):
        find(C)


def test_a_program_that_cannot_be_started_is_reported(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = programs / "g++"
    script.write_text("#!/nowhere/interpreter\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("CXX", "g++ -m64")
    with pytest.raises(BuildError, match=r"^cannot run g\+\+ -m64 --version: .*No such file"):
        find(CXX)


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (set(), {"c": "gcc"}),
        ({"asm"}, {"asm": "gcc", "c": "gcc"}),
        ({"c", "asm"}, {"asm": "gcc", "c": "gcc"}),
        ({"cxx", "asm"}, {"asm": "g++", "cxx": "g++"}),
    ],
)
def test_assembly_is_compiled_by_a_compiler_that_the_build_needs_anyway(
    programs: Path, languages: set[str], expected: dict[str, str]
) -> None:
    without_cache = ("/usr/bin/env", "CCACHE_DISABLE=1")
    for name in ("gcc", "g++"):
        compiler(programs / name, GCC_LINE)
    found = find(frozenset(languages)).compilers
    assert {language: each.command[0] for language, each in found.items()} == expected
    # ccache does not know the files that assembly includes.
    launchers = {language: each.launcher for language, each in found.items()}
    assert launchers.pop("asm", without_cache) == without_cache
    assert set(launchers.values()) == {()}


def test_the_cxx_compiler_is_found_if_only_prebuilt_objects_need_it(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gcc", "g++"):
        compiler(programs / name, GCC_LINE)
    inputs = {"pkg.ops": InputSymbols(needs_cxx=True)}
    monkeypatch.setattr(discovery, "read_input_symbols", lambda *_: inputs)
    assert set(find(C).compilers) == {"c", "cxx"}


@pytest.mark.parametrize(
    "settings",
    [
        {"cuda_architectures": ("native",)},
        {"source_options": (SourceOptions(("a.cu",), cuda_architectures=("native",)),)},
        {"embed": (EmbedSettings("e", source="k.cu", cuda_architectures=("native",)),)},
        {},
    ],
    ids=["library", "source", "embedded", "none"],
)
def test_the_gpus_are_queried_if_any_setting_needs_them(
    programs: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    compiler(programs / "c++", GCC_LINE)
    asked = []

    def device(*_: object, native: bool) -> Any:
        asked.append(native)
        return SimpleNamespace(compiler=Compiler(("nvcc",), "nvcc", "13.0"))

    monkeypatch.setattr(discovery, "find_device_compiler", device)
    extension = ExtensionSettings("pkg.ops", ("a.cu",), **settings)
    find_toolchain(
        frozenset({"cuda"}), Path("/project"), "x", project=PLAIN, extensions=[extension]
    )
    assert asked == [bool(settings)]
