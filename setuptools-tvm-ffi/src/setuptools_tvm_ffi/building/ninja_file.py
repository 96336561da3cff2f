# SPDX-License-Identifier: Apache-2.0
"""Writes stale steps as a ninja manifest (https://ninja-build.org/manual.html).

Ninja runs the commands in the right order and in parallel. The plugin, not ninja, decides which
steps are stale. The manifest therefore names only files that the steps write, and no source files
or headers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base.errors import ConfigurationError
from .freshness import Stale
from .plan import BuildPlan, Step


def render(
    plan: BuildPlan,
    stale: Sequence[Stale],
    *,
    local_jobs: int | None = None,
    device_jobs: int | None = None,
    threads: int = 1,
    colours: bool = False,
) -> str:
    """Return the text of ``build.ninja``. The paths are relative to ninja's working directory.

    :param local_jobs: how many commands may run in parallel on this machine, or ``None`` if no
        launcher runs commands on other machines.
    :param device_jobs: how many device compilers may run in parallel, or ``None`` if only ninja's
        ``-j`` limits device compilers.
    :param threads: the number of threads of each nvcc.
    :param colours: whether GCC and Clang colour their messages.
    :raises ConfigurationError: ninja's syntax cannot express a path or an argument.
    """
    lines = [
        "ninja_required_version = 1.10",
        f"builddir = {_value(plan.folder)}",
        *(() if local_jobs is None else ("", "pool this_machine", f"  depth = {local_jobs}")),
        *(() if device_jobs is None else ("", "pool devices", f"  depth = {device_jobs}")),
        "",
        "rule step",
        "  command = $line",
        "  description = $announcement",
        "  rspfile = $response_file",
        "  rspfile_content = $response",
    ]
    produced = {name for each in stale for name in (each.step.output, *each.step.extra_outputs)}
    # Device compilers take the most time, so start them first.
    for each in sorted(stale, key=lambda each: not each.step.compiles_device_code):
        step = each.step
        command = plan.shell_line(step.command_with(threads, colours=colours))
        lines += _build_statement(step, command, produced)
        if local_jobs is not None and step.on_this_machine:
            lines.append("  pool = this_machine")
        elif device_jobs is not None and step.compiles_device_code:
            lines.append("  pool = devices")
    return "\n".join(lines) + "\n"


def _build_statement(step: Step, command: str, produced: set[str]) -> list[str]:
    read = (*step.inputs, *step.extra_inputs, step.precompiled)
    inputs = [name for name in read if name in produced]
    outputs = " | ".join(
        filter(None, (_path(step.output), " ".join(map(_path, step.extra_outputs))))
    )
    lines = [
        "",
        " ".join((f"build {outputs}: step", *map(_path, dict.fromkeys(inputs)))),
        f"  line = {_value(command)}",
        f"  announcement = {_value(step.description)}",
    ]
    if step.response_file is not None:
        lines.append(f"  response_file = {_value(step.response_file)}")
        # A value in a manifest cannot contain line breaks, so replace them with spaces. In a
        # response file, both line breaks and spaces separate paths.
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
