# SPDX-License-Identifier: Apache-2.0
"""What a wheel records about its build: the build record, the SBOM and the platform tag."""
