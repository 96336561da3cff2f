# SPDX-License-Identifier: Apache-2.0
"""The interface between a build and the command that starts the build: ``build`` or ``develop``.

The command calls the PEP 517 hooks of the project's backend in a child process. It reads the output
of the child process through a pipe, and sets `SUMMARY_VARIABLE` to the path of a file. If the
backend uses this plugin and the variable is set, the build does two things:

- The build writes a mark in front of each line that ninja or a compiler has printed, so that the
  command can distinguish these lines from other lines. If these lines came through a second pipe,
  the command would not know the order in which the lines of both pipes were printed.
- The build writes its summary as JSON into the file. It does not write the summary to the pipe,
  because a ``setup.py`` or a compiler could print other text at the same time.

An isolated environment contains its own copy of the plugin, so the command and the build may run
different releases of the plugin. The summary therefore contains texts that the command shows
unchanged.
"""

from __future__ import annotations

import os

#: The environment variable with the path of the summary file.
SUMMARY_VARIABLE = "_SETUPTOOLS_TVM_FFI_SUMMARY"

#: The mark in front of a line that ninja or a compiler has printed: ASCII's record separator.
MARK = "\x1e"


def mark() -> str:
    """Return `MARK` if a command of this plugin reads the build's output, else an empty text."""
    return MARK if SUMMARY_VARIABLE in os.environ else ""
