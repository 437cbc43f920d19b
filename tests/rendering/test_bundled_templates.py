"""The templates report a checkout whose link to the bundled templates is a plain file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core import errors
from bot.rendering import templates


def test_a_checkout_without_symbolic_links_is_refused_with_the_remedy(tmp_path: Path) -> None:
    link = tmp_path / "templates"
    link.write_text("../templates")
    with pytest.raises(errors.UsageError, match=r"templates is no folder.*core\.symlinks"):
        templates.check_bundled_templates(link)


def test_a_folder_of_templates_is_accepted(tmp_path: Path) -> None:
    templates.check_bundled_templates(tmp_path)
