"""Hatchling's hook: the wheel and the source archive say which commit they were built from, in `bot/commit.txt`.

The commit is that of the checkout, or of the environment variable COMMIT where the build has no `.git`, as in the image.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMAND = ("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")


class CommitHook(BuildHookInterface):
    """Adds the commit, if it is known, to what is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the commit into a temporary file, which the archive includes."""
        # An editable installation asks git, and a source archive has the file already.
        if version == "editable" or Path(self.root, "bot/commit.txt").exists():
            return
        commit = os.environ.get("COMMIT", "")[:12]
        if not commit and Path(self.root, ".git").exists():
            try:
                commit = subprocess.check_output(COMMAND, cwd=self.root, text=True, timeout=10).strip()
            except (OSError, subprocess.SubprocessError):
                return
        if commit:
            self._folder = tempfile.TemporaryDirectory()
            file = Path(self._folder.name, "commit.txt")
            file.write_text(f"{commit}\n", encoding="utf-8")
            build_data["force_include"][str(file)] = "bot/commit.txt"
