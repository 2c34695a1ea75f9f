"""The vocabulary: one frozen value per stage of the flow.

    Feed -> FeedDocument of Entry -> Candidate -> FetchedPage -> Article -> Relevance
         -> Fingerprint -> Verdict -> what storage writes

A value has no field that is not known at its stage. Times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

# ---------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A publisher, identified by its registered domain."""

    domain: str
    name: str
    country: str | None = None  # ISO 3166-1 alpha-2
    language: str | None = None  # ISO 639-1


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """A feed as somebody listed it: in the configuration, an OPML file or on the command line."""

    url: str
    outlet: Outlet


class FeedEventKind(StrEnum):
    """What happened to a feed as a whole."""

    MOVED = "moved"  # it is polled at the address that its own redirects to for good
    MOVED_BACK = "moved-back"
    GONE = "gone"  # its publisher says so, with a 410
    BACK = "back"
    ADDED = "added"
    PAUSED = "paused"  # it left the configuration
    RESUMED = "resumed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One of these, and why."""

    kind: FeedEventKind
    detail: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlace:
    """Where a feed is polled, and what the last polls said of that."""

    moved_to: str | None = None  # polled in place of the listed address
    target: str | None = None  # where all the last polls were sent for good
    sightings: int = 0  # how many they were
    sighted_since: datetime | None = None  # the first of them
    gone_since: datetime | None = None  # a 410, and no answer since


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A stored feed with the state its next poll needs."""

    id: int
    url: str  # as it was listed: what the feed is known by
    outlet: Outlet
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    interval_seconds: float
    failures: float  # weighted: hard 1, soft 0.5, temporary 0.25
    last_full_fetch_at: datetime | None  # the last unconditional fetch: validators lie
    due_at: datetime
    changes_told: int = 0  # changes of its articles that it told of, older ones at half weight
    changes_untold: int = 0
    place: FeedPlace = FeedPlace()

    @property
    def polled_url(self) -> str:
        """The address to poll."""
        return self.place.moved_to or self.url


class DateSource(StrEnum):
    """Where a date was read, most trusted first."""

    JSON_LD = "json-ld"
    META = "meta"
    FEED = "feed"
    URL = "url"
    TEXT = "text"
    GIVEN = "given"  # by whoever handed the article over, as in a JSONL file


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedBy:
    """A point in time with where it was read and how far to trust it, from 0 to 1."""

    value: datetime
    source: DateSource
    confidence: float
    day_only: bool = False  # only the day is known: value is its midnight UTC
    zone_known: bool = True  # False: the time was stated without a zone and is taken as UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class DateBounds:
    """Between which two moments something happened; an end that is not known is None."""

    earliest: datetime | None
    latest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a feed, cleaned of what no database can hold, not yet judged."""

    url: str  # absolute http or https, as the feed gave it
    guid: str | None
    title: str
    summary: str  # plain text
    published: DatedBy | None
    modified: datetime | None
    author: str | None = None
    unread_date: str | None = None  # as it stood, when no date could be read from it


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """A parsed feed."""

    version: str  # feedparser's name of the format, as in rss20, atom10, rss10
    title: str
    language: str | None
    entries: tuple[Entry, ...]
    skipped: int  # entries without a usable link
    bozo: str | None  # what was not well-formed, if anything
    previous_archive: str | None = None  # RFC 5005, section 4
    next_page: str | None = None  # RFC 5005, section 3: the older entries of a paged feed
    cut: int = 0  # entries beyond the limit, which were not read


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAFeed:
    """A body that was fetched but is no feed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A URL that may hold an article of the story, and all that is known before fetching it."""

    url: str
    canonical_url: str
    title: str
    summary: str
    published: DatedBy | None
    language: str | None
    feed_id: int | None
    guid: str | None = None
    modified: datetime | None = None  # as its feed states it
    domain: str = ""  # registered; whose turn it is in the queue
    aliases: tuple[tuple[str, str], ...] = ()  # (url, kind) pairs known besides


# ---------------------------------------------------------------- fetching


class FailureKind(StrEnum):
    """Why a fetch or an extraction gave no article."""

    # the network
    TIMEOUT = "timeout"
    NETWORK = "network"  # DNS, connection, TLS, a broken HTTP exchange
    REFUSED_ADDRESS = "refused-address"  # a private address, a forbidden scheme or port
    BAD_URL = "bad-url"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    TOO_LARGE = "too-large"
    TRUNCATED = "truncated-body"  # cut, or damaged on its way
    BAD_ENCODING = "bad-encoding"
    ROBOTS = "robots"
    HTTP_CLIENT = "http-client-error"  # 4xx other than those below
    HTTP_SERVER = "http-server-error"  # 5xx
    NOT_FOUND = "not-found"  # 404
    GONE = "gone"  # 410
    RATE_LIMITED = "rate-limited"  # 429, or 503 with Retry-After
    # the page
    NOT_HTML = "not-html"
    EMPTY = "empty"  # no text could be extracted
    COLLAPSED = "collapsed"  # hardly any text is left of what was there
    OTHER_PAGE = "other-page"  # nothing of the article is left, another text stands there
    BLOCKED = "blocked"  # consent wall, login, captcha, bot check
    SOFT_404 = "soft-404"
    CRASHED = "crashed"  # the worker died or overran its time on it
    # the feed
    NOT_A_FEED = "not-a-feed"
    # ourselves
    UNSTORABLE = "unstorable"  # the database takes nothing of the kind
    INTERRUPTED = "interrupted"  # the program died on it, again and again
    PROGRAM_ERROR = "program-error"  # an error nobody foresaw

    @property
    def temporary(self) -> bool:
        """Whether trying again later may help."""
        return self in _TEMPORARY


