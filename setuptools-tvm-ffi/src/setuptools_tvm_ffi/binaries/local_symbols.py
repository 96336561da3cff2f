# SPDX-License-Identifier: Apache-2.0
"""Patterns of symbols that a library must not export, although they have default visibility.

The C++ standard library and the headers of apache-tvm-ffi give their templates default visibility.
A library therefore exports every template that it instantiates. Another library in the process may
have been built with different headers. The loader could then use the template instances of one
library in the other library.
"""

from __future__ import annotations

import fnmatch
import functools
import re

# Itanium C++ ABI mangling: https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
_NAMESPACES = (
    "3tvm3ffi",
    "St",  # the namespace std
    "S[absiod]",  # abbreviations of std::allocator, std::string, std::iostream and similar
    "9__gnu_cxx",
    "10__cxxabiv1",
)
# In a symbol, a nested name starts with N. A prefix can precede the N. The empty prefix means the
# named entity itself. The other prefixes mean, in the order of the list: function-local static,
# guard variable, guard variable of a function-local static, temporary that a reference keeps alive,
# and the two functions of a thread-local variable.
_KINDS = ("", "Z", "GV", "GVZ", "GR", "TH", "TW")
# These letters can follow the N. They are the const, volatile and reference qualifiers of a member
# function.
_QUALIFIERS = ("", "K", "V", "VK", "R", "KR", "O", "KO")
# These prefixes mean: virtual table, VTT, type info and type name. Such symbols exist for a class,
# for pointers to the class, and for entities that the class's member functions define.
_CLASS_DATA = ("TV", "TT", "TI", "TS")
_WRAPPED = ("", "P", "PK", "PP", "Z")


def patterns() -> tuple[str, ...]:
    """Return glob patterns for the symbols that a library must not export.

    The patterns do not contain the underscore that macOS adds to C names.
    """
    nested = [
        f"_Z{kind}N{qualifier}{namespace}*"
        for kind in _KINDS
        for qualifier in _QUALIFIERS
        for namespace in _NAMESPACES
    ]
    class_data = [
        f"_Z{kind}{wrapped}N{qualifier}{namespace}*"
        for kind in _CLASS_DATA
        for wrapped in _WRAPPED
        for qualifier in ("", "K")
        for namespace in _NAMESPACES
    ]
    # If an entity is declared directly in the namespace std, its mangled name contains no N.
    direct = [f"_Z{kind}St*" for kind in _KINDS]
    direct += [f"_Z{kind}{wrapped}St*" for kind in _CLASS_DATA for wrapped in _WRAPPED]
    thunks = [
        f"_ZT{kind}*_N{qualifier}{namespace}*"
        for kind in "hvc"
        for qualifier in _QUALIFIERS
        for namespace in _NAMESPACES
    ]
    # From each HIP source, Clang 18 and newer export a variable whose name starts with __hip_cuid_.
    return tuple(sorted({*nested, *class_data, *direct, *thunks, "__hip_cuid_*"}))


@functools.cache
def local_symbol() -> re.Pattern[str]:
    """Return a regular expression that matches the same symbol names as `patterns`."""
    return re.compile("|".join(map(fnmatch.translate, patterns())))


def version_script(more: tuple[str, ...] = ()) -> str:
    """Return a GNU linker version script that exports all symbols that do not match `patterns`.

    :param more: additional names or patterns of symbols that the library must not export.
    """
    # In a version script, `*` has the lowest precedence, so all other patterns override it.
    local = "".join(f"    {pattern};\n" for pattern in (*patterns(), *more))
    return f"{{\n  global: *;\n  local:\n{local}}};\n"


def unexported_symbols_list(more: tuple[str, ...] = ()) -> str:
    """Return the patterns in the format of Apple's ``-unexported_symbols_list``.

    :param more: additional names or patterns of symbols that the library must not export.
    """
    return "".join(f"_{pattern}\n" for pattern in (*patterns(), *more))
