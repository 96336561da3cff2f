# SPDX-License-Identifier: Apache-2.0
"""Defines all settings as fields of dataclasses.

The metadata of a field contains the description of the setting and the kind of its values. The
parser, the JSON schema and the reference page are derived from these dataclasses. The arguments of
`TVMFFIExtension` are the fields of `ExtensionSettings`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..base.errors import ConfigurationError
from .declaration import Declaration
from .languages import ARCHIVE_SUFFIXES, LANGUAGE_BY_SUFFIX, OBJECT_SUFFIXES, LanguageArguments
from .values import (
    EXTENSION_NAME,
    FLAG,
    LICENSE,
    MACROS,
    MARKER,
    PACKAGE_URL,
    PATTERNS,
    PER_LANGUAGE,
    PLATFORM_TAG,
    REGISTRY_PREFIX,
    SPECIFIER,
    SYMBOL,
    TEXT,
    Kind,
    Macro,
    choice,
    count,
    files,
    strings,
)

TABLE = "tool.setuptools-tvm-ffi"

C_STANDARDS = ("11", "17", "23")
CXX_STANDARDS = ("17", "20", "23", "26")
#: The C++ standards that nvcc supports in CUDA 12 and 13.
CUDA_STANDARDS = ("17", "20")

#: The architectures of each GPU generation. The keys are PyTorch's names for generations. A name
#: without "Tegra" also selects PTX for the last architecture of the generation.
CUDA_GENERATIONS = {
    "Maxwell": ("5.0", "5.2"),
    "Maxwell+Tegra": ("5.3",),
    "Pascal": ("6.0", "6.1"),
    "Volta": ("7.0",),
    "Volta+Tegra": ("7.2",),
    "Turing": ("7.5",),
    "Ampere": ("8.0", "8.6"),
    "Ampere+Tegra": ("8.7",),
    "Ada": ("8.9",),
    "Hopper": ("9.0",),
    "Blackwell": ("10.0", "10.3", "12.0", "12.1"),
    "Blackwell+Tegra": ("11.0",),
}

SANITIZERS = {
    "address-sanitizer": "address",
    "undefined-sanitizer": "undefined",
    "thread-sanitizer": "thread",
}
BUILD_TYPES = ("release", "debug", "release-debug-info", *SANITIZERS)
JOBS = count(4096)

_CUDA_ARCHITECTURES = strings(
    rf"([0-9]{{1,2}}\.[0-9][af]?|{'|'.join(map(re.escape, CUDA_GENERATIONS))})(\+PTX)?"
    "|native|all|All|all-major|Common",
    "architectures such as `9.0a`, `10.0+PTX`, `Hopper`, `all`, `native`",
)
_HIP_ARCHITECTURES = strings(
    r"gfx[0-9a-f]+((-generic)?|(:(sramecc|xnack)[+-])+)",
    "targets such as `gfx942`, `gfx90a:xnack-`",
)
_MACRO_NAMES = strings(r"[A-Za-z_]\w*", "names of macros")
_NO_ARGUMENTS = LanguageArguments()
_DOTTED = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
# Relative paths without globs. A path with ".." is rejected, because it could name a file outside
# the folder `{out}`.
_OUTPUTS = strings(
    r"(?!/)(?!(.*/)?\.\.(/|$))[^\\*?\[\]:]+",
    "names of files, relative to `{out}` and without globs",
    may_be_empty=False,
)


def _setting(kind: Kind, text: str, default: Any = dataclasses.MISSING) -> Any:  # noqa: ANN401
    return dataclasses.field(default=default, metadata={"kind": kind, "text": text})


@dataclass(frozen=True)
class SourceOptions:
    """An entry of the setting `source-options`: options for some sources of an extension.

    Except for `sources` and `unity`, each field changes the field of `ExtensionSettings` that has
    the same name.
    """

    sources: tuple[str, ...] = _setting(
        PATTERNS,
        "The sources that the entry applies to: paths and globs as in `sources` of the library. "
        "Each path or glob must match at least one source of the library.",
    )
    include_dirs: tuple[str, ...] = _setting(
        strings(), "Include folders, searched after the include folders of the library.", ()
    )
    define_macros: tuple[Macro, ...] = _setting(MACROS, "Further macros to define.", ())
    undef_macros: tuple[str, ...] = _setting(_MACRO_NAMES, "Further macros to undefine.", ())
    extra_compile_args: LanguageArguments = _setting(  # noqa: RUF009 - the default is immutable
        PER_LANGUAGE,
        "Compiler arguments, added after the arguments of the library: a list, or a table with a "
        "list for each language.",
        _NO_ARGUMENTS,
    )
    c_std: str | None = _setting(choice(*C_STANDARDS), "The C standard.", None)
    cxx_std: str | None = _setting(choice(*CXX_STANDARDS), "The C++ standard.", None)
    cuda_std: str | None = _setting(
        choice(*CUDA_STANDARDS), "The C++ standard of CUDA sources.", None
    )
    hip_std: str | None = _setting(choice(*CXX_STANDARDS), "The C++ standard of HIP sources.", None)
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "Target architectures of these CUDA sources. They replace all other declarations of "
        "architectures, including those of the command line and of variables.",
        (),
    )
    hip_architectures: tuple[str, ...] = _setting(
        _HIP_ARCHITECTURES,
        "Target architectures of these HIP sources. They replace all other declarations of "
        "architectures.",
        (),
    )
    unity: bool = _setting(
        FLAG,
        "With `false`, a unity build compiles each of these sources alone. A source with any other "
        "option is always compiled alone.",
        True,
    )
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        return "source_options" if self.declaration is None else self.declaration.at(name)


@dataclass(frozen=True)
class Override:
    """An entry of an extension's setting `overrides`: settings for some target platforms.

    An entry can also depend on the release of nvcc.

    :param changes: the value of each setting that the entry changes. The keys are the names of
        the fields of these settings.
    """

    if_: str | None = _setting(
        MARKER,
        "The targets that the entry applies to, as an environment marker of PEP 508 with the "
        "variables `sys_platform`, `platform_machine`, `platform_system` and `os_name`. Their "
        "values describe the target, also in cross builds. Other variables are rejected, because "
        "one wheel works with every version of Python.",
        None,
    )
    cuda: str | None = _setting(
        SPECIFIER,
        "The releases of nvcc that the entry applies to, such as `>=12.8`. The entry applies only "
        "if CUDA sources or `cuda-toolkit` are declared, possibly in an override. Entries with "
        "`cuda` apply after all other entries.",
        None,
    )
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        return "overrides" if self.declaration is None else self.declaration.at(name)


@dataclass(frozen=True)
class ProjectOverride(Override):
    """An entry of the project's setting `overrides`."""


