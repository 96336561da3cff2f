# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building import ninja_file
from setuptools_tvm_ffi.building.ninja import find_ninja
from setuptools_tvm_ffi.building.plan import BuildPlan, LibraryPlan, Step, make_plan
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

SETTINGS = ExtensionSettings(name="pkg.lib", sources=("a.c",))
ODD_NAMES = (
    "plain",
    "two words",
    "it's",
    'say "hi"',
    "cost$5 ${x} $in",
    "co:lon",
    "half#done",
    "100%",
    "back\\slash",
    "a;b&c",
    "ünïcode 中文",
    "[a]*?",
    "-dash",
    "(paren)",
    "trailing ",
)
# ninja's reader of depfiles takes these for the end of a name (1.13), so that such a source is
# compiled each time.
CUT_IN_DEPFILES = frozenset("'\"&;*?")

NINJA = find_ninja()
needs_ninja = pytest.mark.skipif(NINJA is None, reason="ninja is not installed")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")


def plan_of(*steps: Step, folder: str = "build") -> BuildPlan:
    return BuildPlan(folder, (LibraryPlan(SETTINGS, "build/lib.so", steps, {}),))


def compile_step(
    source: str = "a.c",
    output: str = "a.o",
    *,
    command: str = "cc -c a.c",
    description: str = "compile a.c",
    extra_inputs: tuple[str, ...] = (),
) -> Step:
    return Step("compile", (source,), output, command, description, extra_inputs=extra_inputs)


def statements(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("build ")]


def run_ninja(root: Path, file: str = "build/build.ninja") -> str:
    assert NINJA is not None
    result = subprocess.run(
        [NINJA, "-f", file],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_plan_is_written_statement_by_statement() -> None:
    compile_ = Step(
        kind="compile",
        inputs=("src/a.c",),
        output="build/a.o",
        command="cc -c src/a.c -o build/a.o",
        description="compile src/a.c",
        extra_inputs=("build/compilers.txt", "x.inc"),
        dependency_style="gcc",
        depfile="build/a.o.d",
    )
    link = Step(
        kind="link",
        inputs=("build/a.o",),
        output="build/lib.so",
        command="cc @build/lib.so.rsp",
        description="link lib.so",
        response_file="build/lib.so.rsp",
        response_file_content="build/a.o",
        extra_outputs=("build/lib.pdb",),
    )
    symbols = Step(
        kind="debug-symbols",
        inputs=("build/lib.so",),
        output="build/lib.so.dSYM/Info.plist",
        command="dsymutil build/lib.so",
        description="collect debug symbols of lib.so",
        extra_outputs=("build/lib.so.dSYM/DWARF/lib.so", "build/x y"),
    )
    assert ninja_file.render(plan_of(compile_, link, symbols)) == (
        "ninja_required_version = 1.10\n"
        "builddir = build\n"
        "\n"
        "rule compile\n"
        "  command = $line\n"
        "  description = $announcement\n"
        "  deps = $dependency_style\n"
        "  depfile = $dependencies\n"
        "\n"
        "rule link\n"
        "  command = $line\n"
        "  description = $announcement\n"
        "  rspfile = $response_file\n"
        "  rspfile_content = $response\n"
        "\n"
        "rule debug-symbols\n"
        "  command = $line\n"
        "  description = $announcement\n"
        "\n"
        "build build/a.o: compile src/a.c | build/compilers.txt x.inc\n"
        "  line = cc -c src/a.c -o build/a.o\n"
        "  announcement = compile src/a.c\n"
        "  dependency_style = gcc\n"
        "  dependencies = build/a.o.d\n"
        "\n"
        "build build/lib.so | build/lib.pdb: link build/a.o\n"
        "  line = cc @build/lib.so.rsp\n"
        "  announcement = link lib.so\n"
        "  response_file = build/lib.so.rsp\n"
        "  response = build/a.o\n"
        "\n"
        "build build/lib.so.dSYM/Info.plist | build/lib.so.dSYM/DWARF/lib.so build/x$ y: "
        "debug-symbols build/lib.so\n"
        "  line = dsymutil build/lib.so\n"
        "  announcement = collect debug symbols of lib.so\n"
    )


def test_ninja_reads_dependencies_of_msvc_from_what_it_prints() -> None:
    step = dataclasses.replace(compile_step(), dependency_style="msvc", depfile="a.o.d")
    text = ninja_file.render(plan_of(step))
    assert "  dependency_style = msvc\n" in text
    assert "a.o.d" not in text


def test_each_compile_has_the_dependency_style_of_its_compiler() -> None:
    steps = (
        dataclasses.replace(compile_step(output="a.o"), dependency_style="msvc"),
        dataclasses.replace(compile_step(output="b.o"), dependency_style="gcc", depfile="b.o.d"),
    )
    _, first, second = ninja_file.render(plan_of(*steps)).split("\nbuild ")
    assert "  dependency_style = msvc\n" in first
    assert "  dependency_style = gcc\n  dependencies = b.o.d\n" in second


def test_commands_of_this_machine_wait_in_a_pool_where_there_are_fewer_of_them() -> None:
    here = compile_step(output="here.o")
    elsewhere = dataclasses.replace(compile_step(output="there.o"), on_this_machine=False)
    text = ninja_file.render(plan_of(here, elsewhere), local_jobs=3)
    assert "\npool this_machine\n  depth = 3\n" in text
    _, first, second = text.split("\nbuild ")
    assert first.startswith("here.o")
    assert "  pool = this_machine\n" in first
    assert "pool" not in second


def test_without_a_bound_for_this_machine_there_is_no_pool() -> None:
    assert "pool" not in ninja_file.render(plan_of(compile_step()))


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("a b.c", "a$ b.c"),
        ("c:/a.c", "c$:/a.c"),
        ("cost$5.c", "cost$$5.c"),
        ("$ :", "$$$ $:"),
        ("it's#1.c", "it's#1.c"),
        ("ü.c", "ü.c"),
    ],
)
def test_a_path_is_escaped(path: str, written: str) -> None:
    step = compile_step(path, f"{path}.o", extra_inputs=(path, "x"))
    assert statements(ninja_file.render(plan_of(step))) == [
        f"build {written}.o: compile {written} | {written} x"
    ]


