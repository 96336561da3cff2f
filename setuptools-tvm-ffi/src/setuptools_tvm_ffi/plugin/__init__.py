# SPDX-License-Identifier: Apache-2.0
"""The setuptools plugin: extensions, commands, PEP 517 hooks and the entry point."""
