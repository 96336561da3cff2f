# SPDX-License-Identifier: Apache-2.0
"""The run-time requirement on apache-tvm-ffi in a distribution's metadata."""

from __future__ import annotations

import logging
import os
from typing import Any

from packaging.version import Version

from ...base.errors import PREFIX, ConfigurationError
from ...cross.targets import target_of
from ...ffi.releases import (
    BUILD_REQUIREMENT,
    DISTRIBUTION,
    is_required_by,
    is_untagged,
    parse_floor,
    requirement_for,
    requirement_problem,
)
from ...ffi.sdk import installed_version
from ...settings import Project
from ..context import project_of
from ..target_markers import target_markers

logger = logging.getLogger(__name__)


def abi_floor(project: Project, built_against: Version) -> Version:
    """Return the oldest apache-tvm-ffi release that the project's wheels accept."""
    declared = project.settings.abi_floor
    if declared is None:
        return built_against
    return parse_floor(declared, where=project.place("abi_floor"), built_against=built_against)


def declare_requirement(distribution: Any, *, warn: bool) -> None:  # noqa: ANN401
    """Add the requirement on apache-tvm-ffi to dynamic dependencies, or check static dependencies.

    If apache-tvm-ffi is not installed, do nothing. In that case, the frontend only queries build
    requirements or makes an sdist.

    :param distribution: a setuptools distribution. It has the type ``Any`` because type checkers do
        not know ``install_requires``.
    :param warn: whether to report problems: static dependencies that lack a suitable requirement,
        and an unknown ABI floor.
    :raises ConfigurationError: static dependencies lack the requirement, and `warn` is true.
    """
    built_against = installed_version()
    if built_against is None:
        return
    project = project_of(distribution)
    floor = abi_floor(project, built_against)
    if warn and is_untagged(floor):
        logger.warning(
            "%s: warning: apache-tvm-ffi %s was built from a clone without tags, so its release is "
            "unknown, and this project's wheel will require no minimum release: set abi-floor in "
            "[tool.setuptools-tvm-ffi], or fetch the tags and reinstall apache-tvm-ffi",
            PREFIX,
            built_against,
        )
    requirement = requirement_for(floor)
    # Omit the placeholder that `declare_placeholder` may have added.
    dependencies = [d for d in distribution.install_requires or () if d != BUILD_REQUIREMENT]
    if requirement in dependencies:
        return
    target = target_of(project)
    markers = {} if target is None else target_markers(target, "", os.environ)
    is_required = is_required_by(dependencies, markers)
    if project.dynamic_dependencies and not is_required:
        _set_dependencies(distribution, [*dependencies, requirement])
    elif warn:
        if not is_required:
            raise ConfigurationError(
                f"pyproject.toml: project.dependencies: {DISTRIBUTION} is missing for the "
                "platform of the wheel, and the package needs it to load its library",
                hint=f'add "{requirement}" to the list project.dependencies'
                if dependencies
                else f'write dependencies = ["{requirement}"]; or, instead of dependencies, write '
                'dynamic = ["dependencies"], so that the plugin adds the requirement',
            )
        problem = requirement_problem(dependencies, floor)
        if problem is not None:
            logger.warning("%s: warning: %s", PREFIX, problem)


def declare_placeholder(distribution: Any) -> None:  # noqa: ANN401
    """Add a placeholder for the wheel's requirement on apache-tvm-ffi to dynamic dependencies.

    Without any requirement, the metadata of an sdist would promise that wheels built from the sdist
    require nothing (https://peps.python.org/pep-0643/). With at least one requirement, setuptools
    marks the field `Requires-Dist` as dynamic. The placeholder has the text of the build
    requirement on apache-tvm-ffi.
    """
    dependencies = list(distribution.install_requires or ())
    if project_of(distribution).dynamic_dependencies and not is_required_by(dependencies):
        _set_dependencies(distribution, [*dependencies, BUILD_REQUIREMENT])


def _set_dependencies(distribution: Any, dependencies: list[str]) -> None:  # noqa: ANN401
    distribution.install_requires = dependencies
    # When setuptools read the configuration, it copied `install_requires`. It writes METADATA from
    # this copy, so change the copy, too.
    distribution.metadata.install_requires = dependencies
