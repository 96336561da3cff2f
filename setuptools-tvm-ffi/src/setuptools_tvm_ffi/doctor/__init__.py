# SPDX-License-Identifier: Apache-2.0
"""Diagnoses the tools and packages of this machine without importing them.

This subpackage imports the standard library only, and of the plugin only modules that do the same.
`observation` collects facts. `checks` and `remedies` are pure functions of these facts.
"""
