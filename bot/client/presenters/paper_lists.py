"""Fills a list's page from the look-ups: from what a list is of (`ListState`) to what it shows (`PaperList`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from bot.client.interactions.errors import Refusal
from bot.client.translations import Words
from bot.client.views import list_notes, list_state, paper_list, paper_text
from bot.rendering.discord_text import escape
from bot.services.bundle import Services
from bot.services.search import results, snippets

DAYS = {
    list_state.Period.WEEK: 7,
    list_state.Period.MONTH: 30,
    list_state.Period.QUARTER: 91,
    list_state.Period.YEAR: 365,
}
MOST_SIMILAR = 10
MOST_SUGGESTIONS = 5


class PaperLists:
    """Loads pages of lists for one reader after another; holds nothing of them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._snippets = snippets.Snippets(services.database)

    async def portable(self, state: list_state.ListState) -> list_state.ListState:
        """Return the state so that it fits into a custom id: a long text is kept in storage, under a token."""
        text = escape.plain(state.text)
        if len(text) <= list_state.LONGEST_TEXT:
            return state.with_(text=text, token="")
        return state.with_(text=text, token=await self._services.remembered.keep(text))

    async def resolved(self, state: list_state.ListState) -> list_state.ListState:
        """Return a state read from a custom id with its text. Raises Refusal when the text is no longer kept."""
        if not state.token:
            return state
        text = await self._services.remembered.recall(state.token)
        if text is None:
            raise Refusal("outdated-control")
        return state.with_(text=text)

    async def load(self, words: Words, state: list_state.ListState, user_id: int) -> paper_list.PaperList:
        """Return a page of the list. A page beyond the last (papers went meanwhile) is the last one."""
        listed = await self._load(words, state, user_id)
        if not listed.rows and state.page and listed.total:
            listed = await self._load(words, state.with_(page=listed.pages - 1), user_id)
        lines = await self._snippets.lines(
            listed.rows, words.locale, whole=listed.whole, phrases=listed.phrases, words=listed.words
        )
        return replace(listed, lines=lines)

    async def _load(self, words: Words, state: list_state.ListState, user_id: int) -> paper_list.PaperList:
        match state.kind:
            case list_state.ListKind.TOPIC:
                return await self._topic(words, state)
            case list_state.ListKind.AUTHOR:
                return await self._author(words, state)
            case list_state.ListKind.TOP:
                return await self._top(words, state)
            case list_state.ListKind.DIGEST:
                return await self._digest(words, state)
            case list_state.ListKind.SIMILAR:
                return await self._similar(words, state)
            case list_state.ListKind.SAVED:
                return await self._saved(words, state, user_id)

    async def _topic(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        found = await self._services.lookup.search(
            state.text,
            since=self._since(state.period),
            min_votes=state.min_votes or None,
            limit=list_state.PAGE_SIZE,
            offset=_offset(state),
            literal=state.literal,
        )
        topic = paper_text.quoted(state.text)
        suggestions = self._others(state, found.suggestions)
        meant = [one.label for one in suggestions]
        notes = [*list_notes.understood(words, found, meant), paper_list.narrowing(words, state)]
        if not found.rows:
            suggestions = (*await self._people(words, state), *suggestions) or await self._known_topics(words)
        return paper_list.PaperList(
            state=state,
            heading=words("list-topic-heading", topic=topic, count=found.total),
            rows=tuple(found.rows),
            total=found.total,
            notes=tuple(notes),
            whole=" ".join(found.terms),
            phrases=(*found.terms, *found.also),
            words=_words(state.text),
            suggestions=suggestions,
            ignored=list_notes.ignored(words, found),
            expanded=bool(found.also),
        )

    async def _author(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        found = await self._services.lookup.author(
            state.text,
            order="date" if state.by_date else "votes",
            since=self._since(state.period),
            min_votes=state.min_votes or None,
            limit=list_state.PAGE_SIZE,
            offset=_offset(state),
            locale=words.locale,
        )
        shown = state if state.token else state.with_(text=found.author)
        if found.author is None:
            return await self._unknown(words, state)
        others = [name for name in found.matches if name != found.author]
        more = f" +{len(others) - list_notes.NAMED}" if len(others) > list_notes.NAMED else ""
        notes = [
            words("list-other-authors", names=list_notes.names(others) + more) if others else "",
            words("list-coauthors", names=list_notes.names(found.coauthors)) if found.coauthors else "",
            words("list-topics", topics=list_notes.names(found.topics)) if found.topics else "",
            paper_list.narrowing(words, state),
        ]
        return paper_list.PaperList(
            state=shown if len(shown.text) <= list_state.LONGEST_TEXT else state,
            heading=words("list-author-heading", author=paper_text.quoted(found.author), count=found.total),
            rows=tuple(found.rows),
            total=found.total,
            notes=tuple(notes),
            suggestions=self._others(state, others),
            is_known=True,
        )

    async def _top(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        found = await self._services.lookup.top(
            since=self._since(state.period),
            until=None,
            topic=state.text or None,
            limit=list_state.PAGE_SIZE,
            offset=_offset(state),
        )
        period = words(f"period-{state.period.name.lower()}")
        suggestions = self._others(state, found.understood.suggestions)
        meant = [one.label for one in suggestions]
        heading = (
            words("list-top-topic-heading", topic=paper_text.quoted(state.text), period=period)
            if state.text
            else words("list-top-heading", period=period)
        )
        return paper_list.PaperList(
            state=state,
            heading=heading,
            rows=tuple(found.rows),
            total=found.total,
            notes=list_notes.understood(words, found.understood, meant),
            whole=" ".join(found.understood.terms),
            phrases=(*found.understood.terms, *found.understood.also),
            words=_words(state.text),
            suggestions=suggestions,
            ignored=list_notes.ignored(words, found.understood),
        )

    async def _digest(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        wanted = date.fromisoformat(state.text) if state.text else None
        found = await self._services.lookup.digest(
            wanted, limit=list_state.PAGE_SIZE, offset=_offset(state), min_votes=state.min_votes or None
        )
        on = found.on or wanted
        shown = state.with_(text=on.isoformat()) if on else state
        return paper_list.PaperList(
            state=shown,
            heading=words("list-digest-heading", date=words.date(on), count=found.total) if on else "",
            rows=tuple(found.rows),
            total=found.total,
            notes=(paper_list.narrowing(words, state),) if state.min_votes else (),
        )

    async def _similar(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        rows = tuple(await self._services.lookup.similar(state.text, limit=MOST_SIMILAR))
        detail = await self._services.lookup.paper(state.text)
        title = paper_text.quoted(paper_text.title(detail.title if detail else None, state.text), length=200)
        start = _offset(state)
        return paper_list.PaperList(
            state=state,
            heading=words("list-similar-heading", title=title),
            rows=rows[start : start + list_state.PAGE_SIZE],
            total=len(rows),
        )

    async def _saved(self, words: Words, state: list_state.ListState, user_id: int) -> paper_list.PaperList:
        rows, total = await self._services.readers.list_saved(
            user_id, limit=list_state.PAGE_SIZE, offset=_offset(state)
        )
        return paper_list.PaperList(
            state=state, heading=words("list-saved-heading", count=total), rows=tuple(rows), total=total
        )

    async def _people(self, words: Words, state: list_state.ListState) -> tuple[paper_list.Suggestion, ...]:
        """Return the author whose name somebody may have typed as a topic."""
        found = await self._services.lookup.author(state.text, limit=1)
        if found.author is None or len(found.author) > list_state.LONGEST_TEXT:
            return ()
        label = words("rule-author", text=escape.plain(found.author))
        return (paper_list.Suggestion(label, list_state.ListState(list_state.ListKind.AUTHOR, found.author)),)

    async def _unknown(self, words: Words, state: list_state.ListState) -> paper_list.PaperList:
        """Return the empty list of an author whom nobody knows; what was typed may have been a topic."""
        topic = list_state.ListState(list_state.ListKind.TOPIC, state.text, token=state.token)
        found = await self._services.lookup.search(state.text, limit=1)
        suggestion = paper_list.Suggestion(words("as-a-topic", count=found.total), topic)
        return paper_list.PaperList(
            state, heading="", rows=(), total=0, suggestions=(suggestion,) if _is_found(found) else ()
        )

    async def _known_topics(self, words: Words) -> tuple[paper_list.Suggestion, ...]:
        """Return what the archive says most about, for whoever asked for something that is like nothing."""
        lookup = self._services.lookup
        if not (await lookup.extent()).papers:
            return ()
        offered = await lookup.complete_topic("", words.locale)
        return self._others(list_state.ListState(list_state.ListKind.TOPIC), [one.value for one in offered])

    def _since(self, period: list_state.Period) -> date | None:
        days = DAYS.get(period)
        return None if days is None else self._services.clock().date() - timedelta(days=days)

    def _others(self, state: list_state.ListState, texts: Sequence[str]) -> tuple[paper_list.Suggestion, ...]:
        """Return other words or names as lists of the same kind; those too long for a button are left out."""
        plain = [escape.plain(text) for text in texts]
        fresh = state.with_(page=0, token="", literal=False)
        return tuple(
            paper_list.Suggestion(text, fresh.with_(text=text))
            for text in dict.fromkeys(plain)
            if 0 < len(text) <= list_state.LONGEST_TEXT and text != state.text
        )[:MOST_SUGGESTIONS]


def _is_found(found: results.SearchResult) -> bool:
    return found.total > 0 and not found.partial


def _offset(state: list_state.ListState) -> int:
    return state.page * list_state.PAGE_SIZE


def _words(text: str) -> tuple[str, ...]:
    """Return the words that are sought one by one: those left out and the filters are none."""
    return tuple(word for word in text.split() if not word.startswith("-") and ":" not in word)[:6]
