# SPDX-License-Identifier: Apache-2.0
"""Catalogue of audit findings. Each finding has a stable code, an effect on users, and a fix.

The meaning of a code never changes. The number of a removed code is not used again. TVM108, TVM109
and TVM605 were removed, because pip, twine and check-wheel-contents report the same problems.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Code:
    """A kind of finding.

    :param level: ``error`` if installation or import fails for some users, or PyPI rejects the
        wheel; ``warning`` if something fails only under some circumstances.
    :param breaks: what fails for a user.
    """

    name: str
    level: str
    title: str
    breaks: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """A defect that the audit found in a wheel.

    :param path: the file in the wheel; empty if the defect concerns the whole wheel.
    :param what: the evidence, such as symbols or tags.
    :param machine: the architecture that has the defect, if the file contains several
        architectures; else empty.
    """

    code: Code
    path: str
    what: str
    machine: str = ""


TAG_TOO_LOW = Code(
    "TVM101",
    ERROR,
    "platform tag that the libraries do not satisfy",
    "pip installs the wheel on machines that cannot load one of its libraries: the library needs "
    "symbol versions that the machine lacks, is built for another platform, or depends on a "
    "missing library.",
    'Use the tag that the libraries satisfy: build with `platform-tag = "auto"`, or run '
    "`setuptools-tvm-ffi repair`, which also copies missing libraries into the wheel. To keep the "
    "tag, build in an older environment, such as a manylinux image, or with an older "
    "`MACOSX_DEPLOYMENT_TARGET`.",
)
TAG_LINUX = Code(
    "TVM102",
    ERROR,
    "platform tag `linux_…`",
    "PyPI rejects the upload: the tag does not define which Linux systems can use the wheel.",
    'Build with `platform-tag = "auto"` to get the manylinux or musllinux tag that the libraries '
    "satisfy. Or run `setuptools-tvm-ffi repair`, which also copies missing libraries into the "
    "wheel.",
)
TAG_ANY = Code(
    "TVM103",
    ERROR,
    "platform tag `any` on a wheel with a library",
    "pip installs the wheel on every platform, but the library loads on one platform only.",
    "Declare the library in `ext_modules`, not in `package_data`, so that the build backend "
    "writes a platform tag.",
)
TAG_PYTHON = Code(
    "TVM104",
    ERROR,
    "Python or ABI tag other than `py3-none`",
    "pip installs the wheel for one Python version only, although the library works with all "
    "versions.",
    "Build with setuptools-tvm-ffi, or change the tag: `python -m wheel tags --python-tag py3 "
    "--abi-tag none`.",
)
TAG_WHEEL_FILE = Code(
    "TVM105",
    ERROR,
    "tags in `WHEEL` that differ from the file name",
    "Some tools read `WHEEL` and others read the file name. These tools disagree about which "
    "machines can install the wheel.",
    "Do not rename wheels. `python -m wheel tags` changes the tags in `WHEEL` and in the file "
    "name.",
)
ROOT_IS_PURELIB = Code(
    "TVM106",
    WARNING,
    "`Root-Is-Purelib: true` on a wheel with a library",
    "pip installs the library into the folder for pure Python, which some systems share between "
    "machines of different architectures.",
    "Declare the library as an extension, so that the build backend writes `false`.",
)
PLATFORMS_MIXED = Code(
    "TVM107",
    ERROR,
    "libraries for different platforms",
    "On every machine, some libraries of the wheel cannot be loaded.",
    "Build one wheel for each platform.",
)

NEEDS_MISSING = Code(
    "TVM201",
    ERROR,
    "dependency on a library that not every machine has",
    '`import` fails with "cannot open shared object file" on machines without that library.',
    "Link the library statically, or run `setuptools-tvm-ffi repair` to copy it into the wheel.",
)
NEEDS_UNREACHABLE = Code(
    "TVM202",
    ERROR,
    "dependency that the wheel contains but the loader does not find",
    "No run path of the library leads to the dependency. `import` works only if something else has "
    "loaded the dependency before.",
    "If the project builds the dependency, add its name to `libraries`. Otherwise, link with a run "
    "path relative to the library (`-Wl,-rpath,$ORIGIN/…`).",
)
NEEDS_PYTHON = Code(
    "TVM203",
    ERROR,
    "use of CPython's ABI",
    "`py3-none` promises that the wheel works with every Python. In a Python with another ABI, or "
    "in a Python that links libpython statically, the import fails or crashes.",
    "Remove `Python.h` and libpython from the build and use the types of `tvm::ffi`. If the wheel "
    "needs a CPython extension module, use a tag with its ABI (`cp311-cp311`, `cp39-abi3`).",
)
RUN_PATH_OUTSIDE = Code(
    "TVM204",
    WARNING,
    "run path that leaves the wheel",
    "The loader searches a folder that is neither in the wheel nor in a required distribution in "
    "`site-packages`. Anyone who can write to that folder controls what is loaded. On other "
    "machines, the folder is missing.",
    "Link without `-rpath`, or with a path below `$ORIGIN` (`@loader_path`) that stays in the "
    "wheel.",
)
UNSIGNED = Code(
    "TVM205",
    ERROR,
    "library for Apple silicon without a code signature",
    "macOS kills the process that loads the library.",
    "Sign the library after the last change: `codesign --force --sign - FILE`. Linkers sign "
    "automatically; `install_name_tool` and `strip` may invalidate the signature.",
)
UNREADABLE = Code(
    "TVM206",
    ERROR,
    "unreadable library",
    "The file is named like a library but is corrupt, truncated, not a library, code for a GPU, or "
    "crafted to attack programs that read it. Loading it fails or crashes.",
    "Build the wheel again, and do not install this one.",
)
BUNDLES_EXTERNAL = Code(
    "TVM207",
    ERROR,
    "bundled copy of libtvm_ffi or of NVIDIA's driver",
    "The process loads two copies of libtvm_ffi: the bundled copy, and the copy that "
    "apache-tvm-ffi contains. Functions and types that are registered in one copy are unknown to "
    "the other copy. A bundled NVIDIA driver library does not match the kernel driver of the "
    "user's machine.",
    "Repair the original wheel again, with `setuptools-tvm-ffi repair`, or with an option that "
    "excludes the library: `auditwheel repair --exclude libtvm_ffi.so`.",
)

EXPORTS_TEMPLATES = Code(
    "TVM301",
    WARNING,
    "exported C++ symbols of the standard library or of tvm-ffi's headers",
    "Another library in the process may export the same symbols from other versions of the "
    "headers. The loader may bind both libraries to the same definitions. The process then "
    "crashes, depending on the order of imports.",
    "Build with setuptools-tvm-ffi, or link with a version script that makes the symbols local.",
)
UNIQUE = Code(
    "TVM302",
    WARNING,
    "`STB_GNU_UNIQUE` symbols",
    "The loader keeps one copy of such a symbol per process, even if the symbol is hidden. Two "
    "packages with a class of the same name therefore share the state of the class. If the classes "
    "are in tvm-ffi's type registry, the process aborts.",
    "Compile with `-fno-gnu-unique`, as setuptools-tvm-ffi does.",
)

EXECUTABLE_STACK = Code(
    "TVM401",
    ERROR,
    "executable stack",
    "glibc 2.41 and newer refuse to load the library. Older versions make the stack of the whole "
    "process executable.",
    'Add `.section .note.GNU-stack,"",@progbits` to assembler sources, or link with '
    "`-Wl,-z,noexecstack`.",
)
TEXT_RELOCATIONS = Code(
    "TVM402",
    ERROR,
    "relocations in the code",
    "Systems that keep code read-only (SELinux, musl) refuse to load the library.",
    "Compile all linked code with `-fPIC`.",
)
NO_RELRO = Code(
    "TVM403",
    WARNING,
    "no RELRO",
    "The tables of function addresses stay writable, so an attacker can redirect calls.",
    "Link with `-Wl,-z,relro`, the default of most distributions' compilers.",
)
BUILD_PATHS = Code(
    "TVM404",
    WARNING,
    "paths of the build machine in a library",
    "The wheel reveals who built it and where. If the same sources are built in another folder, "
    "the library has other contents.",
    "Leave `prefix-map` on, and strip the library. If the library contains static archives, "
    "compile them with `-ffile-prefix-map`, too.",
)

NO_STUBS = Code(
    "TVM501",
    WARNING,
    "no stubs beside the library",
    "Type checkers and editors do not know the library's functions and types.",
    "Leave `stubs` at its default, or write a `.pyi` file.",
)
NO_PY_TYPED = Code(
    "TVM502",
    WARNING,
    "no `py.typed`",
    "Type checkers ignore the package's types (PEP 561).",
    "Add an empty file `py.typed` to the package, and to `package-data`.",
)
STUB_NAMES_NO_EXPORT = Code(
    "TVM503",
    ERROR,
    "stub for a function that the library does not export",
    "Type checkers accept a call that raises `AttributeError` at run time.",
    "Regenerate the stubs: `setuptools-tvm-ffi stubs`.",
)
STUB_NAMES_UNKNOWN = Code(
    "TVM504",
    WARNING,
    "stub for a name that no library seems to register",
    "Type checkers accept a call that raises `AttributeError` at run time. The audit did not find "
    "the name among the strings of any library. It cannot find names that are assembled at run "
    "time.",
    "Regenerate the stubs: `setuptools-tvm-ffi stubs`.",
)
STUB_LOADS_MISSING = Code(
    "TVM505",
    ERROR,
    "module that loads a library that the wheel does not contain",
    '`import` fails with "Cannot find library".',
    "Declare the extension that builds the library, or correct the library's name in the call of "
    "`load_lib_module`.",
)

RECORD_UNLISTED = Code(
    "TVM601",
    ERROR,
    "file without a valid row in `RECORD`",
    "pip does not remove the file on uninstall and cannot detect changes to it. `load_lib_module` "
    "searches `RECORD` for the library and does not find it.",
    "Do not edit wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_DIFFERS = Code(
    "TVM602",
    ERROR,
    "file that differs from its row in `RECORD`",
    "The file was changed after the wheel was built. uv and other installers reject the wheel.",
    "Do not edit wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_MISSING_FILE = Code(
    "TVM603",
    ERROR,
    "file that `RECORD` lists but the wheel does not contain",
    "The file was removed after the wheel was built. Code that imports the file fails.",
    "Do not edit wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_BROKEN = Code(
    "TVM604",
    ERROR,
    "missing or invalid `RECORD`",
    "pip refuses to install the wheel or to uninstall the package.",
    "Repack with `python -m wheel pack`.",
)

NO_REQUIREMENT = Code(
    "TVM701",
    ERROR,
    "no requirement for apache-tvm-ffi",
    "pip does not install `tvm_ffi`, or keeps an installed release that is too old. The import "
    "then fails.",
    "Make `dependencies` dynamic, so that setuptools-tvm-ffi adds the requirement, or add the "
    "requirement yourself.",
)
REQUIREMENT_LACKS_SYMBOL = Code(
    "TVM702",
    ERROR,
    "requirement that allows an apache-tvm-ffi release without a needed function",
    'With such a release, `import` fails with "undefined symbol".',
    "Change the requirement so that it allows only releases with the function, or avoid the "
    "function. If the audit knows no release with the function, the function's name is misspelt, "
    "or the function is newer than the audit.",
)
REQUIREMENT_BELOW_FLOOR = Code(
    "TVM703",
    ERROR,
    "requirement that allows an apache-tvm-ffi release below the ABI floor",
    "pip may install a release that the library was not built to support.",
    "Raise the lower bound of the requirement to the ABI floor in the build record. Or test the "
    "library with the older release, and lower `abi-floor`.",
)
REQUIREMENT_WITHDRAWN = Code(
    "TVM704",
    ERROR,
    "requirement that allows a withdrawn apache-tvm-ffi release",
    "The ABI of tvm-ffi's C++ classes in 0.1.13 and 0.1.13.post0 differs from their ABI in later "
    "releases. A library that uses these classes works only with the ABI that it was compiled "
    "against. If pip installs a release with the other ABI, the library breaks without an error "
    "message.",
    "Add `!=0.1.13,!=0.1.13.post0` to the requirement.",
)
NO_BUILD_RECORD = Code(
    "TVM705",
    WARNING,
    "no build record",
    "The audit does not know which release of apache-tvm-ffi the library was built against, so it "
    "cannot compare the requirement with that release.",
    "Build with setuptools-tvm-ffi, which writes `tvm_ffi_build.json`.",
)
RECORD_OF_ANOTHER_BUILD = Code(
    "TVM706",
    WARNING,
    "library that differs from the build record",
    "The compilers and the ABI floor in the build record do not describe the file that users "
    "install.",
    "Do not change the library after the build. Use settings of the build (`strip`, "
    "`extra-link-args`) instead, or a tool that updates the build record (`setuptools-tvm-ffi "
    "repair`).",
)
REQUIREMENT_ALLOWS_NONE = Code(
    "TVM707",
    ERROR,
    "requirement that no release of apache-tvm-ffi satisfies",
    "pip cannot install the package.",
    "Fix the bounds: use a released version as the lower bound, and a higher version as the upper "
    "bound.",
)
REQUIREMENT_UNBOUNDED = Code(
    "TVM708",
    WARNING,
    "requirement that allows a later minor version of apache-tvm-ffi",
    "tvm-ffi may change its ABI in 0.2, and pip may install 0.2 together with a library built for "
    "0.1.",
    "Add the upper bound `<0.2`, as setuptools-tvm-ffi does if `dependencies` is dynamic.",
)

#: All codes, sorted by name.
CATALOGUE = tuple(
    sorted(
        (code for code in list(globals().values()) if isinstance(code, Code)),
        key=lambda code: code.name,
    )
)
