# SPDX-License-Identifier: Apache-2.0
"""Makes a package for Windows load the libraries that delvewheel has bundled into the wheel.

delvewheel (1.13) adds the folder of these libraries to the search path for extension modules.
`load_lib_module` calls ``LoadLibraryW``, which does not search that folder. ``LoadLibraryW`` does
find dependencies that are already loaded, so the package loads the bundled libraries first.
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
    """Return the DLLs among the members of a wheel."""
    return tuple(sorted(name for name in members if name.lower().endswith(".dll")))


def with_preloading(modules: Mapping[str, bytes], libraries: Sequence[str]) -> dict[str, bytes]:
    """To each module that delvewheel has patched, add code that loads the libraries.

    :param modules: maps the path of each module in the wheel to the module's content.
    :param libraries: paths of the bundled libraries.
    :returns: maps the path of each changed module to its new content.
    :raises BuildError: delvewheel has patched no module.
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
            f"delvewheel bundled {', '.join(libraries)}, but no package loads them",
            hint="add an __init__.py to the package whose library needs the bundled libraries: "
            "delvewheel patches this file",
        )
    return patched
