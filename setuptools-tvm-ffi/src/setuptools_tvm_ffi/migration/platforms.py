# SPDX-License-Identifier: Apache-2.0
"""Evaluates a file once for each platform that it distinguishes, and merges the settings.

A condition such as ``if(WIN32)`` asks for the platform. The first time that an evaluation asks a
question, it stops, and continues once for each answer. Settings that all platforms share remain;
the others move to entries of the setting `overrides`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

#: The answers to questions: the value of a marker variable by its name, or the truth of a condition
#: on the release of nvcc, such as ``>=12.8``.
Platform = Mapping[str, str]

#: The values of marker variables that CMake's variables can be compared with.
ANSWERS = {
    "sys_platform": ("linux", "darwin", "win32"),
    "platform_machine": ("x86_64", "AMD64", "aarch64", "arm64", "ARM64"),
}
_YES_OR_NO = ("yes", "no")
# Lists whose order does not matter.
_UNORDERED = {"sources", "define-macros"}
_OPPOSITE = {">=": "<", ">": "<=", "==": "!="}

_T = TypeVar("_T")


class QuestionError(Exception):
    """The evaluation depends on a fact about the platform that is not determined yet."""


def answer(platform: Platform, question: str) -> str:
    """Return the answer to a question.

    :raises QuestionError: the platform does not determine the answer.
    """
    if question not in platform:
        raise QuestionError(question)
    return platform[question]


def on_every_platform(evaluate: Callable[[Platform], _T]) -> list[tuple[Platform, _T]]:
    """Return the platforms that an evaluation distinguishes, with its results.

    :param evaluate: a function that calls `answer`.
    """
    pending: list[Platform] = [{}]
    results = []
    while pending:
        platform = pending.pop(0)
        try:
            results.append((platform, evaluate(platform)))
        except QuestionError as problem:
            question = str(problem)
            answers = ANSWERS.get(question, _YES_OR_NO)
            pending[:0] = [{**platform, question: answer} for answer in answers]
    return results


def merge(tables: Sequence[tuple[Platform, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return one table of settings, with `overrides` for what differs between platforms.

    The values of lists of an override are added to the list of the table; other values replace.
    The order of folders, libraries and arguments matters: of these lists, only the items before the
    first difference are shared.

    >>> linux, windows = {"sys_platform": "linux"}, {"sys_platform": "win32"}
    >>> merge([(linux, {"a": ["x", "y"]}), (windows, {"a": ["x"]})])
    {'a': ['x'], 'overrides': [{'if': "sys_platform != 'win32'", 'a': ['y']}]}
    """
    platforms = [platform for platform, _ in tables]
    merged: dict[str, Any] = {}
    overrides: dict[str, dict[str, Any]] = {}
    for key in dict.fromkeys(key for _, table in tables for key in table):
        found = [table.get(key) for _, table in tables]
        if any(isinstance(value, list) for value in found):
            shared, rests = _split([value or [] for value in found], ordered=key not in _UNORDERED)
            if shared:
                merged[key] = shared
            found = [rest or None for rest in rests]
        elif all(value == found[0] for value in found):
            merged[key] = found[0]
            continue
        for text in dict.fromkeys(json.dumps(value) for value in found if value is not None):
            value = json.loads(text)
            places = [index for index, one in enumerate(found) if one == value]
            for condition in _conditions(platforms, places):
                table = overrides.setdefault(json.dumps(condition), dict(condition))
                table[key] = value
    return {**merged, **({"overrides": list(overrides.values())} if overrides else {})}


def _split(lists: list[list[Any]], *, ordered: bool) -> tuple[list[Any], list[list[Any]]]:
    """Return the items that lists share, and the rest of each list.

    >>> _split([["x", "-a", "y"], ["x", "-b", "y"]], ordered=True)
    (['x'], [['-a', 'y'], ['-b', 'y']])
    """
    if ordered:
        same = itertools.takewhile(lambda items: all(i == items[0] for i in items), zip(*lists))
        shared = [items[0] for items in same]
        return shared, [items[len(shared) :] for items in lists]
    shared = [item for item in lists[0] if all(item in items for items in lists)]
    return shared, [[item for item in items if item not in shared] for items in lists]


def _conditions(platforms: Sequence[Platform], places: Sequence[int]) -> list[dict[str, str]]:
    """Return the conditions of the overrides that together apply to some of the platforms."""
    chosen = [platforms[place] for place in places]
    for question in chosen[0]:
        answers = {platform.get(question) for platform in chosen}
        others = {p.get(question) for i, p in enumerate(platforms) if i not in places}
        if answers & others or None in answers | others:
            continue
        if len(others) == 1:
            return [_condition(question, others.pop() or "", negated=True)]
        ordered = [one for one in ANSWERS.get(question, _YES_OR_NO) if one in answers]
        parts = [_condition(question, one)["if"] for one in ordered]
        return [{"if": " or ".join(parts)}]
    # Every platform has answered the first question. Distinguish its answers.
    question = next(iter(chosen[0]))
    found = []
    for one in dict.fromkeys(platform[question] for platform in chosen):
        group = [index for index, p in enumerate(platforms) if p[question] == one]
        rest = [{k: v for k, v in platforms[i].items() if k != question} for i in group]
        inner = [group.index(place) for place in places if place in group]
        further = [{}] if len(inner) == len(group) else _conditions(rest, inner)
        found += [_both(_condition(question, one), condition) for condition in further]
    return found


def _both(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """Return the condition that both conditions hold."""
    markers = [first.get("if"), second.get("if")]
    releases = [first.get("cuda"), second.get("cuda")]
    parts = [f"({m})" if " or " in m else m for m in markers if m]
    return {
        **({"if": " and ".join(parts)} if parts else {}),
        **({"cuda": ",".join(filter(None, releases))} if any(releases) else {}),
    }


def _condition(question: str, answer: str, *, negated: bool = False) -> dict[str, str]:
    if question in ANSWERS:
        return {"if": f"{question} {'!=' if negated else '=='} '{answer}'"}
    if (answer == "yes") is not negated:
        return {"cuda": question}
    operator = question.rstrip("0123456789.")
    return {"cuda": _OPPOSITE[operator] + question[len(operator) :]}
