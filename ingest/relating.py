"""Placing articles in the derivation graph, inside the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.derivation import JOINING, Link, Member, choose_parent, clusters
from storage.clusters import (
    ArticleDates,
    ArticleLink,
    Component,
    Parent,
    Placement,
    children,
    clustermates,
    every_article,
    links_of,
    load_component,
    load_dates,
    lock_clusters,
    merge_clusters,
    placements,
    save_clusters,
)

_BATCH = 500
"""Articles that a rebuild begins a walk from at once."""


def refresh_clusters(
    connection: Connection, article_ids: Collection[int], now: datetime
) -> frozenset[int]:
    """Place articles anew whose links or dates changed; return those whose clusters were made.

    Of a new link one end is enough, the other is found over it; of a link that is no more, as when
    an analyst overrules it, either end too. The cost is that of the clusters these articles are or
    were in, and of the articles linked to them by an excerpt, which may get or lose a parent.
    """
    lock_clusters(connection)
    changed = frozenset(article_ids)
    found = load_component(connection, changed | clustermates(connection, changed), joining=JOINING)
    linked = {
        end
        for link in found.links
        if not changed.isdisjoint((link.child, link.parent))
        for end in (link.child, link.parent)
    }
    linked |= children(connection, changed)
    beside = load_component(connection, linked - found.article_ids, joining=())
    parents = _parents(found) | _parents(beside)
    kept = placements(connection, beside.article_ids)
    save_clusters(
        connection,
        [
            *(
                Placement(
                    article_id=article_id,
                    cluster_id=cluster_id,
                    size=size if article_id == cluster_id else 0,
                    parent=parents[article_id],
                )
                for article_id, (cluster_id, size) in _places(found).items()
            ),
            *(replace(item, parent=parents[item.article_id]) for item in kept.values()),
        ],
        now,
    )
    return found.article_ids


def add_to_clusters(
    connection: Connection, article_id: int, *, version_id: int, now: datetime
) -> None:
    """Place an article after a version of it was stored and compared: what that adds.

    Gives what `refresh_clusters` gives, for links were added only and no date has moved: clusters
    can but merge, and an article's parent can but give way to the new one. The cost is that of the
    version's own links, whatever the size of the clusters; that of those that merge comes on top,
    but for the one of the earliest article.
    """
    lock_clusters(connection)
    links = [_link(item) for item in links_of(connection, version_id)]
    touched = {article_id, *(end for link in links for end in (link.child, link.parent))}
    alone = Placement(article_id=article_id, cluster_id=article_id, size=1, parent=None)
    placed = {article_id: alone} | placements(connection, touched)
    if not touched <= placed.keys():  # as in an archive of which they were deleted
        refresh_clusters(connection, [article_id], now)
        return
    joined = {
        article_id,
        *(end for link in links if link.relation in JOINING for end in _ends(link)),
    }
    merging = {placed[item].cluster_id for item in joined}
    firsts = placements(connection, merging) | {
        item.article_id: item for item in placed.values() if item.article_id in merging
    }
    parents = [item.parent.article_id for item in placed.values() if item.parent is not None]
    members = {
        item.article_id: item
        for item in _as_members(load_dates(connection, {*touched, *merging, *parents}))
    }
    earliest = min(merging, key=lambda item: members[item].order)
    size = sum(firsts[item].size for item in merging)
    if len(merging) > 1:
        merge_clusters(connection, merging - {earliest}, into=earliest, now=now)
    moved = dict(placed)
    moved[earliest] = firsts[earliest]
    save_clusters(
        connection,
        [
            replace(
                item,
                cluster_id=earliest if item.cluster_id in merging else item.cluster_id,
                size=_size_at(item, earliest=earliest, merging=merging, size=size),
                parent=_better_parent(item, links, members)
                if item.article_id in touched
                else item.parent,
            )
            for item in moved.values()
        ],
        now,
    )


def _size_at(item: Placement, *, earliest: int, merging: Collection[int], size: int) -> int:
    if item.cluster_id not in merging:
        return item.size
    return size if item.article_id == earliest else 0


def _better_parent(
    item: Placement, links: Collection[Link], members: Mapping[int, Member]
) -> Parent | None:
    """The parent of an article, of the one that it has and of those that new links offer."""
    own = [link for link in links if item.article_id in _ends(link)]
    if item.parent is not None:
        before = Link(
            child=item.article_id,
            parent=item.parent.article_id,
            relation=item.parent.relation,
            shared_child=item.parent.shared_child,
            shared_parent=item.parent.shared_parent,
        )
        own.append(before)
    return _parent(choose_parent(item.article_id, own, members))


def _ends(link: Link) -> tuple[int, int]:
    return link.child, link.parent


def rebuild_clusters(connection: Connection, now: datetime) -> int:
    """Place every article anew, as after a change of method; return how many there are."""
    placed: set[int] = set()
    every = every_article(connection)
    for start in range(0, len(every), _BATCH):
        batch = set(every[start : start + _BATCH]) - placed
        placed |= refresh_clusters(connection, batch, now)
    return len(every)


def _parents(component: Component) -> dict[int, Parent | None]:
    """The parent of each article that was walked."""
    members = {item.article_id: item for item in _members(component)}
    links: defaultdict[int, list[Link]] = defaultdict(list)
    for link in _links(component):
        links[link.child].append(link)
        links[link.parent].append(link)
    return {
        article_id: _parent(choose_parent(article_id, links[article_id], members))
        for article_id in component.article_ids
    }


def _parent(link: Link | None) -> Parent | None:
    if link is None:
        return None
    return Parent(
        article_id=link.parent,
        relation=link.relation,
        shared_child=link.shared_child,
        shared_parent=link.shared_parent,
    )


def _places(component: Component) -> dict[int, tuple[int, int]]:
    """The cluster of each article that was walked, and its size."""
    members = [item for item in _members(component) if item.article_id in component.article_ids]
    return {
        article_id: (group.earliest, len(group.members))
        for group in clusters(members, _links(component))
        for article_id in group.members
    }


def _members(component: Component) -> list[Member]:
    return _as_members(component.dates)


def _as_members(dates: Iterable[ArticleDates]) -> list[Member]:
    return [
        Member(
            article_id=item.article_id,
            published_at=item.published_at,
            day_only=item.day_only,
            first_seen_at=item.first_seen_at,
        )
        for item in dates
    ]


def _links(component: Component) -> list[Link]:
    return [_link(item) for item in component.links]


def _link(item: ArticleLink) -> Link:
    return Link(
        child=item.child,
        parent=item.parent,
        relation=item.relation,
        shared_child=item.shared_child,
        shared_parent=item.shared_parent,
    )
