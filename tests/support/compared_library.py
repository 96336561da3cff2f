# SPDX-License-Identifier: Apache-2.0
"""A library over every type of the C++ API, and the calls that type checkers and a run compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "compared"
#: The packages of the library, four levels deep. Each has functions and classes.
PACKAGES = (
    PACKAGE,
    f"{PACKAGE}.optional",
    f"{PACKAGE}.optional.sequence",
    f"{PACKAGE}.optional.sequence.callback",
)

#: The C++ types of docs/types.md, and the functions of the root package that accept them: the name
#: of each function and the C++ type of its parameter.
TYPES = {
    "`bool`": {"boolean": "bool"},
    "integers and enums": {
        "int8": "int8_t",
        "int16": "int16_t",
        "int32": "int32_t",
        "int64": "int64_t",
        "uint8": "uint8_t",
        "uint32": "uint32_t",
        "colour": "Colour",
    },
    "`ffi::BigInt`": {"big_int": "ffi::BigInt"},
    "`double`": {"real": "double"},
    "`float`": {"single": "float"},
    "`ffi::String`": {"text": "ffi::String"},
    "`std::string`": {"std_text": "std::string"},
    "`ffi::Bytes`": {"data": "ffi::Bytes"},
    "`void*`": {"pointer": "void*"},
    "`DLDataType`": {"dtype": "DLDataType"},
    "`DLDevice`": {"device": "DLDevice"},
    "`ffi::Tensor`": {"tensor": "ffi::Tensor"},
    "`ffi::Shape`": {"shape": "ffi::Shape"},
    "`ffi::Array<T>`": {
        "array": "ffi::Array<int64_t>",
        "real_array": "ffi::Array<double>",
        "text_array": "ffi::Array<ffi::String>",
        "any_array": "ffi::Array<ffi::Any>",
        "nested_array": "ffi::Array<ffi::Array<int64_t>>",
    },
    "`ffi::List<T>`": {
        "list": "ffi::List<int64_t>",
        "text_list": "ffi::List<ffi::String>",
        "any_list": "ffi::List<ffi::Any>",
    },
    "`std::vector<T>`": {
        "vector": "std::vector<int64_t>",
        "text_vector": "std::vector<std::string>",
    },
    "`std::array<T, N>`": {
        "std_array": "std::array<int64_t, 2>",
        "text_std_array": "std::array<std::string, 2>",
    },
    "`ffi::Map<K, V>`": {
        "map": "ffi::Map<ffi::String, int64_t>",
        "real_map": "ffi::Map<ffi::String, double>",
        "int_map": "ffi::Map<int64_t, ffi::String>",
        "any_map": "ffi::Map<ffi::Any, ffi::Any>",
    },
    "`std::map<K, V>`": {"std_map": "std::map<std::string, int64_t>"},
    "`std::unordered_map<K, V>`": {"unordered_map": "std::unordered_map<std::string, int64_t>"},
    "`ffi::Dict<K, V>`": {
        "dict": "ffi::Dict<ffi::String, int64_t>",
        "any_dict": "ffi::Dict<ffi::Any, ffi::Any>",
    },
    "`ffi::Tuple<T, U>`": {"tuple": "ffi::Tuple<int64_t, ffi::String>"},
    "`std::tuple<T, U>`": {"std_tuple": "std::tuple<int64_t, std::string>"},
    "`ffi::Function`": {"function": "ffi::Function"},
    "`ffi::TypedFunction<R(T)>`": {"typed_function": "ffi::TypedFunction<int64_t(int64_t)>"},
    "`std::function<R(T)>`": {"std_function": "std::function<int64_t(int64_t)>"},
    "`ffi::ObjectRef`": {"object": "ffi::ObjectRef"},
    "`ffi::Module`": {"module": "ffi::Module"},
    "`ffi::Error`": {"error": "ffi::Error"},
    "object classes": {
        "base": "Base",
        "leaf": "Leaf",
        "mode": "Mode",
        "level": "Level",
        "word": "Word",
    },
}

#: The same for types that only parameters can have, and that other types cannot contain.
PARAMETER_TYPES = {
    "`nullptr_t`": {"nothing": "std::nullptr_t"},
    "integers and enums": {"size": "size_t"},
    "`const char*`": {"c_text": "const char*"},
    "`TVMFFIByteArray*`": {"c_data": "TVMFFIByteArray*"},
    "`ffi::TensorView`": {"tensor_view": "ffi::TensorView"},
    "`DLTensor*`": {"dl_tensor": "DLTensor*"},
    "`ffi::Any`": {"any": "ffi::Any"},
    "`ffi::AnyView`": {"any_view": "ffi::AnyView"},
    "`ffi::Object*`": {"object_pointer": "const ffi::Object*"},
    "`ffi::ObjectPtr<T>`": {"base_object": "ffi::ObjectPtr<BaseObj>"},
    "`ffi::RValueRef<T>`": {"moved": "ffi::RValueRef<Base>"},
    "object classes": {"base_pointer": "const BaseObj*"},
}

#: Types of results only, and functions without parameters, in C++.
RESULTS = {
    "`void`": "[] {}",
    "`ffi::Expected<T>`": "[]() -> ffi::Expected<int64_t> { return 1; }",
    "`ffi::Tuple<>`": "[] { return ffi::Tuple<>(); }",
}

#: What docs/types.md calls the constructors of enumerations, which are no functions in C++.
ENUMERATIONS = "constructors of enumerations"

#: Functions that accept several types: the C++ type of the parameter, and the accepted types.
UNIONS = {
    "std_optional": ("std::optional<int64_t>", ("integers and enums",)),
    "variant": ("ffi::Variant<int64_t, ffi::String>", ("integers and enums", "`ffi::String`")),
    "std_variant": ("std::variant<int64_t, std::string>", ("integers and enums", "`std::string`")),
    "wide_variant": (
        "ffi::Variant<ffi::Array<int64_t>, ffi::Map<ffi::String, int64_t>>",
        ("`ffi::Array<T>`", "`ffi::Map<K, V>`"),
    ),
}

#: The kinds of Python objects in docs/types.md, and expressions for objects of each kind.
VALUES = {
    "`None`": ("None",),
    "`bool`": ("True", "False"),
    "`int`": ("0", "3", "-1"),
    "`int` of more than 64 bits": ("2**70",),
    "`float`": ("1.5", "numpy.float64(1.5)"),
    "`complex`": ("3j",),
    "`str`": ("''", "'short'", "'a text that is not stored inline'", "'int32'", "'cpu'"),
    "`bytes`": ("b''", "b'raw'", "b'data that is not stored inline'"),
    "`bytearray`": ("bytearray(b'raw')",),
    "`memoryview`": ("memoryview(b'raw')",),
    "`c_void_p`": ("ctypes.c_void_p(1)",),
    "`tvm_ffi.dtype`": ("tvm_ffi.dtype('int32')",),
    "`tvm_ffi.Device`": ("tvm_ffi.device('cpu')",),
    "NumPy's integers": ("numpy.int64(3)", "numpy.uint8(3)"),
    "`numpy.bool`": ("numpy.bool_(True)",),
    "`numpy.dtype`": ("numpy.dtype('int32')",),
    "NumPy's arrays": ("numpy.zeros(2)",),
    "`tvm_ffi.Tensor`": ("tvm_ffi.from_dlpack(numpy.zeros(2))",),
    "`tvm_ffi.Shape`": ("tvm_ffi.Shape((1, 2))",),
    "`list`": ("[]", "[1, 2]", "['a', 'b']", "[[1], [2]]", "[None]"),
    "`list` with items of several types": ("[1.5, 2]", "[1, 'a']"),
    "`tuple`": ("()", "(1, 2)", "(1, 'a')", "('a', 1)"),
    "`range`": ("range(2)",),
    "`set`": ("{1, 2}",),
    "`deque`": ("collections.deque([1, 2])",),
    "`tvm_ffi.Array`": ("tvm_ffi.Array([1, 2])",),
    "`tvm_ffi.List`": ("tvm_ffi.List([1, 2])",),
    "`dict`": ("{}", "{'a': 1}", "{'a': 1.5}", "{1: 'a'}"),
    "`MappingProxyType`": ("types.MappingProxyType({'a': 1})",),
    "`tvm_ffi.Map`": ("tvm_ffi.Map({'a': 1})",),
    "`tvm_ffi.Dict`": ("tvm_ffi.Dict({'a': 1})",),
    "functions": ("lambda value: value", "double"),
    "functions of other types": ("len",),
    "classes": ("int",),
    "`tvm_ffi.Function`": ("FUNCTION",),
    "`tvm_ffi.Module`": ("tvm_ffi.system_lib()",),
    "exceptions": ("ValueError('x')",),
    "other objects": ("object()", "Index()"),
    "objects of registered classes": (
        "compared.Base(1)",
        "compared.optional.Leaf(1, 'a')",
        "compared.Mode.fast",
        "compared.Level.low",
        "compared.Word.yes",
    ),
}

#: The beginning of the file with all calls.
HEAD = """\
import collections
import ctypes
import types

