# SPDX-License-Identifier: Apache-2.0
"""Finds the modules that define the functions and classes of a library."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .added_code import without_additions
from .directives import API_FILE, parse
from .outline import class_names, handwritten_names


@dataclass(frozen=True)
class Places:
    """The modules that define functions and classes.

    By default, the functions and classes of a registry prefix are in the module that
    `generated_module` returns for the prefix. A project can put blocks into other modules.

    :param functions: the module of each ``global/`` block in the source tree. The key is the
        registry prefix, with a trailing dot.
    :param classes: the module of each ``object/`` block in the source tree, and the name of the
        class. The key is the type key.
    :param handwritten: the names that the handwritten code of each module defines. For a member of
        a class, the name is ``<class>.<member>``.
    """

    functions: Mapping[str, PurePosixPath] = field(default_factory=dict)
    classes: Mapping[str, tuple[PurePosixPath, str]] = field(default_factory=dict)
    handwritten: Mapping[PurePosixPath, Collection[str]] = field(default_factory=dict)

    def of_functions(self, prefix: str) -> PurePosixPath:
        """Return the module that defines the functions of `prefix`, which ends with a dot."""
        return self.functions.get(prefix, generated_module(prefix))

    def of_class(self, key: str) -> tuple[PurePosixPath, str]:
        """Return the module that defines the class of a type, and the name of this class."""
        prefix, dot, name = key.rpartition(".")
        return self.classes.get(key, (generated_module(prefix + dot), name))

    def is_handwritten(self, path: PurePosixPath, name: str) -> bool:
        """Whether the handwritten code of a module defines a name."""
        return name in self.handwritten.get(path, ())


def generated_module(prefix: str) -> PurePosixPath:
    """Return the module that the generator creates for `prefix`, which ends with a dot."""
    return PurePosixPath(*prefix[:-1].split("."), API_FILE)


def find_places(files: Mapping[PurePosixPath, bytes]) -> Places:
    """Find the modules that define functions and classes. Skip modules with syntax errors.

    :param files: see `StubRequest.files`.
    """
    functions: dict[str, PurePosixPath] = {}
    classes: dict[str, tuple[PurePosixPath, str]] = {}
    handwritten: dict[PurePosixPath, Collection[str]] = {}
    for path, content in files.items():
        if path.suffix != ".py":
            continue
        file = parse(without_additions(content.decode(), str(path)), str(path))
        try:
            handwritten[path] = handwritten_names(file)
        except SyntaxError:
            continue
        functions.update({b.prefix: path for b in file.blocks if b.kind == "global"})
        classes.update({key: (path, name) for key, name in class_names(file).items()})
    return Places(functions, classes, handwritten)
