# SPDX-License-Identifier: Apache-2.0
"""Helpers for errors, files, child processes, locks and the user's cache."""
