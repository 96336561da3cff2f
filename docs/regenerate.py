# SPDX-License-Identifier: Apache-2.0
"""Generates files from code: the JSON schema, and the pages of the reference.

``python docs/regenerate.py`` writes the files. With ``--check``, it writes nothing: if a file is
out of date, it prints a diff and exits with status 1. The plugin must be installed.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import sys
import textwrap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import reference_pages
from setuptools_tvm_ffi.archives.wheel_archive import MAX_RATIO, MAX_SMALL_TOTAL, MAX_TOTAL
from setuptools_tvm_ffi.audit.codes import CATALOGUE
from setuptools_tvm_ffi.audit.tvm_ffi_symbols import RELEASES
from setuptools_tvm_ffi.ffi.type_schema import Schema
from setuptools_tvm_ffi.settings.declaration import key_of
from setuptools_tvm_ffi.settings.model import (
    OVERRIDABLE,
    TABLE,
    EmbedSettings,
    ExtensionSettings,
    GenerateSettings,
    ProjectSettings,
    Setting,
    SourceOptions,
    VendoredSettings,
    settings_of,
)
from setuptools_tvm_ffi.settings.project import CUDA_ARCHITECTURES_VARIABLE, variable_of, written
from setuptools_tvm_ffi.stubs.python_types import RULES, TypeWriter

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / "docs" / "settings.md"
TYPES = REPOSITORY / "docs" / "types.md"
CODES = REPOSITORY / "docs" / "audit.md"
VARIABLES = REPOSITORY / "docs" / "variables.md"
COMMANDS = REPOSITORY / "docs" / "cli.md"
RECORD = REPOSITORY / "docs" / "build-record.md"
SCHEMA = REPOSITORY / "setuptools-tvm-ffi/src/setuptools_tvm_ffi/settings" / "pyproject.schema.json"

_INTRODUCTION = f"""\
<!-- Edit setuptools_tvm_ffi/settings/model.py, then run docs/regenerate.py. -->

# Settings

This page lists the settings in `pyproject.toml`. An unknown key or an invalid value is an error
that names the dotted key. Editors can use the JSON schema
`setuptools_tvm_ffi/settings/pyproject.schema.json`; `validate-pyproject` finds it automatically.

## One library: `[[{TABLE}.ext-modules]]`

Write one table for each library. In `setup.py`, `TVMFFIExtension(name, sources, …)` accepts the
same settings with underscores instead of dashes. There, `define_macros` contains `(name, value)`
pairs, with `None` for a macro without a value.

```toml
[[{TABLE}.ext-modules]]
name = "my_kernels.my_kernels"
sources = ["csrc/**/*.cc", "csrc/**/*.cu"]
include-dirs = ["csrc/include"]
define-macros = [["WITH_LOGGING"], ["LEVEL", "2"]]
extra-compile-args = {{ cxx = ["-Wall"], cuda = ["--use_fast_math"] }}
```
"""

_PROJECT = f"""\
## The whole project: `[{TABLE}]`

You can set each key of this table in several places. In order of precedence:

1. The frontend, with the backend `setuptools_tvm_ffi.build_meta`:
   `pip wheel . -C build-type=debug -C jobs=4`, `python -m build -C build-type=debug`,
   `uv build -C build-type=debug`.
2. An environment variable: `SETUPTOOLS_TVM_FFI_BUILD_TYPE=debug`. For `cuda-architectures`,
   the build also reads `{CUDA_ARCHITECTURES_VARIABLE}`, in the notation of PyTorch's
   `TORCH_CUDA_ARCH_LIST`. `SETUPTOOLS_TVM_FFI_CUDA_ARCHITECTURES` overrides it.
3. `pyproject.toml`.
4. `TORCH_CUDA_ARCH_LIST`, `MAX_JOBS` and `CMAKE_BUILD_PARALLEL_LEVEL`, which provide defaults
   for `cuda-architectures` and `jobs` ([cuda.md](cuda.md)).