@dataclass(frozen=True)
class EmbedSettings:
    """An entry of the setting `embed`: a file whose content is part of the library."""

    name: str = _setting(
        SYMBOL,
        "The name in `TVM_FFI_EMBED_CUBIN(name)`. The content starts at the symbol "
        "`__tvm_ffi__cubin_<name>`.",
    )
    source: str | None = _setting(
        TEXT,
        "A CUDA source inside the project, or the name of a generated CUDA source (see "
        "`generate`). It is compiled for `cuda-architectures` with the CUDA flags of the library.",
        None,
    )
    format: str = _setting(
        choice("fatbin", "cubin"),
        "The format to compile the source to. A `fatbin` contains code for all architectures. A "
        "`cubin` contains code for one architecture: `cuda-architectures` must name exactly one "
        "architecture, without `+PTX`.",
        "fatbin",
    )
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "Target architectures of the source. They replace all other declarations of architectures, "
        "including those of the command line and of variables.",
        (),
    )
    file: str | None = _setting(
        TEXT,
        "A file inside the project, or the name of a generated file, to embed unchanged. Use it "
        "instead of `source`. If the library has no CUDA source, set `cuda-toolkit` to be able to "
        "include `cubin_launcher.h`.",
        None,
    )
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` if `source`, `file` or `cuda_architectures` is invalid."""
        if (self.source is None) is (self.file is None):
            raise ConfigurationError(
                f"{self.place('source')}: the entry needs either 'source' or 'file'",
                hint="'source' is a CUDA source to compile; 'file' is an existing cubin or fatbin",
            )
        if self.source is not None and not self.source.endswith(".cu"):
            raise ConfigurationError(
                f"{self.place('source')}: {self.source!r} does not end in .cu",
                hint="to embed a file unchanged, use 'file' instead",
            )
        if self.source is None and self.cuda_architectures:
            raise ConfigurationError(
                f"{self.place('cuda_architectures')}: the entry has no source to compile",
                hint="remove the architectures: a 'file' is embedded unchanged",
            )

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        return f"embed: {name}" if self.declaration is None else self.declaration.at(name)

    @property
    def key(self) -> str:
        """The name of the setting that contains the path: ``source`` or ``file``."""
        return "file" if self.source is None else "source"

    @property
    def path(self) -> str:
        """The path of the CUDA source to compile, or of the file to embed unchanged."""
        return self.source or self.file or ""


def check_embedded_names(entries: Iterable[EmbedSettings]) -> None:
    """Raise `ConfigurationError` if two entries of the setting `embed` have the same name."""
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            raise ConfigurationError(
                f"{entry.place('name')}: {entry.name!r} is also the name of another entry",
                hint="choose another name for one of the entries",
            )
        names.add(entry.name)


@dataclass(frozen=True)
class ExtensionSettings:
    """The settings of one extension.

    Paths are relative to the project's folder.
    """

    name: str = _setting(
        EXTENSION_NAME,
        "The package that contains the library, followed by the target, which is the library's "
        "base name. `my_package.my_library` becomes `my_package/libmy_library.so` (macOS: "
        "`.dylib`; Windows: `my_library.dll`). "
        '`tvm_ffi.libinfo.load_lib_module("<distribution>", "my_library")` loads the library.',
    )
    sources: tuple[str, ...] = _setting(
        files(
            *LANGUAGE_BY_SUFFIX,
            hint="do not list headers: the compiler finds them",
        ),
        "Source files and globs inside the project, relative to its root, and names of generated "
        "sources (see `generate`). `**` matches any number of folders. The matches of a glob are "
        "sorted. `.c` files are C; `.cc`, `.cpp` and `.cxx` files are C++; `.cu` files are CUDA; "
        "`.hip` files are HIP; `.S` (preprocessed) and `.s` files are assembly, which Microsoft's "
        "compiler does not support. Required unless there are `extra-objects`, or overrides that "
        "add sources or `extra-objects`.",
        (),
    )
    include_dirs: tuple[str, ...] = _setting(
        strings(),
        "Include folders. The compiler searches them before the headers of apache-tvm-ffi.",
        (),
    )
    system_include_dirs: tuple[str, ...] = _setting(
        strings(),
        "Include folders of third-party code, like `SYSTEM` in CMake: compilers print no warnings "
        "for the headers in these folders. The compiler searches them after `include-dirs` and "
        "after the headers of apache-tvm-ffi.",
        (),
    )
    include_from: tuple[str, ...] = _setting(
        strings(
            rf"{_DOTTED}:{_DOTTED}|[A-Za-z_]\w*(/[^/\\.][^/\\]*)+/?",
            "references such as `numpy:get_include` or folders such as `some_package/include`",
        ),
        "Headers of other Python packages. `module:object` is a reference to a folder, to a list "
        "of folders, or to a function without arguments that returns one of these. "
        "`package/folder` is a folder in a package, which the build does not import. The build "
        "copies the folders to the build folder. Compilers print no warnings for these headers, "
        "and search them after `system-include-dirs`. Add the packages to `build-system.requires`.",
        (),
    )
    define_macros: tuple[Macro, ...] = _setting(
        MACROS, "Preprocessor macros to define, in every language.", ()
    )
    undef_macros: tuple[str, ...] = _setting(
        _MACRO_NAMES,
        "Preprocessor macros to undefine. They override `define-macros`.",
        (),
    )
    extra_compile_args: LanguageArguments = _setting(  # noqa: RUF009 - the default is immutable
        PER_LANGUAGE,
        "Compiler arguments, added at the end of the command line. A list applies to every "
        "language. A table contains a list for each language.",
        _NO_ARGUMENTS,
    )
    extra_link_args: tuple[str, ...] = _setting(
        strings(),
        "Linker arguments, added at the end of the command line. A version script, or a list of "
        "exported symbols on macOS, replaces the plugin's own list of local symbols.",
        (),
    )
    extra_objects: tuple[str, ...] = _setting(
        files(
            *sorted(OBJECT_SUFFIXES | ARCHIVE_SUFFIXES),
            hint="list shared libraries in 'libraries'",
            described="files",
        ),
        "Object files and static archives to link: paths of prebuilt files inside the project, and "
        "names of generated files (see `generate`). The library exports their functions for "
        "TVM-FFI (`__tvm_ffi_*`), but not their other symbols (see `exclude-libs`). Without "
        "`sources`, the library consists of these files.",
        (),
    )
    libraries: tuple[str, ...] = _setting(
        strings(r"[^-\s/\\][^\s/\\]*", "names of libraries"),
        "Names of libraries to link, as after `-l`. Libraries of the CUDA toolkit are found if the "
        "library uses the toolkit (see `cuda-toolkit`). If a name is the target of another "
        "extension of the distribution, that extension is built first, and the loader finds its "
        "library in the wheel at run time. On Windows, import the package of that extension first.",
        (),
    )
    library_dirs: tuple[str, ...] = _setting(
        strings(), "Folders that the linker searches for `libraries`.", ()
    )
    pkg_config: tuple[str, ...] = _setting(
        strings(
            r"\w[\w.+-]*(\s*(=|!=|<=?|>=?)\s*[^\s<>=!,]+)?",
            "modules such as `zlib` or `libpng>=1.6`",
        ),
        "Libraries of the system, as modules of pkg-config with optional conditions on their "
        "versions. Each build runs pkg-config, or the program in the variable `PKG_CONFIG`. The "
        "include folders are searched as `system-include-dirs`. Not available with a `target`.",
        (),
    )
    c_std: str = _setting(choice(*C_STANDARDS), "The C standard.", "11")
    cxx_std: str = _setting(
        choice(*CXX_STANDARDS),
        "The C++ standard. The headers of apache-tvm-ffi require at least 17.",
        "17",
    )
    cuda_std: str = _setting(choice(*CUDA_STANDARDS), "The C++ standard of CUDA sources.", "17")
    hip_std: str = _setting(choice(*CXX_STANDARDS), "The C++ standard of HIP sources.", "17")
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "Target architectures of CUDA sources. Overrides the project-wide setting.",
        (),
    )
    cuda_runtime: str = _setting(
        choice("static", "shared", "none"),
        "How to link the CUDA runtime (cudart) to a library that uses the CUDA toolkit (see "
        "`cuda-toolkit`). A library with the `static` runtime requires only the driver at run "
        "time.",
        "static",
    )
    cuda_toolkit: bool = _setting(
        FLAG,
        "Whether C and C++ sources can include the headers of the CUDA toolkit, and the library "
        "links with the CUDA runtime and finds the toolkit's libraries, such as `cublas` and "
        "`cuda` (the driver), in `libraries`. A library with CUDA sources always uses the toolkit.",
        False,
    )
    cuda_separable_compilation: bool = _setting(
        FLAG,
        "Whether device code can call device functions of other sources of the library "
        "(`-rdc=true`, and a device link). Kernels can become slower. The setting does not apply "
        "to sources in `embed`.",
        False,
    )
    hip_architectures: tuple[str, ...] = _setting(
        _HIP_ARCHITECTURES,
        "Target architectures of HIP sources. Overrides the project-wide setting.",
        (),
    )
    embed: tuple[EmbedSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": EmbedSettings,
            "text": "Files whose content becomes part of the library, such as compiled kernels. "
            "Every source of the library can use them with `TVM_FFI_EMBED_CUBIN(name)` of "
            "`<tvm/ffi/extra/cuda/cubin_launcher.h>`. Their symbols stay local to the library. "
            "Only for Linux.",
        },
    )
    registry_prefix: str | None = _setting(
        REGISTRY_PREFIX,
        "The prefix of the library's global functions and type keys. The default is the package. "
        "If you set a prefix, the library must register at least one name under this prefix.",
        None,
    )
    stubs: str = _setting(
        choice("init", "directives", "none"),
        "`init` creates and fills `_ffi_api.py` and `__init__.py` for every registered prefix. "
        "`directives` fills the stub blocks that you have added to your files. `none` generates "
        "no stubs.",
        "init",
    )
    stubs_target: str = _setting(
        choice("python", "rust"),
        "The language of the stubs. `rust` fills the `src` folder of a Cargo crate and generates "
        "no Python stubs. It requires `tvm-ffi-stubgen` 0.1.15 or newer.",
        "python",
    )
    stubs_crate: str = _setting(
        TEXT,
        "The folder of the Cargo crate, inside the project. Editable installs and "
        "`setuptools-tvm-ffi stubs` write the crate's stubs. Wheels do not contain these stubs.",
        ".",
    )
    stub_imports: tuple[str, ...] = _setting(
        strings(_DOTTED, "dotted module names"),
        "Modules that the build imports before it loads the library to generate stubs, as with "
        "`tvm-ffi-stubgen --imports`. List the packages whose classes this library uses. For "
        "isolated builds, add these packages to `build-system.requires`, too.",
        (),
    )
    call_signatures: bool = _setting(
        FLAG,
        "Whether functions take keywords and have defaults if the first line of their docstring is "
        'a signature, such as `clamp(x, lower=0.0, *, upper=1.0)`. It requires `stubs = "init"`. '
        "See `docs/typing.md`.",
        False,
    )
    link_header: bool = _setting(
        FLAG, "Whether the headers of apache-tvm-ffi are on the include path.", True
    )
    link_shared: bool = _setting(
        FLAG,
        "Whether to link the library with `libtvm_ffi`. With `false`, the library can only use "
        "what the headers define.",
        True,
    )
    exclude_libs: bool = _setting(
        FLAG,
        "Whether to hide the symbols of static archives (`--exclude-libs,ALL`) and of "
        "`extra-objects`, except functions for TVM-FFI (`__tvm_ffi_*`). A version script of the "
        "project replaces the list that hides symbols of `extra-objects` (see `extra-link-args`).",
        True,
    )
    prefix_map: bool = _setting(
        FLAG,
        "Whether to remove the project's folder from debug information, `__FILE__` and error "
        "traces (`-ffile-prefix-map`, `/pathmap`).",
        True,
    )
    msvc_flags: bool = _setting(
        FLAG,
        "Whether to pass `/bigobj` and the macros of apache-tvm-ffi's CMake function (`NOMINMAX`, "
        "`WIN32_LEAN_AND_MEAN` and others) to Microsoft's compiler.",
        True,
    )
    debug_symbols: bool = _setting(
        FLAG,
        "Whether to generate and ship debug information: in a `.dSYM` folder next to the library "
        "on macOS, in a `.pdb` file on Windows, and in the library itself elsewhere.",
        False,
    )
    unity_build: bool = _setting(
        FLAG,
        "Whether to compile sources of the same language in batches, which takes less time in "
        "total. Sources with `source-options` are compiled alone. See 'Compile many files faster' "
        "in the manual.",
        False,
    )
    unity_batch_size: int = _setting(
        count(4096, minimum=0),
        "With `unity-build`, the maximum number of sources in a batch. 0 means no maximum.",
        8,
    )
    precompile_headers: tuple[str, ...] = _setting(
        strings(r'<[^<>"]+>|[^<>"]+', "headers such as `<tvm/ffi/tvm_ffi.h>` or `csrc/common.h`"),
        "Headers to precompile. Every C++ source includes them first; in a library without C++ "
        "sources, every C source does. A path is relative to the project's root. "
        "See 'Compile many files faster' in the manual.",
        (),
    )
    depends: tuple[str, ...] = _setting(
        strings(),
        "Files that all object files depend on. You don't need to list headers.",
        (),
    )
    source_options: tuple[SourceOptions, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": SourceOptions,
            "text": "Options for some of the sources, in addition to the options of the library. "
            "If several entries match a source, they apply in their order: an entry adds to "
            "lists, and replaces architectures and other values.",
        },
    )
    overrides: tuple[Override, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": Override,
            "text": "Settings for some targets. An entry contains `if`, `cuda` or both, and any "
            "other keys of the library, except its name and the keys about stubs. Entries apply in "
            "their order: an entry adds to lists, and replaces other values. An sdist contains the "
            "files of all entries.",
        },
    )
    # `declaration` is the place where the extension is declared. If the value of a setting comes
    # from another place, such as an entry of `overrides`, `declared_elsewhere` contains this place.
    # The key is the field of the setting.
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)
    declared_elsewhere: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` if the extension and its overrides contain nothing to link."""
        adds = any(o.changes.get(n) for o in self.overrides for n in ("sources", "extra_objects"))
        if not self.sources and not self.extra_objects and not adds:
            where = self.declaration or Declaration(f"extension {self.name!r}")
            raise ConfigurationError(
                f"{where.at('sources')} is missing or empty",
                hint="list the sources, or list prebuilt files in "
                f"{where.name_of('extra_objects')!r}, either here or in an override that applies "
                "to the target",
            )

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        if name in self.declared_elsewhere:
            return self.declared_elsewhere[name]
        if self.declaration is not None and self.declaration.in_toml:
            return self.declaration.at(name)
        return f"extension {self.name!r}: {name}"

    def spelled(self, name: str) -> str:
        """Return the name of a setting as the project spells it, in `setup.py` or in TOML."""
        return name if self.declaration is None else self.declaration.name_of(name)

    def assignment(self, name: str, value: object) -> str:
        """Return the assignment of a value to a setting, in the syntax of `setup.py` or TOML.

        >>> ExtensionSettings("pkg.ops", ("a.cc",)).assignment("cuda_toolkit", True)
        'cuda_toolkit=True'
        """
        if self.declaration is not None and self.declaration.in_toml:
            return f"{self.spelled(name)} = {json.dumps(value)}"
        return f"{self.spelled(name)}={value!r}"

    @property
    def package(self) -> str:
        """The dotted name of the package that contains the library."""
        return self.name.rpartition(".")[0]

    @property
    def target(self) -> str:
        """The library's name. It is the second argument of ``load_lib_module``."""
        return self.name.rpartition(".")[2]

    @property
    def prefix(self) -> str:
        """The registry prefix, with a dot at the end. The default prefix is the package's name."""
        return (self.registry_prefix or self.package).rstrip(".") + "."

    def native_places(self) -> Iterator[str]:
        """Yield the places of the settings that contain the CUDA architecture ``native``."""
        tables: tuple[ExtensionSettings | SourceOptions | EmbedSettings, ...]
        tables = (self, *self.source_options, *self.embed)
        for table in tables:
            if "native" in table.cuda_architectures:
                yield table.place("cuda_architectures")

    @property
    def archives(self) -> tuple[str, ...]:
        """The static archives in the setting `extra-objects`."""
        return tuple(o for o in self.extra_objects if o.endswith(tuple(ARCHIVE_SUFFIXES)))


