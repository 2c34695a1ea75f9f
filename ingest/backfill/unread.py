"""What of a page nobody reads: programs and styles, a third of its bytes and more.

The extraction takes nothing from them but JSON-LD. To leave them out makes the rest of the screen
faster, and lists of all countries, as such programs have them, name no story. Possible line breaks
go too: they stand inside words.
"""

from __future__ import annotations

from functools import cache

from ingest.backfill.automata import Detector, compile_detector, detect

_NAMES = (b"script", b"style")
_BREAK = b"wbr"
_LONGEST_BREAK = 40  # bytes
_LEAST = 100  # bytes that are worth cutting out
_COMMENT, _COMMENT_END = b"<!--", b"-->"
_CLOSING = b"/"
_NAME_ENDS = frozenset({b" ", b"\t", b"\r", b"\n", b"\f", b">", b"/"})


def cut_unread(body: bytes) -> bytes:
    """The page without the content of its script and style elements.

    Where markup is odd nothing is cut, for a parser may read it otherwise: an element that another
    one begins in, that stands in a comment, or whose tag is unsure; nor is JSON.
    """
    view = memoryview(body)
    kept: list[memoryview] = []
    done = 0
    comment = 0  # where the last one ends
    opened: tuple[bytes, int] | None = None
    for start, end in detect(_tags(), body):
        if start < comment:
            continue
        tag = body[start:end]
        if tag == _COMMENT:
            comment = comment if opened else body.find(_COMMENT_END, end)
            continue
        if body[end : end + 1] not in _NAME_ENDS:
            continue  # another element, whose name begins so
        name = tag.lower().lstrip(b"</")
        cut = None
        if name == _BREAK:
            cut = start, body.find(b">", start, end + _LONGEST_BREAK) + 1
        elif not tag.startswith(b"</"):
            opened = name, end
        elif opened is not None and opened[0] == name:
            cut = _find_content(body, opened[1], start), start
            opened = None
        if cut is not None and done <= cut[0] < cut[1]:
            kept.append(view[done : cut[0]])
            done = cut[1]
    return b"".join((*kept, view[done:])) if kept else body


@cache
def _tags() -> Detector:
    names = (*_NAMES, _BREAK)
    forms = [form for name in names for form in (name, name.upper(), name.title())]
    tags = [mark + form for form in forms for mark in (b"<", b"</")]
    return compile_detector([_COMMENT, *tags])


def _find_content(body: bytes, start: int, end: int) -> int:
    """Where the content of an element begins; its end, if it is not to be cut."""
    content = body.find(b">", start, end) + 1
    tag = body[start : content - 1]
    if content == 0 or end - content < _LEAST:
        return end
    is_sure = tag.count(b'"') % 2 == tag.count(b"'") % 2 == 0 and not tag.endswith(_CLOSING)
    if not is_sure or b"json" in tag.lower():
        return end
    return content