_TEMPORARY = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.NETWORK,
        FailureKind.TRUNCATED,
        FailureKind.HTTP_SERVER,
        FailureKind.RATE_LIMITED,
        FailureKind.BLOCKED,
        FailureKind.COLLAPSED,
        FailureKind.OTHER_PAGE,
        FailureKind.CRASHED,
        FailureKind.ROBOTS,
        FailureKind.UNSTORABLE,
        FailureKind.PROGRAM_ERROR,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server said to send back for a conditional request (RFC 9110, section 13)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """A 2xx response: the body as it came over the wire, still encoded."""

    requested_url: str
    final_url: str
    redirects: tuple[str, ...]  # every URL passed on the way, without the final one
    permanent: bool  # every hop was a 301 or 308
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    fetched_at: datetime
    elapsed_ms: float
    emptied_of: int = 0  # bytes, once the body was read and dropped

    @property
    def size(self) -> int:
        """Bytes of the body as sent."""
        return self.emptied_of or len(self.body)

    def emptied(self) -> FetchedPage:
        """The same without its body, which need not wait in memory to be written about."""
        return replace(self, body=b"", emptied_of=self.size)

    @property
    def validators(self) -> Validators:
        """The validators to send with the next request."""
        return Validators(
            etag=self.headers.get("etag"), last_modified=self.headers.get("last-modified")
        )

    @property
    def length_unknown(self) -> bool:
        """Whether the body ended with its connection: nothing else says that it was whole."""
        return not {"content-length", "transfer-encoding"} & self.headers.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """A 304: what we hold is current."""

    requested_url: str
    fetched_at: datetime
    elapsed_ms: float
    final_url: str | None = None  # None: as requested
    redirects: tuple[str, ...] = ()
    permanent: bool = False  # every hop was a 301 or 308


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A fetch or an extraction that gave nothing, with a reason a person can read."""

    requested_url: str
    kind: FailureKind
    reason: str
    at: datetime
    status: int | None = None
    retry_after_seconds: float | None = None
    final_url: str | None = None
    elapsed_ms: float | None = None


Fetched = FetchedPage | NotModified | Failure


# ---------------------------------------------------------------- articles


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The text of a page and what it says of itself."""

    url: str
    canonical_url: str
    title: str
    byline: str | None
    site_name: str | None
    published: DatedBy | None
    modified: DatedBy | None
    language: str | None  # ISO 639-1
    text: str
    words: int
    extractor: str
    extractor_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A page that was read but is no article: the extraction's counterpart of Failure."""

    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """How far a text is about a story, and which rule said so."""

    story: str  # slug
    on_story: bool
    score: float  # 0 to 1
    rule: str  # the rule that decided, as in "names", "no-names", "outside-window"
    rule_version: str
    matched: tuple[str, ...]  # "group: name" pairs, in order of appearance


# ---------------------------------------------------------------- verdicts


