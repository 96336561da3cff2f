# SPDX-License-Identifier: Apache-2.0
"""The project on disk: sources, packages, paths in the wheel, and source date."""
