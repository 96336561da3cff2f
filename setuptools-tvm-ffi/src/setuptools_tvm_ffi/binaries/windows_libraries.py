# SPDX-License-Identifier: Apache-2.0
"""Determine which DLLs every supported version of Windows provides.

delvewheel contains lists of these DLLs. The lists come from the installation media of every version
of Windows since Windows 7.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re

from ..base.errors import BuildError

_LISTS = {"i386": "ignore_names_x86", "amd64": "ignore_names_x64", "arm64": "ignore_names_arm64"}

# Windows 10 and newer contain these DLLs, and CPython 3.13 supports no older Windows. delvewheel's
# lists omit these DLLs, because Windows 7 lacks them. A name that starts with api-ms- or ext-ms- is
# the name of an API set. Windows maps an API set to a DLL.
_SINCE = re.compile(r"(?:(?:api|ext)-ms-.+|ucrtbase|combase|d3d12)\.dll")

# These DLLs belong to the runtime library of Visual C++. Each of these DLLs is part of the
# CPython from python.org, or of the wheel of apache-tvm-ffi. `tvm_ffi` loads the DLLs of its wheel
# before it loads other libraries. Users get other DLLs of the runtime library (vcomp140.dll,
# concrt140.dll, msvcp140_2.dll) only with the Visual C++ Redistributable.
_BROUGHT = {"vcruntime140.dll", "msvcp140.dll"}
_BROUGHT_ON_64_BITS = {"vcruntime140_1.dll"}


def is_on_every_windows(library: str, machine: str) -> bool:
    """Whether CPython, ``tvm_ffi`` or every supported version of Windows provides a DLL.

    :param library: name of the DLL. Case is ignored.
    :param machine: architecture, as in `Binary`.
    :raises BuildError: delvewheel is not installed.
    """
    name = library.lower()
    if name in _BROUGHT or (name in _BROUGHT_ON_64_BITS and machine != "i386"):
        return True
    return _SINCE.fullmatch(name) is not None or name in _names(machine)


@functools.cache
def _names(machine: str) -> frozenset[str]:
    """Return delvewheel's list of DLLs for a machine.

    The lists are in a private module of delvewheel. In delvewheel 1.13, this module contains
    nothing else.
    """
    if importlib.util.find_spec("delvewheel") is None:
        raise BuildError(
            "delvewheel is not installed; its lists of Windows DLLs are needed",
            hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
        )
    lists = importlib.import_module("delvewheel._dll_list")
    return frozenset(getattr(lists, _LISTS[machine])) if machine in _LISTS else frozenset()
