"""URLs: which ones name the same article.

A canonical URL keeps what may select an article and drops what only says how a reader came:
tracking parameters, fragments, AMP and mobile variants, the wrapper of an aggregator. Two URLs with
the same `url_key` are the same article.
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

_TRACKERS = re.compile(
    r"utm_.*|at_.*|ns_.*|pk_.*|piwik_.*|mtm_.*|matomo_.*|hsa_.*|gaa_.*|mc_[ce]id|wt[._].*"
    r"|_hs(?:enc|mi)|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid"
    r"|igshid?|mibextid|srsltid|_ga|_gl|_openstat|cmp|cmpid|campaign_?id|ito|ico|xtor|xtref|smid"
    r"|smtyp|sref|srnd|spm|share_?id|sharetype|ocid|cvid|ncid|partner|emc|feature|ref_?src|ref_?url"
    r"|referrer|traffic_source|ftag|ftcamp|guccounter|guce_.*|soc_src|soc_trk"
    r"|__twitter_impression|zanpid|s_cid|icid|intcid|mkt_tok|trk|trkcampaign|wtrid|wprov|wpisrc"
    r"|from_?rss|phpsessid|jsessionid|aspsessionid.*|sessionid",
    re.IGNORECASE,
)
_TRACKING_VALUES = {
    "amp": re.compile(r"|1|true|yes"),
    "from": re.compile(r"rss|feed"),
    "output": re.compile(r"amp"),
    "outputtype": re.compile(r"amp"),
    "ref": re.compile(
        r"|rss\w*|feeds?|tw|twitter\w*|fb|facebook\w*|google\w*|home(?:page)?|hp|nav|newsletter"
        r"|e?mail|share|whatsapp|telegram|instagram|linkedin|reddit|flipboard|tw_?share|fb_?share"
    ),
    "rss": re.compile(r"|1|true|yes|rss"),
    "sh": re.compile(r"[0-9a-f]{10,}"),
    "sid": re.compile(r"(?=.*[a-z])(?=.*\d)\w{16,}"),  # a session; a short one selects the article
    "source": re.compile(r"rss|feed"),
}
"""Parameters that are tracking with these values and may select an article with others."""

_AMP_PATH = re.compile(r"(?:/amp)+/?$|\.amp$|\.amp(?=\.html?$)", re.IGNORECASE)
_SESSION_PATH = re.compile(r";jsessionid=[^/]*", re.IGNORECASE)
_MOBILE_LABELS = frozenset({"m", "mobile", "amp", "touch", "wap", "mob"})
_TARGET_KEYS = (
    "url",
    "u",
    "q",
    "target",
    "dest",
    "destination",
    "redirect",
    "link",
    "to",
    "z",
    "uddg",
)
_GOOGLE = re.compile(r"(?:^|\.)google\.[a-z.]{2,6}$")
_WRAPPERS = re.compile(
    r"(?:^|\.)(?:google\.[a-z.]{2,6}|bing\.com|facebook\.com|l\.instagram\.com|t\.umblr\.com"
    r"|getpocket\.com|search\.yahoo\.com|slack-redir\.net|linkedin\.com|vk\.com|out\.reddit\.com"
    r"|duckduckgo\.com|flipboard\.com|safelinks\.protection\.outlook\.com)$"
)
_YAHOO_TARGET = re.compile(r"/RU=([^/]+)/", re.IGNORECASE)
_URLDEFENSE_TARGET = re.compile(r"/v3/__(https?:/+.+?)__;")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!'()*,:@")
_SAFE_IN_PATH = "/:@!$&'()*+,;=~-._%"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"
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
    if host.endswith(".cdn.ampproject.org"):
        found = re.match(r"/(?:[a-z]/)?(s/)?(.+)", parts.path)
        return _with_query(found.group(2), found.group(1), parts) if found else None
    if _GOOGLE.search(host) and parts.path.startswith("/amp/"):
        rest = parts.path.removeprefix("/amp/")
        return _with_query(rest.removeprefix("s/"), rest.startswith("s/"), parts) if rest else None
    if host == "urldefense.com":
        defended = _URLDEFENSE_TARGET.match(parts.path)
        return re.sub(r":/+", "://", defended.group(1), count=1) if defended else None
    if not _WRAPPERS.search(host):
        return None
    yahoo = _YAHOO_TARGET.search(parts.path)
    if yahoo:
        return unquote(yahoo.group(1))
    values = dict(parse_qsl(parts.query))
    return next((values[key] for key in _TARGET_KEYS if is_http_url(values.get(key, ""))), None)


def _with_query(rest: str, secure: object, parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return f"http{'s' if secure else ''}://{rest}{query}"


def _rebuild(parts: SplitResult) -> str:
    scheme = parts.scheme.lower()
    host = _plain_host(parts)
    authority = host if parts.port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{parts.port}"
    query = _plain_query(parts.query)
    return f"{scheme}://{authority}{_plain_path(parts.path)}" + (f"?{query}" if query else "")


def _plain_path(path: str) -> str:
    path = _without_dots(_escape(_SESSION_PATH.sub("", path), safe=_SAFE_IN_PATH))
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
    try:
        if ":" in host:
            return f"[{ipaddress.IPv6Address(host.partition('%')[0])}]"
        host = _ascii_host(host)
    except ValueError as error:  # UnicodeError is one
        raise BadURLError(f"{parts.geturl()[:200]!r}: {error}") from error
    if not _HOST.fullmatch(host):
        raise BadURLError(f"{parts.geturl()[:200]!r}: the host is no domain name")
    return _without_mobile(host)


def _ascii_host(host: str) -> str:
    return (host if host.isascii() else host.encode("idna").decode("ascii")).lower().rstrip(".")


def _without_mobile(host: str) -> str:
    """Drop a leading "m." or the one after a language (en.m.wikipedia.org), never of a domain."""
    labels = host.split(".")
    if _MOBILE_LABELS.isdisjoint(labels[:2]) or _is_address(host):
        return host
    own = (_public_domain(host) or ".".join(labels[-2:])).count(".") + 1
    free = labels[:-own]
    free = [label for label in free[:2] if label not in _MOBILE_LABELS] + free[2:]
    return ".".join(free + labels[-own:])


def _plain_query(query: str) -> str:
    pairs = [
        _escape(pair, safe=_SAFE_IN_QUERY).replace("%20", "+")
        for pair in query.split("&")
        if pair and not _is_tracking(pair)
    ]
    return "&".join(sorted(pairs))


def _is_tracking(pair: str) -> bool:
    name, _, value = unquote_plus(pair).partition("=")
    if _TRACKERS.fullmatch(name):
        return True
    values = _TRACKING_VALUES.get(name.lower())
    return values is not None and values.fullmatch(value.lower()) is not None


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
    try:
        host = _ascii_host((parts.hostname or "").rstrip("."))
    except UnicodeError as error:
        raise BadURLError(f"{url[:200]!r}: {error}") from error
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
