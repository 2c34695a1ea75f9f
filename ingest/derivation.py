"""The derivation graph: which articles carry one text, and from which each has it.

Pure: what an article is joined to, and when it was out, come in as values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest.model import Relation

JOINING = frozenset({Relation.IDENTICAL, Relation.NEAR_DUPLICATE, Relation.TRANSLATION})
"""Relations that make two articles one text; an excerpt is in a text, it is not the text."""

_DIRECTNESS = (
    Relation.IDENTICAL,
    Relation.NEAR_DUPLICATE,
    Relation.TRANSLATION,
    Relation.EXCERPT,
)
_REST_OF_DAY = timedelta(days=1, microseconds=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A relation between two articles, as a verdict on their versions gave it."""

    child: int
    parent: int
    relation: Relation
    shared_child: float  # share of the child that the parent covers
    shared_parent: float

    def turned(self) -> Link:
        """Return the same link seen from its other end."""
        return replace(
            self,
            child=self.parent,
            parent=self.child,
            shared_child=self.shared_parent,
            shared_parent=self.shared_child,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article, and what is known of when it was published."""

    article_id: int
    published_at: datetime | None
    day_only: bool  # then published_at is the midnight that begins the day
    first_seen_at: datetime

    @property
    def known_at(self) -> datetime:
        """When it was out for certain: no date is believed that is later than the first look.

        A day stands for its end, so that it never makes an article earlier than it can be shown to
        be.
        """
        if self.published_at is None:
            return self.first_seen_at
        latest = self.published_at + _REST_OF_DAY if self.day_only else self.published_at
        return min(latest, self.first_seen_at)

    @property
    def order(self) -> tuple[datetime, int]:
        """What articles are put in order by; no two are equal."""
        return self.known_at, self.article_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Articles that carry one text."""

    earliest: int  # the member known earliest
    members: frozenset[int]


def clusters(members: Iterable[Member], links: Iterable[Link]) -> tuple[Cluster, ...]:
    """Return the groups of articles that joining links connect, by their earliest; many have one.

    Every end of a joining link is a member. Union-find with path halving: Tarjan, "Efficiency of a
    Good But Not Linear Set Union Algorithm", JACM 22 (1975); Tarjan and van Leeuwen, JACM 31
    (1984). The root of a group is its earliest member, so the ranks that bound the depth are left
    out: with halving alone m steps over n articles still take O(m log n).
    """
    order = {member.article_id: member.order for member in members}
    above = {article_id: article_id for article_id in order}
    for link in links:
        if link.relation in JOINING:
            first, second = sorted(
                (_root(above, link.child), _root(above, link.parent)), key=order.__getitem__
            )
            above[second] = first
    groups: defaultdict[int, set[int]] = defaultdict(set)
    for article_id in above:
        groups[_root(above, article_id)].add(article_id)
    return tuple(
        Cluster(earliest=earliest, members=frozenset(groups[earliest]))
        for earliest in sorted(groups)
    )


def _root(above: dict[int, int], article_id: int) -> int:
    while above[article_id] != article_id:
        above[article_id] = above[above[article_id]]
        article_id = above[article_id]
    return article_id


def choose_parent(
    child: int, candidates: Iterable[Link], members: Mapping[int, Member]
) -> Link | None:
    """Return the link to the one article that the child most likely has its text from, if any.

    Candidates are links of the child in either direction; every end is a member. Only an earlier
    article can be the parent, so following parents never leads back. Of the earlier ones, in this
    order: the one that covers the most of the child, in whole hundredths, as less is noise; the
    more direct relation; the earliest. The last because copies of an agency's text are alike and
    nothing tells which copy was copied: the oldest source explains them all, a chain through each
    reprint would claim what nobody saw.
    """
    seen_from_child = (link if link.child == child else link.turned() for link in candidates)
    return min(
        (
            link
            for link in seen_from_child
            if link.relation in _DIRECTNESS and members[link.parent].order < members[child].order
        ),
        key=lambda link: (
            -round(link.shared_child, 2),
            _DIRECTNESS.index(link.relation),
            members[link.parent].order,
            # of two links to one article, whichever came first
            -link.shared_child,
            -link.shared_parent,
        ),
        default=None,
    )
