# SPDX-License-Identifier: Apache-2.0
"""Has a package for Windows load the libraries that delvewheel has put into its wheel.

delvewheel (1.13) adds their folder to those that Python searches for its own extension modules.
`load_lib_module` loads with ``LoadLibraryW``, which does not search there, but takes a library
that is loaded already for the one that is needed, by its name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from ..base.errors import BuildError

_END = b"# end delvewheel patch"

_PATCH = """\

# start setuptools-tvm-ffi patch
def _setuptools_tvm_ffi_preload():
    import ctypes
    import os
    for name in {names!r}:
        ctypes.WinDLL(os.path.abspath(os.path.join(os.path.dirname(__file__), name)))


_setuptools_tvm_ffi_preload()
del _setuptools_tvm_ffi_preload
# end setuptools-tvm-ffi patch
"""


def libraries_in(members: Iterable[str]) -> tuple[str, ...]:
    """Return those of a wheel's members that a tool may have put there to be loaded."""
    return tuple(sorted(name for name in members if name.lower().endswith(".dll")))


def with_preloading(modules: Mapping[str, bytes], libraries: Sequence[str]) -> dict[str, bytes]:
    """Return the modules that delvewheel has written into, with what loads the libraries.

    :param modules: by their paths in the wheel.
    :param libraries: paths of what it has put into the wheel.
    :raises BuildError: it has written into none.
    """
    patched = {}
    for path, content in modules.items():
        before, end, after = content.partition(_END)
        if end:
            folder = posixpath.dirname(path)
            names = [posixpath.relpath(library, folder) for library in libraries]
            newline = b"\r\n" if after.startswith(b"\r\n") else b"\n"
            patch = _PATCH.format(names=names).encode().replace(b"\n", newline)
            patched[path] = before + end + newline + patch + after
    if not patched:
        raise BuildError(
            f"delvewheel has put {', '.join(libraries)} into the wheel, and no package loads them",
            hint="add an __init__.py to the package that the library is in",
        )
    return patched
