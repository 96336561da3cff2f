# SPDX-License-Identifier: Apache-2.0
"""The files of new projects, and the workflow that publishes wheels."""
