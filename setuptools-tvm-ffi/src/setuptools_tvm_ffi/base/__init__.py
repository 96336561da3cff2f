# SPDX-License-Identifier: Apache-2.0
"""Errors, files, child processes, locks and the user cache, for all other packages."""
