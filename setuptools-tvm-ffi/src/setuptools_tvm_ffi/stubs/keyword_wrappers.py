# SPDX-License-Identifier: Apache-2.0
"""Writes code that gives functions keywords and defaults, for the setting `call-signatures`.

`added_code` appends the code to generated modules. The code wraps functions with
``tvm_ffi.utils.kwargs_wrapper``, which every supported release of apache-tvm-ffi contains.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from ..base.file_digest import digest_of
from .call_signatures import CONSTRUCTOR, Signatures
from .docstrings import docstring_lines
from .places import Places, generated_module
from .registry import Function, Registry

# If a build cannot read docstrings from the library, it reads the docstrings from the code that an
# earlier build has added to the modules. The digest in this code shows whether the functions still
# have the types that the docstrings describe.
_DIGEST = "# Digest of the functions' types. Builds that cannot read docstrings compare it: "
_HELPER = '''\
def _tvm_ffi_signature(name, owner=None):
    """Return a decorator that gives a function the parameters and docstring of a prototype."""
    import inspect
    import sys

    # The library may register functions with these names.
    from builtins import getattr, isinstance, list, setattr, staticmethod, type, vars

    from tvm_ffi.utils.kwargs_wrapper import make_kwargs_wrapper

    def replace(prototype):
        place = sys.modules[__name__] if owner is None else owner
        is_class = isinstance(place, type)
        if is_class and name not in vars(place):
            return  # tvm_ffi adds no method if the class has an attribute of this name
        prototype.__doc__ = inspect.getdoc(prototype)
        prototype.__name__ = name
        prototype.__qualname__ = f"{place.__qualname__}.{name}" if is_class else name
        function = target = getattr(place, name)
        if is_class:
            # The method only calls the registered function. Leave out the method from calls.
            for method in place.__tvm_ffi_type_info__.methods:
                if method.name == name:
                    target = method.func
        code = prototype.__code__
        count = code.co_argcount
        names = list(code.co_varnames)
        wrapper = make_kwargs_wrapper(
            target, names[:count], kwonly_names=names[count:], prototype=prototype
        )
        # Python's own defaults are faster than those of `make_kwargs_wrapper`.
        wrapper.__defaults__ = prototype.__defaults__
        wrapper.__kwdefaults__ = prototype.__kwdefaults__
        wrapper.__code__ = wrapper.__code__.replace(
            co_name=name, co_posonlyargcount=code.co_posonlyargcount
        )
        wrapper.__signature__ = inspect.signature(prototype)
        wrapper.__wrapped__ = function
        is_static = is_class and isinstance(vars(place)[name], staticmethod)
        setattr(place, name, staticmethod(wrapper) if is_static else wrapper)

    return replace
'''
_END = "del _tvm_ffi_prototype, _tvm_ffi_signature\n"


def wrappers(
    registry: Registry, prefix: str, signatures: Signatures, places: Places
) -> dict[PurePosixPath, str]:
    """Return the code for each module of a library.

    :param registry: the functions, types and symbols that get stubs.
    :param prefix: the registry prefix of the library, with a trailing dot.
    """
    prototypes: dict[PurePosixPath, list[str]] = {}
    for (kind, name), signature in signatures.items():
        owner, dot, last = name.rpartition(".")
        if kind == "method":
            path, class_name = places.of_class(owner)
            (method,) = (m for m in registry.types[owner].methods if m.name == last)
            is_constructor = last == CONSTRUCTOR
            code = _prototype(
                *(class_name, "__init__" if is_constructor else last, signature, method.doc),
                takes_self=is_constructor or not method.static,
            )
        elif kind == "symbol":
            path = generated_module(prefix)
            code = _prototype("LIB", name, signature, registry.symbols[name].doc)
        else:
            path = places.of_functions(owner + dot)
            code = _prototype(None, last, signature, registry.functions[name].doc)
        prototypes.setdefault(path, []).append(code)
    result = {path: "\n\n".join([_HELPER, *codes, _END]) for path, codes in prototypes.items()}
    for path, functions in _by_module(registry, places).items():
        digest = f"{_DIGEST}{_digest(functions)}\n"
        result[path] = f"{digest}\n\n{result[path]}" if path in result else digest
    return result


def committed_docs(
    registry: Registry, places: Places, files: Mapping[PurePosixPath, bytes]
) -> tuple[dict[str, str], list[PurePosixPath]]:
    """Read the docstrings of global functions from generated modules in the source tree.

    :param files: see `StubRequest.files`.
    :returns: the docstring of each function, and the stale modules. A module is stale if it lacks
        the digest of the types that are now registered. The docstrings in stale modules are
        omitted.
    """
    docs: dict[str, str] = {}
    stale = []
    for path, functions in _by_module(registry, places).items():
        text = files.get(path, b"").decode("utf-8", "replace")
        if f"{_DIGEST}{_digest(functions)}" not in text.splitlines():
            stale.append(path)
            continue
        decorators = {_decorator(None, name.rpartition(".")[2]): name for name in functions}
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                name = decorators.get(ast.get_source_segment(text, node.decorator_list[0]) or "")
                if name is not None:
                    docs[name] = ast.get_docstring(node) or ""
    return docs, stale


def _by_module(registry: Registry, places: Places) -> dict[PurePosixPath, dict[str, Function]]:
    result: dict[PurePosixPath, dict[str, Function]] = {}
    for name, function in registry.functions.items():
        package, dot, _ = name.rpartition(".")
        result.setdefault(places.of_functions(package + dot), {})[name] = function
    return result


def _digest(functions: Mapping[str, Function]) -> str:
    types = sorted((name, str(function.schema)) for name, function in functions.items())
    return digest_of(json.dumps(types).encode())[:16]


def _prototype(
    owner: str | None,
    name: str,
    signature: inspect.Signature,
    doc: str | None,
    *,
    takes_self: bool = False,
) -> str:
    parameters = list(signature.parameters.values())
    if takes_self:
        # If the parameter after `self` is positional-only, `self` must be positional-only, too.
        kinds = [p.kind for p in parameters if p.kind is p.POSITIONAL_ONLY]
        kind = (*kinds, inspect.Parameter.POSITIONAL_OR_KEYWORD)[0]
        parameters.insert(0, inspect.Parameter("self", kind))
    lines = docstring_lines(doc, "    ")
    definition = f"def _tvm_ffi_prototype{inspect.Signature(parameters)}:"
    return "\n".join([f"@{_decorator(owner, name)}", definition, *lines, ""])


def _decorator(owner: str | None, name: str) -> str:
    """Return the decorator of a prototype.

    A prototype is a definition without code. The decorator gives the parameters and the docstring
    of the prototype to the function that is called `name`.

    :param owner: the name of the object that has the function, such as a class or ``LIB``; ``None``
        for the module.
    """
    more = "" if owner is None else f", {owner}"
    return f'_tvm_ffi_signature("{name}"{more})'
