"""Telling lines of the page from lines of the article, and notices from news.

Extraction lets a few lines through that belong to the page: "updated 5 minutes ago", counters,
related links, adverts. They change by themselves and are no edit of the article.
"""

from __future__ import annotations

import re

_LONGEST_LINK = 160  # characters of a headline in a list of related links
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”“»」)]*\s*$")
_AGO = (
    r"\b\d+\s?(?:seconds?|minutes?|mins?|hours?|days?) ago\b|\bvor \d+ (?:sekunden|minuten?|stunden?|tag(?:en)?)\b"
    r"|\bil y a \d+ (?:minutes?|heures?|jours?)\b|\bhace \d+ (?:minutos?|horas?|días?)\b|\b\d+ (?:minuti|ore|giorni) fa\b"
    r"|\bhá \d+ (?:minutos?|horas?|dias?)\b|\b\d+ (?:minuten|uur|dagen) geleden\b|\b\d+ (?:minut\w*|godzin\w*|dni) temu\b"
    r"|\b\d+ (?:минут\w*|час\w*|дн\w+|хвилин\w*|годин\w*) (?:назад|тому)|\d+\s?(?:분|시간|일) 전|\d+\s?(?:分|時間|日)前|\d+\s?(?:分钟|小时|天)前"
)
_PAGE_LINE = re.compile(
    # when the page was made
    r"^(?:last )?(?:updated?|modified|published|posted)(?: (?:on|at))?\b\s?:?.{0,50}\d.{0,30}$"
    r"|^(?:(?:zuletzt )?aktualisiert|veröffentlicht|stand|mis à jour|publié|actualizado|publicado|aggiornat[oa]|pubblicat[oa]"
    r"|bijgewerkt|zaktualizowano|обновлено|опубликовано|оновлено|опубліковано)\b.{0,50}\d.{0,30}$"
    r"|^(?:입력|수정|업데이트|更新|发布时间|發布時間|公開)\s?:?\s?.{0,20}\d.{0,30}$"
    rf"|^.{{0,30}}(?:{_AGO}).{{0,25}}$"
    # links
    r"|^(?:related(?: (?:articles?|stories|news|topics|posts))?|read (?:more|also|next)|see also|more (?:on this|from|stories)|also read"
    r"|don'?t miss|recommended|most (?:read|popular)|trending|mehr zum thema|lesen sie (?:auch|mehr)|auch interessant|weitere artikel|meistgelesen"
    r"|à lire aussi|lire aussi|lee también|más noticias|te puede interesar|leggi anche|leia (?:também|mais)|lees ook|czytaj (?:też|także|więcej)"
    r"|zobacz (?:też|także)|читайте (?:также|ещё|еще|також)|по теме|관련\s?기사|많이 본 뉴스|相关(?:阅读|新闻)|相關新聞|関連記事)(?:\b|(?<=\W))\s*(?:[:»>|–—-]\s?.{0,200})?$"
    # counters and buttons
    r"|^(?:\(?\d[\d.,]*\s?[km]?\)?\s?)?(?:comments?|shares?|views?|likes?|reads|kommentare?|mal geteilt|aufrufe|commentaires?|vues|comentarios|commenti"
    r"|комментари\w+|просмотр\w+|коментар\w+|перегляд\w+|댓글|조회수?|浏览|评论)\s?:?\s?(?:\(?\d[\d.,]*\s?[km]?\)?)?$"
    r"|^(?:share|total|teilen|partager|compartir|condividi|поделиться|공유|分享)(?: (?:this|on|via) .{0,40})?(?: ?\d+ shares?)?.{0,3}$"
    r"|^\d[\d.,]*$"
    # adverts and what asks for something
    r"|^(?:advertisement|advertising|sponsored(?: content)?|promoted|anzeige|werbung|publicité|publicidad|pubblicità|reclame|reklama|реклама|광고|広告|广告)(?:\s?[:–—-]\s?.{0,200})?$"
    r"|^(?:subscribe to|sign up for|get our|follow us|join our|download (?:the|our)|support our|abonnieren sie|jetzt abonnieren|folgen sie uns|inscrivez-vous|abonnez-vous"
    r"|suscr[ií]bete|síguenos|iscriviti|подпи(?:шитесь|сывайтесь)|подписывайтесь|підпи(?:шіться|суйтесь))\b.{0,200}$"
    r"|^(?:©|\(c\)|copyright\b).{0,120}$|^.{0,60}\ball rights reserved\b.{0,20}$",
    re.IGNORECASE,
)
_LIST_HEADING = re.compile(
    r"^(?:related(?: (?:articles?|stories|news|topics|posts))?|read (?:more|next)|see also|more (?:on this|stories)|most (?:read|popular)|trending"
    r"|mehr zum thema|weitere artikel|meistgelesen|auch interessant|à lire aussi|más noticias|leggi anche|leia também|lees ook|czytaj także"
    r"|читайте (?:также|також)|по теме|관련\s?기사|많이 본 뉴스|相关(?:阅读|新闻)|相關新聞|関連記事)\s?:?$",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.|\[…\]|\[\.\.\.\])$")
