# SPDX-License-Identifier: Apache-2.0
"""Unity builds and precompiled headers give the same library, with fewer compile steps."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from environments import Environment
from sample_projects import Project

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "many-files"
version = "1.0"
dynamic = ["dependencies"]

[tool.setuptools]
packages = ["many_files"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "many_files.core"
sources = ["csrc/*.{suffix}"]
stubs = "none"
{keys}"""

UNIT = """\
#include <tvm/ffi/c_api.h>

#include "shared.h"

static const char file_{name}[] = __FILE__;

TVM_FFI_DLL_EXPORT int __tvm_ffi_{name}(void* self, const TVMFFIAny* args, int32_t count,
                                        TVMFFIAny* result) {{
  (void)self, (void)args, (void)count;
  result->type_index = kTVMFFIRawStr;
  result->zero_padding = 0;
  result->v_c_str = file_{name};
  return SHARED;
}}
"""
SHARED = "#pragma once\n#define SHARED 0\n"


def many_files(folder: Path, environment: Environment, keys: str, suffix: str = "c") -> Project:
    """Return a project of ten units. Each returns its `__FILE__`."""
    made = Project(folder / "many", environment)
    (made.folder / "csrc").mkdir(parents=True)
    (made.folder / "many_files").mkdir()
    (made.folder / "many_files" / "__init__.py").touch()
    (made.folder / "pyproject.toml").write_text(PYPROJECT.format(keys=keys, suffix=suffix))
    (made.folder / "csrc" / "shared.h").write_text(SHARED)
    for number in range(10):
        add_unit(made, f"unit_{number}", suffix)
    return made


def add_unit(project: Project, name: str, suffix: str = "c") -> None:
    text = UNIT.format(name=name)
    if suffix != "c":
        text = text.replace("TVM_FFI_DLL_EXPORT int", 'extern "C" TVM_FFI_DLL_EXPORT int')
    (project.folder / "csrc" / f"{name}.{suffix}").write_text(text)


def compiled(project: Project, **variables: str) -> list[str]:
    """Build, and return what ninja compiled."""
    process = project.build(SOURCE_DATE_EPOCH="1700000000", **variables)
    return re.findall(r"^\[\d+/\d+\] (?:pre)?compile (.*)$", process.stdout, re.MULTILINE)


def objects(project: Project) -> dict[str, bytes]:
    folder = project.folder / "build"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.o")}


UNITY = "unity-build = true\nunity-batch-size = 4\n"


def test_a_unity_build_compiles_batches_and_repeats_only_what_changed(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, UNITY)
    assert 3 <= len(compiled(many)) < 6
    first = objects(many)
    assert compiled(many) == []
    library = next(many.folder.glob("build/**/libcore.so")).read_bytes()
    for number in range(10):
        # As in other builds, paths are relative to the project, without "./".
        assert b"\0csrc/unit_%d.c\0" % number in library
    for path in many.folder.rglob("csrc/*"):
        path.touch()
    assert compiled(many) == []
    add_unit(many, "unit_a")
    assert 1 <= len(compiled(many)) <= 2
    (many.folder / "csrc" / "shared.h").write_text(SHARED.replace("SHARED 0", "SHARED (0)"))
    assert len(compiled(many)) >= 3
    # The batches do not depend on what was built before.
    (many.folder / "csrc" / "shared.h").write_text(SHARED)
    (many.folder / "csrc" / "unit_a.c").unlink()
    compiled(many)
    again = objects(many)
    assert {name: again[name] for name in first} == first
    # An editor gets a command for every source.
    (database,) = many.folder.glob("build/tvm-ffi.*/compile_commands.json")
    entries = json.loads(database.read_text())
    assert {entry["file"] for entry in entries} == {f"csrc/unit_{n}.c" for n in range(10)}
    assert not any("/unity/" in entry["command"] for entry in entries)


def test_a_clash_names_both_files_and_following_the_hint_fixes_it(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, "unity-build = true\nunity-batch-size = 0\n")
    for name in ("unit_3", "unit_7"):
        file = many.folder / "csrc" / f"{name}.c"
        file.write_text(f"{file.read_text()}static int helper(void) {{ return 0; }}\n")
    printed = many.refuse()
    assert "csrc/unit_3.c and csrc/unit_7.c in one batch" in printed
    hint = re.search(r"source-options = \[.*\]", printed)
    assert hint is not None
    text = (many.folder / "pyproject.toml").read_text()
    (many.folder / "pyproject.toml").write_text(f"{text}{hint[0]}\n")
    assert sorted(compiled(many)) == ["csrc/unit_0.c and 8 more", "csrc/unit_7.c"]


@pytest.mark.long
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")
def test_nvcc_compiles_batches(builder: Environment, tmp_path: Path) -> None:
    many = many_files(tmp_path, builder, f'{UNITY}cuda-architectures = ["9.0"]\n', "cu")
    assert 3 <= len(compiled(many)) < 6
    first = objects(many)
    assert compiled(many) == []
    library = next(many.folder.glob("build/**/libcore.so")).read_bytes()
    assert b"\0csrc/unit_3.cu\0" in library
    shutil.rmtree(many.folder / "build")
    compiled(many)
    assert objects(many) == first


HEADERS = 'precompile-headers = ["<tvm/ffi/c_api.h>", "csrc/shared.h"]\n'


