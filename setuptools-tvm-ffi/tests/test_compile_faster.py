# SPDX-License-Identifier: Apache-2.0
"""Unity builds and precompiled headers give the same library, with fewer compile steps."""

from __future__ import annotations

import json
import re
import shutil
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
        # Paths are those of other builds: relative to the project, without "./".
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
