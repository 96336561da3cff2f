# SPDX-License-Identifier: Apache-2.0
"""Reads functions, types and exported symbols from the registry, in the child process.

`child.py` runs this file as a script, so this file cannot import the plugin.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import importlib
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# TVM_FFI_DLL_EXPORT_TYPED_FUNC adds this prefix to the names of exported functions. The prefix can
# be in the middle of a string in the library: if one symbol's name is the end of another symbol's
# name, linkers store only the longer name.
_SYMBOL = re.compile(rb"__tvm_ffi_([A-Za-z_]\w*)")
# A symbol with one of these words after the prefix `__tvm_ffi_` is not an exported function.
# Such a symbol contains metadata of a function or of the library.
_COMPANIONS = ("_metadata_", "_doc_", "_library_")
_SHT_DYNSYM = 11
_STB_LOCAL = 0
# With older linkers and older C start-up files (crti.o), every library exports these symbols.
# Ignore the symbols.
_LINKER_SYMBOLS = {"_init", "_fini", "_edata", "_end", "__bss_start"}
#: The maximum length of a default value in a stub, in characters.
LONGEST_DEFAULT = 60
_ELF_FUNCTIONS = {2, 10}  # the symbol types STT_FUNC and STT_GNU_IFUNC


def reflect(
    tvm_ffi: Any,  # noqa: ANN401 - the module
    library: str,
    functions: Iterable[str],
    types: Iterable[str],
    docs: Mapping[str, str],
) -> dict[str, Any]:
    """Return JSON values that describe functions, types and exported symbols of a library.

    :param library: the path of a library that is already loaded.
    :param functions: the names of global functions to describe.
    :param types: the keys of types to describe. The result also describes their ancestors.
    :param docs: the docstrings of global functions, see `child.Recorder`. If a function has no
        docstring in `docs`, the result contains no docstring for this function.
    """
    teach_types(tvm_ffi)
    names = sorted(functions)
    keys = sorted({ancestor for key in types for ancestor in lineage(tvm_ffi, key)})
    return {
        "functions": {name: global_function(tvm_ffi, name, docs.get(name)) for name in names},
        "types": {key: object_type(tvm_ffi, key) for key in keys},
        "symbols": symbols(tvm_ffi, library),
        "module_attributes": dir(tvm_ffi.Module),
        "python_classes": python_classes(tvm_ffi),
        "enum_attributes": dir(
            getattr(importlib.import_module("tvm_ffi.dataclasses"), "Enum", object)
        ),
        # Skip functions without metadata, because only a function that is registered with metadata
        # can have a docstring.
        "finds_docs": all(name in docs for name in names if global_metadata(tvm_ffi, name)),
        # Before 0.1.10, tvm_ffi lacks `_install_init`, which creates the constructors of classes.
        "makes_constructors": hasattr(tvm_ffi.registry, "_install_init"),
    }


def global_function(tvm_ffi: Any, name: str, doc: str | None) -> dict[str, Any]:  # noqa: ANN401
    """Return the type schema (JSON text or ``None``) and the doc of a global function."""
    metadata = global_metadata(tvm_ffi, name)
    schema = schema_of(tvm_ffi, metadata)
    return {
        "schema": schema,
        "doc": doc or None,
        # The generator writes invalid Python for a schema that is not a valid Python type. A
        # function without a schema causes no invalid Python: the generator skips such a function.
        "unwritable": schema is None and readable(tvm_ffi, metadata) is not None,
    }


def global_metadata(tvm_ffi: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401
    """Return the metadata of a global function. If the metadata is invalid, return ``{}``."""
    metadata: Mapping[str, Any] = {}
    with contextlib.suppress(ValueError):
        metadata = tvm_ffi.registry.get_global_func_metadata(name)
    return metadata


def schema_of(tvm_ffi: Any, metadata: Mapping[str, Any]) -> str | None:  # noqa: ANN401
    """Return the type schema as JSON text, or ``None`` if the generator cannot write the type.

    The generator copies the name of an unknown type to Python code. In Python code, a name such as
    ``std::pair`` is invalid.
    """
    parsed = readable(tvm_ffi, metadata)
    try:
        ast.parse(str(parsed), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if parsed is None else str(metadata["type_schema"])


def readable(tvm_ffi: Any, metadata: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the parsed type schema, or ``None`` if the generator cannot parse the schema."""
    schema = metadata.get("type_schema")
    if not isinstance(schema, str):
        return None
    try:
        return tvm_ffi.core.TypeSchema.from_json_str(schema)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None


