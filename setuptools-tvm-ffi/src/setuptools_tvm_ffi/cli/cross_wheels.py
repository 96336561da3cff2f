# SPDX-License-Identifier: Apache-2.0
"""Builds the wheels of a project for several targets, one after the other."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.child_end import end_child
from ..base.child_python import start_python
from ..cross.target_sdk import check_pip, release_to_link_with
from ..cross.targets import Target
from ..cross.zig_process import zig_folder
from ..settings import require_project

_CHILD = Path(__file__).with_name("cross_child.py")
_STANDARD_ERROR = 2
_SECONDS_TO_END_BY_ITSELF = 1
_SECONDS_TO_END = 15

#: The values of `TargetResult.result`.
BUILT, NO_WHEEL, FAILED = "built", "no apache-tvm-ffi", "failed"


@dataclass(frozen=True)
class TargetResult:
    """The result of the build for one target.

    :param wheel: path of the wheel, if it was built.
    :param problem: the error, if the wheel was not built.
    """

    target: Target
    result: str
    wheel: Path | None = None
    problem: str | None = None


def check_environment(root: Path) -> None:
    """Check the prerequisites of all targets.

    :raises BuildError: the folder contains no project, or a required package is not installed.
    """
    require_project(root)
    zig_folder()
    release_to_link_with()
    check_pip()


def build_wheels(
    targets: Sequence[Target],
    folder: Path,
    config_settings: Mapping[str, Any],
    *,
    root: Path,
    find_links: Sequence[Path] = (),
    no_index: bool = False,
) -> Iterator[TargetResult]:
    """Build a wheel for each target, and yield the results.

    If the build for a target fails, the other targets are still built. Wheels of earlier runs are
    kept.

    :param folder: an existing folder for the wheels.
    :param config_settings: the settings that a frontend would pass, without the target.
    :param root: the project's folder, which is the working folder.
    :param find_links: folders with wheels of apache-tvm-ffi, in addition to pip's index.
    :param no_index: whether pip ignores its index.
    """
    variables = _pip_variables(find_links, no_index=no_index)
    for target in targets:
        yield _build(target, folder, {**config_settings, "target": target.name}, root, variables)


def _pip_variables(find_links: Sequence[Path], *, no_index: bool) -> dict[str, str]:
    variables = {}
    if find_links:
        # pip splits PIP_FIND_LINKS at spaces. Use file: URLs, because they contain no spaces.
        folders = [path.resolve().as_uri() for path in find_links]
        variables["PIP_FIND_LINKS"] = " ".join(
            filter(None, (*folders, os.environ.get("PIP_FIND_LINKS")))
        )
    if no_index:
        variables["PIP_NO_INDEX"] = "1"
    return variables


def _build(
    target: Target,
    folder: Path,
    config_settings: Mapping[str, Any],
    root: Path,
    variables: Mapping[str, str],
) -> TargetResult:
    with tempfile.TemporaryDirectory(prefix=".cross-", dir=folder) as scratch:
        answer, status = _ask_child(Path(scratch), config_settings, root, variables)
        if "wheel" in answer:
            wheel = folder / answer["wheel"]
            os.replace(Path(scratch, answer["wheel"]), wheel)
            return TargetResult(target, BUILT, wheel=wheel)
    problem = answer.get("error") or f"the build ended with status {status}, see above"
    return TargetResult(target, NO_WHEEL if answer.get("no_wheel") else FAILED, problem=problem)


def _ask_child(
    scratch: Path, config_settings: Mapping[str, Any], root: Path, variables: Mapping[str, str]
) -> tuple[dict[str, Any], int]:
    # Show the output of the build on standard error: the child writes the output to `messages`.
    sys.stderr.flush()
    with open(os.dup(_STANDARD_ERROR), "wb") as messages:
        child = start_python(_CHILD, root=root, messages=messages, variables=variables)
        request = {"folder": str(scratch.resolve()), "config_settings": dict(config_settings)}
        try:
            printed, _ = child.communicate(json.dumps(request) + "\n")
        except BaseException:
            end_child(
                child,
                own_time=_SECONDS_TO_END_BY_ITSELF,
                request=signal.SIGINT,
                request_time=_SECONDS_TO_END,
            )
            raise
    lines = printed.splitlines()
    return (json.loads(lines[-1]) if lines else {}), child.returncode
