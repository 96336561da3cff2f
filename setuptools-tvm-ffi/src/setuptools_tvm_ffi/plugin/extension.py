# SPDX-License-Identifier: Apache-2.0
"""Defines `TVMFFIExtension`, and rejects a distribution whose extensions conflict."""

from __future__ import annotations

import graphlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from setuptools import Extension

from ..base.errors import ConfigurationError
from ..settings.declaration import Declaration
from ..settings.model import ExtensionSettings
from ..settings.parser import parse_extension
from ..settings.values import Macro


class TVMFFIExtension(Extension):
    """A shared library that exports functions and classes over the TVM-FFI ABI.

    Like a :class:`setuptools.Extension`, it is an item of ``setup(ext_modules=[…])``. The arguments
    are the settings of ``[[tool.setuptools-tvm-ffi.ext-modules]]``, with underscores instead of
    dashes. ``docs/settings.md`` describes all settings.

    :param name: the dotted package, followed by the library's name (the "target").
        ``"my_pkg.my_lib"`` is built as ``my_pkg/libmy_lib.so`` on Linux, ``my_pkg/libmy_lib.dylib``
        on macOS and ``my_pkg/my_lib.dll`` on Windows.
        ``tvm_ffi.libinfo.load_lib_module("<distribution>", "my_lib")`` loads this library.
    :param sources: C (``.c``), C++ (``.cc .cpp .cxx``), CUDA (``.cu``), HIP (``.hip``) and assembly
        (``.S .s``) files or globs. Paths are relative to the project's folder, and must not lead
        out of that folder.
    :param include_dirs: folders with headers. The compiler searches them before the headers of
        apache-tvm-ffi.
    :param system_include_dirs: folders with headers of third-party code, for which compilers print
        no warnings. The compiler searches them after the headers of apache-tvm-ffi.
    :param include_from: headers of other Python packages. An item is a folder in a package, such as
        ``"some_package/include"``, or an object that provides folders, such as
        ``"numpy:get_include"``.
    :param define_macros: ``(name, value)`` pairs. ``None`` defines a macro without a value.
    :param undef_macros: names of macros to undefine.
    :param extra_compile_args: compiler arguments for every language, or a mapping from a language
        (``"c"``, ``"cxx"``, ``"cuda"``, ``"hip"``, ``"asm"``) to its arguments.
    :param extra_link_args: linker arguments.
    :param extra_objects: prebuilt object files and static archives. Without sources, the library
        consists of these files.
    :param libraries: names of libraries to link, or targets of other extensions.
    :param library_dirs: folders that the linker searches for ``libraries``.
    :param pkg_config: system libraries that ``pkg-config`` finds, such as ``"libpng>=1.6"``.
    :param embed: dicts that declare files to embed: ``{"name": "env", "source": "scale.cu"}``.
    :param registry_prefix: prefix of the names of the library's global functions and type keys.
        By default, the prefix is the package.
    :param stubs: how stubs are generated: ``"init"``, ``"directives"`` or ``"none"``.
    :param call_signatures: whether functions accept keyword arguments and default values. The first
        line of a function's docstring declares the names and the default values of the parameters.
    :param depends: input files that are neither sources nor headers. If one of these files changes,
        all sources are recompiled.
    :param source_options: dicts with options for some sources: ``{"sources": "csrc/avx2/*.cc",
        "extra_compile_args": ["-mavx2"]}``.
    :param overrides: dicts with arguments for some platforms: ``{"if": "sys_platform == 'win32'",
        "libraries": ["ws2_32"]}``.
    :raises ConfigurationError: an argument is unknown or invalid.
    """

    def __init__(
        self,
        name: str,
        sources: Sequence[str | os.PathLike[str]] = (),
        *,
        include_dirs: Sequence[str | os.PathLike[str]] = (),
        system_include_dirs: Sequence[str | os.PathLike[str]] = (),
        include_from: Sequence[str] = (),
        define_macros: Sequence[Macro] = (),
        undef_macros: Sequence[str] = (),
        extra_compile_args: Sequence[str] | Mapping[str, Sequence[str]] = (),
        extra_link_args: Sequence[str] = (),
        extra_objects: Sequence[str | os.PathLike[str]] = (),
        libraries: Sequence[str] = (),
        library_dirs: Sequence[str | os.PathLike[str]] = (),
        pkg_config: Sequence[str] = (),
        c_std: str | int = "11",
        cxx_std: str | int = "17",
        cuda_std: str | int = "17",
        hip_std: str | int = "17",
        cuda_architectures: Sequence[str] = (),
        cuda_runtime: str = "static",
        cuda_toolkit: bool = False,
        cuda_separable_compilation: bool = False,
        hip_architectures: Sequence[str] = (),
        registry_prefix: str | None = None,
        stubs: str = "init",
        stubs_target: str = "python",
        stubs_crate: str = ".",
        stub_imports: Sequence[str] = (),
        call_signatures: bool = False,
        link_header: bool = True,
        link_shared: bool = True,
        exclude_libs: bool = True,
        prefix_map: bool = True,
        msvc_flags: bool = True,
        debug_symbols: bool = False,
        unity_build: bool = False,
        unity_batch_size: int = 8,
        precompile_headers: Sequence[str] = (),
        depends: Sequence[str | os.PathLike[str]] = (),
        embed: Sequence[Mapping[str, Any]] = (),
        source_options: Sequence[Mapping[str, Any]] = (),
        overrides: Sequence[Mapping[str, Any]] = (),
        **unknown: Any,  # noqa: ANN401 - rejected by name
    ) -> None:
        arguments = {
            argument: value
            for argument, value in locals().items()
            if argument not in {"self", "unknown", "__class__"}
        }
        where = Declaration(f"TVMFFIExtension({name!r})")
        self._take(parse_extension({**arguments, **unknown}, where))

    @classmethod
    def from_settings(cls, settings: ExtensionSettings) -> TVMFFIExtension:
        """Return an extension with the given settings, which the caller has validated."""
        extension = cls.__new__(cls)
        extension._take(settings)  # noqa: SLF001 - same class
        return extension

    def _take(self, settings: ExtensionSettings) -> None:
        self.settings = settings
        # setuptools' commands read these attributes. The plugin's commands read the settings.
        super().__init__(settings.name, list(settings.sources), depends=list(settings.depends))


