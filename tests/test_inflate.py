"""Content encodings: one layer of gzip, bounded, whole."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.inflate import decode_body, decode_prefix
from ingest.model import FailureKind, Rejection

TEXT = b"The talks went on until the evening. " * 200


def bomb(size: int) -> bytes:
    """Gzip of so many zeros, made without holding them."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(2**20)
    parts = [deflater.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, deflater.flush()])


@given(st.binary(max_size=5_000))
@settings(deadline=None)
def test_gzip_comes_back_as_it_went_in(content):
    assert decode_body(gzip.compress(content), "gzip", max_bytes=5_000) == content


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "identity", "x-gzip", "br"]))
@settings(deadline=None)
def test_any_bytes_give_bytes_or_a_rejection(body, encoding):
    assert isinstance(decode_body(body, encoding, max_bytes=100), bytes | Rejection)
    assert isinstance(decode_prefix(body, encoding, max_bytes=100), bytes | Rejection)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_plain_content_is_passed_on(encoding):
    assert decode_body(TEXT, encoding, max_bytes=len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("body", "encoding", "kind"),
    [
        pytest.param(TEXT, "gzip", FailureKind.BAD_ENCODING, id="plain text called gzip"),
        pytest.param(TEXT, "br", FailureKind.BAD_ENCODING, id="an encoding nobody asked for"),
        pytest.param(
            gzip.compress(gzip.compress(TEXT)), "gzip, gzip", FailureKind.BAD_ENCODING, id="doubled"
        ),
        pytest.param(zlib.compress(TEXT), "gzip", FailureKind.BAD_ENCODING, id="zlib called gzip"),
        pytest.param(zlib.compress(TEXT), "deflate", FailureKind.BAD_ENCODING, id="deflate"),
        pytest.param(
            gzip.compress(TEXT)[:-8] + bytes(8), "gzip", FailureKind.TRUNCATED, id="bad checksum"
        ),
        pytest.param(
            gzip.compress(TEXT)[:30] + bytes(40), "gzip", FailureKind.TRUNCATED, id="damaged gzip"
        ),
        pytest.param(TEXT, "", FailureKind.TOO_LARGE, id="plain and too large"),
        pytest.param(
            gzip.compress(TEXT)[:60], "gzip", FailureKind.TRUNCATED, id="gzip cut in the middle"
        ),
        pytest.param(
            gzip.compress(TEXT)[:-1], "gzip", FailureKind.TRUNCATED, id="gzip without its last byte"
        ),
    ],
)
def test_a_body_that_can_not_be_trusted_is_rejected(body, encoding, kind):
    limit = 20 if kind is FailureKind.TOO_LARGE else 100_000
    rejection = decode_body(body, encoding, max_bytes=limit)
    assert isinstance(rejection, Rejection)
    assert rejection.kind is kind


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_the_limit_is_the_size_that_still_fits(spare, fits):
    content = decode_body(gzip.compress(TEXT), "gzip", max_bytes=len(TEXT) + spare)
    assert (content == TEXT) is fits
    assert fits or content.kind is FailureKind.TOO_LARGE


def test_a_bomb_is_refused_while_it_grows():
    body = bomb(256 * 2**20)
    tracemalloc.start()
    rejection = decode_body(body, "gzip", max_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rejection.kind is FailureKind.TOO_LARGE
    assert peak < 8 * 2**20


def test_several_members_are_one_content_and_bounded_together():
    body = gzip.compress(TEXT) + gzip.compress(b"second")
    assert decode_body(body, "gzip", max_bytes=10_000) == TEXT + b"second"
    assert decode_body(body, "gzip", max_bytes=len(TEXT) + 3).kind is FailureKind.TOO_LARGE


def test_a_second_member_that_is_cut_makes_the_whole_cut():
    body = gzip.compress(TEXT) + gzip.compress(TEXT)[:40]
    assert decode_body(body, "gzip", max_bytes=100_000).kind is FailureKind.TRUNCATED


def test_a_flood_of_empty_members_is_refused():
    rejection = decode_body(gzip.compress(b"") * 10_000, "gzip", max_bytes=1_000)
    assert rejection.kind is FailureKind.BAD_ENCODING


def test_what_follows_the_gzip_is_ignored():
    assert (
        decode_body(gzip.compress(TEXT) + b"\0\0<!-- cached -->", "gzip", max_bytes=10_000) == TEXT
    )


def test_an_empty_body_is_empty_whatever_it_is_called():
    assert decode_body(b"", "gzip", max_bytes=10) == b""


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(TEXT, "", id="plain"),
        pytest.param(gzip.compress(TEXT), "gzip", id="gzip"),
        pytest.param(gzip.compress(TEXT)[:-8], "gzip", id="gzip cut short"),
        pytest.param(TEXT, "gzip", id="plain text called gzip"),
    ],
)
def test_a_prefix_is_had_of_more_and_of_less(body, encoding):
    assert decode_prefix(body, encoding, max_bytes=100) == TEXT[:100]
