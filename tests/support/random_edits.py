# SPDX-License-Identifier: Apache-2.0
"""A project of twelve units that random edits change, and the kinds of edit.

The project reads a file in every way that a build can: headers from two include folders, beside the
source, through symbolic links and from `CPATH`, archives from `library-dirs` and `LIBRARY_PATH`, an
object, files that linker arguments name, a file in `depends`, modules and package data.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from setuptools_tvm_ffi.building.unity import batches

UNITS = 12
SHARED = 4  # Every fourth unit includes the header `shared_N.h`.
OLD = 1_000_000_000  # This modification time is before the modification time of every output.
FUTURE = 2_500_000_000

#: Every unit may be recompiled.
ALL = frozenset({"*"})

_UNIT = """\
{first}#include <tvm/ffi/c_api.h>

#include "shared_{shared}.h"
{includes}
#define OWN {number}
{declarations}
{external}TVM_FFI_DLL_EXPORT int __tvm_ffi_{name}(void* self, const TVMFFIAny* args, int32_t count,
    TVMFFIAny* result) {{
  (void)self, (void)args, (void)count;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = OWN + SHARED_{shared} + MACRO{summands};
  return 0;
}}
"""

_OPTIONAL = """\
#if __has_include("optional.h")
#include "optional.h"
#else
#define OPTIONAL 0
#endif
"""
_ALIAS = """\
#if __has_include(<alias.h>)
#include <alias.h>
#else
#define ALIAS 0
#endif
"""
_ENVIRONMENT = """\
#include <environment.h>
#if __has_include(<environment_c.h>)
#include <environment_c.h>
#else
#define ENVIRONMENT_C 0
#endif
"""
_WRAPPED = """\
#ifndef WRAPPED
#define WRAPPED 0
#endif
#ifndef FLAG
#define FLAG 0
#endif
"""
_TABLE = '__asm__(".pushsection .rodata\\n.incbin \\"tables/table.bin\\"\\n.popsection\\n");'
_C = '#ifdef __cplusplus\nextern "C"\n#endif\n'

#: What each unit reads beside its shared header: includes, declarations, summands.
_ROLES: dict[int, tuple[str, str, str]] = {
    0: ("", _WRAPPED, " + WRAPPED + FLAG"),
    1: (_OPTIONAL, "", " + OPTIONAL"),
    2: ("", f"{_C}int helper(void);\n{_C}int found(void);", " + helper() + found()"),
    3: ("", _TABLE, ""),
    4: ("", "static const char built[] = __DATE__;", " + (int64_t)built[0]"),
    5: ('#include "linked.h"', "", " + LINKED"),
    6: (_ENVIRONMENT, "", " + ENVIRONMENT + ENVIRONMENT_C"),
    7: ("#include <version.h>", "", " + VERSION"),
    8: ('#define NAMED "named.h"\n#include NAMED', "", " + COMPUTED"),
    9: (_ALIAS, "", " + ALIAS"),
    10: ("", f"{_C}int prebuilt(void);", " + prebuilt()"),
    11: ('#include "outer.h"', "", " + INNER"),
}

_SCRIPT = "INCLUDE vendor/included.ld\nINCLUDE searched.ld\n"

_WRAPPER = """\
#!/bin/sh
# Writes the source of each call to a file, and can end a build with half an output.
compiled= linked= output= previous=
for argument do
  case $argument in
    csrc/*) compiled=$argument ;;
    -shared) linked=yes ;;
  esac
  [ "$previous" != -o ] || output=$argument
  previous=$argument
done
[ -z "$compiled" ] || echo "$compiled" >> "${{EDITS_CALLS:-/dev/null}}"
case ${{EDITS_KILL:-}} in
  compile) [ -n "$compiled" ] && [ "$(wc -l < "$EDITS_CALLS")" -ge "$EDITS_KILL_AT" ] ;;
  link) [ -n "$linked" ] ;;
  *) false ;;
esac && {{
  echo half > "$output"
  kill -9 "-$EDITS_GROUP"
  exit 1
}}
exec {compiler} {option}"$@"
"""

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "edited-project"
version = "1.0"
requires-python = ">=3.9"
dynamic = ["dependencies"]

[tool.setuptools]
packages = ["edited_pkg", "edited_pkg.data"]

[tool.setuptools.package-data]
"*" = ["*.json"]

[tool.setuptools-tvm-ffi]
editable-rebuild = true
cuda-architectures = ["9.0"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "edited_pkg.{target}"
sources = {sources}
include-dirs = {include_dirs}
define-macros = [["MACRO", "{macro}"]]
depends = ["tables/table.bin"]
libraries = ["helper", "found"]
library-dirs = ["vendor/early", "vendor/late"]
extra-objects = ["vendor/prebuilt.o"]
extra-link-args = {link_args}
{more}"""


@dataclass
class EditedProject:
    """The project, the files outside of the project, and the state that edits depend on.

    :param base: the folder that contains the project's folder and the folder of the other files.
    :param suffixes: the suffixes of the units, in turn.
    :param batch_size: the size of a batch in a unity build; 0 for a build without batches.
    :param precompiled: the headers to precompile.
    :param variables: the variables of the next build, in addition to the environment's.
    """

    base: Path
    random: random.Random
    suffixes: tuple[str, ...] = ("c",)
    batch_size: int = 0
    precompiled: tuple[str, ...] = ()
    target: str = "core"
    include_dirs: list[str] = field(
        default_factory=lambda: [
            f"include/{name}" for name in ("first", "second", "current", "alias")
        ]
    )
    macro: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    installed_variables: dict[str, str] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)  #: the number of each unit, by path
    other_units: dict[str, int] = field(default_factory=dict)  #: the same for the other branch
    numbers: int = 100_000

    @property
    def root(self) -> Path:
        return self.base / "project"

    @property
    def outside(self) -> Path:
        return self.base / "outside"

    @property
    def compiler(self) -> str:
        return shutil.which("cc", path=os.environ["PATH"]) or "cc"

    def number(self) -> int:
        """Return a number that no earlier edit has used; all have the same length."""
        self.numbers += 1
        return self.numbers

    def generate(self) -> None:
        """Write the project and the files outside."""
        for number in range(UNITS):
            suffix = self.suffixes[number % len(self.suffixes)]
            self.units[f"csrc/unit_{number:02}.{suffix}"] = number
        for unit in self.units:
            self.write_unit(unit)
        for name in ("linked_a", "linked_b"):
            self.write_header(f"include/variants/{name}.h", "LINKED")
        for version in ("v1", "v2"):
            self.write_header(f"include/{version}/version.h", "VERSION")
        for number in range(SHARED):
            self.write_header(f"include/second/shared_{number}.h", f"SHARED_{number}")
        self.write_header("include/second/named.h", "COMPUTED")
        self.write_header("include/second/inner.h", "INNER")
        self.write("include/second/outer.h", "#pragma once\n#include <inner.h>\n")
        self.write("include/first/unused.h", "")
        self.link("include/second/linked.h", "../variants/linked_a.h")
        self.link("include/current", "v1")
        self.write_header("include/v3/alias.h", "ALIAS")
        self.link("include/alias", "second")
        self.write("vendor/early/README", "Archives here are found first.\n")
        self.write_archive("vendor/late/libhelper.a", "helper")
        self.write_object("vendor/prebuilt.o", "prebuilt")
        for name in ("a", "b"):
            self.write_header(f"../outside/include-{name}/environment.h", "ENVIRONMENT")
            self.write_archive(f"../outside/lib-{name}/libfound.a", "found")
        self.write_header("../outside/include-c/environment_c.h", "ENVIRONMENT_C")
        self.write("tables/table.bin", f"{self.number()}\n")
        self.write("link.rsp", f"-Wl,--defsym=response={self.number()}\n")
        self.write("vendor/symbols.ld", f"{_SCRIPT}scripted = {self.number()};\n")
        self.write("vendor/included.ld", f"included = {self.number()};\n")
        self.write("vendor/late/searched.ld", f"searched = {self.number()};\n")
        self.write("vendor/retained.txt", "__tvm_ffi_unit_00\n")
        self.write(
            "vendor/exports.map",
            "{ global: __tvm_ffi_*; response; scripted; included; searched; local: *; };\n",
        )
        self.write("edited_pkg/__init__.py", '"""Edited at random."""\n')
        self.write("edited_pkg/module_a.py", f"NUMBER = {self.number()}\n")
        self.write("edited_pkg/module_b.py", f"NUMBER = {self.number()}\n")
        self.write("edited_pkg/data/__init__.py", "")
        self.write("edited_pkg/data/values.json", f"{self.number()}\n")
        self.write("edited_pkg/data/more.json", f"{self.number()}\n")
        self.write_wrappers()
        self.write_settings()
        outside = self.outside
        self.variables = {
            "CC": str(outside / "bin" / "wrapped-cc"),
            "CXX": str(outside / "bin" / "wrapped-c++"),
            "CFLAGS": "-O0",
            "CXXFLAGS": "-O0",
            "CPATH": _with_missing(outside / "include-a"),
            "LIBRARY_PATH": _with_missing(outside / "lib-a"),
            "SOURCE_DATE_EPOCH": "1700000000",
            "SETUPTOOLS_TVM_FFI_JOBS": "2",
        }
        self.installed_variables = dict(self.variables)

    def use_launcher(self, launcher: str) -> None:
        """Start compilers through a launcher from now on; call it before the first build."""
        self.variables["SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER"] = launcher
        self.installed_variables = dict(self.variables)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def write_unit(self, unit: str, more: str = "", first: str = "") -> None:
        """Write a unit with a new number of its own."""
        number = self.units[unit]
        includes, declarations, summands = _ROLES.get(number, ("", "", ""))
        text = _UNIT.format(
            first=first,
            shared=number % SHARED,
            includes=includes,
            number=self.number(),
            declarations=f"{declarations}{more}",
            external='extern "C" ' if not unit.endswith(".c") else "",
            name=Path(unit).stem,
            summands=summands,
        )
        self.write(unit, text)

    def write_header(self, name: str, macro: str) -> Path:
        return self.write(name, f"#undef {macro}\n#define {macro} {self.number()}\n")

    def link(self, name: str, target: str) -> None:
        """Create a symbolic link, or retarget it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def write_object(self, name: str, function: str) -> None:
        """Compile an object with a function that returns a new number."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [self.compiler, "-fPIC", "-x", "c", "-c", "-o", str(path), "-"],
            input=f"int {function}(void) {{ return {self.number()}; }}\n",
            text=True,
            check=True,
        )

    def write_archive(self, name: str, function: str) -> None:
        """Make a static archive with a function that returns a new number."""
        path = self.root / name
        self.write_object(f"{name}.o", function)
        path.unlink(missing_ok=True)
        subprocess.run(["ar", "rcD", path, f"{path}.o"], check=True, capture_output=True)
        Path(f"{path}.o").unlink()

    def write_wrappers(self, option: str = "") -> None:
        for name in ("cc", "c++"):
            compiler = shutil.which(name, path=os.environ["PATH"]) or name
            path = self.write(
                f"../outside/bin/wrapped-{name}", _WRAPPER.format(compiler=compiler, option=option)
            )
            path.chmod(0o755)

    def write_settings(self) -> None:
        link_args = ["@link.rsp", "vendor/symbols.ld"]
        link_args.append("-Wl,--retain-symbols-file=vendor/retained.txt")
        link_args.append("-Wl,--version-script=vendor/exports.map")
        text = _PYPROJECT.format(
            target=self.target,
            sources=json.dumps([f"csrc/**/*.{suffix}" for suffix in dict.fromkeys(self.suffixes)]),
            include_dirs=json.dumps(self.include_dirs),
            macro=self.macro,
            link_args=json.dumps(link_args),
            more=f"unity-build = {json.dumps(self.batch_size > 0)}\n"
            f"unity-batch-size = {self.batch_size}\n"
            f"precompile-headers = {json.dumps(self.precompiled)}\n",
        )
        self.write("pyproject.toml", text)

    def any_unit(self) -> str:
        return self.random.choice(sorted(self.units))

    def units_of(self, *numbers: int) -> frozenset[str]:
        return frozenset(unit for unit, number in self.units.items() if number in numbers)

    def sharing(self, number: int) -> frozenset[str]:
        """Return the units that include a shared header."""
        return frozenset(unit for unit, n in self.units.items() if n % SHARED == number)

    def compiled_together(self) -> frozenset[frozenset[str]]:
        """Return the batches of a unity build."""
        made = batches(map(PurePosixPath, sorted(self.units)), self.batch_size)
        return frozenset(frozenset(map(str, batch.sources)) for batch in made)

    def affected(
        self, units: frozenset[str], batches_before: frozenset[frozenset[str]]
    ) -> frozenset[str]:
        """Return the units that are compiled if `units` must be compiled.

        :param batches_before: the batches before the edit.
        """
        in_header = (self.sharing(0), self.units_of(11))  # They include a precompiled header, too.
        if self.precompiled and any(users <= units for users in in_header):
            return ALL
        if self.batch_size:
            for batch in self.compiled_together():
                if batch not in batches_before or batch & units:
                    units |= batch
        return units

    def timestamped(self) -> frozenset[str]:
        """Return the units that are compiled in every build."""
        return frozenset(u for u in self.units if "__TIMESTAMP__" in (self.root / u).read_text())

    def header_of(self, number: int) -> Path:
        """Return the file that units find as a shared header on the include path."""
        candidates = (self.root / d / f"shared_{number}.h" for d in self.include_dirs)
        return next(path for path in candidates if path.exists())

    def build_files(self, pattern: str) -> list[Path]:
        """Return files of the build folder, of the type that is built."""
        return sorted((self.root / "build").glob(f"tvm-ffi.*/release/{pattern}"))

    def copy(self, destination: Path) -> None:
        """Copy the project, with times, without anything that a build has made."""
        shutil.rmtree(destination, ignore_errors=True)
        ignore = shutil.ignore_patterns("build", "*.egg-info")
        shutil.copytree(self.root, destination, symlinks=True, ignore=ignore)