`python setup.py build_ext --debug` and `--parallel N` override all of them. On the command line and
in variables, separate the items of a list with semicolons or spaces:
`-C cuda-architectures="9.0a;10.0+PTX"`. Alternatively, repeat the option:
`-C cuda-architectures=9.0a -C cuda-architectures=10.0+PTX`. In `[tool.uv.config-settings]`, write
`cuda-architectures = ["9.0a", "10.0+PTX"]`. The build prints the settings that you have changed, with
their origins; use `pip -v` to see them.

```toml
[{TABLE}]
build-type = "release-debug-info"
compiler-launcher = "ccache"
```
"""

_GENERATE = f"""\
## Generated sources: `[[{TABLE}.generate]]`

Write one table for each command that writes sources or headers. The commands run before the build
compiles anything. A command runs again if its words, its program or an input has changed, or if an
output is missing or was changed. If it writes the same content again, nothing is compiled. The
outputs are in the build folder, not in the source tree. An sdist contains the inputs, but not the
outputs.

```toml
[[{TABLE}.generate]]
command = ["{{python}}", "tools/make_tables.py", "--out", "{{out}}"]
inputs = ["tables/*.csv"]
outputs = ["tables.cc", "tables.h"]

[[{TABLE}.ext-modules]]
name = "my_kernels.my_kernels"
sources = ["csrc/*.cc", "tables.cc"]
```

`{{python}}` can import the packages in `build-system.requires`. A rebuild on import
(`editable-rebuild`) runs the command with the Python that imports. The packages that the command
imports must then be installed there, too. The build does not follow the imports of a Python script:
list its modules in `inputs`.
"""

_VENDORED = f"""\
## Third-party code: `[[{TABLE}.vendored]]`

Write one table for each component whose code is part of the libraries. The SBOM of a wheel lists it
([provenance.md](provenance.md)). A file in `extra-objects` or `embed` without a table is listed by
its file name and digest.

```toml
[[{TABLE}.vendored]]
name = "zlib"
version = "1.3.1"
license = "Zlib"
purl = "pkg:github/madler/zlib@v1.3.1"
path = "third_party/libz.a"
```
"""

_TYPES = """\
<!-- Edit setuptools_tvm_ffi/stubs/python_types.py, then run docs/regenerate.py. -->

# C++ types and Python types

The column *accepts* shows the type that a stub gives to a parameter. A call may accept objects of
several classes. The column *returns* shows the type of a result or of a read-only field. For the
signature of a callback, the columns are swapped: C++ passes arguments of the types in *returns*,
and accepts results of the types in *accepts*.

| C++ | accepts | returns |
|---|---|---|
"""

_TYPES_END = """\
| an object class that has a Python class | that class | that class |
| an object class that has no Python class | its nearest base class that has one | the same class |

`Mapping` and `Callable` come from `collections.abc`. `Array`, `List`, `Map`, `Dict`, `Tensor`,
`Shape`, `Device`, `dtype`, `Function`, `Module` and `Object` come from `tvm_ffi`. `Error` is
`tvm_ffi.core.Error`. The stub defines the other names:

* `_Sequence[T]` stands for a `list`, a `tuple`, and a sequence of tvm-ffi. A call rejects all other
  sequences, such as `str`, `range` and `deque`: pass `list(x)`. A variable of the type `Sequence`
  can refer to any sequence, so type checkers reject it, too.
* `_SupportsDLPack` stands for any class with `__dlpack__`: the tensors of PyTorch, JAX and NumPy,
  and `tvm_ffi.Tensor`.

No Python object converts to `const char*` or `TVMFFIByteArray*`. The type `NoReturn` makes type
checkers reject every call, and the build warns about the function. Use `ffi::String` or
`ffi::Bytes` for the parameter.

## Tensors

If a call passes a tensor whose class has the attribute `__dlpack_c_exchange_api__`, the call
returns tensors of the same class. PyTorch's tensors have this attribute. Other tensors, such as
NumPy's, are returned as `tvm_ffi.Tensor`. If a function has tensors among its parameters and in
its result, the stub therefore has overloads with the type variable `_FrameworkTensor`:

<!-- checked by: setuptools-tvm-ffi/tests/test_typed_stubs.py -->
```python
@overload
def scale(x: _FrameworkTensor, factor: float, /) -> _FrameworkTensor: ...
@overload
def scale(x: _SupportsDLPack, factor: float, /) -> Tensor: ...
```

