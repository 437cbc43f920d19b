"""Files and folders as they are found in the wild: what can be read is read, the rest is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.digests import parse
from bot.services.ingest import files
from bot.services.ingest.results import IngestProblem


def names(*paths: Path | str) -> list[str]:
    return [
        found.location if isinstance(found, IngestProblem) else found.name
        for found in files.read_files(map(str, paths))
    ]


def reason(path: Path | str) -> str:
    [found] = files.read_files([str(path)])
    assert isinstance(found, IngestProblem)
    assert found.location == str(path)
    return found.message


def test_a_folder_gives_its_texts_at_any_depth_in_order(tmp_path: Path) -> None:
    for name in ("b.md", "a.txt", "c.png", "2024/02/01.md", "2024/01/31.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    expected = ["2024/01/31.md", "2024/02/01.md", "a.txt", "b.md"]
    assert names(tmp_path) == [f"{tmp_path}/{name}" for name in expected]
    assert names(f"{tmp_path}/") == [f"{tmp_path}/{name}" for name in expected]


def test_names_are_those_that_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.md").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert names("d", "./d", "d/a.md", ".") == ["d/a.md", "./d/a.md", "d/a.md", "./d/a.md"]


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("text")
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00\xd8bad")
    found = list(files.read_files([str(tmp_path), "nowhere"]))
    assert [type(one) for one in found] == [IngestProblem, files.TextFile, IngestProblem]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary"), ("값".encode("euc-kr"), "not valid UTF-8")],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(data)
    assert words in reason(path)


def test_a_monster_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    with path.open("wb") as file:
        file.truncate(parse.MAX_BYTES + 18 * 2**20)
    assert reason(path) == "it has 50 MB; a digest file may have at most 32 MB"


def test_a_path_that_leads_to_no_text_says_why(tmp_path: Path) -> None:
    assert "no such" in reason(tmp_path / "missing.md")
    assert "no .md or .txt" in reason(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    assert "no regular file" in reason(tmp_path / "pipe.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    path.chmod(0)
    assert "permission denied" in reason(path)
