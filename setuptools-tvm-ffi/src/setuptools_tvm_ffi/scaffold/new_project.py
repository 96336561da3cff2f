# SPDX-License-Identifier: Apache-2.0
"""Creates the files of a new project from templates.

The templates describe a C++ project. They contain the names my-package and my_package, the title
"Functions in C++", and "csrc/**/*.cc" as the pattern of the sources. In the files of a new project,
the project's own names, title and pattern replace these texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.errors import BuildError
from ..base.file_replacement import replace_file
from .project_names import Names
from .workflow import TEMPLATES, WORKFLOW, cibuildwheel_table, workflow_text


@dataclass(frozen=True)
class _Language:
    title: str
    suffix: str
    folders: tuple[str, ...]


_LANGUAGES = {
    "c": _Language("Functions in C", ".c", ("cpu", "c")),
    "c++": _Language("Functions in C++", ".cc", ("cpu", "c++")),
    "cuda": _Language("CUDA kernels", ".cu", ("cuda",)),
}

# Builds read these files and folders. Existing files may not fit the new files, so no project is
# created if one of these files or folders exists.
_BUILT = ("pyproject.toml", "setup.py", "csrc/", "src/")

#: The values of `Options.language`.
LANGUAGES = tuple(_LANGUAGES)


@dataclass(frozen=True)
class Options:
    """The kind of a new project.

    :param language: the language of the example function, one of `LANGUAGES`.
    :param with_class: whether to add an example class. The class is always written in C++, because
        TVM-FFI registers classes with C++ templates.
    :param setup_py: whether to declare the library in `setup.py` instead of `pyproject.toml`.
    """

    language: str = "c++"
    with_class: bool = False
    setup_py: bool = False


def project_files(names: Names, options: Options) -> dict[str, str]:
    """Return the text of each file of a new project. The keys are paths with slashes."""
    language = _LANGUAGES[options.language]
    suffixes = dict.fromkeys((language.suffix, *((".cc",) if options.with_class else ())))
    sources = ", ".join(f'"csrc/**/*{suffix}"' for suffix in suffixes)
    replacements = {
        '["csrc/**/*.cc"]': f"[{sources}]",
        "Functions in C++": language.title,
        "my-package": names.distribution,
        "my_package": names.package,
    }
    texts = {"pyproject.toml": "\n".join(_pyproject(options))}
    folders = ["common", *language.folders]
    folders += ["class"] * options.with_class + ["setup_py"] * options.setup_py
    for folder in folders:
        texts.update(_templates(TEMPLATES / folder))
    files = {
        _replaced(path, replacements): _replaced(text, replacements) for path, text in texts.items()
    }
    return {**files, WORKFLOW: workflow_text(cuda=options.language == "cuda")}


def _pyproject(options: Options) -> Iterator[str]:
    yield (TEMPLATES / "pyproject" / "project.toml").read_text("utf-8")
    if not options.setup_py:
        yield (TEMPLATES / "pyproject" / "extension.toml").read_text("utf-8")
    yield (TEMPLATES / "pyproject" / "uv.toml").read_text("utf-8")
    yield cibuildwheel_table(cuda=options.language == "cuda")


def _templates(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        # Skip the compiled Python files that an installer may have written.
        if path.is_file() and path.suffix != ".pyc":
            yield path.relative_to(folder).as_posix(), path.read_text("utf-8")


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def existing_files(folder: Path, names: Iterable[str]) -> list[str]:
    """Return which files of a new project already exist in a folder. These files are not replaced.

    For example, README.md and .gitignore exist if the user has created the repository on a website
    such as GitHub.

    :raises BuildError: builds would read an existing file, for example `pyproject.toml`, or an
        existing file has the path of a folder to create.
    """
    existing = sorted(name for name in names if os.path.lexists(folder / name))
    conflicts = [name for name in existing if name.startswith(_BUILT)]
    conflicts += sorted(_files_instead_of_folders(folder, names))
    if conflicts:
        raise BuildError(
            f"nothing was written to {folder}, because it already contains {', '.join(conflicts)}",
            hint="choose another folder with --path, or move these files away",
        )
    return existing


def write_new_project(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a new project.

    :raises BuildError: the folder cannot be written.
    """
    try:
        for name, text in files.items():
            replace_file(folder / name, text.encode())
    except OSError as problem:
        raise BuildError(f"cannot write {problem.filename}: {problem.strerror}") from None


def _files_instead_of_folders(folder: Path, names: Iterable[str]) -> Iterator[str]:
    parents = {parent for name in names for parent in PurePosixPath(name).parents}
    for parent in parents:
        if os.path.lexists(folder / parent) and not (folder / parent).is_dir():
            yield str(parent)