def check_together(extensions: Sequence[ExtensionSettings]) -> None:
    """Raise an error if extensions of the same distribution conflict.

    The target of each extension must be unique, because ``load_lib_module`` searches for the file
    name of a library and ignores its package. The registry prefix of each extension with stubs must
    be unique, because the Python module that is generated for a prefix loads only one library.

    :raises ConfigurationError: two extensions have the same target, two extensions create stubs for
        the same prefix, libraries link with each other in a cycle, or an extension sets
        `call_signatures` but the build generates no Python module for the extension.
    """
    targets: dict[str, str] = {}
    for extension in extensions:
        # On a case-insensitive file system, `a.dll` and `A.dll` are the same file.
        target = extension.target.lower()
        if target in targets:
            raise ConfigurationError(
                f"extensions {targets[target]!r} and {extension.name!r} have the same target "
                f"{extension.target!r}: load_lib_module would find the same file for both "
                "extensions",
                hint="choose a different target for each library of the distribution",
            )
        targets[target] = extension.name
    prefixes: dict[str, str] = {}
    for extension in extensions:
        for_python = extension.stubs == "init" and extension.stubs_target == "python"
        if extension.call_signatures and not for_python:
            raise ConfigurationError(
                f"{extension.place('call_signatures')} requires {extension.spelled('stubs')} = "
                f"'init' and {extension.spelled('stubs_target')} = 'python': only the modules that "
                "these settings generate can define functions that accept keyword arguments",
                hint=f"remove {extension.spelled('call_signatures')}, or the settings "
                f"{extension.spelled('stubs')} and {extension.spelled('stubs_target')}",
            )
        if extension.stubs == "init":
            other = prefixes.setdefault(extension.prefix, extension.name)
            if other != extension.name:
                raise ConfigurationError(
                    f"extensions {other!r} and {extension.name!r} both create stubs for "
                    f"{extension.prefix!r}, but an _ffi_api.py can load only one library",
                    hint=f"use different packages, set {extension.spelled('registry_prefix')} for "
                    "each extension, or set stubs to 'none' for an extension that registers "
                    "nothing",
                )
    _check_links(extensions)


def _check_links(extensions: Sequence[ExtensionSettings]) -> None:
    """Raise an error if libraries link with each other in a cycle, or a library with itself."""
    by_target = {extension.target: extension for extension in extensions}
    links = {e.target: [n for n in e.libraries if n in by_target] for e in extensions}
    try:
        graphlib.TopologicalSorter(links).prepare()
    except graphlib.CycleError as problem:
        cycle = problem.args[1][::-1]
        raise ConfigurationError(
            f"{by_target[cycle[0]].place('libraries')}: {' → '.join(cycle)} is a cycle, so none of "
            "these extensions can be linked first",
            hint="move the code that they share into another extension",
        ) from None
