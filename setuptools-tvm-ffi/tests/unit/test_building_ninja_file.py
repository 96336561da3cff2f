# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path, PurePosixPath

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building import ninja_file
from setuptools_tvm_ffi.building.freshness import Freshness, Stale
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

NINJA = find_ninja()
needs_ninja = pytest.mark.skipif(NINJA is None, reason="ninja is not installed")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")


def plan_of(*steps: Step, folder: str = "build") -> BuildPlan:
    return BuildPlan(folder, (LibraryPlan(SETTINGS, "build/lib.so", steps, {}),))


def compile_step(
    source: str = "a.c",
    output: str = "a.o",
    *,
    arguments: tuple[str, ...] = ("-c", "a.c"),
    description: str = "compile a.c",
    extra_inputs: tuple[str, ...] = (),
) -> Step:
    return Step(
        *("compile", (source,), output, ("cc",), arguments, description), extra_inputs=extra_inputs
    )


def render(*steps: Step, folder: str = "build", colours: bool = False, **limits: int) -> str:
    """Return the manifest of a plan whose steps are all stale."""
    stale = [Stale(step) for step in steps]
    plan = plan_of(*steps, folder=folder)
    return ninja_file.render(plan, stale, colours=colours, **limits)


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
        launcher=("ccache",),
        program=("zig", "cc"),
        arguments=("-c", "src/a.c", "-o", "build/a.o"),
        description="compile src/a.c",
        extra_inputs=("x.inc",),
        dependency_style="gcc",
        depfile="build/a.o.d",
    )
    link = Step(
        kind="link",
        inputs=("build/a.o",),
        output="build/lib.so",
        program=("cc",),
        arguments=("@build/lib.so.rsp",),
        description="link lib.so",
        extra_inputs=("exports.map",),
        response_file="build/lib.so.rsp",
        response_file_content="build/a.o",
        extra_outputs=("build/lib.pdb",),
    )
    symbols = Step(
        kind="debug-symbols",
        inputs=("build/lib.so",),
        output="build/lib.so.dSYM/Info.plist",
        program=("dsymutil",),
        arguments=("build/lib.so",),
        description="collect debug symbols of lib.so",
        extra_outputs=("build/lib.so.dSYM/DWARF/lib.so", "build/x y"),
    )
    assert render(compile_, link, symbols) == (
        "ninja_required_version = 1.10\n"
        "builddir = build\n"
        "\n"
        "rule step\n"
        "  command = $line\n"
        "  description = $announcement\n"
        "  rspfile = $response_file\n"
        "  rspfile_content = $response\n"
        "\n"
        "build build/a.o: step\n"
        "  line = ccache zig cc -c src/a.c -o build/a.o\n"
        "  announcement = compile src/a.c\n"
        "\n"
        "build build/lib.so | build/lib.pdb: step build/a.o\n"
        "  line = cc @build/lib.so.rsp\n"
        "  announcement = link lib.so\n"
        "  response_file = build/lib.so.rsp\n"
        "  response = build/a.o\n"
        "\n"
        "build build/lib.so.dSYM/Info.plist | build/lib.so.dSYM/DWARF/lib.so build/x$ y: "
        "step build/lib.so\n"
        "  line = dsymutil build/lib.so\n"
        "  announcement = collect debug symbols of lib.so\n"
    )


def test_a_header_is_precompiled_before_the_steps_that_read_it() -> None:
    header = Step("precompile", ("all.h",), "all.h.gch", ("cc",), ("all.h",), "precompile all.h")
    user = dataclasses.replace(compile_step(), precompiled="all.h.gch")
    assert "build a.o: step all.h.gch" in statements(render(header, user))
    assert statements(render(user)) == ["build a.o: step"]


def test_only_stale_steps_are_written() -> None:
    steps = [compile_step(f"{name}.c", f"{name}.o") for name in "ab"]
    link = Step("link", ("a.o", "b.o"), "l.so", ("cc",), (), "link")
    text = ninja_file.render(plan_of(*steps, link), [Stale(steps[1]), Stale(link)])
    # Inputs that no written step produces are omitted. ninja would compare their timestamps.
    assert statements(text) == ["build b.o: step", "build l.so: step b.o"]


def test_a_lower_limit_for_local_commands_becomes_a_pool() -> None:
    here = compile_step(output="here.o")
    elsewhere = dataclasses.replace(compile_step(output="there.o"), on_this_machine=False)
    text = render(here, elsewhere, local_jobs=3)
    assert "\npool this_machine\n  depth = 3\n" in text
    _, first, second = text.split("\nbuild ")
    assert first.startswith("here.o")
    assert "  pool = this_machine\n" in first
    assert "pool" not in second


def test_device_compilers_start_first_and_have_a_pool_of_their_own() -> None:
    host = dataclasses.replace(compile_step(output="host.o"), on_this_machine=False)
    device = dataclasses.replace(compile_step(output="device.o"), parts=6)
    link = Step("link", ("host.o", "device.o"), "l.so", ("cc",), (), "link")
    text = render(host, device, link, device_jobs=2)
    assert "\npool devices\n  depth = 2\n" in text
    _, first, second, last = text.split("\nbuild ")
    assert first.startswith("device.o")
    assert "  pool = devices\n" in first
    assert "pool" not in second + last


