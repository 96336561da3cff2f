# SPDX-License-Identifier: Apache-2.0
"""What a project declares: one `TVMFFIExtension` per shared library, validated without I/O."""

from __future__ import annotations

import difflib
import inspect
import keyword
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from setuptools import Extension

from .errors import ConfigurationError

#: Languages that sources are written in, by file suffix.
LANGUAGE_BY_SUFFIX = {".c": "c", ".cc": "cxx", ".cpp": "cxx", ".cxx": "cxx"}

C_STANDARDS = ("11", "17", "23")
CXX_STANDARDS = ("17", "20", "23", "26")

#: ``init`` creates and fills `_ffi_api.py` and `__init__.py` for every registered prefix,
#: ``directives`` fills the blocks a person has put into files, ``none`` runs nothing.
STUB_MODES = ("init", "directives", "none")

Macro = tuple[str, Union[str, None]]

_TARGET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]*")
_RESERVED_TARGETS = frozenset({"tvm_ffi"})
_PREFIX = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\.?", re.ASCII)


@dataclass(frozen=True)
class ExtensionSettings:
    """The validated declaration of one shared library.

    Paths are as the user wrote them: relative to the project's root.
    """

    name: str
    sources: tuple[str, ...]
    include_dirs: tuple[str, ...] = ()
    define_macros: tuple[Macro, ...] = ()
    undef_macros: tuple[str, ...] = ()
    c_args: tuple[str, ...] = ()
    cxx_args: tuple[str, ...] = ()
    link_args: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    c_std: str = "11"
    cxx_std: str = "17"
    registry_prefix: str | None = None
    stubs: str = "init"
    depends: tuple[str, ...] = ()

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

    def args_for(self, language: str) -> tuple[str, ...]:
        """Return the declared compile arguments of one language, ``c`` or ``cxx``."""
        return self.c_args if language == "c" else self.cxx_args


class TVMFFIExtension(Extension):
    """One plain shared library that exports functions and classes over the TVM-FFI ABI.

    A counterpart of :class:`setuptools.Extension` for ``setup(ext_modules=[…])``.

    :param name: dotted path, package then target: ``"my_pkg.my_lib"`` becomes
        ``my_pkg/libmy_lib.so`` (``.dylib``, ``my_lib.dll``), which
        ``tvm_ffi.libinfo.load_lib_module("<distribution>", "my_lib")`` loads.
    :param sources: C (``.c``) and C++ (``.cc .cpp .cxx``) files or globs (``**`` too), relative
        to the project's root and inside it. What a glob matches is sorted.
    :param include_dirs: searched before the headers of apache-tvm-ffi.
    :param define_macros: ``(name, value)`` pairs; ``None`` as value defines without one.
    :param undef_macros: names to undefine.
    :param extra_compile_args: arguments for every language, or a mapping
        ``{"c": […], "cxx": […]}`` for one each. They come last.
    :param extra_link_args: arguments of the link command. They come last.
    :param libraries: names to link with, as after ``-l``.
    :param library_dirs: where those are looked for at link time.
    :param c_std: ``"11"``, ``"17"`` or ``"23"``.
    :param cxx_std: ``"17"`` (what the headers of apache-tvm-ffi need), ``"20"``, ``"23"``,
        ``"26"``.
    :param registry_prefix: what the library's global functions and type keys start with;
        the package by default. If given, something has to be registered under it.
    :param stubs: ``"init"``, ``"directives"`` or ``"none"``, see `STUB_MODES`.
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
        libraries: Sequence[str] = (),
        library_dirs: Sequence[str | os.PathLike[str]] = (),
        c_std: str | int = "11",
        cxx_std: str | int = "17",
        registry_prefix: str | None = None,
        stubs: str = "init",
        depends: Sequence[str | os.PathLike[str]] = (),
        **unknown: Any,  # noqa: ANN401 - whatever it is, it is refused by name
    ) -> None:
        arguments = {
            "name": name,
            "sources": sources,
            "include_dirs": include_dirs,
            "define_macros": define_macros,
            "undef_macros": undef_macros,
            "extra_compile_args": extra_compile_args,
            "extra_link_args": extra_link_args,
            "libraries": libraries,
            "library_dirs": library_dirs,
            "c_std": c_std,
            "cxx_std": cxx_std,
            "registry_prefix": registry_prefix,
            "stubs": stubs,
            "depends": depends,
            **unknown,
        }
        self._take(parse_extension(arguments, Declaration(f"TVMFFIExtension({name!r})")))

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


@dataclass(frozen=True)
class Declaration:
    """Where an extension is declared, for messages.

    :param whole: the call in `setup.py`, or the file and dotted key of the table.
    :param in_toml: whether it is such a table, whose keys have dashes.
    """

    whole: str
    in_toml: bool = False

    def at(self, argument: str, language: str | None = None) -> str:
        """Return what a message about one argument begins with.

        >>> Declaration("TVMFFIExtension('a.b')").at("cxx_std")
        "TVMFFIExtension('a.b'): cxx_std"
        >>> Declaration("pyproject.toml: tool.x[0]", in_toml=True).at("cxx_std")
        'pyproject.toml: tool.x[0].cxx-std:'
        """
        if self.in_toml:
            keys = ".".join(filter(None, (self.name_of(argument), language)))
            return f"{self.whole}.{keys}:"
        return f"{self.whole}: {argument}" + (f"[{language!r}]" if language else "")

    def name_of(self, argument: str) -> str:
        """Return an argument's name as it is written there."""
        return argument.replace("_", "-") if self.in_toml else argument


