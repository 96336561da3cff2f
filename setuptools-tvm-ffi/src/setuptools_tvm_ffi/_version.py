# SPDX-License-Identifier: Apache-2.0
"""The version of the plugin and the address of its repository, declared only here."""

__version__ = "0.1.0"

#: The address of the repository, such as "https://github.com/OWNER/NAME". If it is empty, the
#: package has no project URLs, and the output of ``--help`` has no link.
REPOSITORY = ""
