# SPDX-License-Identifier: Apache-2.0
"""Compares which calls succeed at run time with which calls type checkers accept.

A library registers functions and constructors over the types of the C++ API. Each is called with
each object of a table. All differences must be listed in ``docs/types.md``; `DIFFERENCES` is the
same list as patterns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import Environment, make_environment
from sample_projects import PROJECTS, Project

pytestmark = pytest.mark.long

#: Types that can be parameters and results, and elements of other types.
ELEMENTS = {
    "boolean": "bool",
    "integer": "int64_t",
    "small": "uint8_t",
    "colour": "Colour",
    "real": "double",
    "text": "ffi::String",
    "data": "ffi::Bytes",
    "dtype": "DLDataType",
    "device": "DLDevice",
    "tensor": "ffi::Tensor",
    "shape": "ffi::Shape",
    "array": "ffi::Array<int64_t>",
    "texts": "ffi::Array<ffi::String>",
    "list": "ffi::List<int64_t>",
    "map": "ffi::Map<ffi::String, int64_t>",
    "dict": "ffi::Dict<ffi::String, double>",
    "tuple": "ffi::Tuple<int64_t, ffi::String>",
    "function": "ffi::Function",
    "typed_function": "ffi::TypedFunction<int64_t(int64_t)>",
    "node": "Node",
    "object": "ffi::ObjectRef",
    "anything": "ffi::Any",
}
#: Patterns for further types over each element.
NESTED = {
    "optional": "ffi::Optional<{}>",
    "array": "ffi::Array<{}>",
    "list": "ffi::List<{}>",
    "map": "ffi::Map<ffi::String, {}>",
    "dict": "ffi::Dict<ffi::String, {}>",
    "tuple": "ffi::Tuple<{}, int64_t>",
}
#: Types that cannot be elements.
OTHERS = {
    "pointer": "void*",
    "real32": "float",
    "std_text": "std::string",
    "vector": "std::vector<int64_t>",
    "std_array": "std::array<int64_t, 2>",
    "std_map": "std::map<std::string, int64_t>",
    "unordered_map": "std::unordered_map<std::string, int64_t>",
    "std_tuple": "std::tuple<int64_t, std::string>",
    "std_optional": "std::optional<double>",
    "variant": "ffi::Variant<int64_t, ffi::String>",
    "std_variant": "std::variant<int64_t, std::string>",
    "module": "ffi::Module",
}
#: Parameter types of functions that return nothing.
PARAMETERS = {
    "none": "std::nullptr_t",
    "c_text": "const char*",
    "c_data": "TVMFFIByteArray*",
    "tensor_view": "ffi::TensorView",
    "dltensor": "DLTensor*",
    "action": "ffi::TypedFunction<void(int64_t)>",
    "std_function": "std::function<std::string(int64_t)>",
    "node_pointer": "const NodeObj*",
    "moved": "ffi::RValueRef<Node>",
}
#: The types of the fields of further classes, whose constructors are called.
FIELDS = ("integer", "boolean", "real", "text", "data", "array", "map", "node", "tensor")

VALUES = (
    *("None", "True", "False", "0", "-5", "2**63", "2**70", "1.5", "float('inf')", "complex(1)"),
    *("''", "'short'", "'a string that is too long to be kept inline'", "'int32'", "'cpu'"),
    *("b''", "b'bytes'", "b'bytes that are too long to be kept inline'", "bytearray(b'ab')"),
    *("memoryview(b'ab')", "ctypes.c_void_p(3)", "tvm_ffi.dtype('int32')", "tvm_ffi.device('cpu')"),
    *("array", "tensor", "numpy.int64(3)", "numpy.float32(1.5)", "numpy.dtype('int32')"),
    *("tvm_ffi.Shape((1, 2))", "[]", "[1]", "[1, 2]", "[1.5]", "['a']", "[True, False]", "[None]"),
    *("[1, 'a']", "(1, 'a')", "(1, 2)", "()", "(True, 1)", "range(3)", "{1, 2}", "frozenset((1,))"),
    *("{}", "{'a': 1}", "{1: 'a'}", "{'a': 1.5}", "{'a': 'b'}", "{'a': node}", "{'a': array}"),
    *("tvm_ffi.Array([1, 2])", "tvm_ffi.Array(['a'])", "tvm_ffi.List([1, 2])"),
    *("tvm_ffi.Map({'a': 1})", "tvm_ffi.Dict({'a': 1.5})", "tvm_ffi.Dict({'a': 1})"),
    *("collections.deque([1])", "types.MappingProxyType({'a': 1})", "increment", "nothing"),
    *("len", "int", "accepted.integer", "node", "[node]", "[tensor]", "[[1]]", "[array]", "Own()"),
    *("error", "tvm_ffi.system_lib()"),
)

SETUP = """\
import collections, ctypes, types
import numpy
import tvm_ffi
import accepted

