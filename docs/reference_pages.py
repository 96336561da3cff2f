# SPDX-License-Identifier: Apache-2.0
"""The reference pages on environment variables, commands and the build record, for `regenerate`.

The texts on variables and on the keys of the record are here. If the code reads another variable or
writes another key, the functions raise an error that names it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import setuptools_tvm_ffi
from setuptools_tvm_ffi import cli
from setuptools_tvm_ffi.base.errors import DEBUG_VARIABLE
from setuptools_tvm_ffi.editable.record import BUILD_VARIABLES
from setuptools_tvm_ffi.records import build_record
from setuptools_tvm_ffi.records.build_record import FILENAME, LibraryRecord
from setuptools_tvm_ffi.settings.declaration import key_of
from setuptools_tvm_ffi.settings.model import ProjectSettings, settings_of
from setuptools_tvm_ffi.settings.project import (
    CUDA_ARCHITECTURES_VARIABLE,
    DEFAULT_VARIABLES,
    variable_of,
)
from setuptools_tvm_ffi.toolchains import Compiler

_VARIABLES = f"""\
<!-- Edit docs/reference_pages.py, then run docs/regenerate.py. -->

# Environment variables

An empty variable is the same as an unset one, except `SOURCE_DATE_EPOCH`. The value of a variable
with flags is split into words as a shell does. An editable install with `editable-rebuild` keeps the values of the
installation: a rebuild on import uses them.

## Settings

Every setting of the whole project has a variable. The variable overrides `pyproject.toml`, and a
`-C` option overrides the variable. An unknown variable that starts with `SETUPTOOLS_TVM_FFI_` is an
error.

| variable | setting |
|---|---|
{{settings}}
## Defaults of other tools

`pyproject.toml`, `-C` options and the variables above override these variables.