@dataclass(frozen=True)
class Effect:
    """What the next build may do because of an edit.

    :param units: the units that may be compiled again.
    :param fix: a function that makes the project buildable again. Until it is called, each build
        must fail.
    :param reinstall: whether an editable install must be repeated.
    """

    units: frozenset[str] = frozenset()
    fix: Callable[[], None] | None = None
    reinstall: bool = False


@dataclass(frozen=True)
class Edit:
    """A kind of edit.

    :param changes: whether a clean build's wheel changes; ``None`` if it depends on the state.
    :param apply: a function that makes the edit, or returns ``None`` if the edit is impossible in
        the present state.
    """

    name: str
    changes: bool | None
    apply: Callable[[EditedProject], Effect | None]


EDITS: list[Edit] = []

_Apply = Callable[[EditedProject], "Effect | None"]


def _edit(name: str, *, changes: bool | None) -> Callable[[_Apply], _Apply]:
    def add(apply: _Apply) -> _Apply:
        EDITS.append(Edit(name, changes, apply))
        return apply

    return add


def _reset(project: EditedProject) -> Effect | None:
    if project.variables == project.installed_variables:
        return None
    project.variables = dict(project.installed_variables)
    return Effect(ALL)


RESET = Edit("variables set back to those of the first build", None, _reset)
EDITS.append(RESET)


