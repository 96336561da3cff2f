# SPDX-License-Identifier: Apache-2.0
"""Copies of the plugin's sample projects. Tests build, change and break them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from environments import QUICK, REPOSITORY, Environment

PROJECTS = REPOSITORY / "setuptools-tvm-ffi" / "tests" / "projects"


@dataclass(frozen=True)
class Project:
    """A copy of a sample project and the environment that builds it."""

    folder: Path
    environment: Environment

    def build(
        self,
        *,
        check: bool = True,
        config_settings: Mapping[str, str] | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Call the hook ``build_wheel`` like a frontend, and write the wheel to `wheels`."""
        shutil.rmtree(self.wheels, ignore_errors=True)
        self.wheels.mkdir()
        arguments = f"{str(self.wheels)!r}, {config_settings!r}"
        program = f"from {self._backend} import build_wheel; build_wheel({arguments})"
        return self.environment.run(
            *(self.environment.python, "-I", "-c", program),
            cwd=self.folder,
            variables={**QUICK, **variables},
            check=check,
        )

    @property
    def _backend(self) -> str:
        """The build backend in `pyproject.toml`."""
        text = (self.folder / "pyproject.toml").read_text()
        found = re.search(r'^build-backend = "(.*)"$', text, re.MULTILINE)
        assert found is not None
        return found[1]

    @property
    def wheels(self) -> Path:
        return self.folder.parent / "dist"

    @property
    def wheel(self) -> Path:
        (wheel,) = self.wheels.glob("*.whl")
        return wheel

    def names(self) -> set[str]:
        """The names of all files in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def read(self, name: str) -> str:
        """The text of a file in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(name).decode()

    def metadata(self, name: str) -> str:
        """The text of a file in the wheel's ``.dist-info``."""
        (path,) = (n for n in self.names() if n.endswith(f".dist-info/{name}"))
        return self.read(path)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that must occur exactly once in the file."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new))

    def tree(self) -> dict[str, str]:
        """The digests of all files except those that a build writes."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file()
            and not {"build", "__pycache__"} & set(path.relative_to(self.folder).parts)
            and not any(part.endswith(".egg-info") for part in path.parts)
        }

    def mend(self) -> None:
        """Undo every edit, and assert that the project then builds."""
        original = PROJECTS / self.folder.name
        for name in self.tree():
            if not (original / name).exists():
                (self.folder / name).unlink()
        for path in original.rglob("*"):
            if path.is_file():
                # Give the copy a new time: the original is older than the build's outputs.
                shutil.copyfile(path, self.folder / path.relative_to(original))
        self.build()
        assert list(self.wheels.glob("*.whl"))

    def refuse(self, *, config_settings: Mapping[str, str] | None = None, **variables: str) -> str:
        """Build, and return the output. Assert that the build fails cleanly, with an error."""
        before = self.tree()
        process = self.build(check=False, config_settings=config_settings, **variables)
        printed = process.stdout + process.stderr
        assert process.returncode != 0, printed
        assert not list(self.wheels.glob("*.whl"))
        assert "Traceback" not in printed
        assert re.search(
            r"^(setuptools-tvm-ffi: )?error(: | in (.* )?setup command: )", printed, re.MULTILINE
        ), printed
        assert self.tree() == before
        return printed


#: The type of the fixture ``project``, which copies the sample project with a name.
ProjectFactory = Callable[..., Project]
