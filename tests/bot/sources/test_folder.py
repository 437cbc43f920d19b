"""A folder gives the files that are new or changed, and nothing that leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

from bot.sources import base, folder
from storage import models
from tests.support import source_payloads
from tests.support.source_requests import fetch_results, merge_page_states


def files(root: Path) -> folder.FolderSource:
    return folder.FolderSource(root)


async def test_new_and_changed_files_are_read_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "2025").mkdir()
    (tmp_path / "2025" / "a.md").write_text(source_payloads.newsletter(), encoding="utf-8")
    (tmp_path / "b.txt").write_text(source_payloads.review(), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    first = await fetch_results(files(tmp_path))
    assert [(outcome.location, len(outcome.documents)) for outcome in first] == [
        ("2025/a.md", 1),
        ("b.txt", 1),
    ]
    pages = merge_page_states(first)
    assert [outcome.status for outcome in await fetch_results(files(tmp_path), pages)] == [
        models.FetchStatus.UNCHANGED
    ]
    (tmp_path / "b.txt").write_text(source_payloads.review(ids=["2505.00009"]), encoding="utf-8")
    os.utime(tmp_path / "b.txt", ns=(1, 1))
    assert [outcome.location for outcome in await fetch_results(files(tmp_path), pages)] == ["b.txt"]


async def test_a_file_that_was_only_touched_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(source_payloads.newsletter(), encoding="utf-8")
    pages = merge_page_states(await fetch_results(files(tmp_path)))
    os.utime(tmp_path / "a.md", ns=(5, 5))
    outcomes = await fetch_results(files(tmp_path), pages)
    assert [(outcome.status, outcome.documents) for outcome in outcomes] == [
        (models.FetchStatus.UNCHANGED, ())
    ]
    assert await fetch_results(files(tmp_path), merge_page_states(outcomes)) == [
        base.FetchResult(str(tmp_path), models.FetchStatus.UNCHANGED)
    ]


async def test_a_readme_is_no_fault_and_a_broken_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# What this is\n", encoding="utf-8")
    (tmp_path / "a.md").write_bytes(b"## Daily Papers \xff\xfe\xfd")
    (tmp_path / "z.md").write_text(source_payloads.newsletter(), encoding="utf-8")
    readme, broken, fine = await fetch_results(files(tmp_path))
    assert (readme.status, readme.reason) == (models.FetchStatus.OK, "README.md: there is no digest in it")
    assert broken.status is models.FetchStatus.FAILED
    assert broken.reason.startswith("a.md: it is not valid UTF-8")
    assert len(fine.documents) == 1


async def test_nothing_is_read_outside_of_the_folder_or_in_hidden_ones(tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text(source_payloads.newsletter(), encoding="utf-8")
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "x.md").write_text(source_payloads.newsletter(), encoding="utf-8")
    (root / "link.md").symlink_to(outside)
    (root / "up").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(root / "pipe.md")
    assert [outcome.status for outcome in await fetch_results(files(root))] == [models.FetchStatus.UNCHANGED]


async def test_a_file_beyond_all_measure_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    os.truncate(tmp_path / "a.md", 20_000_001)
    outcome = (await fetch_results(files(tmp_path)))[0]
    assert (outcome.status, outcome.reason) == (
        models.FetchStatus.FAILED,
        "a.md: the file is larger than 20 MB",
    )


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = (await fetch_results(files(tmp_path / "none")))[0]
    assert outcome.status is models.FetchStatus.FAILED
    assert "there is no such folder" in outcome.reason


async def test_a_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.md")).write_text(source_payloads.newsletter(), encoding="utf-8")
    outcome = (await fetch_results(files(tmp_path)))[0]
    assert (outcome.status, outcome.reason) == (
        models.FetchStatus.FAILED,
        "file names that are no text: 1",
    )