def test_a_precompiled_header_is_rebuilt_with_its_units_if_one_of_its_headers_changes(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, f'{HEADERS}include-dirs = ["include"]\n')
    shared = many.folder / "csrc" / "shared.h"
    (many.folder / "include").mkdir()
    (many.folder / "include" / "nested.h").touch()
    shared.write_text(f'#include "nested.h"\n{SHARED}')
    units = [f"csrc/unit_{number}.c" for number in range(10)]
    everything = ["<tvm/ffi/c_api.h> and 1 more", *units]
    assert compiled(many)[0] == everything[0]
    first, library = objects(many), next(many.folder.glob("build/**/libcore.so"))
    assert b"csrc/shared.h" not in library.read_bytes()
    (precompiled,) = many.folder.glob("build/**/c.h.gch")
    # Times do not matter, and nothing reads the precompiled header if no unit is compiled.
    for path in many.folder.rglob("*.h"):
        path.touch()
    assert compiled(many) == []
    precompiled.unlink()
    assert compiled(many) == []
    # One unit needs the precompiled header again.
    text = (many.folder / units[3]).read_text()
    (many.folder / units[3]).write_text(f"{text}/* changed */\n")
    assert sorted(compiled(many)) == sorted([everything[0], units[3]])
    (many.folder / units[3]).write_text(text)
    assert compiled(many) == [units[3]]
    assert objects(many) == first
    # A header of the precompiled header, and a header that is found earlier.
    (many.folder / "include" / "nested.h").write_text("#define NESTED\n")
    assert sorted(compiled(many)) == sorted(everything)
    (many.folder / "csrc" / "nested.h").write_text("#define NESTED 2\n")
    assert sorted(compiled(many)) == sorted(everything)
    (many.folder / "include" / "shared.h").write_text("#define SHARED 3\n")
    assert compiled(many) == []  # The units find csrc/shared.h beside them.
    # The objects are those of a build from scratch.
    (many.folder / "csrc" / "nested.h").unlink()
    (many.folder / "include" / "nested.h").write_text("")
    assert sorted(compiled(many)) == sorted(everything)
    assert objects(many) == first
    shutil.rmtree(many.folder / "build")
    compiled(many)
    assert objects(many) == first


def test_the_sdist_contains_the_precompiled_headers_and_their_headers(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, 'precompile-headers = ["common/all.h"]\n')
    (many.folder / "common").mkdir()
    (many.folder / "common" / "all.h").write_text('#include "../deeper/more.h"\n')
    (many.folder / "deeper").mkdir()
    (many.folder / "deeper" / "more.h").touch()
    hook = "from setuptools_tvm_ffi.build_meta import build_sdist"
    program = f"{hook}; build_sdist({str(tmp_path)!r})"
    builder.run(builder.python, "-I", "-c", program, cwd=many.folder)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"common/all.h", "deeper/more.h"} <= names


def test_sources_with_options_and_editors_include_the_header_itself(
    builder: Environment, tmp_path: Path
) -> None:
    options = '{ sources = "csrc/unit_0.c", define-macros = [["EXTRA", "1"]] }'
    many = many_files(tmp_path, builder, f"{HEADERS}{UNITY}source-options = [{options}]\n")
    first = many.folder / "csrc" / "unit_0.c"
    # The source is not self-contained.
    first.write_text(first.read_text().replace('#include "shared.h"', "int extra = EXTRA;"))
    assert "csrc/unit_0.c" in compiled(many)
    (database,) = many.folder.glob("build/tvm-ffi.*/compile_commands.json")
    for entry in json.loads(database.read_text()):
        assert "/precompiled/plain/c.h" in entry["command"]
    assert compiled(many) == []


def test_a_header_that_does_not_compile_is_reported_by_its_key(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, HEADERS)
    (many.folder / "csrc" / "shared.h").write_text("#error broken\n")
    printed = many.refuse()
    assert re.search(r"ext-modules\[0\]\.precompile-headers: .*failed", printed)


@pytest.mark.parametrize(
    ("suffix", "headers", "message"),
    [
        ("cu", '["<tvm/ffi/c_api.h>"]', "no C or C++ source"),
        ("c", '["csrc/missing.h"]', "'csrc/missing.h': file does not exist"),
    ],
)
def test_a_wrong_header_is_refused_by_its_key(
    builder: Environment, tmp_path: Path, suffix: str, headers: str, message: str
) -> None:
    if suffix == "cu" and shutil.which("nvcc") is None:
        pytest.skip("no nvcc on PATH")
    many = many_files(tmp_path, builder, f"precompile-headers = {headers}\n", suffix)
    printed = many.refuse()
    assert "ext-modules[0].precompile-headers" in printed
    assert message in printed


@pytest.mark.long
def test_a_cxx_library_has_the_same_objects_with_a_precompiled_header(
    builder: Environment, tmp_path: Path
) -> None:
    many = many_files(tmp_path, builder, "", "cc")
    compiled(many)
    plain = objects(many)
    text = (many.folder / "pyproject.toml").read_text()
    keys = 'precompile-headers = ["<tvm/ffi/tvm_ffi.h>"]\n'
    (many.folder / "pyproject.toml").write_text(text + keys)
    assert compiled(many)[0] == "<tvm/ffi/tvm_ffi.h>"
    assert objects(many).keys() == plain.keys()
    first = objects(many)
    shutil.rmtree(many.folder / "build")
    compiled(many)
    assert objects(many) == first
