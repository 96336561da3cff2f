# SPDX-License-Identifier: Apache-2.0
"""Chooses import aliases for a stub, so that no definition in the stub shadows an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class ImportAliases:
    """The imported names of one stub.

    :param module: the dotted name of the module that the stub describes.
    :param defined: the names that the stub defines at module level.
    :param members: the names of the members of all classes. Inside a class, a member of this class
        shadows an import of the same name.
    :param private: the stub's names for the protocols and type variables of `python_types`. The key
        is the name in `python_types`, such as ``_SupportsDLPack``.
    :param imports: the alias of each imported name. The key is the module and the name.
    :param aliases: aliases of names that the stub defines. A name needs an alias if a member of a
        class has the same name.
    :param used: the keys of `private` that the stub uses.
    """

    module: str
    defined: frozenset[str]
    members: frozenset[str]
    private: Mapping[str, str]
    imports: dict[tuple[str, str], str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def use(self, name: str, module: str | None) -> str:
        """Import a name and return the alias, see `python_types.Use`."""
        if module is None:
            self.used.add(name)
            return self.private[name]
        if module == self.module:
            if name not in self.members:
                return name
            return self.aliases.setdefault(name, self._free(f"_{name}"))
        taken = name in self.defined or name in self.members
        if module == "builtins" and not taken:
            return name
        known = self.imports.get((module, name))
        if known is None:
            taken = taken or name in self.imports.values()
            known = self._free(f"_{name}") if taken else name
            self.imports[module, name] = known
        return known

    def _free(self, name: str) -> str:
        used = {*self.defined, *self.members, *self.imports.values(), *self.aliases.values()}
        while name in used:
            name = f"_{name}"
        return name

    def lines(self) -> list[str]:
        """Return the import statements."""
        by_module: dict[str, list[str]] = {}
        for (module, name), alias in self.imports.items():
            by_module.setdefault(module, []).append(name if alias == name else f"{name} as {alias}")
        lines = []
        for module in sorted(by_module):
            names = sorted(by_module[module])
            line = f"from {module} import {', '.join(names)}"
            if len(line) > 100:  # noqa: PLR2004 - line length
                line = "\n".join(
                    (f"from {module} import (", *(f"    {name}," for name in names), ")")
                )
            lines.append(line)
        return lines
