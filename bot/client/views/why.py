"""`/why`: why a paper was or was not posted in the channel, one block per subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discord import ui

from bot.client.components import custom_ids, message_builder
from bot.client.translations import Texts
from bot.client.views import daily_post, notices, schedule_text, subscriptions
from bot.client.views.papers import paper_text
from bot.client.views.post_text import MentionLookup
from bot.rendering.discord_text import limits
from bot.services.daily import styles
from bot.services.daily.why import WhyAnswer
from bot.services.daily.why_decision import Cause, Explanation
from storage import models

MAX_SUBSCRIPTIONS = 5
MAX_CHANNELS = 10
PROBLEM_CAUSES = frozenset({Cause.NOT_DELIVERED, Cause.STOPPED})
CAUSE_TEXT_IDS: Mapping[Cause, str] = {
    Cause.POSTED: "why-posted",
    Cause.UNDER_WAY: "why-under-way",
    Cause.NOT_DELIVERED: "why-held",
    Cause.TOO_FEW_VOTES: "why-too-few-votes",
    Cause.VOTES_UNKNOWN: "why-votes-unknown",
    Cause.BELOW_TOP: "why-below-top",
    Cause.OFF_TOPIC: "why-off-topic",
    Cause.NOT_CHOSEN_THEN: "why-not-then",
    Cause.NOT_RECORDED: "why-not-recorded",
    Cause.FIRST_POST: "why-first-post",
    Cause.UPCOMING: "why-coming",
    Cause.SETTLING: "why-settling",
    Cause.CLOSING: "why-closing",
    Cause.STOPPED: "why-stopped",
    Cause.SUPERSEDED: "why-superseded",
    Cause.BEFORE_SUBSCRIPTION: "why-before-subscription",
    Cause.TOO_OLD: "why-too-old",
}
"""Fluent ids. Every text gets the same values and uses those that it needs."""


def why_view(
    texts: Texts, paper: models.PaperDetail, answer: WhyAnswer, *, guild_id: int, mention: MentionLookup
) -> ui.LayoutView:
    """Return the answer for a paper of the archive."""
    explanations, other_channel_ids = answer
    has_problem = any(explanation.cause in PROBLEM_CAUSES for explanation in explanations)
    accent = message_builder.RED if has_problem else message_builder.AMBER
    message = message_builder.MessageBuilder(accent)
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url)
    newest = texts("nearest-digest", date=paper.last_on.isoformat())
    message.add_text(f"### {title}\n{paper_text.join_dotted(paper_text.format_votes(paper.votes), newest)}")
    message.add_separator()
    for explanation in explanations[:MAX_SUBSCRIPTIONS]:
        message.add_text(_explanation_text(texts, explanation, guild_id, mention))
    if len(explanations) > MAX_SUBSCRIPTIONS:
        message.add_text(texts("and-more", count=len(explanations) - MAX_SUBSCRIPTIONS))
    if not paper.appearances:
        message.add_text(texts("why-not-listed", paper=paper.arxiv_id))
    if other_channel_ids is not None:
        message.add_text(_no_subscription_text(texts, other_channel_ids, mention))
    read = None
    if limits.utf8_bytes(paper.arxiv_id) <= limits.CUSTOM_ID // 2:
        read = message_builder.button(texts("read"), custom_ids.pack(daily_post.OPEN_PAPER, paper.arxiv_id))
    message.add_buttons(read, notices.status_button(texts))
    return message.view


def unknown_paper_view(texts: Texts, arxiv_id: str) -> ui.LayoutView:
    """Return the answer for a paper that is not in the archive."""
    text = texts("why-not-listed", paper=paper_text.escape_untrusted(arxiv_id))
    return notices.text_view(text, notices.status_button(texts))


def _no_subscription_text(texts: Texts, channel_ids: Sequence[int], mention: MentionLookup) -> str:
    if not channel_ids:
        return texts("why-no-subscription", command=mention("daily setup"))
    channels = ", ".join(f"<#{channel_id}>" for channel_id in channel_ids[:MAX_CHANNELS])
    return texts("why-no-subscription-here", channels=channels)


def _explanation_text(texts: Texts, explanation: Explanation, guild_id: int, mention: MentionLookup) -> str:
    subscription, cause = explanation.subscription, explanation.cause
    if subscription is None:
        heading = texts("why-former-order")
    else:
        schedule = schedule_text.format_schedule(texts, subscription)
        topic = paper_text.escape_untrusted(subscriptions.short_topic(subscription)) or None
        heading = paper_text.join_dotted(topic, schedule, texts(f"style-{subscription.style.value}"))
    lines = [f"**{heading}**", _cause_text(texts, explanation, guild_id)]
    if cause is Cause.NOT_DELIVERED and explanation.delivery is not None:
        lines.append(notices.reason_text(texts, explanation.delivery.reason))
    if explanation.is_repeated:
        lines.append(paper_text.subtext(texts("why-repeated")))
    if (
        explanation.may_change
        and explanation.at is not None
        and cause not in (Cause.UPCOMING, Cause.SETTLING, Cause.CLOSING)
    ):
        at = schedule_text.format_timestamp(explanation.at, "R")
        lines.append(paper_text.subtext(texts("why-may-change", at=at)))
    if cause in (Cause.TOO_FEW_VOTES, Cause.BELOW_TOP, Cause.OFF_TOPIC, Cause.TOO_OLD):
        lines.append(paper_text.subtext(texts("why-edit", command=mention("daily edit"))))
    return "\n".join(lines)


def _cause_text(texts: Texts, explanation: Explanation, guild_id: int) -> str:
    subscription, delivery, cause = explanation.subscription, explanation.delivery, explanation.cause
    at_style = "f" if cause is Cause.POSTED else "R"
    values: dict[str, str | int] = {
        "date": explanation.digest_on.isoformat() if explanation.digest_on else "–",
        "at": schedule_text.format_timestamp(explanation.at, at_style) if explanation.at else "",
        "rank": explanation.rank,
        "total": explanation.candidate_count,
        "votes": explanation.votes or 0,
        "topic": "" if subscription is None else paper_text.escape_untrusted(subscription.topic),
    }
    if cause is Cause.NOT_DELIVERED and delivery is not None:
        values["state"] = texts(f"delivery-{delivery.state.value}")
    if subscription is not None:
        values["least"] = subscription.min_votes
        values["top"] = subscription.top_n
        values["days"] = styles.window_days(subscription)
    text = texts(CAUSE_TEXT_IDS[cause], **values)
    if cause is Cause.STOPPED and subscription is not None:
        return f"{text} {subscriptions.paused_text(texts, subscription)}"
    part = explanation.part
    if cause is Cause.POSTED and part and part.message_id is not None and part.channel_id is not None:
        address = f"https://discord.com/channels/{guild_id}/{part.channel_id}/{part.message_id}"
        return f"{text} [{texts('why-see-post')}]({address})"
    return text