def test_only_a_dollar_is_escaped_in_a_command_and_a_description() -> None:
    step = compile_step(command="cc -DX='$a : b' # | c", description="compile $a: b")
    text = ninja_file.render(plan_of(step))
    assert "\n  line = cc -DX='$$a : b' # | c\n" in text
    assert "\n  announcement = compile $$a: b\n" in text


def test_the_build_folder_is_escaped_as_a_value() -> None:
    text = ninja_file.render(plan_of(folder="my build/$x"))
    assert "\nbuilddir = my build/$$x\n" in text


@pytest.mark.parametrize("path", ["a|b.c", "a||b.c", "a\nb.c", "a\rb.c", "|"])
@pytest.mark.parametrize("place", ["source", "output", "extra"])
def test_a_path_that_ninja_cannot_write_is_refused(path: str, place: str) -> None:
    step = {
        "source": compile_step(path),
        "output": compile_step(output=path),
        "extra": compile_step(extra_inputs=(path,)),
    }[place]
    with pytest.raises(ConfigurationError) as caught:
        ninja_file.render(plan_of(step))
    assert re.search(
        rf"^path {re.escape(repr(path))}: ninja .*'\|' or a line break", str(caught.value)
    )
    assert caught.value.hint == "rename the file"


@pytest.mark.parametrize("command", ["cc -DX='a\nb'", "cc -DX='a\rb'"])
def test_a_command_with_a_line_break_is_refused(command: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ninja_file.render(plan_of(compile_step(command=command)))
    assert re.search(rf"^{re.escape(repr(command))}: ninja .*line break", caught.value.message)
    assert "macro or argument" in (caught.value.hint or "")


def test_the_lines_of_a_response_file_become_words() -> None:
    link = Step(
        *("link", ("a.o",), "l.so", "cc", "link"),
        response_file="l.rsp",
        response_file_content="a.o\nb$c.o",
    )
    assert "\n  response = a.o b$$c.o\n" in ninja_file.render(plan_of(link))


@needs_ninja
def test_ninja_builds_files_with_odd_names(tmp_path: Path) -> None:
    (tmp_path / "in $dir").mkdir()
    steps = []
    for name in ODD_NAMES:
        source, output = f"in $dir/{name}.txt", f"out: dir/{name}.out"
        (tmp_path / source).write_text(f"content of {name}", encoding="utf-8")
        copy = shlex.join(("cp", "--", source, output))
        depfile = shlex.join(("touch", "--", f"{output}.d"))
        steps.append(
            Step(
                "compile",
                (source,),
                output,
                f"{copy} && {depfile}",
                f"copy {name}",
                extra_inputs=("extra",),
                dependency_style="gcc",
                depfile=f"{output}.d",
            )
        )
    outputs = tuple(step.output for step in steps)
    response = "".join(f"{name}\n" for name in ODD_NAMES)
    gathered = shlex.join(("cp", "all $of.rsp", "gathered"))
    steps.append(
        Step(
            *("link", outputs, "gathered", gathered, "gather"),
            response_file="all $of.rsp",
            response_file_content=response,
        )
    )
    (tmp_path / "extra").write_text("", encoding="utf-8")
    (tmp_path / "build").mkdir()
    text = ninja_file.render(plan_of(*steps))
    (tmp_path / "build/build.ninja").write_text(text, encoding="utf-8")

    printed = run_ninja(tmp_path)

    for name in ODD_NAMES:
        built = (tmp_path / f"out: dir/{name}.out").read_text(encoding="utf-8")
        assert built == f"content of {name}"
        assert f"copy {name}\n" in printed
    content = (tmp_path / "gathered").read_text(encoding="utf-8")
    assert content.split() == response.split()
    assert "no work to do" in run_ninja(tmp_path)


@needs_ninja
@needs_gcc
def test_ninja_and_gcc_build_sources_with_odd_names_when_they_changed(tmp_path: Path) -> None:
    root = tmp_path / "my $project"
    (root / "sdk").mkdir(parents=True)
    (root / "src dir").mkdir()
    subprocess.run(
        ["gcc", "-shared", "-o", "sdk/libtvm_ffi.so", "-x", "c", "/dev/null"],
        cwd=root,
        check=True,
    )
    (root / "src dir/shared $header.h").write_text("#define VALUE 1\n", encoding="utf-8")
    names = [f"src dir/{name}.c" for name in ODD_NAMES]
    for number, name in enumerate(names):
        text = f'#include "shared $header.h"\nint f{number}(void) {{ return VALUE; }}\n'
        (root / name).write_text(text, encoding="utf-8")
    toolchain = GnuToolchain(
        {"c": Compiler(("gcc",), "gcc", "gcc")}, "linux", str(root), EnvironmentFlags()
    )
    sdk = TVMFFISdk(Version("1"), (), "sdk", "libtvm_ffi.so")
    settings = ExtensionSettings(
        name="pkg.lib", sources=tuple(names), define_macros=(("TEXT", "\"$a 'b' #c\""),)
    )
    sources = [PurePosixPath(name) for name in names]
    plan = make_plan([(settings, sources)], toolchain, sdk, PurePosixPath("build"))
    (root / "build").mkdir()
    for name, text in {**plan.support_files, "build/build.ninja": ninja_file.render(plan)}.items():
        (root / name).write_text(text, encoding="utf-8")

    run_ninja(root)

    assert (root / "build/pkg.lib/liblib.so").is_file()
    again = run_ninja(root)
    tracked = [name for name in names if not CUT_IN_DEPFILES & set(name)]
    assert len(tracked) > len(names) / 2
    assert [name for name in tracked if f"compile {name}\n" in again] == []
    (root / "src dir/shared $header.h").write_text("#define VALUE 2\n", encoding="utf-8")
    again = run_ninja(root)
    assert [name for name in tracked if f"compile {name}\n" not in again] == []
