# SPDX-License-Identifier: Apache-2.0
"""Which DLLs are on every Windows that a wheel may be installed on, beside what is in the wheel.

By delvewheel's lists, which it makes from installation discs of every Windows since 7.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re

from ..base.errors import BuildError

_LISTS = {"i386": "ignore_names_x86", "amd64": "ignore_names_x64", "arm64": "ignore_names_arm64"}

# What is not on the oldest of those discs, and is on Windows 10, the oldest that CPython 3.13 runs
# on; the names of API sets are no files, and Windows itself knows what they stand for.
_SINCE = re.compile(r"(?:(?:api|ext)-ms-.+|ucrtbase|combase|d3d12)\.dll")

# Of the compiler's run time: what python.org's CPython has beside it, and what `tvm_ffi` has in its
# wheel and loads before. All else of it (vcomp140.dll, concrt140.dll, msvcp140_2.dll) is where
# somebody has installed it.
_BROUGHT = {"vcruntime140.dll", "msvcp140.dll"}
_BROUGHT_ON_64_BITS = {"vcruntime140_1.dll"}


def is_on_every_windows(library: str, machine: str) -> bool:
    """Whether a DLL is there without being in the wheel.

    :param library: its name, in any case.
    :param machine: as `Binary` has it.
    :raises BuildError: delvewheel, whose lists say it, is not installed.
    """
    name = library.lower()
    if name in _BROUGHT or (name in _BROUGHT_ON_64_BITS and machine != "i386"):
        return True
    return _SINCE.fullmatch(name) is not None or name in _names(machine)


@functools.cache
def _names(machine: str) -> frozenset[str]:
    """Return delvewheel's list for a machine, from a module (in 1.13) that has nothing else."""
    if importlib.util.find_spec("delvewheel") is None:
        raise BuildError(
            "delvewheel, whose lists say which DLLs are a part of Windows, is not installed",
            hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
        )
    try:
        lists = importlib.import_module("delvewheel._dll_list")
        return frozenset(getattr(lists, _LISTS[machine])) if machine in _LISTS else frozenset()
    except (ImportError, AttributeError) as problem:
        raise BuildError(
            f"this release of delvewheel keeps its lists elsewhere: {problem}",
            hint="python -m pip install 'setuptools-tvm-ffi[audit]'",
        ) from None
