# SPDX-License-Identifier: Apache-2.0
"""Stubs for every C++ type, types of other packages, and stubs for Rust.

docs/types.md and docs/typing.md quote the stubs.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import own_tensor
import pytest
from environments import QUICK, Environment, make_environment
from sample_projects import PROJECTS, Project, ProjectFactory

pytestmark = pytest.mark.long

#: The parameter type and the result type of each function in every_type.
SIGNATURES = {
    "nothing": ("", "None"),
    "boolean": ("_0: bool | int, /", "bool"),
    "integer": ("_0: int, /", "int"),
    "small_integer": ("_0: int, /", "int"),
    "colour": ("_0: int, /", "int"),
    "real": ("_0: float, /", "float"),
    "text": ("_0: str, /", "str"),
    "std_text": ("_0: str, /", "str"),
    "c_text": ("_0: NoReturn, /", "str"),
    "data": ("_0: bytes | bytearray, /", "bytes"),
    "c_data": ("_0: NoReturn, /", "bytes"),
    "pointer": ("_0: c_void_p | None, /", "c_void_p"),
    "dtype": ("_0: _dtype | str, /", "_dtype"),
    "device": ("_0: Device | str, /", "Device"),
    "tensor": ("_0: _SupportsDLPack, /", "Tensor"),
    "tensor_view": ("_0: _SupportsDLPack, /", "int"),
    # The package has a class Shape of its own, so the one of tvm_ffi has an alias.
    "shape": ("_0: _Sequence[int], /", "_Shape"),
    "array": ("_0: _Sequence[int], /", "Array[int]"),
    "untyped_array": ("_0: _Sequence[Any], /", "Array[Any]"),
    "nested_array": ("_0: _Sequence[_Sequence[str]], /", "Array[Array[str]]"),
    "vector": ("_0: _Sequence[int], /", "Array[int]"),
    "std_array": ("_0: _Sequence[int], /", "Array[int]"),
    "list": ("_0: _Sequence[int], /", "List[int]"),
    "map": ("_0: Mapping[str, float], /", "Map[str, float]"),
    "std_map": ("_0: Mapping[str, int], /", "Map[str, int]"),
    "unordered_map": ("_0: Mapping[str, int], /", "Map[str, int]"),
    "dict": ("_0: Mapping[str, int], /", "Dict[str, int]"),
    # `tuple` and `object` are functions here, so Python's types have aliases.
    "tuple": ("_0: _tuple[int, str], /", "_tuple[int, str]"),
    "std_tuple": ("_0: _tuple[int, str], /", "_tuple[int, str]"),
    "optional": ("_0: int | None, /", "int | None"),
    "std_optional": ("_0: float | None, /", "float | None"),
    "variant": ("_0: int | str, /", "int | str"),
    "std_variant": ("_0: int | str, /", "int | str"),
    "callback": ("_0: Callable[[Array[int]], int], /", "int"),
    "std_callback": ("_0: Callable[[int], str], /", "str"),
    "action": ("_0: Callable[[int], _object], /", "None"),
    "function": ("_0: Callable[..., _object], /", "Function"),
    "adder": ("_0: int, /", "Callable[[int], int]"),
    "object": ("_0: Object, /", "Object"),
    "node": ("_0: Node, /", "Node"),
    "node_pointer": ("_0: Node, /", "bool"),
    "moved": ("_0: Node, /", "Node"),
    "make_shape": ("", "Shape"),
    "level": ("_0: Level, /", "int"),
    "anything": ("_0: Any, /", "Any"),
    "packed": ("*args: Any", "Any"),
}

#: Calls that the stubs allow, and the class of each result.
CALLS = {
    "boolean(True)": "bool",
    "integer(3)": "int",
    "integer(numpy.int64(3))": "int",
    "colour(1)": "int",
    "real(2)": "float",
    "text('x' * 50)": "str",
    "std_text('a')": "str",
    "data(bytearray(b'a'))": "bytes",
    "data(b'a' * 50)": "bytes",
    "pointer(ctypes.c_void_p(3))": "ctypes.c_void_p",
    "pointer(None)": "ctypes.c_void_p",
    "dtype('int32')": "tvm_ffi.dtype",
    "dtype(tvm_ffi.dtype('int32'))": "tvm_ffi.dtype",
    "device('cpu')": "tvm_ffi.Device",
    "device(tvm_ffi.device('cpu:0'))": "tvm_ffi.Device",
    "tensor(numpy.zeros(3))": "tvm_ffi.Tensor",
    "tensor(every_type.tensor(numpy.zeros(3)))": "tvm_ffi.Tensor",
    "tensor_view(numpy.zeros((3, 3)))": "int",
    "shape([1, 2])": "tvm_ffi.Shape",
    "shape(tvm_ffi.Shape((1, 2)))": "tvm_ffi.Shape",
    "array((1, 2))": "tvm_ffi.Array",
    "array(tvm_ffi.List([1]))": "tvm_ffi.Array",
    "vector([1])": "tvm_ffi.Array",
    "std_array([1, 2])": "tvm_ffi.Array",
    "nested_array([['a'], ('b',)])": "tvm_ffi.Array",
    "list([1])": "tvm_ffi.List",
    "list(tvm_ffi.Array([1]))": "tvm_ffi.List",
    "map({'a': 1})": "tvm_ffi.Map",
    "std_map({'a': 1})": "tvm_ffi.Map",
    "unordered_map(tvm_ffi.Map({'a': 1}))": "tvm_ffi.Map",
    "dict({'a': 1})": "tvm_ffi.Dict",
    "tuple((1, 'a'))": "tvm_ffi.Array",  # see docs/types.md
    "optional(None)": "type(None)",
    "optional(3)": "int",
    "variant('a')": "str",
    "std_variant(1)": "int",
    "callback(lambda values: type(values) is tvm_ffi.Array)": "int",
    "std_callback(str)": "str",
    "action(lambda number: 'ignored')": "type(None)",
    "function(print)": "tvm_ffi.Function",
    "adder(3)(4)": "int",
    "object(every_type.Node([1]))": "every_type.Node",
    "moved(every_type.Node([1]))": "every_type.Node",
    "node_pointer(every_type.Node([]))": "bool",
    "make_shape()": "sys.modules['every_type.shapes'].Shape",
    "level(every_type.Level.low)": "int",
    "Level.low.value": "int",
    "Level(3)": "every_type.Level",
    "Level('low')": "every_type.Level",
    "Mode.fast": "every_type.Mode",
    "anything('a')": "str",
    "packed(1, 'a', None)": "int",
    "Node((1, 2)).values": "tvm_ffi.Array",
    "Node([]).raw": "bytes",
}

PROGRAM = """
import ctypes, numpy, sys, tvm_ffi
import every_type
for call, expected in {calls!r}.items():
    result = eval("every_type." + call)
    assert isinstance(result, eval(expected)), (call, type(result), expected)
