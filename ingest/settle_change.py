"""What a look that shows other content leaves behind, inside one transaction.

lines of the page again -> the current version, extended
earlier content         -> settle_return: an old copy, or after enough looks a return
hardly any text, or nothing of the article -> settle_problem: a failed look
anything else           -> settle_next: the next version, and what changed
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from ingest.changes import only_page_lines_differ
from ingest.context import Context
from ingest.model import Article, ChangeKind, FailureKind, Rejection
from ingest.otherpage import is_other_page, page_mark
from ingest.pagelines import has_notice, is_teaser
from ingest.recheck import has_collapsed, weigh_other_page
from ingest.settle_look import Look, Report
from ingest.settle_next import settle_noise, settle_version
from ingest.settle_problem import settle_problem
from ingest.settle_return import catch_up, find_known, settle_return
from ingest.urls import registered_domain
from ingest.work import PageReading
from storage.articles import StoredArticle
from storage.lifecycle import stands_elsewhere, usual_words
from storage.versions import count_changes, past_contents, past_looks


def settle_change(
    connection: Connection,
    context: Context,
    look: Look,
    *,
    article: Article,
    reading: PageReading,
) -> Report:
    """Write a look at content that is not the current version's."""
    stored, page = look.article, look.page
    assert page is not None
    if _is_noise_again(connection, stored, article):
        return settle_noise(connection, context, look, "only lines of the page differ")
    past = past_contents(connection, stored.id, before=stored.current.id)
    known = find_known(past, article)
    if known is not None:
        return settle_return(
            connection, context, look, article=article, reading=reading, known=known
        )
    mark = _mark_other_page(stored, article)
    problem = _find_collapse(connection, stored, article)
    if problem is None and mark is not None:
        problem = _find_other_page(connection, context, look, article=article, mark=mark)
    if problem is not None:
        return settle_problem(
            connection, context, stored, problem=problem, page=page, reading=reading, mark=mark
        )
    look = replace(look, article=catch_up(connection, context, look.article, past))
    return settle_version(
        connection,
        context,
        look,
        article=article,
        assessment=reading.assessment,
        seen_before=False,
        since=look.now,
    )


def _mark_other_page(stored: StoredArticle, article: Article) -> str | None:
    """The mark of a page that has nothing of the article; None for an edit, however large."""
    other = is_other_page(
        old_title=stored.current.title,
        old_text=stored.current.text,
        new_title=article.title,
        new_text=article.text,
    )
    return page_mark(article.title, article.text) if other else None


def _find_collapse(
    connection: Connection, stored: StoredArticle, article: Article
) -> Rejection | None:
    collapsed = is_teaser(article.text, before=stored.current.text) or has_collapsed(
        article.words,
        words_before=stored.current.words,
        usual=usual_words(connection, stored.outlet_id, besides=stored.id),
        explains_itself=has_notice(article.text),
    )
    reason = f"{article.words} words are left of {stored.current.words}"
    return Rejection(kind=FailureKind.COLLAPSED, reason=reason) if collapsed else None


def _find_other_page(
    connection: Connection, context: Context, look: Look, *, article: Article, mark: str
) -> Rejection | None:
    stored = look.article
    domain = registered_domain(stored.canonical_url)
    elsewhere = stands_elsewhere(connection, mark, domain=domain, besides=stored.id)
    kind = weigh_other_page(
        past_looks(connection, stored.id),
        words=article.words,
        words_before=stored.current.words,
        stands_elsewhere=elsewhere,
        grace_seconds=context.check_budget.grace_seconds,
        now=look.now,
    )
    if kind is None:
        return None
    where = "it stands at other addresses too" if elsewhere else "nothing of the article is left"
    return Rejection(kind=kind, reason=f"another page, {where}: {article.title[:80]!r}")


def _is_noise_again(connection: Connection, stored: StoredArticle, article: Article) -> bool:
    """Whether only lines of the page differ, and the article has shown before that they do."""
    return only_page_lines_differ(
        old_title=stored.current.title,
        old_text=stored.current.text,
        new_title=article.title,
        new_text=article.text,
    ) and bool(count_changes(connection, stored.id, ChangeKind.BOILERPLATE))
