"""What was in hand when the program died, more than once: tried alone, and given up in the end.

claim one alone -> died on it as often as the budget says? -> written down as `interrupted`
"""

from __future__ import annotations

from sqlalchemy import Connection

from ingest.context import Context
from ingest.looking import LookReport
from ingest.model import Failure, FailureKind
from ingest.settle_check import settle_check
from ingest.settle_first import settle_first_look
from storage.articles import StoredArticle, claim_due_articles, keep_suspected
from storage.candidates import ClaimedCandidate, claim_candidates


def claim_suspected_candidate(
    connection: Connection, context: Context
) -> tuple[list[LookReport], tuple[ClaimedCandidate, ...]]:
    """Claim one candidate to be looked at alone; return what was given up before, and it."""
    given_up: list[LookReport] = []
    while True:
        claimed = claim_candidates(
            connection,
            context.now(),
            limit=1,
            terms=context.terms(alone=True),
        )
        if not claimed or claimed[0].interrupted < context.retry_budget.crashes:
            return given_up, claimed
        [item] = claimed
        url = item.candidate.url
        outcome, detail = settle_first_look(
            connection,
            context,
            item,
            fetched=_failure(context, url, item.interrupted),
            reading=None,
        )
        given_up.append(LookReport(url=url, outcome=outcome, detail=detail))


def claim_suspected_article(
    connection: Connection, context: Context
) -> tuple[list[LookReport], tuple[StoredArticle, ...]]:
    """Claim one article to be looked at alone; return the looks that were given up before, and it.

    An article is never given up: it is looked at later, alone again.
    """
    given_up: list[LookReport] = []
    while True:
        claimed = claim_due_articles(
            connection,
            context.now(),
            limit=1,
            terms=context.terms(alone=True),
        )
        if not claimed or claimed[0].interrupted < context.retry_budget.crashes:
            return given_up, claimed
        [item] = claimed
        failure = _failure(context, item.check_url, item.interrupted)
        outcome, detail = settle_check(connection, context, item, fetched=failure, reading=None)
        keep_suspected(connection, item.id, context.retry_budget.crashes - 1)
        given_up.append(LookReport(url=item.canonical_url, outcome=outcome, detail=detail))


def _failure(context: Context, url: str, times: int) -> Failure:
    return Failure(
        requested_url=url,
        kind=FailureKind.INTERRUPTED,
        reason=f"the program died {times} times in a row while it had this page in hand,"
        f" {times - context.retry_budget.alone_after} times this page alone",
        at=context.now(),
    )