def _with_missing(folder: Path) -> str:
    """Return a search path that begins with a folder that need not exist."""
    return f"{folder.parent / folder.name.partition('-')[0]}-later{os.pathsep}{folder}"


def _set_time(path: Path, seconds: int = OLD) -> None:
    os.utime(path, (seconds, seconds))


# Sources


@_edit("source edited", changes=True)
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    project.write_unit(unit)
    return Effect(frozenset({unit}))


@_edit("file moved over a source, with its old time", changes=True)
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    path = project.root / unit
    (project.root / "aside").write_bytes(path.read_bytes())
    project.write_unit(unit)
    path.rename(project.root / "aside-new")
    (project.root / "aside").rename(path)
    _set_time(project.root / "aside-new")
    (project.root / "aside-new").replace(path)
    return Effect(frozenset({unit}))


@_edit("source overwritten in place with the same size and time", changes=True)
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    path = project.root / unit
    before = path.stat()
    own = path.read_text().partition("#define OWN ")[2].partition("\n")[0]
    text = path.read_text().replace(f"OWN {own}", f"OWN {project.number()}")
    with path.open("r+") as stream:
        stream.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    return Effect(frozenset({unit}))


@_edit("all files touched", changes=None)  # __TIMESTAMP__ changes
def _(project: EditedProject) -> Effect:
    for path in project.root.rglob("*"):
        if path.is_file() and "build" not in path.relative_to(project.root).parts:
            path.touch()
    return Effect()


