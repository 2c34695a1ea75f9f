"""Folders of saved pages: which files are pages, and what is known of each."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.savedorigins import (
    Origin,
    Unpacked,
    find_origins,
    read_name,
    read_sidecar,
    unpack_mhtml,
)
from ingest.backfill.savedpages import SavedPage, SkippedFile, find_saved_pages, read_saved_page
from ingest.errors import UsageError
from ingest.extract import extract_article
from ingest.model import Article, FailureKind, Rejection

NOW = datetime(2023, 9, 20, 12, tzinfo=UTC)
SAVED = datetime(2023, 9, 6, 8, 30, tzinfo=UTC)
URL = "https://news.example/2023/09/05/talks"
CANONICAL = f'<link rel="canonical" href="{URL}">'
MHTML = b"""From: <Saved by Blink>\r
Snapshot-Content-Location: https://news.example/2023/09/05/talks\r
Subject: =?utf-8?Q?Gespr=C3=A4che?=\r
Date: Wed, 06 Sep 2023 08:30:00 -0000\r
MIME-Version: 1.0\r
Content-Type: multipart/related; type="text/html"; boundary="----b"\r
\r
------b\r
Content-Type: text/html\r
Content-Transfer-Encoding: quoted-printable\r
Content-Location: https://news.example/2023/09/05/talks\r
\r
<!DOCTYPE html><html><meta charset=3D"UTF-8"><p>Gespr=C3=A4che</p></html>\r
------b\r
Content-Type: image/png\r
Content-Transfer-Encoding: base64\r
Content-Location: https://news.example/1.png\r
\r
iVBORw0KGgo=\r
------b--\r
"""


def html(head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body><p>Text</p></body></html>".encode()


def write(folder: Path, name: str, body: bytes | str, *, at: datetime = SAVED) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    os.utime(file, (at.timestamp(), at.timestamp()))
    return file


def found(folder: Path) -> list[str]:
    """The pages in a folder; what was passed over with its reason."""
    listed = []
    for item in find_saved_pages(folder):
        path = item.path if isinstance(item, SkippedFile) else item
        name = str(path.relative_to(folder))
        listed.append(f"{name}: {item.reason}" if isinstance(item, SkippedFile) else name)
    return listed


def read(folder: Path, name: str, **options) -> SavedPage:
    page = read_saved_page(folder / name, folder=folder, now=NOW, **options)
    assert isinstance(page, SavedPage), page
    return page


def refused(folder: Path, name: str, **options) -> FailureKind:
    page = read_saved_page(folder / name, folder=folder, now=NOW, **options)
    assert isinstance(page, Rejection), page
    assert page.reason
    return page.kind


# ---------------------------------------------------------------- which files


def test_pages_are_found_in_the_order_of_their_names_and_the_rest_is_told(tmp_path: Path):
    for name in ("b.HTM", "a/2.xhtml", "a/1.html.gz", "c.mhtml", "page", "https%3A%2F%2Fx%2F1.7"):
        write(tmp_path, name, html())
    write(tmp_path, "d.json", "{}")
    write(tmp_path, "notes", "only text")
    write(tmp_path, ".hidden.html", html())
    write(tmp_path, ".git/x.html", html())
    assert found(tmp_path) == [
        ".git: hidden",
        ".hidden.html: hidden",
        "b.HTM",
        "c.mhtml",
        "d.json: not HTML",
        "https%3A%2F%2Fx%2F1.7",
        "notes: not HTML",
        "page",
        "a/1.html.gz",
        "a/2.xhtml",
    ]


def test_frames_and_pictures_beside_a_saved_page_are_parts_of_it(tmp_path: Path):
    write(tmp_path, "Talks.html", html())
    for folder in ("Talks_files", "Talks-Dateien", "Talks_fichiers"):
        write(tmp_path, f"{folder}/saved_resource.html", html())
    write(tmp_path, "More_files/other.html", html())
    write(tmp_path, "Talks-archive/other.html", html())
    listed = found(tmp_path)
    assert sum(name.endswith("parts of a saved page") for name in listed) == 3
    assert {"Talks.html", "More_files/other.html", "Talks-archive/other.html"} < set(listed)


def test_links_lead_nowhere(tmp_path: Path):
    outside = write(tmp_path, "outside/secret.html", html(CANONICAL))
    folder = tmp_path / "pages"
    write(folder, "page.html", html(CANONICAL))
    (folder / "file.html").symlink_to(outside)
    (folder / "folder").symlink_to(outside.parent)
    (folder / "circle").symlink_to(folder)
    (folder / "nowhere.html").symlink_to(tmp_path / "nothing")
    (folder / "page.html.url").symlink_to(outside)
    assert found(folder) == [
        "circle: a link",
        "file.html: a link",
        "folder: a link",
        "nowhere.html: a link",
        "page.html",
        "page.html.url: a link",
    ]
    assert refused(folder, "file.html") is FailureKind.NOT_FOUND
    assert refused(folder, "folder/secret.html") is FailureKind.NOT_FOUND
    assert refused(folder, "../outside/secret.html") is FailureKind.NOT_FOUND
    assert read(folder, "page.html").url_from == "its canonical link"


def test_a_pipe_is_no_page_and_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.html")
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == ["pipe: no file", "pipe.html: no file"]
    assert refused(tmp_path, "pipe.html") is FailureKind.NOT_FOUND


def test_folders_without_end_are_left_at_a_depth(tmp_path: Path):
    write(tmp_path, "/".join(["d"] * 45) + "/deep.html", html())
    write(tmp_path, "top.html", html())
    listed = found(tmp_path)
    assert listed[0] == "top.html"
    assert listed[1].endswith("too deep")


@pytest.mark.parametrize("name", ["nothing", "file.html"])
def test_what_is_no_folder_is_refused_with_a_hint(tmp_path: Path, name: str):
    write(tmp_path, "file.html", html())
    with pytest.raises(UsageError, match="give a folder"):
        list(find_saved_pages(tmp_path / name))


# ---------------------------------------------------------------- addresses and times


@pytest.mark.parametrize(
    ("head", "source"),
    [
        pytest.param(CANONICAL, "its canonical link", id="canonical"),
        pytest.param(f"<META content='{URL}' property=og:url>", "og:url", id="og:url"),
        pytest.param(
            f"<!-- saved from url=({len(URL):04}){URL} -->", "the browser's comment", id="Chrome"
        ),
        pytest.param(
            f"<!--\n Page saved with SingleFile \n url: {URL} \n saved date: Wed Sep 06 2023"
            " 10:30:00 GMT+0200 (Central European Summer Time)\n-->",
            "SingleFile", id="SingleFile",
        ),
        pytest.param(
            "<!-- Mirrored from news.example/2023/09/05/talks by HTTrack Website Copier/3.x"
            " [XR&CO'2014], Wed, 06 Sep 2023 08:30:00 GMT -->",
            "HTTrack", id="HTTrack",
        ),
        pytest.param(
            f'<link rel="canonical" href="/relative"><link rel="alternate" href="/x">{CANONICAL}'
            f'<meta property="og:url" content="{URL}">',
            "og:url", id="two canonical links that differ",
        ),
        pytest.param(
            '<link rel="canonical" href="https://news.example/"><meta property="og:url" content="'
            + URL + '">',
            "og:url", id="a canonical link to the home page",
        ),
        pytest.param(
            '<link rel="canonical" href="https://other.example/first"><meta property="og:url"'
            f' content="{URL}">',
            "og:url", id="a canonical link to another paper",
        ),
    ],
)  # fmt: skip
def test_a_page_says_where_it_came_from(tmp_path: Path, head: str, source: str):
    write(tmp_path, "page.html", html(head))
    saved = read(tmp_path, "page.html")
    assert (saved.page.requested_url, saved.url_from) == (URL, source)
    assert saved.page.final_url == URL
    assert saved.page.fetched_at == SAVED


@pytest.mark.parametrize(
    ("name", "body", "by"),
    [
        pytest.param("page.html.json", json.dumps({"url": URL}), "page.html.json", id="JSON"),
        pytest.param("page.json", json.dumps({"requested_url": URL}), "page.json", id="no html"),
        pytest.param(
            "page.url", f"[InternetShortcut]\r\nURL={URL}\r\n", "page.url", id="shortcut"
        ),
        pytest.param("page.html.url", URL.encode("utf-16"), "page.html.url", id="only the address"),
        pytest.param(
            "page.webloc",
            f'<?xml version="1.0"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x.dtd">'
            f'<plist version="1.0"><dict><key>URL</key><string>{URL}</string></dict></plist>',
            "page.webloc", id="web location",
        ),
        pytest.param(
            "page.webloc", b"bplist00\xd1\x01\x02SURL_\x10\x25" + URL.encode() + b"\x08\x0b\x0f",
            "page.webloc", id="web location in binary",
        ),
    ],
)  # fmt: skip
def test_a_sidecar_knows_better_than_the_page(tmp_path: Path, name: str, body, by: str):
    write(tmp_path, "page.html", html(CANONICAL.replace(URL, "https://news.example/other")))
    write(tmp_path, name, body)
    saved = read(tmp_path, "page.html")
    assert (saved.page.requested_url, saved.url_from) == (URL, by)
    assert saved.page.fetched_at == SAVED


def test_a_sidecar_has_the_time_the_headers_and_the_status(tmp_path: Path):
    write(tmp_path, "a.html", html(), at=NOW)
    sidecar = {
        "url": URL,
        "fetched_at": "2023-09-06T10:30:00+02:00",
        "headers": {"Content-Type": "text/html; charset=koi8-r", "ETag": '"1"', "X": 5,
                    "Content-Encoding": "gzip"},
        "status": 203,
    }  # fmt: skip
    write(tmp_path, "a.html.json", json.dumps(sidecar))
    saved = read(tmp_path, "a.html")
    assert (saved.page.fetched_at, saved.time_from) == (SAVED, "a.html.json")
    assert saved.page.headers == {"content-type": "text/html; charset=koi8-r", "etag": '"1"'}
    assert saved.page.status == 203
    write(tmp_path, "a.html.json", json.dumps(sidecar | {"status": 404}))
    assert refused(tmp_path, "a.html") is FailureKind.HTTP_CLIENT


@pytest.mark.parametrize(
    ("sidecar", "head", "source"),
    [
        pytest.param({"timestamp": SAVED.timestamp()}, "", "a.html.json", id="seconds since 1970"),
        pytest.param(
            {"headers": {"Last-Modified": "Wed, 06 Sep 2023 08:30:00 GMT"}}, "", "a.html.json",
            id="a header",
        ),
        pytest.param(
            {"timestamp": "soon"},
            '<meta http-equiv="last-modified" content="2023-09-06T08:30:00Z">',
            "its last-modified", id="the page",
        ),
    ],
)  # fmt: skip
def test_the_time_is_looked_for_before_the_file_is_asked(tmp_path: Path, sidecar, head, source):
    write(tmp_path, "a.html", html(CANONICAL + head), at=NOW)
    write(tmp_path, "a.html.json", json.dumps(sidecar))
    saved = read(tmp_path, "a.html")
    assert (saved.page.fetched_at, saved.time_from) == (SAVED, source)


def test_no_page_was_saved_in_the_future(tmp_path: Path):
    write(tmp_path, "a.html", html(CANONICAL), at=NOW + timedelta(days=300))
    saved = read(tmp_path, "a.html")
    assert (saved.page.fetched_at, saved.time_from) == (NOW, "the file")


@pytest.mark.parametrize(
    "name",
    [
        "https%3A%2F%2Fnews.example%2F2023%2F09%2F05%2Ftalks.html",
        "https%3A%2F%2Fnews.example%2F2023%2F09%2F05%2Ftalks",
        "https%3A%2F%2Fnews.example%2F2023%2F09%2F05%2Ftalks.htm.gz",
    ],
)
def test_a_file_name_may_be_the_address(tmp_path: Path, name: str):
    write(tmp_path, name, gzip.compress(html()) if name.endswith(".gz") else html())
    saved = read(tmp_path, name)
    assert (saved.page.requested_url, saved.url_from) == (URL, "its name")
    assert saved.page.body == html()


def test_mhtml_gives_the_page_without_its_pictures(tmp_path: Path):
    write(tmp_path, "a.mhtml", MHTML, at=NOW)
    saved = read(tmp_path, "a.mhtml")
    assert (saved.page.requested_url, saved.url_from) == (URL, "MHTML")
    assert (saved.page.fetched_at, saved.time_from) == (SAVED, "MHTML")
    assert "Gespräche" in saved.page.body.decode()
    assert b"PNG" not in saved.page.body


def test_a_saved_page_is_an_article_like_any_other(tmp_path: Path):
    text = "<p>Die beiden trafen sich am Hafen und sprachen lange über Waffen und Getreide.</p>" * 4
    write(tmp_path, "a.html", html(CANONICAL).replace(b"<p>Text</p>", text.encode()))
    page = read(tmp_path, "a.html").page
    article = extract_article(
        page.body, url=page.final_url, charset=None, feed_date=None, now=page.fetched_at
    )
    assert isinstance(article, Article)
    assert article.canonical_url == URL


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        pytest.param("a.html", html(), FailureKind.BAD_URL, id="no address anywhere"),
        pytest.param("a.html", b"", FailureKind.BAD_URL, id="nothing in it"),
        pytest.param("a.html", html(CANONICAL) + b"x" * 999, FailureKind.TOO_LARGE, id="too large"),
        pytest.param("a.html.gz", gzip.compress(html())[:-9], FailureKind.TRUNCATED, id="cut"),
        pytest.param("a.html.gz", gzip.compress(bytes(10**6)), FailureKind.TOO_LARGE, id="a bomb"),
        pytest.param("a.mhtml", b"no message", FailureKind.NOT_HTML, id="no MHTML"),
        pytest.param(
            "a.html", html('<link rel=canonical href="http://[">'), FailureKind.BAD_URL, id="broken"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_kind(tmp_path: Path, name, body, kind):
    write(tmp_path, name, body)
    assert refused(tmp_path, name, max_bytes=1000) is kind


@pytest.mark.parametrize("name", ["not-there.html", "zero\x00byte.html", "x" * 300 + ".html"])
def test_a_file_that_went_away_or_never_was_is_refused(tmp_path: Path, name: str):
    assert refused(tmp_path, name) is FailureKind.NOT_FOUND


# ---------------------------------------------------------------- whatever else

PIECES = [
    *("<link ", "rel=canonical ", "href=", '"', "'", ">", "<", "https://[", "http://a.example/1"),
    *("<meta ", "property=og:url ", "content=", "http-equiv=last-modified ", "2023-09-05", "<!-- "),
    *("saved from url=(0001)", " -->", "Page saved with SingleFile\nurl: ", "saved date: ", "\x00"),
    *(
        "Mirrored from ",
        " by HTTrack Website Copier/3.x [XR], ",
        "Wed Sep 06 2023 10:30:00 GMT+9999",
    ),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_page_gives_origins(page):
    for origin in find_origins(page, now=NOW):
        assert isinstance(origin, Origin)
        assert origin.at is None or origin.at <= NOW


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["url", "headers", "date", "status", "timestamp"]), inner)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.binary(max_size=80) | JSON_VALUES.map(json.dumps).map(str.encode),
    st.sampled_from(["a.json", "a.url", "a.webloc"]),
)
def test_any_sidecar_gives_an_origin(body, name):
    origin = read_sidecar(body, name=name, now=NOW)
    assert isinstance(origin, Origin)
    assert origin.at is None or origin.at <= NOW


MIME_PIECES = [
    *("MIME-Version: 1.0\n", "Content-Type: multipart/related; boundary=b\n", "\n", "--b", "--b--"),
    *("Content-Type: text/html", "; charset=", "utf-8", "\x00", "é", "=?x?b?", "?=", "\r\n", "<p>"),
    *(
        "Content-Transfer-Encoding: base64\n",
        "Content-Transfer-Encoding: uuencode\n",
        "===",
        "Date:",
    ),
    *(
        "Content-Location: ",
        "https://a.example/1\n",
        "begin 644 x\n",
        "boundary*0=",
        '"',
        ";",
        "a" * 9,
    ),
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(MIME_PIECES), max_size=30).map("".join).map(str.encode)
    | st.binary(max_size=80)
)
def test_any_bytes_give_a_page_of_mhtml_or_none(body):
    assert isinstance(unpack_mhtml(body, now=NOW), Unpacked | None)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_name_gives_an_address_or_none(name):
    origin = read_name(f"https%3A{name}")
    assert origin is None or origin.url is not None


def test_parts_within_parts_cost_little():
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(400)
    )
    start = process_time()
    assert unpack_mhtml(b"MIME-Version: 1.0\n" + nested + b"x\n" * 100_000, now=NOW) is None
    assert process_time() - start < 2