def test_only_a_command_with_several_parts_gets_threads() -> None:
    host = dataclasses.replace(compile_step(output="host.o"), on_this_machine=False)
    device = dataclasses.replace(compile_step(output="device.o"), parts=6)
    for threads, option in ((1, None), (4, "--threads=4"), (16, "--threads=6")):
        _, first, second = render(host, device, threads=threads).split("\nbuild ")
        assert ([word for word in first.split() if "threads" in word] or [None]) == [option]
        assert "threads" not in second


def test_only_gcc_and_clang_get_the_option_for_colours() -> None:
    host = dataclasses.replace(
        compile_step(output="host.o"), on_this_machine=False, dependency_style="gcc"
    )
    device = dataclasses.replace(compile_step(output="device.o"), dependency_style="gcc")
    msvc = dataclasses.replace(host, output="msvc.o", dependency_style="msvc")
    text = render(host, device, msvc, colours=True)
    (coloured,) = (part for part in text.split("\nbuild ") if "-fdiagnostics-color=always" in part)
    assert coloured.startswith("host.o")
    assert "color" not in " ".join(host.command)
    assert "color" not in render(host, device, msvc)


def test_without_a_limit_for_local_commands_no_pool_is_written() -> None:
    assert "pool" not in render(compile_step())


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
    source = compile_step(output=path)
    step = compile_step(path, f"{path}.o", extra_inputs=(path, "x"))
    assert statements(render(source, step))[1] == f"build {written}.o: step {written}"


def test_only_a_dollar_is_escaped_in_a_command_and_a_description() -> None:
    step = compile_step(arguments=("-DX=$a : b", "#", "|", "c"), description="compile $a: b")
    text = render(step)
    assert "\n  line = cc '-DX=$$a : b' '#' '|' c\n" in text
    assert "\n  announcement = compile $$a: b\n" in text


def test_the_build_folder_is_escaped_as_a_value() -> None:
    text = render(folder="my build/$x")
    assert "\nbuilddir = my build/$$x\n" in text


@pytest.mark.parametrize("path", ["a|b.c", "a||b.c", "a\nb.c", "a\rb.c", "|"])
def test_a_path_that_a_ninja_file_cannot_contain_is_rejected(path: str) -> None:
    step = compile_step(output=path)
    with pytest.raises(ConfigurationError) as caught:
        render(step)
    assert re.search(
        rf"^path {re.escape(repr(path))}: ninja .*'\|' or a line break", str(caught.value)
    )
    assert caught.value.hint == "rename the file"


@pytest.mark.parametrize("argument", ["-DX='a\nb'", "-DX='a\rb'"])
def test_a_command_with_a_line_break_is_refused(argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        render(compile_step(arguments=(argument,)))
    command = shlex.join(("cc", argument))
    assert caught.value.message.startswith(f"{command!r}: ninja ")
    assert "line break" in caught.value.message
    assert "macro or argument" in (caught.value.hint or "")


def test_the_lines_of_a_response_file_become_words() -> None:
    link = Step(
        *("link", ("a.o",), "l.so", ("cc",), (), "link"),
        response_file="l.rsp",
        response_file_content="a.o\nb$c.o",
    )
    assert "\n  response = a.o b$$c.o\n" in render(link)


@needs_ninja
def test_ninja_builds_files_with_odd_names(tmp_path: Path) -> None:
    (tmp_path / "in $dir").mkdir()
    steps = []
    for name in ODD_NAMES:
        source, output = f"in $dir/{name}.txt", f"out: dir/{name}.out"
        (tmp_path / source).write_text(f"content of {name}", encoding="utf-8")
        arguments = ("--", source, output)
        steps.append(Step("compile", (source,), output, ("cp",), arguments, f"copy {name}"))
    outputs = tuple(step.output for step in steps)
    response = "".join(f"{name}\n" for name in ODD_NAMES)
    steps.append(
        Step(
            *("link", outputs, "gathered", ("cp",), ("all $of.rsp", "gathered"), "gather"),
            response_file="all $of.rsp",
            response_file_content=response,
        )
    )
    (tmp_path / "build").mkdir()
    (tmp_path / "build/build.ninja").write_text(render(*steps), encoding="utf-8")

    printed = run_ninja(tmp_path)

    for name in ODD_NAMES:
        built = (tmp_path / f"out: dir/{name}.out").read_text(encoding="utf-8")
        assert built == f"content of {name}"
        assert f"copy {name}\n" in printed
    content = (tmp_path / "gathered").read_text(encoding="utf-8")
    assert content.split() == response.split()


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
    header = root / "src dir/shared $header.h"
    header.write_text("#define VALUE 1\n", encoding="utf-8")
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
    for name, text in plan.support_files.items():
        (root / name).write_text(text, encoding="utf-8")

    def build() -> list[str]:
        freshness = Freshness(root / "build", root, {})
        stale = freshness.stale(plan)
        for each in stale:
            (root / each.step.output).parent.mkdir(parents=True, exist_ok=True)
        manifest = root / "build/build.ninja"
        manifest.write_text(ninja_file.render(plan, stale), encoding="utf-8")
        freshness.begin(stale, manifest)
        run_ninja(root)
        freshness.complete([each.step for each in stale], plan)
        return [each.step.inputs[0] for each in stale if each.step.kind == "compile"]

    time.sleep(0.05)  # the sources are older than the manifest
    assert build() == names
    assert (root / "build/pkg.lib/liblib.so").is_file()
    assert Freshness(root / "build", root, {}).stale(plan) == []
    header.write_text("#define VALUE 2\n", encoding="utf-8")
    time.sleep(0.05)
    assert build() == names
    assert Freshness(root / "build", root, {}).stale(plan) == []
