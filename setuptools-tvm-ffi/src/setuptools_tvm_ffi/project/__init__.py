# SPDX-License-Identifier: Apache-2.0
"""Finds what a project contains on disk: sources, packages, and the time of the last commit."""
