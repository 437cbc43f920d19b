"""/why: what became of a paper in this channel, a block for each of its daily posts."""

from __future__ import annotations

from datetime import date

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Words
from bot.client.views import daily_post, notices, paper_text, schedule_text, subscriptions
from bot.client.views.post_text import Mention
from bot.rendering.discord_text import limits
from bot.services.daily.why import WhyAnswer
from bot.services.daily.why_decision import Because, Cause
from storage import models

MOST_ORDERS = 5
MOST_CHANNELS = 10
TROUBLED = frozenset({Cause.HELD, Cause.STOPPED})


def why_view(words: Words, answer: WhyAnswer, *, guild_id: int, mention: Mention) -> ui.LayoutView:
    """Return the answer for a paper that is known."""
    troubled = any(one.cause in TROUBLED for one in answer.because)
    message = message_builder.Sheet(accent=message_builder.RED if troubled else message_builder.AMBER)
    paper = answer.paper
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url)
    message.text(f"### {title}\n{paper_text.joined(paper_text.votes(paper.votes), _last_on(words, paper))}")
    message.rule()
    for one in answer.because[:MOST_ORDERS]:
        message.text(_block(words, one, guild_id, mention))
    if len(answer.because) > MOST_ORDERS:
        message.text(words("and-more", count=len(answer.because) - MOST_ORDERS))
    if not paper.appearances:
        message.text(words("why-not-listed", paper=paper.arxiv_id))
    if not answer.has_order:
        message.text(_without_order(words, answer, mention))
    read = None
    if limits.utf8_bytes(paper.arxiv_id) <= limits.CUSTOM_ID // 2:
        read = message_builder.button(words("read"), custom_ids.pack(daily_post.OPEN_ONE, paper.arxiv_id))
    message.buttons(read, message_builder.button(words("see-status"), custom_ids.pack(notices.STATUS)))
    return message.view


def unlisted_view(words: Words, arxiv_id: str) -> ui.LayoutView:
    """Return the answer for a paper of which nothing is known."""
    return notices.plain_view(
        words("why-not-listed", paper=paper_text.quoted(arxiv_id)),
        message_builder.button(words("see-status"), custom_ids.pack(notices.STATUS)),
    )


def _last_on(words: Words, paper: models.PaperDetail) -> str:
    return words("nearest-digest", date=paper.last_on.isoformat())


def _without_order(words: Words, answer: WhyAnswer, mention: Mention) -> str:
    if not answer.elsewhere:
        return words("why-no-order", command=mention("daily setup"))
    shown = ", ".join(f"<#{channel_id}>" for channel_id in answer.elsewhere[:MOST_CHANNELS])
    return words("why-no-order-here", channels=shown)


def _block(words: Words, one: Because, guild_id: int, mention: Mention) -> str:
    order = one.subscription
    if order is None:
        heading = words("why-former-order")
    else:
        when = schedule_text.when(words, order.at_time, order.timezone, order.days)
        heading = paper_text.joined(when, words(f"style-{order.style.value}"))
    lines = [f"**{heading}**", _sentence(words, one, guild_id)]
    if one.cause is Cause.HELD and one.delivery is not None:
        lines.append(notices.reason_text(words, one.delivery.reason))
    if one.repeated:
        lines.append(paper_text.small(words("why-repeated")))
    if one.is_open and one.at is not None and one.cause not in (Cause.COMING, Cause.SETTLING):
        lines.append(paper_text.small(words("why-may-change", at=subscriptions.moment(one.at, "R"))))
    if one.cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.TOO_OLD):
        lines.append(paper_text.small(words("why-edit", command=mention("daily edit"))))
    return "\n".join(lines)


def _sentence(words: Words, one: Because, guild_id: int) -> str:
    on = _iso(one.digest_on)
    match one.cause:
        case Cause.POSTED:
            return _posted(words, one, guild_id)
        case Cause.UNDER_WAY:
            return words("why-under-way")
        case Cause.HELD if one.delivery is not None:
            return words("why-held", date=on, state=words(f"delivery-{one.delivery.state.value}"))
        case Cause.COMING:
            at = subscriptions.moment(one.at, "R") if one.at is not None else ""
            return words("why-coming", rank=one.rank, total=one.of, at=at)
        case Cause.SETTLING:
            at = subscriptions.moment(one.at, "R") if one.at is not None else ""
            return words("why-settling", date=on, at=at)
        case Cause.FIRST_POST:
            return words("why-first-post")
    return _not_chosen(words, one, on)


def _not_chosen(words: Words, one: Because, on: str) -> str:
    order = one.subscription
    assert order is not None  # only what was posted or planned has an order that may be gone
    match one.cause:
        case Cause.TOO_FEW_VOTES:
            return words("why-too-few-votes", date=on, votes=one.votes or 0, least=order.min_votes)
        case Cause.VOTES_UNKNOWN:
            return words("why-votes-unknown", least=order.min_votes)
        case Cause.BELOW_TOP:
            return words("why-below-top", date=on, rank=one.rank, total=one.of, top=order.top_n)
        case Cause.NOT_THEN:
            return words("why-not-then", date=on)
        case Cause.STOPPED:
            return f"{words('why-stopped')} {notices.reason_text(words, order.reason)}"
        case Cause.OVERTAKEN:
            return words("why-overtaken", date=on)
        case Cause.BEFORE_ORDER:
            return words("why-before-order", date=on)
    days = 7 if order.style is models.Style.WEEKLY else order.fresh_days
    return words("why-too-old", date=on, days=days)


def _posted(words: Words, one: Because, guild_id: int) -> str:
    at = subscriptions.moment(one.at, "f") if one.at is not None else ""
    part = one.part
    if part is None or part.message_id is None or part.channel_id is None:
        return words("why-posted", at=at)
    address = f"https://discord.com/channels/{guild_id}/{part.channel_id}/{part.message_id}"
    return f"{words('why-posted', at=at)} [{words('why-see-post')}]({address})"


def _iso(on: date | None) -> str:
    return "–" if on is None else on.isoformat()
