# SPDX-License-Identifier: Apache-2.0
"""``install``: the part of other commands; ``setup.py install`` is refused."""

from __future__ import annotations

from setuptools.command.install import install

from ...base.errors import BuildError


class InstallMixin(install):
    """Refuses ``setup.py install``, which writes no ``RECORD``: the import would fail.

    ``load_lib_module`` reads the path of the library from it. Commands that build wheels run
    ``install`` too, and the installer of the wheel writes the file.
    """

    def run(self) -> None:
        """Install the files, for another command."""
        if "install" in self.distribution.commands:
            raise BuildError(
                "'setup.py install' writes no RECORD, without which the package cannot find its "
                "library",
                hint="run 'python -m pip install .' instead; packagers of distributions run "
                "'python -m pip install --no-deps --no-build-isolation --root=DIR .'",
            )
        super().run()
