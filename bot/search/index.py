"""The search index: a tantivy folder, derived from the database, with the tokens of papers and the names of authors.

The index follows the numbered changes of papers. A folder that is missing, damaged or newer than a restored database is
rebuilt, the last changed papers first. Only one process at a time writes to a folder; other processes read what it has committed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tantivy
from tantivy import Query

from bot.archive import summaries
from bot.core import isolation, memory
from bot.text import analyser, institutions, people, plain, questions, seed, term_keys, tokens, typography
from storage import errors, models, search, sqlite_file
from storage.search import Author
from storage.snapshot import Snapshot

if TYPE_CHECKING:
    from storage.database import Database

FORMAT = f"22.{tokens.VERSION}.{seed.checksum()}"
"""The version of the fields and tokens. Each version builds its own folder and deletes the folders of other versions."""


# Texts and tokens of a paper.

_MAX_TITLE_LENGTH = 1000
_MAX_BODY_LENGTH = 60_000
_TITLE_WEIGHT = 3
_CONCEPT = re.compile(rf"{tokens.CONCEPT}\S+")
_LATER_CHAPTER = re.compile(
    r"[\W\d]*(?:(?:이 |본 )?(?:논문|연구)의 )?"
    r"(?:future (?:work|research|stud|direction)|follow-up|limitations?\b(?! of)|related work"
    r"|(?:후속|향후) (?:연구|과제|계획)|한계(?!를)|관련 연구(?!와))",
    re.IGNORECASE,
)
"""The heading of a chapter on what a paper leaves to later work, or on other work."""


_EXPLANATION = re.compile(r"\((?!\w\))[^()]*\)")  # but TD(λ) is a word


class IndexTexts(NamedTuple):
    """A paper's canonical texts and the tokens of its institutions.

    `bodies` are its summaries, abstract and keywords in four parts: what they begin with; the rest; that in Korean; and
    explanations in brackets.
    """

    title: str
    bodies: tuple[str, ...]
    institutions: tuple[str, ...]


def count_words(texts: IndexTexts) -> Counter[str]:
    """Count a paper's words after stripping their particles. Each word in the title counts three times."""
    every = " ".join((*_TITLE_WEIGHT * [texts.title], *texts.bodies))
    return Counter(every.replace(analyser.PARTICLE_MARK, "").split())


def count_concepts(title: str, body: str) -> Counter[str]:
    """Count the tokens of seeded concepts in a paper. Each token in the title counts three times."""
    return Counter(_CONCEPT.findall(body) + _TITLE_WEIGHT * _CONCEPT.findall(title))


def build_texts(paper: models.IndexDocument) -> IndexTexts:
    title = (paper.title or "")[:_MAX_TITLE_LENGTH]
    plain_title = typography.to_plain_text(title)
    subject, core, foreign, explained = (list[str]() for _ in range(4))
    # Readers see π₀ but may type pi0, so index the title's LaTeX as well.
    core += [] if plain_title == title else [title]
    # Index keywords twice, so that a paper counts as being about them.
    core += 2 * [", ".join(paper.keywords)] if paper.keywords else []
    abstract = [models.Section(None, paper.abstract)] if paper.abstract else []
    room, starts = _MAX_BODY_LENGTH, {0, len(abstract)}
    for number, section in enumerate((*abstract, *paper.sections)):
        if _LATER_CHAPTER.match(section.heading or ""):
            continue
        label = summaries.label_name(section.heading)
        core += [section.heading[:room]] if section.heading and not label else []
        for place, sentence in enumerate(plain.split_sentences(section.body[:room])):
            if not place and (number in starts or label == "whats-new"):
                subject.append(sentence)
            else:
                explained += _EXPLANATION.findall(sentence)
                body_lines = foreign if analyser.has_hangul(sentence) else core
                body_lines.append(_EXPLANATION.sub("()", sentence))
        room = max(0, room - len(section.body))
    title, *bodies = (
        analyser.canonicalise("\n".join(lines))
        for lines in ([plain_title], subject, core, foreign, explained)
    )
    return IndexTexts(title, tuple(bodies), tuple(sorted(institutions.make_tokens(paper.institutions))))


# Index documents.