import numpy
import tvm_ffi

import compared
import compared.optional.sequence.callback


class Index:
    def __index__(self) -> int:
        return 1


def double(number: int) -> int:
    return 2 * number


FUNCTION: tvm_ffi.Function = tvm_ffi.convert_func(double)
HOLDER = compared.optional.sequence.callback.Holder([])

"""

_PYPROJECT = f"""\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "{PACKAGE}"
version = "1.0"
dynamic = ["dependencies"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "{PACKAGE}.{PACKAGE}"
sources = ["csrc/{PACKAGE}.cc"]
"""

_SOURCE = """\
#include <tvm/ffi/big_int.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/variant.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/extra/stl.h>
#include <tvm/ffi/reflection/enum_def.h>
#include <tvm/ffi/reflection/overload.h>
#include <tvm/ffi/rvalue_ref.h>
#include <tvm/ffi/tvm_ffi.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

namespace ffi = tvm::ffi;

enum class Colour : int32_t { kRed, kBlue };

#define REFERENCE(Name)                                                          \\
  class Name : public ffi::ObjectRef {                                           \\
   public:                                                                       \\
    TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Name, ffi::ObjectRef, Name##Obj); \\
  };

class BaseObj : public ffi::Object {
 public:
  int64_t number;
  explicit BaseObj(int64_t number) : number(number) {}
  TVM_FFI_DECLARE_OBJECT_INFO("compared.Base", BaseObj, ffi::Object);
};
REFERENCE(Base)

class LeafObj : public BaseObj {
 public:
  ffi::String name;
  LeafObj(int64_t number, ffi::String name) : BaseObj(number), name(std::move(name)) {}
  TVM_FFI_DECLARE_OBJECT_INFO("compared.optional.Leaf", LeafObj, BaseObj);
};
REFERENCE(Leaf)

class OverloadedObj : public ffi::Object {
 public:
  int64_t number = 0;
  ffi::String name;
  explicit OverloadedObj(int64_t number) : number(number) {}
  OverloadedObj(ffi::String name, int64_t number) : number(number), name(std::move(name)) {}
  TVM_FFI_DECLARE_OBJECT_INFO("compared.optional.sequence.Overloaded", OverloadedObj, ffi::Object);
};
REFERENCE(Overloaded)

struct ModeObj : ffi::EnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO("compared.Mode", ModeObj, ffi::EnumObj);
};
REFERENCE(Mode)

