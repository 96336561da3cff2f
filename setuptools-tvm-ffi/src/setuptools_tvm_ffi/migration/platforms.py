# SPDX-License-Identifier: Apache-2.0
"""Evaluates a file once for each platform that it distinguishes, and merges the settings.

A condition such as ``if(WIN32)`` asks for the platform. The first time that an evaluation asks a
question, it stops, and continues once for each answer. Settings that all platforms share remain;
the others move to entries of the setting `overrides`.
"""

from __future__ import annotations

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

    >>> linux, windows = {"sys_platform": "linux"}, {"sys_platform": "win32"}
    >>> merge([(linux, {"a": ["x", "y"]}), (windows, {"a": ["x"]})])
    {'a': ['x'], 'overrides': [{'if': "sys_platform != 'win32'", 'a': ['y']}]}
    """
    platforms = [platform for platform, _ in tables]
    every = tuple(range(len(tables)))
    values: dict[tuple[str, str], list[int]] = {}
    for index, (_, table) in enumerate(tables):
        for key, value in table.items():
            items = value if isinstance(value, list) else [value]
            for item in items:
                places = values.setdefault((key, json.dumps(item)), [])
                if index not in places:
                    places.append(index)
    merged: dict[str, Any] = {}
    overrides: dict[str, dict[str, Any]] = {}
    for (key, text), places in values.items():
        is_list = any(isinstance(table.get(key), list) for _, table in tables)
        conditions = [{}] if tuple(places) == every else _conditions(platforms, places)
        for condition in conditions:
            table = overrides.setdefault(json.dumps(condition), dict(condition))
            target = table if condition else merged
            if is_list:
                target.setdefault(key, []).append(json.loads(text))
            else:
                target[key] = json.loads(text)
    entries = [entry for name, entry in overrides.items() if name != "{}"]
    return {**merged, **({"overrides": entries} if entries else {})}


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
