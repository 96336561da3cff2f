# SPDX-License-Identifier: Apache-2.0
"""`ZigHost`, which builds for another platform with Zig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..building.request import BuildRequest, BuiltLibrary
from ..ffi.process import TVMFFIProcess
from ..ffi.sdk import TVMFFISdk
from ..toolchains import Toolchain, zig
from .built_libraries import check_libraries
from .target_sdk import prepare_target_sdk
from .targets import Target
from .zig_process import check_project, find_zig_toolchain


@dataclass(frozen=True)
class ZigHost:
    """Finds the tools for one target, and checks the libraries that were built for the target."""

    target: Target

    def tools(
        self,
        request: BuildRequest,
        languages: frozenset[str],
        process: TVMFFIProcess,  # noqa: ARG002 - loads only libraries for this machine
    ) -> tuple[Toolchain, TVMFFISdk]:
        """Find Zig. Download the apache-tvm-ffi of the target into the build folder.

        :raises ConfigurationError: Zig does not support a setting or language.
        """
        root, folder, target = request.root, Path(request.folder), self.target
        for settings in request.extensions:
            zig.check_settings(settings, target.system)
        check_project(target, languages, request.project)
        sdk = prepare_target_sdk(root, folder / "apache-tvm-ffi", target)
        toolchain = find_zig_toolchain(
            target, languages, root, folder, request.project, request.extensions
        )
        return toolchain, sdk

    def check(
        self,
        libraries: Sequence[BuiltLibrary],
        new: Sequence[BuiltLibrary],  # noqa: ARG002 - all libraries are checked together
        request: BuildRequest,  # noqa: ARG002 - unused
        toolchain: Toolchain,  # noqa: ARG002 - unused
    ) -> dict[str, str]:
        """Reject libraries that do not satisfy the platform tag of the target."""
        contents = {library.plan.library: library.content for library in libraries}
        return check_libraries(contents, self.target)
