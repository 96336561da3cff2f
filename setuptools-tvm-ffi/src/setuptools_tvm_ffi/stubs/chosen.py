# SPDX-License-Identifier: Apache-2.0
"""Chooses what of a registry stubs are written for, and names what they leave out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..base.errors import BuildError
from .names import Hidden, NameProblem, find_problems, hidden_by
from .registry import Registry, read_registry
from .requests import StubRequest


@dataclass(frozen=True)
class Chosen:
    """What stubs are written for.

    :param hidden: what the generator must not see.
    :param left_out: kinds and names, as `NameProblem` has them.
    :param visible_functions: all global functions that the generator sees.
    :param visible_names: functions and types of this library that stubs are made for.
    """

    registry: Registry
    hidden: Hidden
    left_out: frozenset[tuple[str, str]]
    visible_functions: Sequence[str]
    visible_names: Sequence[str]
    warnings: tuple[str, ...]


def choose_names(request: StubRequest, answer: Mapping[str, Any]) -> Chosen:
    """Return the choice for what the child has read.

    :raises BuildError: nothing is registered under the prefix, or a name is that no package could
        have.
    """
    settings = request.settings
    _check_prefix(request, answer)
    registry = read_registry(answer["registry"])
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
        makes_packages = settings.stubs == "init"
        problems = find_problems(
            own, settings.prefix, request.modules, makes_packages=makes_packages
        )
    _check_names(request, problems)
    left_out = frozenset((problem.kind, problem.name) for problem in problems)
    functions = [name for name in own.functions if ("function", name) not in left_out]
    types = [key for key in own.types if ("type", key) not in left_out]
    warnings = [f"{problem}: left out of the stubs; {problem.instead}" for problem in problems]
    if functions and settings.stubs != "none" and not registry.finds_docs:
        warnings.append(
            f"extension {settings.name!r}: docs of global functions and names of their parameters "
            "can be read on 64-bit Linux alone: the stubs have none"
        )
    return Chosen(
        registry=registry,
        hidden=hidden_by(problems),
        left_out=left_out,
        visible_functions=[n for n in answer["functions"] if ("function", n) not in left_out],
        visible_names=[*functions, *types],
        warnings=tuple(warnings),
    )


def _is_own(request: StubRequest, name: str, new: set[str]) -> bool:
    return (
        name in new
        and name.startswith(request.settings.prefix)
        and not name.startswith(request.other_prefixes)
    )


def _check_prefix(request: StubRequest, answer: Mapping[str, Any]) -> None:
    settings = request.settings
    names: list[str] = [*answer["new_functions"], *answer["new_types"]]
    # What is registered elsewhere on purpose has no stubs created for it.
    expected = settings.registry_prefix is not None or (names and settings.stubs == "init")
    if expected and not any(name.startswith(settings.prefix) for name in names):
        others = ", ".join(repr(name) for name in names[:3]) or "nothing at all"
        raise BuildError(
            f"extension {settings.name!r}: nothing is registered under the prefix "
            f"{settings.prefix!r}; the library registers {others}",
            hint="set registry_prefix to what the names start with, or register them under it",
        )


def _check_names(request: StubRequest, problems: Sequence[NameProblem]) -> None:
    refused = problems if request.strict else [p for p in problems if not p.instead]
    if refused:
        lines = "\n".join(f"registered {problem}" for problem in refused)
        hint = "register it under another name"
        if request.strict:
            hint += ", or let stubs be 'warn' or 'check' to have it left out"
        raise BuildError(f"extension {request.settings.name!r}: {lines}", hint=hint)
