# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building.batch_errors import batch_failure
from setuptools_tvm_ffi.building.plan import Step
from setuptools_tvm_ffi.project.sources import Generated
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration

OUTPUT = "build/unity/cxx-all.cc.o"
SOURCES = ("csrc/a.cc", "csrc/b.cc", "csrc/deep/a.cc")
GENERATED = Generated({"made.cc"}, PurePosixPath("build/generated"))

GCC = """\
./csrc/b.cc:2:5: error: redefinition of \u2018int helper()\u2019
    2 | int helper(){return 2;}
In file included from <command-line>:
./csrc/a.cc:2:5: note: \u2018int helper()\u2019 previously defined here"""
CLANG = """\
csrc/b.cc:2:5: error: redefinition of 'helper'
csrc/a.cc:2:5: note: previous definition is here"""
NVCC = (
    'csrc/b.cc(3): error: function "helper" has already been defined '
    "(previous definition at line 3 of csrc/a.cc)"
)
MSVC = """\
C:\\project\\csrc\\b.cc(2): error C2084: function 'int helper(void)' already has a body
C:\\project\\csrc\\a.cc(2): note: see previous definition of 'helper'"""
AMBIGUOUS = """\
csrc/b.cc:9:1: error: reference to 'helper' is ambiguous
csrc/a.cc:2:5: note: candidate found by name lookup is 'one::helper'"""


def failure(
    messages: str,
    hint: str | None = None,
    *,
    in_toml: bool = True,
    sources: tuple[str, ...] = SOURCES,
) -> BuildError:
    where = Declaration("pyproject.toml: tool.x[0]", in_toml)
    settings = ExtensionSettings("pkg.ops", ("csrc/**/*.cc",), declaration=where)
    step = Step("compile", sources, OUTPUT, ("c++",), (), "compile csrc/a.cc and 2 more")
    command = " ".join(("c++", *(f"-include {source}" for source in sources)))
    printed = f"[1/3] compile x\nFAILED: [code=1] {OUTPUT} \n{command}\n{messages}\n"
    more = "[2/3] compile y\ncsrc/deep/a.cc:1:1: warning: redefinition\nninja: build stopped"
    return batch_failure(settings, step, printed + more, Path(r"C:\project"), hint, GENERATED)


@pytest.mark.parametrize("messages", [GCC, CLANG, NVCC, MSVC, AMBIGUOUS])
def test_a_clash_names_both_files_and_the_setting_that_separates_them(messages: str) -> None:
    error = failure(messages)
    assert "csrc/a.cc and csrc/b.cc in one batch" in error.message
    assert error.hint is not None
    assert 'source-options = [{ sources = "csrc/b.cc", unity = false }]' in error.hint


def test_a_clash_with_a_generated_source_names_it_as_the_settings_do() -> None:
    made = "build/generated/made.cc"
    error = failure(GCC.replace("csrc/b.cc", made), sources=("csrc/a.cc", made))
    assert "csrc/a.cc and made.cc in one batch" in error.message
    assert 'sources = "made.cc", unity = false' in str(error.hint)


def test_in_a_setup_py_the_setting_is_an_argument() -> None:
    hint = failure(GCC, in_toml=False).hint or ""
    assert 'source_options=[{"sources": "csrc/b.cc", "unity": False}]' in hint


def test_another_error_names_its_file_alone() -> None:
    error = failure("csrc/b.cc:2:5: error: expected ';'")
    assert "compiling csrc/b.cc failed" in error.message
    assert "csrc/a.cc" not in error.message
    assert "unity = false" in (error.hint or "")


def test_a_file_with_a_longer_path_is_another_file() -> None:
    error = failure("vendor/csrc/b.cc:1:1: error: x\ncsrc/deep/a.cc:2:5: error: expected ';'")
    assert "compiling csrc/deep/a.cc failed" in error.message


def test_a_known_cause_keeps_its_hint() -> None:
    assert failure("csrc/b.cc:2:5: error: no space left", "free some space").hint == (
        "free some space"
    )


def test_an_error_that_names_no_source_names_the_batch() -> None:
    error = failure("cc1plus: error: unrecognized option")
    assert "csrc/a.cc and 2 more" in error.message
