"""Recognising a page that stands where an article should be, though its status is 200.

Consent walls, logins, bot checks and "not found" pages are short and say what they are. A long text
that mentions cookies is an article about cookies: every rule is bound to the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.model import FailureKind, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleLimits:
    """How long a text may be for a rule to hold; characters."""

    wall: int = 1500  # a text this long is an article whatever words it holds
    short: int = 600  # a text this short needs one sign only


_CONSENT = re.compile(
    r"accept (?:all )?cookies|accept all|reject all|cookie (?:policy|settings|preferences)|we (?:and our partners )?"
    r"use cookies|before you continue|consent to|manage (?:my )?(?:preferences|consent)|your privacy choices"
    r"|alle akzeptieren|alle ablehnen|cookies? zu(?:stimmen|lassen)|verwend\w+ (?:von )?cookies|cookies,? um"
    r"|bevor sie fortfahren|datenschutzeinstellungen|einwilligung|mit werbung weiterlesen|zustimmen und weiter"
    r"|tout accepter|tout refuser|accepter et (?:continuer|fermer)|utilis\w+ des cookies|continuer sans accepter"
    r"|aceptar (?:todo|todas|y continuar)|rechazar tod\w+|utiliza\w* cookies|rifiuta tutto|accetta (?:tutto|e continua)"
    r"|utilizz\w+ (?:i )?cookie|alles accepteren|wij gebruiken cookies|akceptuj\w* wszystk\w+|pliki cookie|plik[óo]w cookie"
    r"|aceitar (?:tudo|todos)|utiliza\w* cookies|принять все|использу\w+ (?:файлы )?cookie|файл\w+ cookie|прийняти все"
    r"|використову\w+ (?:файли )?cookie|쿠키(?:를|의)? (?:사용|허용)|모두 (?:허용|동의)|接受(?:所有|全部)|使用\s?cookie|クッキー|すべて同意",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:please )?(?:log|sign) in to (?:continue|read)|subscribe to (?:continue|read)|this article is for subscribers"
    r"|subscribers? only|already a subscriber|create (?:a free|an) account|to continue reading|start your (?:free )?(?:trial|subscription)"
    r"|jetzt (?:abonnieren|weiterlesen)|bereits abonnent|nur für abonnenten|zum weiterlesen|mit .{0,20}plus[- ]abo|einloggen oder"
    r"|réservé aux abonnés|déjà abonné|identifiez-vous|pour lire la suite|solo para suscriptores|suscríb\w+ para|ya es suscriptor"
    r"|contenuto riservato agli abbonati|sei già abbonato|alleen voor abonnees|tylko dla prenumeratorów|exclusivo para assinantes"
    r"|только для подписчиков|войдите,? чтобы|оформите подписку|лише для передплатників|увійдіть,? щоб|로그인(?:이 필요|하세요| 후)|구독자 전용"
    r"|登录后|訂閱以|订阅后|会員限定|有料会員|ログインして",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"are you (?:a )?(?:human|robot)|verify(?:ing)? (?:that )?you are (?:a )?human|not a robot|unusual traffic|checking your browser"
    r"|enable javascript|javascript is (?:disabled|required)|complete the (?:captcha|security check)|access denied|attention required"
    r"|request (?:was )?blocked|ddos protection|too many requests|rate limit|press (?:and|&) hold|one more step|just a moment"
    r"|javascript aktivieren|kein roboter|zugriff verweigert|activer javascript|pas un robot|accès refusé|habilit\w+ javascript"
    r"|no (?:eres|soy) un robot|включите javascript|не робот|доступ (?:запрещ[её]н|ограничен)|увімкніть javascript|자바스크립트|로봇이 아닙니다"
    r"|启用\s?javascript|不是机器人|人机验证|ロボットではありません|javascriptを有効",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"(?:page|article|story|content) (?:was |could |can(?:no|')t |is |you .{0,30})?(?:not|no longer|n't) (?:be )?(?:found|available|exist\w*)"
    r"|\b404\b|page not found|nothing (?:was )?found here|seite (?:wurde )?nicht gefunden|seite existiert nicht|nicht mehr (?:verfügbar|vorhanden)"
    r"|page (?:introuvable|non trouvée)|n'existe (?:pas|plus)|página no (?:encontrada|existe)|no se ha encontrado|pagina non trovata"
    r"|pagina (?:is )?niet gevonden|nie znaleziono strony|strona nie istnieje|página não encontrada|страница не найдена|страница не существует"
    r"|сторінку не знайдено|페이지를 찾을 수 없|存在しません|見つかりません|页面不存在|找不到(?:页面|頁面)|页面未找到",
    re.IGNORECASE,
)
_CHALLENGE_MARKUP = re.compile(
    r"cf-browser-verification|challenge-platform|cdn-cgi/challenge|g-recaptcha-response|px-captcha|_Incapsula_Resource"
    r"|geo\.captcha-delivery\.com|datadome",
    re.IGNORECASE,
)


def find_obstacle(
    *, title: str, text: str, markup: str, limits: ObstacleLimits = ObstacleLimits()
) -> Rejection | None:
    """Return what stands in the way of the article, None when nothing does.

    `text` is what was extracted, empty when nothing was; `markup` a sample of the page.
    """
    if len(text) > limits.wall:
        return None
    if _MISSING.search(title) and len(text) < limits.wall:
        return _soft_404(title)
    for name, pattern in (("a bot check", _BOT), ("a login or paywall", _LOGIN)):
        if pattern.search(title):
            return Rejection(kind=FailureKind.BLOCKED, reason=f"{name}: {title[:100]!r}")
    signs = _signs(text)
    if {name for name, _ in signs} and _share(signs, text) >= _needed(len(text), limits):
        name, sample = signs[0]
        kind = FailureKind.SOFT_404 if name == _NOT_FOUND else FailureKind.BLOCKED
        return Rejection(kind=kind, reason=f"{name}: {sample!r}")
    if len(text) < limits.short and _CHALLENGE_MARKUP.search(markup):
        return Rejection(kind=FailureKind.BLOCKED, reason="a bot check: its script is in the page")
    if not text:
        return _without_text(markup)
    return None


_NOT_FOUND = "a not-found page"


def _soft_404(title: str) -> Rejection:
    return Rejection(kind=FailureKind.SOFT_404, reason=f"{_NOT_FOUND}: {title[:100]!r}")


def _signs(text: str) -> list[tuple[str, str]]:
    found = []
    for name, pattern in (
        ("a bot check", _BOT),
        ("a consent wall", _CONSENT),
        ("a login or paywall", _LOGIN),
        (_NOT_FOUND, _MISSING),
    ):
        found += [(name, match.group(0)[:80]) for match in pattern.finditer(text)]
    return found


def _share(signs: list[tuple[str, str]], text: str) -> float:
    """Signs for every 300 characters: walls are dense with them."""
    return len(signs) * 300 / max(len(text), 1)


def _needed(length: int, limits: ObstacleLimits) -> float:
    """Half a sign for every 300 characters of a short text, one and a half of a longer one."""
    return 0.5 if length < limits.short else 1.5


def _without_text(markup: str) -> Rejection | None:
    visible = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]+>", " ", markup)
    visible = " ".join(visible.split())[:3000]
    if _MISSING.search(visible[:400]):
        return _soft_404(visible[:100])
    for name, pattern in (("a bot check", _BOT), ("a consent wall", _CONSENT)):
        sign = pattern.search(visible)
        if sign and len(visible) < 2500:
            return Rejection(kind=FailureKind.BLOCKED, reason=f"{name}: {sign.group(0)[:80]!r}")
    return None