def parse_extension(arguments: Mapping[str, object], where: Declaration) -> ExtensionSettings:
    """Validate the arguments of one extension, by the names that `TVMFFIExtension` has for them.

    :raises ConfigurationError: an argument is unknown or missing, or a value is not what
        `TVMFFIExtension` describes.
    """
    known = [
        parameter.name
        for parameter in inspect.signature(TVMFFIExtension.__init__).parameters.values()
        if parameter.name not in {"self", "unknown"}
    ]
    for argument in arguments:
        if argument not in known:
            raise _unknown_argument(where, argument, known)
    for argument in ("name", "sources"):
        if argument not in arguments:
            raise ConfigurationError(f"{where.at(argument)} is missing")
    name = _name(where, arguments["name"])
    c_args, cxx_args = _compile_args(where, arguments.get("extra_compile_args", ()))

    def strings(argument: str) -> tuple[str, ...]:
        return _strings(where.at(argument), arguments.get(argument, ()))

    def choice(argument: str, default: str, choices: tuple[str, ...]) -> str:
        return _choice(where.at(argument), arguments.get(argument, default), choices)

    return ExtensionSettings(
        name=name,
        sources=_sources(where, arguments["sources"]),
        include_dirs=strings("include_dirs"),
        define_macros=_macros(where, arguments.get("define_macros", ())),
        undef_macros=strings("undef_macros"),
        c_args=c_args,
        cxx_args=cxx_args,
        link_args=strings("extra_link_args"),
        libraries=strings("libraries"),
        library_dirs=strings("library_dirs"),
        c_std=choice("c_std", "11", C_STANDARDS),
        cxx_std=choice("cxx_std", "17", CXX_STANDARDS),
        registry_prefix=_registry_prefix(where, arguments.get("registry_prefix")),
        stubs=choice("stubs", "init", STUB_MODES),
        depends=strings("depends"),
    )


