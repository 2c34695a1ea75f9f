"""Which URLs name the same article, and which never do."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.errors import BadURLError
from ingest.urls import (
    MAX_LENGTH,
    canonicalize,
    is_http_url,
    registered_domain,
    resolve,
    url_key,
)

PAGE = "https://news.example/world/story-7"
_PIECES = st.sampled_from(
    [
        *(
            "http://",
            "https://",
            "//",
            "/",
            "?",
            "&",
            "=",
            "#",
            "%",
            "%2",
            "%2F",
            "%41",
            "%E4",
            "..",
            ".",
        ),
        *(
            "amp",
            ".amp",
            ".amp.html",
            "/amp/",
            "?amp=1",
            "m.",
            "www.",
            "x.example",
            "m.co.uk",
            ":80",
        ),
        *("google.com/url?q=", "google.com/amp/s/", "a.cdn.ampproject.org/c/s/", "utm_source=rss"),
        *(
            "id=1",
            "sid=5",
            ";jsessionid=1",
            "ü",
            "ｇ",
            "+",
            " ",
            "[",
            "]",
            "@",
            "[::1]",
            "\\",
            "%%341",
        ),
    ]
)
URLS = st.one_of(
    st.text(max_size=60).map("http://x.example/".__add__),
    st.lists(_PIECES, max_size=14).map("".join).map("https://".__add__),
    st.text(alphabet="ab.-_:@[]%ß中ｇ\u3002", max_size=20).map("http://".__add__),
)


@pytest.mark.parametrize(
    ("variant", "canonical"),
    [
        pytest.param("HTTPS://News.Example/A", "https://news.example/A", id="case of host only"),
        pytest.param("http://x.example:80/a#b", "http://x.example/a", id="default port, fragment"),
        pytest.param("https://x.example:8443/", "https://x.example:8443/", id="other ports stay"),
        pytest.param("http://user:pw@x.example/", "http://x.example/", id="userinfo is stripped"),
        pytest.param("http://x.example", "http://x.example/", id="an empty path is a slash"),
        pytest.param("http://x.example./a", "http://x.example/a", id="the root label's dot"),
        pytest.param("http://пример.рф/", "http://xn--e1afmkfd.xn--p1ai/", id="IDNA"),
        pytest.param(
            "http://x.example/ü b", "http://x.example/%C3%BC%20b", id="Unicode is escaped"
        ),
        pytest.param(
            "http://x.example/%7ea%c3", "http://x.example/~a%C3", id="one spelling of escapes"
        ),
        pytest.param("http://x.example/100%", "http://x.example/100%25", id="a stray percent sign"),
        pytest.param("http://x.example/a/./../b//c", "http://x.example/b/c", id="dots and slashes"),
        pytest.param("http://[::0:1]:80/", "http://[::1]/", id="IPv6 literals are compressed"),
        pytest.param("http://x.example/?b=2&a=1&&", "http://x.example/?a=1&b=2", id="sorted"),
        pytest.param(
            "http://x.example/a;jsessionid=9F?x=1", "http://x.example/a?x=1", id="session"
        ),
    ],
)
def test_spellings_of_one_address_become_one(variant, canonical):
    assert canonicalize(variant) == canonical


@pytest.mark.parametrize(
    "query",
    [
        *("utm_source=rss&utm_medium=feed", "fbclid=Iw", "gclid=1", "at_medium=RSS", "ito=1490"),
        *(
            "ref=rss",
            "cmpid=x",
            "CMP=Share",
            "WT.mc_id=2",
            "xtor=RSS-3208",
            "smid=tw",
            "ns_mchannel=s",
        ),
        *(
            "mc_cid=1",
            "igshid=1",
            "spm=a.b",
            "amp=1",
            "amp",
            "outputType=amp",
            "source=rss",
            "rss=1",
            "rssfeed=true",
            "pk_campaign=a",
        ),
        *("sid=8f14e45fceea167a5a36", "PHPSESSID=1", "%75tm_source=x", "utm_source"),
    ],
)
def test_tracking_is_dropped(query):
    assert canonicalize(f"{PAGE}?{query}") == PAGE
    assert canonicalize(f"{PAGE}?{query}&id=4") == f"{PAGE}?id=4"


@pytest.mark.parametrize(
    "query",
    [
        *(
            "id=12",
            "story=5",
            "p=77",
            "article=x",
            "sid=100",
            "sid=20230905123456789012",
            "ref=2023-17",
            "aid=4",
            "source=afp",
        ),
        *(
            "sh=7",
            "rss=17",
            "20230905",
            "lang=ko",
            "page=2",
            "pk_no=1412361",
            "output=print",
            "q=%E4",
            "q=%2B",
            "q=a+b",
        ),
    ],
)
def test_what_may_select_an_article_is_kept_as_it_was_spelled(query):
    assert canonicalize(f"{PAGE}?{query}") == f"{PAGE}?{query}"


@pytest.mark.parametrize(
    "variant",
    [
        *(f"{PAGE}/amp", f"{PAGE}/amp/", f"{PAGE}/AMP", f"{PAGE}.amp", f"{PAGE}?amp=1"),
        *("https://m.news.example/world/story-7", "https://amp.news.example/world/story-7"),
        *("https://mobile.news.example/world/story-7/amp/amp/", f"{PAGE}?outputType=amp"),
        "https://www.google.com/amp/s/news.example/world/story-7",
        "https://news-example.cdn.ampproject.org/c/s/news.example/world/story-7?amp=1",
        "https://news-example.cdn.ampproject.org/v/s/m.news.example/world/story-7/amp",
    ],
)
def test_amp_and_mobile_variants_are_the_article(variant):
    assert canonicalize(variant) == PAGE


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://en.m.wikipedia.org/wiki/A", "https://en.wikipedia.org/wiki/A"),
        ("http://m.co.uk/a", "http://m.co.uk/a"),
        ("http://m.example/a", "http://m.example/a"),
        ("http://x.example/amp", "http://x.example/amp"),
        ("http://x.example/swamp", "http://x.example/swamp"),
        ("http://x.example/a.amp.html", "http://x.example/a.html"),
        ("http://127.0.0.1:8000/amp/a", "http://127.0.0.1:8000/amp/a"),
    ],
    ids=[
        "the language before a mobile label stays",
        "a registered domain called m stays",
        "a host of two labels stays",
        "a page called amp stays",
        "a word that ends in amp stays",
        "amp before the suffix goes",
        "addresses have no mobile variant",
    ],
)
def test_only_what_surely_is_a_variant_is_rewritten(url, canonical):
    assert canonicalize(url) == canonical


@pytest.mark.parametrize(
    "wrapper",
    [
        "https://www.google.com/url?rct=j&q={}&sa=U",
        "https://news.google.com/news/url?sa=t&url={}",
        "https://l.facebook.com/l.php?u={}&h=AT0",
        "https://t.umblr.com/redirect?z={}&t=x",
        "http://www.bing.com/news/apiclick.aspx?ref=FexRss&url={}",
        "https://r.search.yahoo.com/_ylt=A/RE=1/RU={}/RK=2/RS=x-",
        "https://eur01.safelinks.protection.outlook.com/?url={}&data=05",
        "https://vk.com/away.php?to={}",
    ],
)
def test_an_aggregators_wrapper_is_taken_off(wrapper):
    target = "https%3A%2F%2Fnews.example%2Fworld%2Fstory-7%3Futm_source%3Dx"
    assert canonicalize(wrapper.format(target)) == PAGE


def test_a_wrapper_without_a_target_is_a_page_of_its_own():
    opaque = "https://news.google.com/rss/articles/CBMiQ"
    assert canonicalize(f"{opaque}?oc=5") == f"{opaque}?oc=5"


def test_an_archived_copy_keeps_the_address_it_holds():
    copy = "https://web.archive.org/web/2023/https://news.example/a"
    assert canonicalize(copy) == copy


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "news.example/a",
            "ftp://x.example/",
            "javascript:alert(1)",
            "data:text/html,a",
            "http://",
        ),
        *(
            "http:///a",
            "http://[::1/",
            "http://[v1.a]/",
            "http://x.example:99999/",
            "http://x.example:0/",
        ),
        *("http://x.example:a/", "http://.x.example/", "http://a..b/", "http://x.example/\x00"),
        *("http://x.example/\ud800", "http://x y.example/", f"http://{'a' * 64}.example/"),
        *(f"http://{'ü' * 70}.example/", f"http://x.example/{'a' * MAX_LENGTH}"),
        *(f"http://x.example/{'ü' * 1000}", f"http://{'a.' * 130}example/"),
    ],
)
def test_what_cannot_be_used_is_a_bad_url(url):
    with pytest.raises(BadURLError):
        canonicalize(url)


@settings(deadline=None, max_examples=400)
@given(URLS)
@example("http://x.example/" + "a/amp/" * 30)
@example("http://" + "m." * 30 + "x.example/")
@example("https://ｇoogle.com/url?q=http://x.example/a")
@example("https://" + "a.cdn.ampproject.org/c/s/" * 12 + "x.example/a")
@example("http://x.example/?" + "&".join(f"a{number}=1" for number in range(300)))
@example("http://x.example/%%341?%%341=%zz")
def test_a_canonical_url_is_its_own_canonical_url_and_nothing_else_is_raised(url):
    try:
        canonical = canonicalize(url)
    except BadURLError:
        return
    assert canonicalize(canonical) == canonical
    assert canonical.isascii()
    assert len(canonical) <= MAX_LENGTH
    assert url_key(canonical) == url_key(url)


@pytest.mark.parametrize(
    "variant",
    [
        *("http://news.example/a", "https://www.news.example/a/", "https://m.news.example/a/amp"),
        *("https://news.example:443/a?utm_source=x", "http://www.news.example:80/a#top"),
    ],
)
def test_variants_of_one_article_share_a_key(variant):
    assert url_key(variant) == url_key("https://news.example/a")


def test_a_home_page_has_one_key():
    spellings = ("https://x.example/", "https://www.x.example/", "http://x.example", "//x.example")
    keys = {url_key(resolve("http://y.example", item) or "") for item in spellings}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("http://x.example/a?id=1", "http://x.example/a?id=2"),
        ("http://x.example/?q=%E4", "http://x.example/?q=%E5"),
        ("http://x.example/a?sid=1", "http://x.example/a?sid=2"),
        ("http://x.example/A", "http://x.example/a"),
        ("http://127.0.0.1:8001/a", "http://127.0.0.1:8002/a"),
        ("http://de.x.example/a", "http://x.example/a"),
        ("http://x.example/?a=1%26b=2", "http://x.example/?a=1&b=2"),
        ("http://x.example/a%2Fb", "http://x.example/a/b"),
        (
            "http://x.example/?"
            + "&".join(f"k{number}={'v' * 12}" for number in range(150))
            + "&z=1",
            "http://x.example/?"
            + "&".join(f"k{number}={'v' * 12}" for number in range(150))
            + "&z=2",
        ),
    ],
)
def test_different_articles_have_different_keys(first, second):
    assert url_key(first) != url_key(second)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("BBC.com.", "bbc.com"),
        ("http://english.hani.co.kr:80/arti", "hani.co.kr"),
        ("http://somebody.blogspot.com/", "somebody.blogspot.com"),
        ("http://пример.рф/", "xn--e1afmkfd.xn--p1ai"),
        ("http://127.0.0.1:8001/a", "127.0.0.1:8001"),
        ("127.0.0.1", "127.0.0.1"),
        ("http://[::1]:8001/", "[::1]:8001"),
        ("localhost:8001", "localhost:8001"),
    ],
)
def test_the_registered_domain_follows_the_public_suffix_list(url, domain):
    assert registered_domain(url) == domain


@pytest.mark.parametrize("url", ["", "http://", "http://[::1/", "http://x.example:99999/"])
def test_no_domain_is_a_bad_url(url):
    with pytest.raises(BadURLError):
        registered_domain(url)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("story", "https://news.example/world/story"),
        (" /a\n", "https://news.example/a"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("?p=1", "https://news.example/world/?p=1"),
        ("javascript:alert(1)", None),
        ("mailto:a@x.example", None),
        ("http://", None),
        ("http://[::1/", None),
        ("http://x.example:99999/", None),
        ("/" + "a" * MAX_LENGTH, None),
    ],
)
def test_links_are_resolved_or_refused(link, url):
    assert resolve("https://news.example/world/", link) == url


@settings(deadline=None)
@given(st.text(max_size=50), st.text(max_size=50))
def test_resolving_never_raises_and_gives_http_only(base, link):
    url = resolve(base, link)
    assert url is None or is_http_url(url)
