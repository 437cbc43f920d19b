"""The draft that the fields of a form give."""

from __future__ import annotations

from dataclasses import replace

from bot.alerts import options as alerts_options
from bot.lists import follow
from storage import models


def test_a_form_keeps_the_papers_of_an_alert_which_have_no_field() -> None:
    paper = models.AlertTerm(models.AlertKind.PAPER, "2505.04321")
    word = models.AlertTerm(models.AlertKind.KEYWORD, "robots")
    draft = replace(follow.EMPTY_DRAFT, terms=(paper, models.AlertTerm(models.AlertKind.KEYWORD, "old")))
    assert alerts_options.apply_conditions(draft, {"keyword": "robots"}).terms == (word, paper)