* If a function has several tensor parameters, there is an overload for each. The last argument of
  such a class decides. If there is none, the first list or mapping with such a tensor decides.
* A function without tensor parameters returns `tvm_ffi.Tensor`. A parameter of the type `ffi::Any`
  is not a tensor parameter: if a call passes a PyTorch tensor to it, the returned tensor is a
  PyTorch tensor, although the stub declares `tvm_ffi.Tensor`.
* At run time, a subclass of PyTorch's tensor, such as `torch.nn.Parameter`, is returned as
  `torch.Tensor`.
* PyTorch declares the attribute since 2.10. With older releases, type checkers choose the last
  overload.

## Notes

* For type checkers, a registered function is a function, and `LIB` is not a `tvm_ffi.Module`. At
  run time, the function is a `tvm_ffi.Function`, and `LIB` is a `tvm_ffi.Module`.
* Except for `std::string`, the types of `std` need `#include <tvm/ffi/extra/stl.h>`.
* At run time, a returned tuple is an `Array` of the same length, not a `tuple`. It can be unpacked
  and indexed as the stub declares. Where a library checks for a `tuple`, as PyTorch does for the
  result of `backward`, write `tuple(f(x))`.
* A writable field accepts the type of a parameter and returns the type of a result.
* `Any` stands for `Any` in C++. A function without a type schema, such as a hand-written C function
  without metadata, has the signature `(*args: Any) -> Any`.
* A parameter of the type `ffi::Function`, which has no signature, accepts any callable.
* The key of a `Mapping` has only the first of the types in the column *accepts*, because type
  checkers compare keys exactly. A parameter of the type `ffi::Map<bool, T>` is `Mapping[bool, T]`:
  with `Mapping[bool | int, T]`, type checkers would reject a `dict[bool, T]`. Calls also accept
  the other types as keys.

## Where calls and type checkers differ

mypy and pyright accept an argument if and only if the call accepts it, except for the objects in
this table. The rows also apply to the elements of containers and to the members of `ffi::Optional`,
`ffi::Variant` and similar types.

| parameter | object | call | type checkers |
|---|---|---|---|
| `bool`, integers and enums, `ffi::BigInt`, `double`, `float` | NumPy's integers | accepts | reject |
| `bool`, integers and enums, `double`, `float` | `int` of more than 64 bits | rejects | accept |
| `std::string` | `bytes`, `bytearray` | accepts | reject |
| `DLDataType` | `numpy.dtype` | accepts | reject |
| `DLDataType` | `bytes` | accepts the name of a type | reject |
| `DLDataType`, `DLDevice` | `str` | rejects what is not the name of a type or device | accept |
| `ffi::String`, `std::string`, `DLDevice` | `tvm_ffi.dtype` | rejects | accept |
| `ffi::Array<T>`, `ffi::List<T>`, `std::vector<T>`, `std::array<T, N>` | `tvm_ffi.Shape` | rejects | accept |
| `std::array<T, N>` | `list`, `tuple` | rejects a length other than `N` | accept |
| `std::array<T, N>` | `tvm_ffi.List` | rejects | accept |
| `ffi::Array<T>`, `ffi::List<T>`, `std::vector<T>`, `std::array<T, N>`, `ffi::Shape` | `list` with items of several types | rejects, if it is in a list | pyright accepts |
| `ffi::Tuple<T, U>`, `std::tuple<T, U>` | `list` with items of several types | accepts | reject |
| `ffi::Tuple<T, U>`, `std::tuple<T, U>` | `tvm_ffi.Shape` | rejects | accept |
| `ffi::Map<K, V>`, `ffi::Dict<K, V>`, `std::map<K, V>`, `std::unordered_map<K, V>` | `MappingProxyType` | rejects | accept |
| `std::map<K, V>`, `std::unordered_map<K, V>` | `tvm_ffi.Dict` | rejects | accept |
| `ffi::TypedFunction<R(T)>`, `std::function<R(T)>` | functions of other types | accepts | reject |
| `ffi::Function`, `ffi::TypedFunction<R(T)>`, `std::function<R(T)>` | `tvm_ffi.Module` | rejects | accept |
| `ffi::Tensor`, `ffi::TensorView`, `DLTensor*` | `tvm_ffi.Module` | rejects | mypy accepts |
| `ffi::Tensor`, `ffi::Function`, `ffi::TypedFunction<R(T)>`, `std::function<R(T)>`, `ffi::ObjectRef`, `ffi::RValueRef<T>`, object classes | `None` | accepts | reject |
| `ffi::ObjectRef`, `ffi::Object*` | `str`, `bytes` | accepts more than 7 bytes | reject |
| `ffi::ObjectRef`, `ffi::Object*` | `int` of more than 64 bits, `complex`, `numpy.bool` | accepts | reject |
| `ffi::ObjectRef`, `ffi::Object*` | `list`, `list` with items of several types, `tuple`, `range`, `set`, `deque` | accepts | reject |
| `ffi::ObjectRef`, `ffi::Object*` | `dict`, `MappingProxyType`, `memoryview`, NumPy's arrays, `tvm_ffi.Shape` | accepts | reject |
| `ffi::ObjectRef`, `ffi::Object*` | functions, functions of other types, classes, exceptions, other objects | accepts | reject |
| constructors of enumerations | `bool`, `int`, `int` of more than 64 bits, `str`, `tvm_ffi.dtype` | rejects what is not an index or a name | accept |
| constructors of enumerations | all objects | rejects what is not an entry, an index or a name | pyright accepts |

