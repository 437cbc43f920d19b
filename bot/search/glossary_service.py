"""The glossary service combines the seed list, the operator's decisions and forms learnt from papers.

Learning takes seconds and runs in the background. Other processes load the new glossary at their next search. Modules of
`storage` with tables are imported where they are used: a search in the shell need not load SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from bot.archive import summaries
from bot.core.clock import Clock, system_clock
from bot.search import engine as search_engine
from bot.search import index as search_index
from bot.search import term_resolver
from bot.text import analyser, concepts, seed, term_keys, tokens, typography
from storage import errors, models, search
from storage.snapshot import Snapshot, chunked

if TYPE_CHECKING:
    from bot.search import term_mentions
    from storage.database import Connection, Database

STALE_GROWTH = 1.1
"""The glossary is stale once the archive has grown by this factor."""
MAX_PAPERS = 30_000
"""The number of papers to learn from, newest first; more would add little."""
MAX_FORM_LENGTH = 100
MAX_NAMES = 10_000
_CHUNK_SIZE = 200
_VERSION = 1
"""The version of the stored data. If the stored version differs, the glossary is learnt again."""
_MAX_TITLE_LENGTH = 500


class GlossaryService:
    """Loads, caches and learns the glossary of a database. Thread-safe."""

    def __init__(
        self, database: Database, clock: Clock = system_clock, index: search_index.SearchIndex | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._index = index
        self._loaded: tuple[str, term_resolver.Glossary] | None = None
        self._loading = threading.Lock()

    def read_current(self, view: Snapshot) -> term_resolver.Glossary:
        """Return the glossary for a snapshot of the database. After a change, loading it takes 50 ms."""
        version, loaded = search.get_glossary_version(view), self._loaded
        if loaded is None or loaded[0] != version:
            with self._loading:
                if self._loaded is None or self._loaded[0] != version:
                    self._loaded = version, _load(search.get_glossary(view), read_decisions(view))
                loaded = self._loaded
        return loaded[1]

    async def get_current(self) -> term_resolver.Glossary:
        return await self._database.look_up(self.read_current)

    async def decide(self, term: str, form: str, *, is_added: bool) -> term_resolver.Decision:
        """Store an operator's decision to add or remove a form of a term. Raises UsageError if it is invalid."""
        from storage import key_values

        async def add(connection: Connection) -> term_resolver.Decision:
            made = check_decision(await self.get_current(), term, form, is_added=is_added)
            decisions = await self.list_decisions()
            others = (
                row
                for row in decisions
                if row.term != made.term or not term_resolver.is_same_form(row.form, made.form)
            )
            value = json.dumps([*others, made], ensure_ascii=False)
            await key_values.set_value(connection, search.GLOSSARY_DECISIONS, value)
            return made

        return await self._database.write(add)

    async def list_decisions(self) -> list[term_resolver.Decision]:
        """Return the operator's decisions, oldest first."""
        return await self._database.look_up(read_decisions)

    async def list_title_topics(self, title: str, locale: models.Locale) -> list[str]:
        """Return the names of the seeded concepts in a title, in the given language."""
        canonical = analyser.canonicalise(typography.to_plain_text(title[:_MAX_TITLE_LENGTH]))
        in_title = await self.list_concepts(canonical)
        # For "image editing", do not list "editing" as well.
        named = [
            concept
            for concept in in_title
            if not any(concept.key != other.key and concept.key in other.key for other in in_title)
        ]
        return list(dict.fromkeys(name_concept(concept, locale) for concept in named))

    async def list_concepts(self, canonical: str) -> list[concepts.Concept]:
        """Return the seeded concepts in a canonical text (see the analyser)."""
        words, current = tokens.tokenize(canonical).split(), await self.get_current()
        keys = [tokens.read_concept_token(word) for word in words if word.startswith(tokens.CONCEPT)]
        return [concept for key in dict.fromkeys(keys) if (concept := current.concept(key))]

    async def is_stale(self) -> bool:
        """Return whether the archive has grown by `STALE_GROWTH` or the stored data has another version."""
        stored = await self._database.look_up(search.get_glossary)
        paper_count = await self._database.look_up(search.count_listed)
        if stored is None or not _is_current(stored[1]):
            return paper_count > 0
        return paper_count != stored[0] and paper_count >= STALE_GROWTH * stored[0]

    async def rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Learn a glossary from the archive, which takes seconds, and store it. Reports the number of papers read."""
        from storage import glossary, papers

        index = self._index or search_index.SearchIndex(search_index.folder_of(self._database))
        async for done in search_index.follow(self._database, index):
            on_progress(done)
        mentioned, names, read = Counter["term_mentions.Mention"](), Counter[str](), 0
        await self._database.look_up(index.refresh)
        paper_count = await self._database.look_up(search.count_listed)
        ids = await self._database.fetch(papers.list_newest_ids, limit=MAX_PAPERS)
        for chunk in chunked(ids, _CHUNK_SIZE):
            documents = await self._database.look_up(search.list_documents, chunk, summaries.select_shown)
            await asyncio.to_thread(_read_papers, documents, mentioned, names)
            read += len(chunk)
            on_progress(read)
        evidence = search_engine.Engine(index.papers)
        learnt = await asyncio.to_thread(_learn, evidence, mentioned, dict(names.most_common(MAX_NAMES)))
        await self._database.write(glossary.save, self._clock(), paper_count, _dump(learnt))


def _read_papers(
    documents: Iterable[models.IndexDocument], mentioned: Counter[term_mentions.Mention], names: Counter[str]
) -> None:
    """Count the papers that have each mention in their texts and each name in their titles."""
    from bot.search import term_mentions  # not needed for lookups

    for paper in documents:
        texts = [paper.title or "", *(section.body for section in paper.sections), paper.abstract or ""]
        mentioned.update(term_mentions.extract_mentions("\n".join(texts)))
        names.update(set(term_mentions.list_names(texts[0])))


def _learn(
    evidence: search_engine.Engine, mentioned: Counter[term_mentions.Mention], names: dict[str, int]
) -> term_resolver.LearntTerms:
    from bot.search import term_induction

    terms = seed.load_terms()
    forms = term_induction.learn(mentioned.items(), terms, evidence)
    in_papers, in_titles = dict[str, int](), dict[str, int]()
    for concept in term_resolver.Glossary(terms, term_resolver.LearntTerms(forms)).all_concepts():
        texts = [form.text for form in concept.forms if form.searched]
        if count := evidence.count(texts):
            in_papers[concept.key] = count
        if count := evidence.count_titles(texts):
            in_titles[concept.key] = count
    return term_resolver.LearntTerms(forms, in_papers, in_titles, names)


def check_decision(
    current: term_resolver.Glossary, term: str, form: str, *, is_added: bool
) -> term_resolver.Decision:
    """Return a valid decision with the term's English name. Raises UsageError if the term or form is invalid or unknown."""
    term, form = (" ".join(typography.to_plain_text(text).split()) for text in (term, form))
    for text in (term, form):
        if len(text) > MAX_FORM_LENGTH or not term_keys.term_key(text):
            raise errors.UsageError(
                f"{text[:MAX_FORM_LENGTH]!r} is not a term: it needs 1 to {MAX_FORM_LENGTH} characters with at least one letter."
            )
    matches = current.find_concepts(term)
    if len(matches) > 1:
        names = " · ".join(concept.usual_form("en") or concept.key for concept in matches)
        raise errors.UsageError(f"{term!r} is a form of several terms. Use one of them: {names}.")
    if not matches and not (is_added and term_resolver.form_language(term) == "en"):
        raise errors.UsageError(f"{term!r} is not in the glossary. To add a new term, give its English name.")
    name = (matches[0].usual_form("en") or matches[0].key) if matches else term
    forms = [other.text for other in matches[0].forms] if matches else []
    if is_added and len(term_keys.term_key(form)) < 2:
        raise errors.UsageError(f"{form!r} is too short: too many words contain a single letter or syllable.")
    is_known = name in current.list_senses(form) or any(
        term_resolver.is_same_form(other, form) for other in forms
    )
    if not is_added and not is_known:
        raise errors.UsageError(f"{form!r} is not a form of {name!r}. Its forms are: {' · '.join(forms)}.")
    return term_resolver.Decision(name, form, is_added)


