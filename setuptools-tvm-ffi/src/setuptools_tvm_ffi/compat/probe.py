# SPDX-License-Identifier: Apache-2.0
"""Imports the packages of the wheel and calls their functions, in a child process.

Before each step, the probe writes the name of the step to a file. After a crash, the last name in
the file is the name of the step that crashed. The plugin is not installed in the temporary
environment, so the Python of this environment runs this file by path. The probe must work with
every apache-tvm-ffi release since 0.1.0. Before it calls a newer function of tvm_ffi, it checks
whether the function exists.
"""

from __future__ import annotations

import fnmatch
import importlib
import json
import os
import re
import runpy
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Callable

_SYMBOL = re.compile(rb"__tvm_ffi_([A-Za-z_]\w*)")
_COMPANIONS = ("_metadata_", "_doc_", "_library_")


def main() -> None:
    """Run the probe that the command line describes, and write its progress to a file."""
    # Each line is flushed, so that a crash loses no line.
    with open(sys.argv[1], "a", encoding="utf-8") as stream:

        def announce(**content: Any) -> None:  # noqa: ANN401 - for JSON
            stream.write(json.dumps(content) + "\n")
            stream.flush()

        request = json.loads(sys.argv[2])
        try:
            found = probe(request, announce)
        except BaseException as problem:  # noqa: BLE001 - any exception is a result
            lines = str(problem).strip().splitlines() or [""]
            announce(error=f"{type(problem).__name__}: {lines[0]}")
            status = 1
        else:
            announce(done=found)
            status = 0
    sys.stdout.flush()
    # End without static destructors, which os._exit() skips: a crash in a destructor would not mean
    # that the ABI is incompatible.
    os._exit(status)


def probe(request: Mapping[str, Any], announce: Callable[..., None]) -> dict[str, int | None]:
    """Import packages and call functions.

    Return the number of functions and of classes that were found, and the number of calls.
    """
    announce(step="import", name="tvm_ffi")
    tvm_ffi: Any = importlib.import_module("tvm_ffi")
    before = set(tvm_ffi.registry.list_global_func_names())
    keys_before = set(type_keys(tvm_ffi))
    for package in request["packages"]:
        announce(step="import", name=package)
        importlib.import_module(package)
    schema_module = runpy.run_path(request["schema_module"], run_name="schema")

    def takes_nothing(metadata: Any) -> bool:  # noqa: ANN401 - what a release returns
        return is_known_to_take_nothing(schema_module["parse_schema"], metadata)

    functions = {}
    for name in registered_since(before, tvm_ffi.registry.list_global_func_names()):
        announce(step="look up", name=name)
        functions[name] = tvm_ffi.get_global_func(name), global_metadata(tvm_ffi, name)
    for library in request["libraries"]:
        path = located(library)
        announce(step="load", name=library)
        module = tvm_ffi.load_module(str(path))
        for symbol in exported_symbols(path):
            announce(step="look up", name=symbol)
            function = module.get_function(symbol)
            functions[symbol] = function, symbol_metadata(module, symbol)
    classes = {}
    look_up = class_look_up(tvm_ffi)
    if look_up is not None:
        for key in registered_since(keys_before, type_keys(tvm_ffi)):
            announce(step="look up", name=key)
            classes[key] = look_up(key)

    calls: dict[str, Callable[[], object]] = {
        name: function
        for name, (function, metadata) in functions.items()
        if takes_nothing(metadata)
    }
    calls.update(class_calls(classes, takes_nothing))
    called = 0
    for name, call in calls.items():
        skipped = any(fnmatch.fnmatchcase(name, pattern) for pattern in request["skipped"])
        if is_own(name, request["packages"]) and not skipped:
            announce(step="call", name=name)
            call()
            called += 1
    return {
        "functions": len(functions),
        "classes": None if look_up is None else len(classes),
        "called": called,
    }


def registered_since(before: set[str], names: Iterable[str]) -> list[str]:
    """Return the names that are not in `before`, except the names of tvm-ffi's own functions.

    `before` contains the functions that tvm-ffi registers when it is imported. tvm-ffi registers
    some of its functions later.
    """
    return sorted(name for name in set(names) - before if not name.startswith("ffi."))


