"""Load what every bot process loads at startup. The fork server imports this, so forks have it already."""

from bot.i18n import texts as i18n_texts
from bot.search import titles
from bot.sources import arxiv
from storage import models

arxiv.SECONDS_PER_REQUEST = 0.0  # arXiv is on loopback
for locale in models.Locale:
    i18n_texts.for_locale(locale)
titles.prepare()
