# SPDX-License-Identifier: Apache-2.0
"""Chooses the registered names that get stubs, and reports the names that get no stub."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..base.errors import BuildError
from .additions import additions
from .call_signatures import Signatures, find_signatures
from .kept_docs import DOCS_HINT
from .keyword_wrappers import committed_docs, wrappers
from .names import NameProblem, find_problems, hidden_by
from .places import Places, find_places
from .registry import Registry, read_registry
from .requests import StubRequest

_NOT_STRICT = (
    "set the project's setting 'stubs' to 'warn' or 'check' to leave the name out of the stubs"
)


@dataclass(frozen=True)
class Chosen:
    """The names that get stubs.

    :param hidden: the names to hide from the stub generator, see `hidden_by`.
    :param left_out: the kind and the name of each item without a stub, see `NameProblem`.
    :param visible_functions: all global functions that are not hidden from the stub generator.
    :param visible_names: the functions and types of this library that get stubs.
    :param additions: code that the plugin adds to generated modules, see `additions.additions`.
    :param signatures: the parameters of functions that accept keywords or have defaults.
    """

    registry: Registry
    hidden: Mapping[str, Any]
    left_out: frozenset[tuple[str, str]]
    visible_functions: Sequence[str]
    visible_names: Sequence[str]
    warnings: tuple[str, ...]
    additions: Mapping[PurePosixPath, str] = dataclasses.field(default_factory=dict)
    signatures: Signatures = dataclasses.field(default_factory=dict)


def choose_names(request: StubRequest, answer: Mapping[str, Any]) -> Chosen:
    """Choose the names that get stubs.

    :param answer: the child's answer for the stage ``reflected``, which contains the registry.
    :raises BuildError: nothing is registered under the prefix, or the build must fail because of a
        registered name that gets no stub.
    """
    settings = request.settings
    _check_prefix(request, answer)
    registry = read_registry(answer["registry"])
    _check_use(request, answer, registry)
    own = registry
    if settings.stubs != "directives":
        new = {*answer["new_functions"], *answer["new_types"]}
        own = dataclasses.replace(
            registry,
            functions={n: f for n, f in registry.functions.items() if _is_own(request, n, new)},
            types={k: t for k, t in registry.types.items() if _is_own(request, k, new)},
        )
    problems: list[NameProblem] = []
    if settings.stubs != "none" and settings.stubs_target == "python":
        problems = find_problems(
            own, settings.prefix, request.modules, makes_packages=settings.stubs == "init"
        )
    _check_names(request, problems)
    left_out = frozenset((problem.kind, problem.name) for problem in problems)
    functions = [name for name in own.functions if ("function", name) not in left_out]
    types = [key for key in own.types if ("type", key) not in left_out]
    warnings = _left_out(problems)
    warnings += _outside_prefix(request, [*answer["new_functions"], *answer["new_types"]])
    stubbed = dataclasses.replace(
        own,
        functions={n: f for n, f in own.functions.items() if ("function", n) not in left_out},
        types={k: t for k, t in own.types.items() if ("type", k) not in left_out},
    )
    places = find_places(request.files)
    added: dict[PurePosixPath, str] = {}
    if settings.stubs == "init" and settings.stubs_target == "python":
        others = [prefix for prefix in request.package_prefixes if prefix != settings.prefix]
        added = additions(
            *(stubbed, settings.prefix, others, places),
            left_out=left_out,
            modules=request.modules,
        )
    signatures: Signatures = {}
    if settings.call_signatures:
        stubbed = _with_committed_docs(request, stubbed, places)
        registry = dataclasses.replace(
            registry, functions={**registry.functions, **stubbed.functions}
        )
        signatures = find_signatures(settings, stubbed, left_out, places)
        for path, code in wrappers(stubbed, settings.prefix, signatures, places).items():
            added[path] = f"{added[path]}\n{code}" if path in added else code
    return Chosen(
        registry=registry,
        hidden=hidden_by(problems),
        left_out=left_out,
        visible_functions=[n for n in answer["functions"] if ("function", n) not in left_out],
        visible_names=[*functions, *types],
        warnings=tuple(warnings),
        additions=added,
        signatures=signatures,
    )


def _with_committed_docs(request: StubRequest, stubbed: Registry, places: Places) -> Registry:
    """Return the registry with the docstrings of global functions.

    If the child process cannot read the docstrings on this platform, the build reads the docstrings
    from generated modules in the source tree. Docstrings can declare keywords and defaults. Without
    docstrings, functions would accept fewer calls on this platform than on other platforms.
    """
    if stubbed.finds_docs or not stubbed.functions:
        return stubbed
    docs, stale = committed_docs(stubbed, places, request.files)
    if stale:
        raise BuildError(
            f"{request.settings.place('call_signatures')}: this build cannot read the docstrings "
            "of global functions from the library, and the modules that should contain these "
            f"docstrings are missing or out of date: {', '.join(map(str, stale))}",
            hint=DOCS_HINT,
        )
    functions = {n: dataclasses.replace(f, doc=docs.get(n)) for n, f in stubbed.functions.items()}
    return dataclasses.replace(stubbed, functions=functions)


def without_missing_methods(
    request: StubRequest, chosen: Chosen, missing: Mapping[str, Mapping[str, str]]
) -> Chosen:
    """Return `chosen` without the methods that tvm_ffi has not added to the classes.

    :param missing: the result of `ffi.reflection.missing_methods`.
    :raises BuildError: the project's setting `stubs` is ``strict``, and methods are missing.
    """
    problems = [
        NameProblem(
            "method",
            f"{key}.{name}",
            f"tvm_ffi does not add it to the class, because {owner} has an attribute of this name",
            f"register it under another name, or get it with [m.func for m in "
            f"{key.rpartition('.')[2]}.__tvm_ffi_type_info__.methods if m.name == {name!r}][0]",
        )
        for key, names in missing.items()
        for name, owner in names.items()
        if ("type", key) not in chosen.left_out
    ]
    _check_names(request, problems)
    return dataclasses.replace(
        chosen,
        left_out=chosen.left_out | {(problem.kind, problem.name) for problem in problems},
        warnings=(*chosen.warnings, *_left_out(problems)),
    )


def _left_out(problems: Sequence[NameProblem]) -> list[str]:
    return [f"{problem}: left out of the stubs; {problem.instead}" for problem in problems]


def _is_own(request: StubRequest, name: str, new: set[str]) -> bool:
    return (
        name in new
        and name.startswith(request.settings.prefix)
        and not name.startswith(request.other_prefixes)
    )


def _check_prefix(request: StubRequest, answer: Mapping[str, Any]) -> None:
    settings = request.settings
    names: list[str] = [*answer["new_functions"], *answer["new_types"]]
    # If no prefix is declared, only `stubs = "init"` requires names under the default prefix.
    expected = settings.registry_prefix is not None or (names and settings.stubs == "init")
    if expected and not any(name.startswith(settings.prefix) for name in names):
        # With `stubs = "init"`, `PackageTree.check` rejects a prefix that does not begin with the
        # name of the package. Suggest another prefix only if a registered name begins with the name
        # of the package.
        hint = (
            f"register names under {settings.prefix!r}, or set stubs to 'directives' and add stub "
            "directives to your own files"
        )
        inside = any(name.startswith(f"{settings.package}.") for name in names)
        if inside or (names and settings.stubs != "init"):
            hint = f"set {settings.spelled('registry_prefix')} to the prefix of these names"
        raise BuildError(
            f"extension {settings.name!r}: nothing is registered under the prefix "
            f"{settings.prefix!r}; the library registers {_listed(names) or 'nothing'}",
            hint=hint,
        )


def _outside_prefix(request: StubRequest, names: Sequence[str]) -> list[str]:
    """Return a warning about registered names that belong to no package of the distribution.

    :raises BuildError: the project's setting `stubs` is ``strict``, and there are such names.
    """
    settings = request.settings
    outside = [n for n in names if not n.startswith((settings.prefix, *request.package_prefixes))]
    if not outside or settings.stubs != "init":
        return []
    message = (
        f"extension {settings.name!r}: no stubs for names outside the prefix {settings.prefix!r}: "
        f"{_listed(outside)}"
    )
    renamed = settings.prefix + outside[0].rpartition(".")[2]
    hint = f"register a name under the prefix, for example as {renamed!r}"
    if request.strict:
        raise BuildError(message, hint=f"{hint}, or {_NOT_STRICT}")
    return [f"{message}; {hint}, or call tvm_ffi.get_global_func"]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - enough to find
    return ", ".join(map(repr, names[:3])) + more


def _check_use(request: StubRequest, answer: Mapping[str, Any], registry: Registry) -> None:
    registers = answer["new_functions"] or answer["new_types"] or registry.symbols
    if not registers and not answer["exports"] and not request.is_linked:
        raise BuildError(
            f"extension {request.settings.name!r}: {request.library.name} registers no functions "
            "or types, and exports no symbols",
            hint="register a function with tvm::ffi::reflection::GlobalDef, export a function with "
            "TVM_FFI_DLL_EXPORT_TYPED_FUNC, or remove the extension",
        )


def _check_names(request: StubRequest, problems: Sequence[NameProblem]) -> None:
    refused = problems if request.strict else [p for p in problems if not p.instead]
    if refused:
        lines = "\n".join(f"registered {problem}" for problem in refused)
        hint = "register it under another name"
        if request.strict:
            hint += f", or {_NOT_STRICT}"
        raise BuildError(f"extension {request.settings.name!r}: {lines}", hint=hint)
