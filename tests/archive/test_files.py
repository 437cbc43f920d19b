"""Readable files are read; unreadable ones are named with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.archive import ingest, parse
from storage import models


def read_names(*paths: Path | str) -> list[str]:
    return [
        file.location if isinstance(file, models.LocatedProblem) else file.name
        for file in map(ingest.read_found, ingest.find_files(map(str, paths)))
    ]


def read_problem(path: Path | str) -> str:
    [problem] = map(ingest.read_found, ingest.find_files([str(path)]))
    assert isinstance(problem, models.LocatedProblem)
    assert problem.location == str(path)
    return problem.message


def test_a_folder_is_read_at_any_depth_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.md", "a.txt", "c.png", "2024/02/01.md", "2024/01/31.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    expected = ["2024/01/31.md", "2024/02/01.md", "a.txt", "b.md"]
    assert read_names(tmp_path) == [f"{tmp_path}/{name}" for name in expected]
    assert read_names(f"{tmp_path}/") == [f"{tmp_path}/{name}" for name in expected]


def test_file_names_start_with_the_given_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.md").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert read_names("d", "./d", "d/a.md", ".") == ["d/a.md", "./d/a.md", "d/a.md", "./d/a.md"]


def test_unreadable_files_are_problems_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("text")
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00\xd8bad")
    results = list(map(ingest.read_found, ingest.find_files([str(tmp_path), "nowhere"])))
    assert [type(result) for result in results] == [
        models.LocatedProblem,
        ingest.TextFile,
        models.LocatedProblem,
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary"), ("값".encode("euc-kr"), "not valid UTF-8")],
)
def test_binary_files_and_other_encodings_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(data)
    assert message in read_problem(path)


def test_a_file_above_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    with path.open("wb") as file:
        file.truncate(parse.MAX_BYTES + 30 * 2**20)
    assert read_problem(path) == "it has 50 MB; a digest file may have at most 20 MB"


def test_missing_empty_and_special_paths_are_named_with_the_reason(tmp_path: Path) -> None:
    assert "no such" in read_problem(tmp_path / "missing.md")
    assert "no .md or .txt" in read_problem(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    assert "no regular file" in read_problem(tmp_path / "pipe.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("x")
    path.chmod(0)
    assert "permission denied" in read_problem(path)