@_edit("all sources set to one old time", changes=None)
def _(project: EditedProject) -> Effect:
    for path in (*project.root.glob("csrc/*"), *project.root.glob("include/*/*")):
        _set_time(path)
    return Effect()


@_edit("other contents, and the same again", changes=None)
def _(project: EditedProject) -> Effect:
    for path in (*project.root.glob("csrc/*.*"), *project.root.glob("include/second/s*")):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content + b"\n")
        path.unlink()
        path.write_bytes(content)
    return Effect()


@_edit("fresh checkout over the kept build folder", changes=None)
def _(project: EditedProject) -> Effect:
    checkout = project.base / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    # Unlike `copy2`, `copyfile` keeps neither times nor permissions.
    ignore = shutil.ignore_patterns("build")
    shutil.copytree(
        project.root, checkout, symlinks=True, ignore=ignore, copy_function=shutil.copyfile
    )
    (project.root / "build").rename(checkout / "build")
    shutil.rmtree(project.root)
    checkout.rename(project.root)
    return Effect()


@_edit("sources replaced by those of another branch, with their times", changes=None)
def _(project: EditedProject) -> Effect | None:
    other, aside = project.base / "other-branch", project.base / "aside"
    units = project.units
    for folder in ("csrc", "include"):
        shutil.copytree(project.root / folder, aside / folder, symlinks=True)
    if not other.exists():
        aside.rename(other)
        project.other_units = dict(units)
        return None  # it has no other branch to switch to yet
    for folder in ("csrc", "include"):
        shutil.rmtree(project.root / folder)
        shutil.copytree(other / folder, project.root / folder, symlinks=True)
    shutil.rmtree(other)
    aside.rename(other)
    project.units, project.other_units = project.other_units, units
    return Effect(ALL)


@_edit("permissions changed", changes=False)
def _(project: EditedProject) -> Effect:
    for path in project.root.glob("csrc/*"):
        path.chmod(path.stat().st_mode ^ 0o020)
    return Effect()


@_edit("comment added to a source", changes=None)
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    path = project.root / unit
    path.write_text(f"{path.read_text()}// {project.number()}\n")
    return Effect(frozenset({unit}))


@_edit("source added", changes=True)
def _(project: EditedProject) -> Effect | None:
    if len(project.units) >= UNITS + 3:
        return None
    unit = f"csrc/more/unit_{project.number()}.{project.random.choice(project.suffixes)}"
    project.units[unit] = 100 + project.random.randrange(SHARED)
    project.write_unit(unit)
    return Effect(frozenset({unit}))


@_edit("source removed", changes=True)
def _(project: EditedProject) -> Effect | None:
    added = [unit for unit in project.units if unit.startswith("csrc/more/")]
    if not added:
        return None
    unit = project.random.choice(added)
    del project.units[unit]
    (project.root / unit).unlink()
    return Effect()


