# SPDX-License-Identifier: Apache-2.0
"""Command lines for GCC and Clang on Linux and macOS."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import ClassVar

from ..base.file_digest import digest_of
from ..binaries import local_symbols
from ..ffi.sdk import TVMFFISdk
from ..project.build_environment import used_names
from ..settings.model import SANITIZERS, ExtensionSettings, ProjectSettings
from .input_symbols import InputSymbols
from .protocols import (
    Companion,
    Compiler,
    CompileUnit,
    DeviceCompiler,
    EnvironmentFlags,
    HeaderUnit,
    LinkUnit,
    Precompilation,
    StaticPart,
    library_filename,
    linked_devices,
    toolkit_includes,
)

# Use the provisional name of a new standard, such as c2x for C23. Old compilers accept only this
# name, and new compilers accept it, too.
_C_STANDARD = {"11": "c11", "17": "c17", "23": "c2x"}
CXX_STANDARD = {"17": "c++17", "20": "c++20", "23": "c++2b", "26": "c++2c"}

# These are CMake's flags for the build types Release, Debug and RelWithDebInfo.
_OPTIMISATION = {
    "release": ("-O3", "-DNDEBUG"),
    "debug": ("-O0", "-g"),
    "release-debug-info": ("-O2", "-g", "-DNDEBUG"),
}
# The names of runtime libraries that compilers add to a link. A library must not export the symbols
# of a static runtime library.
_RUNTIME_LIBRARIES = ("gcc", "gcc_eh", "stdc++", "c++", "c++abi", "unwind", "compiler_rt")


def optimisation(build_type: str) -> tuple[str, ...]:
    """Return the compile flags of a build type. GCC, Clang and hipcc accept these flags.

    >>> optimisation("debug")
    ('-O0', '-g')
    """
    if build_type in SANITIZERS:
        # The compilers' manuals recommend frame pointers and little optimisation, so that the
        # reports of sanitizers are readable.
        return ("-O1", "-g", "-fno-omit-frame-pointer", *sanitizer_flags(build_type))
    return _OPTIMISATION[build_type]


def sanitizer_flags(build_type: str) -> tuple[str, ...]:
    """Return the compile and link flags that enable the sanitizer of a build type."""
    return (f"-fsanitize={SANITIZERS[build_type]}",) if build_type in SANITIZERS else ()


def preprocessor_flags(settings: ExtensionSettings) -> tuple[str, ...]:
    """Return the flags for macros and include folders. nvcc and hipcc accept these flags, too."""
    return (
        # With this macro, tvm-ffi's export macros also export types and documentation of functions.
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        *(
            f"-D{name}" if value is None else f"-D{name}={value}"
            for name, value in settings.define_macros
        ),
        *(f"-U{name}" for name in settings.undef_macros),
        *(f"-I{folder}" for folder in settings.include_dirs),
    )


def system_includes(settings: ExtensionSettings, sdk: TVMFFISdk) -> tuple[str, ...]:
    """Return the flags for the folders of system headers.

    The folders of apache-tvm-ffi come first, then `system_include_dirs` and `include_from`. The
    project's warning flags do not apply to system headers.
    """
    own = sdk.include_dirs if settings.link_header else ()
    folders = (*own, *settings.system_include_dirs, *settings.include_from)
    return tuple(word for folder in folders for word in ("-isystem", folder))


def _archive_name(library: str) -> str:
    """Return the file name of the archive that the linker finds for ``-l<library>``."""
    return library[1:] if library.startswith(":") else f"lib{library}.a"


def _named_archives(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the file names of the archives that linker arguments name.

    >>> list(_named_archives(["-Wl,--whole-archive,vendor/liba.a", "-lb", "-l", ":libc.a"]))
    ['liba.a', 'libb.a', 'libc.a']
    """
    words = [word for argument in arguments for word in argument.split(",")]
    for word, following in zip(words, [*words[1:], ""]):
        if word.startswith("-l"):
            yield _archive_name(word[2:] or following)
        elif word.endswith(".a") and not word.startswith(":"):
            yield PurePosixPath(word).name