@dataclass(frozen=True)
class VendoredSettings:
    """An entry of the setting `vendored`: third-party code that is part of the libraries."""

    name: str = _setting(TEXT, "The name of the component, such as `zlib`.")
    version: str | None = _setting(TEXT, "The version, as the authors write it.", None)
    license: str | None = _setting(LICENSE, "The license.", None)
    purl: str | None = _setting(
        PACKAGE_URL, "The package URL. Scanners use it to find vulnerabilities.", None
    )
    path: str | None = _setting(
        TEXT,
        "A file inside the project: an entry of `extra-objects`, a `file` of `embed`, or the "
        "archive that the sources were unpacked from. The SBOM contains its SHA-256, and the sdist "
        "contains the file.",
        None,
    )
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        return "vendored" if self.declaration is None else self.declaration.at(name)


@dataclass(frozen=True)
class GenerateSettings:
    """An entry of the setting `generate`: a command that writes sources or headers."""

    command: tuple[str, ...] = _setting(
        strings(may_be_empty=False),
        "The program and its arguments. No shell runs them. The working folder is the project's "
        "root. `{python}` is the Python that runs the build, and `{out}` is the folder for the "
        "outputs, inside the build folder. Files of the project that the command names are inputs.",
    )
    outputs: tuple[str, ...] = _setting(
        _OUTPUTS,
        "The files that the command writes, relative to `{out}`. To compile an output, list its "
        "name in `sources`. To link or embed an output, name it in `extra-objects` or `embed`. "
        "Headers are found on the include path, which contains `{out}`. The build deletes other "
        "files in `{out}`.",
    )
    inputs: tuple[str, ...] = _setting(
        strings(),
        "Further files that the command reads: files, folders and globs inside the project, and "
        "outputs of other commands.",
        (),
    )
    declaration: Declaration | None = dataclasses.field(default=None, compare=False)

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        return f"generate: {name}" if self.declaration is None else self.declaration.at(name)


