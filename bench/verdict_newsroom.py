"""The demonstration's articles against the default story's seed, whole and cut."""

from __future__ import annotations

from pathlib import Path

from verdict_tables import Figures

from ingest.assess import assess_article
from ingest.config import load_config
from ingest.demo.newsroom import Piece, load
from ingest.language import count_words, detect_language
from ingest.model import Article, DatedBy, DateSource, Relation, Verdict
from ingest.runtime import load_stories
from ingest.verdict.encoder import Encoder

CONFIG = Path(__file__).parent.parent / "config.toml"


def newsroom(encoder: Encoder | None, figures: Figures) -> None:
    """The demonstration's articles against the default story's seed, as the pipeline does it."""
    stories = load_stories(load_config(CONFIG, environ={}))[:1]
    print("\nthe newsroom against the seed")

    def verdict_on(piece: Piece, text: str) -> Verdict:
        address = f"https://{piece.house}.example{piece.path}"
        article = Article(
            url=address,
            canonical_url=address,
            title=piece.title,
            byline=piece.author,
            site_name=piece.house,
            published=DatedBy(value=piece.published, source=DateSource.META, confidence=1.0),
            modified=None,
            language=detect_language(text),
            text=text,
            words=count_words(text),
            extractor="",
            extractor_version="",
        )
        return assess_article(article, stories, encoder=encoder).seed_verdicts[0]

    _, pieces = load(stories[0].seed.title, stories[0].seed.text)
    right = count = 0
    for piece in pieces:
        verdict = verdict_on(piece, piece.text)
        if piece.relation is None:
            mark = "not of the story"
        else:
            mark = "ok" if piece.relation is verdict.relation else f"EXPECTED {piece.relation}"
        print(
            f"  {piece.key:28}{verdict.relation.value:16}{verdict.score:6.3f}"
            f"  {verdict.shared_a:.2f} {verdict.shared_b:.2f}"
            f" {'review ' if verdict.needs_review else ''}{mark}"
        )
        if piece.relation is Relation.TRANSLATION:
            lines = piece.text.split("\n")
            again = verdict_on(piece, "\n".join(lines[: round(len(lines) * 0.6)]))
            print(f"  {'  its first 60 %':28}{again.relation.value:16}{again.score:6.3f}")
            right += again.relation is Relation.TRANSLATION
            count += 1
        right += piece.relation is verdict.relation
        count += piece.relation is not None
    figures.add("the seed against the newsroom, and cuts of it", "all", f"{right} of {count}")
