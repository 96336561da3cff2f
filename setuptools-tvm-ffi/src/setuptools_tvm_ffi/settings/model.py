# SPDX-License-Identifier: Apache-2.0
"""The settings: one tree of dataclasses, from which everything that knows a setting is made.

A field is a setting; its key in `pyproject.toml` is its name with dashes. Its metadata holds the
kind of its values and its text for people. The parser, the JSON schema and the reference page are
made from these, and `TVMFFIExtension` takes the fields of `ExtensionSettings` by their names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .declaration import Declaration
from .languages import ARCHIVE_SUFFIXES, LANGUAGE_BY_SUFFIX, OBJECT_SUFFIXES, LanguageArguments
from .values import (
    PACKAGE_URL,
    PLATFORM_TAG,
    REGISTRY_PREFIX,
    Choice,
    Count,
    ExtensionName,
    Files,
    Flag,
    Kind,
    LicenseExpression,
    Macro,
    Macros,
    PerLanguage,
    Strings,
    Text,
)

TABLE = "tool.setuptools-tvm-ffi"

C_STANDARDS = ("11", "17", "23")
CXX_STANDARDS = ("17", "20", "23", "26")
#: What the nvcc of CUDA 12 and 13 takes of those.
CUDA_STANDARDS = ("17", "20")

#: ``init`` creates and fills `_ffi_api.py` and `__init__.py` for every registered prefix,
#: ``directives`` fills the blocks a person has put into files, ``none`` runs nothing.
STUB_MODES = ("init", "directives", "none")

#: What is done about stubs in the source tree that are out of date, and about unusable names.
STUB_CHECKS = ("warn", "check", "strict")

CUDA_RUNTIMES = ("static", "shared", "none")

SANITIZERS = {
    "address-sanitizer": "address",
    "undefined-sanitizer": "undefined",
    "thread-sanitizer": "thread",
}
BUILD_TYPES = ("release", "debug", "release-debug-info", *SANITIZERS)

_CUDA_ARCHITECTURES = Strings(
    r"[0-9]{1,2}\.[0-9][af]?(\+PTX)?", "architectures such as `9.0a`, `10.0+PTX`"
)
_HIP_ARCHITECTURES = Strings(
    r"gfx[0-9a-f]+((-generic)?|(:(sramecc|xnack)[+-])+)",
    "targets such as `gfx942`, `gfx90a:xnack-`",
)


_NO_ARGUMENTS = LanguageArguments()


def _setting(kind: Kind, text: str, default: Any = dataclasses.MISSING) -> Any:  # noqa: ANN401
    metadata = {"kind": kind, "text": text}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class ExtensionSettings:
    """The declaration of one shared library.

    Paths are as the user wrote them: relative to the project's root.
    """

    name: str = _setting(
        ExtensionName(),
        "The package that the library is placed in, then its target: `my_package.my_library` "
        "becomes `my_package/libmy_library.so` (`.dylib`; `my_library.dll`), which "
        '`tvm_ffi.libinfo.load_lib_module("<distribution>", "my_library")` loads.',
    )
    sources: tuple[str, ...] = _setting(
        Files(
            suffixes=tuple(LANGUAGE_BY_SUFFIX),
            hint="headers are found by the compiler and are not listed",
            may_be_empty=False,
        ),
        "Relative to the project's root and inside it; `**` is any number of folders. What a glob "
        "matches is sorted. `.c` is C; `.cc`, `.cpp` and `.cxx` are C++; `.cu` is CUDA; `.hip` is "
        "HIP.",
    )
    include_dirs: tuple[str, ...] = _setting(
        Strings(), "Folders searched for headers before those of apache-tvm-ffi.", ()
    )
    define_macros: tuple[Macro, ...] = _setting(
        Macros(), "Definitions for the preprocessor, in every language.", ()
    )
    undef_macros: tuple[str, ...] = _setting(
        Strings(r"[A-Za-z_]\w*", "names of macros"), "Names to undefine, after the definitions.", ()
    )
    extra_compile_args: LanguageArguments = _setting(  # noqa: RUF009 - it is frozen
        PerLanguage(),
        "Arguments of the compilers. They come last on the command line. A list goes to every "
        "language; a table has one for each, and each reaches its compiler and no other.",
        _NO_ARGUMENTS,
    )
    extra_link_args: tuple[str, ...] = _setting(
        Strings(), "Arguments of the link command. They come last.", ()
    )
    extra_objects: tuple[str, ...] = _setting(
        Files(
            suffixes=tuple(sorted(OBJECT_SUFFIXES | ARCHIVE_SUFFIXES)),
            hint="a shared library is named in 'libraries'",
            may_be_globs=False,
        ),
        "Prebuilt objects and static archives to link in, inside the project. What archives "
        "define stays hidden, see `exclude-libs`.",
        (),
    )
    libraries: tuple[str, ...] = _setting(
        Strings(r"[^-\s/\\][^\s/\\]*", "names of libraries"),
        "Names to link with, as after `-l`. The target of another extension of the distribution "
        "is built before this one and found at run time by its place in the wheel; on Windows once "
        "it is loaded, so that its package has to be imported first.",
        (),
    )
    library_dirs: tuple[str, ...] = _setting(
        Strings(), "Folders in which `libraries` are looked for at link time.", ()
    )
    c_std: str = _setting(Choice(C_STANDARDS), "The C standard.", "11")
    cxx_std: str = _setting(
        Choice(CXX_STANDARDS), "The C++ standard; the headers of apache-tvm-ffi need 17.", "17"
    )
    cuda_std: str = _setting(Choice(CUDA_STANDARDS), "The C++ standard of CUDA sources.", "17")
    hip_std: str = _setting(Choice(CXX_STANDARDS), "The C++ standard of HIP sources.", "17")
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "What CUDA sources are compiled for, instead of what the project says.",
        (),
    )
    cuda_runtime: str = _setting(
        Choice(CUDA_RUNTIMES),
        "How the CUDA runtime (cudart) is linked to a library with CUDA sources: `static` needs "
        "nothing but the driver at run time.",
        "static",
    )
    hip_architectures: tuple[str, ...] = _setting(
        _HIP_ARCHITECTURES,
        "What HIP sources are compiled for, instead of what the project says.",
        (),
    )
    registry_prefix: str | None = _setting(
        REGISTRY_PREFIX,
        "What the library's global functions and type keys start with; the package by default. If "
        "given, something has to be registered under it.",
        None,
    )
    stubs: str = _setting(
        Choice(STUB_MODES),
        "`init` creates and fills `_ffi_api.py` and `__init__.py` for every registered prefix; "
        "`directives` fills the blocks that you have put into files; `none` generates nothing.",
        "init",
    )
    stubs_target: str = _setting(
        Choice(("python", "rust")),
        "The language of the stubs. `rust` is passed on to `tvm-ffi-stubgen`, which knows it from "
        "0.1.15 on; it writes into the `src` folder of a Cargo crate, and nothing for Python.",
        "python",
    )
    stubs_crate: str = _setting(
        Text(),
        "The folder of that crate, inside the project. Its stubs are part of the source tree and "
        "of no wheel: an editable install and `setuptools-tvm-ffi stubs` write them.",
        ".",
    )
    stub_imports: tuple[str, ...] = _setting(
        Strings(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "dotted modules"),
        "Modules that are imported before the library is loaded to make its stubs, as after "
        "`tvm-ffi-stubgen --imports`: packages whose classes this one uses. Isolated builds need "
        "them in `build-system.requires`.",
        (),
    )
    link_header: bool = _setting(
        Flag(), "Whether the headers of apache-tvm-ffi are on the include path.", True
    )
    link_shared: bool = _setting(
        Flag(),
        "Whether the library is linked with `libtvm_ffi`. Without it only what the headers define "
        "can be used.",
        True,
    )
    exclude_libs: bool = _setting(
        Flag(), "Whether what static archives define is hidden (`--exclude-libs,ALL`).", True
    )
    prefix_map: bool = _setting(
        Flag(),
        "Whether the project's folder is left out of debug information, `__FILE__` and error "
        "traces (`-ffile-prefix-map`, `/pathmap`).",
        True,
    )
    msvc_flags: bool = _setting(
        Flag(),
        "Whether Microsoft's compiler gets the definitions that upstream's CMake helper applies "
        "(`NOMINMAX`, `WIN32_LEAN_AND_MEAN` and others) and `/bigobj`.",
        True,
    )
    debug_symbols: bool = _setting(
        Flag(),
        "Whether debug information is made and shipped: a `.dSYM` beside the library on macOS, a "
        "`.pdb` on Windows, in the library itself elsewhere.",
        False,
    )
    depends: tuple[str, ...] = _setting(
        Strings(), "Files whose change recompiles every source; headers need not be named.", ()
    )
    # No settings, but where those are declared; some may come from elsewhere, by field.
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)
    declared_elsewhere: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    def place(self, name: str) -> str:
        """Return what a message about one setting begins with."""
        if name in self.declared_elsewhere:
            return self.declared_elsewhere[name]
        if self.declaration is not None and self.declaration.in_toml:
            return self.declaration.at(name).rstrip(":")
        return f"extension {self.name!r}: {name}"

    @property
    def package(self) -> str:
        """The dotted package that the library is placed in."""
        return self.name.rpartition(".")[0]

    @property
    def target(self) -> str:
        """The library's base name, the second argument of ``load_lib_module``."""
        return self.name.rpartition(".")[2]

    @property
    def prefix(self) -> str:
        """The registry prefix, with its trailing dot; the package unless declared."""
        return (self.registry_prefix or self.package).rstrip(".") + "."

    @property
    def archives(self) -> tuple[str, ...]:
        """The static archives among the prebuilt inputs."""
        return tuple(o for o in self.extra_objects if o.endswith(tuple(ARCHIVE_SUFFIXES)))


