# SPDX-License-Identifier: Apache-2.0
"""Explains why a batch of a unity build does not compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..base.errors import BuildError
from ..project.sources import Generated
from ..settings import ExtensionSettings
from .plan import Step, named

# This pattern matches messages of GCC, Clang, cl and nvcc about two declarations of one name.
_CLASH = re.compile(r"redefin|redeclar|conflicting|ambiguous|already (has|been|defined)|previous")


def batch_failure(
    settings: ExtensionSettings,
    step: Step,
    printed: str,
    root: Path,
    hint: str | None,
    generated: Generated,
) -> BuildError:
    """Return the error for a batch of a unity build that did not compile.

    The error names the sources that appear in the compiler's messages.

    :param step: the compile step of the batch.
    :param printed: ninja's output.
    :param root: the project's folder. Some compilers report absolute paths.
    :param hint: the hint to show, or ``None``. If two sources declare the same name, the error
        contains a hint about the name instead.
    :param generated: the files that commands generate. For a generated file, the error contains
        the name in the settings, not the path.
    """
    messages = "\n".join(_messages_of(step, printed))
    files = [
        str(generated.declared(PurePosixPath(source)))
        for source in step.inputs
        if re.search(_as_file(source, root), messages)
    ]
    end = "failed, see the compiler's message above"
    if not files:
        return BuildError(
            f"extension {settings.name!r}: compiling {named(step.inputs)} {end}", hint=hint
        )
    what = f"extension {settings.name!r}: compiling {' and '.join(files)}"
    alone = f"compile {files[-1]} alone: {_alone(settings, files[-1])}"
    if len(files) > 1 and _CLASH.search(messages):
        return BuildError(
            f"{what} in one batch {end}",
            hint=f"rename a clashing name, move it into a namespace, or {alone}",
        )
    return BuildError(
        f"{what} {end}",
        hint=hint or f"if the file compiles without the other files of its batch, {alone}",
    )


def _messages_of(step: Step, printed: str) -> Iterator[str]:
    """Yield the lines of ninja's output that a step's command has printed."""
    lines = iter(printed.splitlines())
    for line in lines:
        if line.startswith("FAILED:") and line.rstrip().endswith(step.output):
            # The next line is the command. Skip this line, because it also names the sources that
            # have no error.
            next(lines, None)
            break
    for line in lines:
        if re.match(r"\[\d+/\d+\] |FAILED:|ninja: ", line):
            return
        yield line


def _as_file(source: str, root: Path) -> str:
    """Return a pattern that matches the path of a source in a message.

    The compiler may print the path with backslashes, or as an absolute path.
    """
    parts = r"[/\\]".join(map(re.escape, source.split("/")))
    return rf"(?<![^\s\"'(])(\.[/\\]|{re.escape(str(root))}[/\\])?{parts}(?![\w/\\-])"


def _alone(settings: ExtensionSettings, source: str) -> str:
    """Return the setting that excludes a source from the batches of a unity build."""
    if settings.declaration is not None and settings.declaration.in_toml:
        return f'source-options = [{{ sources = "{source}", unity = false }}]'
    return f'source_options=[{{"sources": "{source}", "unity": False}}]'