@_edit("source renamed", changes=None)  # The order of the objects in the link may change.
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    new = f"csrc/unit_{project.number()}{Path(unit).suffix}"
    project.units[new] = project.units.pop(unit)
    (project.root / unit).rename(project.root / new)
    return Effect(frozenset({new}))


@_edit("__TIMESTAMP__ added to a unit or removed", changes=True)
def _(project: EditedProject) -> Effect:
    (unit,) = project.units_of(9)
    more = "\nstatic const char stamp[] __attribute__((used)) = __TIMESTAMP__;"
    project.write_unit(unit, more="" if unit in project.timestamped() else more)
    return Effect(frozenset({unit}))


# Headers


@_edit("header edited", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    _edit_header(project, number)
    return Effect(project.sharing(number))


def _edit_header(project: EditedProject, number: int) -> Path:
    path = project.header_of(number)
    # A header beside the source comes first for units with quotes.
    beside = project.root / "csrc" / path.name
    beside.unlink(missing_ok=True)
    name = os.path.relpath(path, project.root)
    return project.write_header(name, f"SHARED_{number}")


@_edit("header restored with an old time", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    _set_time(_edit_header(project, number))
    return Effect(project.sharing(number))


@_edit("header with a time in the future", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    _set_time(_edit_header(project, number), FUTURE)
    return Effect(project.sharing(number))


@_edit("file copied over a header, with its time (cp -p)", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    aside = project.write_header("../outside/aside.h", f"SHARED_{number}")
    _set_time(aside, OLD + project.numbers)
    (project.root / "csrc" / f"shared_{number}.h").unlink(missing_ok=True)
    shutil.copy2(aside, project.header_of(number))
    return Effect(project.sharing(number))


@_edit("header overwritten in place with the same size and time", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    (project.root / "csrc" / f"shared_{number}.h").unlink(missing_ok=True)
    path = project.header_of(number)
    before = path.stat()
    with path.open("r+") as stream:
        stream.write(f"#undef SHARED_{number}\n#define SHARED_{number} {project.number()}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return Effect(project.sharing(number))


@_edit("two headers swapped", changes=None)
def _(project: EditedProject) -> Effect:
    first, second = (project.root / f"include/variants/linked_{name}.h" for name in "ab")
    first.rename(project.root / "aside")
    second.rename(first)
    (project.root / "aside").rename(second)
    return Effect(project.units_of(5))


@_edit("symbolic link to a header retargeted", changes=True)
def _(project: EditedProject) -> Effect:
    for name in ("linked_a", "linked_b"):
        _set_time(project.root / f"include/variants/{name}.h")
    now = os.readlink(project.root / "include/second/linked.h")
    other = "linked_b" if now.endswith("linked_a.h") else "linked_a"
    project.link("include/second/linked.h", f"../variants/{other}.h")
    return Effect(project.units_of(5))


@_edit("symbolic link to an include folder retargeted", changes=True)
def _(project: EditedProject) -> Effect:
    now = os.readlink(project.root / "include/current")
    project.link("include/current", "v2" if now == "v1" else "v1")
    return Effect(project.units_of(7))


@_edit("symbolic link that duplicates an include folder retargeted", changes=None)
def _(project: EditedProject) -> Effect:
    now = os.readlink(project.root / "include/alias")
    project.link("include/alias", "v3" if now == "second" else "second")
    order = [project.include_dirs.index(f"include/{name}") for name in ("second", "alias")]
    return Effect(project.units_of(9) if order == sorted(order) else ALL)


@_edit("include folder replaced by one with old times", changes=True)
def _(project: EditedProject) -> Effect:
    number = project.random.randrange(SHARED)
    folder, new = project.root / "include/second", project.root / "include/new"
    shutil.copytree(folder, new, symlinks=True)
    (project.root / f"csrc/shared_{number}.h").unlink(missing_ok=True)
    (project.root / f"include/first/shared_{number}.h").unlink(missing_ok=True)
    _set_time(project.write_header(f"include/new/shared_{number}.h", f"SHARED_{number}"))
    shutil.rmtree(folder)
    new.rename(folder)
    return Effect(project.sharing(number))


@_edit("header appears earlier on the include path", changes=None)
def _(project: EditedProject) -> Effect | None:
    number = project.random.randrange(SHARED)
    path = project.root / f"include/first/shared_{number}.h"
    if path.exists():
        return None
    _set_time(project.write_header(f"include/first/{path.name}", f"SHARED_{number}"))
    return Effect(project.sharing(number))


@_edit("header disappears from an earlier include folder", changes=None)
def _(project: EditedProject) -> Effect | None:
    return _remove_header(project, "include/first")


@_edit("header appears beside the source", changes=None)
def _(project: EditedProject) -> Effect | None:
    number = project.random.randrange(SHARED)
    path = project.root / f"csrc/shared_{number}.h"
    if path.exists():
        return None
    _set_time(project.write_header(f"csrc/{path.name}", f"SHARED_{number}"))
    return Effect(project.sharing(number))


@_edit("header beside the source disappears", changes=None)
def _(project: EditedProject) -> Effect | None:
    return _remove_header(project, "csrc")


def _remove_header(project: EditedProject, folder: str) -> Effect | None:
    found = sorted((project.root / folder).glob("shared_*.h"))
    if not found:
        return None
    path = project.random.choice(found)
    path.unlink()
    return Effect(project.sharing(int(path.stem.rpartition("_")[2])))


@_edit("header that __has_include names appears", changes=True)
def _(project: EditedProject) -> Effect | None:
    if (project.root / "include/first/optional.h").exists():
        return None
    _set_time(project.write_header("include/first/optional.h", "OPTIONAL"))
    return Effect(project.units_of(1))


@_edit("header that __has_include names disappears", changes=True)
def _(project: EditedProject) -> Effect | None:
    path = project.root / "include/first/optional.h"
    if not path.exists():
        return None
    path.unlink()
    return Effect(project.units_of(1))


# The wheel changes only if the folder of the new header is searched first.
@_edit("header that a macro names appears earlier", changes=None)
def _(project: EditedProject) -> Effect:
    path = project.root / "include/first/named.h"
    if path.exists():
        path.unlink()
    else:
        _set_time(project.write_header("include/first/named.h", "COMPUTED"))
    return Effect(project.units_of(8))


@_edit("header of a folder that was missing appears earlier, or disappears", changes=None)
def _(project: EditedProject) -> Effect:
    number = project.random.choice([6, 9])
    name, macro = {6: ("environment", "ENVIRONMENT"), 9: ("alias", "ALIAS")}[number]
    path = project.root / f"include/first/{name}.h"
    if path.exists():
        path.unlink()
    else:
        _set_time(project.write_header(f"include/first/{name}.h", macro))
    return Effect(project.units_of(number))


# The wheel changes only if the folder of the new header is searched first.
@_edit("header of a header appears earlier", changes=None)
def _(project: EditedProject) -> Effect:
    path = project.root / "include/first/inner.h"
    if path.exists():
        path.unlink()
    else:
        _set_time(project.write_header("include/first/inner.h", "INNER"))
    return Effect(project.units_of(11))


@_edit("files that nothing reads appear", changes=False)
def _(project: EditedProject) -> Effect:
    for folder in ("csrc", "include/first", "include/second", "vendor/early"):
        project.write(f"{folder}/unread_{project.number()}.h", "#error read\n")
    return Effect()


@_edit("order of include-dirs changed", changes=None)
def _(project: EditedProject) -> Effect:
    project.include_dirs = [*project.include_dirs[1:], project.include_dirs[0]]
    project.write_settings()
    return Effect(ALL)


# Files that the link reads


# The wheel changes only if no earlier folder contains an archive of the same name.
@_edit("archive rebuilt", changes=None)
def _(project: EditedProject) -> Effect:
    project.write_archive("vendor/late/libhelper.a", "helper")
    _set_time(project.root / "vendor/late/libhelper.a")
    return Effect()


@_edit("archive appears in an earlier folder, or disappears", changes=True)
def _(project: EditedProject) -> Effect:
    path = project.root / "vendor/early/libhelper.a"
    if path.exists():
        path.unlink()
    else:
        project.write_archive("vendor/early/libhelper.a", "helper")
        _set_time(path)
    return Effect()


@_edit("extra object rebuilt", changes=True)
def _(project: EditedProject) -> Effect:
    project.write_object("vendor/prebuilt.o", "prebuilt")
    _set_time(project.root / "vendor/prebuilt.o")
    return Effect()


@_edit("response file edited", changes=True)
def _(project: EditedProject) -> Effect:
    _set_time(project.write("link.rsp", f"-Wl,--defsym=response={project.number()}\n"))
    return Effect()


@_edit("linker script edited", changes=True)
def _(project: EditedProject) -> Effect:
    text = f"{_SCRIPT}scripted = {project.number()};\n"
    _set_time(project.write("vendor/symbols.ld", text))
    return Effect()


@_edit("file that a linker script includes edited", changes=True)
def _(project: EditedProject) -> Effect:
    _set_time(project.write("vendor/included.ld", f"included = {project.number()};\n"))
    return Effect()


@_edit("file that a linker script includes appears in an earlier folder", changes=True)
def _(project: EditedProject) -> Effect:
    path = project.root / "vendor/early/searched.ld"
    if path.exists():
        path.unlink()
    else:
        _set_time(project.write("vendor/early/searched.ld", f"searched = {project.number()};\n"))
    return Effect()


@_edit("file in a linker argument edited", changes=True)
def _(project: EditedProject) -> Effect:
    path = project.root / "vendor/retained.txt"
    lines = path.read_text().splitlines()
    # Release builds strip nothing, so each name is one more in the symbol table.
    names = {"__tvm_ffi_unit_01"} ^ set(lines)
    _set_time(project.write("vendor/retained.txt", "".join(f"{n}\n" for n in sorted(names))))
    return Effect()


@_edit("version script edited", changes=None)
def _(project: EditedProject) -> Effect:
    shown = "response; scripted; included; searched"
    own = f"{{{{ global: __tvm_ffi_*; {shown}; unused_{{}}; local: *; }}}};\n"
    _set_time(project.write("vendor/exports.map", own.format(project.number())))
    return Effect()


# Settings and environment


@_edit("file in depends edited", changes=True)
def _(project: EditedProject) -> Effect:
    _set_time(project.write("tables/table.bin", f"{project.number()}\n"))
    return Effect(ALL)


@_edit("CPATH changed", changes=None)
def _(project: EditedProject) -> Effect:
    _toggle(project, "CPATH", *(_with_missing(project.outside / f"include-{n}") for n in "ab"))
    return Effect(ALL)


@_edit("C_INCLUDE_PATH changed", changes=None)
def _(project: EditedProject) -> Effect:
    name = {"c": "C_INCLUDE_PATH"}.get(project.suffixes[6 % len(project.suffixes)])
    _toggle(project, name or "CPLUS_INCLUDE_PATH", None, str(project.outside / "include-c"))
    return Effect(ALL)


@_edit("LIBRARY_PATH changed", changes=None)
def _(project: EditedProject) -> Effect:
    _toggle(project, "LIBRARY_PATH", *(_with_missing(project.outside / f"lib-{n}") for n in "ab"))
    return Effect(ALL)


def _toggle(project: EditedProject, name: str, first: str | None, second: str) -> None:
    value = second if project.variables.get(name) == first else first
    if value is None:
        del project.variables[name]
    else:
        project.variables[name] = value


@_edit("file in a folder of CPATH edited", changes=None)
def _(project: EditedProject) -> Effect:
    folders = map(Path, project.variables["CPATH"].split(os.pathsep))
    path = next(folder for folder in folders if folder.exists()) / "environment.h"
    name = os.path.relpath(path, project.root)
    _set_time(project.write_header(name, "ENVIRONMENT"))
    return Effect(project.units_of(6))


@_edit("archive in a folder of LIBRARY_PATH rebuilt", changes=True)
def _(project: EditedProject) -> Effect:
    folders = map(Path, project.variables["LIBRARY_PATH"].split(os.pathsep))
    path = next(folder for folder in folders if folder.exists()) / "libfound.a"
    project.write_archive(os.path.relpath(path, project.root), "found")
    _set_time(path)
    return Effect()


@_edit("folder of CPATH appears or disappears", changes=None)
def _(project: EditedProject) -> Effect:
    path = project.outside / "include-later" / "environment.h"
    if path.exists():
        shutil.rmtree(path.parent)
    else:
        _set_time(project.write_header(os.path.relpath(path, project.root), "ENVIRONMENT"))
    return Effect(project.units_of(6))


@_edit("folder of LIBRARY_PATH appears or disappears", changes=True)
def _(project: EditedProject) -> Effect:
    path = project.outside / "lib-later" / "libfound.a"
    if path.exists():
        shutil.rmtree(path.parent)
    else:
        project.write_archive(os.path.relpath(path, project.root), "found")
        _set_time(path)
    return Effect()


@_edit("CFLAGS changed", changes=True)
def _(project: EditedProject) -> Effect:
    flag = "" if "FLAG" in project.variables["CFLAGS"] else f" -DFLAG={project.number()}"
    project.variables |= {"CFLAGS": f"-O0{flag}", "CXXFLAGS": f"-O0{flag}"}
    return Effect(ALL)


@_edit("SOURCE_DATE_EPOCH changed", changes=True)
def _(project: EditedProject) -> Effect:
    epoch = int(project.variables["SOURCE_DATE_EPOCH"]) + 24 * 60 * 60
    project.variables["SOURCE_DATE_EPOCH"] = str(epoch)
    return Effect(project.units_of(4))


@_edit("define-macros changed", changes=True)
def _(project: EditedProject) -> Effect:
    project.macro = project.number()
    project.write_settings()
    return Effect(ALL)


@_edit("compiler wrapper edited", changes=True)
def _(project: EditedProject) -> Effect:
    project.write_wrappers(f"-DWRAPPED={project.number()} ")
    return Effect(ALL)


@_edit("compiler wrapper touched", changes=False)
def _(project: EditedProject) -> Effect:
    for path in (project.outside / "bin").iterdir():
        path.touch()
    return Effect()


@_edit("library renamed", changes=True)
def _(project: EditedProject) -> Effect:
    project.target = f"core_{project.number()}"
    # The generated file loads the library by its old name, in a line that its owner may edit.
    (project.root / "edited_pkg" / "_ffi_api.py").unlink(missing_ok=True)
    project.write("edited_pkg/__init__.py", '"""Edited at random."""\n')
    project.write_settings()
    return Effect(ALL, reinstall=True)


# Modules and package data


@_edit("module added", changes=True)
def _(project: EditedProject) -> Effect:
    project.write(f"edited_pkg/added_{project.number()}.py", f"NUMBER = {project.number()}\n")
    return Effect()


@_edit("module edited", changes=True)
def _(project: EditedProject) -> Effect:
    project.write("edited_pkg/module_a.py", f"NUMBER = {project.number()}\n")
    return Effect()


@_edit("module edited with an old time", changes=True)
def _(project: EditedProject) -> Effect:
    _set_time(project.write("edited_pkg/module_b.py", f"NUMBER = {project.number()}\n"))
    return Effect()


@_edit("module deleted", changes=True)
def _(project: EditedProject) -> Effect | None:
    added = sorted((project.root / "edited_pkg").glob("added_*.py"))
    if not added:
        return None
    project.random.choice(added).unlink()
    return Effect()


@_edit("data file added", changes=True)
def _(project: EditedProject) -> Effect:
    name = f"edited_pkg/data/added_{project.number()}.json"
    project.write(name, f"{project.number()}\n")
    return Effect()


@_edit("data file edited with an old time", changes=True)
def _(project: EditedProject) -> Effect:
    _set_time(project.write("edited_pkg/data/values.json", f"{project.number()}\n"))
    return Effect()


@_edit("data file deleted", changes=True)
def _(project: EditedProject) -> Effect | None:
    added = sorted((project.root / "edited_pkg" / "data").glob("added_*.json"))
    if not added:
        return None
    project.random.choice(added).unlink()
    return Effect()


# The build folder

_RECORDS = ("steps.json", "step-details.json")


@_edit("object corrupted", changes=False)
def _(project: EditedProject) -> Effect | None:
    return _damage(project, lambda path: path.write_bytes(b"x" * path.stat().st_size))


@_edit("object truncated, with its old time", changes=False)
def _(project: EditedProject) -> Effect | None:
    def truncate(path: Path) -> None:
        before = path.stat()
        path.write_bytes(path.read_bytes()[:100])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return _damage(project, truncate)


@_edit("object deleted", changes=False)
def _(project: EditedProject) -> Effect | None:
    return _damage(project, Path.unlink)


def _damage(project: EditedProject, how: Callable[[Path], object]) -> Effect | None:
    unit = project.any_unit()
    found = project.build_files(f"*.{project.target}/objects/{unit}.o")
    if not found:
        return None  # the record was deleted, or the unit has never been compiled
    how(found[0])
    return Effect(frozenset({unit}))


@_edit("library deleted from the build folder", changes=False)
def _(project: EditedProject) -> Effect:
    for path in project.build_files("*/*.so"):
        path.unlink()
    return Effect()


@_edit("library in the build folder corrupted", changes=False)
def _(project: EditedProject) -> Effect:
    for path in project.build_files("*/*.so"):
        path.write_bytes(b"x" * path.stat().st_size)
    return Effect()


# The details are read only if something has changed, so a source is edited too.


@_edit("record of the build deleted, source edited", changes=True)
def _(project: EditedProject) -> Effect:
    for path in project.build_files(project.random.choice(_RECORDS)):
        path.unlink()
    project.write_unit(project.any_unit())
    return Effect(ALL)


@_edit("record of the build corrupted, source edited", changes=True)
def _(project: EditedProject) -> Effect:
    content = project.random.choice(["", "[]", "{", '{"format": 1}', "null"])
    for path in project.build_files(project.random.choice(_RECORDS)):
        path.write_text(content)
    project.write_unit(project.any_unit())
    return Effect(ALL)


@_edit("ninja's files and lists of headers deleted", changes=False)
def _(project: EditedProject) -> Effect:
    files = [*project.build_files("*ninja*"), *project.build_files("**/*.d")]
    for path in files:
        path.unlink()
    return Effect()


@_edit("times of all outputs changed", changes=False)
def _(project: EditedProject) -> Effect:
    seconds = project.random.choice([OLD, FUTURE])
    for path in project.build_files("**/*"):
        _set_time(path, seconds)
    return Effect()


# Failures


@_edit("source broken, then fixed", changes=True)
def _(project: EditedProject) -> Effect:
    unit = project.any_unit()
    number = project.random.randrange(SHARED)
    _edit_header(project, number)
    project.write_unit(unit, first="#error broken\n")
    return Effect(project.sharing(number) | {unit}, fix=lambda: project.write_unit(unit))


@_edit("header missing, then restored with an old time", changes=True)
def _(project: EditedProject) -> Effect:
    path = project.root / "include/second/inner.h"
    (project.root / "include/first/inner.h").unlink(missing_ok=True)
    path.unlink()

    def fix() -> None:
        _set_time(project.write_header("include/second/inner.h", "INNER"))

    return Effect(project.units_of(11), fix=fix)


@_edit("link broken, then fixed", changes=None)
def _(project: EditedProject) -> Effect:
    text = (project.root / "link.rsp").read_text()
    project.write("link.rsp", "-Wl,--no-such-option\n")

    def fix() -> None:
        _set_time(project.write("link.rsp", text))

    return Effect(fix=fix)
