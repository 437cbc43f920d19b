"""The folder source: new and changed files, and nothing outside the folder."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sources import folder
from storage.models import FetchStatus, Skipped, SkipReason
from tests.support import source_payloads
from tests.support.source_fixtures import fetch_results, fetch_statuses, merge_page_states


def write(root: Path, **texts: str) -> folder.FolderSource:
    """Write a Markdown file for each name and text, and return a source for their folder."""
    for name, text in texts.items():
        (root / f"{name}.md").write_text(text, encoding="utf-8")
    return folder.FolderSource(root)


README = "# What this is\n"


async def test_reads_only_new_and_changed_files(tmp_path: Path) -> None:
    (tmp_path / "2025").mkdir()
    write(tmp_path / "2025", a=source_payloads.newsletter())
    (tmp_path / "b.txt").write_text(source_payloads.review(), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    source = folder.FolderSource(tmp_path)
    first = await fetch_results(source)
    assert [(result.location, len(result.digests)) for result in first] == [("2025/a.md", 1), ("b.txt", 1)]
    pages = merge_page_states(first)
    assert await fetch_statuses(source, pages) == [FetchStatus.UNCHANGED]
    (tmp_path / "b.txt").write_text(source_payloads.review(ids=["2505.00009"]), encoding="utf-8")
    os.utime(tmp_path / "b.txt", ns=(1, 1))
    assert [result.location for result in await fetch_results(source, pages)] == ["b.txt"]


async def test_only_an_undecodable_file_fails(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes("## Daily Papers 논문".encode()[:-1] + b"\x80\xff")
    source = write(tmp_path, README=README, z=source_payloads.newsletter())
    readme, broken, fine, folder_result = await fetch_results(source)
    assert (readme.status, readme.reason) == (FetchStatus.UNCHANGED, "README.md: there is no digest in it")
    assert broken.status is FetchStatus.FAILED
    assert broken.reason.startswith("a.md: it is not UTF-8, and no other charset is certain")
    assert len(fine.digests) == 1
    reason = "1 of 2 files not read, all without IDs or DOIs: README.md"
    assert (folder_result.status, folder_result.reason) == (FetchStatus.OK, reason)


def prose(name: str) -> str:
    ids = ", ".join(f"arXiv:2505.0000{number}" for number in range(1, 5))
    return f"# On {name}\n\nWe build on what others did before us, in {ids}, and leave the rest to them.\n"


async def test_every_poll_reports_three_unread_files_by_name(tmp_path: Path) -> None:
    texts = {name: prose(name) for name in "bcde"}
    source = write(tmp_path, README=README, z=source_payloads.newsletter(), **texts)
    first = await fetch_results(source)
    counted = "5 of 6 files not read, 4 of them with IDs or DOIs: b.md, c.md, d.md …"
    why = (
        "b.md: there is no digest in it: it has 4 arXiv links, but only 0 in links or cells: it is not a list"
    )
    assert (first[-1].status, first[-1].reason) == (FetchStatus.OK, f"{counted}; {why}")
    again = await fetch_results(source, merge_page_states(first))
    assert [(result.status, result.reason) for result in again] == [(FetchStatus.UNCHANGED, counted)]
    (tmp_path / "b.md").unlink()
    [fewer] = await fetch_results(source, merge_page_states(first))
    assert fewer.reason.startswith("4 of 5 files not read, 3 of them with IDs or DOIs: c.md, d.md, e.md …")


async def test_folder_without_digests_fails_only_if_files_mention_papers(tmp_path: Path) -> None:
    assert (await fetch_results(write(tmp_path, README=README)))[-1].status is FetchStatus.UNCHANGED
    results = await fetch_results(write(tmp_path, a=prose("a")))
    assert results[-1].status is FetchStatus.FAILED
    assert "it has 4 arXiv links, but only 0 in links or cells: it is not a list" in results[-1].reason


async def test_does_not_read_symlinks_pipes_and_hidden_folders(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    for folder_path in (tmp_path, root / ".git"):
        write(folder_path, secret=source_payloads.newsletter())
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    (root / "up").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(root / "pipe.md")
    assert await fetch_statuses(folder.FolderSource(root)) == [FetchStatus.UNCHANGED]


async def test_an_emptied_folder_is_probably_not_mounted(tmp_path: Path) -> None:
    texts = {name: source_payloads.newsletter() for name in "abcdef"}
    pages = merge_page_states(await fetch_results(write(tmp_path, **texts)))
    for name in texts:
        (tmp_path / f"{name}.md").unlink()
    [result] = await fetch_results(folder.FolderSource(tmp_path), pages)
    reason = "the folder cannot be read: none of its 6 files is there any more. Is it mounted?"
    assert (result.status, result.reason, result.page_states) == (FetchStatus.FAILED, reason, ())


COPIES = (
    "2026-11-27 (conflicted copy 2026-11-28).md",
    "2026-11-27 (Ann's conflicted copy 2026-11-28).md",
    "2026-11-27 (Ann의 충돌된 사본 2026-11-28).md",
    "2026-11-27.sync-conflict-20261128-101500-ABCDEFG.md",
    "2026-11-27 (1).md",
    "2026-11-27(2).md",
    "2026-11-27 - Copy.md",
    "2026-11-27 - 복사본 (3).md",
)


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("has_original", [True, False])
async def test_a_copy_is_left_out_beside_its_original_and_else_read_with_its_day(
    tmp_path: Path, name: str, *, has_original: bool
) -> None:
    texts = {name: "1 2 4"} | ({"2026-11-27.md": "1 2 3"} if has_original else {})
    for path, numbers in texts.items():
        lines = (f"- [Herons of the Lake {n}](https://arxiv.org/abs/2611.1000{n})\n" for n in numbers.split())
        (tmp_path / path).write_text("".join(lines))
    results = await fetch_results(folder.FolderSource(tmp_path), now=datetime(2026, 11, 29, tzinfo=UTC))
    read = {
        (str(digest.date), digest.entries[-1].paper_key, digest.is_rolling)
        for result in results
        for digest in result.digests
    }
    assert read == {("2026-11-27", "2611.10003" if has_original else "2611.10004", False)}
    skipped = [row for result in results if result.reading for row in result.reading.skipped]
    assert skipped == ([Skipped(SkipReason.REPEATED, 1, (name,))] if has_original else [])


async def test_other_files_of_alike_names_are_no_copies(tmp_path: Path) -> None:
    names = "2026-11-27", "2026-11-27 (draft)", "2026-11-27 (Ann, 2025)", "2026-11-27 copy editing", "(1)"
    for name in names:
        (tmp_path / f"{name}.md").write_text("# 2026-11-26\n- https://arxiv.org/abs/2611.10001\n")
    results = await fetch_results(folder.FolderSource(tmp_path))
    assert {result.location for result in results if result.digests} == {f"{name}.md" for name in names}


async def test_files_that_an_older_version_read_without_an_account_are_in_the_account(tmp_path: Path) -> None:
    source = write(tmp_path, a=source_payloads.newsletter(), README=README)
    pages = merge_page_states(await fetch_results(source))
    former = {place: replace(state, reading=None) for place, state in pages.items()}
    counted = [result.reading for result in await fetch_results(source, former) if result.reading]
    assert [sum(of.kept for of in counted), sum(of.skipped_count for of in counted)] == [2, 1]