_TEASER = 0.5  # of the text before, that a teaser is shorter than
_NOTICE = re.compile(
    # a label at the start of a sentence
    r"^\W{0,3}(?:corrections?|clarifications?|editor['’]?s['’]? note|amendment|korrektur|berichtigung|richtigstellung|anmerkung der redaktion|hinweis der redaktion"
    r"|rectificatif|précision|erratum|errata|fe de erratas?|fe de errores|corrección|aclaración|correzione|rettifica|errata corrige|correção|rectificatie|correctie"
    r"|sprostowanie|korekta|oprava|исправление|уточнение|поправка|исправлено|виправлення|уточнення|виправлено|düzeltme|تصحيح|תיקון|정정(?: ?보도)?|바로잡습니다|바로잡음|訂正|更正|勘误)"
    r"\s*(?:\([^)]{0,40}\)|,? \d[^:]{0,30})?\s*[:.!–—-]"
    # or what such a notice says
    r"|\b(?:an?|the) (?:earlier|previous|original) (?:version|headline) of (?:this|the) (?:article|story|report|piece)\b|\bthis (?:article|story|report|piece|headline) (?:was|has been) (?:amended|corrected|updated to correct|revised|edited) "
    r"|\bin einer (?:früheren|vorherigen|ersten) (?:version|fassung)\b|\bdieser artikel wurde (?:korrigiert|berichtigt)|\bwir haben (?:das|den fehler|die angabe) .{0,30}korrigiert"
    r"|\b(?:une|dans une) (?:première|précédente) version de (?:cet|l['’])\s?article|\bcet article a été (?:corrigé|modifié)"
    r"|\buna versión (?:anterior|previa) de (?:este|esta)|\buna (?:precedente|prima) versione di quest|\buma versão anterior d[ea]st"
    r"|\bin een eerdere versie van dit|\b(?:we )?wcześniejsz\w+ wersj\w+ (?:tego )?(?:artykułu|tekstu)"
    r"|\bв (?:более ранней|предыдущей|первоначальной|первой) версии (?:этой |этого )?(?:статьи|материала|текста|новости)|\b(?:у|в) (?:попередній|ранішій|першій) версії"
    r"|이전 (?:기사|버전)(?:에서|에는)|本文早前|当初の記事",
    re.IGNORECASE,
)
_WITHDRAWAL = re.compile(
    r"\b(?:this|the) (?:article|story|report|page) (?:has been|was) (?:removed|withdrawn|retracted|taken down|deleted|unpublished)\b"
    r"|\bdieser (?:artikel|beitrag) (?:wurde|ist) .{0,30}(?:entfernt|gelöscht|zurückgezogen|depubliziert)|\bcet article a été (?:retiré|supprimé)"
    r"|\beste artículo (?:ha sido|fue) (?:retirado|eliminado)|\b(?:статья|материал|публикация) (?:был[аи]? )?(?:удал[её]н[аоы]?|отозван[аоы]?|снят[аоы]?)"
    r"|\b(?:статтю|матеріал) (?:було )?(?:видалено|відкликано)|기사(?:가|는) 삭제|記事は(?:削除|取り下げ)",
    re.IGNORECASE,
)


def without_page_lines(text: str) -> str:
    """Return the text without the lines that belong to the page, its other lines as they are."""
    kept: list[str] = []
    in_list = False
    for line in text.split("\n"):
        stripped = line.strip()
        if _LIST_HEADING.match(stripped):
            in_list = True
            continue
        # what follows a heading of related links is headlines, until a sentence comes
        if in_list and stripped and len(stripped) <= _LONGEST_LINK and not _is_prose(stripped):
            continue
        in_list = in_list and not stripped
        if not _PAGE_LINE.match(stripped):
            kept.append(line)
    return "\n".join(kept)


def _is_prose(line: str) -> bool:
    return _SENTENCE_END.search(line) is not None


def is_notice(sentence: str) -> bool:
    """Whether a sentence tells of a correction."""
    return _NOTICE.search(sentence) is not None


def is_withdrawal(text: str) -> bool:
    """Whether a text says that the article was taken back."""
    return _WITHDRAWAL.search(text) is not None


def without_digits(sentence: str) -> str:
    """A sentence with every run of digits made one sign: what a counter leaves when it moves."""
    return _DIGITS.sub("0", sentence)


def is_teaser(text: str, *, before: str) -> bool:
    """Whether a text is the beginning of the one before, cut where a paywall cuts it."""
    beginning = _ELLIPSIS.sub("", text.rstrip())
    return (
        len(beginning) < len(text.rstrip())
        and len(beginning) < _TEASER * len(before)
        and " ".join(before.split()).startswith(" ".join(beginning.split()))
    )


def has_notice(text: str) -> bool:
    """Whether a text says itself that it was corrected or taken back."""
    return is_withdrawal(text) or any(is_notice(line) for line in text.splitlines())