def type_keys(tvm_ffi: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the keys of all registered types, if the release can list them."""
    registered = tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys", allow_missing=True)
    if registered is not None:
        yield from map(str, registered())


def class_look_up(tvm_ffi: Any) -> Callable[[str], Any] | None:  # noqa: ANN401
    """Return tvm-ffi's function that looks up the reflection data of a type, such as its methods.

    The result is ``None`` if the release lacks this function, or lacks the function that lists the
    types. Both functions are private in tvm-ffi.
    """
    if tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys", allow_missing=True) is None:
        return None
    look_up: Callable[[str], Any] | None = getattr(
        tvm_ffi.core, "_lookup_or_register_type_info_from_type_key", None
    )
    return look_up


def global_metadata(tvm_ffi: Any, name: str) -> Any:  # noqa: ANN401
    """Return the metadata of a global function."""
    read = getattr(tvm_ffi.registry, "get_global_func_metadata", None)
    try:
        return None if read is None else read(name)
    except ValueError:  # The function has no metadata.
        return None


def symbol_metadata(module: Any, name: str) -> Any:  # noqa: ANN401
    """Return the metadata of an exported function."""
    read = getattr(module, "get_function_metadata", None)
    return None if read is None else read(name)


def class_calls(
    classes: Mapping[str, Any], takes_nothing: Callable[[Any], bool]
) -> dict[str, Callable[[], object]]:
    """Return the constructors and static methods that take no arguments."""
    calls: dict[str, Callable[[], object]] = {}
    for key, info in classes.items():
        for method in getattr(info, "methods", None) or ():
            if not method.is_static or not takes_nothing(method.metadata):
                continue
            if method.name == "__ffi_init__":
                cls = info.type_cls
                if cls is not None:
                    calls[key] = made_as(cls)
            else:
                calls[f"{key}.{method.name}"] = method.func
    return calls


def made_as(cls: Any) -> Callable[[], object]:  # noqa: ANN401 - any class
    """Return a function that calls `cls` and rejects a result whose class is not exactly `cls`."""

    def make() -> None:
        made = cls()
        if type(made) is not cls:
            raise TypeError(f"{cls.__name__}() returned a {type(made).__name__}")

    return make


def is_known_to_take_nothing(parse_schema: Callable[[str], Any], metadata: Any) -> bool:  # noqa: ANN401
    """Whether the type schema of a function shows that the function takes no arguments."""
    text = metadata.get("type_schema") if isinstance(metadata, Mapping) else None
    if not isinstance(text, str):
        return False
    try:
        schema = parse_schema(text)
    except (ValueError, RecursionError):
        return False
    return schema.result is not None and schema.parameters == ()


def is_own(name: str, packages: list[str]) -> bool:
    """Whether a name is an exported symbol, or belongs to a package of the wheel.

    A name without a dot is an exported symbol. Any other name starts with the name of the package
    that registered it. This package can also be a dependency of the wheel. For the names of a
    dependency, the result is false.
    """
    return "." not in name or name.partition(".")[0] in {p.partition(".")[0] for p in packages}


def exported_symbols(library: Path) -> list[str]:
    """Return the names of the functions that a library exports."""
    found = {match[1].decode() for match in _SYMBOL.finditer(library.read_bytes())}
    loaded = importlib.import_module("ctypes").CDLL(str(library))
    return sorted(
        name
        for name in found
        if not name.startswith(_COMPANIONS) and hasattr(loaded, f"__tvm_ffi_{name}")
    )


def located(library: str) -> Path:
    """Return the absolute path of an installed library.

    :param library: the path of the library in the wheel.
    :raises FileNotFoundError: the library is not installed.
    """
    for entry in sys.path:
        if entry and Path(entry, library).is_file():
            return Path(entry, library)
    raise FileNotFoundError(f"{library} is not installed")


if __name__ == "__main__":
    main()
