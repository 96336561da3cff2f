# SPDX-License-Identifier: Apache-2.0
"""Runs in the child process: reads what the registry says of functions, types and symbols.

`child.py` runs it by its file name; like that it can import nothing of the plugin.
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
from typing import IO, Any

# What TVM_FFI_DLL_EXPORT_TYPED_FUNC puts before a name. It may stand in a longer name: linkers
# store a name that others end with only once.
_SYMBOL = re.compile(rb"__tvm_ffi_([A-Za-z_]\w*)")
# Of the names that begin like this there is one for each symbol, or one for the library.
_COMPANIONS = ("_metadata_", "_doc_", "_library_")


def reflect(
    tvm_ffi: Any,  # noqa: ANN401 - the module
    library: str,
    functions: Iterable[str],
    types: Iterable[str],
) -> dict[str, Any]:
    """Return, for JSON, what is known of these names and of the symbols that a library exports.

    :param library: a library that is loaded.
    :param types: come with those that they derive from.
    """
    teach_types(tvm_ffi)
    names = sorted(functions)
    docs = global_function_docs(tvm_ffi, names)
    keys = sorted({ancestor for key in types for ancestor in lineage(tvm_ffi, key)})
    return {
        "functions": {name: global_function(tvm_ffi, name, docs.get(name)) for name in names},
        "types": {key: object_type(tvm_ffi, key) for key in keys},
        "symbols": symbols(tvm_ffi, library),
        "module_attributes": dir(tvm_ffi.Module),
        "object_attributes": dir(tvm_ffi.Object),
        "python_classes": python_classes(tvm_ffi),
        "finds_docs": finds_docs(),
        # Releases before 0.1.10 leave constructors to whoever writes the class.
        "makes_constructors": hasattr(tvm_ffi.registry, "_install_init"),
    }


def global_function(tvm_ffi: Any, name: str, doc: str | None) -> dict[str, Any]:  # noqa: ANN401
    """Return the schema (JSON text, ``None`` where it has none) and doc of a global function."""
    metadata: Mapping[str, Any] = {}
    with contextlib.suppress(ValueError):
        metadata = tvm_ffi.registry.get_global_func_metadata(name)
    schema = schema_of(tvm_ffi, metadata)
    return {
        "schema": schema,
        "doc": doc or None,
        # The generator passes over a function without types, and not over such.
        "unwritable": schema is None and readable(tvm_ffi, metadata) is not None,
    }


def schema_of(tvm_ffi: Any, metadata: Mapping[str, Any]) -> str | None:  # noqa: ANN401
    """Return the type schema, JSON text, or ``None`` where the generator could not write it.

    It writes words of the registry that it does not know as they are, ``std::pair`` for instance.
    """
    parsed = readable(tvm_ffi, metadata)
    try:
        ast.parse(str(parsed), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if parsed is None else str(metadata["type_schema"])


def readable(tvm_ffi: Any, metadata: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the type schema as the generator reads it, ``None`` where it cannot."""
    schema = metadata.get("type_schema")
    if not isinstance(schema, str):
        return None
    try:
        return tvm_ffi.core.TypeSchema.from_json_str(schema)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None


def teach_types(tvm_ffi: Any) -> None:  # noqa: ANN401
    """Have the generator write ``std::array`` as it writes ``std::vector``.

    Up to 0.1.15.post2 it does not know it, and what it writes is no Python.
    """
    known = getattr(tvm_ffi.core, "_TYPE_SCHEMA_ORIGIN_CONVERTER", None)
    if isinstance(known, dict) and "std::vector" in known:
        known.setdefault("std::array", known["std::vector"])