| variable | setting |
|---|---|
{{defaults}}
`{CUDA_ARCHITECTURES_VARIABLE}` is no default: it overrides `pyproject.toml`, like
`SETUPTOOLS_TVM_FFI_CUDA_ARCHITECTURES`, which has precedence.
"""

#: The other variables by section. A row can describe several variables.
_OTHER_VARIABLES = {
    "Compilers and flags": {
        (
            "CC",
            "CXX",
        ): "C compiler and C++ compiler, with arguments. By default, the first of `cc`, "
        "`gcc`, `clang` and of `c++`, `g++`, `clang++` on `PATH`; on Windows, Microsoft's compiler",
        ("CPPFLAGS",): "flags for C and C++, such as `-DNAME=1`",
        ("CFLAGS", "CXXFLAGS"): "flags for C and for C++, also when linking",
        ("CUDAFLAGS", "HIPFLAGS"): "flags for CUDA and for HIP",
        ("LDFLAGS",): "flags for the linker",
        (
            "CPATH",
            "C_INCLUDE_PATH",
            "CPLUS_INCLUDE_PATH",
        ): "folders with headers, for GCC and Clang",
        ("LIBRARY_PATH", "COMPILER_PATH"): "folders with libraries and with compiler programs, for "
        "GCC and Clang",
        (
            "GCC_EXEC_PREFIX",
            "CCC_OVERRIDE_OPTIONS",
        ): "as GCC and Clang document. If they change, all sources are compiled again",
        ("LD_RUN_PATH", "GNUTARGET", "LDEMULATION"): "as GNU ld documents. If they change, the "
        "libraries are linked again",
        ("INCLUDE", "LIB", "CL", "_CL_", "LINK", "_LINK_"): "folders and options, for Microsoft's "
        "compiler",
    },
    "CUDA and HIP": {
        ("CUDA_HOME", "CUDA_PATH"): "the folder of the CUDA toolkit, see "
        "[Which nvcc](cuda.md#which-nvcc)",
        (CUDA_ARCHITECTURES_VARIABLE,): "architectures, such as `9.0a;10.0+PTX`",
        ("NVCC_CCBIN", "CUDAHOSTCXX"): "the C++ compiler that nvcc runs, or its folder",
        (
            "NVCC_PREPEND_FLAGS",
            "NVCC_APPEND_FLAGS",
        ): "flags that nvcc itself reads, before and after all others",
        ("HIPCC_COMPILE_FLAGS_APPEND", "HIPCC_LINK_FLAGS_APPEND"): "flags that hipcc itself reads",
        ("ROCM_HOME", "ROCM_PATH", "HIP_PATH"): "the folder of ROCm, see "
        "[Which hipcc](hip.md#which-hipcc)",
    },
    "Other tools of a build": {
        ("NINJA",): "the ninja to use. By default, ninja in the build environment or on `PATH`",
        ("PKG_CONFIG",): "the program for the setting `pkg-config`. By default, `pkg-config`",
        (
            "PKG_CONFIG_PATH",
            "PKG_CONFIG_LIBDIR",
            "PKG_CONFIG_SYSROOT_DIR",
            "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS",
            "PKG_CONFIG_ALLOW_SYSTEM_LIBS",
        ): "as pkg-config documents",
        (
            "AUDITWHEEL_PLAT",
        ): "the platform tag that `repair` chooses on Linux without `--plat`. The "
        "manylinux images set it",
        ("SOURCE_DATE_EPOCH",): "the time of all files in wheels and sdists, see "
        "[Time](provenance.md#time)",
    },
    "macOS and other platforms": {
        ("MACOSX_DEPLOYMENT_TARGET",): "the oldest macOS that the libraries support",
        ("ARCHFLAGS",): "architectures on macOS, such as `-arch arm64 -arch x86_64`",
        ("SDKROOT", "DEVELOPER_DIR"): "the macOS SDK and the developer tools, for Clang",
        ("_PYTHON_HOST_PLATFORM",): "the platform of the wheel, which cibuildwheel sets on macOS",
        ("ZIG_LIB_DIR",): "has no effect: builds with Zig use a copy of Zig's files, see "
        "[its caches](cross.md#zigs-c-library-and-its-caches)",
    },
    "The plugin itself": {
        (DEBUG_VARIABLE,): "if set and not `0`, a failed build or command prints a traceback",
        ("NO_COLOR", "FORCE_COLOR"): "never use colours, or use them without a terminal, too",
        ("XDG_CACHE_HOME", "LOCALAPPDATA"): "the folder that contains the plugin's cache: "
        "`setuptools-tvm-ffi`",
        ("UV",): "uv sets it. An editable install that uv makes rebuilds on import by default",
        (
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "ASAN_OPTIONS",
        ): "the variables that a build with a "
        "sanitizer prints, see [Sanitizers](debugging.md#sanitizers)",
    },
}

#: Variables of the system, of pip and of make, which have their usual meaning.
_NOT_DESCRIBED = {"PATH", "TERM", "PIP_FIND_LINKS", "MAKEFLAGS"}

_COMMANDS = """\
<!-- Edit setuptools_tvm_ffi/cli, then run docs/regenerate.py. -->

# Commands

`setuptools-tvm-ffi COMMAND --help` prints what this page contains. Results go to standard output;
progress and errors go to standard error. `python -m setuptools_tvm_ffi` is the same command.

| exit status | meaning |
|---|---|
| 0 | success |
| 1 | the command ran, and found problems that you should fix |
| 2 | the command could not run |

"""

_RECORD = f"""\
<!-- Edit docs/reference_pages.py, then run docs/regenerate.py. -->

# The build record

Each wheel contains `{FILENAME}` in its `.dist-info` folder: a JSON document in UTF-8 about
how the libraries were built. [Provenance](provenance.md) describes what it is for.

