"""Builds the web archive as files for any static host. A further build makes and writes only what changed.

The files are the day, the papers of all days, the most published authors, the trends, the feeds of the days and of these authors,
and a sitemap. What needs a look-up (a search, other authors) is left out, and so are the links to it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from bot.core.clock import latest_date
from bot.core.files import replace_file
from bot.search import results
from bot.web import service as web_service
from bot.web.service import Page, PageError, Site, WebPages, make_slug
from storage import errors, models, papers, search, snapshot
from storage.database import chunked

MANIFEST = ".paperround-web.json"
"""The file that names what a build wrote, with a hash of what each file shows."""
MAX_AUTHORS, MIN_PAPERS = 500, 2
"""The authors that have pages: the most published ones, with at least this many papers."""
MAX_DAYS = 20_000
PAPERS_AT_ONCE = 100
"""Papers whose texts and authors are in memory at a time."""
_NAME = re.compile(r"[0-9A-Za-z가-힣_-][0-9A-Za-z가-힣._-]*")


class Built(NamedTuple):
    """The numbers of files that a build wrote, left as they were, and removed."""

    written: int
    unchanged: int
    removed: int


class SiteBuilder:
    """Builds one folder in one language.

    Raises UsageError for a folder with files that no build wrote, PaperroundError for one that cannot be written.
    """

    def __init__(self, pages: WebPages, folder: Path, site: Site) -> None:
        self._pages = replace(pages, list_snippets=self._list_snippets)
        self._snippets: dict[str, results.Snippet | None] = {}
        self._version = f"{importlib.metadata.version('paperround')} {pages.templates.hash_sources('web.')}"
        self._folder = folder
        self._site = site
        self._hash_of_all = hashlib.sha256()
        self._built: dict[str, str] = {}
        self._written = 0
        with _naming(folder):
            self._known = self._read_manifest()

    async def build(self) -> Built:
        """Make and write what is new or changed, and remove the files of the last build that are left over."""
        with _naming(self._folder):
            return await self._build()

    async def _build(self) -> Built:
        self._site = replace(self._site, authors=await self._list_authors())
        services = self._pages.services
        days = await services.status.list_dates(until_on=latest_date(services.clock()), limit=MAX_DAYS)
        paper_keys: dict[int, str] = {}
        for position, day in enumerate(days):
            around = days[max(position - 1, 0) : position + 2]
            await self._build_day(day, around, paper_keys)
        for name in sorted({*self._site.authors.values()}):
            await self._build_author(name, self._hash_of_all.hexdigest())
        site, pages = self._site, self._pages
        self._add("index.html", await pages.load_day(site))
        self._add("trends.html", await pages.load_trends(site))
        self._add("404.html", pages.make_error(site, PageError(404, "web-no-address")))
        self._add("sitemap.xml", await pages.load_sitemap(site))
        self._add("style.css", web_service.make_style())
        for kind, ending in web_service.ENDINGS.items():
            self._add(f"feed{ending}", await pages.load_days_feed(site, kind))
        removed = self._remove(self._known.keys() - self._built.keys())
        self._write(MANIFEST, json.dumps(self._built, indent=0, sort_keys=True))
        return Built(self._written, len(self._built) - self._written, removed)

    async def _list_authors(self) -> dict[str, str]:
        """Return the names of the authors who get a page, by all their spellings."""

        def read(view: snapshot.Snapshot) -> dict[str, str]:
            found = search.list_most_published(view, limit=MAX_AUTHORS)
            names = {author.id: author.name for author in found if author.paper_count >= MIN_PAPERS}
            spellings = search.list_name_variants(view, list(names))
            others = {other: names[id_] for id_, variants in spellings.items() for other in variants}
            return others | {name: name for name in names.values()}

        async with self._pages.services.database.read() as connection:
            return await snapshot.read(connection, read)

    async def _build_day(self, day: date, around: list[date], paper_keys: dict[int, str]) -> None:
        services = self._pages.services
        listed, _ = await services.search.get_digest(day, limit=web_service.MAX_STATIC_ROWS)
        new_ids = [row.id for row in listed.rows if row.id not in paper_keys]
        async for details in self._read_details(new_ids):
            for detail in details:
                paper_keys[detail.id] = await self._build_paper(detail)
        shown = [(row.arxiv_id, paper_keys.get(row.id)) for row in listed.rows]
        key = self._key(day, around, listed.total, shown)
        path = f"days/{day}.html"
        if not self._keep(path, key):
            self._add(path, await self._pages.load_day(self._site, day.isoformat()), key)

    async def _build_paper(self, detail: models.PaperDetail) -> str:
        key = self._key(detail, [*map(self._site.author_link, detail.authors[: web_service.MAX_AUTHORS])])
        path = f"papers/{detail.arxiv_id}.html"
        if not self._keep(path, key):
            self._add(path, self._pages.make_paper(self._site, detail), key)
        return key

    async def _build_author(self, name: str, key: str) -> None:
        path = f"authors/{make_slug(name)}"
        files = [f"{path}{ending}" for ending in (".html", *web_service.ENDINGS.values())]
        if all(map(self._keep, files, [key] * len(files))):
            return
        # An author whose last paper was removed meanwhile has no page.
        with suppress(PageError):
            listed = await self._pages.load_author(self._site, name)
            self._add(files[0], self._pages.make_author(self._site, name, listed), key)
            for kind, ending in web_service.ENDINGS.items():
                feed = self._pages.make_author_feed(self._site, kind, name, listed)
                self._add(f"{path}{ending}", feed, key)

    async def _list_snippets(
        self, rows: Sequence[models.PaperRow], locale: models.Locale
    ) -> dict[str, results.Snippet]:
        """Return the snippets of papers, each made once although a day and several authors show it."""
        missing = [row.id for row in rows if row.arxiv_id not in self._snippets]
        async for details in self._read_details(missing):
            self._snippets |= dict.fromkeys(detail.arxiv_id for detail in details)
            self._snippets |= results.make_snippets(details, locale)
        known = ((row.arxiv_id, self._snippets.get(row.arxiv_id)) for row in rows)
        return {arxiv_id: snippet for arxiv_id, snippet in known if snippet is not None}

    async def _read_details(self, paper_ids: Sequence[int]) -> AsyncIterator[list[models.PaperDetail]]:
        for chunk in chunked(paper_ids, PAPERS_AT_ONCE):
            async with self._pages.services.database.read() as connection:
                details = await papers.list_details(connection, chunk)
            yield details

    def _key(self, *shown: object) -> str:
        """Return a hash of what a page shows, and count it for the pages that any change can change."""
        text = repr((self._version, self._site, shown))
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        self._hash_of_all.update(key.encode())
        return key

    def _keep(self, path: str, key: str) -> bool:
        """Return whether the file has what it should show already."""
        is_kept = self._known.get(path) == key and self._target(path).is_file()
        if is_kept:
            self._built[path] = key
        return is_kept

    def _add(self, path: str, page: Page, key: str = "") -> None:
        self._built[path] = key
        self._written += self._write(path, self._pages.render(page))

    def _write(self, path: str, text: str) -> bool:
        """Write a file unless it has this text; returns whether it was written."""
        target, data = self._target(path), text.encode("utf-8", "replace")
        with suppress(FileNotFoundError):
            if target.read_bytes() == data:
                return False
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, data)
        return True

    def _target(self, path: str) -> Path:
        """Return the file of a path below the folder. Raises UsageError for one outside, also by a link."""
        names = path.split("/")
        if path != MANIFEST and not all(map(_NAME.fullmatch, names)):
            raise errors.UsageError(f"{path!r} cannot be a file name on the site.")
        target = self._folder
        for name in names:
            target = target / name
            if target.is_symlink():
                raise errors.UsageError(
                    f"{target} is a symbolic link. Remove it, or build into another folder."
                )
        return target

    def _remove(self, paths: Iterable[str]) -> int:
        removed = 0
        for path in paths:
            # The file that names them can be changed by others.
            with suppress(errors.UsageError, FileNotFoundError, IsADirectoryError):
                self._target(path).unlink()
                removed += 1
        return removed

    def _read_manifest(self) -> dict[str, str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            found = json.loads(self._target(MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if any(self._folder.iterdir()):
                raise errors.UsageError(
                    f"{self._folder} has files that were not built by `paperround web build`. Name a new or empty folder."
                ) from None
            # The next build continues one that was cut off, as by a full disk.
            self._write(MANIFEST, "{}")
            return {}
        except (ValueError, RecursionError):
            return {}
        return {f"{path}": f"{key}" for path, key in found.items()} if isinstance(found, dict) else {}


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Raise PaperroundError with the file, or the folder, that cannot be read or written."""
    try:
        yield
    except OSError as error:
        raise errors.PaperroundError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Check its permissions and the space on its disk,"
            " or name another folder."
        ) from None
