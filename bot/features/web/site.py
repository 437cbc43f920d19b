"""Build the web archive as files for any static host.

The files are the pages of days, papers, the most published authors and trends, the feeds of days and of these
authors, and a sitemap. Pages that need a lookup (the search, topics, other authors) and links to them are left out.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from bot.core import files
from bot.core.clock import latest_date
from bot.features.web import pages as web_pages
from bot.features.web.pages import Page, PageError, Site, make_slug
from bot.features.web.service import MAX_DAYS, WebPages
from storage import archive, errors, papers, search, snapshot
from storage.snapshot import chunked

MANIFEST = ".paperround-web.json"
"""The file that lists the files of the last build."""
MAX_AUTHORS, MIN_PAPERS = 500, 2
"""Only the most published authors have pages, if they have at least MIN_PAPERS papers."""
PAPERS_AT_ONCE = 100
"""The number of papers in memory at a time."""
ADVICE = "Check its permissions and the space on its disk, or name another folder."


class Built(NamedTuple):
    """How many files a build wrote, left unchanged and removed."""

    written: int
    unchanged: int
    removed: int


class SiteBuilder:
    """Builds a site in one language in a folder.

    Raises UsageError if the folder contains other files, and PaperroundError if it cannot be written.
    """

    def __init__(self, pages: WebPages, folder: Path, site: Site) -> None:
        self._pages = pages
        self._folder = folder
        self._site = site
        self._built: set[str] = set()
        self._written = 0
        with files.reported(folder, ADVICE):
            self._known = self._read_manifest()

    async def build(self) -> Built:
        """Write new and changed pages, and delete those of the last build that no longer exist."""
        with files.reported(self._folder, ADVICE):
            return await self._build()

    async def _build(self) -> Built:
        self._site = site = replace(self._site, authors=await self._list_authors())
        pages, services = self._pages, self._pages.services
        paper_ids: dict[int, None] = {}
        until_on = latest_date(services.clock())
        for day in await services.database.fetch(archive.list_dates, until_on=until_on, limit=MAX_DAYS):
            await self._add_day(day, paper_ids)
        for chunk in chunked(paper_ids, PAPERS_AT_ONCE):
            details = await services.database.fetch(papers.list_details, chunk)
            for detail in details:
                self._add(f"papers/{detail.key}.html", pages.make_paper(site, detail))
        for name in sorted({*site.authors.values()}):
            await self._add_author(name)
        self._add("index.html", await pages.load_day(site))
        self._add("days.html", await pages.load_days(site))
        self._add("trends.html", await pages.load_trends(site))
        self._add("404.html", pages.make_error(site, PageError(404, "web-no-address")))
        self._add("sitemap.xml", await pages.load_sitemap(site))
        for name in web_pages.FILES:
            self._add(name, web_pages.make_file(name))
        self._add("feed.atom", await pages.load_days_feed(site))
        removed = 0
        for path in self._known - self._built:
            with suppress(FileNotFoundError):
                (self._folder / path).unlink()
                removed += 1
        self._write(MANIFEST, json.dumps(sorted(self._built), indent=0))
        return Built(self._written, len(self._built) - self._written, removed)

    async def _list_authors(self) -> dict[str, str]:
        """Return the names of the authors who have pages, keyed by each of their spellings."""

        def read(view: snapshot.Snapshot) -> dict[str, str]:
            authors = search.list_most_published(view, limit=MAX_AUTHORS)
            names = {author.id: author.name for author in authors if author.paper_count >= MIN_PAPERS}
            others = {spelling: names[id_] for id_, spelling in search.list_spellings(view, names)}
            return others | {name: name for name in names.values()}

        return await self._pages.services.database.look_up(read)

    async def _add_day(self, day: date, paper_ids: dict[int, None]) -> None:
        rows, _ = await self._pages.services.search.get_digest(day, limit=web_pages.MAX_STATIC_ROWS)
        paper_ids |= dict.fromkeys(row.id for row in rows.rows)
        self._add(f"days/{day}.html", await self._pages.load_day(self._site, day.isoformat()))

    async def _add_author(self, name: str) -> None:
        path = f"authors/{make_slug(name)}"
        # The author's last paper may have been removed in the meantime.
        with suppress(PageError):
            self._add(f"{path}.html", await self._pages.load_author(self._site, name))
            self._add(f"{path}.atom", await self._pages.load_author(self._site, name, is_feed=True))

    def _add(self, path: str, page: Page) -> None:
        self._built.add(path)
        self._written += self._write(path, self._pages.render(page))

    def _write(self, path: str, text: str) -> bool:
        """Write a file unless it already has this text. Returns whether it was written."""
        target, data = self._folder / path, text.encode("utf-8", "replace")
        with suppress(FileNotFoundError):
            if target.read_bytes() == data:
                return False
        target.parent.mkdir(parents=True, exist_ok=True)
        files.replace_file(target, data)
        return True

    def _read_manifest(self) -> set[str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            return set(json.loads((self._folder / MANIFEST).read_text(encoding="utf-8")))
        except FileNotFoundError:
            if any(self._folder.iterdir()):
                raise errors.UsageError(
                    f"{self._folder} has files that were not built by `paperround web build`. Name a new or empty folder."
                ) from None
            # Lets the next build continue if this one is interrupted.
            self._write(MANIFEST, "[]")
            return set()
