"""Placing articles in the derivation graph, inside the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from ingest.derivation import JOINING, Link, Member, choose_parent, clusters
from storage.clusters import (
    Component,
    Parent,
    Placement,
    children,
    cluster_of,
    clustermates,
    every_article,
    load_component,
    lock_clusters,
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
    places = _places(found) | cluster_of(connection, beside.article_ids)
    parents = _parents(found) | _parents(beside)
    save_clusters(
        connection,
        (
            Placement(
                article_id=article_id, cluster_id=cluster_id, size=size, parent=parents[article_id]
            )
            for article_id, (cluster_id, size) in places.items()
        ),
        now,
    )
    return found.article_ids


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
    return [
        Member(
            article_id=item.article_id,
            published_at=item.published_at,
            day_only=item.day_only,
            first_seen_at=item.first_seen_at,
        )
        for item in component.dates
    ]


def _links(component: Component) -> list[Link]:
    return [
        Link(
            child=item.child,
            parent=item.parent,
            relation=item.relation,
            shared_child=item.shared_child,
            shared_parent=item.shared_parent,
        )
        for item in component.links
    ]