class Relation(StrEnum):
    """How one text relates to another, most specific first."""

    IDENTICAL = "identical"
    NEAR_DUPLICATE = "near_duplicate"
    TRANSLATION = "translation"
    EXCERPT = "excerpt"
    SAME_STORY = "same_story"
    UNRELATED = "unrelated"

    @property
    def text_level(self) -> bool:
        """Whether one text descends from the other's words."""
        return self in {
            Relation.IDENTICAL,
            Relation.NEAR_DUPLICATE,
            Relation.TRANSLATION,
            Relation.EXCERPT,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What is needed to find texts like this one without reading it again."""

    text_hash: str  # sha256 hex of the normalised text
    shingles: tuple[int, ...]  # FracMinHash: signed 64-bit, sorted, unique
    language: str | None
    words: int
    method_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a text is compared by in any language; arrays as bytes, little-endian.

    n is the number of sentences. Without the model there are no vectors, and no signature.
    """

    language: str | None
    lengths: bytes  # n unsigned 16-bit: characters of each sentence
    quoted: bytes  # n unsigned 8-bit: share of each sentence in quotation marks, of 255
    anchors: bytes  # rows of (sentence u16, weight in thousandths u16, key u32)
    vectors: bytes  # n x 512 signed 8-bit, not centred, each row scaled by its largest value
    document: bytes  # 512 signed 8-bit: the mean of the centred sentence vectors
    signature: bytes  # 64 bytes: 512 signs of the document vector
    lookup: tuple[int, ...]  # 32-bit keys of the heaviest anchors, sorted
    model: str  # distribution that the vectors come from, empty without
    model_version: str
    method_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """Words between quotation marks; the span are offsets of them into the text."""

    key: str  # equal for equal words: 16 hex digits
    text: str  # white space, marks and dashes made equal, the outer marks left out
    words: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that tells how many or how much; spans are offsets into the text."""

    value: float  # "2,5 Mio." and "2.5 million" are both 2500000
    unit: str  # "%", a currency as in ISO 4217, a symbol such as "km"; empty without one
    counted: str  # the word after it, in lower case: what is counted; empty behind a unit
    text: str  # as written, with multiplier and unit
    start: int
    stop: int
    sentence_start: int
    sentence_stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayings:
    """What a text quotes and the figures it gives, each once, where it stands first."""

    quotations: tuple[Quotation, ...]  # no two of one key
    figures: tuple[Figure, ...]  # no two of one value, unit and counted word
    method_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentencePair:
    """A sentence of each side that says the same."""

    index_a: int
    index_b: int
    text_a: str
    text_b: str
    score: float  # probability, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Text that both sides share, as character offsets into each normalised text."""

    start_a: int
    end_a: int
    start_b: int
    end_b: int
    text: str  # of side a, cut to a readable length


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a verdict is what it is, for a person to read."""

    pairs: tuple[SentencePair, ...] = ()  # aligned sentences, in a's order
    passages: tuple[Passage, ...] = ()
    shared_numbers: tuple[str, ...] = ()
    shared_names: tuple[tuple[str, str], ...] = ()  # as each side writes them
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How text a relates to text b."""

    relation: Relation
    score: float  # 0 to 1, how sure
    shared_a: float  # share of a that b covers
    shared_b: float  # share of b that a covers
    needs_review: bool
    method: str
    method_version: str
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedText:
    """A seed as read from its file, site residue stripped from `text`."""

    story: str
    path: str
    sha256: str  # of the file's bytes
    title: str
    text: str
    residue: str  # what was stripped
    language: str | None


# ---------------------------------------------------------------- versions


class ChangeKind(StrEnum):
    """What happened from one version to the next."""

    HEADLINE = "headline"
    CORRECTION = "correction"
    SUBSTANTIVE = "substantive"
    MINOR = "minor"
    BOILERPLATE = "boilerplate"
    TRUNCATED = "truncated"
    LIVE_BLOG = "live-blog"  # entries added on top of a running page
    AGENCY = "agency-replaced"  # another report in place of an agency's, or the other way round
    REVERTED = "reverted"
    REEXTRACTED = "reextracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference between two versions of one article, at the level of sentences."""

    kind: ChangeKind
    reason: str
    headline_from: str | None  # set when the headline changed, whatever the kind
    headline_to: str | None
    added: tuple[str, ...]  # sentences, those of changed pairs among them
    removed: tuple[str, ...]
    words_added: int
    words_removed: int
    changed: tuple[tuple[str, str], ...] = ()  # sentences before and after that are one, edited
    quotes_added: tuple[str, ...] = ()  # quotations that came
    quotes_removed: tuple[str, ...] = ()
    numbers_added: tuple[str, ...] = ()  # as plain_number writes them
    numbers_removed: tuple[str, ...] = ()


class Travel(StrEnum):
    """Whether a change reached an article that has text from the one that changed."""

    CARRIES_OLD = "carries-old"
    TOOK_OVER = "took-over"
    NEVER_HAD = "never-had"  # the passage is not in it
    UNCLEAR = "unclear"


class ArticleState(StrEnum):
    """Whether an article can still be read where it was published."""

    LIVE = "live"
    GONE = "gone"
    BLOCKED = "blocked"


class EventKind(StrEnum):
    """What happened to an article as a whole, beside its text."""

    GONE = "gone"
    BLOCKED = "blocked"
    BACK = "back"  # readable again, after it was gone or blocked


class ObservationSource(StrEnum):
    """Where a look at an article came from."""

    LIVE = "live"
    WAYBACK = "wayback"
    WARC = "warc"
    FILE = "file"


class Outcome(StrEnum):
    """What one look at an article gave."""

    NEW_VERSION = "new-version"
    UNCHANGED = "unchanged"
    NOT_MODIFIED = "not-modified"  # 304
    NOISE = "noise"  # only lines of the page differ, or a counter moved, as they did before
    STALE = "stale"  # an earlier version, out of a cache
    UNSETTLED = "unsettled"  # an earlier version, to be seen again before it counts as a revert
    ALIAS = "alias"  # another URL of an article already stored
    OFF_STORY = "off-story"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """A look at an article that was made before, as far as later ones depend on it."""

    observed_at: datetime
    outcome: Outcome
    failure: FailureKind | None
    status: int | None
    version_id: int | None  # what was seen, also when it does not count as current
    reason: str | None


class Stage(StrEnum):
    """Where in the flow a URL was discarded."""

    ENTRY = "entry"
    FETCH = "fetch"
    EXTRACT = "extract"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """A URL seen and not kept, with the reason."""

    url: str
    canonical_url: str
    title: str
    stage: Stage
    rule: str
    score: float | None
    rule_version: str
    detail: str
    feed_id: int | None