node = every_type.Node([])
node.values, node.raw = [3], bytearray(b"x")
assert list(node.values) == [3] and node.raw == b"x"
"""


@pytest.fixture(scope="module")
def every_type(tmp_path_factory: pytest.TempPathFactory, builder: Environment) -> Project:
    folder = tmp_path_factory.mktemp("every_type")
    shutil.copytree(PROJECTS / "every_type", folder / "every_type")
    project = Project(folder / "every_type", builder)
    project.build()
    return project


def test_every_type_of_cxx_has_its_python_type(every_type: Project) -> None:
    stub = every_type.read("every_type/_ffi_api.pyi")
    found = re.findall(r"@staticmethod\n    def (\w+)\((.*)\) -> (.*): \.\.\.", stub)
    assert {name: (parameters, result) for name, parameters, result in found} == SIGNATURES


def test_entries_of_enumerations_are_in_the_stub(every_type: Project) -> None:
    stub = every_type.read("every_type/_ffi_api.pyi")
    assert "\nclass Mode(Enum):\n" in stub
    assert re.search(r"\nclass Level\(IntEnum\):\n.*\n\n    low = _entry\n", stub)
    assert "    class = " not in stub


def test_a_method_that_the_class_lacks_at_run_time_has_no_stub(every_type: Project) -> None:
    stub = every_type.read("every_type/_ffi_api.pyi")
    assert "def size(" in stub
    assert "def register(" not in stub
    assert "def same_as(" not in stub


def test_a_writable_field_accepts_wider_types_than_it_returns(every_type: Project) -> None:
    stub = every_type.read("every_type/_ffi_api.pyi")
    assert "    def values(self) -> Array[int]: ...\n" in stub
    assert "    def values(self, value: _Sequence[int], /) -> None: ...\n" in stub


def test_calls_accept_and_return_the_types_in_the_stubs(
    every_type: Project, tmp_path: Path, variables: dict[str, str]
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", "apache-tvm-ffi", "numpy", every_type.wheel, cwd=tmp_path)
    environment.run(environment.python, "-I", "-c", PROGRAM.format(calls=CALLS), cwd=tmp_path)


TENSORS = """
import numpy
import tvm_ffi
import every_type
from own_tensor import OwnTensor