@dataclass(frozen=True)
class ProjectSettings:
    """The settings of the table ``[tool.setuptools-tvm-ffi]``."""

    build_type: str = _setting(
        choice(*BUILD_TYPES),
        "`release` optimises (`-O3 -DNDEBUG`), `debug` generates debug information and does not "
        "optimise, `release-debug-info` optimises and generates debug information. The sanitizers "
        "report errors at run time. The build prints how to start Python with a sanitizer.",
        "release",
    )
    jobs: int | None = _setting(
        JOBS,
        "The number of parallel jobs. The default depends on the processors and the free memory, "
        "including the limits of a container (cgroup v2). With `distcc`, set the number of jobs "
        "that its hosts accept.",
        None,
    )
    build_dir: str | None = _setting(
        TEXT,
        "The build folder, by default `build` or the `build-base` of `setup.cfg`. A relative path "
        "is relative to the project's root. Set it if the checkout is read-only or its disk is "
        "full. Use a different folder for each project.",
        None,
    )
    compiler_launcher: str | None = _setting(
        TEXT,
        "The name or path of a program that starts the compilers: `ccache`, `sccache`, `distcc`.",
        None,
    )
    strip: bool = _setting(
        FLAG,
        "Whether to remove symbols that the loader does not need. Debug information is kept if "
        "the build type or `debug-symbols` requests it.",
        False,
    )
    lto: bool = _setting(FLAG, "Whether to use link-time optimisation for C and C++.", False)
    warnings_as_errors: bool = _setting(
        FLAG,
        "Whether compiler warnings fail the build. The headers of apache-tvm-ffi are system "
        "headers, for which compilers print no warnings.",
        False,
    )
    cuda_architectures: tuple[str, ...] = _setting(
        _CUDA_ARCHITECTURES,
        "Target architectures of CUDA sources. `+PTX` adds code that newer GPUs compile at run "
        "time. Names of generations, such as `Ampere` or `Hopper`, have PyTorch's meaning. `all` "
        "(or `All`) means every architecture that nvcc supports. `all-major` (or `Common`) is the "
        "default: the first architecture of each generation, with `+PTX` for the newest. `native` "
        "means the GPUs of this machine and is for development only: a wheel that is built with "
        "`native` prints a warning.",
        (),
    )
    hip_architectures: tuple[str, ...] = _setting(
        _HIP_ARCHITECTURES,
        "Target architectures of HIP sources. The default does not depend on the build machine.",
        (),
    )
    target: str | None = _setting(
        TEXT,
        "Another platform to build wheels for, with Zig: `x86_64-linux-gnu.2.17`, "
        "`aarch64-macos.11.0`, `x86_64-windows-gnu`. The stubs come from a second build, for the "
        "build machine.",
        None,
    )
    abi_floor: str | None = _setting(
        TEXT,
        "The minimum release of apache-tvm-ffi that wheels require. The default is the release "
        "that the wheel is built against.",
        None,
    )
    platform_tag: str = _setting(
        PLATFORM_TAG,
        "The platform tag of wheels. `default` is the tag of setuptools; on Linux, this is a tag "
        "such as `linux_x86_64`, which PyPI rejects. `auto` is the lowest tag that the libraries "
        "satisfy. With any other tag, the build fails unless the libraries satisfy the tag. You "
        "may omit the architecture of the tag. A wheel for a `target` has the target's tag, and "
        "its libraries must satisfy that tag, too.",
        "default",
    )
    editable_rebuild: bool = _setting(
        FLAG,
        "Whether an editable install rebuilds libraries whose inputs changed. This happens at the "
        "first import in each process. If uv makes the editable install, and the project does not "
        "set `tool.uv.cache-keys`, the default is `true`.",
        False,
    )
    stubs: str = _setting(
        choice("warn", "check", "strict"),
        "What a wheel build does if the stubs in the source tree are out of date: `warn` prints a "
        "warning, `check` prints the difference and fails. `strict` does the same as `check`, and "
        "also fails if a registered name cannot have a stub. `warn` and `check` omit such names.",
        "warn",
    )
    py_typed: bool = _setting(
        FLAG,
        "Whether packages with stubs get a `py.typed` file. Type checkers ignore the types of an "
        "installed package without this file.",
        True,
    )
    sbom: bool = _setting(
        FLAG, "Whether wheels contain a CycloneDX SBOM in `.dist-info/sboms/`.", True
    )
    generate: tuple[GenerateSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": GenerateSettings,
            "text": "Commands that write sources or headers into the build folder.",
        },
    )
    vendored: tuple[VendoredSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": VendoredSettings,
            "text": "Third-party code in the libraries, for the SBOM.",
        },
    )
    ext_modules: tuple[ExtensionSettings, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": ExtensionSettings,
            "text": "Extensions, in addition to those of `setup.py`.",
        },
    )
    overrides: tuple[ProjectOverride, ...] = dataclasses.field(
        default=(),
        metadata={
            "table": ProjectOverride,
            "text": "Settings for some targets, with the same rules as the `overrides` of a "
            "library. An entry can contain `compiler-launcher`, `strip`, `lto`, "
            "`warnings-as-errors`, `cuda-architectures` and `hip-architectures`.",
        },
    )