def object_type(tvm_ffi: Any, key: str) -> dict[str, Any]:  # noqa: ANN401
    """Return what reflection has of a type: its own fields and methods, its parent, its doc."""
    core = tvm_ffi.core
    info = core._lookup_or_register_type_info_from_type_key(key)  # noqa: SLF001 - as the generator
    parent = info.parent_type_info
    constructor = any(method.name == "__ffi_init__" for method in info.methods)
    if not constructor and hasattr(core, "_lookup_type_attr"):
        constructor = core._lookup_type_attr(info.type_index, "__ffi_init__") is not None  # noqa: SLF001
    return {
        "parent": None if parent is None else parent.type_key,
        "doc": type_doc(tvm_ffi, info.type_index),
        "constructor": constructor,
        "fields": [
            {
                "name": field.name,
                "schema": schema_of(tvm_ffi, field.metadata),
                "doc": field.doc,
                "read_only": bool(field.frozen),
                # Of 0.1.9 and newer.
                "in_constructor": bool(getattr(field, "c_init", True)),
                "keyword_only": bool(getattr(field, "c_kw_only", False)),
                "has_default": bool(getattr(field, "c_has_default", False)),
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


def lineage(tvm_ffi: Any, key: str) -> Iterator[str]:  # noqa: ANN401
    """Yield a type key and those above it."""
    info = tvm_ffi.core._lookup_or_register_type_info_from_type_key(key)  # noqa: SLF001
    while info is not None:
        yield info.type_key
        info = info.parent_type_info


def python_classes(tvm_ffi: Any) -> dict[str, list[Any]]:  # noqa: ANN401
    """Return for each registered type its parent, and module and name of its class, if it has one.

    The name is one by which the class can be imported, from `tvm_ffi` itself where it is there.
    """
    result = {}
    for key in map(str, tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys")()):
        info = tvm_ffi.core._lookup_or_register_type_info_from_type_key(key)  # noqa: SLF001
        parent = info.parent_type_info
        result[key] = [None if parent is None else parent.type_key, importable(info.type_cls)]
    return result


def importable(cls: Any) -> list[str] | None:  # noqa: ANN401 - a class, or None
    """Return module and name to import a class by: the outermost package that has it."""
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
    """Return schema and doc of each function that a library exports under ``__tvm_ffi_…``.

    Names are read as text out of the file, whatever its format, and then asked for by the loader.
    """
    loaded = ctypes.CDLL(library)
    found = {match[1].decode() for match in _SYMBOL.finditer(Path(library).read_bytes())}
    names = sorted(
        name
        for name in found
        if not name.startswith(_COMPANIONS) and hasattr(loaded, f"__tvm_ffi_{name}")
    )
    if not names:
        return {}
    module = tvm_ffi.load_module(library)
    result = {}
    for name in names:
        metadata: Mapping[str, Any] = {}
        doc = None
        with contextlib.suppress(Exception):  # what a hand-written companion returns is anything
            metadata = module.get_function_metadata(name) or {}
        with contextlib.suppress(Exception):
            doc = module.get_function_doc(name)
        result[name] = {"schema": schema_of(tvm_ffi, metadata), "doc": doc}
    return result


# --- docs that no function of the registry returns ----------------------------------------------


class ByteArray(ctypes.Structure):
    """``TVMFFIByteArray`` of the stable C ABI (`tvm/ffi/c_api.h`)."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t))

    def text(self) -> str:
        """Return the text; what is not UTF-8 as escapes."""
        content = ctypes.string_at(self.data, self.size) if self.size else b""
        return content.decode("utf-8", "backslashreplace")


class TypeMetadata(ctypes.Structure):
    """The beginning of ``TVMFFITypeMetadata``."""

    _fields_ = (("doc", ByteArray),)


class TypeInfo(ctypes.Structure):
    """``TVMFFITypeInfo``."""

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
    """Return the doc of a type, which Python's view of the registry leaves out (0.1.15.post2)."""
    get_type_info = tvm_ffi.LIB.TVMFFIGetTypeInfo
    get_type_info.restype = ctypes.POINTER(TypeInfo)
    get_type_info.argtypes = (ctypes.c_int32,)
    info = get_type_info(type_index)
    if not info or not info.contents.metadata:
        return None
    return info.contents.metadata.contents.doc.text() or None


# TVMFFIMethodInfo up to its function: name, doc, flags, metadata (pairs of pointer and size), and
# the index of the function's type.
_METHOD_INFO = struct.Struct("=QQQQqQQ")
_FUNCTION_TYPE_INDEX = struct.pack("=ii", 68, 0)  # kTVMFFIFunction, and padding
_POINTER = struct.Struct("=Q")
# How much memory is read at a time.
_PIECE = 1 << 24


def global_function_docs(tvm_ffi: Any, names: Iterable[str]) -> dict[str, str]:  # noqa: ANN401
    """Return the docs of global functions.

    The registry keeps them, and up to 0.1.15.post2 nothing returns them. It keeps each function as
    a ``TVMFFIMethodInfo`` of the stable C ABI, which holds the address of the function object; that
    is known here, and looked for in the memory of this process. A find counts where the name is
    the right one. Linux only: elsewhere there are no docs of global functions.
    """
    by_address = {}
    for name in names:
        function = tvm_ffi.get_global_func(name, allow_missing=True)
        if function is not None:
            by_address[function.__chandle__()] = name
    docs: dict[str, str] = {}
    if not by_address or not finds_docs():
        return docs
    # Through the file a read of what is not there is an error, and none that ends the process.
    with contextlib.suppress(OSError), open("/proc/self/mem", "rb", buffering=0) as memory:
        for start, end in writable_memory():
            for piece in range(start, end, _PIECE):
                # A record that begins in one piece and ends in the next is found in the first.
                search_docs(memory, piece, min(end, piece + _PIECE + 128), by_address, docs)
                if len(docs) == len(by_address):
                    return docs
    return docs


def finds_docs() -> bool:
    """Whether the docs of global functions can be found in memory here."""
    is_64_bit = struct.calcsize("P") == _POINTER.size
    return sys.platform.startswith("linux") and sys.byteorder == "little" and is_64_bit


def search_docs(
    memory: IO[bytes], start: int, end: int, by_address: Mapping[int, str], docs: dict[str, str]
) -> None:
    """Add the docs that are found in one range of memory."""
    content = read(memory, start, end - start)
    at = content.find(_FUNCTION_TYPE_INDEX)
    while at != -1:
        after = at + len(_FUNCTION_TYPE_INDEX)
        begin = at - _METHOD_INFO.size
        if begin >= 0 and after + _POINTER.size <= len(content):
            name = by_address.get(_POINTER.unpack_from(content, after)[0])
            if name is not None and name not in docs:
                doc = doc_of(memory, _METHOD_INFO.unpack_from(content, begin), name.encode())
                if doc is not None:
                    docs[name] = doc
        at = content.find(_FUNCTION_TYPE_INDEX, at + 8)


def doc_of(memory: IO[bytes], method_info: tuple[int, ...], name: bytes) -> str | None:
    """Return the doc of a method's record, or ``None`` where it is no record of that name."""
    name_at, name_size, doc_at, doc_size = method_info[:4]
    if name_size != len(name) or doc_size >= 1 << 24:
        return None
    if read(memory, name_at, name_size) != name:
        return None
    doc = read(memory, doc_at, doc_size)
    return doc.decode("utf-8", "backslashreplace") if len(doc) == doc_size else None


def read(memory: IO[bytes], start: int, size: int) -> bytes:
    """Return a piece of this process's memory, as much of it as is there."""
    try:
        memory.seek(start)
        return memory.read(size)
    except (OSError, OverflowError, ValueError):
        return b""


def writable_memory() -> Iterator[tuple[int, int]]:
    """Yield start and end of what this process has allocated, the heap first."""
    ranges = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        address, permissions, _, _, inode, *path = line.split(maxsplit=5)
        if permissions.startswith("rw") and inode == "0" and path[:1] in ([], ["[heap]"]):
            start, end = (int(part, 16) for part in address.split("-"))
            if end - start < 1 << 30:  # a sanitizer's shadow is larger
                ranges.append((not path, start, end))
    for _, start, end in sorted(ranges):
        yield start, end


# --- hiding what no Python module could have -----------------------------------------------------


def hide(tvm_ffi: Any, hidden: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Have the generator not see some functions, types, and members of types.

    :param hidden: lists ``functions`` and ``types``, and ``members``, a list for each type key.
    """
    for name in hidden["functions"]:
        tvm_ffi.registry.remove_global_func(name)
    if hidden["types"]:
        lib_state: Any = importlib.import_module("tvm_ffi.stub.lib_state")
        original: Callable[[], Iterable[Any]] = lib_state.GetRegisteredTypeKeys
        keys = frozenset(hidden["types"])
        lib_state.GetRegisteredTypeKeys = lambda: [k for k in original() if str(k) not in keys]
    for key, members in hidden["members"].items():
        info = tvm_ffi.core._lookup_or_register_type_info_from_type_key(key)  # noqa: SLF001
        for every in (info.fields, info.methods):
            every[:] = [member for member in every if member.name not in members]
