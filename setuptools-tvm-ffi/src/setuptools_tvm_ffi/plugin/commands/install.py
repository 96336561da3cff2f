# SPDX-License-Identifier: Apache-2.0
"""``install``: works as a part of other commands, and rejects ``setup.py install``."""

from __future__ import annotations

from setuptools.command.install import install

from ...base.errors import BuildError


class InstallMixin(install):
    """Rejects ``setup.py install``, because that command writes no ``RECORD``.

    ``load_lib_module`` reads the path of the library from ``RECORD``, so importing the package
    would fail. Commands that build wheels also run ``install``. For such a wheel, the installer
    writes ``RECORD``.
    """

    def run(self) -> None:
        """Install the files if another command needs them."""
        if "install" in self.distribution.commands:
            raise BuildError(
                "'setup.py install' writes no RECORD, but the package needs RECORD to find its "
                "library",
                hint="run 'python -m pip install .' instead; to package the project for a Linux "
                "distribution, run "
                "'python -m pip install --no-deps --no-build-isolation --root=DIR .'",
            )
        super().run()