@dataclass(frozen=True)
class VendoredSettings:
    """What is known of code of others that becomes a part of the libraries."""

    name: str = _setting(Text(), "What it is called, as `zlib`.")
    version: str | None = _setting(Text(), "Its version, as its authors write it.", None)
    license: str | None = _setting(LicenseExpression(), "What it is licensed under.", None)
    purl: str | None = _setting(
        PACKAGE_URL,
        "Its package URL, by which scanners look for its vulnerabilities.",
        None,
    )
    path: str | None = _setting(
        Text(),
        "The archive, inside the project, whose SHA-256 is written down: one of `extra-objects`, "
        "or what sources were unpacked from. An sdist holds it.",
        None,
    )
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def place(self, name: str) -> str:
        """Return what a message about one setting begins with."""
        return "vendored" if self.declaration is None else self.declaration.at(name).rstrip(":")


@dataclass(frozen=True)
class ProjectSettings:
    """The table ``[tool.setuptools-tvm-ffi]``."""

    build_type: str = _setting(
        Choice(BUILD_TYPES),
        "`release` optimises (`-O3 -DNDEBUG`), `debug` does not and makes debug information, "
        "`release-debug-info` does both. The sanitizers make libraries that report errors at run "
        "time; the build says how to start Python for them.",
        "release",
    )
    jobs: int | None = _setting(
        Count(),
        "Number of parallel jobs. By default, processors and free memory limit it, including the "
        "limits of a container (cgroup v2). With `distcc`, set it to the number of jobs that its "
        "hosts accept.",
        None,
    )
    compiler_launcher: str | None = _setting(
        Text(),
        "A program that starts the compilers, by name or path: `ccache`, `sccache`, `distcc`.",
        None,
    )
    strip: bool = _setting(
        Flag(),
        "Whether symbols that the loader does not need are left out of libraries. Those that are "
        "built with debug information keep it.",
        False,
    )
    lto: bool = _setting(
        Flag(), "Whether C and C++ are optimised across sources when a library is linked.", False
    )
    warnings_as_errors: bool = _setting(
        Flag(),
        "Whether a compiler's warning fails the build; the headers of apache-tvm-ffi are system "
        "headers, about which compilers are silent.",
        False,
    )
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "What CUDA sources are compiled for; `+PTX` adds code that newer GPUs compile themselves. "
        "By default one for each generation that the compiler knows, `+PTX` for the newest. No GPU "
        "is asked.",
        (),
    )
    hip_architectures: tuple[str, ...] = _setting(
        _HIP_ARCHITECTURES, "What HIP sources are compiled for. No GPU is asked.", ()
    )
    target: str | None = _setting(
        Text(),
        "The platform that wheels are built for with Zig, where it is not this machine's: "
        "`x86_64-linux-gnu.2.17`, `aarch64-macos.11.0`, `x86_64-windows-gnu`. The stubs come from "
        "a build for this machine.",
        None,
    )
    abi_floor: str | None = _setting(
        Text(),
        "The oldest release of apache-tvm-ffi that wheels declare to work with; by default the one "
        "that is built against.",
        None,
    )
    platform_tag: str = _setting(
        PLATFORM_TAG,
        "The platform tag of wheels. `default` is what setuptools says, on Linux `linux_x86_64` "
        "and its like, which PyPI does not take. `auto` is the lowest tag that the libraries "
        "satisfy. Any other has to hold, or there is no wheel; its machine may be left out. "
        "Wheels for a `target` have the tag of that, which has to hold, too.",
        "default",
    )
    editable_rebuild: bool = _setting(
        Flag(),
        "Whether an editable install checks its libraries at the first import in a process, and "
        "rebuilds what has changed.",
        False,
    )
    stubs: str = _setting(
        Choice(STUB_CHECKS),
        "What a wheel build says of stubs in the source tree that are not what the library gives "
        "now: `warn` says so in a line, `check` fails with the difference. `strict` does too, and "
        "refuses registered names that no stub can have, which are left out otherwise.",
        "warn",
    )
    py_typed: bool = _setting(
        Flag(),
        "Whether packages with stubs get a `py.typed`, without which type checkers ignore what a "
        "package says of its types.",
        True,
    )
    sbom: bool = _setting(
        Flag(),
        "Whether wheels hold a list of what they were made of, as CycloneDX, in "
        "`.dist-info/sboms/`.",
        True,
    )
    vendored: tuple[VendoredSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": VendoredSettings,
            "text": "Code of others in the libraries, for the list of what a wheel is made of.",
        },
    )
    ext_modules: tuple[ExtensionSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": ExtensionSettings,
            "text": "Libraries that are declared here and not, or not only, in `setup.py`.",
        },
    )


@dataclass(frozen=True)
class Setting:
    """What a field of the tree says about itself."""

    field: str
    kind: Kind
    text: str
    default: Any  #: ``dataclasses.MISSING`` where there is none


def settings_of(table: type) -> Iterator[Setting]:
    """Yield the settings of one of the dataclasses, without the tables in it."""
    for field in dataclasses.fields(table):
        if "kind" in field.metadata:
            yield Setting(field.name, field.metadata["kind"], field.metadata["text"], field.default)
