"""What a look means beside the looks before it: a return, an old copy, a wall, a disappearance.

One look proves little: caches hand out old copies, sites hiccup, headlines are tried out on part of
the readers. Here is decided how many looks in a row it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from ingest.model import ArticleState, FailureKind, Outcome, PastLook

MISSING = frozenset({FailureKind.NOT_FOUND, FailureKind.GONE, FailureKind.SOFT_404})
UNREADABLE = frozenset(
    {FailureKind.BLOCKED, FailureKind.COLLAPSED, FailureKind.OTHER_PAGE, FailureKind.EMPTY}
)
DEGRADED = frozenset({FailureKind.COLLAPSED, FailureKind.EMPTY, FailureKind.CRASHED})
"""What a redesign does to extraction."""

REDESIGN_WITHIN = timedelta(days=3)
"""A redesign takes the text of an outlet's articles all at once; walls come one by one."""

COUNTER_MOVED = "only a counter moved"
"""Why a look was noise, for people and for the looks after it."""

_FORBIDDING = frozenset({401, 402, 403, 407, 451})
_RETURNING = frozenset({Outcome.UNSETTLED, Outcome.STALE})
_LOOKS, _LOOKS_STALE, _MOST_LOOKS = 4, 6, 8
_SETTLED_UNSEEN = 2
_MOVING_VERSIONS = 2
_COLLAPSED, _COLLAPSED_ALONE, _BELOW_USUAL = 0.2, 0.1, 0.35
_OTHER_SHRUNK = 0.5  # of the words before, that a wall is shorter than
_LEAST_ARTICLES = 5
_CANARY_LOOKS, _CANARY_WINDOW, _CANARY_SHARE = 4, 6, 0.6
_TOLERANCE = timedelta(seconds=1)  # HTTP dates have no fractions


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Earlier content that is seen again, up to the present look."""

    first_seen_at: datetime
    looks: int  # in a row
    needed: int
    flips: int  # how often such content came and left again

    @property
    def settled(self) -> bool:
        """Whether it was seen often enough to be the article's content again."""
        return self.looks >= self.needed


def weigh_return(
    looks: Sequence[PastLook], *, version_id: int, returns: int, old_copy: bool, now: datetime
) -> Return:
    """Weigh content of an earlier version against the looks before, the latest first.

    It takes four looks in a row; more, up to eight, the oftener the content flipped (a headline
    tried out, two caches) or returned before; six when the page itself says that it is older.
    """
    streak = _streak(looks, version_id)
    flips = count_flips(looks)
    least = _LOOKS_STALE if old_copy else _LOOKS
    return Return(
        first_seen_at=streak[-1].observed_at if streak else now,
        looks=len(streak) + 1,
        needed=min(_MOST_LOOKS, least + flips + 2 * returns),
        flips=flips,
    )


def overtaken_return(looks: Sequence[PastLook]) -> tuple[int, datetime] | None:
    """Earlier content that was there when new content came: its version and its first look.

    The article went back and on before the return was settled. Not where content flips: there it
    was a cache.
    """
    seen = [look for look in looks if look.outcome is not Outcome.FAILED]
    if not seen or seen[0].outcome is not Outcome.UNSETTLED or seen[0].version_id is None:
        return None
    streak = _streak(looks, seen[0].version_id)
    if len(streak) < _SETTLED_UNSEEN or count_flips(looks):
        return None
    return seen[0].version_id, streak[-1].observed_at


def _streak(looks: Sequence[PastLook], version_id: int) -> list[PastLook]:
    streak = []
    for look in looks:
        if look.outcome in _RETURNING and look.version_id == version_id:
            streak.append(look)
        elif look.outcome is not Outcome.FAILED:
            break
    return streak


def count_flips(looks: Sequence[PastLook]) -> int:
    """How often earlier content came and left again, since the last version."""
    flips, after = 0, False
    for look in looks:
        if look.outcome is Outcome.NEW_VERSION:
            break
        if look.outcome in _RETURNING:
            flips += after
            after = False
        elif look.outcome is not Outcome.FAILED:
            after = True
    return flips


def always_differs(looks: Sequence[PastLook]) -> bool:
    """Whether no look since the last two versions showed the same content as the one before.

    A counter moves at every look; an article that is corrected three times rests between.
    """
    versions = 0
    for look in looks:
        if look.outcome is Outcome.NEW_VERSION:
            versions += 1
            if versions == _MOVING_VERSIONS:
                return True
        elif look.outcome is not Outcome.FAILED and look.reason != COUNTER_MOVED:
            return False
    return False


