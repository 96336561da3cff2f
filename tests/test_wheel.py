# SPDX-License-Identifier: Apache-2.0
"""The content of the reference package's wheel, and the exports of its library."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from environments import Environment, Interpreter, find_interpreters, make_environment

PACKAGE_FILES = {
    "my_ffi_extension/__init__.py",
    "my_ffi_extension/__main__.py",
    "my_ffi_extension/_ffi_api.py",
    "my_ffi_extension/_ffi_api.pyi",
    "my_ffi_extension/libmy_ffi_extension.so",
    "my_ffi_extension/py.typed",
    "my_ffi_extension/stats/__init__.py",
    "my_ffi_extension/stats/_ffi_api.py",
    "my_ffi_extension/stats/_ffi_api.pyi",
}
DIST_INFO = "my_ffi_extension-0.1.0.dist-info"
DIST_INFO_FILES = {
    f"{DIST_INFO}/{name}"
    for name in (
        "METADATA",
        "RECORD",
        "WHEEL",
        "licenses/LICENSE",
        "sboms/setuptools-tvm-ffi.cdx.json",
        "top_level.txt",
        "tvm_ffi_build.json",
    )
}
EXPORTS = {
    f"__tvm_ffi_{kind}{name}"
    for name in ("adler32", "scale", "smoothstep")
    for kind in ("", "_doc_", "_metadata_")
}


def read(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


@pytest.fixture(scope="module")
def library(reference_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "libmy_ffi_extension.so"
    path.write_bytes(read(reference_wheel, f"my_ffi_extension/{path.name}"))
    return path


def symbols(library: Path, *options: str) -> list[list[str]]:
    readelf = shutil.which("readelf")
    assert readelf is not None, "binutils come with the compiler"
    printed = subprocess.run(
        [readelf, "--wide", "--dyn-syms", *options, str(library)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split() for line in printed.splitlines()]
    return [row for row in rows if len(row) >= 8 and row[0].rstrip(":").isdigit()]


def test_the_wheel_holds_exactly_the_package_and_its_metadata(reference_wheel: Path) -> None:
    with zipfile.ZipFile(reference_wheel) as archive:
        assert set(archive.namelist()) == PACKAGE_FILES | DIST_INFO_FILES


def test_the_wheel_is_tagged_for_every_python_of_one_platform(reference_wheel: Path) -> None:
    assert re.fullmatch(r"my_ffi_extension-0\.1\.0-py3-none-linux_\w+\.whl", reference_wheel.name)
    lines = read(reference_wheel, f"{DIST_INFO}/WHEEL").decode().splitlines()
    assert "Root-Is-Purelib: false" in lines
    (tag,) = (line for line in lines if line.startswith("Tag:"))
    assert tag.removeprefix("Tag: ") in reference_wheel.name


def test_the_wheel_requires_the_release_it_was_built_against(reference_wheel: Path) -> None:
    record = json.loads(read(reference_wheel, f"{DIST_INFO}/tvm_ffi_build.json"))
    version = record["apache-tvm-ffi"]["built-against"]
    metadata = read(reference_wheel, f"{DIST_INFO}/METADATA").decode().splitlines()
    (requirement,) = (line for line in metadata if line.startswith("Requires-Dist: apache-tvm-ffi"))
    assert f">={version}" in requirement
    assert "<0.2" in requirement


def test_the_build_record_describes_the_build_of_the_library(reference_wheel: Path) -> None:
    record = json.loads(read(reference_wheel, f"{DIST_INFO}/tvm_ffi_build.json"))
    (library,) = record["libraries"]
    assert library["path"] in PACKAGE_FILES
    content = read(reference_wheel, library["path"])
    assert library["sha256"] == hashlib.sha256(content).hexdigest()
    assert set(library["arguments"]) == {"c", "cxx", "link"}
    assert "-std=c++17" in library["arguments"]["cxx"]
    assert "-std=c11" in library["arguments"]["c"]
    assert "-Wl,-z,defs" in library["arguments"]["link"]
    assert set(record["compilers"]) == {"c", "cxx"}
    assert all(compiler["version"] for compiler in record["compilers"].values())
    assert record["platform"].startswith("linux-")


def test_the_library_exports_only_symbols_that_the_sources_export(library: Path) -> None:
    exported = {row[7].partition("@")[0] for row in symbols(library) if row[6] != "UND"}
    assert exported == EXPORTS


def test_the_library_has_no_unique_symbol(library: Path) -> None:
    assert [row for row in symbols(library) if row[4] == "UNIQUE"] == []


def test_the_library_refers_to_no_symbol_of_cpython(library: Path) -> None:
    names = {row[7] for row in symbols(library)}
    assert names
    assert {name for name in names if re.match(r"_?Py[A-Z_]", name)} == set()


def test_the_library_opens_with_plain_ctypes_and_its_c_symbols_can_be_called(
    library: Path, builder: Environment, tmp_path: Path
) -> None:
    program = f"""
import ctypes
import tvm_ffi

class Value(ctypes.Structure):
    _fields_ = [("type_index", ctypes.c_int32), ("padding", ctypes.c_uint32),
                ("float64", ctypes.c_double)]

library = ctypes.CDLL({str(library)!r})
arguments = (Value * 3)(*(Value(3, 0, number) for number in (0.0, 1.0, 0.25)))  # kTVMFFIFloat
result = Value()
status = library.__getattr__("__tvm_ffi_smoothstep")(None, arguments, 3, ctypes.byref(result))
assert (status, result.type_index, result.float64) == (0, 3, 0.15625), (status, result.float64)
status = library.__getattr__("__tvm_ffi_smoothstep")(None, arguments, 1, ctypes.byref(result))
assert status == -1, status
"""
    builder.run(builder.python, "-c", program, cwd=tmp_path)


def test_the_library_contains_no_build_path(reference_wheel: Path, library: Path) -> None:
    source = reference_wheel.parents[1] / "source"
    content = library.read_bytes()
    assert str(source).encode() not in content
    assert b"build/tvm-ffi" not in content
    for name in DIST_INFO_FILES:
        assert str(source).encode() not in read(reference_wheel, name), name


@pytest.mark.parametrize(
    "interpreter",
    [
        # The first interpreter runs the tests.
        pytest.param(found, id=found.name, marks=pytest.mark.long if number else ())
        for number, found in enumerate(find_interpreters())
    ],
)
def test_one_wheel_works_on_every_python_of_this_machine(
    interpreter: Interpreter,
    reference_wheel: Path,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    environment = make_environment(tmp_path / "venv", variables, interpreter.executable)
    environment.pip("install", "-q", reference_wheel, "numpy", "pytest", cwd=tmp_path)
    tour = environment.run(environment.python, "-m", "my_ffi_extension", cwd=tmp_path)
    assert tour.stdout.rstrip().endswith("OK: everything works.")
    # Copy the tests, so that they can only import the installed package.
    shutil.copy(Path(__file__).with_name("test_behaviour.py"), tmp_path)
    tests = environment.run(
        *(environment.python, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        "test_behaviour.py",
        cwd=tmp_path,
    )
    assert re.search(r"\d+ passed in", tests.stdout)
