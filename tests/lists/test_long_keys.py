"""Papers whose key is as long as a key may be: every view of them, its buttons and menus, and those sent before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from simcord.components import walk_components

from bot.app.workers import Workers
from bot.archive import listing, schemes
from bot.client import message_builder
from bot.client.custom_ids import unpack_custom_id
from bot.core.clock import latest_date
from bot.outbox.contents import RenderedPart
from storage import archive, models, papers
from tests.support import digest_builders, payload_checks, rendered_posts
from tests.support.client_harness import (
    ClientHarness,
    component_ids,
    post_daily,
    raw_components,
    send_parts,
    shown_text,
)
from tests.test_crawl import Crawler

SITE = "https://openaccess.thecvf.com/content"
MOST = 250
"""docs/sources.md, *Papers outside arXiv*."""


def _key(number: int, length: int = MOST) -> str:
    """Return a key as CVF's are, with a title of this number."""
    begin = f"cvf/CVPR2026/Kim_{number}_Editing_Long_Videos"
    return begin + "_of_Moss" * ((length - len(begin)) // 8) + "x" * ((length - len(begin)) % 8)


FIRST, SECOND = _key(1), _key(2)
COMMANDS: list[tuple[str, dict[str, str]]] = [
    *(("paper", {"paper": FIRST}), ("saved", {}), ("saved", {"list": "server"}), ("today", {})),
    *(("digest", {}), ("top", {}), ("topic", {"query": "moss"}), ("author", {"name": "Ada Byron"})),
    *(
        ("ask", {"paper": FIRST, "question": "When does moss grow?"}),
        ("ask", {"question": "When does moss grow?"}),
    ),
    *(("alerts add", {"keyword": "moss"}), ("why", {"paper": FIRST}), ("club list", {}), ("status", {})),
]


async def _list_papers(harness: ClientHarness, *keys: str) -> dict[str, int]:
    """Store a list of the day with papers under these keys. Returns their ids."""
    authors = ["Ada Byron", *(f"Grace Hopper {number}" for number in range(40))]
    abstract = "Moss grows at night. " * 90
    rows = [
        {
            "key": key,
            "title": f"Moss at Night {number}",
            "votes": 99 - number,
            "abstract": abstract,
            "authors": authors,
        }
        for number, key in enumerate(keys)
    ]
    digest = listing.build(date(2026, 1, 1), rows, form=models.DigestFormat.LIST)
    await Workers(harness.container).ingest.put("https://f.example", "u", [digest])
    return await harness.container.database.fetch(papers.get_ids, keys)


def test_a_key_has_up_to_250_bytes() -> None:
    """Half of CVF's titles make keys of over 90 characters."""
    for key in (FIRST, _key(3, 91)):
        page = schemes.page_url(key)
        assert page.startswith(f"{SITE}/CVPR2026/html/Kim_")
        assert schemes.find_keys(f"see {page}.") == [key] == [schemes.read_key(key)]
    assert schemes.read_key(f"{FIRST}x") is None
    assert schemes.read_key(f"{FIRST[:-1]}é") is None, "a file's name has 255 bytes"
    doi = f"10.1234/{'a(b)' * 59}x"
    assert schemes.find_keys(f"https://doi.org/{doi}") == [f"doi/{doi}"]
    assert schemes.find_keys("https://doi.org/" + doi.replace("(", "%28").replace(")", "%29")) == [
        f"doi/{doi}"
    ]


def _list_verbs(posts: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Return the verbs of the controls of each message of posts, whose size is checked."""
    renderer, verbs = rendered_posts.new_renderer(), dict[str, list[list[str]]]()
    for name, post in posts.items():
        verbs[name] = []
        for message in rendered_posts.messages(renderer.render(post)):
            if not {"content", "components", "embeds"} & {*message}:
                continue  # it pins a message or takes it out
            payload_checks.check_message(message)
            assert len(message.get("content") or "") <= 2_000 - 64, "a marker has up to 64 characters"
            custom_ids = [each.get("custom_id") for each in walk_components(message.get("components") or ())]
            verbs[name].append([unpack_custom_id(custom_id).verb for custom_id in filter(None, custom_ids)])
    return verbs


@pytest.mark.parametrize("locale", models.Locale)
def test_a_post_of_each_kind_has_all_its_controls_with_the_longest_keys(locale: models.Locale) -> None:
    """With the longest marker; also of as many papers as a post has, and in the plain form of what Discord refuses."""

    def post(style: models.Style, key: Callable[[int], str]) -> Any:
        numbers = range(1, 10 if style is models.Style.ANNOUNCEMENT else 26)
        many = (replace(rendered_posts.paper(number), title=None, key=key(number)) for number in numbers)
        return rendered_posts.daily(tuple(many), style=style, locale=locale)

    def make(key: Callable[[int], str]) -> dict[str, Any]:
        of_style = {f"many papers as {style}": post(style, key) for style in models.Style}
        return rendered_posts.each_kind("moss", locale, (key(1), key(2))) | of_style

    verbs = _list_verbs(make(_key))
    assert verbs == _list_verbs(make(lambda number: f"2502.{number:05}"))
    assert any("o" in message for message in verbs["a post as cards"])


async def test_each_control_of_a_paper_with_the_longest_key_works(harness: ClientHarness) -> None:
    """Of posts of all kinds, of each command's answer, and of a mention's in a thread."""
    by, database = harness.manager, harness.container.database
    ids = await _list_papers(harness, FIRST, SECOND)
    assert len(ids) == 2
    card = await harness.ask("paper", by=by, paper=FIRST)
    assert "Moss at Night 0" in shown_text(card)
    await harness.press(card, "save", by=by)
    await harness.press(card, "list-add", by=by)
    await harness.set_up_club(channel=harness.channel, day="fri", time="17:00 UTC")
    crawler = Crawler(harness, by)

    async def deliver(part: RenderedPart) -> Any:
        return await send_parts(harness, harness.channel.id, part)

    for name, made in rendered_posts.each_kind("moss", harness.texts.locale, (FIRST, SECOND)).items():
        for place, part in enumerate(harness.container.renderer.render(made)):
            if part.kind is models.PartKind.MESSAGE:
                await crawler.crawl(f"{name}, message {place}", partial(deliver, part), depth=2)
    for name, options in COMMANDS:
        crawler.pressed.clear()
        await crawler.crawl(f"/{name} {options}", lambda: harness.ask(name, by=by, **options), depth=2)  # noqa: B023
    assert not crawler.faults, "\n".join(crawler.faults)
    assert {
        *("o", "save", "list", "sim", "fo", "qa", "qas", "qam", "dis", "open", "lists", "tm", "sn", "snm")
    } <= crawler.verbs
    assert await database.fetch(archive.list_dates, until_on=latest_date(harness.env.now()))


async def test_a_choice_of_autocomplete_with_the_longest_key_opens_the_paper(harness: ClientHarness) -> None:
    await _list_papers(harness, FIRST)
    choices = await harness.reader.autocomplete(harness.channel, "paper", "paper", "moss at")
    [choice] = [choice for choice in choices if "Moss at Night" in choice["name"]]
    assert "Moss at Night 0" in shown_text(await harness.ask("paper", paper=choice["value"]))


def _offer(*custom_ids: str) -> RenderedPart:
    """Return a message with buttons."""
    buttons = (message_builder.button(f"{number}", custom_id) for number, custom_id in enumerate(custom_ids))
    [part] = message_builder.render_message(message_builder.text_view("Sent before", *buttons), {})
    return part


async def test_a_button_stays_answered_that_was_sent_before_the_paper_was_joined(
    harness: ClientHarness,
) -> None:
    """Also one of a former version, with the whole key."""
    former = _key(4, 77)
    await _list_papers(harness, FIRST, former)
    post = await post_daily(harness, style=models.Style.CARDS, top_n=1)
    [opening] = [id_ for id_ in component_ids(post) if "/o:" in id_]
    sent = await send_parts(harness, harness.channel.id, _offer(f"pr:o:{former}", f"pr:save:1:-:{former}"))
    assert "Moss at Night 1" in shown_text(await harness.press(sent, label="0"))
    for number, key in enumerate((FIRST, former), 1):
        fact = models.PaperFacts(
            f"2501.0901{number}",
            "arxiv",
            "u",
            harness.env.now(),
            title=f"Moss at Night {number - 1}",
            names=(key,),
        )
        await digest_builders.add_facts(harness.container.database, fact)
    shown = shown_text(await harness.press(post, custom_id=opening))
    assert "Moss at Night 0" in shown
    assert "2501\\.09011" in shown
    for label in ("0", "1"):
        assert harness.texts("outdated-control") not in shown_text(await harness.press(sent, label=label))
    assert "2501\\.09012" in shown_text(await harness.press(sent, label="0"))
    marked = [part for part in raw_components(await harness.ask("saved")) if part.get("options")]
    assert "2501.09012" in str(marked)


async def test_a_control_whose_id_is_too_long_is_left_out(harness: ClientHarness) -> None:
    """Docstring of `pack_custom_id`."""
    sent = await send_parts(harness, harness.channel.id, _offer("pr:status", f"pr:o:{'x' * 96}"))
    assert component_ids(sent) == ["pr:status"]