def read_decisions(view: Snapshot) -> list[term_resolver.Decision]:
    return [term_resolver.Decision(*row) for row in search.list_glossary_decisions(view)]


def name_concept(concept: concepts.Concept, locale: models.Locale) -> str:
    """Return a concept's main form in the reader's language, or else in English."""
    korean = concept.usual_form("ko") if locale is models.Locale.KO else ""
    return korean or concept.usual_form("en") or concept.key


def _dump(learnt: term_resolver.LearntTerms) -> str:
    fields = {"version": _VERSION, **learnt._asdict()}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _is_current(text: str) -> bool:
    """Return whether stored data has the current version, without parsing all of it."""
    return text.startswith(f'{{"version":{_VERSION},')


def _load(
    data: tuple[int, str] | None, decisions: Sequence[term_resolver.Decision]
) -> term_resolver.Glossary:
    """Build the glossary from stored data; ignore data of another version."""
    learnt = term_resolver.LearntTerms()
    if data is not None and _is_current(data[1]):
        stored = json.loads(data[1])
        rows = [term_resolver.LearntForm(*row) for row in stored["forms"]]
        learnt = term_resolver.LearntTerms(rows, stored["papers"], stored["titles"], stored["names"])
    return term_resolver.Glossary(seed.load_terms(), learnt, decisions)
