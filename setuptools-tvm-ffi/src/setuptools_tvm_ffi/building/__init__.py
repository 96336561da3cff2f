# SPDX-License-Identifier: Apache-2.0
"""Builds libraries: makes the plan, runs ninja, and checks the libraries."""
