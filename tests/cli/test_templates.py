"""`paperround templates`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell_fixtures import Paperround


def test_without_a_folder_all_templates_are_in_order(paperround: Paperround) -> None:
    answer = paperround("templates", "check")
    assert (answer.exit_status, answer.stderr) == (0, "")
    assert "PAPERROUND_TEMPLATES" in answer.stdout


def test_problems_are_named_by_file_and_line(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "wording"
    monkeypatch.setenv("PAPERROUND_TEMPLATES", str(folder))
    missing = paperround("templates", "check")
    assert missing.exit_status == 2
    assert "not a folder" in missing.stderr
    folder.mkdir()
    (folder / "daily.en.j2").write_text("{% block headline %}Today{% endblock %}")
    assert paperround("templates", "check").exit_status == 0
    (folder / "notice.ko.j2").write_text("\n{% block text %}{{ kind }{% endblock %}")
    broken = paperround("templates", "check")
    assert (broken.exit_status, broken.stdout) == (1, "")
    assert f"paperround: {folder / 'notice.ko.j2'}, line 2: " in broken.stderr
    (problem,) = paperround("templates", "check", "--json").data
    assert (problem["file"], problem["line"]) == (str(folder / "notice.ko.j2"), 2)
