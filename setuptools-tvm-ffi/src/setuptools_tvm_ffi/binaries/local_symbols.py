# SPDX-License-Identifier: Apache-2.0
"""Names the symbols that a library must not export, whatever the headers say.

The standard library and the headers of apache-tvm-ffi mark their templates with default
visibility, so every library exports the instantiations it happens to hold. Another library in
the process, built with other headers, could then be bound to them.
"""

from __future__ import annotations

# Itanium C++ ABI mangling: https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
_NAMESPACES = (
    "3tvm3ffi",
    "St",  # std
    "S[absiod]",  # std::allocator, std::string, std::iostream and their kin
    "9__gnu_cxx",
    "10__cxxabiv1",
)
# What stands before the N of a nested name: members, function-local statics, guard variables,
# references with extended lifetime, and the two functions of a thread-local variable.
_KINDS = ("", "Z", "GV", "GVZ", "GR", "TH", "TW")
# What stands after it: const, volatile and reference qualifiers of the member function.
_QUALIFIERS = ("", "K", "V", "VK", "R", "KR", "O", "KO")
# Virtual table, its table, type info and type name of a class, of pointers to it, and of what a
# function of it defines.
_CLASS_DATA = ("TV", "TT", "TI", "TS")
_WRAPPED = ("", "P", "PK", "PP", "Z")


def patterns() -> tuple[str, ...]:
    """Return glob patterns of names, without a platform's leading underscore."""
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
    # Names directly in std have no N.
    direct = [f"_Z{kind}St*" for kind in _KINDS]
    direct += [f"_Z{kind}{wrapped}St*" for kind in _CLASS_DATA for wrapped in _WRAPPED]
    thunks = [
        f"_ZT{kind}*_N{qualifier}{namespace}*"
        for kind in "hvc"
        for qualifier in _QUALIFIERS
        for namespace in _NAMESPACES
    ]
    # Clang 18 and newer mark each HIP source with a variable that everybody may see.
    return tuple(sorted({*nested, *class_data, *direct, *thunks, "__hip_cuid_*"}))


def version_script(more: tuple[str, ...] = ()) -> str:
    """Return a GNU linker version script: everything visible but these.

    :param more: further patterns.
    """
    # `*` alone has the lowest precedence, so that the patterns win over it.
    local = "".join(f"    {pattern};\n" for pattern in (*patterns(), *more))
    return f"{{\n  global: *;\n  local:\n{local}}};\n"


def unexported_symbols_list() -> str:
    """Return the same for Apple's linker (``-unexported_symbols_list``)."""
    return "".join(f"_{pattern}\n" for pattern in patterns())
