# SPDX-License-Identifier: Apache-2.0
"""Errors that users can act on, and how they are printed."""

from __future__ import annotations

from setuptools.errors import BaseError, SetupError

#: If set to a non-empty value other than ``0``, errors print a traceback instead of a message.
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"

PREFIX = "setuptools-tvm-ffi"


class BuildError(BaseError):
    """A failure that the user can act on.

    It derives from setuptools' base error, so that ``setuptools.build_meta`` and
    ``python setup.py`` also report it as ``error: …``.

    :param message: what is wrong and where: the extension, the file and key, or the command.
    :param hint: how to fix it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class ConfigurationError(BuildError, SetupError):
    """The project's configuration is invalid. No build step has run yet.

    It derives from `SetupError` because setuptools reports that error while it creates a
    distribution.
    """


def harmless(line: str) -> str:
    r"""Escape the control characters in a line of untrusted text, for a terminal.

    >>> print(harmless("größe \x1b[2J"))
    größe \x1b[2J
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def render(error: BuildError) -> str:
    """Return an error as the lines to print.

    >>> print(render(BuildError("no C++ compiler", hint="set CXX")))
    setuptools-tvm-ffi: error: no C++ compiler
    setuptools-tvm-ffi: hint: set CXX
    """
    lines = [f"{PREFIX}: error: {line}" for line in error.message.splitlines()]
    if error.hint is not None:
        lines += [f"{PREFIX}: hint: {line}" for line in error.hint.splitlines()]
    return "\n".join(lines)
