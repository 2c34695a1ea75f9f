"""Every table, in the order of the flow.

Identity is neither URL nor hash. Tables marked append-only are never updated; the others say
which columns move. The comments are the data dictionary.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from storage.columns import BigInt, Json, UTCDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInt, primary_key=True, autoincrement=True)


def _recorded(comment: str) -> Column[datetime]:
    """The second clock: when we learned it, beside when it was so."""
    return Column(
        "recorded_at",
        UTCDateTime,
        nullable=False,
        server_default=func.current_timestamp(),
        comment=comment,
    )


# ---------------------------------------------------------------- stories

story = Table(
    "story",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True, comment="name in the configuration"),
    Column("title", Text, nullable=False, comment="for people"),
    Column("created_at", UTCDateTime, nullable=False),
    comment="A monitored story.",
)

seed = Table(
    "seed",
    metadata,
    _id(),
    Column("story_id", ForeignKey("story.id"), nullable=False),
    Column("seq", Integer, nullable=False, comment="1, 2, …: an edited seed is a new row"),
    Column("is_current", Boolean, nullable=False),
    Column("path", Text, nullable=False, comment="file as configured"),
    Column("sha256", Text, nullable=False, comment="of the file's bytes"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False, comment="what is compared"),
    Column("residue", Text, nullable=False, comment="site residue cut from the text"),
    Column("language", Text, comment="ISO 639-1"),
    Column("loaded_at", UTCDateTime, nullable=False),
    UniqueConstraint("story_id", "seq"),
    UniqueConstraint("story_id", "sha256"),
    comment="A version of a story's seed text.",
)

# ---------------------------------------------------------------- sources

outlet = Table(
    "outlet",
    metadata,
    _id(),
    Column("domain", Text, nullable=False, unique=True, comment="registered domain"),
    Column("name", Text, nullable=False),
    Column("country", Text, comment="ISO 3166-1 alpha-2"),
    Column("language", Text, comment="ISO 639-1, of most of what it publishes"),
    Index("ix_outlet_name", "name"),
    comment="A publisher.",
)

feed = Table(
    "feed",
    metadata,
    _id(),
    Column("outlet_id", ForeignKey("outlet.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("url_sha256", Text, nullable=False, unique=True, comment="of the URL as it stands"),
    Column("origin", Text, nullable=False, comment="config or user"),
    Column("state", Text, nullable=False, comment="active, paused (left the config), removed"),
    Column("etag", Text, comment="stored with the entries it vouches for"),
    Column("last_modified", Text),
    Column("body_hash", Text, comment="sha256 of the last body"),
    Column("interval_seconds", Float, nullable=False),
    Column("next_poll_at", UTCDateTime, nullable=False),
    Column("last_polled_at", UTCDateTime),
    Column("last_success_at", UTCDateTime),
    Column("last_full_fetch_at", UTCDateTime, comment="last unconditional fetch"),
    Column("failures", Float, nullable=False, comment="weighted, since the last success"),
    Column("last_error", Text),
    Column("added_at", UTCDateTime, nullable=False),
    Column("entries_read_at", UTCDateTime, comment="last poll that gave entries"),
    Column(
        "changes_told",
        Integer,
        nullable=False,
        server_default="0",
        comment="changes of its articles that it told of, older ones at half weight",
    ),
    Column("changes_untold", Integer, nullable=False, server_default="0"),
    Column("moved_to", Text, comment="address polled instead, adopted from its own redirects"),
    Column("move_target", Text, comment="where all the last polls were sent for good"),
    Column(
        "move_sightings", Integer, nullable=False, server_default="0", comment="how many they were"
    ),
    Column("move_sighted_since", UTCDateTime, comment="the first of them"),
    Column("gone_since", UTCDateTime, comment="a 410, and no answer since: polled once a week"),
    CheckConstraint("origin IN ('config', 'user')", name="origin"),
    CheckConstraint("state IN ('active', 'paused', 'removed')", name="state"),
    Index("ix_feed_due", "state", "next_poll_at"),
    comment="A feed and its polling state.",
)

feed_event = Table(
    "feed_event",
    metadata,
    _id(),
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="moved, moved-back, gone, back, added, paused, resumed, removed",
    ),
    Column("detail", Text, nullable=False, comment="for people"),
    CheckConstraint(
        "kind IN ('moved', 'moved-back', 'gone', 'back', 'added', 'paused', 'resumed', 'removed')",
        name="kind",
    ),
    Index("ix_feed_event_feed_id", "feed_id"),
    comment="What became of a feed: its moves, its end, who listed it. Append-only.",
)

feed_poll = Table(
    "feed_poll",
    metadata,
    _id(),
    Column("feed_id", ForeignKey("feed.id"), nullable=False),
    Column("polled_at", UTCDateTime, nullable=False),
    Column("outcome", Text, nullable=False, comment="parsed, same-body, not-modified, failed"),
    Column("status", Integer, comment="HTTP status"),
    Column("entries", Integer, nullable=False),
    Column("new_entries", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("ms", Float, nullable=False),
    Column("failure", Text, comment="failure kind"),
    Column("error", Text),
    Column(
        "entries_cut",
        Integer,
        nullable=False,
        server_default="0",
        comment="beyond the limit, not read",
    ),
    Column(
        "entries_garbled",
        Integer,
        nullable=False,
        server_default="0",
        comment="with characters that could not be decoded, U+FFFD in their place",
    ),
    Column(
        "unread_dates",
        Json,
        nullable=False,
        server_default="[]",
        comment="of new entries: pairs of URL and a date that could not be read, as it stands",
    ),
    Column("length_unknown", Boolean, comment="the body ended with its connection; null: no body"),
    Index("ix_feed_poll_feed_id_polled_at", "feed_id", "polled_at"),
    comment="One poll of a feed. Append-only.",
)

feed_day = Table(
    "feed_day",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True, autoincrement=False),
    Column(
        "day", Integer, primary_key=True, autoincrement=False, comment="of UTC, days since 1970"
    ),
    Column("polls", Integer, nullable=False),
    Column("parsed", Integer, nullable=False, comment="of the polls"),
    Column("same_body", Integer, nullable=False, comment="of the polls"),
    Column("not_modified", Integer, nullable=False, comment="of the polls"),
    Column("failed", Integer, nullable=False, comment="of the polls"),
    Column("entries", BigInt, nullable=False),
    Column("new_entries", BigInt, nullable=False),
    Column("first_success_at", UTCDateTime, comment="first poll that did not fail"),
    Column("last_success_at", UTCDateTime, comment="last poll that did not fail"),
    Column("gap_seconds", BigInt, comment="longest from one such poll to the next of the day"),
    Column(
        "lost_between",
        Boolean,
        nullable=False,
        comment="all entries were new at such a poll but the first",
    ),
    Column(
        "first_all_new", Boolean, nullable=False, comment="all entries were new at the first one"
    ),
    Column("last_new_at", UTCDateTime, comment="last poll with a new entry"),
    sqlite_with_rowid=False,
    comment="What a feed's polls of a day come to. Made anew with each of them.",
)

candidate = Table(
    "candidate",
    metadata,
    _id(),
    Column("url_key", Text, nullable=False, unique=True, comment="hash of the canonical URL"),
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("published_at", UTCDateTime),
    Column("published_source", Text),
    Column("published_confidence", Float),
    Column("published_day_only", Boolean),
    Column("language", Text),
    Column("feed_id", ForeignKey("feed.id")),
    Column("guid", Text),
    Column("seen_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("leased_until", UTCDateTime, comment="claimed by a worker until then"),
    Column(
        "attempts", Integer, nullable=False, comment="counted when claimed; not the interrupted"
    ),
    Column("modified_at", UTCDateTime, comment="as its feed states it"),
    Column(
        "claim_epoch", BigInt, comment="daemon that claimed it; null: a command, until leased_until"
    ),
    Column(
        "interrupted",
        Integer,
        nullable=False,
        server_default="0",
        comment="claims in a row whose holder died",
    ),
    Column(
        "domain",
        Text,
        nullable=False,
        server_default="",
        comment="registered domain, whose pages take turns with those of others",
    ),
    Index("ix_candidate_due_at", "due_at"),
    comment="A URL waiting to be fetched for the first time; deleted once decided.",
)

# ---------------------------------------------------------------- articles

article = Table(
    "article",
    metadata,
    _id(),
    Column("outlet_id", ForeignKey("outlet.id"), nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("check_url", Text, nullable=False, comment="the address that answered, asked again"),
    Column("first_seen_at", UTCDateTime, nullable=False),
    Column("published_at", UTCDateTime),
    Column("published_source", Text, comment="json-ld, meta, feed, url, text, given"),
    Column("published_confidence", Float, comment="0 to 1"),
    Column("published_day_only", Boolean, comment="only the day is known"),
    Column("state", Text, nullable=False, comment="live, gone, blocked"),
    Column("state_since", UTCDateTime, nullable=False),
    Column("current_version_id", BigInt, comment="version.id"),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("last_checked_at", UTCDateTime),
    Column("check_interval_seconds", Float, nullable=False),
    Column("next_check_at", UTCDateTime, comment="null: parked"),
    Column("leased_until", UTCDateTime),
    Column("published_earliest", UTCDateTime, comment="not before; null: nobody knows"),
    Column("published_latest", UTCDateTime, comment="not after: by its date, or it was there"),
    Column(
        "claim_epoch", BigInt, comment="daemon that claimed it; null: a command, until leased_until"
    ),
    Column(
        "interrupted",
        Integer,
        nullable=False,
        server_default="0",
        comment="claims in a row whose holder died",
    ),
    _recorded("when it was stored; before schema 20261203: when its first version was"),
    CheckConstraint("state IN ('live', 'gone', 'blocked')", name="state"),
    Index("ix_article_next_check_at", "next_check_at"),
    Index("ix_article_outlet_id", "outlet_id"),
    comment="One piece of journalism.",
)

article_url = Table(
    "article_url",
    metadata,
    _id(),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("url_key", Text, nullable=False, unique=True, comment="hash of the canonical URL"),
    Column("url", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="feed, redirect, canonical, given"),
    Column("first_seen_at", UTCDateTime, nullable=False),
    Column("last_seen_at", UTCDateTime, nullable=False),
    Index("ix_article_url_article_id", "article_id"),
    comment="Each URL an article is known under, and why.",
)

article_feed = Table(
    "article_feed",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True),
    Column("feed_id", ForeignKey("feed.id"), primary_key=True),
    Column("guid", Text),
    Column("first_seen_at", UTCDateTime, nullable=False),
    Column("last_seen_at", UTCDateTime, nullable=False),
    Column("entry_hash", Text, comment="of the entry's headline and dates when last seen"),
    Column("modified_at", UTCDateTime, comment="as the entry stated it then"),
    Column("told_at", UTCDateTime, comment="when the entry last said other things than before"),
    comment="Each feed an article was seen in.",
)

article_wake = Table(
    "article_wake",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("woken_at", UTCDateTime, nullable=False, comment="to be looked at from then on"),
    Column("reason", Text, nullable=False, comment="a relative changed, or a feed shows it anew"),
    comment="Articles to look at before all others, parked ones too; deleted by the look.",
)

article_story = Table(
    "article_story",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True),
    Column("story_id", ForeignKey("story.id"), primary_key=True),
    Column("score", Float, nullable=False, comment="relevance, 0 to 1"),
    Column(
        "rule", Text, nullable=False, comment="names, or copies-seed when only the text said so"
    ),
    Column("rule_version", Text, nullable=False),
    Column("matched", Json, nullable=False, comment="names found, 'group: name'"),
    Column("decided_at", UTCDateTime, nullable=False),
    comment="The stories an article belongs to.",
)

raw = Table(
    "raw",
    metadata,
    Column("sha256", Text, primary_key=True, comment="of the decoded body"),
    Column("body", LargeBinary, nullable=False, comment="zstd"),
    Column("size", Integer, nullable=False, comment="bytes before compression"),
    comment="A response body, stored once. Append-only.",
)

version = Table(
    "version",
    metadata,
    _id(),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("seq", Integer, nullable=False, comment="1, 2, … within the article"),
    Column("content_hash", Text, nullable=False, comment="of normalised title and text"),
    Column("title", Text, nullable=False),
    Column("byline", Text),
    Column("site_name", Text),
    Column("text", Text, nullable=False),
    Column("language", Text, comment="ISO 639-1"),
    Column("words", Integer, nullable=False),
    Column("published_at", UTCDateTime, comment="as this version states it"),
    Column("modified_at", UTCDateTime, comment="as this version states it"),
    Column("extractor", Text, nullable=False),
    Column("extractor_version", Text, nullable=False),
    Column("first_observed_at", UTCDateTime, nullable=False),
    Column("last_observed_at", UTCDateTime, nullable=False),
    Column("published_source", Text, comment="json-ld, meta, feed, url, text, given"),
    Column("published_confidence", Float, comment="0 to 1"),
    Column("modified_source", Text, comment="json-ld, meta, feed"),
    Column("modified_confidence", Float, comment="0 to 1"),
    _recorded("when it was stored; before schema 20261203: when its first look or verdict was"),
    UniqueConstraint("article_id", "seq"),
    Index("ix_version_content_hash", "content_hash"),
    # what views join and group by: texts need not be read for it
    Index(
        "ix_version_light",
        "article_id",
        "id",
        "seq",
        "first_observed_at",
        "last_observed_at",
        "language",
    ),
    comment="A run of equal content of an article. Archives may move its number and times.",
)

observation = Table(
    "observation",
    metadata,
    _id(),
    Column("article_id", ForeignKey("article.id"), comment="null while there is no article"),
    Column("version_id", ForeignKey("version.id"), comment="what was seen, when it was seen"),
    Column("requested_url", Text, nullable=False),
    Column("final_url", Text),
    Column("observed_at", UTCDateTime, nullable=False),
    Column("source", Text, nullable=False, comment="live, wayback, warc, file"),
    Column(
        "outcome",
        Text,
        nullable=False,
        comment="new-version, unchanged, not-modified, noise, stale, unsettled, off-story, failed",
    ),
    Column("status", Integer, comment="HTTP status"),
    Column("failure", Text, comment="failure kind"),
    Column("reason", Text, comment="for people"),
    Column("bytes", Integer),
    Column("ms", Float),
    Column("headers", Json),
    Column("raw_sha256", ForeignKey("raw.sha256")),
    Column("page_mark", Text, comment="hash of a text that had nothing of the article"),
    Column("length_unknown", Boolean, comment="the body ended with its connection; null: no body"),
    _recorded(
        "when it was stored; before schema 20261203, of an archive: not before the last live look"
        " or verdict that has a smaller id"
    ),
    Index(
        "ix_observation_page_mark",
        "page_mark",
        sqlite_where=text("page_mark IS NOT NULL"),
        postgresql_where=text("page_mark IS NOT NULL"),
    ),
    Index("ix_observation_article_id_observed_at", "article_id", "observed_at"),
    Index(
        "ix_observation_archived_at",
        "observed_at",
        sqlite_where=text("source <> 'live'"),
        postgresql_where=text("source <> 'live'"),
    ),
    comment="One look at a page, success or failure. Append-only.",
)

change = Table(
    "change",
    metadata,
    _id(),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("from_version_id", ForeignKey("version.id"), nullable=False),
    Column("to_version_id", ForeignKey("version.id"), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("headline_from", Text),
    Column("headline_to", Text),
    Column("sentences_added", Json, nullable=False),
    Column("sentences_removed", Json, nullable=False),
    Column("words_added", Integer, nullable=False),
    Column("words_removed", Integer, nullable=False),
    Column(
        "sentences_changed",
        Json,
        nullable=False,
        server_default="[]",
        comment="pairs of a sentence before and after",
    ),
    Column("quotes_added", Json, nullable=False, server_default="[]"),
    Column("quotes_removed", Json, nullable=False, server_default="[]"),
    Column("numbers_added", Json, nullable=False, server_default="[]"),
    Column("numbers_removed", Json, nullable=False, server_default="[]"),
    _recorded(
        "when it was told, of a change told anew the last time; before schema 20261203: when the"
        " later of its versions was stored"
    ),
    Index("ix_change_article_id", "article_id"),
    comment="From one version to the next. Append-only.",
)

# ---------------------------------------------------------------- sayings

quotation = Table(
    "quotation",
    metadata,
    Column("key", Text, primary_key=True, comment="hash of its words, equal in every article"),
    Column("text", Text, nullable=False, comment="as it was stored first, marks left out"),
    Column("words", Integer, nullable=False, comment="two characters count as one without spaces"),
    comment="Words between quotation marks, stored once. Append-only.",
)

quotation_use = Table(
    "quotation_use",
    metadata,
    Column("quotation_key", ForeignKey("quotation.key"), primary_key=True),
    Column("article_id", ForeignKey("article.id"), primary_key=True),
    Column("first_version_id", ForeignKey("version.id"), nullable=False),
    Column("first_seen_at", UTCDateTime, nullable=False, comment="first look at that version"),
    Column("language", Text, comment="of that version: ISO 639-1"),
    Column("last_version_id", ForeignKey("version.id"), comment="null: the current one"),
    Column("start", Integer, nullable=False, comment="offset into the text of the first version"),
    Column("stop", Integer, nullable=False, comment="where it ends there"),
    Index("ix_quotation_use_article_id", "article_id"),
    Index("ix_quotation_use_first_seen_at", "quotation_key", "first_seen_at", "article_id"),
    sqlite_with_rowid=False,
    comment="A quotation in an article, from which version to which. The ends move.",
)

figure = Table(
    "figure",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("value", Float, primary_key=True, comment="multiplied out"),
    Column("unit", Text, primary_key=True, comment="%, ISO 4217, km, …; empty without one"),
    Column("counted", Text, primary_key=True, comment="word after it; empty behind a unit"),
    Column("first_version_id", ForeignKey("version.id"), nullable=False),
    Column("first_seen_at", UTCDateTime, nullable=False, comment="first look at that version"),
    Column("language", Text, comment="of that version: ISO 639-1"),
    Column("last_version_id", ForeignKey("version.id"), comment="null: the current one"),
    Column("text", Text, nullable=False, comment="as the first version writes it"),
    Column("start", Integer, nullable=False, comment="offset into the text of the first version"),
    Column("stop", Integer, nullable=False, comment="where it ends there"),
    Column("sentence_start", Integer, nullable=False, comment="of the sentence there"),
    Column("sentence_stop", Integer, nullable=False),
    Index("ix_figure_first_seen_at", "value", "unit", "counted", "first_seen_at", "article_id"),
    sqlite_with_rowid=False,
    comment="A number in an article, from which version to which. The ends move.",
)

sayings_read = Table(
    "sayings_read",
    metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True, autoincrement=False),
    Column("method_version", Text, nullable=False, comment="of what read all its versions"),
    comment="Whose quotations and figures were found, by which method.",
)

seed_quotation = Table(
    "seed_quotation",
    metadata,
    Column("seed_id", ForeignKey("seed.id"), primary_key=True, autoincrement=False),
    Column("quotation_key", Text, primary_key=True, comment="as in quotation, whoever else has it"),
    comment="The quotations of a seed.",
)

seed_figure = Table(
    "seed_figure",
    metadata,
    Column("seed_id", ForeignKey("seed.id"), primary_key=True, autoincrement=False),
    Column("value", Float, primary_key=True),
    Column("unit", Text, primary_key=True),
    comment="The figures of a seed.",
)

article_event = Table(
    "article_event",
    metadata,
    _id(),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("kind", Text, nullable=False, comment="gone, blocked, back"),
    Column("first_sign_at", UTCDateTime, nullable=False, comment="first look that showed it"),
    Column("decided_at", UTCDateTime, nullable=False, comment="look that confirmed it"),
    Column("reason", Text, nullable=False, comment="for people"),
    _recorded("when it was stored; before schema 20261203: decided_at"),
    CheckConstraint("kind IN ('gone', 'blocked', 'back')", name="kind"),
    Index("ix_article_event_article_id", "article_id"),
    comment="Disappearances, walls and returns of an article. Append-only.",
)

change_travel = Table(
    "change_travel",
    metadata,
    Column("change_id", ForeignKey("change.id"), primary_key=True, autoincrement=False),
    Column(
        "article_id",
        ForeignKey("article.id"),
        primary_key=True,
        autoincrement=False,
        comment="an article that has text from the one that changed",
    ),
    Column("relation", Text, nullable=False, comment="of that article to the one that changed"),
    Column("state", Text, nullable=False, comment="carries-old, took-over, never-had, unclear"),
    Column("passage", Text, nullable=False, comment="the sentence that tells, as it stands there"),
    Column(
        "version_id",
        ForeignKey("version.id"),
        nullable=False,
        comment="version of that article when it was first asked",
    ),
    Column("noted_at", UTCDateTime, nullable=False, comment="when it was first asked"),
    Column("taken_version_id", ForeignKey("version.id"), comment="its version with the new text"),
    Column("taken_at", UTCDateTime, comment="first look that showed the new text"),
    _recorded(
        "when the state was found; before schema 20261203: when it was first asked, or when the new"
        " text was seen"
    ),
    CheckConstraint("state IN ('carries-old', 'took-over', 'never-had', 'unclear')", name="state"),
    Index("ix_change_travel_article_id", "article_id"),
    comment="Whether a change reached the articles that have the text. The state moves.",
)

outlet_alarm = Table(
    "outlet_alarm",
    metadata,
    _id(),
    Column("outlet_id", ForeignKey("outlet.id"), nullable=False),
    Column("raised_at", UTCDateTime, nullable=False),
    Column("cleared_at", UTCDateTime, comment="null: it still stands"),
    Column("looks", Integer, nullable=False, comment="last looks that were judged"),
    Column("failed", Integer, nullable=False, comment="of them, those that gave no text"),
    Column("detail", Text, nullable=False, comment="for people"),
    Index("ix_outlet_alarm_outlet_id", "outlet_id"),
    comment="An outlet whose pages can't be read any more, as after a redesign.",
)

# ---------------------------------------------------------------- verdicts

fingerprint = Table(
    "fingerprint",
    metadata,
    Column("version_id", ForeignKey("version.id"), primary_key=True),
    Column("text_hash", Text, nullable=False, comment="sha256 of the normalised text"),
    Column("language", Text),
    Column("words", Integer, nullable=False),
    Column("shingles", Integer, nullable=False, comment="how many hashes were kept"),
    Column("method_version", Text, nullable=False),
    Index("ix_fingerprint_text_hash", "text_hash"),
    comment="What finding copies of a version needs.",
)

shingle = Table(
    "shingle",
    metadata,
    Column("hash", BigInt, primary_key=True, autoincrement=False),
    Column("version_id", ForeignKey("version.id"), primary_key=True),
    Index("ix_shingle_version_id", "version_id"),
    sqlite_with_rowid=False,
    comment="FracMinHash of a version: one row a kept shingle hash.",
)

feature = Table(
    "feature",
    metadata,
    Column("version_id", ForeignKey("version.id"), primary_key=True, autoincrement=False),
    Column("judged_by", Text, comment="rule that told its relations to other versions"),
    Column("language", Text, comment="ISO 639-1, as it was judged"),
    Column("method_version", Text, nullable=False),
    Column("model", Text, nullable=False, comment="distribution of the encoder, empty without"),
    Column("model_version", Text, nullable=False),
    # before what is large: a scan of all signatures reads no overflow pages
    Column("signature", LargeBinary, nullable=False, comment="512 signs; empty without a model"),
    Column("document", LargeBinary, nullable=False, comment="512 signed bytes"),
    Column("lengths", LargeBinary, nullable=False, comment="u16 each: characters of the sentences"),
    Column("quoted", LargeBinary, nullable=False, comment="u8 each: share in quotation marks"),
    Column("anchors", LargeBinary, nullable=False, comment="(u16 sentence, u16 weight, u32 key)"),
    Column("vectors", LargeBinary, nullable=False, comment="512 signed bytes a sentence"),
    Index("ix_feature_judged_by", "judged_by"),
    comment="What a version is compared by in any language; computed once.",
)

anchor = Table(
    "anchor",
    metadata,
    Column("key", BigInt, primary_key=True, autoincrement=False, comment="hash of the anchor"),
    Column("version_id", ForeignKey("version.id"), primary_key=True),
    Index("ix_anchor_version_id", "version_id"),
    sqlite_with_rowid=False,
    comment="The heaviest names and numbers of a version, by which other languages find it.",
)

edge = Table(
    "edge",
    metadata,
    _id(),
    Column("child_version_id", ForeignKey("version.id"), nullable=False),
    Column("parent_version_id", ForeignKey("version.id"), comment="null when compared with a seed"),
    Column("seed_id", ForeignKey("seed.id"), comment="null when compared with a version"),
    Column("relation", Text, nullable=False),
    Column("score", Float, nullable=False, comment="0 to 1, how sure"),
    Column(
        "shared_child", Float, nullable=False, comment="share of the child that the other covers"
    ),
    Column(
        "shared_parent", Float, nullable=False, comment="share of the other that the child covers"
    ),
    Column("needs_review", Boolean, nullable=False),
    Column("method", Text, nullable=False),
    Column("method_version", Text, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
    CheckConstraint("(parent_version_id IS NULL) <> (seed_id IS NULL)", name="one_parent"),
    UniqueConstraint("child_version_id", "parent_version_id", "method_version"),
    UniqueConstraint("child_version_id", "seed_id", "method_version"),
    Index("ix_edge_parent_version_id", "parent_version_id"),
    Index("ix_edge_seed_id", "seed_id"),
    # what views take from a verdict: evidence, most of the database, need not be read for it
    Index(
        "ix_edge_light",
        "child_version_id",
        "seed_id",
        "id",
        "relation",
        "score",
        "needs_review",
    ),
    comment="A verdict between two versions, or a version and a seed. Append-only.",
)

analyst_verdict = Table(
    "analyst_verdict",
    metadata,
    _id(),
    Column(
        "child_version_id", ForeignKey("version.id"), nullable=False, comment="what it is about"
    ),
    Column("parent_version_id", ForeignKey("version.id"), comment="null when it is about a seed"),
    Column("seed_id", ForeignKey("seed.id"), comment="null when it is about a version"),
    Column("relation", Text, nullable=False, comment="what is true, in the analyst's eyes"),
    Column("author", Text, nullable=False, server_default="", comment="who says so"),
    Column("note", Text, nullable=False, server_default="", comment="why"),
    Column(
        "decided_at",
        UTCDateTime,
        nullable=False,
        server_default=func.current_timestamp(),
        comment="left out of an INSERT: now",
    ),
    CheckConstraint("(parent_version_id IS NULL) <> (seed_id IS NULL)", name="one_parent"),
    CheckConstraint(
        "relation IN ('identical', 'near_duplicate', 'translation', 'excerpt', 'same_story',"
        " 'unrelated')",
        name="known_relation",
    ),
    Index("ix_analyst_verdict_child_version_id", "child_version_id"),
    Index("ix_analyst_verdict_parent_version_id", "parent_version_id"),
    comment="A person's correction; the last one of a pair counts, over every rule. Append-only.",
)

article_cluster = Table(
    "article_cluster",
    metadata,
    Column(
        "article_id",
        ForeignKey("article.id"),
        primary_key=True,
        autoincrement=False,
        comment="each article is in one cluster, often alone",
    ),
    Column(
        "cluster_id",
        ForeignKey("article.id"),
        nullable=False,
        comment="the cluster's earliest known article",
    ),
    Column("earliest", Boolean, nullable=False, comment="this is that article"),
    Column(
        "parent_article_id",
        ForeignKey("article.id"),
        comment="the earlier article it has most of its text from; null: none known",
    ),
    Column("parent_relation", Text, comment="to the parent: identical, …, excerpt"),
    Column("parent_shared_child", Float, comment="share of this article that the parent covers"),
    Column("parent_shared_parent", Float, comment="share of the parent that this article covers"),
    Column(
        "size",
        Integer,
        nullable=False,
        comment="articles in the cluster, in the row of its earliest; 0 in the others",
    ),
    Column("updated_at", UTCDateTime, nullable=False, comment="when anything of this row moved"),
    Column(
        "parent_since",
        UTCDateTime,
        comment="when that parent was found; before schema 20261203: updated_at",
    ),
    Index("ix_article_cluster_cluster_id", "cluster_id"),
    Index("ix_article_cluster_parent_article_id", "parent_article_id"),
    comment="Which articles carry one text, and where each has it from. Made from edges; it moves.",
)

discard = Table(
    "discard",
    metadata,
    _id(),
    Column("url_key", Text, nullable=False, comment="hash of the canonical URL"),
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("stage", Text, nullable=False, comment="entry, fetch, extract, text"),
    Column("rule", Text, nullable=False),
    Column("score", Float),
    Column("rule_version", Text, nullable=False, comment="a changed rule decides anew"),
    Column("detail", Text, nullable=False),
    Column("feed_id", ForeignKey("feed.id")),
    Column("discarded_at", UTCDateTime, nullable=False),
    UniqueConstraint("url_key", "rule_version"),
    comment="A URL seen and not kept. Append-only.",
)

# ---------------------------------------------------------------- operation

job_run = Table(
    "job_run",
    metadata,
    _id(),
    Column("job", Text, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("outcome", Text, comment="done, failed; null while it runs or when it was killed"),
    Column("counts", Json, nullable=False, server_default=text("'{}'")),
    Column("error", Text),
    Index("ix_job_run_started_at", "started_at"),
    comment="One run of a scheduled job or a command.",
)

backfill_job = Table(
    "backfill_job",
    metadata,
    _id(),
    Column("spec_key", Text, nullable=False, unique=True, comment="hash of source and spec"),
    Column("source", Text, nullable=False, comment="wayback, warc, sitemap, feed-archive, …"),
    Column("spec", Json, nullable=False, comment="what was asked for"),
    Column("state", Text, nullable=False, comment="running, interrupted, done"),
    Column("cursor", Json, comment="where the source goes on; null: at its beginning"),
    Column("counts", Json, nullable=False, server_default=text("'{}'"), comment="by outcome"),
    Column("holder", Text, nullable=False, comment="process and host of the last run"),
    Column("leased_until", UTCDateTime, comment="a run that lives extends it"),
    Column("started_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False, comment="the last checkpoint"),
    Column("finished_at", UTCDateTime),
    CheckConstraint("state IN ('running', 'interrupted', 'done')", name="state"),
    comment="A backfill and its checkpoint.",
)

daemon_epoch = Table(
    "daemon_epoch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: there is one row"),
    Column("epoch", BigInt, nullable=False, comment="raised by each daemon that takes over"),
    Column("holder", Text, nullable=False, comment="process and host of that daemon"),
    Column("taken_at", UTCDateTime, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="Which daemon may write; a transaction of an earlier one is refused.",
)

snapshot = Table(
    "snapshot",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True, comment="as in a schema's or file's name"),
    Column("created_at", UTCDateTime, nullable=False, comment="the moment that it shows"),
    Column("program_version", Text, nullable=False, comment="of the storywatch that made it"),
    Column("contract_version", Text, nullable=False, comment="of the views at that time"),
    Column("schema_revision", Text, nullable=False, comment="of the tables at that time"),
    Column("note", Text, nullable=False, server_default="", comment="why it was made"),
    Column("contents", Json, nullable=False, comment="of each view: its rows and their sha256"),
    comment="Named snapshots: the views as tables of their own, in a schema or a file.",
)