def prefix_maps(
    settings: ExtensionSettings, sdk: TVMFFISdk, root: str, toolkit: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return flags that replace absolute paths in debug information and in ``__FILE__``.

    Each flag maps a folder to another name. The result contains flags for:

    * each folder of the build environment that contains the toolkit's headers or a folder of the
      settings `include_dirs` and `system_include_dirs`,
    * the project's folder,
    * the folders with the copied headers of apache-tvm-ffi and other packages.

    If several flags match a path, compilers use the last of these flags.

    :param toolkit: the folders of the CUDA toolkit's headers, if the sources can include them.
    """
    if not settings.prefix_map:
        return ()
    declared = (*settings.include_dirs, *settings.system_include_dirs, *toolkit)
    outer_first = reversed(used_names(declared, root).items())
    copies = (*sdk.include_dirs, *settings.include_from)
    maps = [*outer_first, (root, "."), *((f"{folder}/", "") for folder in copies)]
    # A unity build includes the sources with the option -include. GCC (12) then writes "./" before
    # the paths of the sources. Remove the "./".
    maps += [("./", "")] if settings.unity_build else []
    # The option -ffile-prefix-map does not support a path that contains "=".
    return tuple(f"-ffile-prefix-map={old}={new}" for old, new in maps if "=" not in old)


@dataclass(frozen=True)
class GnuToolchain:
    """Command lines for compiler drivers that accept GCC's arguments.

    :param system: ``linux`` (any ELF platform) or ``darwin``.
    :param root: the absolute path of the project's folder.
    :param inputs: the symbols of the prebuilt objects and archives of each extension. The key is
        the extension's name.
    """

    dependency_style: ClassVar = "gcc"
    object_suffix: ClassVar = ".o"

    compilers: Mapping[str, Compiler]
    system: str
    root: str
    environment: EnvironmentFlags
    project: ProjectSettings = field(default_factory=ProjectSettings)
    devices: Mapping[str, DeviceCompiler] = field(default_factory=dict)
    inputs: Mapping[str, InputSymbols] = field(default_factory=dict)

    def support_files(self) -> Mapping[str, str]:
        files = {self._symbol_list(()): self._symbol_list_content(())}
        for inputs in self.inputs.values():
            files[self._symbol_list(inputs.hidden)] = self._symbol_list_content(inputs.hidden)
        return files

    def needs_cxx(self, settings: ExtensionSettings) -> bool:
        return self._inputs(settings).needs_cxx

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        if language == "asm":
            return self._assembly_flags(settings, sdk)
        cxx = language == "cxx"
        toolkit = toolkit_includes(settings, self.devices)
        unique = cxx and self.compilers[language].family == "gcc"
        speed = optimisation(self.project.build_type)
        return (
            f"-std={CXX_STANDARD[settings.cxx_std] if cxx else _C_STANDARD[settings.c_std]}",
            *speed,
            *(("-g",) if settings.debug_symbols and "-g" not in speed else ()),
            # With -pipe, the assembler runs in parallel with the compiler. A compilation then takes
            # 2 to 3 % less time.
            *("-fPIC", "-pipe", "-fvisibility=hidden"),
            *(("-fvisibility-inlines-hidden",) if cxx else ()),
            # By default, GCC emits unique symbols, which ignore visibility. If two libraries define
            # the same unique symbol, the process uses one definition for all libraries. Clang emits
            # no unique symbols and rejects the option.
            *(("-fno-gnu-unique",) if unique else ()),
            *self._link_time_optimisation(language),
            # GCC's -Wtsan warns about every atomic fence in tvm-ffi's headers.
            *(("-Wno-tsan",) if unique and self.project.build_type == "thread-sanitizer" else ()),
            *(("-Werror",) if self.project.warnings_as_errors else ()),
            *self._platform(),
            *prefix_maps(settings, sdk, self.root, toolkit),
            *self._map_of_precompiled(settings),
            *preprocessor_flags(settings),
            *system_includes(settings, sdk),
            *(word for folder in toolkit for word in ("-isystem", folder)),
            *self.environment.cppflags,
            *self.environment.for_language(language),
            *settings.extra_compile_args.of(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        compiler = self.compilers[unit.language]
        return (
            *compiler.launcher,
            *compiler.command,
            # If the folder of a header also contains its precompiled header, GCC and Clang read the
            # precompiled header instead. GCC does so only for the first file that a source
            # includes. With -include, the header is the first file.
            *(("-include", unit.header) if unit.header else ()),
            *(("-Winvalid-pch",) if unit.precompiled and compiler.family == "gcc" else ()),
            *flags,
            *(("-MD", "-MQ", unit.object, "-MF", unit.depfile) if unit.reports_headers else ()),
            *(word for source in unit.joined for word in ("-include", source)),
            *("-c", unit.source, "-o", unit.object),
        )

    def precompile(self, flags: tuple[str, ...], unit: HeaderUnit) -> Precompilation | None:
        if flags.count("-arch") > 1:  # Clang cannot precompile for several architectures at once.
            return None
        compiler = self.compilers[unit.language]
        clang = compiler.family != "gcc"
        output = f"{unit.header}.{'pch' if clang else 'gch'}"
        command = (
            *compiler.launcher,
            *compiler.command,
            *flags,
            *("-MD", "-MQ", output, "-MF", unit.depfile),
            # By default, Clang rejects a precompiled header if the modification time of an included
            # header has changed. The build compares contents, and does not need this check.
            *(("-Xclang", "-fno-pch-timestamp") if clang else ()),
            *("-x", f"{'c++' if unit.language == 'cxx' else 'c'}-header"),
            *(unit.header, "-o", output),
        )
        return Precompilation(command, output)

    def _assembly_flags(self, settings: ExtensionSettings, sdk: TVMFFISdk) -> tuple[str, ...]:
        speed = optimisation(self.project.build_type)
        return (
            *speed,
            *(("-g",) if settings.debug_symbols and "-g" not in speed else ()),
            *("-fPIC", "-pipe"),
            # Clang would warn about every flag that does not apply to assembly. This option
            # disables the warning. GCC does not know this option and ignores it.
            "-Wno-unused-command-line-argument",
            *(("-Werror",) if self.project.warnings_as_errors else ()),
            *self._platform(),
            *prefix_maps(settings, sdk, self.root),
            *preprocessor_flags(settings),
            *system_includes(settings, sdk),
            *self.environment.cppflags,
            *self.environment.for_language("asm"),
            *settings.extra_compile_args.of("asm"),
        )

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        name = {"cxx": "c++", "asm": "assembler-with-cpp"}.get(language, "c")
        return (*self.compilers[language].command, *flags, "-E", "-v", "-x", name, os.devnull)

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        # A sibling is a library of the same distribution. If `libraries` contains the name of a
        # sibling, replace the name with the path of the sibling.
        siblings = {sibling.target: sibling.library for sibling in unit.siblings}
        devices = linked_devices(settings, unit.languages, self.devices)

        def linked(name: str) -> str:
            for device in devices:
                name = device.linker_name(name)
            return f"-l{name}"

        return (
            *self._kind(settings, support_folder),
            *self._platform(),
            *self._sanitizer(unit.driver),
            *self._link_time_optimisation(unit.driver),
            # With LTO, GCC (12) compiles during the link, and can write absolute paths. Replace
            # these paths.
            *(prefix_maps(settings, sdk, self.root) if self._compiles_at_link(unit.driver) else ()),
            *self._strip(settings),
            *self.environment.for_language(unit.driver),
            *self.environment.ldflags,
            *self._archived(settings),
            *self._prebuilt(settings),
            *(f"-L{folder}" for folder in settings.library_dirs),
            *(siblings.get(name, linked(name)) for name in settings.libraries),
            *self._run_paths(unit),
            *(flag for device in devices for flag in device.link_flags(settings)),
            *((f"-L{sdk.library_dir}", "-ltvm_ffi") if settings.link_shared else ()),
            *settings.extra_link_args,
        )

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        return (
            *self.compilers[unit.driver].command,
            # The objects must precede the archives: from an archive, the linker takes only the
            # members that earlier objects reference.
            *("-o", unit.library, f"@{unit.response_file}"),
            *flags,
        )

    def library_path_question(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        return (*self.compilers[unit.driver].command, *flags, "-print-search-dirs")

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        del languages  # By default, GCC and Clang link the shared runtime libraries.
        return ()

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        if self.system != "darwin" or not settings.debug_symbols:
            return None
        bundle = f"{unit.library}.dSYM"
        name = PurePosixPath(unit.library).name
        return Companion(
            files=(f"{bundle}/Contents/Info.plist", f"{bundle}/Contents/Resources/DWARF/{name}"),
            command=("dsymutil", unit.library, "-o", bundle),
        )

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        # In a response file, a backslash escapes the next character.
        return "\n".join(
            "".join(f"\\{c}" if c in " \\'\"\t" else c for c in name) for name in objects
        )

    def shell_line(self, command: tuple[str, ...]) -> str:
        return shlex.join(command)

    def _map_of_precompiled(self, settings: ExtensionSettings) -> tuple[str, ...]:
        """Return the flag that makes the paths of headers relative to the project's folder.

        The build precompiles a generated header. The generated header includes the headers of the
        setting `precompile-headers` by absolute paths.
        """
        uses = settings.precompile_headers and settings.prefix_map and "=" not in self.root
        return (f"-ffile-prefix-map={self.root}/=",) if uses else ()

    def _kind(self, settings: ExtensionSettings, support_folder: str) -> tuple[str, ...]:
        filename = library_filename(self.system, settings.target)
        inputs = self._inputs(settings)
        # GNU ld rejects a second version script. If the project's flags contain a version script,
        # do not add the plugin's version script.
        own = () if inputs.has_symbol_list else (self._symbol_list(inputs.hidden),)
        symbol_lists = [f"{support_folder}/{file}" for file in own]
        if self.system == "darwin":
            return (
                "-dynamiclib",
                f"-Wl,-install_name,@rpath/{filename}",
                *(f"-Wl,-unexported_symbols_list,{file}" for file in symbol_lists),
                # With this flag, debug information contains paths of objects relative to the
                # project's folder. dsymutil runs in this folder.
                *(("-Wl,-oso_prefix,.",) if settings.prefix_map and self._debug(settings) else ()),
            )
        return (
            "-shared",
            f"-Wl,-soname,{filename}",
            # With this flag, the linker rejects undefined symbols. On macOS, this is the default.
            "-Wl,-z,defs",
            *(f"-Wl,--version-script={file}" for file in symbol_lists),
            *self._excluded_libs(settings),
        )

    def _inputs(self, settings: ExtensionSettings) -> InputSymbols:
        return self.inputs.get(settings.name, InputSymbols())

    def _symbol_list(self, hidden: tuple[str, ...]) -> str:
        """Return the name of the support file that lists the symbols a library must not export.

        :param hidden: the symbols of prebuilt inputs that this library must not export. The list
            also contains the patterns in `local_symbols`.
        """
        name, suffix = (
            ("unexported-symbols", ".txt") if self.system == "darwin" else ("local-symbols", ".map")
        )
        digest = digest_of("\n".join(hidden).encode())[:8]
        return f"{name}-{digest}{suffix}" if hidden else f"{name}{suffix}"

    def _symbol_list_content(self, hidden: tuple[str, ...]) -> str:
        if self.system == "darwin":
            return local_symbols.unexported_symbols_list(hidden)
        return local_symbols.version_script(hidden)

    def _excluded_libs(self, settings: ExtensionSettings) -> tuple[str, ...]:
        if not settings.exclude_libs:
            return ()
        exporting = self._inputs(settings).exporting
        if not exporting:
            return ("-Wl,--exclude-libs,ALL",)
        # --exclude-libs hides all symbols of the archives in its argument. Omit the archives that
        # define functions for TVM-FFI: the library must export these functions. The symbol list
        # hides the other symbols of such an archive.
        names = [
            *(PurePosixPath(file).name for file in settings.archives if file not in exporting),
            *map(_archive_name, (*settings.libraries, *_RUNTIME_LIBRARIES)),
            *_named_archives((*self.environment.ldflags, *settings.extra_link_args)),
        ]
        return (f"-Wl,--exclude-libs,{':'.join(names)}",)

    def _platform(self) -> tuple[str, ...]:
        if self.system != "darwin":
            return ()
        target = self.environment.deployment_target
        return (
            *self.environment.archflags,
            *((f"-mmacosx-version-min={target}",) if target else ()),
        )

    def _sanitizer(self, language: str) -> tuple[str, ...]:
        flags = sanitizer_flags(self.project.build_type)
        # By default, Clang links a library without the sanitizer's runtime. The linker would then
        # reject the runtime's symbols as undefined, because of the flag -z defs. (On macOS, Clang
        # links the shared runtime by default.)
        shared = flags and self.system == "linux" and self.compilers[language].family == "clang"
        return (*flags, "-shared-libsan") if shared else flags

    def _link_time_optimisation(self, language: str) -> tuple[str, ...]:
        if not self.project.lto:
            return ()
        return ("-flto=auto" if self._compiles_at_link(language) else "-flto=thin",)

    def _compiles_at_link(self, language: str) -> bool:
        return self.project.lto and self.compilers[language].family == "gcc"

    def _strip(self, settings: ExtensionSettings) -> tuple[str, ...]:
        if not self.project.strip:
            return ()
        # Keep the debug information that the settings request. On macOS, dsymutil needs this
        # information.
        debug = self._debug(settings)
        if self.system != "darwin":
            return () if debug else ("-Wl,--strip-all",)
        return ("-Wl,-x",) if debug else ("-Wl,-x", "-Wl,-S")

    def _debug(self, settings: ExtensionSettings) -> bool:
        return settings.debug_symbols or "-g" in optimisation(self.project.build_type)

    def _archived(self, settings: ExtensionSettings) -> tuple[str, ...]:
        """Return the flags that make the linker include the archives' functions for TVM-FFI.

        Without these flags, the linker omits a member of an archive if nothing references the
        member.
        """
        underscore = "_" if self.system == "darwin" else ""
        return tuple(f"-Wl,-u,{underscore}{name}" for name in self._inputs(settings).archived)

    def _prebuilt(self, settings: ExtensionSettings) -> tuple[str, ...]:
        hidden = (
            set(settings.archives) - set(self._inputs(settings).exporting)
            if self.system == "darwin" and settings.exclude_libs
            else ()
        )
        return tuple(f"-Wl,-load_hidden,{o}" if o in hidden else o for o in settings.extra_objects)

    def _run_paths(self, unit: LinkUnit) -> tuple[str, ...]:
        if not unit.siblings:
            return ()
        origin = "@loader_path" if self.system == "darwin" else "$ORIGIN"
        # The loader searches the run paths for siblings. The first run path is the folder of this
        # library, because an editable install has all libraries in one folder.
        folders = dict.fromkeys((".", *(sibling.from_package for sibling in unit.siblings)))
        return tuple(
            f"-Wl,-rpath,{origin if folder == '.' else f'{origin}/{folder}'}" for folder in folders
        )
