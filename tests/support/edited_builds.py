# SPDX-License-Identifier: Apache-2.0
"""Builds of a project under random edits, each compared with a build of a fresh copy."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from environments import Environment
from random_edits import ALL, EDITS, RESET, Edit, EditedProject, Effect

_BUILD = "from setuptools_tvm_ffi.build_meta import {hook} as build; build({folder!r})"
_IMPORT = "import edited_pkg"


@dataclass
class EditedBuilds:
    """The wheels and the editable install of one project.

    :param builder: the environment with the plugin.
    :param importer: the environment with the editable install.
    :param folder: the folder for wheels, logs and the copy of the project.
    :param extra: environment variables that must not change the wheels, such as the variables of a
        compiler cache.
    """

    project: EditedProject
    builder: Environment
    importer: Environment
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    wheel: bytes = b""
    steps: int = 0

    def start(self) -> None:
        """Build for the first time, and install."""
        clean = self.start_clean()
        self.build()
        self.wheel = self.clean_wheel(clean)
        assert self.built_wheel() == self.wheel, self.explain()
        self.install()

    def step(
        self, edit: Edit, choice: random.Random, first: Callable[[], None] | None = None
    ) -> bool:
        """Edit, build, import and compare; return whether the edit was possible.

        :param first: a function to call after the edit and before the builds.
        """
        before = self.wheel
        usual = self.project.installed_variables
        comparable = self.project.variables == usual
        batches = self.project.compiled_together()
        effect = edit.apply(self.project)
        if effect is None:
            return False
        effect = replace(effect, units=self.project.affected(effect.units, batches))
        self.history.append(edit.name)
        self.steps += 1
        self.calls.unlink(missing_ok=True)
        if effect.fix is not None:
            self._fails()
            effect.fix()
        if first is not None:
            first()
        comparable = comparable and self.project.variables == usual
        clean = self.start_clean()
        if effect.reinstall:
            self.install()
            self.build()
        elif choice.random() < 1 / 2:  # The import and the build must both detect the change.
            self.import_it()
            self.build()
        else:
            self.build()
            self.import_it()
        self.wheel = self.clean_wheel(clean)
        assert self.built_wheel() == self.wheel, self.explain()
        if edit.changes is not None:
            assert (self.wheel != before) == edit.changes, self.history
        if comparable:
            self._check_calls(effect, once=first is None and effect.fix is None)
        if self.project.variables == usual:
            library = self._library(self.folder / "clean")
        else:
            self.clean_wheel(self.start_clean(usual))
            library = self._library(self.folder / "clean")
        assert self._installed_library() == library, f"import: {self.history}"
        return True

    def start_clean(self, variables: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a build of a copy; it has neither a build folder nor a compiler cache."""
        self.project.copy(self.folder / "copy")
        shutil.rmtree(self.folder / "clean", ignore_errors=True)
        return subprocess.Popen(
            self._command("build_wheel", self.folder / "clean"),
            cwd=self.folder / "copy",
            env={
                **self.builder.variables,
                **(variables or self.project.variables),
                "CCACHE_DISABLE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def clean_wheel(self, clean: subprocess.Popen[str]) -> bytes:
        printed, _ = clean.communicate()
        assert clean.returncode == 0, printed
        return _wheel_in(self.folder / "clean").read_bytes()

    def build(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Build the wheel incrementally."""
        process = self.builder.run(
            *self._command("build_wheel", self.folder / "built"),
            cwd=self.project.root,
            variables=self.variables(self.project.variables),
            check=False,
        )
        assert not check or process.returncode == 0, (
            f"{self.history}\n{process.stdout}{process.stderr}"
        )
        return process

    def start_build(self, folder: Path) -> subprocess.Popen[str]:
        """Start an incremental build that writes its wheel to a separate folder."""
        return subprocess.Popen(
            self._command("build_wheel", folder),
            cwd=self.project.root,
            env={**self.builder.variables, **self.variables(self.project.variables)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def built_wheel(self) -> bytes:
        return _wheel_in(self.folder / "built").read_bytes()

    def import_it(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Import the package of the editable install, which rebuilds its library."""
        process = self.importer.run(
            *(self.importer.python, "-c", _IMPORT),
            cwd=self.folder,
            variables=self.variables(self.project.installed_variables),
            check=False,
        )
        assert not check or process.returncode == 0, f"{self.history}\n{process.stderr}"
        return process

    def install(self) -> None:
        """Install the project in editable mode, without pip."""
        site = self.importer.site_packages
        for path in site.glob("*edited*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self.folder / "editable", ignore_errors=True)
        self.builder.run(
            *self._command("build_editable", self.folder / "editable"),
            cwd=self.project.root,
            variables=self.variables(self.project.installed_variables),
        )
        with zipfile.ZipFile(_wheel_in(self.folder / "editable")) as archive:
            archive.extractall(site)

    @property
    def calls(self) -> Path:
        """The sources of all calls of the compiler."""
        return self.folder / "calls"

    def compiled(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def explain(self) -> str:
        """Say which edits led to which different files in the wheel."""
        built, clean = (
            {name: archive.read(name) for name in archive.namelist()}
            for archive in map(
                zipfile.ZipFile, (_wheel_in(self.folder / name) for name in ("built", "clean"))
            )
        )
        different = [n for n in {**built, **clean} if built.get(n) != clean.get(n)]
        return f"after {self.history}: {sorted(different) or 'only the archive'} differ"

    def variables(self, variables: dict[str, str]) -> dict[str, str]:
        """Return the variables of an incremental build, in addition to the environment's."""
        return {**variables, **self.extra, "EDITS_CALLS": str(self.calls)}

    def _command(self, hook: str, folder: Path) -> list[str]:
        folder.mkdir(exist_ok=True)
        program = _BUILD.format(hook=hook, folder=str(folder))
        return [self.builder.python, "-I", "-c", program]

    def _fails(self) -> None:
        """Build and import a broken project. Neither may change the wheel or the library."""
        wheel, library = self.built_wheel(), self._installed_library()
        assert self.build(check=False).returncode != 0, self.history
        assert self.built_wheel() == wheel, self.history
        process = self.import_it(check=False)
        assert process.returncode == 1, self.history
        assert "ImportError: cannot rebuild the libraries" in process.stderr, process.stderr
        assert self._installed_library() == library, self.history

    def _check_calls(self, effect: Effect, *, once: bool) -> None:
        compiled = self.compiled()
        if effect.units == ALL:
            return
        units = effect.units | self.project.timestamped()
        assert set(compiled) <= units, f"{self.history}: compiled {compiled}"
        # The import does not compile again what the build has compiled, and the build does not
        # compile again what the import has compiled. A compiler cache calls the compiler twice, to
        # preprocess and to compile.
        launched = "SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER" in self.project.variables
        if once and not launched and not self.project.timestamped():
            assert len(compiled) <= len(units), f"{self.history}: compiled {compiled}"

    def _installed_library(self) -> bytes:
        (library,) = self.importer.site_packages.glob("*.libs/*.so")
        return library.read_bytes()

    def _library(self, folder: Path) -> bytes:
        with zipfile.ZipFile(_wheel_in(folder)) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(".so"))
            return archive.read(name)


def _wheel_in(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def run_steps(builds: EditedBuilds, steps: int, seed: int, edits: Sequence[Edit] = EDITS) -> None:
    """Apply random edits until `steps` of them were possible. Use each kind once, then repeat."""
    choice = random.Random(seed)
    waiting: list[Edit] = []
    builds.start()
    while builds.steps < steps:
        if not waiting:
            waiting = list(edits)
            choice.shuffle(waiting)
        edit = waiting.pop()
        if builds.project.variables != builds.project.installed_variables:
            # Until RESET is chosen, the build and the import compile everything in turn.
            edit = choice.choice([edit, RESET])
        builds.step(edit, choice)


def linked_to(environment: Environment, other: Environment) -> Environment:
    """Let an environment import the packages that are installed in another environment."""
    path = environment.site_packages / "other.pth"
    path.write_text(f"{other.site_packages}{os.linesep}")
    return environment
