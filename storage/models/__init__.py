"""Frozen records shared by every layer.

Times are aware and in UTC (`…_at`), dates end in `_on`, local clock times in `_time`. Discord ids are `int`.
An arXiv id never has a version. The imports are the list of what `models.X` offers (implicit re-export for mypy).
"""

from __future__ import annotations

from storage.models.alerts import (
    Alert,
    AlertForms,
    AlertKind,
    AlertTerm,
    AlertTiming,
    FormerNames,
    PendingAlerts,
    QueuedMatch,
)
from storage.models.digests import (
    ArchiveExtent,
    Digest,
    DigestFormat,
    DigestLocation,
    Entry,
    LocatedProblem,
    Problem,
    Section,
    SourcedDigest,
    StoredDigest,
)
from storage.models.outbox import (
    Delivery,
    DeliveryKind,
    DeliveryPlan,
    DeliveryState,
    LateDay,
    NewDelivery,
    NewPart,
    Part,
    PartKind,
    PartState,
    Priority,
    Receipt,
    ServerPickId,
    StoredPost,
)
from storage.models.papers import (
    Appearance,
    MergedPaper,
    NewsKind,
    PaperDetail,
    PaperFacts,
    PaperNews,
    PaperRow,
    PaperText,
    SavedPaper,
)
from storage.models.people import Author, Guild, Locale, Reader
from storage.models.profiles import FeedbackKind, Profile
from storage.models.search import IndexDocument
from storage.models.sources import FetchStatus, PageState, SourceKind, StoredSource
from storage.models.subscriptions import ActivityState, Style, Subscription, When
