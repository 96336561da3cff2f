# SPDX-License-Identifier: Apache-2.0
"""What a wheel requires of apache-tvm-ffi at run time, put into a distribution's metadata."""

from __future__ import annotations

import logging
from typing import Any

from packaging.version import Version

from ...base.errors import PREFIX
from ...ffi.releases import (
    BUILD_REQUIREMENT,
    is_required_by,
    parse_floor,
    requirement_for,
    requirement_problem,
)
from ...ffi.sdk import installed_version
from ...settings import Project
from ..context import project_of

logger = logging.getLogger(__name__)


def abi_floor(project: Project, built_against: Version) -> Version:
    """Return the oldest release that the project's wheels declare to work with."""
    declared = project.settings.abi_floor
    if declared is None:
        return built_against
    return parse_floor(declared, where=project.place("abi_floor"), built_against=built_against)


def declare_requirement(distribution: Any, *, warn: bool) -> None:  # noqa: ANN401
    """Add the requirement where dependencies are dynamic and do not name it; look at it elsewhere.

    Without apache-tvm-ffi in the environment nothing is built and nothing is declared: such a
    process asks for build requirements or makes an sdist.

    :param distribution: setuptools' own; its ``install_requires`` is known to no type checker.
    :param warn: say what is wrong with a requirement of the project's own.
    """
    built_against = installed_version()
    if built_against is None:
        return
    project = project_of(distribution)
    floor = abi_floor(project, built_against)
    requirement = requirement_for(floor)
    # What an sdist's metadata gets, see below, says less.
    dependencies = [d for d in distribution.install_requires or () if d != BUILD_REQUIREMENT]
    if requirement in dependencies:
        return
    if project.dynamic_dependencies and not is_required_by(dependencies):
        _set_dependencies(distribution, [*dependencies, requirement])
    elif warn:
        problem = requirement_problem(dependencies, floor)
        if problem is not None:
            logger.warning("%s: warning: %s", PREFIX, problem)


def declare_that_there_is_one(distribution: Any) -> None:  # noqa: ANN401
    """Put some requirement into metadata that is made without a build, as for an sdist.

    With none, the metadata would promise that a wheel made from it requires nothing
    (https://peps.python.org/pep-0643/); with one, setuptools calls the field dynamic.
    """
    dependencies = list(distribution.install_requires or ())
    if project_of(distribution).dynamic_dependencies and not is_required_by(dependencies):
        _set_dependencies(distribution, [*dependencies, BUILD_REQUIREMENT])


def _set_dependencies(distribution: Any, dependencies: list[str]) -> None:  # noqa: ANN401
    distribution.install_requires = dependencies
    # Set from the former while the configuration was read, and what METADATA is made from.
    distribution.metadata.install_requires = dependencies
