# SPDX-License-Identifier: Apache-2.0
"""Symbols of libtvm_ffi, and the apache-tvm-ffi releases that added or removed each symbol.

``benchmarks/tvm_ffi_symbols.py`` extracts the symbols from the wheels of apache-tvm-ffi for Linux
x86-64. The symbols are the C functions, and the C++ functions that the headers declare but do not
define. Template instantiations of the standard library are left out.
"""

from __future__ import annotations

from packaging.version import Version

#: All known releases of apache-tvm-ffi, including withdrawn releases.
RELEASES = tuple(
    map(
        Version,
        (
            "0.1.0",
            "0.1.1",
            "0.1.2",
            "0.1.3",
            "0.1.4",
            "0.1.5",
            "0.1.6",
            "0.1.7",
            "0.1.8",
            "0.1.8.post0",
            "0.1.8.post1",
            "0.1.8.post2",
            "0.1.9",
            "0.1.10",
            "0.1.11",
            "0.1.12",
            "0.1.13",
            "0.1.13.post0",
            "0.1.13.post2",
            "0.1.13.post3",
            "0.1.14",
            "0.1.14.post0",
            "0.1.14.post1",
            "0.1.15",
            "0.1.15.post0",
            "0.1.15.post1",
            "0.1.15.post2",
        ),
    )
)

