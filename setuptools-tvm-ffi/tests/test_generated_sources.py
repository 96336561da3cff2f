# SPDX-License-Identifier: Apache-2.0
"""Generated sources, assembly, embedded files, and libraries of prebuilt objects."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from archives import entries
from environments import Environment
from sample_projects import PROJECTS, Project, ProjectFactory

pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH"),
    pytest.mark.skipif(sys.platform != "linux", reason="the assembly is for ELF"),
]

GENERATE = "generate sum.c, include/sum.h"
FOLDER = "build/tvm-ffi.linux-x86_64/release"
VALUES = "compile csrc/values.c"
SUM = f"compile {FOLDER}/generated/sum.c"
LINK = "link libgenerated.so"
EMBED = "embed blob in libgenerated.so"
ALL = {GENERATE, VALUES, SUM, LINK, EMBED, "compile csrc/preprocessed.S", "compile csrc/plain.s"}

#: For each edit: the file, its new content, the steps of the next build, and the changed value.
EDITS = {
    "input": ("numbers/a.txt", "4", {GENERATE, VALUES, SUM, LINK}, {"sum": 7, "sum_in_header": 7}),
    "new input": ("numbers/c.txt", "1", {GENERATE, VALUES, SUM, LINK}, {"sum": 8}),
    "input with the same result": ("numbers/a.txt", "4\n", {GENERATE}, {}),
    "header of .S": (
        *("csrc/constant.h", "#define CONSTANT 101\n"),
        *({"compile csrc/preprocessed.S", LINK}, {"preprocessed": 101}),
    ),
    "file that .s includes": (
        *("csrc/constant.inc", " .set constant, 1001\n"),
        *({"compile csrc/plain.s", LINK}, {"plain": 1001}),
    ),
    "embedded file": (
        *("data/a blob.bin", "another"),
        *({EMBED, LINK}, {"embedded_size": 7, "embedded_character": ord("a")}),
    ),
}


def steps(project: Project) -> set[str]:
    process = project.build()
    text = (process.stdout + process.stderr).replace(
        f"tvm-ffi.{platform()}", "tvm-ffi.linux-x86_64"
    )
    return set(re.findall(r"^\s*\[\d+/\d+\] (.*?)\s*$", text, re.MULTILINE))


def platform() -> str:
    return f"linux-{subprocess.check_output(['uname', '-m'], text=True).strip()}"


def values(project: Project, folder: Path, *names: str) -> dict[str, int]:
    """Return the results of functions without arguments of the library in the wheel."""
    with zipfile.ZipFile(project.wheel) as archive:
        (library,) = (name for name in archive.namelist() if name.endswith(".so"))
        path = archive.extract(library, folder)
    program = f"import tvm_ffi; m = tvm_ffi.load_module({path!r}); "
    program += f"print(*(m[name]() for name in {names!r}))"
    printed = project.environment.run(project.environment.python, "-c", program, cwd=folder).stdout
    return dict(zip(names, map(int, printed.split())))


def test_every_edit_repeats_only_the_steps_that_it_affects(
    project: ProjectFactory, tmp_path: Path
) -> None:
    copy = project("generated")
    assert steps(copy) == ALL
    expected = {"sum": 5, "sum_in_header": 5, "preprocessed": 100, "plain": 1000}
    expected |= {"embedded_size": 11, "embedded_character": ord("t")}
    assert values(copy, tmp_path, *expected) == expected
    assert steps(copy) == set()
    assert set(copy.tree()) == set(project_files())  # The source tree has no new files.
    for edit, (file, content, affected, changed) in EDITS.items():
        (copy.folder / file).write_text(content)
        assert steps(copy) == affected, edit
        assert values(copy, tmp_path, *changed) == changed, edit
    assert steps(copy) == set()


def project_files() -> list[str]:
    folder = PROJECTS / "generated"
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]


@pytest.mark.long
def test_a_damaged_output_is_generated_again_and_other_files_are_deleted(
    project: ProjectFactory,
) -> None:
    copy = project("generated")
    steps(copy)
    (generated,) = copy.folder.glob("build/tvm-ffi.*/release/generated")
    before = {path: path.read_bytes() for path in generated.rglob("*") if path.is_file()}
    assert len(before) == 2
    (generated / "sum.c").write_text("wrong")
    (generated / "include/sum.h").unlink()
    (generated / "include/other.h").touch()
    assert steps(copy) == {GENERATE}
    assert {path: path.read_bytes() for path in generated.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"include/sum.h"]',
            '"include/sum.h", "more.h"]',
            ["generate[0].command", "did not write", "more.h"],
        ),
        (
            '"tools/add.py"',
            '"tools/missing.py"',
            ["generate[0].command: the command failed", "can't open file"],
        ),
        ('["sum.c",', '["csrc/values.c",', ["generate[0].outputs", "'csrc/values.c'"]),
        ('"{python}"', '"no-such-python"', ["generate[0].command", "no-such-python"]),
    ],
)
def test_a_wrong_command_is_named_by_its_key(
    project: ProjectFactory, old: str, new: str, words: list[str]
) -> None:
    copy = project("generated")
    copy.edit("pyproject.toml", old, new)
    if "csrc" in new:
        copy.edit("pyproject.toml", ', "sum.c"]', "]")
    printed = copy.refuse()
    assert all(word in printed for word in words), printed


@pytest.mark.long
def test_an_sdist_has_the_inputs_and_not_the_outputs(
    project: ProjectFactory, tmp_path: Path
) -> None:
    copy = project("generated")
    copy.build()
    program = (
        f"from setuptools_tvm_ffi.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    )
    copy.environment.run(copy.environment.python, "-I", "-c", program, cwd=copy.folder)
    (sdist,) = tmp_path.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in entries(sdist)}
    assert {
        *("tools/add.py", "numbers/a.txt", "numbers/b.txt", "data/a blob.bin"),
        *("csrc/plain.s", "csrc/preprocessed.S", "csrc/constant.inc", "csrc/constant.h"),
    } <= names
    assert not [name for name in names if "sum." in name]
    shutil.unpack_archive(sdist, tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert steps(Project(unpacked, copy.environment)) == ALL


# --- libraries of prebuilt objects --------------------------------------------------------------

OBJECT = """
#include <tvm/ffi/tvm_ffi.h>
#include <vector>
int helper() { return 3; }
static int64_t count() { return std::vector<int>(helper()).size(); }
TVM_FFI_DLL_EXPORT_TYPED_FUNC(count, count)
"""


@pytest.mark.long
@pytest.mark.parametrize("file", ["made.o", "libmade.a"])
def test_a_library_can_consist_of_prebuilt_objects(
    project: ProjectFactory, builder: Environment, tmp_path: Path, file: str
) -> None:
    copy = project("generated")
    program = "import tvm_ffi.libinfo as i; print(i.find_include_path())"
    include = builder.run(builder.python, "-c", program, cwd=tmp_path).stdout.strip()
    (tmp_path / "made.cc").write_text(OBJECT)
    metadata = "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1"
    command = ("g++", "-std=c++17", "-fPIC", metadata, f"-I{include}", "-c", "made.cc")
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run(["ar", "rcs", "libmade.a", "made.o"], cwd=tmp_path, check=True)
    shutil.copy(tmp_path / file, copy.folder)
    text = (copy.folder / "pyproject.toml").read_text().partition("[[tool.")[0]
    table = "[[tool.setuptools-tvm-ffi.ext-modules]]"
    keys = f'name = "generated_pkg.generated"\nextra-objects = ["{file}"]\n'
    (copy.folder / "pyproject.toml").write_text(f"{text}{table}\n{keys}")
    (copy.folder / "generated_pkg/__init__.py").write_text("")
    assert steps(copy) == {LINK}
    assert values(copy, tmp_path, "count") == {"count": 3}
    assert re.search(r"def count\(.*\) -> int", copy.read("generated_pkg/_ffi_api.pyi"))
    (library,) = copy.folder.glob("build/tvm-ffi.*/release/*/libgenerated.so")
    exported = subprocess.check_output(["nm", "-D", "--defined-only", library], text=True)
    assert "helper" not in exported
    assert steps(copy) == set()


MAKE = """
import pathlib, subprocess, sys, tvm_ffi.libinfo
out = pathlib.Path(sys.argv[1])
flags = ["-std=c++17", "-fPIC", "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1"]
flags.append(f"-I{tvm_ffi.libinfo.find_include_path()}")
subprocess.run(["g++", *flags, "-c", "made.cc", "-o", out / "made.o"], check=True)
subprocess.run(["ar", "rcs", out / "libmade.a", out / "made.o"], check=True)
(out / "blob.bin").write_bytes(b"generated")
"""


@pytest.mark.long
def test_generated_archives_are_linked_and_generated_files_are_embedded(
    project: ProjectFactory, tmp_path: Path
) -> None:
    copy = project("generated")
    (copy.folder / "made.cc").write_text(OBJECT)
    (copy.folder / "make.py").write_text(MAKE)
    copy.edit(
        *("pyproject.toml", "[[tool.setuptools-tvm-ffi.ext-modules]]"),
        '[[tool.setuptools-tvm-ffi.generate]]\ncommand = ["{python}", "make.py", "{out}"]\n'
        'inputs = ["made.cc"]\noutputs = ["made.o", "libmade.a", "blob.bin"]\n\n'
        '[[tool.setuptools-tvm-ffi.ext-modules]]\nextra-objects = ["libmade.a"]',
    )
    copy.edit("pyproject.toml", "data/a blob.bin", "blob.bin")
    assert "link libgenerated.so" in steps(copy)
    expected = {"count": 3, "embedded_size": 9}
    assert values(copy, tmp_path, *expected) == expected
    assert steps(copy) == set()
    (copy.folder / "made.cc").write_text(OBJECT.replace("return 3", "return 4"))
    assert steps(copy) == {"generate made.o, libmade.a, blob.bin", LINK}
    assert values(copy, tmp_path, "count") == {"count": 4}
    program = (
        f"from setuptools_tvm_ffi.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    )
    copy.environment.run(copy.environment.python, "-I", "-c", program, cwd=copy.folder)
    (sdist,) = tmp_path.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in entries(sdist)}
    assert {"made.cc", "make.py"} <= names
    assert not names & {"made.o", "libmade.a", "blob.bin"}