def teach_types(tvm_ffi: Any) -> None:  # noqa: ANN401
    """Make the generator treat ``std::array`` like ``std::vector``.

    Up to 0.1.15.post2, the generator does not support ``std::array`` and writes invalid Python.
    """
    known = getattr(tvm_ffi.core, "_TYPE_SCHEMA_ORIGIN_CONVERTER", None)
    if isinstance(known, dict) and "std::vector" in known:
        known.setdefault("std::array", known["std::vector"])


def object_type(tvm_ffi: Any, key: str) -> dict[str, Any]:  # noqa: ANN401
    """Return the parent, the doc, the fields and the methods of a type. Omit inherited members."""
    core = tvm_ffi.core
    info = type_info(tvm_ffi, key)
    parent = info.parent_type_info
    constructor = any(method.name == "__ffi_init__" for method in info.methods)
    if not constructor and hasattr(core, "_lookup_type_attr"):
        constructor = core._lookup_type_attr(info.type_index, "__ffi_init__") is not None  # noqa: SLF001
    return {
        "parent": None if parent is None else parent.type_key,
        "doc": type_doc(tvm_ffi, info.type_index),
        "constructor": constructor,
        "entries": enum_entries(tvm_ffi, info.type_index),
        "fields": [
            {
                "name": field.name,
                "schema": schema_of(tvm_ffi, field.metadata),
                "doc": field.doc,
                "read_only": bool(field.frozen),
                # The attributes `c_…` are new in 0.1.9.
                "in_constructor": bool(getattr(field, "c_init", True)),
                "keyword_only": bool(getattr(field, "c_kw_only", False)),
                "has_default": bool(getattr(field, "c_has_default", False)),
                "default": literal(getattr(field, "c_default", ...)),
            }
            for field in info.fields or ()
        ],
        "methods": [
            {
                "name": method.name,
                "schema": schema_of(tvm_ffi, method.metadata),
                "doc": method.doc,
                "static": bool(method.is_static),
            }
            for method in info.methods
        ],
    }


def enum_entries(tvm_ffi: Any, type_index: int) -> dict[str, int]:  # noqa: ANN401
    """Return the name and the integer of each entry of an enumeration."""
    find = getattr(tvm_ffi.core, "_lookup_type_attr", lambda *_: None)
    state = find(type_index, "__ffi_enum__")
    if state is not None:
        return {str(entry._str_index): int(entry._int_index) for entry in state.entries}  # noqa: SLF001
    # Up to 0.1.12, the attribute has this name.
    entries = find(type_index, "__ffi_enum_entries__")
    return {} if entries is None else {str(n): int(e._value) for n, e in entries.items()}  # noqa: SLF001


def literal(value: Any) -> str | None:  # noqa: ANN401
    """Return a value as a Python literal, or ``None`` if the value has no short literal.

    >>> literal(1.5), literal("a"), literal(None), literal(float("inf")), literal([])
    ('1.5', "'a'", 'None', None, None)
    """
    if value is None:
        return "None"
    # Convert the value first, because a string of tvm-ffi is an object of a subclass of `str`.
    types: tuple[Any, ...] = (bool, int, float, str, bytes)
    texts = (ascii(cls(value)) for cls in types if isinstance(value, cls))
    text = next(texts, "inf")
    is_literal = text.strip("-") not in {"inf", "nan"}
    return text if is_literal and len(text) <= LONGEST_DEFAULT else None


