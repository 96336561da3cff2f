# SPDX-License-Identifier: Apache-2.0
"""Errors that users can act on, and how they are printed."""

from __future__ import annotations

from setuptools.errors import BaseError, SetupError

from .text import PREFIX, harmless

__all__ = ["DEBUG_VARIABLE", "PREFIX", "BuildError", "ConfigurationError", "harmless", "render"]

#: If this variable is set and is not ``0``, a failed command prints a traceback, not a message.
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"


class BuildError(BaseError):
    """A failure that the user can act on.

    The class derives from setuptools' base error. ``setuptools.build_meta`` and ``python setup.py``
    therefore report a `BuildError` as ``error: …``, without a traceback.

    :param message: what is wrong and where: the extension, the file and key, or the command.
    :param hint: how to fix the problem.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class ConfigurationError(BuildError, SetupError):
    """The project's configuration is invalid. No build step has run yet.

    While setuptools creates a distribution, it reports a `SetupError` as a message, and any other
    error as a traceback. This class therefore derives from `SetupError`.
    """


def render(error: BuildError) -> str:
    """Return the text to print for an error.

    >>> print(render(BuildError("no C++ compiler", hint="set CXX")))
    setuptools-tvm-ffi: error: no C++ compiler
    setuptools-tvm-ffi: hint: set CXX
    """
    lines = [f"{PREFIX}: error: {line}" for line in error.message.splitlines()]
    if error.hint is not None:
        lines += [f"{PREFIX}: hint: {line}" for line in error.hint.splitlines()]
    return "\n".join(lines)
