"""The first schema: stories, sources, articles and their versions, verdicts, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, Json, UTCDateTime

revision = "20260915"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, in the order of the flow."""
    op.create_table(
        "story",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "slug", sa.Text, nullable=False, unique=True, comment="name in the configuration"
        ),
        sa.Column("title", sa.Text, nullable=False, comment="for people"),
        sa.Column("created_at", UTCDateTime, nullable=False),
        comment="A monitored story.",
    )
    op.create_table(
        "seed",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("story_id", BigInt, sa.ForeignKey("story.id"), nullable=False),
        sa.Column(
            "seq", sa.Integer, nullable=False, comment="1, 2, …: an edited seed is a new row"
        ),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("path", sa.Text, nullable=False, comment="file as configured"),
        sa.Column("sha256", sa.Text, nullable=False, comment="of the file's bytes"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False, comment="what is compared"),
        sa.Column("residue", sa.Text, nullable=False, comment="site residue cut from the text"),
        sa.Column("language", sa.Text, comment="ISO 639-1"),
        sa.Column("loaded_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("story_id", "seq"),
        sa.UniqueConstraint("story_id", "sha256"),
        comment="A version of a story's seed text.",
    )
    op.create_table(
        "outlet",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("domain", sa.Text, nullable=False, unique=True, comment="registered domain"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("country", sa.Text, comment="ISO 3166-1 alpha-2"),
        sa.Column("language", sa.Text, comment="ISO 639-1, of most of what it publishes"),
        comment="A publisher.",
    )
    op.create_table(
        "feed",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("outlet_id", BigInt, sa.ForeignKey("outlet.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column(
            "url_sha256", sa.Text, nullable=False, unique=True, comment="of the URL as it stands"
        ),
        sa.Column("origin", sa.Text, nullable=False, comment="config or user"),
        sa.Column(
            "state", sa.Text, nullable=False, comment="active, paused (left the config), removed"
        ),
        sa.Column("etag", sa.Text, comment="stored with the entries it vouches for"),
        sa.Column("last_modified", sa.Text),
        sa.Column("body_hash", sa.Text, comment="sha256 of the last body"),
        sa.Column("interval_seconds", sa.Float, nullable=False),
        sa.Column("next_poll_at", UTCDateTime, nullable=False),
        sa.Column("last_polled_at", UTCDateTime),
        sa.Column("last_success_at", UTCDateTime),
        sa.Column("last_full_fetch_at", UTCDateTime, comment="last unconditional fetch"),
        sa.Column("failures", sa.Float, nullable=False, comment="weighted, since the last success"),
        sa.Column("last_error", sa.Text),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.CheckConstraint("origin IN ('config', 'user')", name="origin"),
        sa.CheckConstraint("state IN ('active', 'paused', 'removed')", name="state"),
        comment="A feed and its polling state.",
    )
    op.create_index("ix_feed_due", "feed", ["state", "next_poll_at"])
    op.create_table(
        "feed_poll",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("feed_id", BigInt, sa.ForeignKey("feed.id"), nullable=False),
        sa.Column("polled_at", UTCDateTime, nullable=False),
        sa.Column(
            "outcome", sa.Text, nullable=False, comment="parsed, same-body, not-modified, failed"
        ),
        sa.Column("status", sa.Integer, comment="HTTP status"),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("new_entries", sa.Integer, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("ms", sa.Float, nullable=False),
        sa.Column("failure", sa.Text, comment="failure kind"),
        sa.Column("error", sa.Text),
        comment="One poll of a feed. Append-only.",
    )
    op.create_index("ix_feed_poll_feed_id_polled_at", "feed_poll", ["feed_id", "polled_at"])
    op.create_table(
        "candidate",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "url_key", sa.Text, nullable=False, unique=True, comment="hash of the canonical URL"
        ),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("canonical_url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("published_at", UTCDateTime),
        sa.Column("published_source", sa.Text),
        sa.Column("published_confidence", sa.Float),
        sa.Column("published_day_only", sa.Boolean),
        sa.Column("language", sa.Text),
        sa.Column("feed_id", BigInt, sa.ForeignKey("feed.id")),
        sa.Column("guid", sa.Text),
        sa.Column("seen_at", UTCDateTime, nullable=False),
        sa.Column("due_at", UTCDateTime, nullable=False),
        sa.Column("leased_until", UTCDateTime, comment="claimed by a worker until then"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="counted when claimed"),
        comment="A URL waiting to be fetched for the first time; deleted once decided.",
    )
    op.create_index("ix_candidate_due_at", "candidate", ["due_at"])
    op.create_table(
        "article",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("outlet_id", BigInt, sa.ForeignKey("outlet.id"), nullable=False),
        sa.Column("canonical_url", sa.Text, nullable=False),
        sa.Column(
            "check_url", sa.Text, nullable=False, comment="the address that answered, asked again"
        ),
        sa.Column("first_seen_at", UTCDateTime, nullable=False),
        sa.Column("published_at", UTCDateTime),
        sa.Column("published_source", sa.Text, comment="json-ld, meta, feed, url, text, given"),
        sa.Column("published_confidence", sa.Float, comment="0 to 1"),
        sa.Column("published_day_only", sa.Boolean, comment="only the day is known"),
        sa.Column("state", sa.Text, nullable=False, comment="live, gone, blocked"),
        sa.Column("state_since", UTCDateTime, nullable=False),
        sa.Column("current_version_id", BigInt, comment="version.id"),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("last_checked_at", UTCDateTime),
        sa.Column("check_interval_seconds", sa.Float, nullable=False),
        sa.Column("next_check_at", UTCDateTime, comment="null: parked"),
        sa.Column("leased_until", UTCDateTime),
        sa.CheckConstraint("state IN ('live', 'gone', 'blocked')", name="state"),
        comment="One piece of journalism.",
    )
    op.create_index("ix_article_next_check_at", "article", ["next_check_at"])
    op.create_index("ix_article_outlet_id", "article", ["outlet_id"])
    op.create_table(
        "article_url",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), nullable=False),
        sa.Column(
            "url_key", sa.Text, nullable=False, unique=True, comment="hash of the canonical URL"
        ),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="feed, redirect, canonical, given"),
        sa.Column("first_seen_at", UTCDateTime, nullable=False),
        sa.Column("last_seen_at", UTCDateTime, nullable=False),
        comment="Each URL an article is known under, and why.",
    )
    op.create_index("ix_article_url_article_id", "article_url", ["article_id"])
    op.create_table(
        "article_feed",
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), primary_key=True),
        sa.Column("feed_id", BigInt, sa.ForeignKey("feed.id"), primary_key=True),
        sa.Column("guid", sa.Text),
        sa.Column("first_seen_at", UTCDateTime, nullable=False),
        sa.Column("last_seen_at", UTCDateTime, nullable=False),
        comment="Each feed an article was seen in.",
    )
    op.create_table(
        "article_story",
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), primary_key=True),
        sa.Column("story_id", BigInt, sa.ForeignKey("story.id"), primary_key=True),
        sa.Column("score", sa.Float, nullable=False, comment="relevance, 0 to 1"),
        sa.Column(
            "rule",
            sa.Text,
            nullable=False,
            comment="names, or copies-seed when only the text said so",
        ),
        sa.Column("rule_version", sa.Text, nullable=False),
        sa.Column("matched", Json, nullable=False, comment="names found, 'group: name'"),
        sa.Column("decided_at", UTCDateTime, nullable=False),
        comment="The stories an article belongs to.",
    )
    op.create_table(
        "raw",
        sa.Column("sha256", sa.Text, primary_key=True, comment="of the decoded body"),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="zstd"),
        sa.Column("size", sa.Integer, nullable=False, comment="bytes before compression"),
        comment="A response body, stored once. Append-only.",
    )
    op.create_table(
        "version",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, comment="1, 2, … within the article"),
        sa.Column("content_hash", sa.Text, nullable=False, comment="of normalised title and text"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("byline", sa.Text),
        sa.Column("site_name", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.Text, comment="ISO 639-1"),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("published_at", UTCDateTime, comment="as this version states it"),
        sa.Column("modified_at", UTCDateTime, comment="as this version states it"),
        sa.Column("extractor", sa.Text, nullable=False),
        sa.Column("extractor_version", sa.Text, nullable=False),
        sa.Column("first_observed_at", UTCDateTime, nullable=False),
        sa.Column("last_observed_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("article_id", "seq"),
        comment="A run of equal content of an article. Only last_observed_at moves.",
    )
    op.create_index("ix_version_content_hash", "version", ["content_hash"])
    op.create_table(
        "observation",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "article_id",
            BigInt,
            sa.ForeignKey("article.id"),
            comment="null while there is no article",
        ),
        sa.Column(
            "version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            comment="what was seen, when it was seen",
        ),
        sa.Column("requested_url", sa.Text, nullable=False),
        sa.Column("final_url", sa.Text),
        sa.Column("observed_at", UTCDateTime, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="live, wayback, warc, file"),
        sa.Column(
            "outcome",
            sa.Text,
            nullable=False,
            comment="new-version, unchanged, not-modified, off-story, failed",
        ),
        sa.Column("status", sa.Integer, comment="HTTP status"),
        sa.Column("failure", sa.Text, comment="failure kind"),
        sa.Column("reason", sa.Text, comment="for people"),
        sa.Column("bytes", sa.Integer),
        sa.Column("ms", sa.Float),
        sa.Column("headers", Json),
        sa.Column("raw_sha256", sa.Text, sa.ForeignKey("raw.sha256")),
        comment="One look at a page, success or failure. Append-only.",
    )
    op.create_index(
        "ix_observation_article_id_observed_at", "observation", ["article_id", "observed_at"]
    )
    op.create_table(
        "change",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), nullable=False),
        sa.Column("from_version_id", BigInt, sa.ForeignKey("version.id"), nullable=False),
        sa.Column(
            "to_version_id", BigInt, sa.ForeignKey("version.id"), nullable=False, unique=True
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("headline_from", sa.Text),
        sa.Column("headline_to", sa.Text),
        sa.Column("sentences_added", Json, nullable=False),
        sa.Column("sentences_removed", Json, nullable=False),
        sa.Column("words_added", sa.Integer, nullable=False),
        sa.Column("words_removed", sa.Integer, nullable=False),
        comment="From one version to the next. Append-only.",
    )
    op.create_index("ix_change_article_id", "change", ["article_id"])
    op.create_table(
        "fingerprint",
        sa.Column("version_id", BigInt, sa.ForeignKey("version.id"), primary_key=True),
        sa.Column("text_hash", sa.Text, nullable=False, comment="sha256 of the normalised text"),
        sa.Column("language", sa.Text),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("shingles", sa.Integer, nullable=False, comment="how many hashes were kept"),
        sa.Column("method_version", sa.Text, nullable=False),
        comment="What finding copies of a version needs.",
    )
    op.create_index("ix_fingerprint_text_hash", "fingerprint", ["text_hash"])
    op.create_table(
        "shingle",
        sa.Column("hash", BigInt, primary_key=True, autoincrement=False),
        sa.Column("version_id", BigInt, sa.ForeignKey("version.id"), primary_key=True),
        sqlite_with_rowid=False,
        comment="FracMinHash of a version: one row a kept shingle hash.",
    )
    op.create_index("ix_shingle_version_id", "shingle", ["version_id"])
    op.create_table(
        "edge",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("child_version_id", BigInt, sa.ForeignKey("version.id"), nullable=False),
        sa.Column(
            "parent_version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            comment="null when compared with a seed",
        ),
        sa.Column(
            "seed_id", BigInt, sa.ForeignKey("seed.id"), comment="null when compared with a version"
        ),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False, comment="0 to 1, how sure"),
        sa.Column(
            "shared_child",
            sa.Float,
            nullable=False,
            comment="share of the child that the other covers",
        ),
        sa.Column(
            "shared_parent",
            sa.Float,
            nullable=False,
            comment="share of the other that the child covers",
        ),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("method_version", sa.Text, nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("decided_at", UTCDateTime, nullable=False),
        sa.CheckConstraint("(parent_version_id IS NULL) <> (seed_id IS NULL)", name="one_parent"),
        sa.UniqueConstraint("child_version_id", "parent_version_id", "method_version"),
        sa.UniqueConstraint("child_version_id", "seed_id", "method_version"),
        comment="A verdict between two versions, or a version and a seed. Append-only.",
    )
    op.create_index("ix_edge_parent_version_id", "edge", ["parent_version_id"])
    op.create_index("ix_edge_seed_id", "edge", ["seed_id"])
    op.create_table(
        "discard",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("url_key", sa.Text, nullable=False, comment="hash of the canonical URL"),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("canonical_url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False, comment="entry, fetch, extract, text"),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("rule_version", sa.Text, nullable=False, comment="a changed rule decides anew"),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("feed_id", BigInt, sa.ForeignKey("feed.id")),
        sa.Column("discarded_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("url_key", "rule_version"),
        comment="A URL seen and not kept. Append-only.",
    )
    op.create_table(
        "job_run",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("finished_at", UTCDateTime),
        sa.Column(
            "outcome", sa.Text, comment="done, failed; null while it runs or when it was killed"
        ),
        sa.Column("counts", Json, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("error", sa.Text),
        comment="One run of a scheduled job or a command.",
    )
    op.create_index("ix_job_run_started_at", "job_run", ["started_at"])


def downgrade() -> None:
    """Drop every table, those first that refer to others."""
    for name in (
        "job_run",
        "discard",
        "edge",
        "shingle",
        "fingerprint",
        "change",
        "observation",
        "version",
        "raw",
        "article_story",
        "article_feed",
        "article_url",
        "article",
        "candidate",
        "feed_poll",
        "feed",
        "outlet",
        "seed",
        "story",
    ):
        op.drop_table(name)