class Own: ...
def increment(x: int) -> int: return x + 1
def nothing() -> None: ...
array = numpy.zeros(2)
tensor = tvm_ffi.from_dlpack(array)
node = accepted.Node([1])
error = ValueError("text")
"""

PROGRAM = """
import json
exec(open("setup.py").read())
results = []
for call in json.load(open("calls.json")):
    try:
        eval(call)
        results.append(True)
    except Exception:
        results.append(False)
json.dump(results, open("results.json", "w"))
"""

FUNCTION_TYPES = r"[Ff]unction"
#: Patterns for types and values for which type checkers and calls differ.
CHECKERS_ACCEPT = (
    (r"int|bool|double|float|Colour", r"2\*\*\d+"),
    (r"DLDataType|DLDevice", r".*'.*'.*"),
    (r"String|std::string", r"tvm_ffi\.dtype.*"),
    (r"Array|List|[Tt]uple|vector|std::array", r"tvm_ffi\.Shape.*"),
    (r"std::array", r"\[\]|\[1\]|\(\)|tvm_ffi\.List.*"),
    (r"std::(unordered_)?map", r"tvm_ffi\.Dict.*"),
    (r"[Mm]ap|Dict", r"types\.MappingProxyType.*"),
    (rf"{FUNCTION_TYPES}|Tensor", r"tvm_ffi\.system_lib.*"),
)
CALLS_ACCEPT = (
    (r"int|bool|double|float|Colour|DLDataType", r"numpy\.(int64|float32|dtype).*"),
    (r"std::string|DLDataType", r"b'.*'|bytearray.*"),
    (r"[Tt]uple", r"\[.*\]|tvm_ffi\.(Array|List).*"),
    (FUNCTION_TYPES, r"None|nothing|len|int|increment|accepted\.integer"),
    (r"Node|Object|Tensor|Function", r".*\bNone.*"),
    (r"ObjectRef", r".*"),
)


def functions() -> dict[str, str]:
    """Return the type of the parameter of each function that returns its argument."""
    nested = {
        f"{name}_{element}": pattern.format(type_)
        for name, pattern in NESTED.items()
        for element, type_ in ELEMENTS.items()
    }
    del nested["optional_anything"]  # the headers have no Optional<Any>
    return {**ELEMENTS, **nested, **OTHERS}


def constructors() -> dict[str, str]:
    """Return the type of the parameter of each constructor."""
    return {f"With{name.title()}": ELEMENTS[name] for name in FIELDS}


def source() -> str:
    text = (PROJECTS / "every_type" / "csrc" / "every_type.cc").read_text()
    lines = [text[: text.index("TVM_FFI_STATIC_INIT_BLOCK")].replace("every_type.", "accepted.")]
    for name, type_ in constructors().items():
        lines.append(
            f"struct {name}Obj : ffi::Object {{ {type_} value; "
            f"explicit {name}Obj({type_} value) : value(std::move(value)) {{}} "
            "static constexpr bool _type_mutable = true; "
            f'TVM_FFI_DECLARE_OBJECT_INFO("accepted.{name}", {name}Obj, ffi::Object); }};'
        )
    lines.append("TVM_FFI_STATIC_INIT_BLOCK() {\n  namespace refl = tvm::ffi::reflection;")
    lines.append("refl::ObjectDef<NodeObj>().def(refl::init<ffi::Array<int64_t>>());")
    for name, type_ in constructors().items():
        object_ = f"refl::ObjectDef<{name}Obj>()"
        lines.append(f'{object_}.def_rw("value", &{name}Obj::value).def(refl::init<{type_}>());')
    lines.append("refl::GlobalDef()")
    lines += [f'.def("accepted.{name}", Echo<{type_}>)' for name, type_ in functions().items()]
    lines += [f'.def("accepted.{name}", []({t}) {{}})' for name, t in PARAMETERS.items()]
    nested = ("a.integer", "a.b.text", "a.b.c.array", "a.b.c.d.node")
    for name in nested:
        lines.append(f'.def("accepted.{name}", Echo<{ELEMENTS[name.rpartition(".")[2]]}>)')
    return "\n".join([*lines, ";\n}\n}  // namespace\n"])


def calls() -> Iterator[tuple[str, str, str]]:
    """Yield each call, the C++ type of its parameter, and the argument."""
    for name, type_ in {**functions(), **PARAMETERS, **constructors()}.items():
        for value in VALUES:
            yield f"accepted.{name}({value})", type_, value


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, builder: Environment, variables: dict[str, str]
) -> tuple[Path, Environment]:
    """A folder with the calls, and an environment with the library and the type checkers."""
    folder = tmp_path_factory.mktemp("accepted_calls")
    project = Project(folder / "project", builder)
    (project.folder / "csrc").mkdir(parents=True)
    (project.folder / "accepted").mkdir()
    (project.folder / "accepted" / "__init__.py").touch()
    (project.folder / "csrc" / "accepted.cc").write_text(source())
    configuration = (PROJECTS / "every_type" / "pyproject.toml").read_text()
    configuration = configuration.replace("every_type", "accepted").replace("every", "accepted")
    (project.folder / "pyproject.toml").write_text(configuration)
    project.build()
    environment = make_environment(folder / "venv", variables)
    packages = ("apache-tvm-ffi", "numpy", "mypy", "basedpyright", project.wheel)
    environment.pip("install", "-q", *packages, cwd=folder)
    (folder / "setup.py").write_text(SETUP)
    (folder / "calls.json").write_text(json.dumps([call for call, *_ in calls()]))
    (folder / "calls.py").write_text(SETUP + "".join(f"{call}\n" for call, *_ in calls()))
    return folder, environment


@pytest.fixture(scope="module")
def accepted(folder: tuple[Path, Environment]) -> list[bool]:
    """For each call, whether it succeeds at run time."""
    path, environment = folder
    environment.run(environment.python, "-I", "-c", PROGRAM, cwd=path)
    results: list[bool] = json.loads((path / "results.json").read_text())
    return results


def with_mypy(path: Path, environment: Environment) -> set[int]:
    """Return the lines with errors."""
    command = ("-m", "mypy", "--strict", "--no-error-summary", "calls.py")
    printed = environment.run(environment.python, *command, cwd=path, check=False).stdout
    return {int(line) for line in re.findall(r"^calls\.py:(\d+): error", printed, re.MULTILINE)}


def with_pyright(path: Path, environment: Environment) -> set[int]:
    """Return the lines with errors."""
    configuration = {"typeCheckingMode": "standard", "include": ["calls.py"]}
    (path / "pyrightconfig.json").write_text(json.dumps(configuration))
    process = environment.run("basedpyright", "-p", ".", "--outputjson", cwd=path, check=False)
    items = json.loads(process.stdout)["generalDiagnostics"]
    return {i["range"]["start"]["line"] + 1 for i in items if i["severity"] == "error"}


@pytest.mark.parametrize("check", [with_mypy, with_pyright], ids=["mypy", "pyright"])
def test_type_checkers_and_calls_accept_the_same_objects_apart_from_documented_differences(
    check: type[object], folder: tuple[Path, Environment], accepted: list[bool]
) -> None:
    errors = check(*folder)
    first = SETUP.count("\n") + 1
    assert not [line for line in errors if line < first]
    used = set()
    differences = []
    for number, (call, type_, value) in enumerate(calls()):
        checks = first + number not in errors
        if checks == accepted[number]:
            continue
        known = CHECKERS_ACCEPT if checks else CALLS_ACCEPT
        found = [
            (checks, pattern)
            for pattern in known
            if re.search(pattern[0], type_) and re.fullmatch(pattern[1], value)
        ]
        used.update(found)
        if not found:
            differences.append(f"{'checker' if checks else 'call'} accepts {call}  # {type_}")
    assert not differences, "\n".join(differences)
    every = {(True, p) for p in CHECKERS_ACCEPT} | {(False, p) for p in CALLS_ACCEPT}
    assert every - used == set()


def test_the_stubs_of_every_type_are_complete_and_correct(
    folder: tuple[Path, Environment],
) -> None:
    path, environment = folder
    environment.run(environment.python, "-m", "mypy", "--strict", "-p", "accepted", cwd=path)
    verify = ("basedpyright", "--verifytypes", "accepted", "--ignoreexternal")
    environment.run(*verify, cwd=path)
    (path / "allowlist").write_text("accepted\\.libaccepted\n.*\\.__init__\n")
    options = ("--allowlist", "allowlist", "--ignore-unused-allowlist")
    environment.run(environment.python, "-m", "mypy.stubtest", "accepted", *options, cwd=path)
