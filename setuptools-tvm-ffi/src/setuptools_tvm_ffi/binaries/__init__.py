# SPDX-License-Identifier: Apache-2.0
"""Shared libraries as files: read ELF, Mach-O and PE, and derive platform tags."""

#: Requirements that read libraries and define what platform tags promise. An isolated build
#: requests them if the setting is not the default. auditwheel's tables are private, so the next
#: major release may change them (6.8.2 works).
BUILD_REQUIREMENTS = ("auditwheel>=6.4,<7", "lief>=0.17")