def check_together(extensions: Sequence[ExtensionSettings]) -> None:
    """Refuse declarations that cannot share one distribution.

    ``load_lib_module`` finds a library by its file name alone, so two of one target would be
    mistaken for each other, in whatever packages they are. Two of one prefix would each be the
    ``LIB`` of one generated module.

    :raises ConfigurationError: two extensions have one target, or create stubs for one prefix.
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
                    hint="put them into different packages, or give each a registry_prefix",
                )


def _unknown_argument(where: Declaration, argument: str, known: list[str]) -> ConfigurationError:
    names = list(map(where.name_of, known))
    argument = where.name_of(argument)
    close = difflib.get_close_matches(argument, names, n=1)
    suggestion = f", did you mean {close[0]!r}?" if close else ""
    if where.in_toml:
        message = f"{where.whole}.{argument}: unknown key{suggestion}"
    else:
        message = f"{where.whole}: unknown argument {argument!r}{suggestion}"
    kind = "keys" if where.in_toml else "arguments"
    return ConfigurationError(message, hint=f"known {kind}: {', '.join(names)}")


def _name(where: Declaration, name: object) -> str:
    if not isinstance(name, str):
        raise ConfigurationError(f"{where.at('name')} must be a string, not {type(name).__name__}")
    package, _, target = name.rpartition(".")
    parts = package.split(".")
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise ConfigurationError(
            f"{where.at('name')} must be a dotted package followed by a target, "
            f"and {package!r} is no package name",
            hint="write for example 'my_package.my_library'; the library lands inside the package",
        )
    if target in _RESERVED_TARGETS:
        raise ConfigurationError(
            f"{where.whole}: target {target!r} is the library of apache-tvm-ffi itself",
            hint="give the library a name of its own",
        )
    if not _TARGET.fullmatch(target):
        raise ConfigurationError(
            f"{where.whole}: target {target!r} may hold ASCII letters, digits, '_', '+' and '-' "
            "only; it names a file inside its package",
        )
    return name


def _strings(place: str, values: object) -> tuple[str, ...]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{place} must be a list of strings, not {type(values).__name__}")
    result = []
    for value in values:
        if not isinstance(value, (str, os.PathLike)):
            raise ConfigurationError(f"{place} holds {value!r}, which is not a string or a path")
        result.append(os.fspath(value))
    return tuple(result)


def _sources(where: Declaration, sources: object) -> tuple[str, ...]:
    place = where.at("sources")
    patterns = _strings(place, sources)
    if not patterns:
        raise ConfigurationError(f"{place} is empty")
    for pattern in patterns:
        suffix = os.path.splitext(pattern)[1]
        if suffix not in LANGUAGE_BY_SUFFIX:
            raise ConfigurationError(
                f"{place.rstrip(':')}: {pattern!r} does not end in one of "
                f"{' '.join(LANGUAGE_BY_SUFFIX)}",
                hint="headers are found by the compiler and are not listed",
            )
    return patterns


def _macros(where: Declaration, macros: object) -> tuple[Macro, ...]:
    # TOML has no null: there a pair of one defines without a value.
    shortest = 1 if where.in_toml else 2
    pairs = "[name] and [name, value]" if where.in_toml else "(name, value) pairs"
    problem = ConfigurationError(
        f"{where.at('define_macros')} must be a list of {pairs}, value a string"
        + ("" if where.in_toml else " or None")
    )
    if isinstance(macros, (str, bytes)) or not isinstance(macros, Iterable):
        raise problem
    result: list[Macro] = []
    for macro in macros:
        if not isinstance(macro, (tuple, list)) or not shortest <= len(macro) <= 2:  # noqa: PLR2004
            raise problem
        name, value = (*macro, None)[:2]
        if not isinstance(name, str) or not isinstance(value, (str, type(None))):
            raise problem
        result.append((name, value))
    return tuple(result)


def _compile_args(where: Declaration, args: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    argument = "extra_compile_args"
    if not isinstance(args, Mapping):
        both = _strings(where.at(argument), args)
        return both, both
    languages = set(LANGUAGE_BY_SUFFIX.values())
    for language in args:
        if language not in languages:
            raise ConfigurationError(
                f"{where.at(argument).rstrip(':')}: unknown language {language!r}, "
                f"known are {', '.join(map(repr, sorted(languages)))}"
            )
    return (
        _strings(where.at(argument, "c"), args.get("c", ())),
        _strings(where.at(argument, "cxx"), args.get("cxx", ())),
    )


def _choice(place: str, value: object, choices: tuple[str, ...]) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or text not in choices:
        raise ConfigurationError(
            f"{place} is {value!r}, expected one of {', '.join(map(repr, choices))}"
        )
    return text


def _registry_prefix(where: Declaration, prefix: object) -> str | None:
    if prefix is None:
        return None
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigurationError(
            f"{where.at('registry_prefix')} is {prefix!r}, expected dotted names such as "
            "'my_package.ops'"
        )
    return prefix