"""

#: What a key means. `[]` stands for the items of a list, `*` for any name.
_KEYS = {
    "schema": "version of this format. It increases if the meaning of a key changes",
    "generator": "the plugin and its version",
    "apache-tvm-ffi.built-against": "the release that the libraries were compiled against",
    "apache-tvm-ffi.abi-floor": "the oldest release that the wheel accepts, see "
    "[The ABI floor](abi-floor.md)",
    "platform": "the platform in the notation of Python, or the target of a cross build",
    "compilers.*.command": "the compiler of a language, with its launcher",
    "compilers.*.version": "the first line that the compiler prints for `--version`, or its version",
    "libraries[].extension": "`name` of the library in the settings",
    "libraries[].target": "the second argument of `load_lib_module`",
    "libraries[].path": "path in the wheel",
    "libraries[].sha256": "SHA-256 of the library in this wheel",
    "libraries[].built-sha256": "SHA-256 before a repair. Only if a repair changed the library",
    "libraries[].arguments.*": "arguments of the compiler of a language, and of the linker (`link`)",
    "libraries[].source-arguments.*": "compiler arguments of a source that has `source-options`",
    "repaired-with": "the repair tool and its version. Only if a repair changed a library",
}

_RECORD_END = """
In arguments, `.` stands for the project's folder, `site-packages` for the folders of packages in
the build environment, and `build-environment` for the environment itself.

## Example