#: The settings that an entry of `overrides` can change. The key is the class of the entry. The
#: value is a pair: the dataclass of the settings, and the fields that the entry can change. The
#: other fields are the same for all targets. For example, they determine the metadata of a wheel,
#: the build folder, or the stubs in the source tree.
OVERRIDABLE: dict[type, tuple[type, frozenset[str]]] = {
    Override: (
        ExtensionSettings,
        frozenset(field.name for field in dataclasses.fields(ExtensionSettings) if field.metadata)
        - {"name", "overrides", "registry_prefix"}
        - {"stubs", "stubs_target", "stubs_crate", "stub_imports", "call_signatures"},
    ),
    ProjectOverride: (
        ProjectSettings,
        frozenset(
            {
                *("compiler_launcher", "strip", "lto", "warnings_as_errors"),
                *("cuda_architectures", "hip_architectures"),
            }
        ),
    ),
}


@dataclass(frozen=True)
class Setting:
    """A setting with its kind, its description and its default."""

    field: str
    kind: Kind
    text: str
    default: Any  #: ``dataclasses.MISSING`` if the setting is required


def settings_of(table: type) -> Iterator[Setting]:
    """Yield the settings of a dataclass. Fields that contain nested tables are omitted."""
    for field in dataclasses.fields(table):
        if "kind" in field.metadata:
            yield Setting(field.name, field.metadata["kind"], field.metadata["text"], field.default)


def tables_of(table: type) -> dict[str, type]:
    """Map each field that contains a list of tables to the dataclass of these tables."""
    return {
        field.name: field.metadata["table"]
        for field in dataclasses.fields(table)
        if "table" in field.metadata
    }
