"""The static site: pages as files, the links between them, and rebuilds."""

import html
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from bot.features.web import pages, site
from bot.i18n import texts
from storage import errors, models
from tests.support import case_files, sample_archive
from tests.support.shell_fixtures import Paperround
from tests.web.conftest import WebArchive

SITE = pages.Site("https://example.org/lab/papers", models.Locale.EN, is_static=True)


async def build(archive: WebArchive, folder: Path, where: pages.Site = SITE) -> site.Built:
    return await site.SiteBuilder(archive.pages, folder, where).build()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_every_link_leads_to_a_file(archive: WebArchive, tmp_path: Path) -> None:
    built = await build(archive, tmp_path / "site")
    found = files(tmp_path / "site")
    assert built == (len(found) - 1, 0, 0)
    assert {"index.html", "days/2025-01-02.html", "papers/2501.00004.html", "feed.atom", "404.html"} <= found
    assert [name for name in found if re.fullmatch(r"authors/ada-lovelace-[0-9a-f]{8}\.html", name)]
    for name in found - {site.MANIFEST}:
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src|loc)[=>]"?([^"<]+)', text):
            path = unquote(link).removeprefix("https://example.org")
            if not path.startswith("/"):
                continue
            assert path.startswith("/lab/papers/"), (name, link)
            target = path.removeprefix("/lab/papers/").partition("#")[0] or "index.html"
            assert target in found, (name, link)
        assert "?" not in "".join(re.findall(r'href="(/[^"]*)"', text))
        assert ("<script" in text) == name.startswith("papers/"), name


async def test_site_has_a_list_of_days_and_says_it_has_no_search(archive: WebArchive, tmp_path: Path) -> None:
    paper = sample_archive.NewsletterPaper("2501.00900", "Reinforcement Learning for All", "글입니다.")
    await sample_archive.add_digest(archive.services.database, "2025-01-05", paper)
    await build(archive, tmp_path / "site", SITE)
    days = (tmp_path / "site/days.html").read_text(encoding="utf-8")
    assert re.findall(r'"/lab/papers/days/([0-9-]+)\.html"', days)[:2] == ["2025-01-05", "2025-01-04"]
    assert "<form" not in days
    assert html.escape(texts.for_locale(models.Locale.EN)("web-no-search")) in days


async def test_all_spellings_of_an_author_link_to_one_page(archive: WebArchive, tmp_path: Path) -> None:
    spelt = [
        sample_archive.NewsletterPaper(f"2501.0010{number}", f"Paper {number}", "글입니다.", authors=(name,))
        for number, name in enumerate(("Loubna Ben Allal", "Loubna Ben allal", "Loubna Ben Allal"))
    ]
    await sample_archive.add_digest(archive.services.database, "2025-01-05", *spelt)
    await build(archive, tmp_path / "site")
    links = set()
    for paper in spelt:
        text = (tmp_path / f"site/papers/{paper.arxiv_id}.html").read_text(encoding="utf-8")
        links |= set(re.findall('href="/lab/papers/(authors/[^"]*)"', text))
    (link,) = links
    assert "Paper 1" in (tmp_path / "site" / link).read_text(encoding="utf-8")


async def test_rebuilding_writes_only_changed_files(archive: WebArchive, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    first = await build(archive, folder)
    times = {name: os.stat(folder / name).st_mtime_ns for name in files(folder)}
    assert await build(archive, folder) == (0, first.written, 0)
    assert {name: os.stat(folder / name).st_mtime_ns for name in files(folder)} == times
    # A correction changes a title and removes a paper.
    small = sample_archive.make_paper(1, "TinyTalk Two", "새로운 글.", authors=("Jürgen Müller",))
    await sample_archive.add_digest(archive.services.database, "2025-01-02", small)
    again = await build(archive, folder)
    assert times.keys() - files(folder) == {"papers/2501.00002.html"}
    assert again.removed == len(times.keys() - files(folder))
    assert "TinyTalk Two" in (folder / "days/2025-01-02.html").read_text(encoding="utf-8")
    assert os.stat(folder / "papers/2501.00003.html").st_mtime_ns == times["papers/2501.00003.html"]
    # A site in another language or at another URL is a different site.
    korean = await build(archive, folder, pages.Site(SITE.base_url, models.Locale.KO, is_static=True))
    assert korean.unchanged <= 5
    assert '<html lang="ko">' in (folder / "index.html").read_text(encoding="utf-8")


async def test_error_names_a_file_that_blocks_the_folder(archive: WebArchive, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(errors.PaperroundError, match=re.escape(str(tmp_path / "site"))):
        await build(archive, tmp_path / "site")


@pytest.mark.parametrize("url", ["https://example.org", "http://127.0.0.1:8080/a/b/", "https://[::1]/x"])
def test_accepts_a_valid_base_url(url: str) -> None:
    assert pages.check_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize("url", case_files.load(__file__, "test_rejects_an_invalid_base_url_with_an_example"))
def test_rejects_an_invalid_base_url_with_an_example(url: str) -> None:
    with pytest.raises(errors.UsageError, match=r"Example: https://example\.org/papers"):
        pages.check_base_url(url)


def test_pages_load_pictures_only_over_https() -> None:
    https = "https://covers.example/a.png"
    others = ("http://covers.example/a.png", "javascript:alert(1)", "data:image/png;base64,AAAA", None)
    assert [pages.find_picture(url) for url in (https, *others)] == [https, None, None, None, None]


def test_command_builds_a_site_or_explains_errors(paperround: Paperround, tmp_path: Path) -> None:
    digest = tmp_path / "digest.md"
    digest.write_text(sample_archive.newsletter("2025-01-02", [sample_archive.SMALL]))
    assert paperround("ingest", str(digest)).exit_status == 0
    options = ("web", "build", "site", "--base-url", "https://example.org", "--lang", "ko")
    built = paperround(*options, "--json").data
    assert built["removed"] == 0
    assert built["written"] > 5
    assert "TinyTalk" in (tmp_path / "site/papers/2501.00001.html").read_text(encoding="utf-8")
    assert "0 files written" in paperround(*options).stdout
    assert '<html lang="ko">' in (tmp_path / "site" / "404.html").read_text(encoding="utf-8")
    for folder, url, lang, reason in (
        ("site", "example.org", "ko", "--base-url"),
        ("site", "https://example.org", "fr", "ko"),
        (".", "https://example.org", "ko", "empty folder"),
    ):
        refused = paperround("web", "build", folder, "--base-url", url, "--lang", lang)
        assert (refused.exit_status, reason in refused.stderr) == (2, True)
