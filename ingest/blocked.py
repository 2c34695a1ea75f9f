"""Recognising a page that stands where an article should be, though its status is 200.

Consent walls, logins, bot checks and "not found" pages are short and say what they are. A long text
that mentions cookies is an article about cookies: every rule is bound to the length of the text,
and a title decides only when the sign is most of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ingest.model import FailureKind, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleLimits:
    """How long a text may be for a rule to hold; characters, but for the shares."""

    listing: int = 6000  # a not-found page may list the latest headlines
    wall: int = 1500  # a text this long is an article whatever words it holds
    short: int = 600  # a text this short needs one sign in it only
    tiny: int = 200  # so little text that a script in the page may decide
    closing: int = 300  # where a cut text says how to read on
    title_share: float = 0.5  # of a title, that the sign must be


class Sign(StrEnum):
    """What stands in the way."""

    BOT = "a bot check"
    CONSENT = "a consent wall"
    LOGIN = "a login or paywall"
    MISSING = "a not-found page"


def _words(*lines: str) -> re.Pattern[str]:
    return re.compile("|".join(lines), re.IGNORECASE)


# A line a language, in this order: en de fr es it pt nl pl ru uk ko ja zh.
_PATTERNS = {
    Sign.BOT: _words(
        r"are you (?:a )?(?:human|robot)|verif(?:y|ying) (?:that )?you are (?:a )?human|(?:you'?re|are) not a (?:ro)?bot|unusual (?:traffic|activity) from|checking your browser|enable (?:javascript|js)\b|javascript (?:is|seems to be|must be) (?:disabled|required|enabled)|complete the (?:captcha|security check)|^\W*access denied|access to this page has been denied|attention required|request (?:was |has been )?blocked|ddos protection|^\W*too many requests|press (?:and|&) hold|^\W*one more step|^\W*just a moment",
        r"javascript (?:aktivieren|zu aktivieren|ist deaktiviert)|aktivieren sie (?:bitte )?javascript|kein(?:e)? roboter|zugriff verweigert|ungewöhnlichen (?:datenverkehr|aktivität)",
        r"activer javascript|activez javascript|javascript est désactivé|pas un robot|accès refusé|vérifi\w+ que vous êtes humain",
        r"(?:habilit\w+|activ\w+) javascript|no (?:eres|soy|es) un robot|acceso denegado",
        r"(?:abilit\w+|attiv\w+) javascript|non sono un robot|accesso negato",
        r"(?:habilit\w+|ativ\w+) (?:o )?javascript|não (?:é|sou) um robô|acesso negado",
        r"(?:schakel|zet) javascript|geen robot|toegang geweigerd",
        r"włącz\w* (?:obsługę )?javascript|nie jeste[mś]\w* robotem|odmowa dostępu",
        r"включите javascript|вы не робот|я не робот|доступ (?:к сайту )?(?:запрещ[её]н|ограничен)|подозрительн\w+ (?:трафик|активност)",
        r"(?:увімкніть|ввімкніть) javascript|ви не робот|я не робот|доступ (?:заборонено|обмежено)",
        r"자바스크립트를|로봇이 아닙니다|접근이 (?:거부|차단)|비정상적인 (?:접근|트래픽)",
        r"javascript\s?を有効|ロボットではありません|アクセスが拒否",
        r"(?:启用|啟用|开启|開啟)\s?javascript|(?:不是|非)(?:机器人|機器人)|人机(?:验证|身份)|拒绝访问|存取被拒",
    ),
    Sign.CONSENT: _words(
        r"accept (?:all )?cookies|accept all|reject all|cookie (?:policy|settings|preferences)|we (?:and our (?:\d+ )?partners )?use cookies|before you continue|consent to (?:the|our|us|these)|manage (?:my |your )?(?:preferences|consent|choices|cookies)|your privacy choices|store and/or access information",
        r"alle akzeptieren|alle ablehnen|cookies? (?:zu(?:stimmen|lassen)|akzeptieren)|verwend\w+ (?:von )?cookies|cookies,? um|bevor sie fortfahren|datenschutzeinstellungen|einwilligung|mit werbung (?:weiter)?lesen|zustimmen und weiter",
        r"tout accepter|tout refuser|accepter et (?:continuer|fermer)|utilis\w+ des cookies|continuer sans accepter|param[eé]tr\w+ (?:les |des )?cookies",
        r"acept(?:ar|o) (?:todo|todas|y continuar|y cerrar)|rechazar tod\w+|utiliza\w* cookies|usamos cookies|configurar cookies",
        r"rifiuta tutt\w|accetta (?:tutt\w|e continua|e chiudi)|utilizz\w+ (?:i )?cookie|continua senza accettare",
        r"aceitar (?:tudo|todos|e fechar)|rejeitar tud\w|utiliza\w* cookies|usa(?:mos)? cookies",
        r"alles accepteren|alles weigeren|alle cookies|(?:gebruiken|gebruikt) cookies|cookies accepteren",
        r"akceptuj\w* wszystk\w+|zaakceptuj|odrzu\w+ wszystk\w+|plik(?:i|ów) cookies?|zgodę na przetwarzanie|przejdź do serwisu",
        r"принять все|отклонить все|использу\w+ (?:файлы |куки|cookie)|файл\w+ cookie|согласие на обработку",
        r"прийняти все|відхилити все|використову\w+ (?:файли |куки|cookie)|файл\w+ cookie|згод[уа] на обробку",
        r"쿠키(?:를|의)? ?(?:사용|허용|수집)|모두 (?:허용|동의|거부)|쿠키 (?:설정|정책)|계속하기 전에",
        r"クッキー|cookie\s?を使用|すべて(?:に)?同意|すべて(?:許可|受け入れ|拒否)",
        r"接受(?:所有|全部)|拒绝(?:所有|全部)|使用\s?cookie|cookie\s?(?:政策|设置|設定)|全部接受",
    ),
    Sign.LOGIN: _words(
        r"(?:log|sign) in (?:or \w+ )?to (?:continue|read)|subscribe (?:now )?to (?:continue|read|keep)|(?:article|content|story) is (?:only |exclusively )?(?:for|available to) (?:our )?subscribers|subscribers? only|for subscribers|already a (?:subscriber|member)|create (?:a free|an) account|to continue reading|start your (?:free )?(?:trial|subscription)",
        r"jetzt (?:abonnieren|weiterlesen|testen)|bereits abonnent|(?:nur )?für abonnenten|zum weiterlesen|mit .{0,20}plus[- ]abo|(?:einloggen|anmelden) (?:oder|und weiterlesen|um)",
        r"(?:réservé|réservée) (?:aux|à nos) abonnés|déjà abonné|(?:identifiez|connectez)-vous|pour lire la suite|abonnez-vous pour",
        r"(?:solo|exclusivo) para suscriptores|suscríb\w+ para|ya (?:es|eres) suscriptor|inici\w+ sesión para",
        r"(?:riservato|riservata) agli abbonati|(?:sei )?già abbonato|abbonati per|accedi per",
        r"(?:exclusivo|apenas) para assinantes|assine para|já é assinante|faça login para",
        r"alleen voor abonnees|al abonnee|log in om|abonneer om|lees verder met",
        r"(?:tylko|wyłącznie) dla (?:prenumeratorów|subskrybentów)|zaloguj się,? (?:aby|żeby|by)|masz już (?:konto|prenumeratę)|wykup (?:dostęp|prenumeratę)",
        r"(?:только|доступ\w*) (?:для )?подписчик\w+|войдите,? чтобы|оформите подписку|авторизуйтесь",
        r"(?:лише|тільки|доступ\w*) (?:для )?передплатник\w+|увійдіть,? щоб|оформіть передплату|авторизуйтесь",
        r"로그인(?:이 필요| ?하세요| ?후| ?하시면)|(?:구독자|회원) ?전용|구독하시면|유료 ?회원",
        r"会員限定|有料会員|ログインし(?:て|てください)|(?:登録|購読)すると続き|続きを読むには",
        r"(?:登录|登入)(?:后|後|以|即可)|(?:订阅|訂閱)(?:后|後|以)|(?:会员|會員|订户|訂戶)(?:专|專)(?:享|属|屬)|继续阅读请",
    ),
    Sign.MISSING: _words(
        r"(?:page|article|story|content|resource|url) (?:you .{1,40}? )?(?:was |has |could |can ?|is |does |do )?(?:not|no longer|n['’]t) (?:be |been )?(?:found|available|exist\w*)|(?:page|article) (?:has been|was) (?:removed|deleted)|\b(?:error|http) 404\b|^\W*404\b|\b404\W+(?:error|page|not|file)|not found|nothing (?:was )?found here|couldn['’]t find (?:that|the|this) page",
        r"(?:seite|artikel|inhalt) (?:wurde |konnte |ist )?(?:leider )?nicht (?:mehr )?(?:gefunden|verfügbar|vorhanden)|(?:seite|artikel) existiert (?:leider )?nicht|fehler 404",
        r"(?:page|article) (?:introuvable|non trouvée?|est introuvable)|n['’]existe (?:pas|plus)|erreur 404|page demandée",
        r"(?:página|artículo) no (?:encontrad[ao]|existe|disponible)|no se ha (?:encontrado|podido encontrar)|error 404",
        r"pagina (?:non trovata|inesistente|non (?:è )?(?:disponibile|esiste))|errore 404",
        r"página não (?:encontrada|existe|disponível)|não (?:foi encontrad|encontramos)\w*|erro 404",
        r"pagina (?:is |werd |bestaat )?niet (?:gevonden|meer|beschikbaar)|artikel niet gevonden",
        r"nie znaleziono (?:strony|artykułu)|strona nie (?:istnieje|została znaleziona)|błąd 404",
        r"(?:страница|статья|материал) не (?:найден[ао]?|существует|доступ\w+)|такой страницы нет|ошибка 404",
        r"(?:сторінк[ау]|статт[яю]|матеріал) не (?:знайдено|існує|доступн\w+)|помилка 404",
        r"페이지를 찾을 수 없|(?:기사|페이지)가? (?:존재하지 않|삭제)|존재하지 않는",
        r"(?:ページ|記事)(?:が|は)(?:見つかりません|存在しません|削除)|お探しのページ",
        r"(?:页面|頁面|网页|網頁|文章)(?:不存在|未找到|已删除|已刪除|无法找到)|找不到(?:该|此|您)?.{0,6}(?:页面|頁面|网页|網頁|文章)",
    ),
}
_CHALLENGE_MARKUP = re.compile(
    r"cf-browser-verification|_cf_chl_opt|id=\"challenge-(?:form|running|error-text)|px-captcha|_Incapsula_Resource|geo\.captcha-delivery\.com",
    re.IGNORECASE,
)
_TITLE_PART = re.compile(r"\s[|·•–—-]\s|[|»]")
_TAG = re.compile(r"<(/?)([A-Za-z!][^\s<>/]*)[^<>]*>")


def find_obstacle(
    *, title: str, text: str, markup: str, limits: ObstacleLimits = ObstacleLimits()
) -> Rejection | None:
    """Return what stands in the way of the article, None when nothing does.

    `text` is what was extracted, empty when nothing was; `markup` a sample of the page.
    """
    length = len(text)
    if length > limits.listing:
        return None
    sign = _sign_of_title(title, limits=limits)
    if sign is not None and (length <= limits.wall or sign is Sign.MISSING):
        return _reject(sign, title)
    if length > limits.wall:
        return None
    if not text:
        return _find_in_markup(markup)
    return _find_in_text(text, limits=limits) or _find_challenge(text, markup, limits=limits)


def _sign_of_title(title: str, *, limits: ObstacleLimits) -> Sign | None:
    for part in _TITLE_PART.split(title):
        for sign, pattern in _PATTERNS.items():
            found = pattern.search(part.strip())
            if found and len(found.group(0)) >= limits.title_share * len(part.strip()):
                return sign
    return None


def _find_in_text(text: str, *, limits: ObstacleLimits) -> Rejection | None:
    closing = _PATTERNS[Sign.LOGIN].search(text[-limits.closing :])
    if closing:
        return _reject(Sign.LOGIN, closing.group(0))
    found = [
        (sign, match.group(0))
        for sign, pattern in _PATTERNS.items()
        for match in pattern.finditer(text)
    ]
    # Walls are dense with signs: one for 600 characters of a short text, or 200 of a longer one.
    least = len(text) / (600 if len(text) < limits.short else 200)
    return _reject(*found[0]) if found and len(found) >= least else None


def _find_challenge(text: str, markup: str, *, limits: ObstacleLimits) -> Rejection | None:
    if len(text) < limits.tiny and _CHALLENGE_MARKUP.search(markup):
        return _reject(Sign.BOT, "its script is in the page")
    return None


def _find_in_markup(markup: str) -> Rejection | None:
    visible = _visible_text(markup)
    missing = _PATTERNS[Sign.MISSING].search(visible[:400])
    if missing:
        return _reject(Sign.MISSING, missing.group(0))
    if len(visible) < 2500:
        for sign, pattern in _PATTERNS.items():
            found = pattern.search(visible)
            if found and sign is not Sign.MISSING:
                return _reject(sign, found.group(0))
    if _CHALLENGE_MARKUP.search(markup):
        return _reject(Sign.BOT, "its script is in the page")
    return None


def _visible_text(markup: str) -> str:
    """The text between the tags; what scripts hold is left out, what noscript says is kept."""
    parts, start, inside = [], 0, ""
    for tag in _TAG.finditer(markup):
        name = tag.group(2).lower()
        if not inside:
            parts.append(markup[start : tag.start()])
            inside = name if name in ("script", "style") and not tag.group(1) else ""
        elif tag.group(1) and name == inside:
            inside = ""
        start = tag.end()
    return " ".join(" ".join(parts).split())[:3000]


def _reject(sign: Sign, sample: str) -> Rejection:
    kind = FailureKind.SOFT_404 if sign is Sign.MISSING else FailureKind.BLOCKED
    return Rejection(kind=kind, reason=f"{sign}: {sample[:100]!r}")