```json
{example}
```
"""


def variables(settings_page: str) -> str:
    """Return the page on environment variables.

    :param settings_page: the text of the page on settings, for links into it.
    :raises ValueError: a variable that the code reads has no description, or the code does not read
        a variable that has one.
    """
    anchors = _anchors_of_project(settings_page)
    settings = {key_of(s.field): variable_of(s) for s in settings_of(ProjectSettings)}
    rows = "".join(
        f"| `{variable}` | [`{key}`](settings.md#{anchors[key]}) |\n"
        for key, variable in settings.items()
    )
    defaults = "".join(
        f"| `{variable}` | [`{key_of(field)}`](settings.md#{anchors[key_of(field)]}) |\n"
        for variable, field in DEFAULT_VARIABLES.items()
    )
    described = {name for rows in _OTHER_VARIABLES.values() for names in rows for name in names}
    missing = {*BUILD_VARIABLES, *_read_variables()} - {
        *described,
        *DEFAULT_VARIABLES,
        *settings.values(),
    }
    code = "".join(path.read_text(encoding="utf-8") for path in _modules())
    unknown = {name for name in described if f'"{name}"' not in code and f"{name}=" not in code}
    if missing or unknown:
        raise ValueError(
            f"docs/reference_pages.py: describe the variables {sorted(missing)}, "
            f"delete {sorted(unknown)}"
        )
    sections = "".join(
        f"\n## {title}\n\n| variable | meaning |\n|---|---|\n"
        + "".join(
            f"| {', '.join(f'`{name}`' for name in names)} | {text} |\n"
            for names, text in section.items()
        )
        for title, section in _OTHER_VARIABLES.items()
    )
    return _VARIABLES.format(settings=rows, defaults=defaults) + sections


def _anchors_of_project(page: str) -> dict[str, str]:
    """Return the anchor of each setting of the whole project, as code hosts and MyST name them."""
    found: dict[str, str] = {}
    used: dict[str, int] = {}
    section = ""
    for marks, title in re.findall(r"^(#+) (.*)$", page, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number = used.get(slug, 0)
        used[slug] = number + 1
        section = title if marks == "##" else section
        if section.startswith("The whole project") and marks == "###":
            found[title.strip("`")] = f"{slug}-{number}" if number else slug
    return found


def _modules() -> list[Path]:
    folder = Path(setuptools_tvm_ffi.__path__[0])
    return [path for path in folder.rglob("*.py") if "templates" not in path.parts]


def _read_variables() -> set[str]:
    """Return the variables that the code reads by name, except those of child processes."""
    pattern = re.compile(r'\b(?:environ|environment)(?:\.get\(|\[)"([A-Z_]+)"(?!\] =)')
    texts = (
        path.read_text(encoding="utf-8") for path in _modules() if path.parent.name != "compat"
    )
    return {name for text in texts for name in pattern.findall(text)} - _NOT_DESCRIBED


def commands() -> str:
    """Return the page on the commands of `setuptools-tvm-ffi`, from their parsers."""
    return _COMMANDS + "\n".join(_command(name) for name in cli._COMMANDS)  # noqa: SLF001 - as below


def _command(name: str) -> str:
    module = importlib.import_module(f"{cli.__name__}.{name}")
    parser = argparse.ArgumentParser(prog=f"setuptools-tvm-ffi {name}", add_help=False)
    module.add_arguments(parser)
    assert module.__doc__ is not None
    parts = [f"## `{name}`"]
    for paragraph in module.__doc__.strip().split("\n\n"):
        if paragraph.startswith(" "):
            parts.append(
                "<!-- not run: an example -->\n```sh\n" + textwrap.dedent(paragraph) + "\n```"
            )
        elif paragraph != "For example:":
            parts.append(_wrapped(_as_code(paragraph)))
    rows = "".join(_rows_of(parser))
    if rows:
        parts.append(f"| argument | meaning |\n|---|---|\n{rows}".rstrip())
    return "\n\n".join(parts) + "\n"


def _rows_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list
        choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else ""
        value = action.metavar or choices
        names = ", ".join(action.option_strings)
        words = " ".join(filter(None, (names, str(value) if action.nargs != 0 else "")))
        text = _as_code((action.help or "") % vars(action))
        yield "| `{}` | {} |\n".format(words, text.replace("|", "\\|"))


def _as_code(text: str) -> str:
    """Mark options, patterns of files, and words in quotation marks, as code."""
    code = r"(?<![\w-])'([^']+)'(?!\w)|(?<![\w-])(--?[a-z][\w-]*|[\w.-]*\*(?:[\w.-]*\w)?)"
    return re.sub(code, lambda match: f"`{match[1] or match[2]}`", text)


def record() -> str:
    """Return the page on the build record, with a rendered example.

    :raises KeyError: a key of the example has no description.
    """
    library = LibraryRecord(
        extension="my_package.my_library",
        target="my_library",
        path="my_package/libmy_library.so",
        sha256="3b0c…",
        arguments={"cxx": ["-O3", "-DNDEBUG"], "link": ["-shared"]},
        source_arguments={"csrc/avx2/sum.cc": ["-O3", "-DNDEBUG", "-mavx2"]},
    )
    built = build_record.render(
        tvm_ffi_version="0.1.15.post2",
        abi_floor="0.1.10",
        platform="linux-x86_64",
        compilers={"cxx": Compiler(("ccache", "g++"), "gcc", "g++ (Debian 12.2.0-14) 12.2.0")},
        libraries=[library],
        root="/home/me/my-package",
        environment={},
    )
    digests = {library.path: "9e41…"}
    example = build_record.refreshed(built, digests, repaired_with="auditwheel 6.8.2").decode()
    used = dict.fromkeys(_keys_of(json.loads(example)))
    unused = [key for key in _KEYS if key not in used]
    if unused:
        raise KeyError(f"the build record has no {unused}")
    rows = "".join(f"| `{key}` | {_KEYS[key]} |\n" for key in used)
    end = _RECORD_END.format(example=example.rstrip())
    return f"{_RECORD}| key | meaning |\n|---|---|\n{rows}{end}"


def _keys_of(value: Any, key: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    names_are_free = key in {"compilers", "libraries[].arguments", "libraries[].source-arguments"}
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _keys_of(
                item, ".".join(filter(None, (key, "*" if names_are_free else name)))
            )
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for item in value:
            yield from _keys_of(item, f"{key}[]")
    else:
        yield key


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
