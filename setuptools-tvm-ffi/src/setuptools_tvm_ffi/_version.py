# SPDX-License-Identifier: Apache-2.0
"""The version of the plugin and the address of its repository, declared only here."""

__version__ = "0.1.0"

#: For example, "https://github.com/OWNER/NAME". If the value is empty, the package has no project
#: URLs and the help has no link.
REPOSITORY = ""
