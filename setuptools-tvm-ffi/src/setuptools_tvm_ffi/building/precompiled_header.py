# SPDX-License-Identifier: Apache-2.0
"""The precompiled header of a library, and the files that a build generates to precompile it."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..base.errors import ConfigurationError
from ..settings.model import ExtensionSettings

_SUFFIXES = {"c": ".c", "cxx": ".cc"}


@dataclass(frozen=True)
class PrecompiledHeader:
    """The precompiled header of one library. All paths are relative to the project's root.

    :param header: a generated header that includes the headers of the setting.
    :param plain: a copy of `header` in another folder. The precompiled header is in the folder of
        `header`. If a source includes `header`, GCC and Clang read the precompiled header instead.
        Therefore, sources that cannot use the precompiled header include the copy. The commands in
        the compilation database for editors include the copy, too.
    :param source: a generated source without content. cl compiles it to precompile the header.
    :param text: the content of `header`.
    """

    language: str
    header: str
    plain: str
    source: str
    text: str


def precompiled_header(
    settings: ExtensionSettings, languages: Collection[str], folder: PurePosixPath, root: str
) -> PrecompiledHeader | None:
    """Return the precompiled header that the setting `precompile-headers` declares.

    If the setting is empty, return ``None``.

    :param languages: the languages of the library's sources. The header is precompiled for C++, or
        for C if no source is C++.
    :param folder: the folder of the generated files.
    :param root: the absolute path of the project's folder.
    :raises ConfigurationError: the library has no source that can use a precompiled header.
    """
    if not settings.precompile_headers:
        return None
    language = next((name for name in ("cxx", "c") if name in languages), None)
    if language is None:
        raise ConfigurationError(
            f"{settings.place('precompile_headers')}: {settings.name!r} has no C or C++ source; "
            "nvcc and hipcc do not use precompiled headers",
            hint="remove the setting",
        )
    # Write absolute paths. For a relative path, a compiler would first search the folder of the
    # generated header.
    names = (
        name if name.startswith("<") else f'"{os.path.join(root, name)}"'
        for name in settings.precompile_headers
    )
    return PrecompiledHeader(
        language,
        header=f"{folder / language}.h",
        plain=f"{folder / 'plain' / language}.h",
        source=f"{folder / language}{_SUFFIXES[language]}",
        text="".join(f"#include {name}\n" for name in names),
    )
