# SPDX-License-Identifier: Apache-2.0
"""`TVMFFIExtension`, what a `setup.py` declares a library with, and what holds between several."""

from __future__ import annotations

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
    """One plain shared library that exports functions and classes over the TVM-FFI ABI.

    A counterpart of :class:`setuptools.Extension` for ``setup(ext_modules=[…])``. Its arguments are
    the settings of ``[[tool.setuptools-tvm-ffi.ext-modules]]`` with underscores; those that are not
    described here stand in the reference, ``docs/settings.md``.

    :param name: dotted path, package then target: ``"my_pkg.my_lib"`` becomes
        ``my_pkg/libmy_lib.so`` (``.dylib``, ``my_lib.dll``), which
        ``tvm_ffi.libinfo.load_lib_module("<distribution>", "my_lib")`` loads.
    :param sources: C (``.c``), C++ (``.cc .cpp .cxx``), CUDA (``.cu``) and HIP (``.hip``) files or
        globs (``**`` too), relative to the project's root and inside it. What a glob matches is
        sorted.
    :param include_dirs: searched before the headers of apache-tvm-ffi.
    :param define_macros: ``(name, value)`` pairs; ``None`` as value defines without one.
    :param undef_macros: names to undefine.
    :param extra_compile_args: arguments for every language, or a mapping with a list for each of
        ``"c"``, ``"cxx"``, ``"cuda"``, ``"hip"``. They come last.
    :param extra_link_args: arguments of the link command. They come last.
    :param extra_objects: prebuilt objects and static archives.
    :param libraries: names to link with, as after ``-l``, or targets of sibling extensions.
    :param library_dirs: where those are looked for at link time.
    :param c_std: ``"11"``, ``"17"`` or ``"23"``.
    :param cxx_std: ``"17"`` (what the headers of apache-tvm-ffi need), ``"20"``, ``"23"``,
        ``"26"``.
    :param cuda_architectures: such as ``"9.0a"`` and ``"10.0+PTX"``.
    :param registry_prefix: what the library's global functions and type keys start with;
        the package by default. If given, something has to be registered under it.
    :param stubs: ``"init"``, ``"directives"`` or ``"none"``.
    :param stubs_target: ``"python"`` or ``"rust"``.
    :param stubs_crate: the folder of the Cargo crate that stubs for Rust are written into.
    :param stub_imports: modules whose classes the library's types use.
    :param depends: files that a rebuild of every source depends on, headers need not be named.
    :raises ConfigurationError: a value is not what is described here.
    """

    def __init__(
        self,
        name: str,
        sources: Sequence[str | os.PathLike[str]],
        *,
        include_dirs: Sequence[str | os.PathLike[str]] = (),
        define_macros: Sequence[Macro] = (),
        undef_macros: Sequence[str] = (),
        extra_compile_args: Sequence[str] | Mapping[str, Sequence[str]] = (),
        extra_link_args: Sequence[str] = (),
        extra_objects: Sequence[str | os.PathLike[str]] = (),
        libraries: Sequence[str] = (),
        library_dirs: Sequence[str | os.PathLike[str]] = (),
        c_std: str | int = "11",
        cxx_std: str | int = "17",
        cuda_std: str | int = "17",
        hip_std: str | int = "17",
        cuda_architectures: Sequence[str] = (),
        cuda_runtime: str = "static",
        hip_architectures: Sequence[str] = (),
        registry_prefix: str | None = None,
        stubs: str = "init",
        stubs_target: str = "python",
        stubs_crate: str = ".",
        stub_imports: Sequence[str] = (),
        link_header: bool = True,
        link_shared: bool = True,
        exclude_libs: bool = True,
        prefix_map: bool = True,
        msvc_flags: bool = True,
        debug_symbols: bool = False,
        depends: Sequence[str | os.PathLike[str]] = (),
        **unknown: Any,  # noqa: ANN401 - whatever it is, it is refused by name
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
        """Return the extension for settings that were validated before."""
        extension = cls.__new__(cls)
        extension._take(settings)  # noqa: SLF001 - its own class
        return extension

    def _take(self, settings: ExtensionSettings) -> None:
        self.settings = settings
        # setuptools' commands read these; ours read the settings.
        super().__init__(settings.name, list(settings.sources), depends=list(settings.depends))


def check_together(extensions: Sequence[ExtensionSettings]) -> None:
    """Refuse declarations that cannot share one distribution.

    ``load_lib_module`` finds a library by its file name alone, so two of one target would be
    mistaken for each other, in whatever packages they are. Two of one prefix would each be the
    ``LIB`` of one generated module.

    :raises ConfigurationError: two extensions have one target, create stubs for one prefix, or link
        with each other.
    """
    seen: dict[str, str] = {}
    for extension in extensions:
        # File systems that fold case would hold one file for both.
        other = seen.setdefault(extension.target.lower(), extension.name)
        if other != extension.name or sum(e.name == other for e in extensions) > 1:
            raise ConfigurationError(
                f"extensions {other!r} and {extension.name!r} have one target, "
                f"{extension.target!r}: load_lib_module would find the same file for both",
                hint="give each library of the distribution a target name of its own",
            )
    prefixes: dict[str, str] = {}
    for extension in extensions:
        if extension.stubs == "init":
            other = prefixes.setdefault(extension.prefix, extension.name)
            if other != extension.name:
                raise ConfigurationError(
                    f"extensions {other!r} and {extension.name!r} both create stubs for "
                    f"{extension.prefix!r}: one _ffi_api.py can load one of them",
                    hint="put them into different packages, give each a registry_prefix, or let "
                    "one that registers nothing do without stubs (stubs='none')",
                )
    _check_links(extensions)


def _check_links(extensions: Sequence[ExtensionSettings]) -> None:
    """Refuse libraries that link with each other, or with themselves: none could be first."""
    by_target = {extension.target: extension for extension in extensions}
    done: set[str] = set()

    def follow(extension: ExtensionSettings, path: tuple[str, ...]) -> None:
        if extension.target in path[-1:]:
            raise ConfigurationError(
                f"{extension.place('libraries')}: {extension.target!r} is the library itself"
            )
        if extension.target in path:
            circle = " → ".join((*path[path.index(extension.target) :], extension.target))
            raise ConfigurationError(
                f"{extension.place('libraries')}: {circle} is a circle, "
                "so that none of them can be linked first",
                hint="move what both need into a library of its own",
            )
        if extension.target not in done:
            for name in extension.libraries:
                if name in by_target:
                    follow(by_target[name], (*path, extension.target))
            done.add(extension.target)

    for extension in extensions:
        follow(extension, ())