def missing_methods(tvm_ffi: Any, types: Iterable[str]) -> dict[str, dict[str, str]]:  # noqa: ANN401
    """Return the methods that tvm_ffi has not added to the classes of registered types.

    If a class already has an attribute with the name of a method, tvm_ffi does not add the method.
    The attribute may be inherited, or come from the metaclass.

    :param types: the keys of types. Types without a Python class are skipped.
    :returns: for each type key, the missing methods: a mapping from the name of the method to the
        name of the class that has the attribute.
    """
    result: dict[str, dict[str, str]] = {}
    for key in types:
        info = type_info(tvm_ffi, key)
        cls = info.type_cls
        if cls is None:
            continue
        fields = {field.name for field in info.fields or ()}
        for name in dict.fromkeys(method.name for method in info.methods):
            if name != "__ffi_init__" and (name in fields or name not in vars(cls)):
                owners = (c for c in (*cls.__mro__, *type(cls).__mro__) if name in vars(c))
                owner = next(owners, cls)
                place = f"{owner.__module__}.{owner.__qualname__}".removeprefix("builtins.")
                result.setdefault(key, {})[name] = place
    return result


def type_info(tvm_ffi: Any, key: str) -> Any:  # noqa: ANN401
    """Return the reflection data that the generator uses for a type."""
    return tvm_ffi.core._lookup_or_register_type_info_from_type_key(key)  # noqa: SLF001


def lineage(tvm_ffi: Any, key: str) -> Iterator[str]:  # noqa: ANN401
    """Yield a type key and its ancestors."""
    info = type_info(tvm_ffi, key)
    while info is not None:
        yield info.type_key
        info = info.parent_type_info


