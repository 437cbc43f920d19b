"""`paperround config`."""

from __future__ import annotations

from pathlib import Path

from tests.support.shell_fixtures import Paperround, apply_set_up


def test_an_exported_set_up_can_be_edited_and_applied(paperround: Paperround, tmp_path: Path) -> None:
    assert apply_set_up(paperround).exit_status == 0
    assert paperround("config", "export", "set-up.toml").exit_status == 0
    file = tmp_path / "set-up.toml"
    assert file.read_text(encoding="utf-8") == paperround("config", "export").stdout
    assert "0 to change" in paperround("config", "apply", "set-up.toml").stdout
    # With the line ends of Windows.
    file.write_bytes(file.read_bytes().replace(b"top = 3", b"top = 4").replace(b"\n", b"\r\n"))
    asked = paperround("config", "apply", "set-up.toml")
    assert (asked.exit_status, "--yes" in asked.stderr, "top 3 → 4" in asked.stdout) == (2, True, True)
    assert "top = 3" in paperround("config", "export").stdout
    assert paperround("config", "apply", "set-up.toml", "--yes", "--json").data["applied"] is True
    assert "top = 4" in paperround("config", "export").stdout
    assert paperround("config", "apply", "nothing.toml").exit_status == 2
