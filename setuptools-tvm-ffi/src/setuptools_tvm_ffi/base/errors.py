# SPDX-License-Identifier: Apache-2.0
"""What can go wrong for a user, and the one place that renders it."""

from __future__ import annotations

from setuptools.errors import BaseError, SetupError

#: Set to a non-empty value other than ``0`` to get a traceback instead of a message.
DEBUG_VARIABLE = "SETUPTOOLS_TVM_FFI_DEBUG"

PREFIX = "setuptools-tvm-ffi"


class BuildError(BaseError):
    """A failure the user can act on.

    It derives from setuptools' own error, so that a plain ``setuptools.build_meta`` or
    ``python setup.py`` reports it as ``error: …`` too.

    :param message: what is wrong, and where (extension, file and key, or command).
    :param hint: what to do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class ConfigurationError(BuildError, SetupError):
    """The project's declaration is wrong; nothing was run yet.

    setuptools reports its own kind where it makes a distribution, too.
    """


def harmless(line: str) -> str:
    r"""Return a line that cannot steer a terminal, whatever others have put into it.

    >>> print(harmless("größe \x1b[2J"))
    größe \x1b[2J
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def render(error: BuildError) -> str:
    """Return the lines that a terminal gets for `error`.

    >>> print(render(BuildError("no C++ compiler", hint="set CXX")))
    setuptools-tvm-ffi: error: no C++ compiler
    setuptools-tvm-ffi: hint: set CXX
    """
    lines = [f"{PREFIX}: error: {line}" for line in error.message.splitlines()]
    if error.hint is not None:
        lines += [f"{PREFIX}: hint: {line}" for line in error.hint.splitlines()]
    return "\n".join(lines)