def is_old_copy(
    *,
    headers: Mapping[str, str],
    fetched_at: datetime,
    modified_at: datetime | None,
    current_seen_at: datetime,
    current_modified_at: datetime | None,
    current_last_modified: str | None,
) -> bool:
    """Whether a page says itself that it is older than what was read before.

    By its Age (RFC 9111, section 5.1), its Last-Modified, or the modification date it states.
    """
    if modified_at and current_modified_at and modified_at < current_modified_at:
        return True
    age = headers.get("age", "")
    if age.isdecimal() and len(age) < 10:
        made_at = fetched_at - timedelta(seconds=int(age))
        if made_at < current_seen_at - _TOLERANCE:
            return True
    own, current = _http_date(headers.get("last-modified")), _http_date(current_last_modified)
    return own is not None and current is not None and own < current


def _http_date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def has_collapsed(
    words: int, *, words_before: int, usual: Sequence[int], explains_itself: bool
) -> bool:
    """Whether hardly any text is left: next to the version before, and to the outlet's articles.

    `usual` are the words of the outlet's other articles; a text that tells why it is short counts.
    """
    if explains_itself:
        return False
    if len(usual) < _LEAST_ARTICLES:
        return words < _COLLAPSED_ALONE * words_before
    median = sorted(usual)[len(usual) // 2]
    return words < _COLLAPSED * words_before and words < _BELOW_USUAL * median


def weigh_other_page(
    looks: Sequence[PastLook],
    *,
    words: int,
    words_before: int,
    stands_elsewhere: bool,
    grace_seconds: float,
    now: datetime,
) -> FailureKind | None:
    """What a page is that has nothing of the article, by the looks before, the latest first.

    A wall, when other addresses of the outlet showed it too. Another text of the article, None,
    when it is not much shorter and still there after the grace period. Else it remains to be seen.
    """
    if stands_elsewhere:
        return FailureKind.BLOCKED
    if words < _OTHER_SHRUNK * words_before:
        return FailureKind.OTHER_PAGE
    first = now
    for look in looks:
        if look.failure is FailureKind.OTHER_PAGE:
            first = look.observed_at
        elif look.outcome is not Outcome.FAILED:
            break
    lasted = (now - first).total_seconds()
    return None if first < now and lasted >= grace_seconds else FailureKind.OTHER_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDecision:
    """An article's state after a failed look."""

    state: ArticleState
    first_sign_at: datetime | None  # of a state that is new, or not yet proven
    proven: bool  # False: another look is needed


def decide_state(
    looks: Sequence[PastLook], *, before: ArticleState, grace_seconds: float, alarmed: bool
) -> StateDecision:
    """Decide from the looks up to the present failed one, the latest first.

    Gone and blocked take two signs, the second after the grace period. `alarmed`: the outlet's
    pages can't be read for a reason of ours, so that an empty text says nothing of this article.
    """
    for state, is_sign in _SIGNS:
        if not is_sign(looks[0]) or (alarmed and looks[0].failure in DEGRADED):
            continue
        first, signs = _first_sign(looks, is_sign)
        waited = (looks[0].observed_at - first).total_seconds()
        proven = before is state or (signs > 1 and waited >= grace_seconds)
        return StateDecision(state=state if proven else before, first_sign_at=first, proven=proven)
    return StateDecision(state=before, first_sign_at=None, proven=True)


def _is_missing(look: PastLook) -> bool:
    return look.failure in MISSING


def _is_unreadable(look: PastLook) -> bool:
    if look.failure is FailureKind.HTTP_CLIENT:
        return look.status in _FORBIDDING
    return look.failure in UNREADABLE


_SIGNS: tuple[tuple[ArticleState, Callable[[PastLook], bool]], ...] = (
    (ArticleState.GONE, _is_missing),
    (ArticleState.BLOCKED, _is_unreadable),
)


def _first_sign(
    looks: Sequence[PastLook], is_sign: Callable[[PastLook], bool]
) -> tuple[datetime, int]:
    """When the signs began and how many there are; other failures neither add to nor end them."""
    first, signs = looks[0].observed_at, 0
    for look in looks:
        if is_sign(look):
            first, signs = look.observed_at, signs + 1
        elif look.outcome is not Outcome.FAILED:
            break
    return first, signs


def count_degraded(failures: Sequence[FailureKind | None]) -> tuple[int, int]:
    """How many articles gave no text, of how many that tell something of extraction.

    `failures`: of the last look at each of the outlet's articles, the latest looks first. Pages
    that are gone or walled off tell nothing.
    """
    telling = [item for item in failures if item is None or item in DEGRADED][:_CANARY_WINDOW]
    return sum(item in DEGRADED for item in telling), len(telling)


def is_degraded(failures: Sequence[FailureKind | None]) -> bool:
    """Whether an outlet's pages can't be read any more: four of the last six articles or more."""
    failed, looked = count_degraded(failures)
    return looked >= _CANARY_LOOKS and failed >= max(_CANARY_LOOKS, _CANARY_SHARE * looked)
