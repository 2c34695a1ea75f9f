"""URLs: which ones name the same article.

A canonical URL keeps what may select an article and drops what only says how a reader came:
tracking parameters, fragments, AMP and mobile variants, the wrapper of an aggregator. Two URLs with
the same `url_key` are the same article. Dropping too much merges two articles for good, dropping
too little gives an alias that the page's own canonical link mends: in doubt a parameter stays.
"""

from __future__ import annotations

import ipaddress
import re
from hashlib import sha256
from urllib.parse import SplitResult, parse_qsl, quote, unquote, unquote_plus, urljoin, urlsplit

from courlan import extract_domain

from ingest.errors import BadURLError

MAX_LENGTH = 4096
_ROUNDS = 40  # of rewriting; a URL that still changes then is a trap

_TRACKING = re.compile(
    r"(?:utm_.*?|at_.*?|ns_.*?|piwik_.*?|mtm_.*?|matomo_.*?|hsa_.*?|gaa_.*?|wt[._].*?|_openstat"
    r"|pk_(?:campaign|kwd|keyword|source|medium|content|cid)|mc_[ce]id|_hs(?:enc|mi)|fbclid|gclid"
    r"|gclsrc|dclid|gbraid|wbraid|msclkid|ys?clid|twclid|ttclid|igshid?|mibextid|srsltid|_g[al]"
    r"|cmp|cmpid|campaign_?id|ito|ico|xtor|xtref|smid|smtyp|sref|srnd|spm|share_?id|sharetype|ocid"
    r"|cvid|ncid|partner|emc|feature|ref_?src|ref_?url|referrer|traffic_source|ftag|ftcamp"
    r"|guccounter|guce_.*?|soc_src|soc_trk|__twitter_impression|zanpid|s_cid|icid|intcid|mkt_tok"
    r"|trk(?:campaign)?|wtrid|wprov|wpisrc|from_?rss|(?:php|j)?sess(?:ion)?id)(?:=.*)?"
    # Tracking with these values; with others they may select the article.
    r"|amp(?:=(?:1|true|yes)?)?|output(?:type)?=amp|rss(?:feed)?(?:=(?:1|true|yes|rss)?)?"
    r"|(?:source|from)=(?:rss|feed)|sid=(?=.*[a-z])(?=.*\d)\w{16,}|sh=[0-9a-f]{10,}"
    r"|ref=(?:rss\w*|feeds?|tw(?:itter)?(?:_\w+)?|(?:fb|facebook)(?:_\w+)?|google\w*|home(?:page)?"
    r"|hp|nav|newsletter|e?mail|share|whatsapp|telegram|instagram|linkedin|reddit|flipboard)?",
    re.IGNORECASE | re.DOTALL,
)
_AMP_PATH = re.compile(r"(?:/amp)+/?$|\.amp$|\.amp(?=\.html?$)", re.IGNORECASE)
_SESSION_PATH = re.compile(r";jsessionid=[^/]*", re.IGNORECASE)
_MOBILE_LABELS = frozenset({"m", "mobile", "amp", "touch", "wap", "mob"})
_TARGET_KEYS = ("url", "u", "q", "target", "dest", "redirect", "link", "to", "z", "uddg")
_AMP_CACHE = re.compile(
    r"(?:.+\.cdn\.ampproject\.org/(?:[a-z]/)?|(?:.+\.)?google\.[a-z.]{2,6}/amp/)(s/)?(.+)"
)
_WRAPPERS = re.compile(
    r"(?:^|\.)(?:google\.[a-z.]{2,6}|bing\.com|facebook\.com|l\.instagram\.com|t\.umblr\.com"
    r"|getpocket\.com|search\.yahoo\.com|slack-redir\.net|linkedin\.com|vk\.com|out\.reddit\.com"
    r"|duckduckgo\.com|flipboard\.com|safelinks\.protection\.outlook\.com)$"
)
_YAHOO_TARGET = re.compile(r"/RU=([^/]+)/", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!'()*,:@")
_SAFE = "/:@!$&'()*+,;=~-._%"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_http_url(url: str) -> bool:
    """Whether a string starts like a URL this program may fetch."""
    return url[:8].lower().startswith(("http://", "https://"))


def canonicalize(url: str) -> str:
    """Return the canonical form of an article's URL; applying it twice changes nothing.

    Follows RFC 3986, section 6.2, and beyond it drops what does not select content. Raises
    BadURLError.
    """
    current = _clean(url)
    for _ in range(_ROUNDS):  # one rule uncovers work for another: an AMP path inside a wrapper
        parts = _split(current)
        following = _clean(_unwrap(parts) or _rebuild(parts))
        if following == current:
            return current
        current = following
    raise BadURLError(f"{url[:200]!r}: wrapped into itself too many times")


def _clean(url: str) -> str:
    url = url.strip().replace(" ", "%20")
    if len(url) > MAX_LENGTH:
        raise BadURLError(f"{url[:80]}…: longer than {MAX_LENGTH} characters")
    if not is_http_url(url):
        raise BadURLError(f"{url[:200]!r}: not an http or https URL")
    if _UNSAFE.search(url):
        raise BadURLError(f"{url[:200]!r}: holds control characters")
    return url


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
    if cached := _AMP_CACHE.fullmatch(f"{host}{parts.path}"):
        query = f"?{parts.query}" if parts.query else ""
        return f"http{'s' if cached[1] else ''}://{cached[2]}{query}"
    if not _WRAPPERS.search(host):
        return None
    if yahoo := _YAHOO_TARGET.search(parts.path):
        return unquote(yahoo[1])
    values = dict(parse_qsl(parts.query))
    return next((values[key] for key in _TARGET_KEYS if is_http_url(values.get(key, ""))), None)


def _rebuild(parts: SplitResult) -> str:
    scheme = parts.scheme.lower()
    host = _plain_host(parts)
    authority = host if parts.port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{parts.port}"
    query = _plain_query(parts.query)
    return f"{scheme}://{authority}{_plain_path(parts.path)}" + (f"?{query}" if query else "")


def _plain_path(path: str) -> str:
    path = _without_dots(_escape(_SESSION_PATH.sub("", path), safe=_SAFE))
    path = re.sub(r"(?<!:)/{2,}", "/", path)  # an archive's path holds a whole URL
    without_amp = _AMP_PATH.sub("", path)
    return path if without_amp in ("", "/") else without_amp


def _without_dots(path: str) -> str:
    """Resolve "." and ".." (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _escape(text: str, *, safe: str) -> str:
    """Spell percent-encoding one way, without ever decoding what would change the resource.

    What is not UTF-8 stays as it is: sites in EUC-KR or GBK have such parameters.
    """

    def respell(found: re.Match[str]) -> str:
        character = chr(int(found.group(1), 16))
        return character if character in _PLAIN else found.group(0).upper()

    return quote(_ESCAPE.sub(respell, _STRAY_PERCENT.sub("%25", text)), safe=safe)


def _plain_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if ":" in host or "[" in parts.netloc:
        try:
            return f"[{ipaddress.IPv6Address(host.partition('%')[0])}]"
        except ValueError as error:
            raise BadURLError(f"{parts.geturl()[:200]!r}: {error}") from error
    host = _ascii_host(host)
    if not _HOST.fullmatch(host):
        raise BadURLError(f"{host[:200]!r}: the host is no domain name")
    return _without_mobile(host)


def _ascii_host(host: str) -> str:
    try:
        plain = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadURLError(f"{host[:200]!r}: {error}") from error
    return plain.lower().rstrip(".")


def _without_mobile(host: str) -> str:
    """Drop a leading "m." or the one after a language (en.m.wikipedia.org), never of a domain."""
    labels = host.split(".")
    if _MOBILE_LABELS.isdisjoint(labels[:2]):
        return host
    own = (_public_domain(host) or ".".join(labels[-2:])).count(".") + 1
    free = labels[:-own]
    free = [label for label in free[:2] if label not in _MOBILE_LABELS] + free[2:]
    return ".".join(free + labels[-own:])


def _plain_query(query: str) -> str:
    pairs = [
        _escape(pair, safe=_SAFE + "?").replace("%20", "+")
        for pair in query.split("&")
        if pair and not _TRACKING.fullmatch(unquote_plus(pair))
    ]
    return "&".join(sorted(pairs))


def url_key(url: str) -> str:
    """Return the sha256, as hex, of what tells an article's URL from others.

    http and https, with and without "www." and a trailing slash are one. Raises BadURLError.
    """
    canonical = canonicalize(url)
    rest = canonical.partition("://")[2].removeprefix("www.")
    host, slash, tail = rest.partition("/")
    path, question, query = tail.partition("?")
    path = f"{slash}{path}".rstrip("/")
    return sha256(f"{host}{path}{question}{query}".encode()).hexdigest()


def registered_domain(url_or_host: str) -> str:
    """Return the domain that somebody registered (Public Suffix List), as in `bbc.co.uk`.

    A host without one, such as an address of the loopback range, is returned with its port: tests
    and the demonstration run several outlets on one address. Raises BadURLError.
    """
    url = url_or_host if "://" in url_or_host else f"http://{url_or_host}"
    parts = _split(url)
    host = _ascii_host(parts.hostname or "")
    domain = None if _is_address(host) else _public_domain(host)
    if domain:
        return domain
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def _public_domain(host: str) -> str | None:
    domain = extract_domain(f"http://{host}/") if "." in host else None
    return str(domain).lower() if domain else None


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
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return url if usable and is_http_url(url) and len(url) <= MAX_LENGTH else None
