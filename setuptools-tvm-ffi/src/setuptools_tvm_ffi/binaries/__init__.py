# SPDX-License-Identifier: Apache-2.0
"""Reads shared libraries in ELF, Mach-O and PE format, and derives platform tags."""

#: Packages that read libraries and define platform tags. An isolated build requires these packages
#: if `platform-tag` is not `default`. The plugin reads private tables of auditwheel. auditwheel 7
#: may change these tables, and is therefore excluded. auditwheel 6.8.2 works.
BUILD_REQUIREMENTS = ("auditwheel>=6.4,<7", "lief>=0.17")
