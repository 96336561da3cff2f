# SPDX-License-Identifier: Apache-2.0
"""The build of libraries: the plan, ninja and its jobs, and the checks of the result."""
