"""URLs: which ones name the same article.

A canonical URL keeps what may select an article and drops what only says how a reader came: tracking
parameters, fragments, AMP and mobile variants, the wrapper of an aggregator. Two URLs with the same
`url_key` are the same article.
"""

from __future__ import annotations

import ipaddress
import re
from hashlib import sha256
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from courlan import extract_domain

from ingest.errors import BadURLError

MAX_LENGTH = 4096

_TRACKERS = re.compile(
    r"(?:utm_.*|at_.*|ns_.*|pk_.*|piwik_.*|mtm_.*|matomo_.*|hsa_.*|mc_[ce]id|wt[._].*|_hs(?:enc|mi)"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|igshid|igsh|ttclid|_ga|_gl"
    r"|_openstat|cmpid|campaign_?id|ito|ico|xtor|xtref|smid|smtyp|sref|sh|spm|share_?id|sharetype"
    r"|ocid|cvid|ncid|partner|feature|ref_?src|ref_?url|referrer|rss|source=rss|traffic_source"
    r"|ftag|ftcamp|guccounter|guce_.*|soc_src|soc_trk|__twitter_impression|zanpid|s_cid|icid|intcid"
    r"|mkt_tok|trk|trkcampaign|wtrid|wprov|from_rss|fromrss)",
    re.IGNORECASE,
)
_SESSION = re.compile(r"(?:phpsessid|jsessionid|sessionid|sid)", re.IGNORECASE)
_AMP_FLAGS = {("amp", "1"), ("amp", ""), ("amp", "true"), ("outputtype", "amp"), ("output", "amp")}
_AMP_PATH = re.compile(r"(?:/amp/?|\.amp)$|\.amp(?=\.html?$)", re.IGNORECASE)
_MOBILE_LABELS = frozenset({"m", "mobile", "amp", "touch", "wap", "mob"})
_TARGET_KEYS = ("url", "u", "q", "target", "dest", "destination", "redirect", "link")
_WRAPPERS = re.compile(
    r"(?:^|\.)(?:google\.[a-z.]{2,6}|bing\.com|facebook\.com|t\.umblr\.com|getpocket\.com"
    r"|msn\.com|search\.yahoo\.com|r\.search\.yahoo\.com|slack-redir\.net|linkedin\.com|vk\.com"
    r"|away\.vk\.com|duckduckgo\.com|flipboard\.com|news\.google\.com|outlook\.com)$"
)
_YAHOO_TARGET = re.compile(r"/RU=([^/]+)/", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WRAP_DEPTH = 3


def is_http_url(url: str) -> bool:
    """Whether a string starts like a URL this program may fetch."""
    return url[:8].lower().startswith(("http://", "https://"))


def canonicalize(url: str) -> str:
    """Return the canonical form of an article's URL; applying it twice changes nothing.

    Follows RFC 3986, section 6.2, and beyond it drops what does not select content. Raises
    BadURLError.
    """
    current = _clean(url)
    for _ in range(_WRAP_DEPTH):
        parts = _split(current)
        target = _unwrap(parts)
        if target is None:
            break
        current = _clean(target)
    # A rule may uncover work for another (an AMP path under a mobile host): to the fixed point.
    for _ in range(8):
        following = _rebuild(_split(current))
        if following == current:
            return current
        current = following
    return current


def _clean(url: str) -> str:
    url = url.strip()
    if len(url) > MAX_LENGTH:
        raise BadURLError(f"{url[:80]}…: longer than {MAX_LENGTH} characters")
    if not is_http_url(url):
        raise BadURLError(f"{url[:200]!r}: not an http or https URL")
    if _UNSAFE.search(url.replace(" ", "%20")):
        raise BadURLError(f"{url[:200]!r}: holds control characters")
    return url.replace(" ", "%20")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise BadURLError(f"{url[:200]!r}: {error}") from error
    if not host or port == 0:
        raise BadURLError(f"{url[:200]!r}: no usable host")
    return parts


def _unwrap(parts: SplitResult) -> str | None:
    """The address inside a redirect link, when the link carries it."""
    host = parts.hostname or ""
    if host.endswith(".cdn.ampproject.org"):
        found = re.match(r"/(?:[a-z]/)?(s/)?(.+)", parts.path)
        return f"http{'s' if found.group(1) else ''}://{found.group(2)}" if found else None
    if re.search(r"(?:^|\.)google\.[a-z.]{2,6}$", host) and parts.path.startswith("/amp/"):
        rest = parts.path.removeprefix("/amp/")
        scheme = "https" if rest.startswith("s/") else "http"
        return f"{scheme}://{rest.removeprefix('s/')}"
    if not _WRAPPERS.search(host):
        return None
    yahoo = _YAHOO_TARGET.search(parts.path)
    if yahoo:
        return unquote(yahoo.group(1))
    values = dict(parse_qsl(parts.query, max_num_fields=100)) if _few(parts.query) else {}
    for key in _TARGET_KEYS:
        if is_http_url(values.get(key, "")):
            return values[key]
    return None


def _few(query: str) -> bool:
    return query.count("&") < 100


def _rebuild(parts: SplitResult) -> str:
    scheme = parts.scheme.lower()
    host = _plain_host(parts)
    port = parts.port
    authority = host if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{host}:{port}"
    path = quote(unquote(parts.path, errors="surrogateescape").encode("utf-8", "surrogateescape"),
                 safe="/:@!$&'()*+,;=~-._") if _decodable(parts.path) else parts.path
    path = re.sub(r"/{2,}", "/", path) or "/"
    without_amp = _AMP_PATH.sub("", path)
    if without_amp not in ("", "/"):
        path = without_amp
    path = re.sub(r";jsessionid=[^/?#]*", "", path, flags=re.IGNORECASE)
    query = _plain_query(parts.query)
    return f"{scheme}://{authority}{path or '/'}" + (f"?{query}" if query else "")


def _decodable(path: str) -> bool:
    """Whether decoding and encoding a path gives the same resource: not with an encoded slash."""
    lowered = path.lower()
    return not any(code in lowered for code in ("%2f", "%25", "%3f", "%23", "%00", "%0", "%1"))


def _plain_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise BadURLError(f"{parts.geturl()[:200]!r}: no usable host")
    if ":" in host:  # an IPv6 literal
        try:
            return f"[{ipaddress.ip_address(host)}]"
        except ValueError as error:
            raise BadURLError(f"{parts.geturl()[:200]!r}: {error}") from error
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as error:
        raise BadURLError(f"{parts.geturl()[:200]!r}: the host is no domain name") from error
    host = host.lower()
    if len(host) > 253 or not re.fullmatch(r"[a-z0-9._-]+", host) or ".." in host:
        raise BadURLError(f"{parts.geturl()[:200]!r}: the host is no domain name")
    labels = host.split(".")
    if len(labels) > 2 and labels[0] in _MOBILE_LABELS:
        labels = labels[1:]
    elif len(labels) > 3 and labels[1] in _MOBILE_LABELS:  # en.m.wikipedia.org
        labels = [labels[0], *labels[2:]]
    return ".".join(labels)


def _plain_query(query: str) -> str:
    if not query:
        return ""
    if not _few(query):
        return query[:2000]
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if not _TRACKERS.fullmatch(name)
        and not _SESSION.fullmatch(name)
        and (name.lower(), value.lower()) not in _AMP_FLAGS
    ]
    return urlencode(sorted(kept))


