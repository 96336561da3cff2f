# SPDX-License-Identifier: Apache-2.0
"""The project on disk: its sources, its packages, its paths in a wheel and its source date."""
