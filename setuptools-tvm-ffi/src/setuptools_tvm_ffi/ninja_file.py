# SPDX-License-Identifier: Apache-2.0
"""Writes a build plan in ninja's language (https://ninja-build.org/manual.html)."""

from __future__ import annotations

from .build_plan import BuildPlan, Step
from .errors import ConfigurationError


def render(plan: BuildPlan) -> str:
    """Return the text of ``build.ninja``; its paths are relative to where ninja is started.

    :raises ConfigurationError: a path that ninja has no way to write.
    """
    lines = [
        "ninja_required_version = 1.10",
        f"builddir = {_value(plan.folder)}",
        "",
        "rule compile",
        "  command = $line",
        "  description = $announcement",
        f"  deps = {plan.dependency_style}",
    ]
    if plan.dependency_style == "gcc":
        lines.append("  depfile = $dependencies")
    lines += [
        "",
        "rule link",
        "  command = $line",
        "  description = $announcement",
        "  rspfile = $response_file",
        "  rspfile_content = $response",
    ]
    for library in plan.libraries:
        for step in library.steps:
            lines += _build_statement(step)
    return "\n".join(lines) + "\n"


def _build_statement(step: Step) -> list[str]:
    inputs = " ".join(map(_path, step.inputs))
    extra = f" | {' '.join(map(_path, step.extra_inputs))}" if step.extra_inputs else ""
    lines = [
        "",
        f"build {_path(step.output)}: {step.kind} {inputs}{extra}",
        f"  line = {_value(step.command)}",
        f"  announcement = {_value(step.description)}",
    ]
    if step.depfile is not None:
        lines.append(f"  dependencies = {_value(step.depfile)}")
    if step.response_file is not None:
        lines.append(f"  response_file = {_value(step.response_file)}")
        # ninja has no newline in a value; white space separates as well.
        content = step.response_file_content.replace("\n", " ")
        lines.append(f"  response = {_value(content)}")
    return lines


def _path(path: str) -> str:
    if "|" in path or "\n" in path or "\r" in path:
        raise ConfigurationError(
            f"path {path!r}: ninja cannot write a path with '|' or a line break in it",
            hint="rename the file",
        )
    for special in "$ :":
        path = path.replace(special, f"${special}")
    return path


def _value(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ConfigurationError(
            f"{text!r}: ninja cannot write a line break in a command",
            hint="take the line break out of the macro or argument",
        )
    return text.replace("$", "$$")