struct LevelObj : ffi::IntEnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO("compared.Level", LevelObj, ffi::IntEnumObj);
};
REFERENCE(Level)

struct WordObj : ffi::StrEnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO("compared.Word", WordObj, ffi::StrEnumObj);
};
REFERENCE(Word)

%(classes)s
REFERENCE(Holder)

Base MakeBase() { return Base(ffi::make_object<BaseObj>(1)); }

Leaf MakeLeaf() { return Leaf(ffi::make_object<LeafObj>(1, "a")); }

Overloaded MakeOverloaded() { return Overloaded(ffi::make_object<OverloadedObj>(1)); }

Holder MakeHolder() { return Holder(ffi::make_object<HolderObj>(ffi::Array<int64_t>())); }

template <typename T>
T Echo(T value) {
  return value;
}

template <typename T>
int64_t Accept(T) {
  return 0;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<BaseObj>().def_ro("number", &BaseObj::number).def(refl::init<int64_t>());
  refl::ObjectDef<LeafObj>()
      .def_ro("name", &LeafObj::name)
      .def(refl::init<int64_t, ffi::String>());
  refl::OverloadObjectDef<OverloadedObj>()
      .def_ro("number", &OverloadedObj::number)
      .def(refl::init<int64_t>())
      .def(refl::init<ffi::String, int64_t>())
      .def("add", [](const OverloadedObj* self, int64_t number) { return self->number + number; })
      .def("add", [](const OverloadedObj* self, ffi::String name) { return self->name + name; });
  refl::ObjectDef<ModeObj>();
  refl::EnumDef<ModeObj>("fast");
  refl::EnumDef<ModeObj>("slow");
  refl::ObjectDef<LevelObj>();
  refl::EnumDef<LevelObj>("low", 3);
  refl::ObjectDef<WordObj>();
  refl::EnumDef<WordObj>("yes");
%(objects)s
  refl::GlobalDef()
%(functions)s;
}

}  // namespace
"""

_CLASS = """\
class %(name)sObj : public ffi::Object {
 public:
  %(type)s value;
  explicit %(name)sObj(%(type)s value) : value(std::move(value)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("%(key)s", %(name)sObj, ffi::Object);
};
"""

_OBJECT = """\
  refl::ObjectDef<%(name)sObj>()
      .def_rw("value", &%(name)sObj::value)
      .def("set", [](%(name)sObj* self, %(type)s value) { self->value = std::move(value); })
      .def(refl::init<%(type)s>());"""

#: The package of each class with a field ``value``, the C++ type of the field, which is the type of
#: the constructor's parameter, too, and the accepted types.
CLASSES = {
    "Holder": (PACKAGES[3], "ffi::Array<int64_t>", ("`ffi::Array<T>`",)),
    "Mapped": (PACKAGES[3], "ffi::Map<ffi::String, int64_t>", ("`ffi::Map<K, V>`",)),
    "Called": (
        PACKAGES[3],
        "ffi::TypedFunction<int64_t(int64_t)>",
        ("`ffi::TypedFunction<R(T)>`",),
    ),
    "Named": (PACKAGES[2], "ffi::Optional<ffi::String>", ("`ffi::String`",)),
    "Parent": (PACKAGES[1], "ffi::Optional<Base>", ("object classes",)),
    "Wide": (
        PACKAGES[0],
        "ffi::Variant<int64_t, ffi::String>",
        ("integers and enums", "`ffi::String`"),
    ),
    "Sized": (PACKAGES[0], "ffi::Shape", ("`ffi::Shape`",)),
}


#: A class of each package. The first and the last package have functions that make objects of all.
MADE = {
    f"{PACKAGES[0]}.Base": "MakeBase",
    f"{PACKAGES[1]}.Leaf": "MakeLeaf",
    f"{PACKAGES[2]}.Overloaded": "MakeOverloaded",
    f"{PACKAGES[3]}.Holder": "MakeHolder",
}


@dataclass(frozen=True)
class Call:
    """One call, or one assignment to a field, in the file with all calls.

