# SPDX-License-Identifier: Apache-2.0
"""Opens, checks and compresses wheels, and packs sdists."""
