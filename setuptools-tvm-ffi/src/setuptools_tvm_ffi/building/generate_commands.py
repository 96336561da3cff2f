# SPDX-License-Identifier: Apache-2.0
"""Plans the commands of the setting `generate`, and checks what they write.

The commands run before the build compiles anything. The build then treats their outputs like any
other file. If a command writes an output again with the same content, no other step becomes stale.
"""

from __future__ import annotations

import logging
import os
import platform
import posixpath
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ..base.errors import PREFIX, BuildError, ConfigurationError
from ..base.file_digest import digest_of
from ..project.sources import find_inputs, python_script
from ..settings.model import GenerateSettings
from ..toolchains import Toolchain
from .plan import BuildPlan, Step
from .request import BuildRequest

_PYTHON = "{python}"
_OUT = "{out}"
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)")
_MISSING_MODULE_HINT = (
    "add the package that contains {!r} to build-system.requires; for rebuilds on import, also "
    "install the package in the environment of the editable install"
)

logger = logging.getLogger(__name__)


def generation_plan(request: BuildRequest, toolchain: Toolchain) -> BuildPlan:
    """Return the plan with one step for each command.

    :raises ConfigurationError: a program or an input is missing, two outputs have the same name, or
        an output has the name of a file in the project.
    """
    generate = request.project.settings.generate
    _check_outputs(generate, request.root)
    return BuildPlan(
        folder=str(request.generation_folder),
        generate=tuple(_step(entry, request) for entry in generate),
        shell_line=toolchain.shell_line,
    )


def delete_other_files(request: BuildRequest) -> None:
    """Delete the files in the folder `{out}` that are not in the `outputs` of any command.

    For example, a command may write a file that its `outputs` do not list. A file may also remain
    from a command that was removed from the project. The build must not depend on such files.
    """
    outputs = request.generated
    top = request.root / request.generated_folder
    for parent, _, files in os.walk(top):
        for file in files:
            path = Path(parent, file)
            if path.relative_to(top).as_posix() not in outputs.names:
                path.unlink()
                logger.warning(
                    "%s: warning: deleted %s: no command of 'generate' lists it in 'outputs'",
                    *(PREFIX, path.relative_to(request.root)),
                )


def failed_command(plan: BuildPlan, printed: str) -> BuildError | None:
    """Return the error for the first command that failed, or ``None`` if none has failed.

    :param printed: the output of ninja.
    """
    for line in printed.splitlines():
        for step in plan.generate if line.startswith("FAILED:") else ():
            if line.rstrip().endswith((step.output, *step.extra_outputs)):
                module = _MISSING_MODULE.search(printed)
                return BuildError(
                    f"{step.declared_at}: the command failed, see its output above",
                    hint=None if module is None else _MISSING_MODULE_HINT.format(module[1]),
                )
    return None


def _check_outputs(generate: Sequence[GenerateSettings], root: Path) -> None:
    owners: dict[str, str] = {}
    for entry in generate:
        place = entry.place("outputs")
        for output in entry.outputs:
            name = posixpath.normpath(output)
            if name in owners:
                raise ConfigurationError(
                    f"{place}: {output!r} is also listed in {owners[name]}",
                    hint="let the commands write files with different names",
                )
            owners[name] = place
            if (root / name).is_file():
                raise ConfigurationError(
                    f"{place}: {output!r} already exists in the project",
                    hint="commands write their outputs to the build folder: delete the file in the "
                    "project, or let the command write a file with another name",
                )


def _step(entry: GenerateSettings, request: BuildRequest) -> Step:
    out = str(request.generated_folder)
    inputs = find_inputs(
        entry, request.root, build_base=request.build_base, generated=request.generated
    )
    script = python_script(entry, request.root)
    # The script can import the modules in its folder, so these modules are inputs of the step.
    modules = (request.root / script).parent.glob("*.py") if script else ()
    imported = sorted(module.relative_to(request.root).as_posix() for module in modules)
    outputs = [f"{out}/{posixpath.normpath(name)}" for name in entry.outputs]
    words = [word.replace(_PYTHON, sys.executable).replace(_OUT, out) for word in entry.command]
    program = shutil.which(words[0])
    if program is None:
        raise ConfigurationError(
            f"{entry.place('command')}: {words[0]!r} is not an executable program",
            hint="install the program, or add the package that installs it to "
            'build-system.requires; write "{python}" before the name of a Python script',
        )
    if entry.command[0] == _PYTHON:
        version = f"Python {platform.python_version()}"
    else:
        version = digest_of(Path(program))
    return Step(
        kind="generate",
        inputs=tuple(dict.fromkeys((*map(str, inputs), *imported))),
        output=outputs[0],
        extra_outputs=tuple(outputs[1:]),
        program=(program,),
        arguments=tuple(words[1:]),
        version=version,
        description=f"generate {', '.join(entry.outputs)}",
        declared_at=entry.place("command"),
    )
