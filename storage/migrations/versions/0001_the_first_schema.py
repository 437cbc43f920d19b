"""The first schema

Revision: 0001, after 
Date: 2026-11-20 10:17:24.986001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table('alerts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('channel_id', sa.BigInteger(), nullable=True, comment='NULL: by DM'),
    sa.Column('guild_id', sa.BigInteger(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False, comment="as typed by the user"),
    sa.Column('key', sa.Text(), nullable=False, comment="folded text, which identifies equal alerts"),
    sa.Column('anchor', sa.Text(), nullable=False, comment="trigger term: a token of every matching paper"),
    sa.Column('min_votes', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('paused_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_alerts_anchor'), 'alerts', ['anchor'], unique=False)
    op.create_index('ix_alerts_channel_id', 'alerts', ['channel_id'], unique=False)
    op.create_index('ix_alerts_user_id', 'alerts', ['user_id'], unique=False)
    op.create_table('authors',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('key', sa.Text(), nullable=False, comment="folded name"),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('papers', sa.Integer(), nullable=False, comment="number of papers"),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_authors')),
    sa.UniqueConstraint('key', name=op.f('uq_authors_key'))
    )
    op.create_table('digests',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('date_on', sa.Date(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False, comment='SHA-256 of the text, in hex'),
    sa.Column('raw', sa.LargeBinary(), nullable=False, comment="text, UTF-8, zlib"),
    sa.Column('problems', sa.JSON(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False, comment="starts at 1, plus 1 per correction"),
    sa.Column('ingested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digests')),
    sa.UniqueConstraint('hash', name=op.f('uq_digests_hash')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_digests_date_on', 'digests', ['date_on'], unique=False)
    op.create_table('guilds',
    sa.Column('guild_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('timezone', sa.Text(), nullable=True),
    sa.Column('installed_by', sa.BigInteger(), nullable=True),
    sa.Column('system_channel_id', sa.BigInteger(), nullable=True),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('guild_id', name=op.f('pk_guilds'))
    )
    op.create_table('meta',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_meta'))
    )
    op.create_table('papers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('arxiv_id', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('abstract', sa.Text(), nullable=True),
    sa.Column('thumbnail', sa.Text(), nullable=True),
    sa.Column('video', sa.Text(), nullable=True),
    sa.Column('code_url', sa.Text(), nullable=True),
    sa.Column('project_url', sa.Text(), nullable=True),
    sa.Column('keywords', sa.JSON(), nullable=False),
    sa.Column('categories', sa.JSON(), nullable=False),
    sa.Column('authors', sa.JSON(), nullable=False, comment="names, denormalised for lists"),
    sa.Column('authors_truncated', sa.Boolean(), nullable=False),
    sa.Column('votes', sa.Integer(), nullable=True, comment="latest reading; NULL if unknown"),
    sa.Column('votes_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first_on', sa.Date(), nullable=True, comment="first date of a digest with the paper"),
    sa.Column('last_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_papers')),
    sa.UniqueConstraint('arxiv_id', name=op.f('uq_papers_arxiv_id'))
    )
    op.create_index('ix_papers_last_on', 'papers', ['last_on'], unique=False)
    op.create_index('ix_papers_votes', 'papers', ['votes'], unique=False)
    op.create_table('readers',
    sa.Column('user_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('timezone', sa.Text(), nullable=True),
    sa.Column('dm_channel_id', sa.BigInteger(), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_readers'))
    )
    op.create_table('sources',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('url', sa.Text(), nullable=False, comment='as added'),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False, comment="the highest wins when sources disagree"),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False, comment="consecutive failures"),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('noticed_at', sa.DateTime(timezone=True), nullable=True, comment="time of the notice to the operator"),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sources')),
    sa.UniqueConstraint('url', name=op.f('uq_sources_url'))
    )
    op.create_index(op.f('ix_sources_next_attempt_at'), 'sources', ['next_attempt_at'], unique=False)
    op.create_table('subscriptions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('guild_id', sa.BigInteger(), nullable=False),
    sa.Column('channel_id', sa.BigInteger(), nullable=False),
    sa.Column('at_time', sa.Text(), nullable=False, comment="HH:MM local time"),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.Column('days', sa.Text(), nullable=False, comment='ISO weekdays, e.g. 12345'),
    sa.Column('top_n', sa.Integer(), nullable=False),
    sa.Column('min_votes', sa.Integer(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('style', sa.Text(), nullable=False),
    sa.Column('say_when_empty', sa.Boolean(), nullable=False),
    sa.Column('fresh_days', sa.Integer(), nullable=False),
    sa.Column('wait_minutes', sa.Integer(), nullable=False),
    sa.Column('settle_hours', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('created_by', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True, comment="local date of next_due_at"),
    sa.Column('waiting_for_on', sa.Date(), nullable=True),
    sa.Column('waiting_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_digest_on', sa.Date(), nullable=True, comment='date of the newest digest posted here'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriptions')),
    sa.UniqueConstraint('channel_id', 'at_time', 'timezone', 'locale', 'style', name='uq_subscriptions_same'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_subscriptions_guild_id', 'subscriptions', ['guild_id'], unique=False)
    op.create_index('ix_subscriptions_state_next_due_at', 'subscriptions', ['state', 'next_due_at'], unique=False)
    op.create_table('covered_digests',
    sa.Column('subscription_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('digest_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('covered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['digest_id'], ['digests.id'], name=op.f('fk_covered_digests_digest_id_digests'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscriptions.id'], name=op.f('fk_covered_digests_subscription_id_subscriptions'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subscription_id', 'digest_id', name=op.f('pk_covered_digests')),
    sqlite_with_rowid=False
    )
    op.create_table('deliveries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subscription_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('guild_id', sa.BigInteger(), nullable=True),
    sa.Column('channel_id', sa.BigInteger(), nullable=True, comment="destination; NULL until a DM is opened"),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('local_on', sa.Date(), nullable=True),
    sa.Column('digest_on', sa.Date(), nullable=True, comment="date of the digest shown"),
    sa.Column('papers', sa.JSON(), nullable=False, comment="arXiv ids in display order"),
    sa.Column('total', sa.Integer(), nullable=True, comment="number of candidate papers"),
    sa.Column('fingerprint', sa.Text(), nullable=True, comment="hash of the displayed content, to detect corrections"),
    sa.Column('priority', sa.Integer(), nullable=False, comment="the lowest is sent first"),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscriptions.id'], name=op.f('fk_deliveries_subscription_id_subscriptions'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('key', name=op.f('uq_deliveries_key')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_deliveries_channel_id'), 'deliveries', ['channel_id'], unique=False)
    op.create_index('ix_deliveries_state_due_at', 'deliveries', ['state', 'due_at'], unique=False)
    op.create_index(op.f('ix_deliveries_subscription_id'), 'deliveries', ['subscription_id'], unique=False)
    op.create_index(op.f('ix_deliveries_user_id'), 'deliveries', ['user_id'], unique=False)
    op.create_table('digest_places',
    sa.Column('place', sa.Text(), nullable=False, comment='path, URL or feed entry id'),
    sa.Column('source', sa.Text(), nullable=False, comment="URL of the source, or 'files'"),
    sa.Column('date_on', sa.Date(), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('digest_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False, comment="SHA-256 of the digest last found here"),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['digest_id'], ['digests.id'], name=op.f('fk_digest_places_digest_id_digests'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('place', 'source', 'date_on', 'format', name=op.f('pk_digest_places'))
    )
    op.create_index(op.f('ix_digest_places_digest_id'), 'digest_places', ['digest_id'], unique=False)
    op.create_table('entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('digest_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('votes', sa.Integer(), nullable=True),
    sa.Column('authors', sa.JSON(), nullable=False),
    sa.Column('authors_truncated', sa.Boolean(), nullable=False),
    sa.Column('thumbnail', sa.Text(), nullable=True),
    sa.Column('video', sa.Text(), nullable=True),
    sa.Column('summary_missing', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['digest_id'], ['digests.id'], name=op.f('fk_entries_digest_id_digests'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_entries_paper_id_papers'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entries')),
    sa.UniqueConstraint('digest_id', 'rank', name=op.f('uq_entries_digest_id_rank'))
    )
    op.create_index(op.f('ix_entries_paper_id'), 'entries', ['paper_id'], unique=False)
    op.create_table('facts',
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.Text(), nullable=False, comment="'huggingface', 'arxiv' or the URL of a feed"),
    sa.Column('place', sa.Text(), nullable=False, comment="URL that was read"),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('abstract', sa.Text(), nullable=True),
    sa.Column('authors', sa.JSON(), nullable=False),
    sa.Column('keywords', sa.JSON(), nullable=False),
    sa.Column('categories', sa.JSON(), nullable=False),
    sa.Column('thumbnail', sa.Text(), nullable=True),
    sa.Column('code_url', sa.Text(), nullable=True),
    sa.Column('project_url', sa.Text(), nullable=True),
    sa.Column('published_on', sa.Date(), nullable=True),
    sa.Column('listed_on', sa.Date(), nullable=True, comment="date of the service's list with the paper"),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_facts_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('paper_id', 'source', name=op.f('pk_facts'))
    )
    op.create_table('former_hashes',
    sa.Column('hash', sa.Text(), nullable=False, comment="SHA-256 of a text before a correction"),
    sa.Column('digest_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['digest_id'], ['digests.id'], name=op.f('fk_former_hashes_digest_id_digests'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_former_hashes'))
    )
    op.create_index(op.f('ix_former_hashes_digest_id'), 'former_hashes', ['digest_id'], unique=False)
    op.create_table('paper_authors',
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False, comment="name as written in the source"),
    sa.ForeignKeyConstraint(['author_id'], ['authors.id'], name=op.f('fk_paper_authors_author_id_authors'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_paper_authors_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('paper_id', 'position', name=op.f('pk_paper_authors'))
    )
    op.create_index(op.f('ix_paper_authors_author_id'), 'paper_authors', ['author_id'], unique=False)
    op.create_table('saved_papers',
    sa.Column('user_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_saved_papers_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'paper_id', name=op.f('pk_saved_papers'))
    )
    op.create_table('source_pages',
    sa.Column('source_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('etag', sa.Text(), nullable=True),
    sa.Column('last_modified', sa.Text(), nullable=True),
    sa.Column('hash', sa.Text(), nullable=True),
    sa.Column('moved_to', sa.Text(), nullable=True, comment="target of a permanent redirect"),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['sources.id'], name=op.f('fk_source_pages_source_id_sources'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('source_id', 'place', name=op.f('pk_source_pages'))
    )
    op.create_table('votes',
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.Text(), nullable=False, comment="service; votes from digests are in entries"),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('votes', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_votes_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('paper_id', 'source', 'read_at', name=op.f('pk_votes'))
    )
    op.create_table('had_papers',
    sa.Column('channel_id', sa.BigInteger(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('had_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('fk_had_papers_delivery_id_deliveries'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_had_papers_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('channel_id', 'locale', 'paper_id', name=op.f('pk_had_papers')),
    sqlite_with_rowid=False
    )
    op.create_table('parts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), nullable=False),
    sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('payload', sa.Text(), nullable=True, comment="JSON body, cleared 30 days after the delivery ended"),
    sa.Column('fallback', sa.Text(), nullable=True, comment="plain form, sent if Discord refuses the payload"),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('first_attempt_at', sa.DateTime(timezone=True), nullable=True, comment="first attempt that Discord may have accepted"),
    sa.Column('last_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('channel_id', sa.BigInteger(), nullable=True, comment="channel, thread or DM of the sent message"),
    sa.Column('message_id', sa.BigInteger(), nullable=True),
    sa.Column('error_code', sa.Integer(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('fk_parts_delivery_id_deliveries'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parts')),
    sa.UniqueConstraint('delivery_id', 'position', name=op.f('uq_parts_delivery_id_position')),
    sa.UniqueConstraint('nonce', name=op.f('uq_parts_nonce'))
    )
    op.create_index('ix_parts_state_next_attempt_at', 'parts', ['state', 'next_attempt_at'], unique=False)
    op.create_table('sections',
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('heading', sa.Text(), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_sections_entry_id_entries'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('entry_id', 'position', name=op.f('pk_sections'))
    )
    op.create_table('told_papers',
    sa.Column('recipient', sa.Text(), nullable=False, comment="'user:<id>' or 'channel:<id>'"),
    sa.Column('paper_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('fk_told_papers_delivery_id_deliveries'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['paper_id'], ['papers.id'], name=op.f('fk_told_papers_paper_id_papers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('recipient', 'paper_id', name=op.f('pk_told_papers')),
    sqlite_with_rowid=False
    )


def downgrade() -> None:
    """Not supported: the copy made before the upgrade is restored instead."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
