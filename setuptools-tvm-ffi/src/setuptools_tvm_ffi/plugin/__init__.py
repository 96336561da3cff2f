# SPDX-License-Identifier: Apache-2.0
"""The setuptools plugin: extensions, commands, and how they are attached to a distribution."""
