# SPDX-License-Identifier: Apache-2.0
"""Writes a build plan as a ninja manifest (https://ninja-build.org/manual.html)."""

from __future__ import annotations

from ..base.errors import ConfigurationError
from .plan import BuildPlan, Step


def render(plan: BuildPlan, *, local_jobs: int | None = None) -> str:
    """Return the text of ``build.ninja``; its paths are relative to ninja's working directory.

    :param local_jobs: how many commands may run in parallel on this machine, if a launcher runs
        the other commands on other machines.
    :raises ConfigurationError: ninja's syntax cannot express a path or an argument.
    """
    lines = [
        "ninja_required_version = 1.10",
        f"builddir = {_value(plan.folder)}",
        *(() if local_jobs is None else ("", "pool this_machine", f"  depth = {local_jobs}")),
        "",
        "rule compile",
        "  command = $line",
        "  description = $announcement",
        "  deps = $dependency_style",
        "  depfile = $dependencies",
        "",
        "rule link",
        "  command = $line",
        "  description = $announcement",
        "  rspfile = $response_file",
        "  rspfile_content = $response",
        "",
        "rule debug-symbols",
        "  command = $line",
        "  description = $announcement",
    ]
    for library in plan.libraries:
        for step in library.steps:
            lines += _build_statement(step, pooled=local_jobs is not None and step.on_this_machine)
    return "\n".join(lines) + "\n"


def _build_statement(step: Step, *, pooled: bool) -> list[str]:
    inputs = " ".join(map(_path, step.inputs))
    extra = f" | {' '.join(map(_path, step.extra_inputs))}" if step.extra_inputs else ""
    outputs = _path(step.output)
    if step.extra_outputs:
        outputs += f" | {' '.join(map(_path, step.extra_outputs))}"
    lines = [
        "",
        f"build {outputs}: {step.kind} {inputs}{extra}",
        f"  line = {_value(step.command)}",
        f"  announcement = {_value(step.description)}",
    ]
    if pooled:
        lines.append("  pool = this_machine")
    if step.dependency_style is not None:
        lines.append(f"  dependency_style = {step.dependency_style}")
    if step.depfile is not None and step.dependency_style == "gcc":
        lines.append(f"  dependencies = {_value(step.depfile)}")
    if step.response_file is not None:
        lines.append(f"  response_file = {_value(step.response_file)}")
        # A value in ninja cannot contain a newline. In a response file, a space separates as well.
        content = step.response_file_content.replace("\n", " ")
        lines.append(f"  response = {_value(content)}")
    return lines


def _path(path: str) -> str:
    if "|" in path or "\n" in path or "\r" in path:
        raise ConfigurationError(
            f"path {path!r}: ninja does not support paths with '|' or a line break",
            hint="rename the file",
        )
    for special in "$ :":
        path = path.replace(special, f"${special}")
    return path


def _value(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ConfigurationError(
            f"{text!r}: ninja does not support line breaks in commands",
            hint="remove the line break from the macro or argument",
        )
    return text.replace("$", "$$")
