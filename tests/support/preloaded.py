"""Load what every bot process loads at startup. The fork server imports this, so forks have it already."""

from datetime import timedelta
from functools import lru_cache

from fluent.runtime import FluentResource

from bot.app import front
from bot.client import texts as client_texts
from bot.client import translations
from bot.search import index as search_index
from bot.sources import arxiv
from storage import models

parse_resource = lru_cache(FluentResource)
vars(translations)["FluentResource"] = parse_resource
arxiv.SECONDS_PER_REQUEST = 0.0  # arXiv is on loopback
front.FOLLOW_EVERY, front.FOLLOW_JITTER_SECONDS = timedelta(seconds=2), 1
for locale in models.Locale:
    parse_resource(client_texts.read_source(locale))
search_index.prepare()
