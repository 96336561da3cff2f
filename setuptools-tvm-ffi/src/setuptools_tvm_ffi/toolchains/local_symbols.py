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
# Plain and const members, function-local statics, guard variables, and vtable, VTT, type info
# and type name of classes.
_NESTED = ("N", "NK", "NO", "NKO", "ZN", "ZNK", "GVN", "GVZN", "GVZNK", "GRN")
_SPECIAL = ("TV", "TT", "TI", "TS")


def patterns() -> tuple[str, ...]:
    """Return glob patterns of mangled names, without a platform's leading underscore."""
    nested = [f"_Z{kind}{namespace}*" for namespace in _NAMESPACES for kind in _NESTED]
    special = [
        f"_Z{kind}{wrap}{namespace}*"
        for kind in _SPECIAL
        for wrap in ("N", "PN", "PKN")
        for namespace in _NAMESPACES
    ]
    unnested = [f"_Z{kind}St*" for kind in ("", "Z", "GVZ", *_SPECIAL)]
    thunks = [f"_ZT{kind}*_N{namespace}*" for kind in "hvc" for namespace in _NAMESPACES]
    return tuple(sorted({*nested, *special, *unnested, *thunks}))


def version_script() -> str:
    """Return a GNU linker version script: everything visible but these."""
    # `*` alone has the lowest precedence, so that the patterns win over it.
    local = "".join(f"    {pattern};\n" for pattern in patterns())
    return f"{{\n  global: *;\n  local:\n{local}}};\n"


def unexported_symbols_list() -> str:
    """Return the same for Apple's linker (``-unexported_symbols_list``)."""
    return "".join(f"_{pattern}\n" for pattern in patterns())