def python_classes(tvm_ffi: Any) -> dict[str, list[Any]]:  # noqa: ANN401
    """Return a pair for each type key: the type key of the parent, and the Python class.

    The first value is ``None`` if the type has no parent. The second value is ``None`` if the type
    has no class, or if Python code cannot import the class.
    """
    result = {}
    for key in map(str, tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys")()):
        info = type_info(tvm_ffi, key)
        parent = info.parent_type_info
        result[key] = [None if parent is None else parent.type_key, importable(info.type_cls)]
    return result


def importable(cls: Any) -> list[str] | None:  # noqa: ANN401 - a class, or None
    """Return the names of the module and of the class with which Python code can import a class.

    If parent packages of the class's module also contain the class, the result names the outermost
    of these packages.

    :returns: ``None`` if there is no class, or if no imported module contains the class.
    """
    if cls is None:
        return None
    name = str(cls.__name__)
    parts = cls.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if getattr(sys.modules.get(module), name, None) is cls:
            return [module, name]
    return None


# --- exported symbols ---------------------------------------------------------------------------


def symbols(tvm_ffi: Any, library: str) -> dict[str, Any]:  # noqa: ANN401
    """Return the schema and doc of each exported function with the prefix ``__tvm_ffi_``.

    This function searches the bytes of the file for names, so it works with every file format. The
    system's loader then confirms that the library exports each name. For an ELF file, the symbol
    table confirms that the name belongs to a function, because calling data would crash.
    """
    loaded = ctypes.CDLL(library)
    content = Path(library).read_bytes()
    found = {match[1].decode() for match in _SYMBOL.finditer(content)}
    exported = elf_symbols(content)
    names = sorted(
        name
        for name in found
        if not name.startswith(_COMPANIONS)
        and hasattr(loaded, f"__tvm_ffi_{name}")
        and (exported is None or exported.get(f"__tvm_ffi_{name}", False))
    )
    if not names:
        return {}
    module = tvm_ffi.load_module(library)
    result = {}
    for name in names:
        metadata: Mapping[str, Any] = {}
        doc = None
        with contextlib.suppress(Exception):  # Handwritten metadata may be invalid.
            doc = module.get_function_doc(name)
            metadata = module.get_function_metadata(name) or {}
        result[name] = {"schema": schema_of(tvm_ffi, metadata), "doc": doc}
    return result


def exports(library: str) -> bool:
    """Whether a library exports a symbol. If the file is not an ELF file, return ``True``."""
    symbols = elf_symbols(Path(library).read_bytes())
    return symbols is None or bool(set(symbols) - _LINKER_SYMBOLS)


def elf_symbols(content: bytes) -> dict[str, bool] | None:
    """Return the symbols that an ELF file exports.

    https://gabi.xinuos.com/elf/05-symtab.html

    :returns: for each symbol, whether the symbol is a function; ``None`` if the file is not ELF.
    """
    if content[:4] != b"\x7fELF":
        return None
    is_64_bit, order = content[4] == 2, "<" if content[5] == 1 else ">"  # noqa: PLR2004
    header, section, symbol = (
        struct.Struct(order + layout)
        for layout in (
            ("40xQ10xHHH", "IIQQQQIIQQ", "IBBHQQ") if is_64_bit else ("32xI10xHHH", "10I", "IIIBBH")
        )
    )
    table, size, count, _ = header.unpack_from(content)
    sections = [section.unpack_from(content, table + size * n) for n in range(count)]
    symbols = {}
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind != _SHT_DYNSYM:
            continue
        names = sections[link][4]
        for values in symbol.iter_unpack(content[offset : offset + length]):
            info, _, defined_in = values[1:4] if is_64_bit else values[3:6]
            if defined_in != 0 and info >> 4 != _STB_LOCAL:
                start = names + values[0]
                name = content[start : content.index(b"\0", start)].decode(errors="replace")
                symbols[name] = info & 0xF in _ELF_FUNCTIONS
    return symbols


# --- docs that the Python API does not return ----------------------------------------------------


class ByteArray(ctypes.Structure):
    """The structure ``TVMFFIByteArray`` of the stable C ABI (`tvm/ffi/c_api.h`)."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t))

    def text(self) -> str:
        """Return the text. Invalid UTF-8 is escaped with backslashes."""
        content = ctypes.string_at(self.data, self.size) if self.size else b""
        return content.decode("utf-8", "backslashreplace")


class TypeMetadata(ctypes.Structure):
    """The first field of the structure ``TVMFFITypeMetadata``."""

    _fields_ = (("doc", ByteArray),)


class TypeInfo(ctypes.Structure):
    """The structure ``TVMFFITypeInfo``."""

    _fields_ = (
        ("type_index", ctypes.c_int32),
        ("type_depth", ctypes.c_int32),
        ("type_key", ByteArray),
        ("type_ancestors", ctypes.c_void_p),
        ("type_key_hash", ctypes.c_uint64),
        ("num_fields", ctypes.c_int32),
        ("num_methods", ctypes.c_int32),
        ("fields", ctypes.c_void_p),
        ("methods", ctypes.c_void_p),
        ("metadata", ctypes.POINTER(TypeMetadata)),
    )


def type_doc(tvm_ffi: Any, type_index: int) -> str | None:  # noqa: ANN401
    """Return a type's doc from the C API. The Python API (0.1.15.post2) omits the docs of types."""
    get_type_info = tvm_ffi.LIB.TVMFFIGetTypeInfo
    get_type_info.restype = ctypes.POINTER(TypeInfo)
    get_type_info.argtypes = (ctypes.c_int32,)
    info = get_type_info(type_index)
    if not info or not info.contents.metadata:
        return None
    return info.contents.metadata.contents.doc.text() or None


# --- hiding names that no Python module can define -----------------------------------------------


def hide(tvm_ffi: Any, hidden: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Hide functions, types and members of types from the generator.

    :param hidden: a mapping with three keys. ``functions`` is a list of function names, and
        ``types`` is a list of type keys. ``members`` maps type keys to lists of member names.
    """
    for name in hidden["functions"]:
        tvm_ffi.registry.remove_global_func(name)
    if hidden["types"]:
        lib_state: Any = importlib.import_module("tvm_ffi.stub.lib_state")
        original: Callable[[], Iterable[Any]] = lib_state.GetRegisteredTypeKeys
        keys = frozenset(hidden["types"])
        lib_state.GetRegisteredTypeKeys = lambda: [k for k in original() if str(k) not in keys]
    for key, members in hidden["members"].items():
        info = type_info(tvm_ffi, key)
        for every in (info.fields, info.methods):
            every[:] = [member for member in every if member.name not in members]