_ADDED = {
    "0.1.0": (
        "TVMFFIAnyViewToOwnedAny",
        "TVMFFIBacktrace",
        "TVMFFIBytesFromByteArray",
        "TVMFFIDataTypeFromString",
        "TVMFFIDataTypeToString",
        "TVMFFIEnvCheckSignals",
        "TVMFFIEnvGetDLPackManagedTensorAllocator",
        "TVMFFIEnvGetStream",
        "TVMFFIEnvModLookupFromImports",
        "TVMFFIEnvModRegisterContextSymbol",
        "TVMFFIEnvModRegisterSystemLibSymbol",
        "TVMFFIEnvRegisterCAPI",
        "TVMFFIEnvSetDLPackManagedTensorAllocator",
        "TVMFFIEnvSetStream",
        "TVMFFIEnvTensorAlloc",
        "TVMFFIErrorCreate",
        "TVMFFIErrorMoveFromRaised",
        "TVMFFIErrorSetRaised",
        "TVMFFIErrorSetRaisedFromCStr",
        "TVMFFIErrorSetRaisedFromCStrParts",
        "TVMFFIFunctionCall",
        "TVMFFIFunctionCreate",
        "TVMFFIFunctionGetGlobal",
        "TVMFFIFunctionSetGlobal",
        "TVMFFIFunctionSetGlobalFromMethodInfo",
        "TVMFFIGetTypeAttrColumn",
        "TVMFFIGetTypeInfo",
        "TVMFFIGetVersion",
        "TVMFFIObjectCreateOpaque",
        "TVMFFIObjectDecRef",
        "TVMFFIObjectIncRef",
        "TVMFFIStringFromByteArray",
        "TVMFFITensorFromDLPack",
        "TVMFFITensorFromDLPackVersioned",
        "TVMFFITensorToDLPack",
        "TVMFFITensorToDLPackVersioned",
        "TVMFFITypeGetOrAllocIndex",
        "TVMFFITypeKeyToIndex",
        "TVMFFITypeRegisterAttr",
        "TVMFFITypeRegisterField",
        "TVMFFITypeRegisterMetadata",
        "TVMFFITypeRegisterMethod",
        "_ZGVZN3tvm3ffi9ModuleObj27_GetOrAllocRuntimeTypeIndexEvE6tindex",
        "_ZN3tvm3ffi11ToJSONGraphERKNS0_3AnyES3_",
        "_ZN3tvm3ffi13FromJSONGraphERKNS0_3AnyE",
        "_ZN3tvm3ffi14StructuralHash4HashERKNS0_3AnyEbb",
        "_ZN3tvm3ffi15StructuralEqual16GetFirstMismatchERKNS0_3AnyES4_bb",
        "_ZN3tvm3ffi15StructuralEqual5EqualERKNS0_3AnyES4_bb",
        "_ZN3tvm3ffi4json5ParseERKNS0_6StringEPS2_",
        "_ZN3tvm3ffi4json9StringifyERKNS0_3AnyENS0_8OptionalIivEE",
        "_ZN3tvm3ffi6Module12LoadFromFileERKNS0_6StringE",
        "_ZN3tvm3ffi6Module19VisitContextSymbolsERKNS0_13TypedFunctionIFvNS0_6StringEPvEEE",
        "_ZN3tvm3ffi9ModuleObj11GetFunctionERKNS0_6StringEb",
        "_ZN3tvm3ffi9ModuleObj12ClearImportsEv",
        "_ZN3tvm3ffi9ModuleObj12ImportModuleERKNS0_6ModuleE",
        "_ZN3tvm3ffi9ModuleObj14GetFunctionDocERKNS0_6StringEb",
        "_ZN3tvm3ffi9ModuleObj18ImplementsFunctionERKNS0_6StringEb",
        "_ZN3tvm3ffi9ModuleObj19GetFunctionMetadataERKNS0_6StringEb",
        "_ZTIN3tvm3ffi9ModuleObjE",
        "_ZTSN3tvm3ffi9ModuleObjE",
        "_ZTVN3tvm3ffi9ModuleObjE",
        "_ZZN3tvm3ffi9ModuleObj14InternalUnsafe22GetFunctionFromImportsEPS1_PKcE6mutex_",
        "_ZZN3tvm3ffi9ModuleObj27_GetOrAllocRuntimeTypeIndexEvE6tindex",
    ),
    "0.1.5": (
        "TVMFFIHandleDeinitOnce",
        "TVMFFIHandleInitOnce",
    ),
    "0.1.6": ("TVMFFITensorCreateUnsafeView",),
    "0.1.8": ("TVMFFIErrorCreateWithCauseAndExtraContext",),
    "0.1.9": ("_ZN3tvm3ffi8DeepCopyERKNS0_3AnyE",),
    "0.1.10": (
        "_ZN3tvm3ffi11RecursiveEqERKNS0_3AnyES3_",
        "_ZN3tvm3ffi11RecursiveGeERKNS0_3AnyES3_",
        "_ZN3tvm3ffi11RecursiveGtERKNS0_3AnyES3_",
        "_ZN3tvm3ffi11RecursiveLeERKNS0_3AnyES3_",
        "_ZN3tvm3ffi11RecursiveLtERKNS0_3AnyES3_",
        "_ZN3tvm3ffi13RecursiveHashERKNS0_3AnyE",
        "_ZN3tvm3ffi9ReprPrintERKNS0_3AnyE",
    ),
    "0.1.12": ("_ZN3tvm3ffi17VisitErrorContext15FindAccessPathsERKNS0_9ObjectRefERKS1_b",),
    "0.1.13": (
        "TVMFFIGetCustomAllocator",
        "TVMFFISetCustomAllocator",
        "_ZN3tvm3ffi4json9StringifyERKNS0_3AnyERKNS0_8OptionalIivEE",
        "_ZTIN3tvm3ffi5ErrorE",
        "_ZTSN3tvm3ffi5ErrorE",
        "_ZTVN3tvm3ffi5ErrorE",
    ),
    "0.1.14.post0": (
        "TVMFFIBigIntFromByteArray",
        "TVMFFIBigIntGetContentByteArray",
    ),
}

_REMOVED = {
    "0.1.13": ("_ZN3tvm3ffi4json9StringifyERKNS0_3AnyENS0_8OptionalIivEE",),
}

#: Maps each symbol to the first release that has the symbol.
FIRST = {name: Version(release) for release, names in _ADDED.items() for name in names}

#: Maps each removed symbol to the first release without the symbol.
GONE = {name: Version(release) for release, names in _REMOVED.items() for name in names}
