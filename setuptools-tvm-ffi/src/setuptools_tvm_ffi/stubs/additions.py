# SPDX-License-Identifier: Apache-2.0
"""Writes the code that the plugin adds to the end of generated modules.

The code imports packages that define classes, because functions of other packages can return
objects of these classes. The code also sets the entries of enumerations. ``tvm-ffi-stubgen`` does
not write this code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from ..ffi.type_schema import Schema
from .directives import API_MODULE
from .names import key_problem
from .places import Places
from .registry import Registry


def additions(
    registry: Registry,
    prefix: str,
    other_prefixes: Collection[str],
    places: Places,
    *,
    left_out: Collection[tuple[str, str]] = (),
    modules: Collection[PurePosixPath] = (),
) -> dict[PurePosixPath, str]:
    """Return the code to add to each generated module of a library.

    :param registry: the functions, types and symbols that get stubs.
    :param prefix: the registry prefix of the library, with a trailing dot.
    :param other_prefixes: the registry prefixes of the distribution's other libraries.
    :param places: the modules that define the classes.
    :param left_out: the kind and the name of each item without a stub, see `NameProblem`.
    :param modules: the paths of the package's Python files, see `StubRequest.modules`.
    """
    root = prefix.rstrip(".")
    result = {}
    defined_in = _defining_modules(registry, prefix, other_prefixes, places, modules)
    imported = _modules_to_import(registry, root, defined_in)
    if imported:
        # The added code contains imports, and is at the end of the `__init__.py` of the root
        # package, which is the package of the registry prefix. When Python runs the added code, the
        # root package has already defined all its names, and no other package of the library is
        # being imported. Therefore, the imports are not circular.
        imports = "".join(f"import {m} as _tvm_ffi_package  # noqa: E402\n" for m in imported)
        code = f"{imports}\ndel _tvm_ffi_package\n"
        result[PurePosixPath(*root.split("."), "__init__.py")] = code
    for key, type_ in sorted(registry.types.items()):
        path, name = places.of_class(key)
        for entry in type_.entries:
            if ("entry", f"{key}.{entry}") not in left_out:
                line = f'{name}.{entry} = {name}.get("{entry}")\n'
                result[path] = result.get(path, "") + line
    return result


def _defining_modules(
    registry: Registry,
    prefix: str,
    others: Collection[str],
    places: Places,
    modules: Collection[PurePosixPath],
) -> dict[str, str]:
    """Return the module that defines the class of each type. Omit types without a class.

    The result maps type keys of the distribution to dotted names of modules. A type of this library
    has a class if `registry.types` contains the type. A type of another library has a class if
    `key_problem` finds no problem.
    """
    result = {}
    for key in registry.parents:
        found = max((p for p in (prefix, *others) if key.startswith(p)), key=len, default=None)
        if found == prefix:
            has_class = key in registry.types
        else:
            problem = found is None or key_problem(key, found, registry.parents, modules)
            has_class = not problem
        if has_class:
            parts = places.of_class(key)[0].with_suffix("").parts
            is_of_package = parts[-1] in {API_MODULE, "__init__"}
            result[key] = ".".join(parts[:-1] if is_of_package else parts)
    return result


def _modules_to_import(registry: Registry, root: str, defined_in: Mapping[str, str]) -> list[str]:
    """Return the modules that the package of the registry prefix (`root`) must import.

    A function can return objects of the types in its signature, and objects of types derived from
    these types. The class of such an object may be in another module than the function. If nothing
    has imported the module of the class, tvm_ffi creates a new class for the object.

    :param defined_in: see `_defining_modules`.
    """
    named = {
        (package, key)
        for package, schema in _schemas(registry, root)
        for key in _names(schema)
        if key in defined_in
    }
    needed = set()
    for key, module in defined_in.items():
        lineage = {key, *registry.ancestors(key)}
        # Skip a class of another library that derives from a class of this library. The package of
        # the derived class imports this library, so an import of that package would be circular.
        circular = key not in registry.types and any(a in registry.types for a in lineage)
        # Skip parent packages of the root package: Python imports them before the root package.
        is_above = f"{root}.".startswith(f"{module}.")
        is_named = any(a in lineage and package != module for package, a in named)
        if is_named and not circular and not is_above:
            needed.add(module)
    return sorted(needed)


def _schemas(registry: Registry, root: str) -> Iterator[tuple[str, Schema]]:
    """Yield each schema of the library, with the package whose module uses the schema."""
    for name, function in registry.functions.items():
        yield name.rpartition(".")[0], function.schema
    for function in registry.symbols.values():
        yield root, function.schema
    for key, type_ in registry.types.items():
        schemas = [field.schema for field in type_.fields]
        schemas += [method.schema for method in type_.methods]
        for schema in schemas:
            yield key.rpartition(".")[0], schema


def _names(schema: Schema) -> Iterator[str]:
    """Yield the names of all types in a schema."""
    yield schema.origin
    result = () if schema.result is None else (schema.result,)
    for part in (*schema.args, *(schema.parameters or ()), *result):
        yield from _names(part)
