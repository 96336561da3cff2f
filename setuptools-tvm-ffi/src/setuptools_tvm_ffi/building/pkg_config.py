# SPDX-License-Identifier: Apache-2.0
"""Runs pkg-config, and adds its flags to the settings of extensions."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Sequence

from ..base.errors import BuildError
from ..settings import ExtensionSettings
from ..settings.languages import LANGUAGES, LanguageArguments
from ..settings.values import Macro
from ..toolchains.protocols import split_variable

#: The environment variables that pkg-config reads.
VARIABLES = (
    *("PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR"),
    *("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "PKG_CONFIG_ALLOW_SYSTEM_LIBS"),
)

_MODULE = re.compile(r"(?P<name>[\w.+-]+)\s*(?P<operator>[<>=!]*)\s*(?P<version>.*)")


def add_pkg_config(
    extensions: Iterable[ExtensionSettings], system: str
) -> tuple[list[ExtensionSettings], list[str]]:
    """Return the extensions with pkg-config's flags, and the paths of the `.pc` files.

    Include folders are added to `system_include_dirs`, macros to `define_macros`, other compiler
    flags to `extra_compile_args`, and linker flags to `extra_link_args`. The project's own items
    take precedence: its include folders are first, its macros and flags are last.

    :param system: the target system, see `system_of`.
    :raises BuildError: pkg-config or a module is missing, or the version of a module does not
        satisfy the condition in the setting.
    """
    found, files = [], []
    for settings in extensions:
        found.append(_with_flags(settings, system) if settings.pkg_config else settings)
        for module in settings.pkg_config:
            name = _split(module)[0]
            # The output is the path of the folder with the .pc file. pkgconf (1.8) escapes spaces
            # in the path, but pkg-config (0.29) does not. To get the path from the output of either
            # program, split the output into words, and join the words with spaces.
            folder = shlex.split(_query(settings, ("--variable=pcfiledir", name)))
            files.append(f"{' '.join(folder)}/{name}.pc")
    return found, files


def _with_flags(settings: ExtensionSettings, system: str) -> ExtensionSettings:
    # pkg-config needs white space around an operator: `libpng>=1.6` would be the name of a module.
    modules = [" ".join(filter(None, _split(module))) for module in settings.pkg_config]
    include_dirs: list[str] = []
    macros: list[Macro] = []
    others: list[str] = []
    words = iter(shlex.split(_query(settings, ("--cflags", *modules))))
    for word in words:
        if word.startswith("-I"):
            include_dirs.append(word[2:])
        elif word == "-isystem":
            include_dirs.append(next(words))
        elif word.startswith("-D"):
            name, equals, value = word[2:].partition("=")
            macros.append((name, value if equals else None))
        else:
            others.append(word)
    linking = shlex.split(_query(settings, ("--libs", *modules)))
    if system == "windows":
        linking = [_for_msvc(word) for word in linking]
    # nvcc rejects unknown flags, such as -pthread. The option -Xcompiler passes a flag on to the
    # host compiler.
    compiling = {**dict.fromkeys(LANGUAGES, others), "cuda": [f"-Xcompiler={w}" for w in others]}
    declared = settings.extra_compile_args
    return dataclasses.replace(
        settings,
        system_include_dirs=(*settings.system_include_dirs, *include_dirs),
        define_macros=(*macros, *settings.define_macros),
        extra_compile_args=LanguageArguments(
            **{name: (*words, *declared.of(name)) for name, words in compiling.items()}
        ),
        extra_link_args=(*linking, *settings.extra_link_args),
    )


def _split(module: str) -> tuple[str, str, str]:
    match = _MODULE.fullmatch(module)
    assert match is not None  # The parser of the settings rejects text that does not match.
    return match["name"], match["operator"], match["version"]


def _query(settings: ExtensionSettings, arguments: Sequence[str]) -> str:
    """Run pkg-config, and return its output."""
    place = settings.place("pkg_config")
    program = split_variable("PKG_CONFIG", os.environ) or ("pkg-config",)
    try:
        process = subprocess.run(
            [*program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except OSError as problem:
        raise BuildError(
            f"{place}: cannot run {program[0]!r}: {problem.strerror}",
            hint="install pkg-config or pkgconf, or set PKG_CONFIG to the program's path",
        ) from None
    if process.returncode != 0:
        raise BuildError(
            f"{place}: {shlex.join((*program, *arguments))} failed:\n{process.stderr.strip()}",
            hint="install the development package of the library, such as libpng-dev or "
            "libpng-devel, in a version that satisfies the condition; if its .pc file is in an "
            "unusual folder, add this folder to PKG_CONFIG_PATH",
        )
    return process.stdout


def _for_msvc(word: str) -> str:
    """Return a linker flag in the syntax of Microsoft's linker.

    >>> _for_msvc("-LC:/png/lib"), _for_msvc("-lpng16"), _for_msvc("C:/z.lib")
    ('/LIBPATH:C:/png/lib', 'png16.lib', 'C:/z.lib')
    """
    if word.startswith("-L"):
        return f"/LIBPATH:{word[2:]}"
    return f"{word[2:]}.lib" if word.startswith("-l") else word
