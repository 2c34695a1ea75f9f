"""Lists of feeds as OPML 2.0 (opml.org/spec2.opml), in and out."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import listparser

from ingest.errors import BadURLError, UsageError
from ingest.model import FeedSource, Outlet
from ingest.textclean import clean_line
from ingest.urls import canonicalize, registered_domain

# The spec allows attributes of one's own under a namespace.
_NAMESPACE = "https://storywatch.invalid/opml"


def read_opml(body: bytes) -> tuple[FeedSource, ...]:
    """Return the feeds of an OPML file, each once, in its order.

    Raises UsageError when it is no OPML or lists no feed that can be used.
    """
    document = listparser.parse(body)
    carried = _own_attributes(body)
    sources: dict[str, FeedSource] = {}
    for item in document.feeds:
        try:
            canonicalize(item.url)
        except BadURLError:
            continue
        domain = registered_domain(item.url)
        own = carried.get(item.url, {})
        sources.setdefault(
            item.url,
            FeedSource(
                url=item.url,
                outlet=Outlet(
                    domain=own.get("domain") or domain,
                    name=clean_line(item.title or "") or domain,
                    country=own.get("country"),
                    language=own.get("language"),
                ),
            ),
        )
    if not sources:
        reason = f": {document.bozo_exception}" if document.bozo else ""
        raise UsageError(f"no feed found in the OPML{reason}; export it from a feed reader again")
    return tuple(sources.values())


def _own_attributes(body: bytes) -> dict[str, dict[str, str]]:
    """Country and language that `write_opml` put there; nothing from a file that isn't ours."""
    if _NAMESPACE.encode() not in body or b"<!DOCTYPE" in body:
        return {}
    try:
        root = ET.fromstring(body)  # noqa: S314 - no DOCTYPE, so no entities to expand
    except ET.ParseError:
        return {}
    prefix = f"{{{_NAMESPACE}}}"
    return {
        outline.get("xmlUrl", ""): {
            name.removeprefix(prefix): value
            for name, value in outline.attrib.items()
            if name.startswith(prefix)
        }
        for outline in root.iter("outline")
    }


def write_opml(sources: tuple[FeedSource, ...] | list[FeedSource], *, title: str) -> str:
    """Return an OPML document of the feeds."""
    ET.register_namespace("storywatch", _NAMESPACE)
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = clean_line(title)
    body = ET.SubElement(root, "body")
    for source in sources:
        outlet = source.outlet
        name = clean_line(outlet.name)  # a control character would make the file no XML
        attributes = {"type": "rss", "text": name, "title": name}
        attributes["xmlUrl"] = source.url
        own = {"domain": outlet.domain, "country": outlet.country, "language": outlet.language}
        attributes |= {f"{{{_NAMESPACE}}}{key}": value for key, value in own.items() if value}
        ET.SubElement(body, "outline", attributes)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
