# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.stubs.directives import parse, splice
from setuptools_tvm_ffi.stubs.reexports import (
    blocks_to_replace,
    exported_names,
    replaced,
)

NAMES = ["LIB", "Pair", "add"]
EMPTY = "# tvm-ffi-stubgen(begin): export/_ffi_api\n# tvm-ffi-stubgen(end)\n"
UPSTREAM = """\
# tvm-ffi-stubgen(begin): export/_ffi_api
# fmt: off
# isort: off
from ._ffi_api import *  # noqa: F403
from ._ffi_api import __all__ as _ffi_api__all__
if "__all__" not in globals():
    __all__ = []
__all__.extend(_ffi_api__all__)
# isort: on
# fmt: on
# tvm-ffi-stubgen(end)
"""


def written(handwritten: str, block: str = "") -> str:
    """Return the file after a build, for handwritten code and the block in the source tree."""
    before = parse(handwritten + block, "pkg/__init__.py")
    file = parse(f"{handwritten}\n{UPSTREAM}", "pkg/__init__.py")
    for found in blocks_to_replace(before, file):
        file = parse(replaced(file, found, NAMES), "pkg/__init__.py")
    return splice(before, file)


def imported(handwritten: str, block: str = "") -> list[str]:
    """Return the lines of the block that are not comments."""
    (found,) = parse(written(handwritten, block), "pkg/__init__.py").blocks
    return [line.strip() for line in found.interior if not line.startswith("#")]


EVERYTHING = ["from ._ffi_api import *  # noqa: F403"]


@pytest.mark.parametrize(
    "handwritten",
    [
        *("def greet(): ...\n", "async def greet(): ...\n", "class Greeter: ...\n", "import os\n"),
        *("from .greeting import greet\n", "from .greeting import *\n", "VERSION = 1\n"),
        *("__all__ = ['greet']\n", "__all__ = ('greet',)\n", "__all__ = names()\n"),
        "try:\n    import fast\nexcept ImportError:\n    fast = None\n",
    ],
)
def test_the_block_of_a_handwritten_module_only_imports(handwritten: str) -> None:
    assert imported(handwritten) == EVERYTHING
    again = written(handwritten)
    assert written(handwritten, again[len(handwritten) :]) == again


@pytest.mark.parametrize(
    "handwritten",
    [
        *("", '"""Package."""\n', "from __future__ import annotations\n", "_private = 1\n"),
        *('__version__ = "1"\n', "print([name for name in ()])\n", "def broken(:\n"),
        "import typing as _\nif _.TYPE_CHECKING:\n    from ._ffi_api import add\n",
    ],
)
def test_a_module_without_public_names_gets_the_text_of_the_generator(handwritten: str) -> None:
    assert "__all__.extend" in written(handwritten)


@pytest.mark.parametrize("block", [EMPTY, UPSTREAM])
def test_a_block_in_the_source_tree_has_the_text_of_the_generator(block: str) -> None:
    assert "__all__.extend" in written("def greet(): ...\n", block)


@pytest.mark.parametrize(
    "handwritten",
    ["def add(x): ...\n", "from .wrappers import sum_ as add\n", "if fast:\n    add = fast.add\n"],
)
def test_a_handwritten_name_is_not_replaced(handwritten: str) -> None:
    assert imported(handwritten) == [
        *("from ._ffi_api import (", "LIB as LIB,", "Pair as Pair,", ")")
    ]


def test_a_module_that_defines_all_names_imports_nothing() -> None:
    assert imported("LIB = add = Pair = None\n") == []


def test_names_that_only_type_checkers_import_are_imported() -> None:
    code = "import typing\nif typing.TYPE_CHECKING:\n    from .api import add\nelse:\n    x = 1\n"
    assert imported(code) == EVERYTHING


def test_the_exported_names_are_those_of_the_generated_list() -> None:
    api = parse('LIB = 1\n__all__ = [\n    "LIB",\n    "add",\n]\n', "_ffi_api.py")
    assert exported_names(api) == ["LIB", "add"]
    assert exported_names(parse("", "_ffi_api.py")) == []
