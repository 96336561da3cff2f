# SPDX-License-Identifier: Apache-2.0
"""Diagnoses the tools and packages of this machine without importing them.

The modules in this folder import only the standard library and modules of the plugin. These modules
of the plugin import only the standard library, too. `observation` collects facts. `checks` and
`remedies` are pure functions of these facts.
"""
