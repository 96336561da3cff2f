# SPDX-License-Identifier: Apache-2.0
"""Shared libraries as files: read ELF, Mach-O and PE, and derive platform tags."""

#: Packages that read libraries and define platform tags. An isolated build requires them if
#: `platform-tag` is not `default`. auditwheel's tables are private, so the next major release may
#: change them (6.8.2 works).
BUILD_REQUIREMENTS = ("auditwheel>=6.4,<7", "lief>=0.17")