    :param text: the Python code.
    :param types: the C++ types that the call accepts, see `TYPES`.
    :param kind: the kind of the argument, see `VALUES`.
    """

    text: str
    types: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class _Function:
    """A function of the library.

    :param name: the name in the registry.
    :param cxx: the C++ type of the parameter.
    :param types: see `Call`.
    :param result: whether the function returns its argument.
    :param argument: a template of the argument for a Python object.
    """

    name: str
    cxx: str
    types: tuple[str, ...]
    result: bool = True
    argument: str = "{}"


def _functions() -> Iterator[_Function]:
    for type_, functions in PARAMETER_TYPES.items():
        for name, cxx in functions.items():
            yield _Function(f"{PACKAGE}.{name}", cxx, (type_,), result=False)
    plain = {n: (cxx, (type_,)) for type_, group in TYPES.items() for n, cxx in group.items()}
    for name, (cxx, types) in {**plain, **UNIONS}.items():
        optional, sequence = f"ffi::Optional<{cxx}>", f"ffi::Array<{cxx}>"
        if cxx.startswith("std::"):  # ffi::Array cannot contain it
            optional, sequence = f"std::optional<{cxx}>", f"std::vector<{cxx}>"
        yield _Function(f"{PACKAGE}.{name}", cxx, types)
        yield _Function(f"{PACKAGES[1]}.{name}", optional, types)
        yield _Function(f"{PACKAGES[2]}.{name}", sequence, types, argument="[{}]")


def calls() -> Iterator[Call]:
    """Yield a call of every function, constructor, method and setter with every object."""
    overloaded = f"{PACKAGES[2]}.Overloaded"
    callables = [
        *((f"{f.name}({f.argument})", f.types) for f in _functions()),
        *((f"{package}.{name}({{}})", types) for name, (package, _, types) in CLASSES.items()),
        (f"{PACKAGE}.Base({{}})", ("integers and enums",)),
        (f"{PACKAGES[1]}.Leaf(1, {{}})", ("`ffi::String`",)),
        (f"{overloaded}({{}})", ("integers and enums",)),
        (f"{overloaded}({{}}, 1)", ("`ffi::String`",)),
        (f"{overloaded}(1).add({{}})", ("integers and enums", "`ffi::String`")),
        ("HOLDER.set({})", ("`ffi::Array<T>`",)),
        ("HOLDER.value = {}", ("`ffi::Array<T>`",)),
        *((f"{PACKAGE}.{name}({{}})", (ENUMERATIONS,)) for name in ("Mode", "Level", "Word")),
    ]
    for kind, values in VALUES.items():
        for template, types in callables:
            for value in values:
                yield Call(template.format(value), types, kind)


def write_project(folder: Path) -> None:
    """Write a project with the library."""
    (folder / "csrc").mkdir(parents=True)
    (folder / PACKAGE).mkdir()
    (folder / PACKAGE / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(_PYPROJECT, encoding="ascii")
    classes = [
        {"name": name, "key": f"{package}.{name}", "type": cxx}
        for name, (package, cxx, _) in CLASSES.items()
    ]
    functions = [
        f'      .def("{f.name}", {"Echo" if f.result else "Accept"}<{f.cxx}>)' for f in _functions()
    ]
    functions += [
        f'      .def("{package}.{name}", {name})'
        for name in MADE.values()
        for package in (PACKAGES[0], PACKAGES[3])
    ]
    functions += [
        f'      .def("{PACKAGES[3]}.result{number}", {function})'
        for number, function in enumerate(RESULTS.values())
    ]
    source = _SOURCE % {
        "classes": "\n".join(_CLASS % each for each in classes),
        "objects": "\n".join(_OBJECT % each for each in classes),
        "functions": "\n".join(functions),
    }
    (folder / "csrc" / f"{PACKAGE}.cc").write_text(source, encoding="ascii")