array = numpy.zeros(2)
passed: OwnTensor = every_type.tensor(OwnTensor(array))
other: tvm_ffi.Tensor = every_type.tensor(array)
own: tvm_ffi.Tensor = every_type.tensor(tvm_ffi.from_dlpack(array))
assert isinstance(passed, OwnTensor)
assert type(other) is type(own) is tvm_ffi.Tensor
"""
WITH_TORCH = """
import torch
import every_type

tensor: torch.Tensor = every_type.tensor(torch.zeros(2))
assert isinstance(tensor, torch.Tensor)
"""


def test_results_have_the_class_of_the_tensors_that_a_call_passes(
    every_type: Project, tmp_path: Path, variables: dict[str, str]
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    packages = ("apache-tvm-ffi", "numpy", "mypy", every_type.wheel)
    environment.pip("install", "-q", *packages, cwd=tmp_path)
    shutil.copy(own_tensor.__file__, tmp_path)
    (tmp_path / "use.py").write_text(TENSORS)
    environment.run(environment.python, "use.py", cwd=tmp_path)
    checked = ("-m", "mypy", "--strict", "--follow-imports=silent", "use.py")
    environment.run(environment.python, *checked, cwd=tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_calls_with_pytorch_tensors_return_them(every_type: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(every_type.wheel) as wheel:
        wheel.extractall(tmp_path)
    (tmp_path / "use.py").write_text(WITH_TORCH)
    subprocess.run((sys.executable, "use.py"), cwd=tmp_path, check=True)
    command = (sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "use.py")
    subprocess.run(command, cwd=tmp_path, check=True)


# --- types of other packages ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def where_small_is(
    tmp_path_factory: pytest.TempPathFactory,
    builder: Environment,
    variables: dict[str, str],
    plugin_wheel: Path,
) -> Environment:
    """A build environment with another package that registers a class."""
    folder = tmp_path_factory.mktemp("where_small_is")
    small = Project(shutil.copytree(PROJECTS / "small", folder / "small"), builder)
    small.build()
    environment = make_environment(folder / "venv", variables)
    needs = ("setuptools>=77", "packaging", "tomli", "ninja", "apache-tvm-ffi", plugin_wheel)
    environment.pip("install", "-q", *needs, small.wheel, cwd=folder)
    return environment


@pytest.fixture
def with_other(project: ProjectFactory, where_small_is: Environment) -> Project:
    """A project that uses a class of another package, and that package is installed."""
    return project("uses_other", where_small_is)


def test_a_class_of_another_package_is_imported_from_that_package(with_other: Project) -> None:
    with_other.build()
    stub = with_other.read("uses_other_pkg/_ffi_api.pyi")
    assert "from small_pkg import Point\n" in stub
    assert "def mirror(point: Point, /) -> Point:" in stub
    assert "from small_pkg import Point" in with_other.read("uses_other_pkg/_ffi_api.py")
    target = with_other.environment
    target.pip("install", "-q", "--no-deps", with_other.wheel, cwd=with_other.folder.parent)
    program = (
        "import small_pkg, uses_other_pkg; "
        "point = uses_other_pkg.mirror(small_pkg.Point(2.0, 1.0)); "
        "assert type(point) is small_pkg.Point and point.x == -2.0"
    )
    target.run(target.python, "-I", "-c", program, cwd=with_other.folder.parent)


def test_a_directive_sets_the_module_that_a_class_is_imported_from(with_other: Project) -> None:
    directive = "# tvm-ffi-stubgen(ty-map): small_pkg.Point -> small_pkg._ffi_api.Point\n"
    (with_other.folder / "uses_other_pkg" / "_ffi_api.py").write_text(directive)
    with_other.build()
    for name in ("_ffi_api.py", "_ffi_api.pyi"):
        text = with_other.read(f"uses_other_pkg/{name}")
        assert "from small_pkg._ffi_api import Point\n" in text, text


def test_a_package_that_cannot_be_imported_is_named(with_other: Project) -> None:
    with_other.edit("pyproject.toml", '["small_pkg"]', '["small_pkgs"]')
    printed = with_other.refuse()
    assert "ext-modules[0].stub-imports cannot be imported" in printed
    assert "No module named 'small_pkgs'" in printed
    assert "build-system.requires" in printed


# --- Rust ----------------------------------------------------------------------------------------


@pytest.fixture
def crate(project: ProjectFactory) -> Project:
    """A project with a Cargo crate that gets the generated stubs."""
    small = project("small")
    arguments = 'include_dirs=["csrc"], stubs_target="rust", stubs_crate="rust"'
    small.edit("setup.py", 'include_dirs=["csrc"]', arguments)
    (small.folder / "rust" / "src").mkdir(parents=True)
    (small.folder / "rust" / "Cargo.toml").write_text('[package]\nname = "small"\n')
    (small.folder / "rust" / "src" / "lib.rs").write_text("pub mod small_pkg;\n")
    return small


def stubs(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (project.environment.python, "-m", "setuptools_tvm_ffi", "stubs", *arguments)
    return project.environment.run(*command, cwd=project.folder, variables=QUICK, check=False)


def test_stubs_for_rust_are_written_into_the_crate_and_no_wheel(crate: Project) -> None:
    checked = stubs(crate, "--check")
    assert checked.returncode == 1
    assert "+++ b/rust/src/small_pkg/mod.rs\n" in checked.stdout
    written = stubs(crate)
    assert written.returncode == 0, written.stderr
    rust = (crate.folder / "rust" / "src" / "small_pkg" / "mod.rs").read_text()
    assert "// tvm-ffi-stubgen(begin): object/small_pkg.Point" in rust
    assert "pub struct Point" in rust
    assert (crate.folder / "rust" / "src" / "lib.rs").read_text() == "pub mod small_pkg;\n"
    assert stubs(crate, "--check").returncode == 0
    crate.build()
    assert not any(
        name.endswith((".rs", "_ffi_api.py", ".pyi", "py.typed")) for name in crate.names()
    )


@pytest.mark.parametrize(
    ("crate_folder", "message"),
    [
        (".", "stubs_crate: Cargo.toml does not exist"),
        ("../rust", "stubs_crate: '../rust' is outside the project"),
    ],
)
def test_an_invalid_crate_folder_is_rejected(
    crate: Project, crate_folder: str, message: str
) -> None:
    crate.edit("setup.py", 'stubs_crate="rust"', f'stubs_crate="{crate_folder}"')
    assert message in crate.refuse()


def test_a_stub_generator_without_rust_support_is_reported(
    crate: Project, tmp_path: Path, variables: dict[str, str], plugin_wheel: Path
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    needs = ("setuptools>=77", "packaging", "tomli", "ninja", "apache-tvm-ffi", plugin_wheel)
    environment.pip("install", "-q", *needs, cwd=tmp_path)
    # Remove the package, which releases up to 0.1.13 do not contain.
    (package,) = environment.site_packages.glob("tvm_ffi/stub/rust_generator")
    package.rename(package.with_name("elsewhere"))
    (generator,) = environment.site_packages.glob("tvm_ffi/stub/generator.py")
    text = generator.read_text()
    for line in ("from .rust_generator import RustGenerator\n", '    "rust": RustGenerator(),\n'):
        assert text.count(line) == 1
        text = text.replace(line, "")
    generator.write_text(text)
    printed = Project(crate.folder, environment).refuse()
    assert "does not support 'rust', only python" in printed
    assert "build with a newer apache-tvm-ffi" in printed
