"""Pages that stand where an article should be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocked import ObstacleLimits, find_obstacle
from ingest.model import FailureKind

ARTICLE = (
    "The crane drivers of Port Alder walked out on Tuesday and the harbour was closed. "
    "Their union said that the strike would last until the shifts are shortened again. "
)
LIMITS = ObstacleLimits()


def find(*, title="", text="", markup=""):
    return find_obstacle(title=title, text=text, markup=markup)


def kind(**page):
    found = find(**page)
    return found.kind if found else None


CONSENT = {
    "en": "We and our partners use cookies to store information. Accept all. Reject all.",
    "de": "Wir verwenden Cookies, um Inhalte zu zeigen. Alle akzeptieren. Alle ablehnen.",
    "fr": "Nous utilisons des cookies pour vous montrer la publicité. Tout accepter.",
    "es": "Este sitio utiliza cookies propias y de terceros. Aceptar todo. Rechazar todo.",
    "it": "Questo sito utilizza i cookie per la pubblicità. Accetta tutto. Rifiuta tutto.",
    "pt": "Este site utiliza cookies para melhorar a navegação. Aceitar todos.",
    "nl": "Wij gebruiken cookies voor advertenties op deze site. Alles accepteren.",
    "pl": "Używamy plików cookie w celach reklamowych. Akceptuję wszystkie.",
    "ru": "Мы используем файлы cookie, чтобы показывать рекламу. Принять все.",
    "uk": "Ми використовуємо файли cookie, щоб показувати рекламу. Прийняти все.",
    "ko": "이 사이트는 쿠키를 사용합니다. 모두 동의하시면 계속할 수 있습니다.",
    "ja": "当サイトではクッキーを利用しています。すべて同意して続けてください。",
    "zh": "本网站使用 Cookie 来改善您的体验。接受所有。",
}
LOGIN = {
    "en": "This article is for subscribers only. Already a subscriber? Log in to continue.",
    "de": "Dieser Artikel ist nur für Abonnenten. Bereits Abonnent? Hier einloggen.",
    "fr": "Cet article est réservé aux abonnés. Déjà abonné ? Identifiez-vous.",
    "es": "Contenido exclusivo para suscriptores. ¿Ya es suscriptor? Inicie sesión.",
    "it": "Contenuto riservato agli abbonati. Sei già abbonato? Accedi.",
    "pt": "Conteúdo exclusivo para assinantes. Já é assinante? Entre.",
    "nl": "Dit artikel is alleen voor abonnees. Al abonnee? Log hier in.",
    "pl": "Artykuł tylko dla prenumeratorów. Zaloguj się, aby czytać dalej.",
    "ru": "Материал доступен только для подписчиков. Войдите, чтобы читать дальше.",
    "uk": "Матеріал лише для передплатників. Увійдіть, щоб читати далі.",
    "ko": "이 기사는 구독자 전용입니다. 로그인 후 이용하실 수 있습니다.",
    "ja": "この記事は有料会員限定です。ログインしてお読みください。",
    "zh": "本文为会员专享内容，登录后可继续阅读全文。",
}
BOT = {
    "en": "Please enable JavaScript and complete the security check: are you a human?",
    "de": "Bitte JavaScript aktivieren. Bestätigen Sie, dass Sie kein Roboter sind.",
    "fr": "Veuillez activer JavaScript et confirmer que vous n'êtes pas un robot.",
    "es": "Habilite JavaScript y confirme que no es un robot para continuar.",
    "it": "Abilita JavaScript e conferma: non sono un robot.",
    "pt": "Ative o JavaScript e confirme que você não é um robô para continuar.",
    "nl": "Schakel JavaScript in en bevestig dat u geen robot bent.",
    "pl": "Włącz obsługę JavaScript i potwierdź, że nie jesteś robotem.",
    "ru": "Включите JavaScript и подтвердите, что вы не робот.",
    "uk": "Увімкніть JavaScript і підтвердьте, що ви не робот.",
    "ko": "자바스크립트를 사용하도록 설정하고 로봇이 아닙니다를 눌러 주세요.",
    "ja": "JavaScriptを有効にして、私はロボットではありませんを押してください。",
    "zh": "请启用 JavaScript 并完成人机验证，证明您不是机器人。",
}
MISSING = {
    "en": "The page you are looking for could not be found.",
    "de": "Die Seite wurde leider nicht gefunden.",
    "fr": "Désolé, cette page est introuvable.",
    "es": "La página no existe o ha cambiado de dirección.",
    "it": "Pagina non trovata, torna alla prima.",
    "pt": "Página não encontrada, volte ao início.",
    "nl": "Deze pagina is niet gevonden.",
    "pl": "Nie znaleziono strony o tym adresie.",
    "ru": "Страница не найдена, вернитесь на главную.",
    "uk": "Сторінку не знайдено, поверніться на головну.",
    "ko": "요청하신 페이지를 찾을 수 없습니다.",
    "ja": "お探しのページは見つかりませんでした。",
    "zh": "您访问的页面不存在或已被删除。",
}
WALLS = [
    pytest.param(text, expected, id=f"{name} in {language}")
    for name, texts, expected in (
        ("a consent wall", CONSENT, FailureKind.BLOCKED),
        ("a paywall", LOGIN, FailureKind.BLOCKED),
        ("a bot check", BOT, FailureKind.BLOCKED),
        ("a not-found page", MISSING, FailureKind.SOFT_404),
    )
    for language, text in texts.items()
]


@pytest.mark.parametrize(("text", "expected"), WALLS)
def test_a_page_of_nothing_else_is_recognised(text, expected):
    assert kind(text=text) is expected


@pytest.mark.parametrize(("text", "expected"), WALLS)
def test_the_same_words_are_recognised_in_a_page_that_gave_no_text(text, expected):
    markup = f"<html><head><script>var a = '<p>';</script></head><body><p>{text}</p></body></html>"
    assert kind(markup=markup) is expected


@pytest.mark.parametrize(("text", "_expected"), WALLS)
def test_the_same_words_inside_a_long_article_stand_in_no_ones_way(text, _expected):
    assert kind(title="Harbour closed", text=ARTICLE * 6 + text + ARTICLE * 6) is None


@pytest.mark.parametrize("text", LOGIN.values(), ids=LOGIN.keys())
def test_a_teaser_that_ends_in_a_paywall_is_no_article(text):
    assert kind(title="Harbour closed", text=ARTICLE * 5 + text) is FailureKind.BLOCKED


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Just a moment...", FailureKind.BLOCKED),
        ("Access denied", FailureKind.BLOCKED),
        ("Attention Required! | Shield", FailureKind.BLOCKED),
        ("Are you a robot?", FailureKind.BLOCKED),
        ("404 - Page not found - The Alder Post", FailureKind.SOFT_404),
        ("Seite nicht gefunden | Alder Bote", FailureKind.SOFT_404),
        ("Страница не найдена", FailureKind.SOFT_404),
    ],
)
def test_a_title_that_says_no_more_decides(title, expected):
    assert kind(title=title, text=ARTICLE) is expected


@pytest.mark.parametrize(
    "title",
    [
        "Access denied: how three captains were kept out of Port Alder for a week",
        "Peugeot 404 from 1962 sold for a record price at the harbour",
        "The wreck was not found, but the search goes on for another week",
        "Are you a robot? A new test asks crane drivers stranger things than that",
        "How cookies follow you: the harbour's bakers and the law",
    ],
)
def test_a_headline_with_such_words_in_it_decides_nothing(title):
    assert kind(title=title, text=ARTICLE * 5) is None


def test_a_not_found_page_that_lists_the_news_is_recognised():
    assert kind(title="Page not found", text=ARTICLE * 20) is FailureKind.SOFT_404


def test_a_short_report_of_one_mention_is_an_article():
    text = ARTICLE * 4 + "The port's website now says that you accept all cookies. " + ARTICLE * 2
    assert LIMITS.short < len(text) < LIMITS.wall
    assert kind(title="Harbour closed", text=text) is None


def test_a_challenge_script_decides_only_where_there_is_next_to_no_text():
    markup = "<script>window._cf_chl_opt = {}</script>"
    assert kind(text="Alder Post", markup=markup) is FailureKind.BLOCKED
    assert kind(text=ARTICLE * 3, markup=markup) is None


def test_an_empty_page_without_a_sign_is_left_to_others():
    assert find(markup="<html><body><div id='app'></div></body></html>") is None


def test_words_inside_a_script_are_not_what_the_page_says():
    markup = "<script>var messages = ['Page not found', 'Please enable JavaScript'];</script>"
    assert find(markup=markup + "<p>Loading</p>") is None


def test_the_reason_quotes_the_sign():
    found = find(title="Access denied", text="x")
    assert found is not None
    assert found.reason == "a bot check: 'Access denied'"


@pytest.mark.parametrize("piece", ["<script>", "<a ", "<<", "cookies ", "accept ", "not "])
def test_hostile_markup_is_read_in_bounded_time(piece):
    started = time.process_time()
    find(markup=piece * (200_000 // len(piece)))
    find(text=(piece * 300)[: LIMITS.wall])
    assert time.process_time() - started < 5


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_judged_without_an_error(text, markup):
    found = find(title=text[:40], text=text, markup=markup)
    assert found is None or found.kind in {FailureKind.BLOCKED, FailureKind.SOFT_404}
