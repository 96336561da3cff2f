# SPDX-License-Identifier: Apache-2.0
"""The interface between a build and the commands ``build`` and ``develop``, which start it.

The commands call the PEP 517 hooks of any backend in a child process, and read the output of the
process through a pipe. They set `SUMMARY_VARIABLE` to the path of a file. If the backend uses this
plugin, the build then marks the lines of ninja and of compilers in the output, and writes its
summary as JSON into the file. Marks keep the lines in order, which a second pipe would not. A file
cannot be damaged by the output of a ``setup.py`` or a compiler.

The two processes may run different releases of the plugin: an isolated environment contains its
own. The file therefore contains texts to show, which the command does not interpret.
"""

from __future__ import annotations

import os

#: The environment variable with the path of the summary file.
SUMMARY_VARIABLE = "_SETUPTOOLS_TVM_FFI_SUMMARY"

#: The character in front of a line of ninja or a compiler: ASCII's record separator.
MARK = "\x1e"


def mark() -> str:
    """Return the text to write in front of a line of ninja; empty for another front end."""
    return MARK if SUMMARY_VARIABLE in os.environ else ""