Pass `int(x)` instead of an integer of NumPy, and `str(dtype)` instead of a data type of NumPy.
Calls also accept data types of PyTorch, which type checkers reject: pass `"float32"` instead of
`torch.float32`.

Registrations do not contain whether a reference to an object may be null: a result may be
`None`, too. `ffi::Optional<T>` declares `None`.
"""


_CODES = """\
<!-- Edit setuptools_tvm_ffi/audit/codes.py, then run docs/regenerate.py. -->

# Auditing wheels

`audit` checks finished wheels for defects that cause failures on users' machines:

<!-- checked by: setuptools-tvm-ffi/tests/test_audit.py -->
```console
$ python -m pip install 'setuptools-tvm-ffi[audit]'
$ setuptools-tvm-ffi audit dist/*.whl
```

It reads wheels for any platform on any machine, whichever build backend built them. It does not
unpack a wheel or run its code. For each library, it prints the platform, the dependencies, the
exported symbols and the platform tag that the library satisfies. The findings follow, each with a
code.

`--json` prints everything as one JSON document. `--ignore TVM501` omits findings with that code.

The exit status is 0 if there are no findings, 1 if there are findings, and 2 if a wheel could not
be audited. The other wheels are audited nevertheless.

## What the audit checks

* **ELF, Mach-O and PE files**: [LIEF](https://lief.re) reads them in a child process with limits on
  time and memory, for each library and for the whole wheel. A library that crashes the child
  process or exceeds a limit is a finding.
* **manylinux and musllinux tags**: the tables of [auditwheel](https://github.com/pypa/auditwheel)
  list the symbol versions and libraries that each tag allows, and symbols that some builds of a
  library lack. A library does not record which version of musl it needs. The audit therefore names
  the newest musllinux tag of the tables and accepts older ones.
* **macOS and Windows tags**: the audit reads the minimum macOS version and the architecture from
  each library. The lists of [delvewheel](https://github.com/adang1345/delvewheel) define which
  libraries are part of Windows.
* **Requirement for apache-tvm-ffi**: the audit checks every release that the requirement allows, up
  to {newest}. It does not evaluate markers. It checks the requirements with the same marker
  together with the requirements without a marker.
* **Symbols of tvm-ffi**: the audit compares them with every release of apache-tvm-ffi up to
  {newest}. A release that has all symbols may still be incompatible; use `compat` to test it.
* **Stubs**: the audit reads from a library which functions it exports for `LIB` (`TVM503`). The
  audit does not load libraries, so it can only search for registered names among the strings of a
  library (`TVM504`).
* **Libraries that repair tools added** (`*.libs`, `.dylibs`): the audit does not report how they
  were linked or which symbols they export.
* **Libraries outside the wheel**: a wheel may depend on `libtvm_ffi`, which `tvm_ffi` loads first,
  on NVIDIA's driver (`libcuda.so.1`, `nvcuda.dll`), and on every library that the platform tag
  guarantees.

The audit rejects a wheel with exit status 2 if unpacking the wheel could do harm. Such a wheel
contains absolute paths, paths that leave the folder, links, duplicate names, encrypted members or
wrong checksums, or unpacks to more than {total} GiB. A wheel that unpacks to more than {small} MiB
must not unpack to more than {ratio} times its own size.

## Codes

An *error* is a defect that fails for some users or at the upload to PyPI. A *warning* is a defect
that fails only under some circumstances. A code keeps its meaning in later releases.
"""

# C++ types without a rule, and their schemas.
_SPECIAL = (
    ("`ffi::Optional<T>`, `std::optional<T>`", Schema("Optional", (Schema("T"),))),
    ("`ffi::ObjectPtr<T>`", Schema("Optional", (Schema("T"),))),
    ("`ffi::Variant<T, U>`, `std::variant<T, U>`", Schema("Variant", (Schema("T"), Schema("U")))),
    ("`ffi::Expected<T>`", Schema("Expected", (Schema("T"), Schema("ffi.Error")))),
    ("`ffi::Tuple<T, U>`, `std::tuple<T, U>`", Schema("Tuple", (Schema("T"), Schema("U")))),
    ("`ffi::Tuple<>`", Schema("Tuple")),
    (
        "`ffi::TypedFunction<R(T)>`, `std::function<R(T)>`",
        Schema("ffi.Function", result=Schema("R"), parameters=(Schema("T"),)),
    ),
    ("`ffi::Function`", Schema("ffi.Function")),
)


# Rules for several keys of a table, which the parser or `__post_init__` of its dataclass checks.
_RULES: dict[type, dict[str, Any]] = {
    ExtensionSettings: {
        "anyOf": [
            {"required": [key], "properties": {key: {"minItems": 1}}}
            for key in ("sources", "extra-objects")
        ]
    },
    EmbedSettings: {
        "oneOf": [
            {"required": ["source"], "properties": {"file": False}},
            {
                "required": ["file"],
                "properties": dict.fromkeys(("source", "format", "cuda-architectures"), False),
            },
        ]
    },
    SourceOptions: {"minProperties": 2},
}


def main() -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; print differences")
    check = parser.parse_args().check
    settings = reference()
    pages = {
        REFERENCE: settings,
        VARIABLES: reference_pages.variables(settings),
        COMMANDS: reference_pages.commands(),
        RECORD: reference_pages.record(),
        TYPES: types(),
        CODES: audit_codes(),
        SCHEMA: json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n",
    }
    status = 0
    for file, text in pages.items():
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        if not check:
            file.write_text(text, encoding="utf-8")
        elif old != text:
            name = str(file.relative_to(REPOSITORY))
            lines = (old.splitlines(keepends=True), text.splitlines(keepends=True))
            sys.stdout.writelines(difflib.unified_diff(*lines, name, f"{name} (regenerated)"))
            status = 1
    if status:
        sys.stdout.write("run 'python docs/regenerate.py' to update these files\n")
    return status


def make_schema() -> dict[str, Any]:
    """Generate the schema (JSON Schema draft 7) from the settings."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://json.schemastore.org/partial-setuptools-tvm-ffi.json",
        "title": "Settings of setuptools-tvm-ffi",
        **_table(ProjectSettings),
    }


def _table(table: type) -> dict[str, Any]:
    if table in OVERRIDABLE:
        changed, overridable = OVERRIDABLE[table]
        conditions = _properties(table)
        changes = _properties(changed, overridable)
        for schema in changes.values():
            schema.pop("default", None)
        return {
            "type": "object",
            "properties": {**conditions, **changes},
            "additionalProperties": False,
            "anyOf": [{"required": [condition]} for condition in conditions],
            "not": {"propertyNames": {"enum": list(conditions)}},
        }
    required = [key_of(s.field) for s in settings_of(table) if s.default is dataclasses.MISSING]
    properties = _properties(table)
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    schema.update(_RULES.get(table, {}))
    return {**schema, "required": required} if required else schema


def _properties(table: type, names: Collection[str] | None = None) -> dict[str, Any]:
    """Return the schema of each key of a table.

    :param names: the fields of the keys. By default, these are all fields.
    """
    properties = {}
    for setting in settings_of(table):
        if names is None or setting.field in names:
            schema = {"description": setting.text, **setting.kind.schema}
            if isinstance(setting.default, (bool, str)):
                schema["default"] = setting.default
            properties[key_of(setting.field)] = schema
    for field in dataclasses.fields(table):
        if "table" in field.metadata and (names is None or field.name in names):
            properties[key_of(field.name)] = {
                "description": field.metadata["text"],
                "type": "array",
                "items": _table(field.metadata["table"]),
            }
    return properties


def types() -> str:
    """Return the page on types. Each row shows the output of the code for an example."""
    writer = TypeWriter(lambda name, _: name, lambda key: (key, ""))
    rows = [(rule.cxx, Schema(rule.origins[0], _arguments(rule.accepts))) for rule in RULES]
    lines = [
        f"| {cxx} | {_code(writer.accepted(schema))} | {_code(writer.returned(schema))} |\n"
        for cxx, schema in (*rows, *_SPECIAL)
    ]
    return _TYPES + "".join(lines) + _TYPES_END


def audit_codes() -> str:
    """Return the page on audits, with all codes."""
    rows = "".join(
        f"\n### {code.name}: {code.title}\n\n*{code.level}*\n\n{_wrapped(code.breaks)}\n\n"
        f"{_wrapped(f'**Fix:** {code.fix}')}\n"
        for code in CATALOGUE
    )
    introduction = _CODES.format(
        newest=RELEASES[-1],
        ratio=MAX_RATIO,
        small=MAX_SMALL_TOTAL // 1024**2,
        total=MAX_TOTAL // 1024**3,
    )
    return introduction + rows


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _arguments(template: str) -> tuple[Schema, ...]:
    names = ("K", "V") if "{1}" in template else ("T",)
    return tuple(map(Schema, names)) if "{0}" in template else ()


def _code(text: str) -> str:
    # In a Markdown table, a bar ends the cell, even in code.
    return "`" + text.replace("|", "\\|") + "`"


def reference() -> str:
    """Return the page on settings."""
    extension = "\n".join(_rows(ExtensionSettings, with_variable=False))
    project = "\n".join(_rows(ProjectSettings, with_variable=True))
    generate = "\n".join(_rows(GenerateSettings, with_variable=False))
    vendored = "\n".join(_rows(VendoredSettings, with_variable=False))
    parts = (_INTRODUCTION, extension, "", _PROJECT, project, "", _GENERATE, generate, "")
    return "\n".join((*parts, _VENDORED, vendored, ""))


def _rows(table: type, *, with_variable: bool, heading: str = "### ") -> Iterator[str]:
    """Yield the lines on each setting.

    :param heading: the beginning of headings. For a nested table, it contains the table's key.
    """
    for setting in settings_of(table):
        key = f"{heading}{key_of(setting.field)}"
        yield "{0} `{2}`".format(*key.partition(" "))
        yield ""
        yield _wrapped(setting.text)
        yield ""
        facts = [setting.kind.described, _default(setting)]
        if with_variable:
            facts.append(f"variable `{variable_of(setting)}`")
        yield _wrapped(f"*{' · '.join(facts)}*")
        yield ""
    for field in dataclasses.fields(table):
        # The tables `vendored` and `ext-modules` have sections of their own.
        if "table" in field.metadata and field.name not in {"vendored", "ext_modules"}:
            key = key_of(field.name)
            yield from (f"### `{key}`", "", _wrapped(field.metadata["text"]), "")
            yield from ("*list of tables with the following keys · none by default*", "")
            yield from _rows(field.metadata["table"], with_variable=False, heading=f"#### {key}.")


def _default(setting: Setting) -> str:
    if setting.default is dataclasses.MISSING:
        return "required"
    if setting.default in {None, ()} or dataclasses.is_dataclass(setting.default):
        return "none by default"
    return f"default `{written(setting.default)}`"


if __name__ == "__main__":
    sys.exit(main())
