"""/why: what became of a paper in this channel, a block for each of its daily posts."""

from __future__ import annotations

from datetime import date

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import daily_post, notices, paper_text, schedule_text, subscriptions
from bot.client.views.post_text import MentionLookup
from bot.rendering.discord_text import limits
from bot.services.daily import styles
from bot.services.daily.why import WhyAnswer
from bot.services.daily.why_decision import Cause, Explanation
from storage import models

MAX_SUBSCRIPTIONS = 5
MAX_CHANNELS = 10
PROBLEM_CAUSES = frozenset({Cause.NOT_DELIVERED, Cause.STOPPED})


def why_view(texts: Texts, answer: WhyAnswer, *, guild_id: int, mention: MentionLookup) -> ui.LayoutView:
    """Return the answer for a paper that is known."""
    troubled = any(one.cause in PROBLEM_CAUSES for one in answer.explanations)
    message = message_builder.MessageBuilder(
        accent=message_builder.RED if troubled else message_builder.AMBER
    )
    paper = answer.paper
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url)
    message.add_text(
        f"### {title}\n{paper_text.join_dotted(paper_text.format_votes(paper.votes), _last_digest_text(texts, paper))}"
    )
    message.add_separator()
    for one in answer.explanations[:MAX_SUBSCRIPTIONS]:
        message.add_text(_explanation_text(texts, one, guild_id, mention))
    if len(answer.explanations) > MAX_SUBSCRIPTIONS:
        message.add_text(texts("and-more", count=len(answer.explanations) - MAX_SUBSCRIPTIONS))
    if not paper.appearances:
        message.add_text(texts("why-not-listed", paper=paper.arxiv_id))
    if not answer.has_subscription:
        message.add_text(_no_subscription_text(texts, answer, mention))
    read = None
    if limits.utf8_bytes(paper.arxiv_id) <= limits.CUSTOM_ID // 2:
        read = message_builder.button(texts("read"), custom_ids.pack(daily_post.OPEN_PAPER, paper.arxiv_id))
    message.add_buttons(
        read, message_builder.button(texts("see-status"), custom_ids.pack(notices.SHOW_STATUS))
    )
    return message.view


def unknown_paper_view(texts: Texts, arxiv_id: str) -> ui.LayoutView:
    """Return the answer for a paper of which nothing is known."""
    return notices.text_view(
        texts("why-not-listed", paper=paper_text.escape_untrusted(arxiv_id)),
        message_builder.button(texts("see-status"), custom_ids.pack(notices.SHOW_STATUS)),
    )


def _last_digest_text(texts: Texts, paper: models.PaperDetail) -> str:
    return texts("nearest-digest", date=paper.last_on.isoformat())


def _no_subscription_text(texts: Texts, answer: WhyAnswer, mention: MentionLookup) -> str:
    if not answer.other_channel_ids:
        return texts("why-no-order", command=mention("daily setup"))
    shown = ", ".join(f"<#{channel_id}>" for channel_id in answer.other_channel_ids[:MAX_CHANNELS])
    return texts("why-no-order-here", channels=shown)


def _explanation_text(texts: Texts, one: Explanation, guild_id: int, mention: MentionLookup) -> str:
    order = one.subscription
    if order is None:
        heading = texts("why-former-order")
    else:
        when = schedule_text.format_schedule(texts, order.at_time, order.timezone, order.days)
        heading = paper_text.join_dotted(when, texts(f"style-{order.style.value}"))
    lines = [f"**{heading}**", _cause_text(texts, one, guild_id)]
    if one.cause is Cause.NOT_DELIVERED and one.delivery is not None:
        lines.append(notices.reason_text(texts, one.delivery.reason))
    if one.is_repeated:
        lines.append(paper_text.subtext(texts("why-repeated")))
    if one.may_change and one.at is not None and one.cause not in (Cause.UPCOMING, Cause.SETTLING):
        lines.append(
            paper_text.subtext(texts("why-may-change", at=subscriptions.format_timestamp(one.at, "R")))
        )
    if one.cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.TOO_OLD):
        lines.append(paper_text.subtext(texts("why-edit", command=mention("daily edit"))))
    return "\n".join(lines)


def _cause_text(texts: Texts, one: Explanation, guild_id: int) -> str:
    on = _iso(one.digest_on)
    match one.cause:
        case Cause.POSTED:
            return _posted_text(texts, one, guild_id)
        case Cause.UNDER_WAY:
            return texts("why-under-way")
        case Cause.NOT_DELIVERED if one.delivery is not None:
            return texts("why-held", date=on, state=texts(f"delivery-{one.delivery.state.value}"))
        case Cause.UPCOMING:
            at = subscriptions.format_timestamp(one.at, "R") if one.at is not None else ""
            return texts("why-coming", rank=one.rank, total=one.candidate_count, at=at)
        case Cause.SETTLING:
            at = subscriptions.format_timestamp(one.at, "R") if one.at is not None else ""
            return texts("why-settling", date=on, at=at)
        case Cause.FIRST_POST:
            return texts("why-first-post")
    return _not_selected_text(texts, one, on)


def _not_selected_text(texts: Texts, one: Explanation, on: str) -> str:
    order = one.subscription
    assert order is not None  # only what was posted or planned has an order that may be gone
    match one.cause:
        case Cause.TOO_FEW_VOTES:
            return texts("why-too-few-votes", date=on, votes=one.votes or 0, least=order.min_votes)
        case Cause.VOTES_UNKNOWN:
            return texts("why-votes-unknown", least=order.min_votes)
        case Cause.BELOW_TOP:
            return texts("why-below-top", date=on, rank=one.rank, total=one.candidate_count, top=order.top_n)
        case Cause.NOT_CHOSEN_THEN:
            return texts("why-not-then", date=on)
        case Cause.NOT_RECORDED:
            return texts("why-not-recorded", date=on)
        case Cause.STOPPED:
            return f"{texts('why-stopped')} {notices.reason_text(texts, order.reason)}"
        case Cause.SUPERSEDED:
            return texts("why-overtaken", date=on)
        case Cause.BEFORE_SUBSCRIPTION:
            return texts("why-before-order", date=on)
    return texts("why-too-old", date=on, days=styles.window_days(order))


def _posted_text(texts: Texts, one: Explanation, guild_id: int) -> str:
    at = subscriptions.format_timestamp(one.at, "f") if one.at is not None else ""
    part = one.part
    if part is None or part.message_id is None or part.channel_id is None:
        return texts("why-posted", at=at)
    address = f"https://discord.com/channels/{guild_id}/{part.channel_id}/{part.message_id}"
    return f"{texts('why-posted', at=at)} [{texts('why-see-post')}]({address})"


def _iso(on: date | None) -> str:
    return "–" if on is None else on.isoformat()
