# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tvm_ffi
from packaging.version import Version
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.toolchains import Compiler
from setuptools_tvm_ffi.toolchains.recorder import build_recorder

CC = Compiler(("cc",), "gcc", "1")
FOLDER = Path("build/recorder")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="no C compiler for ELF"
)

#: Registers a function whose docstring is not UTF-8, then a function that has no docstring.
LIBRARY = r"""
#include <tvm/ffi/c_api.h>

static void Register(const char* name, size_t size, const char* doc, size_t doc_size) {
  TVMFFIMethodInfo info = {0};
  TVMFFIObjectHandle function;
  info.name.data = name, info.name.size = size;
  info.doc.data = doc, info.doc.size = doc_size;
  info.metadata.data = "{}", info.metadata.size = 2;
  TVMFFIFunctionCreate(NULL, NULL, NULL, &function);
  info.method.type_index = kTVMFFIFunction;
  info.method.v_ptr = function;
  TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0);
}

__attribute__((constructor)) static void RegisterAll(void) {
  Register("pkg.described", 13, "caf\xc3\xa9 \xff", 7);
  Register("pkg.plain", 9, NULL, 0);
}
"""

PROGRAM = """
import ctypes, json, sys
from setuptools_tvm_ffi.ffi.child import Recorder
recorder = Recorder()
recorder.load(sys.argv[1])
import tvm_ffi
ctypes.CDLL(sys.argv[2])
registered = [str(name) for name in tvm_ffi.registry.list_global_func_names()]
print(json.dumps([recorder.docs, registered]))
"""


@pytest.fixture
def sdk(tmp_path: Path) -> TVMFFISdk:
    """Headers that a test may edit."""
    package = Path(tvm_ffi.__file__).parent
    shutil.copytree(package / "include", tmp_path / "include")
    return TVMFFISdk(Version("0.1.15"), ("include",), str(package / "lib"), "libtvm_ffi.so")


def build(sdk: TVMFFISdk, root: Path, compiler: Compiler = CC) -> Path | None:
    return build_recorder(compiler, sdk, root, FOLDER)


def test_the_docstrings_of_all_registered_functions_are_recorded(
    sdk: TVMFFISdk, tmp_path: Path
) -> None:
    (tmp_path / "library.c").write_text(LIBRARY)
    command = ("cc", "-shared", "-fPIC", "-Iinclude", "library.c", "-o", "library.so")
    libraries = (f"-L{sdk.library_dir}", "-ltvm_ffi")
    subprocess.run((*command, *libraries), cwd=tmp_path, check=True)
    recorder = build(sdk, tmp_path)
    arguments = (sys.executable, "-c", PROGRAM, str(recorder), str(tmp_path / "library.so"))
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    docs, registered = json.loads(printed)
    assert docs["pkg.described"] == "café \\xff"
    assert docs["pkg.plain"] == ""
    # libtvm_ffi registers its own functions while it is loaded.
    assert "ffi.GetGlobalFuncMetadata" in docs
    assert set(docs) <= set(registered)


def test_a_recorder_is_built_again_if_a_header_or_the_compiler_changes(
    sdk: TVMFFISdk, tmp_path: Path
) -> None:
    first = build(sdk, tmp_path)
    assert first is not None
    before = first.stat()
    assert build(sdk, tmp_path) == first
    assert first.stat() == before
    newer = build(sdk, tmp_path, Compiler(("cc",), "gcc", "2"))
    with (tmp_path / "include" / "tvm" / "ffi" / "c_api.h").open("a") as header:
        header.write("// a comment\n")
    changed = build(sdk, tmp_path)
    assert len({first, newer, changed, None}) == 4


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_there_is_no_recorder_where_a_loader_binds_calls_to_the_linked_library(
    platform: str, sdk: TVMFFISdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert build(sdk, tmp_path) is None


def test_a_compiler_that_fails_is_reported_with_its_output(
    sdk: TVMFFISdk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Compiler(("cc", "-include", "no-such-header.h"), "gcc", "1")
    assert build(sdk, tmp_path, failing) is None
    (record,) = caplog.records
    printed = record.getMessage()
    for word in ("docstrings", "recorder", "cc -include no-such-header.h", "No such file"):
        assert word in printed
    assert [name for name in os.listdir(tmp_path / FOLDER) if name.endswith(".so")] == []


def test_a_compiler_that_succeeds_but_writes_nothing_builds_no_recorder(
    sdk: TVMFFISdk, tmp_path: Path
) -> None:
    assert build(sdk, tmp_path, Compiler(("true",), "gcc", "1")) is None
