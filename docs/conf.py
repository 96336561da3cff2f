# SPDX-License-Identifier: Apache-2.0
"""The manual: the order of its pages, its appearance, and how Sphinx resolves links of Markdown.

The pages are plain Markdown, so that they can also be read on the code host. Therefore the table of
contents is here, and links lead to files, as on the code host.
"""

from __future__ import annotations

import posixpath
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).resolve().parent
_ROOT = _DOCS.parent
sys.path.insert(0, str(_ROOT / "setuptools-tvm-ffi" / "src"))

from setuptools_tvm_ffi._version import REPOSITORY, __version__  # noqa: E402 - needs the path above

#: The pages in the order of the side bar, with their titles there, by part.
CONTENTS = {
    "Start": {
        "getting-started": "Getting started",
        "new-project": "New projects",
        "develop-and-build": "Develop and build",
    },
    "Coming from": {
        "from-cmake": "CMake, scikit-build-core",
        "coming-from/torch-cpp-extension": "torch.utils.cpp_extension",
        "coming-from/pybind11-nanobind": "pybind11, nanobind",
    },
    "Guides": {
        "layout": "Layout",
        "sources-and-targets": "Options for some sources",
        "headers-and-libraries": "Headers and libraries",
        "several-libraries": "Several libraries",
        "vendoring": "Vendoring",
        "cuda": "CUDA",
        "hip": "HIP",
        "typing": "Types and editors",
        "debugging": "Debugging",
        "compile-faster": "Faster builds",
        "cibuildwheel": "CI with cibuildwheel",
        "repair": "Platform tags and repair",
        "cross": "Other platforms",
        "compat": "Compatibility",
        "provenance": "Provenance, reproducibility",
    },
    "Reference": {
        "settings": "Settings",
        "variables": "Environment variables",
        "cli": "Commands",
        "types": "C++ types and Python types",
        "audit": "Audit codes",
        "build-record": "Build record",
    },
    "If something fails": {
        "troubleshooting": "Error messages",
        "doctor": "Diagnosing a machine",
    },
    "Explanation": {
        "why-py3-none": "Why py3-none is true",
        "how-a-build-decides": "How a build decides",
        "abi-floor": "The ABI floor",
        "how-stubs-are-made": "How stubs are made",
    },
    "Project": {
        "contributing": "Contributing",
        "architecture": "Architecture",
        "changelog": "Changelog",
        "security": "Security",
    },
}

#: Pages that show a file in the root of the repository.
_SHOWN = {
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "security": "SECURITY.md",
}

_TITLES = {name: title for pages in CONTENTS.values() for name, title in pages.items()}
_LINK = re.compile(r"\[((?:[^][]|\[[^][]*\])*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")

project = "setuptools-tvm-ffi"
author = "The setuptools-tvm-ffi authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton", "sphinxcontrib.mermaid"]
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # blocks of code can contain `…`

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# Copy the commands of a block without the prompt `$ `. Lines without a prompt are output.
copybutton_prompt_text = r"\$ |> |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

# Readers without a network see the text of a diagram.
mermaid_version = "11.12.1"
mermaid_fullscreen = False
mermaid_height = "auto"
mermaid_light_theme = "neutral"

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5d8a", "color-brand-content": "#0b5d8a"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
    **({"source_repository": REPOSITORY, "source_directory": "docs/"} if REPOSITORY else {}),
}
html_copy_source = False
html_show_sphinx = False


def _table_of_contents() -> str:
    trees = (
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n"
        + "".join(f"{title} <{name}>\n" for name, title in pages.items())
        + "```\n"
        for caption, pages in CONTENTS.items()
    )
    return "".join(trees)


def _replace_link(match: re.Match[str], folder: Path, page: Path) -> str:
    """Replace a link to a file outside of the manual, and a text that is the name of a page.

    :param folder: the folder to which the link is relative.
    :param page: the page that contains the link.
    """
    text, target, anchor = match[1], match[2], match[3] or ""
    path = posixpath.normpath((folder.relative_to(_ROOT) / target).as_posix())
    names = {file: f"docs/{name}.md" for name, file in _SHOWN.items()}
    path = names.get(path, path)
    if path.startswith("docs/"):
        if text.endswith(".md"):
            text = _TITLES[path[len("docs/") : -len(".md")]]
        return f"[{text}]({posixpath.relpath(path, page.parent.relative_to(_ROOT))}{anchor})"
    if not (_ROOT / path).exists():
        return match[0]  # Sphinx reports the link
    return f"[{text}]({REPOSITORY}/tree/main/{path}{anchor})" if REPOSITORY else text


def _read(app: Any, name: str, source: list[str]) -> None:
    """Prepare the text of a page before it is parsed."""
    page = origin = Path(app.env.doc2path(name))
    if name in _SHOWN:
        origin = _ROOT / _SHOWN[name]
        source[0] = origin.read_text(encoding="utf-8")
        app.env.note_dependency(str(origin))
    source[0] = _LINK.sub(partial(_replace_link, folder=origin.parent, page=page), source[0])
    if name == "index":
        source[0] += _table_of_contents()


def setup(app: Any) -> None:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", _read)
