"""Reading seeds of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import SeedError
from ingest.seeds import read_seed
from tests.running import TALKS

ROOT = Path(__file__).parent.parent


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_shipped_seed_loses_its_residue_and_nothing_else():
    path = ROOT / "seeds" / "kim-putin.txt"
    seed = read_seed(path, story="kim-putin")
    assert seed.title.startswith("Ukraine-Krieg")
    assert seed.language == "de"
    assert seed.text.startswith("Nordkoreas Führer")
    assert seed.text.endswith("erzielt worden waren.")
    assert seed.residue.splitlines() == ["Quelle : BBC", "Total", "0", "Shares", "Related Posts"]
    assert len(seed.sha256) == 64


def test_text_markdown_and_html_give_the_same_text(tmp_path: Path):
    paragraphs = TALKS.split("\n\n")
    text = write(tmp_path, "a.txt", "Titel des Artikels\n\n" + TALKS)
    markdown = write(
        tmp_path, "a.md", "# Titel des Artikels\n\n" + TALKS.replace("Nordland", "**Nordland**")
    )
    html = write(
        tmp_path,
        "a.html",
        "<html><head><title>Seite</title><script>x()</script></head><body><nav>Start</nav>"
        "<h1>Titel des Artikels</h1>"
        + "".join(f"<p>{part}</p>" for part in paragraphs)
        + "</body>",
    )
    seeds = [read_seed(path, story="s") for path in (text, markdown, html)]
    assert {seed.title for seed in seeds} == {"Titel des Artikels"}
    assert len({seed.text for seed in seeds}) == 1


def test_a_byte_order_mark_and_utf_16_are_read(tmp_path: Path):
    content = "Titel\n\n" + TALKS
    plain = read_seed(write(tmp_path, "a.txt", content), story="s")
    for name, data in (("b.txt", content.encode("utf-8-sig")), ("c.txt", content.encode("utf-16"))):
        assert read_seed(write(tmp_path, name, data), story="s").text == plain.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "no such seed file", id="missing"),
        pytest.param("", "empty", id="empty"),
        pytest.param("Titel\n\nNur wenige Worte hier.", "words", id="too short"),
        pytest.param(b"Titel\n\n" + b"\xe4\xf6 " * 60, "UTF-8", id="no UTF-8"),
    ],
)
def test_a_bad_seed_is_refused_by_name(content, told, tmp_path: Path):
    path = tmp_path / "seed.txt" if content is None else write(tmp_path, "seed.txt", content)
    with pytest.raises(SeedError, match=told) as refusal:
        read_seed(path, story="s")
    assert str(path) in str(refusal.value)


def test_the_file_is_left_as_it_is(tmp_path: Path):
    path = write(tmp_path, "seed.txt", "Titel\n\n" + TALKS + "\n\nTotal\n0\nShares\n")
    before = path.read_bytes()
    seed = read_seed(path, story="s")
    assert path.read_bytes() == before
    assert "Shares" in seed.residue
