# SPDX-License-Identifier: Apache-2.0
"""Reads a request from standard input, builds the wheel for one target, and prints an answer.

Each wheel needs a process of its own because a build changes global state: environment variables,
setuptools, and the modules that a setup.py imports.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.build_meta import build_wheel
from setuptools_tvm_ffi.cross.target_sdk import NoWheelError


def main() -> None:
    """Build the wheel; redirect the build's output to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    _answer(answers, _build(request["folder"], request["config_settings"]))


def _build(folder: str, config_settings: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"wheel": build_wheel(folder, config_settings)}
    except SystemExit as ended:  # The hook has already printed the error.
        error = _cause(ended)
        if error is None:
            return {"error": str(ended.code)}
        return {"error": error.message, "no_wheel": isinstance(error, NoWheelError)}


def _cause(ended: BaseException) -> BuildError | None:
    """Return the `BuildError` that caused the exit of a hook, or ``None``."""
    error: BaseException | None = ended
    while error is not None and not isinstance(error, BuildError):
        error = error.__context__
    return error


def _answer(stream: TextIO, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
