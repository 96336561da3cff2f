# SPDX-License-Identifier: Apache-2.0
"""What an audit can find: each with a stable code, what it breaks for a user, and the fix.

A code keeps its meaning, and the number of a removed code is not used again. TVM108, TVM109 and
TVM605 are removed: pip, twine and check-wheel-contents report what they reported.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Code:
    """A kind of finding.

    :param level: ``error`` where some user's installation or import fails, or an index refuses the
        wheel; ``warning`` for what shows itself only under some circumstances.
    """

    name: str
    level: str
    title: str
    breaks: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """An instance of one.

    :param path: the file in the wheel that it is about; empty for the wheel itself.
    :param what: what was found there.
    :param breaks: what it breaks in this case, where a code has several.
    :param fix: of this case.
    """

    code: Code
    path: str
    what: str
    breaks: str = ""
    fix: str = ""


TAG_TOO_LOW = Code(
    "TVM101",
    ERROR,
    "platform tag promises more than the libraries keep",
    "pip installs the wheel on machines on which a library then cannot be loaded: its symbols are "
    "too new for them, it is for others, or what it needs is not there.",
    'Give the wheel the tag that holds (`platform-tag = "auto"` when it is built, or '
    "`setuptools-tvm-ffi repair`), or build in an older environment: a manylinux image, or with a "
    "`MACOSX_DEPLOYMENT_TARGET`. What is not on every machine comes into the wheel with "
    "`setuptools-tvm-ffi repair`.",
)
TAG_LINUX = Code(
    "TVM102",
    ERROR,
    "platform tag `linux_…`",
    "PyPI refuses the upload, since the tag says nothing about which Linux systems the wheel "
    "is for.",
    'Build it with `platform-tag = "auto"`, which gives it the manylinux or musllinux tag that the '
    "libraries satisfy, or run `setuptools-tvm-ffi repair`, which also brings along what they need "
    "from outside.",
)
TAG_ANY = Code(
    "TVM103",
    ERROR,
    "platform tag `any` on a wheel with a library",
    "pip installs the wheel on every platform; on all but one the library cannot be loaded.",
    "Build it with a build backend that knows of the library: `ext_modules`, not `package_data`.",
)
TAG_PYTHON = Code(
    "TVM104",
    ERROR,
    "Python or ABI tag other than `py3-none`",
    "pip installs the wheel on one Python version only, though the library serves every one.",
    "Build it with setuptools-tvm-ffi, or retag it: `python -m wheel tags --python-tag py3 "
    "--abi-tag none`.",
)
TAG_WHEEL_FILE = Code(
    "TVM105",
    ERROR,
    "`WHEEL` names other tags than the file name",
    "Tools that read one of the two and tools that read the other disagree about who can "
    "install it.",
    "Retag with `python -m wheel tags`, which changes both, and never by renaming.",
)
ROOT_IS_PURELIB = Code(
    "TVM106",
    WARNING,
    "`Root-Is-Purelib: true` on a wheel with a library",
    "The library is installed into the folder for pure Python, which some systems share "
    "between machines of different kinds.",
    "Declare the library as an extension, which makes the build backend say `false`.",
)
PLATFORMS_MIXED = Code(
    "TVM107",
    ERROR,
    "libraries for different platforms",
    "Wherever the wheel is installed, some of its libraries cannot be loaded.",
    "Build one wheel for each platform.",
)

NEEDS_MISSING = Code(
    "TVM201",
    ERROR,
    "needs a library that not every machine has",
    '`import` fails with "cannot open shared object file" where that library is not installed.',
    "Link it statically, or put it into the wheel: `setuptools-tvm-ffi repair`.",
)
NEEDS_UNREACHABLE = Code(
    "TVM202",
    ERROR,
    "needs a library of the wheel that it does not find",
    "The library lies in the wheel, but no run path leads there; `import` works only if "
    "something else has loaded it before.",
    "Declare it as a sibling in `libraries`, or give the library a run path relative to "
    "itself (`-Wl,-rpath,$ORIGIN/…`).",
)
NEEDS_PYTHON = Code(
    "TVM203",
    ERROR,
    "uses CPython's ABI",
    "`py3-none` promises that any Python will do; one with another ABI, or a statically "
    "linked one, fails at import or crashes.",
    "Take `Python.h` and libpython out of the sources and use the types of `tvm::ffi`; a wheel "
    "with an extension module of CPython says so in its tag (`cp311-cp311`, `cp39-abi3`).",
)
RUN_PATH_OUTSIDE = Code(
    "TVM204",
    WARNING,
    "run path that leaves the wheel",
    "The loader looks in a folder that is not the wheel's: whoever can write there decides "
    "what is loaded, and nobody else has the library.",
    "Link without `-rpath`, or with one below `$ORIGIN` (`@loader_path`) that stays in the wheel.",
)
UNSIGNED = Code(
    "TVM205",
    ERROR,
    "no code signature on Apple silicon",
    "macOS ends the process that loads the library.",
    "Sign it after the last change: `codesign --force --sign - FILE`. Linkers do it by "
    "themselves, `install_name_tool` and `strip` may undo it.",
)
UNREADABLE = Code(
    "TVM206",
    ERROR,
    "not a library that can be read",
    "What calls itself a library is damaged, is none, or was made to mislead who reads it; "
    "loading fails or crashes.",
    "Build the wheel again, and do not install this one.",
)
BUNDLES_EXTERNAL = Code(
    "TVM207",
    ERROR,
    "carries a copy of libtvm_ffi or of NVIDIA's driver",
    "The process has two of them: functions and types that one knows are unknown to the other, and "
    "the driver is not that of the machine.",
    "Repair with `setuptools-tvm-ffi repair`, or exclude it: `auditwheel repair --exclude "
    "libtvm_ffi.so`.",
)

EXPORTS_TEMPLATES = Code(
    "TVM301",
    WARNING,
    "exports C++ of the standard library or of tvm-ffi's headers",
    "Another library in the process that was built with other headers may be bound to these "
    "functions, or this one to its: crashes that depend on what was imported first.",
    "Build with setuptools-tvm-ffi, or link with a version script that keeps them local.",
)
UNIQUE = Code(
    "TVM302",
    WARNING,
    "`STB_GNU_UNIQUE` symbols",
    "They are one in a process whatever their visibility: two packages with a class of one "
    "name share its state, which with tvm-ffi's type registry aborts the process.",
    "Compile with `-fno-gnu-unique`, which setuptools-tvm-ffi does.",
)

EXECUTABLE_STACK = Code(
    "TVM401",
    ERROR,
    "executable stack",
    "glibc 2.41 and newer refuse to load the library; older ones make the stack of the whole "
    "process executable.",
    'Add `.section .note.GNU-stack,"",@progbits` to assembler sources, or link with '
    "`-Wl,-z,noexecstack`.",
)
TEXT_RELOCATIONS = Code(
    "TVM402",
    ERROR,
    "relocations in the code",
    "Systems that keep code read-only (SELinux, musl) refuse to load the library.",
    "Compile everything that is linked with `-fPIC`.",
)
NO_RELRO = Code(
    "TVM403",
    WARNING,
    "no RELRO",
    "The tables through which functions are called stay writable for an attacker.",
    "Link with `-Wl,-z,relro`, the default of distributions' compilers.",
)
BUILD_PATHS = Code(
    "TVM404",
    WARNING,
    "paths of the building machine",
    "The wheel tells who built it and where, and the same sources give another file in "
    "another folder.",
    "Leave `prefix-map` on, and strip; an archive that was linked may have to be built with "
    "`-ffile-prefix-map`, too.",
)

NO_STUBS = Code(
    "TVM501",
    WARNING,
    "no stubs beside the library",
    "Type checkers and editors know nothing of what the library offers.",
    "Leave `stubs` at its default, or write a `.pyi`.",
)
NO_PY_TYPED = Code(
    "TVM502",
    WARNING,
    "no `py.typed`",
    "Type checkers do not look at the package's types at all (PEP 561).",
    "Add an empty file `py.typed` to the package, and to `package-data`.",
)
STUB_NAMES_NO_EXPORT = Code(
    "TVM503",
    ERROR,
    "stub names a function that the library does not export",
    "Type checkers accept a call that raises `AttributeError`.",
    "Write the stubs anew: `setuptools-tvm-ffi stubs`.",
)
STUB_NAMES_UNKNOWN = Code(
    "TVM504",
    WARNING,
    "stub names what no library seems to register",
    "Type checkers accept a call that raises `AttributeError`. The name is not among the "
    "strings of any library; a name that is put together at run time is not found there "
    "either.",
    "Write the stubs anew: `setuptools-tvm-ffi stubs`.",
)
STUB_LOADS_MISSING = Code(
    "TVM505",
    ERROR,
    "loads a library that is not in the wheel",
    '`import` fails with "Cannot find library".',
    "Declare the extension whose target it is, or correct the call of `load_lib_module`.",
)

RECORD_UNLISTED = Code(
    "TVM601",
    ERROR,
    "file without a proper row in `RECORD`",
    "pip leaves the file behind when it removes the package, and does not notice that it was "
    "changed; `load_lib_module` looks for the library in `RECORD` and does not find it.",
    "Do not change wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_DIFFERS = Code(
    "TVM602",
    ERROR,
    "file differs from its row in `RECORD`",
    "The file was changed after the wheel was made; uv and other installers refuse it.",
    "Do not change wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_MISSING_FILE = Code(
    "TVM603",
    ERROR,
    "`RECORD` lists a file that is not there",
    "The wheel lost a file after it was made; what imports it fails.",
    "Do not change wheels by hand; repack with `python -m wheel pack`.",
)
RECORD_BROKEN = Code(
    "TVM604",
    ERROR,
    "no `RECORD`, or one that cannot be read",
    "pip refuses to install the wheel, or to remove the package again.",
    "Repack with `python -m wheel pack`.",
)

NO_REQUIREMENT = Code(
    "TVM701",
    ERROR,
    "no requirement for apache-tvm-ffi",
    "pip installs the package without `tvm_ffi`, and the import fails; or it leaves a release "
    "in place that is too old.",
    "Make `dependencies` dynamic, so that setuptools-tvm-ffi adds it, or write it there.",
)
REQUIREMENT_LACKS_SYMBOL = Code(
    "TVM702",
    ERROR,
    "apache-tvm-ffi may be a release without a function that is needed",
    'With such a release, `import` fails with "undefined symbol".',
    "Raise the lower bound of the requirement, or lower what the sources use; a function that no "
    "known release has is misspelt, or comes with a later one.",
)
REQUIREMENT_BELOW_FLOOR = Code(
    "TVM703",
    ERROR,
    "apache-tvm-ffi may be older than the ABI floor",
    "pip may choose a release that the library was never meant to meet.",
    "Require what the build record says, or lower `abi-floor` once that is known to work.",
)
REQUIREMENT_WITHDRAWN = Code(
    "TVM704",
    ERROR,
    "apache-tvm-ffi may be a withdrawn release",
    "Libraries that touch C++ classes of tvm-ffi break silently between 0.1.13, 0.1.13.post0 "
    "and later releases.",
    "Add `!=0.1.13,!=0.1.13.post0` to the requirement.",
)
NO_BUILD_RECORD = Code(
    "TVM705",
    WARNING,
    "no build record",
    "Nobody can tell which release of apache-tvm-ffi the library was built against, and the "
    "requirement cannot be judged.",
    "Build with setuptools-tvm-ffi, which writes `tvm_ffi_build.json`.",
)
RECORD_OF_ANOTHER_BUILD = Code(
    "TVM706",
    WARNING,
    "library differs from the build record",
    "What the build record says of compilers and the ABI floor is about another file than the "
    "one that users get.",
    "Change libraries before the wheel is made (`strip`, `ldflags`), or with a tool that "
    "renews the record.",
)
REQUIREMENT_ALLOWS_NONE = Code(
    "TVM707",
    ERROR,
    "no release of apache-tvm-ffi meets the requirement",
    "pip cannot install the package.",
    "Correct the bounds: a lower one that was released, and an upper one above it.",
)
REQUIREMENT_UNBOUNDED = Code(
    "TVM708",
    WARNING,
    "apache-tvm-ffi may be of a later minor line",
    "Tvm-ffi may change its ABI with 0.2; pip installs that beside a library that was built "
    "for 0.1.",
    "Add an upper bound, as setuptools-tvm-ffi does where `dependencies` is dynamic: `<0.2`.",
)

#: All of them, in the order of their names.
CATALOGUE = (
    *(TAG_TOO_LOW, TAG_LINUX, TAG_ANY, TAG_PYTHON, TAG_WHEEL_FILE, ROOT_IS_PURELIB),
    PLATFORMS_MIXED,
    *(NEEDS_MISSING, NEEDS_UNREACHABLE, NEEDS_PYTHON, RUN_PATH_OUTSIDE),
    *(
        UNSIGNED,
        UNREADABLE,
        BUNDLES_EXTERNAL,
        EXPORTS_TEMPLATES,
        UNIQUE,
        EXECUTABLE_STACK,
        TEXT_RELOCATIONS,
    ),
    *(NO_RELRO, BUILD_PATHS, NO_STUBS, NO_PY_TYPED, STUB_NAMES_NO_EXPORT, STUB_NAMES_UNKNOWN),
    *(STUB_LOADS_MISSING, RECORD_UNLISTED, RECORD_DIFFERS, RECORD_MISSING_FILE, RECORD_BROKEN),
    *(NO_REQUIREMENT, REQUIREMENT_LACKS_SYMBOL, REQUIREMENT_BELOW_FLOOR, REQUIREMENT_WITHDRAWN),
    *(NO_BUILD_RECORD, RECORD_OF_ANOTHER_BUILD, REQUIREMENT_ALLOWS_NONE, REQUIREMENT_UNBOUNDED),
)