def url_key(url: str) -> str:
    """Return the sha256, as hex, of what tells an article's URL from others.

    http and https, with and without "www." and a trailing slash are one. Raises BadURLError.
    """
    canonical = canonicalize(url)
    rest = canonical.partition("://")[2].removeprefix("www.")
    host, slash, tail = rest.partition("/")
    path, question, query = tail.partition("?")
    return sha256(f"{host}{slash}{path.rstrip('/')}{question}{query}".encode()).hexdigest()


def registered_domain(url_or_host: str) -> str:
    """Return the domain that somebody registered (Public Suffix List), as in `bbc.co.uk`.

    A host without one, such as an address of the loopback range, is returned with its port: tests
    and the demonstration run several outlets on one address.
    """
    url = url_or_host if "://" in url_or_host else f"http://{url_or_host}"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise BadURLError(f"{url[:200]!r}: {error}") from error
    domain = extract_domain(f"http://{host}/") if "." in host and not _is_address(host) else None
    if domain:
        return str(domain).lower()
    return host if port is None else f"{host}:{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(base: str, link: str) -> str | None:
    """Return a link of a page as an absolute http or https URL, None when it is none."""
    try:
        url = urljoin(base, link.strip())
        urlsplit(url).port  # noqa: B018 - raises on a bad port
    except ValueError:
        return None
    return url if is_http_url(url) and len(url) <= MAX_LENGTH else None