_EPOCH = date(2015, 1, 1)
EXACT_NAME, VERSION_NAME, LEADING_NAME = "e", "v", "l"
"""The part of the title that a name covers: its head, its head without the version, or just the first words."""
LEVELS = 6
"""The number of levels for a topic's weight in a paper."""
_MAX_TOPICS, _TOP_WEIGHT = 24, 0.5
_WITH_TEXT = 5.0
"""The factor of the score of a paper with a text, relative to one with only a title."""
_MOST_VOTES = 1 << 18
"""Papers with more votes are in the order of their days."""


@lru_cache(maxsize=1)
def paper_schema() -> tantivy.Schema:
    """Return the fields of a paper; `twice` has the tokens that its body has more than once."""
    builder = tantivy.SchemaBuilder()
    for name in ("title", "body"):
        builder.add_text_field(name, tokenizer_name="tokens", index_option="position")
    for name in ("name", "institution", "topic", "concept", "fact", "twice"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("id", indexed=True, fast=True)
    for name in ("day", "votes"):
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in ("top", "newest", "oldest"):
        builder.add_integer_field(name, fast=True)
    builder.add_float_field("popularity", fast=True)
    return builder.build()


@lru_cache(maxsize=1)
def author_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("word", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_unsigned_field("papers", fast=True)
    return builder.build()


def _open(folder: Path | None, schema: tantivy.Schema) -> tantivy.Index:
    """Open or create an index; keep it in memory if `folder` is None. Raises ValueError or OSError."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    path = None if folder is None else str(folder)
    if schema is not paper_schema():
        return tantivy.Index(schema, path=path)
    index = tantivy.Index(schema, path=path, sort_by_field="popularity", sort_order=tantivy.Order.Desc)
    # A gap takes up a position but is not indexed itself.
    gaps = tantivy.Filter.custom_stopword([tokens.GAP])
    tokenizer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(gaps).build()
    index.register_tokenizer("tokens", tokenizer)
    return index


def _tokenize(paper: models.IndexDocument, texts: IndexTexts) -> list[str]:
    from bot.search import term_mentions  # not needed for lookups

    written = "\n".join(
        [paper.title or "", *(section.body for section in paper.sections), paper.abstract or ""]
    )
    defined = (
        [mention.definition() for mention in term_mentions.extract_mentions(written)]
        if "(" in written
        else ()
    )
    others = tokens.list_other_senses(pair for pair in defined if pair[0])
    return [tokens.tokenize(text, others) for text in (texts.title, *texts.bodies)]


def _build_paper(paper: models.IndexDocument) -> tantivy.Document:
    texts, document = build_texts(paper), tantivy.Document()
    title, *bodies = _tokenize(paper, texts)
    body = f" {tokens.GAP} ".join(filter(None, bodies))
    subject, *cores = (Counter(_CONCEPT.findall(text)) for text in bodies)
    main = {*subject, *(token for core in cores[:2] for token, count in core.items() if count > 1)}
    document.add_text("title", title)
    document.add_text("body", body)
    for token, count in count_concepts(title, body).items():
        if count >= _TITLE_WEIGHT:
            document.add_text("concept", token)
    full = term_keys.full_names(texts.title)
    names = [(name, EXACT_NAME) for name in full[:1]] + [(name, VERSION_NAME) for name in full[1:]]
    names += [(name, LEADING_NAME) for name in term_keys.leading_names(texts.title)]
    # By its id it is found with a name that its title lacks.
    for name, mark in (*names, (paper.key, EXACT_NAME)):
        document.add_text("name", f"{name} {mark}")
    for institution in texts.institutions or ("",):
        document.add_text("institution", institution)
    for fact in main:
        document.add_text("fact", fact)
    for token, count in Counter(body.split()).items():
        if count > 1 and token != tokens.GAP:
            document.add_text("twice", token)
    for topic, weight in questions.find_paper_topics(count_words(texts), _MAX_TOPICS):
        level = min(LEVELS, math.ceil(weight * LEVELS / _TOP_WEIGHT))
        document.add_text("topic", f"{topic}.{level}")
    last_day = max(paper.days, default=date.max)
    # Ten times the votes weigh as much as being two years newer.
    popularity = max(0.0, math.log10(1 + (paper.votes or 0)) + (last_day - _EPOCH).days / 730)
    document.add_unsigned("id", paper.id)
    for on in paper.days:
        document.add_integer("day", on.toordinal())
    document.add_integer("votes", -1 if paper.votes is None else paper.votes)
    # By votes, unknown last, then newest first; by date, then most votes first; at last as digests list them.
    votes = 0 if paper.votes is None else 1 + min(paper.votes, _MOST_VOTES)
    day, place = min(last_day.toordinal(), (1 << 20) - 1), (1 << 24) - 1 - paper.id % (1 << 24)
    newest = (day << 24) + place
    document.add_integer("top", (votes << 44) + newest)
    for name, age in (("newest", day), ("oldest", (1 << 20) - day)):
        document.add_integer(name, (age << 43) + (votes << 24) + place)
    # tantivy multiplies scores by log2(2 + weight), at least by 1: that of a paper with only a title, which comes last.
    factor = _WITH_TEXT * (1 + 0.02 * popularity) if paper.sections or paper.abstract else 1.0
    document.add_float("popularity", 2**factor - 2)
    return document


def index_in_memory(papers: Iterable[models.IndexDocument]) -> tantivy.Searcher:
    """Index a few papers in memory, which takes milliseconds for each paper. One that triggers a bug is left out."""
    import structlog  # rarely needed, and slow to load

    log, index = structlog.get_logger(__name__), _open(None, paper_schema())
    with index.writer(heap_size=_WRITER_BYTES, num_threads=1) as writer:
        for paper in papers:
            with isolation.isolated(log, "paper not indexed", paper=paper.id):
                writer.add_document(_build_paper(paper))
    index.reload()
    return index.searcher()


def _build_author(author: Author) -> tantivy.Document:
    document = tantivy.Document()
    for word in people.index_terms(author.name):
        document.add_text("word", word)
    document.add_unsigned("id", author.id)
    document.add_unsigned("papers", author.paper_count)
    return document


# The folder and its state.

_START: search.Place = (1 << 60, 0)
_WRITER_BYTES = 300_000_000
"""The size of new documents by the engine's own count from which on it starts another segment, each of which costs every search
time. It takes much less memory: with one segment of 6,000 papers as much as with fifteen.
"""
BATCH = 200
"""The number of papers read and written at a time."""
COMMIT_PAPERS = 6_000
"""A long update is committed after this many papers, so that searches find them."""
AT_ONCE = 256
"""The number of changed papers that a search indexes itself within half a second; more are left to the background."""
_WAIT_SECONDS = 0.2
"""The maximum wait of a search for another writer and for the engine's merges."""


@dataclass(frozen=True, slots=True)
class State:
    """A folder's progress: the last change indexed. During an update, the papers changed `since` one are done down to `rest`."""

    change: str
    since: int = 0
    """-1 during a build."""
    rest: search.Place | None = None


class IndexBusyError(Exception):
    """Raised if another process or thread is writing the index."""


def folder_of(database: Database) -> Path:
    """Return the folder of a database's index: next to a SQLite file, otherwise in the user's cache."""
    if database.path is not None:
        return Path(f"{str(database.path).removesuffix('.db')}.search")
    key = hashlib.sha256(database.label.encode()).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "paperround" / f"search-{key}"


class SearchIndex:
    """An index folder; `papers` and `authors` are the last versions loaded. Thread-safe.

    A search first indexes at most `at_once` changed papers (all of them if `at_once` is None).
    """

    def __init__(self, folder: Path, *, at_once: int | None = AT_ONCE) -> None:
        self._folder = folder / FORMAT
        self._at_once = at_once
        self._loading, self._writing = threading.Lock(), threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._state: State | None = None
        self.papers = _open(None, paper_schema()).searcher()
        self.authors = _open(None, author_schema()).searcher()
        self._is_failing = False

    def is_current(self, view: Snapshot) -> bool:
        return self._state == State(search.get_change(view))

    def count_unindexed(self, view: Snapshot) -> int:
        """Return the number of changes of papers that are not in the index; all of them during a build."""
        self._load()
        return search.number_of(search.get_change(view)) - max(0, _continue(view, self._state).since)

    def refresh(self, view: Snapshot) -> bool:
        """Load the last commit, index a few changes and return whether the index is up to date.

        If the folder cannot be written, this is logged once, and the index stays in use as it is.
        """
        self._load()
        if self.is_current(view):
            return True
        if not self._is_little(view):
            return False
        try:
            with self.open_writer() as writer:
                writer.follow(view)
        except IndexBusyError:
            pass
        except errors.PaperroundError as error:
            if not self._is_failing:
                # structlog is slow to load, and writes to stdout in a command that has not configured it.
                logging.getLogger(__name__).warning("%s", error)
            self._is_failing = True
        self._load()
        return self.is_current(view)

    def _is_little(self, view: Snapshot) -> bool:
        limit = self._at_once
        return limit is None or len(_list_rest(view, _continue(view, self._state), limit + 1)) <= limit

    @property
    def _state_file(self) -> Path:
        return self._folder / "state.json"

    def _load(self) -> None:
        """Reopen the index if its state has changed. If the folder is missing or damaged, the loaded index stays in use."""
        with self._loading:
            try:
                status = os.stat(self._state_file)
                stamp = (status.st_ino, status.st_mtime_ns)
                if stamp == self._stamp:
                    return
                state = _parse_state(self._state_file.read_text())
                papers = _open(self._folder / "papers", paper_schema()).searcher()
                authors = _open(self._folder / "authors", author_schema()).searcher()
            except (OSError, ValueError, TypeError, LookupError):
                self._stamp = self._state = None
            else:
                self._stamp, self._state = stamp, state
                self.papers, self.authors = papers, authors

    def forget(self) -> None:
        """Delete the state, so that the folder is rebuilt."""
        with suppress(OSError):
            self._state_file.unlink()

    @contextmanager
    def open_writer(self) -> Iterator[IndexWriter]:
        """Open the index for writing. Raises IndexBusyError, or PaperroundError if the folder cannot be written."""
        if not self._writing.acquire(timeout=_WAIT_SECONDS):
            raise IndexBusyError
        try:
            self._load()
            writer = IndexWriter(self._folder, self._state)
        except (OSError, ValueError) as error:
            self._writing.release()
            raise self._cannot_write(error) from error
        except BaseException:
            self._writing.release()
            raise
        try:
            yield writer
            self._is_failing = False
        except (OSError, ValueError) as error:
            raise self._cannot_write(error) from error
        finally:
            # The engine may merge for seconds; a search must not wait for that.
            closing = threading.Thread(target=self._close, args=(writer,), daemon=True)
            closing.start()
            closing.join(_WAIT_SECONDS)

    def _cannot_write(self, error: Exception) -> errors.PaperroundError:
        # The engine's own text names its threads and temporary files.
        known = (reason for reason in _PASSING if reason in str(error))
        reason = getattr(error, "strerror", None) or next(known, "its disk may be full")
        advice = sqlite_file.advise_writing(
            self._folder.parent, "Free space there, or let this user write to it."
        )
        return errors.PaperroundError(
            f"The search index in {self._folder} cannot be written ({reason}). {advice}"
        )

    def _close(self, writer: IndexWriter) -> None:
        try:
            writer.close()
            of_all = self._folder.parent
            sqlite_file.give_to_owner(of_all, of_all.parent)
        finally:
            self._writing.release()


def _parse_state(text: str) -> State:
    """Parse a stored state. Raises ValueError, TypeError or LookupError."""
    fields = json.loads(text)
    rest = fields["rest"]
    return State(fields["change"], fields["since"], rest and (rest[0], rest[1]))


def _continue(view: Snapshot, state: State | None) -> State:
    """Return the state of an update to go on with: the interrupted one or, as at its start, a new one or a build."""
    if state is None or not search.has_change(view, state.change):
        return State(search.get_change(view), -1, _START)
    return state if state.rest else State(search.get_change(view), search.number_of(state.change), _START)


def _list_rest(view: Snapshot, state: State, limit: int) -> list[search.Place]:
    return search.list_changed(view, since=state.since, before=state.rest or _START, limit=limit)


_PASSING = ("LockBusy", "Permission denied", "No space left on device", "Read-only", "Too many open files")


def is_damage(error: ValueError) -> bool:
    text = str(error)
    is_of_engine = "IO error" in text or "corrupt" in text or "Failed to" in text
    return is_of_engine and not any(reason in text for reason in _PASSING)


class IndexWriter:
    """Writes an index folder and stores its state after each commit."""

    def __init__(self, folder: Path, state: State | None) -> None:
        self.state, self._folder = state, folder
        self._pending = 0
        self._writers: list[tantivy.IndexWriter] = []
        try:
            self._open()
        except ValueError as error:
            self.close()
            if "LockBusy" in str(error):
                raise IndexBusyError from error
            if not is_damage(error):
                raise
            self.state = None
            shutil.rmtree(folder, ignore_errors=True)
            self._open()
        # A file left by a killed process would block a new file of the same name.
        for writer in self._writers:
            writer.garbage_collect_files()

    def _open(self) -> None:
        for name, schema in (("papers", paper_schema()), ("authors", author_schema())):
            index = _open(self._folder / name, schema)
            self._writers.append(index.writer(heap_size=_WRITER_BYTES, num_threads=1))

    def close(self) -> None:
        """Wait for the engine's merges and release the folder."""
        for writer in self._writers:
            with suppress(ValueError):  # already raised by the last call
                writer.wait_merging_threads()
        self._writers = []

    def follow(self, view: Snapshot) -> None:
        while (write := self.plan(view)) is not None:
            write()

    def plan(self, view: Snapshot) -> Callable[[], int] | None:
        """Read the next papers. Return a function that indexes and counts them, or None if there are no more.

        At the start of a build, the folder is emptied.
        """
        if self.state == State(search.get_change(view)):
            return None
        state = _continue(view, self.state)
        places = _list_rest(view, state, BATCH)
        paper_ids = [paper_id for _, paper_id in places]
        documents = search.list_documents(view, paper_ids, summaries.select_shown)
        writers = search.list_authors_of(view, paper_ids)
        if state.since < 0 and state.rest == _START:
            for folder in self._folder.parent.iterdir():
                if folder != self._folder:
                    shutil.rmtree(folder, ignore_errors=True)
            for writer in self._writers:
                writer.delete_all_documents()
        reached = replace(state, rest=places[-1]) if len(places) == BATCH else State(state.change)
        return partial(self._write, reached, paper_ids, documents, writers)

    def _write(
        self,
        reached: State,
        paper_ids: Sequence[int],
        documents: Sequence[models.IndexDocument],
        writers: Sequence[Author],
    ) -> int:
        papers, authors = self._writers
        # `delete_documents_by_term` silently ignores unsigned numbers.
        papers.delete_documents_by_query(_by_ids(paper_schema(), paper_ids))
        authors.delete_documents_by_query(_by_ids(author_schema(), [author.id for author in writers]))
        for document in documents:
            papers.add_document(_build_paper(document))
        for author in writers:
            authors.add_document(_build_author(author))
        self._pending += len(paper_ids)
        self.state = reached
        if self._pending >= COMMIT_PAPERS or reached.rest is None:
            self._commit()
        return len(documents)

    def _commit(self) -> None:
        """Commit, then store the state. If interrupted in between, the same papers are indexed again."""
        for writer in reversed(self._writers):
            writer.commit()
        if self._pending >= COMMIT_PAPERS:
            memory.return_free()  # which the engine's threads leave allocated, more with each commit
        self._pending = 0
        file = self._folder / "state.json"
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(self.state and asdict(self.state)))
        os.replace(temporary, file)


def _by_ids(schema: tantivy.Schema, ids: Sequence[int]) -> Query:
    return Query.term_set_query(schema, "id", list(ids))


async def follow(database: Database, index: SearchIndex) -> AsyncGenerator[int, None]:
    """Bring the index up to date, yielding the number of papers done. Returns at once if another process is writing."""
    done = 0
    try:
        with index.open_writer() as writer:
            while True:
                write = await database.look_up(writer.plan)
                if write is None:
                    break
                done += await asyncio.to_thread(write)
                yield done
    except IndexBusyError:
        return
