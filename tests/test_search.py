"""Searching finds the same on both databases, in many scripts, and only what is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ingest.errors import StorageError, UsageError
from ingest.model import Article
from storage.engine import read_connection, transaction
from storage.migrate import _scripts, check, downgrade, upgrade
from storage.readonly import read_only_query
from storage.repeats import repeat_version
from storage.schema import version
from storage.search import Search, find_hits, search_statement
from storage.search_index import fill_index, index_version, rebuild_index
from storage.search_query import matches, parse_query
from storage.terms import indexed_terms
from storage.versions import add_version
from tests.test_views import (
    DAY,
    NOON,
    add_article,
    add_edge,
    add_outlet,
    add_seed,
    add_story,
    join_story,
    set_current,
)

TEXTS = {
    "en": ("Arms talks expected", "Kim Jong-un may travel to meet Vladimir Putin, the U.S. says."),
    "de": ("Züge für Nordland", "Über die Züge wird in Köln verhandelt, Straße der Einheit."),
    "fr": ("L’Élysée réagit", "L’accord a été évoqué à l’Élysée, où le président est là."),
    "ru": ("Ким едет в Россию", "Ещё в понедельник российский министр объявил о переговорах."),
    "uk": ("Київ стежить", "Про зустріч у Владивостоці пишуть, що пам’ять її учасників їхня."),
    "ar": ("قِمّة روسيّة", "أعلن الكرملين عن مـــباحثات السَّلَام مع كوريا الشمالية عام ٢٠٢٣."),
    "he": ("פגישה ברוסיה", "שָׁלוֹם: קים ופוטין ייפגשו, נמסר מצה״ל."),
    "hi": ("हिन्दी समाचार", "किम और पुतिन की मुलाकात में हथियारों पर बातचीत होगी।"),
    "ko": ("김정은 방러", "김정은이 러시아를 방문해 푸틴 대통령과 회담한다."),
    "ja": ("金正恩氏がロシアへ", "プーチン大統領と武器取引を協議するとみられる。ガス供給も。"),
    "zh": ("金正恩将访俄", "金正恩将在符拉迪沃斯托克会见普京，讨论武器交易。AI技术也在议程上。"),
    "th": ("คิมจองอึนเยือนรัสเซีย", "ผู้นำเกาหลีเหนือจะพบกับประธานาธิบดีปูตินเพื่อหารือเรื่องอาวุธ"),
    "km": ("កិច្ចប្រជុំ", "មេដឹកនាំកូរ៉េខាងជើងនឹងជួបប្រធានាធិបតីរុស្ស៊ី។"),
    "my": ("ရုရှားခရီး", "မြောက်ကိုရီးယားခေါင်းဆောင်သည် ရုရှားသမ္မတနှင့် တွေ့ဆုံမည်။"),
}  # fmt: skip


def article_of(title, body, language):
    return Article(
        url="https://paper.example/a", canonical_url="https://paper.example/a", title=title,
        text=body, byline=None, site_name=None, language=language, words=len(body.split()),
        published=None, modified=None, extractor="reader", extractor_version="1.0",
    )  # fmt: skip


def publish(connection, outlet_id, title, body, language, *, seq=None, article_id=None, **values):
    """Write an article, or another version of one, as the program does; return their ids."""
    article_id = article_id or add_article(connection, outlet_id, **values)
    version_id = add_version(
        connection, article_id, article_of(title, body, language),
        content_hash=f"{article_id} {title} {seq}", now=NOON, recorded_at=NOON, seq=seq,
    )  # fmt: skip
    set_current(connection, article_id, version_id)
    return article_id, version_id


def found(engine, query, *, limit=100, **wanted):
    with read_connection(engine) as connection:
        search = Search(query=parse_query(query), **wanted)
        return find_hits(connection, search, limit=limit).hits


def languages(engine, query, **wanted):
    return {hit.language for hit in found(engine, query, **wanted)}


@pytest.fixture
def press(engine):
    """One article in each language."""
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        for language, (title, body) in TEXTS.items():
            publish(connection, paper, title, body, language)
    return engine


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("arms talks", "en", id="English words"),
        pytest.param("TALKS ARMS", "en", id="in any order and case"),
        pytest.param('"arms talks"', "en", id="a phrase"),
        pytest.param('"talks arms"', "", id="a phrase in its order only"),
        pytest.param("Kim-Jong un", "en", id="whatever joins words"),
        pytest.param("US", "", id="no word across points"),
        pytest.param("U.S.", "en", id="but with them"),
        pytest.param("trav*", "en", id="the beginning of a word"),
        pytest.param("trav", "", id="which is no word"),
        pytest.param("züge", "de", id="German with its umlaut"),
        pytest.param("Zuge", "de", id="and without"),
        pytest.param("köln strasse", "de", id="sharp s"),
        pytest.param("elysée", "fr", id="French accents, one of two"),
        pytest.param("l'accord", "fr", id="an apostrophe of another kind"),
        pytest.param('"où le président"', "fr", id="a French phrase"),
        pytest.param("РОССИЙСКИЙ", "ru", id="Russian capitals"),
        pytest.param("еще", "ru", id="Russian without its diaeresis"),
        pytest.param("россию OR київ", "ru uk", id="Cyrillic of two languages"),
        pytest.param("пам'ять", "uk", id="a Ukrainian apostrophe"),
        pytest.param("їхня", "uk", id="Ukrainian"),
        pytest.param("іхня", "", id="i with and without two dots are two letters"),
        pytest.param("قمة", "ar", id="Arabic without points"),
        pytest.param("مباحثات", "ar", id="without tatweel"),
        pytest.param("اعلن", "ar", id="without hamza"),
        pytest.param("2023", "ar", id="Arabic digits"),
        pytest.param("שלום", "he", id="Hebrew without points"),
        pytest.param('צה"ל', "", id="a Hebrew word with a prefix glued on"),
        pytest.param('מצה"ל', "he", id="a Hebrew acronym, typed on a keyboard"),
        pytest.param("हिन्दी", "hi", id="Hindi"),
        pytest.param("हिन", "", id="not the beginning of a Hindi word"),
        pytest.param("हथियार*", "hi", id="unless it is asked for"),
        pytest.param("김정은", "ko", id="a Korean name with a particle"),
        pytest.param("러시아", "ko", id="another"),
        pytest.param("푸틴 회담", "ko", id="two Korean words"),
        pytest.param("金正恩", "ja zh", id="a name in Chinese and Japanese"),
        pytest.param("普京", "zh", id="two Chinese letters"),
        pytest.param("恩", "ja zh", id="one Chinese letter"),
        pytest.param("会见普京", "zh", id="four"),
        pytest.param("京普", "", id="not turned around"),
        pytest.param("ai技术", "zh", id="Latin and Chinese"),
        pytest.param("プーチン", "ja", id="Japanese"),
        pytest.param("ｶﾞｽ", "ja", id="half-width Japanese"),
        pytest.param("カス", "", id="a voiced letter is another one"),
        pytest.param("ประธานาธิบดี", "th", id="Thai inside a sentence"),
        pytest.param("ผู้นำ", "th", id="Thai with tones"),
        pytest.param("ប្រធានាធិបតី", "km", id="Khmer"),
        pytest.param("သမ္မတ", "my", id="Burmese"),
        pytest.param("kim -putin", "", id="without a word"),
        pytest.param("金正恩 -普京", "ja", id="without a Chinese one"),
        pytest.param('(talks OR züge) -"arms deal"', "en de", id="groups"),
    ],
)
def test_a_search_finds(press, query, expected):
    assert languages(press, query) == set(expected.split())


def test_the_language_the_outlet_and_the_day_can_be_asked_for(press):
    with transaction(press) as connection:
        other = add_outlet(connection, "other.example", name="Other")
        publish(connection, other, "Kim", "Kim", "sv", published_at=NOON + 3 * DAY)
    assert languages(press, "kim") == {"en", "sv"}
    assert languages(press, "kim", language="sv") == {"sv"}
    assert languages(press, "kim", outlet="other.example") == {"sv"}
    assert languages(press, "kim", since=NOON + DAY) == {"sv"}
    assert languages(press, "kim", until=NOON + DAY) == {"en"}  # of no date: its first look counts
    for wanted in ({"outlet": "no.example"}, {"story": "none"}):
        with pytest.raises(UsageError, match="there is no such"):
            found(press, "kim", **wanted)


def test_the_story_and_the_relation_to_its_seed_can_be_asked_for(press):
    first = found(press, "金正恩", language="zh")[0]
    second = found(press, "talks")[0]
    with transaction(press) as connection:
        for slug, relations in (("talks", ["translation", "excerpt"]), ("arms", ["same_story"])):
            story_id = add_story(connection, slug)
            seed_id = add_seed(connection, story_id, 1, is_current=True)
            for hit, relation in zip((first, second), relations, strict=False):
                join_story(connection, hit.article_id, story_id)
                add_edge(connection, hit.version_id, seed_id, relation)
    assert languages(press, "金正恩 OR talks", story="arms") == {"zh"}
    assert languages(press, "金正恩 OR talks", story="talks") == {"zh", "en"}
    assert languages(press, "金正恩 OR talks", relation="excerpt") == {"en"}
    assert languages(press, "金正恩 OR talks", relation="translation", story="arms") == set()
    [hit] = found(press, "普京")
    assert hit.relations == (("arms", "same_story"), ("talks", "translation"))


def test_what_was_edited_away_is_found_only_when_ever_is_asked_for(engine):
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        article_id, _ = publish(connection, paper, "Vertrag", "Zwölf Züge.", "de")
        publish(connection, paper, "Vertrag", "Dreizehn Züge.", "de", article_id=article_id)
    assert found(engine, "zwölf") == ()
    assert [hit.seq for hit in found(engine, "dreizehn")] == [2]
    [old] = found(engine, "zwölf", ever=True)
    assert (old.seq, old.is_current, old.text) == (1, False, "Zwölf Züge.")
    assert [hit.seq for hit in found(engine, "züge")] == [2]
    assert {hit.seq for hit in found(engine, "züge", ever=True)} == {1, 2}


def test_the_best_hits_come_first_and_it_is_told_that_there_are_more(engine):
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        filler = "something else entirely " * 20
        publish(connection, paper, "Weather", filler + "locomotive", "en")
        _, best = publish(connection, paper, "Locomotive", "A locomotive. " + filler, "en")
        publish(connection, paper, "Sport", filler, "en")
    assert found(engine, "locomotive")[0].version_id == best
    with read_connection(engine) as connection:
        search = Search(query=parse_query("locomotive"))
        assert find_hits(connection, search, limit=1).has_more
        assert not find_hits(connection, search, limit=2).has_more


def test_a_word_in_the_headline_counts_more(engine):
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        publish(connection, paper, "Two words", "locomotive " * 2 + "filler " * 20, "en")
        _, headline = publish(connection, paper, "Locomotive here", "filler " * 22, "en")
        for _ in range(4):
            publish(connection, paper, "Filler", "filler " * 22, "en")
    assert found(engine, "locomotive")[0].version_id == headline
    rebuild_index(engine)
    assert found(engine, "locomotive")[0].version_id == headline


# ---------------------------------------------------------------- against the pure matcher


VOCABULARY = ["kim", "Putin", "Züge", "ещё", "мир", "金正恩", "恩", "普京", "正", "กิน", "김정은",
              "U.S.", "Kim-Putin", "a", "b", "🙂", "हिन्दी", "السَّلَام", "kimono"]  # fmt: skip
PARTS = st.sampled_from(
    [*VOCABULARY, *(f"{word}*" for word in VOCABULARY[:6]), "OR", "NOT", "-", '"', "(", ")", "-a",
     '"kim putin"', '"金正恩 kim"', "-(b OR a)", "'", ":", "\\", "^", "&", "|", "!", "<->"]
)  # fmt: skip
QUERIES = st.lists(PARTS, min_size=1, max_size=8).map(" ".join) | st.text(max_size=20)
BODIES = st.lists(st.sampled_from(VOCABULARY), max_size=8).map(" ".join)


def agrees(connection, documents, query):
    """Whether the index finds in a few documents what the matcher finds in them."""
    try:
        tree = parse_query(query)
    except UsageError:
        return
    statement = search_statement(connection.dialect.name, Search(query=tree, ever=True))
    hits = {row.version_id for row in connection.execute(statement)}
    assert hits == {
        number
        for number, (title, body) in documents.items()
        if matches(tree, *indexed_terms(title, body))
    }, query


def refill(connection, documents):
    connection.execute(
        text("DELETE FROM version_search")
        if connection.dialect.name == "postgresql"
        else text("INSERT INTO version_search (version_search) VALUES ('delete-all')")
    )
    for number, (title, body) in documents.items():
        index_version(connection, number, title=title, body=body, language="en")


@pytest.fixture
def shelf(engine):
    """Ids of ten versions whose index entries a test may write."""
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        return [publish(connection, paper, "x", f"{n}", "en")[1] for n in range(10)]


def test_any_query_finds_what_the_matcher_finds(engine, shelf):
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(BODIES, BODIES), min_size=10, max_size=10), st.lists(QUERIES))
    def holds(bodies, queries):
        documents = dict(zip(shelf, bodies, strict=True))
        with transaction(engine) as connection:
            refill(connection, documents)
            for query in queries:
                agrees(connection, documents, query)

    holds()


def test_any_text_is_indexed_and_found_by_its_own_words(engine, shelf):
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(), st.text(), st.text())
    def holds(title, body, other):
        title, body = title.replace("\0", ""), body.replace("\0", "")
        documents = {shelf[0]: (title, body), shelf[1]: (other.replace("\0", ""), "")}
        with transaction(engine) as connection:
            refill(connection, documents)
            for query in (title, body, other, f'"{body}"', *body.split()):
                agrees(connection, documents, query)

    holds()


# ---------------------------------------------------------------- what is too much for a tsvector


def test_phrases_are_found_beyond_what_a_tsvector_keeps(engine):
    often = "the cat saw the dog " * 200
    late = often + "then the last witness spoke " + "word " * 20_000 + "the very end"
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        _, long = publish(connection, paper, "Long", late, "en")
        _, near = publish(connection, paper, "Near", often + "the end is very near", "en")
        publish(connection, paper, "Short", "the very end", "en")
    assert {hit.title for hit in found(engine, '"the last witness"')} == {"Long"}
    assert {hit.title for hit in found(engine, '"the very end"')} == {"Long", "Short"}
    assert {hit.title for hit in found(engine, 'the -"very near"')} == {"Long", "Short"}
    assert {hit.title for hit in found(engine, 'the -"very end"')} == {"Near"}
    assert {hit.title for hit in found(engine, '"the very end"', limit=1)} <= {"Long", "Short"}
    assert long != near


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("x" * 1_000_000, id="one word of a megabyte"),
        pytest.param(" ".join(f"{'ж' * 50}{n}" for n in range(20_000)), id="distinct long words"),
        pytest.param("金正恩" * 300_000, id="a megabyte without a space"),
        pytest.param(" ".join(map(str, range(150_000))), id="many numbers"),
        pytest.param("हि" * 160_000, id="a word of vowel signs"),
        pytest.param("हि " * 160_000, id="Hindi without end"),
        pytest.param(
            "é" * 5_000 + "'\\ ''\\\\ :* & | !() <->", id="what means something to tsquery"
        ),
    ],
)
def test_no_text_is_too_much_to_be_stored(engine, body):
    with transaction(engine) as connection:
        publish(connection, add_outlet(connection), "Largest", body, "hi")
    assert [hit.title for hit in found(engine, "largest")] == ["Largest"]


# ---------------------------------------------------------------- kept up


def test_a_version_that_was_rolled_back_is_not_found(engine):
    connection = engine.connect()
    publish(connection, add_outlet(connection), "Vertrag", "Züge.", "de")
    connection.close()
    assert found(engine, "züge", ever=True) == ()
    assert check(engine) == []


def test_a_repeated_version_is_found(engine):
    with transaction(engine) as connection:
        _, first = publish(connection, add_outlet(connection), "Vertrag", "Züge.", "de")
        hour = timedelta(hours=1)
        repeat_version(connection, first, first_observed_at=NOON + hour, seen_at=NOON + hour,
                       recorded_at=NOON + hour)  # fmt: skip
    assert [hit.seq for hit in found(engine, "züge", ever=True)] == [1, 2]
    assert check(engine) == []


def test_versions_of_before_are_indexed_by_the_migration(press):
    before = {query: languages(press, query) for query in ("kim", "金正恩", "züge", "شمالية")}
    [made] = [script for script in _scripts().walk_revisions() if script.revision == "20261205"]
    downgrade(press, made.down_revision)
    upgrade(press)
    assert {query: languages(press, query) for query in before} == before
    assert check(press) == []


def test_a_migration_indexes_more_than_a_batch(engine):
    with transaction(engine) as connection:
        article_id = add_article(connection, add_outlet(connection))
        row = {"article_id": article_id, "title": "", "content_hash": "", "words": 1,
               "extractor": "", "extractor_version": "", "language": "de",
               "first_observed_at": NOON, "last_observed_at": NOON}  # fmt: skip
        rows = [row | {"seq": n, "text": f"Zug {n}"} for n in range(1, 1203)]
        connection.execute(version.insert(), rows)
        assert fill_index(connection) == 1202
        assert fill_index(connection) == 0
    assert len(found(engine, "zug", ever=True, limit=5000)) == 1202
    assert [hit.seq for hit in found(engine, "1202", ever=True)] == [1202]


def test_a_repair_by_hand_is_noticed_and_indexed_again(press):
    with transaction(press) as connection:
        kept = connection.execute(text("SELECT id FROM version WHERE language = 'de'")).scalar()
        copied = "article_id, seq + 1, content_hash, 'Repariert', text, language, words, extractor"
        connection.exec_driver_sql(
            "INSERT INTO version (article_id, seq, content_hash, title, text, language, words,"
            " extractor, extractor_version, first_observed_at, last_observed_at)"
            f" SELECT {copied}, extractor_version, first_observed_at, last_observed_at"
            f" FROM version WHERE id = {kept}"
        )
        connection.exec_driver_sql("DELETE FROM version WHERE language = 'th'")
    differences = check(press)
    assert "the search index differs by 1 versions that it should have" in differences[0]
    assert languages(press, "ผู้นำ", ever=True) == set()
    rebuild_index(press)
    assert check(press) == []
    assert languages(press, "repariert", ever=True) == {"de"}


def test_an_index_that_was_dropped_is_noticed_and_made_again(press):
    with transaction(press) as connection:
        connection.exec_driver_sql("DROP VIEW search_index")
        connection.exec_driver_sql("DROP TABLE version_search")
    assert "the search index lacks version_search" in check(press)
    assert rebuild_index(press) == len(TEXTS)
    upgrade(press)
    assert check(press) == []
    assert languages(press, "金正恩") == {"ja", "zh"}


# ---------------------------------------------------------------- stemmers, and plain SQL


def test_postgres_finds_all_forms_of_a_word_when_asked(postgres_url, opened):
    engine = opened(postgres_url)
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        publish(connection, paper, "Die Züge", "Der Zug und die Lokomotiven.", "de")
        publish(connection, paper, "Поезда", "Переговоры о поездах в России.", "ru")
        publish(connection, paper, "Les élections", "Les accords évoqués.", "fr")
    for language, query in (("de", "zug lokomotive"), ("ru", "поезд"), ("fr", "élection évoquer")):
        assert languages(engine, query, language=language, stem=True) == {language}
        assert languages(engine, query, language=language) == set()
    assert languages(engine, "lokomotive -zug", language="de", stem=True) == set()
    with pytest.raises(UsageError, match="--stem needs --language"):
        found(engine, "zug", stem=True)
    with pytest.raises(UsageError, match="--stem needs --language"):
        found(engine, "pociąg", stem=True, language="pl")
    with pytest.raises(UsageError, match="passes over all"):
        found(engine, "der die", stem=True, language="de")


def test_sqlite_has_no_stemmer_and_says_so(sqlite_url, opened):
    with pytest.raises(UsageError, match="SQLite has no stemmer"):
        found(opened(sqlite_url), "zug", stem=True, language="de")


def test_a_statement_of_ours_runs_in_plain_sql(press):
    name = press.dialect.name
    asked = Search(query=parse_query("金正恩 -'x' OR Züge"), since=NOON - DAY, until=NOON + DAY)
    statement = search_statement(name, asked)
    printed = str(statement.compile(press, compile_kwargs={"literal_binds": True}))
    columns, rows = read_only_query(press, printed)
    at = columns.index("language")
    assert {row[at] for row in rows} == {"de", "ja", "zh"}


HOSTILE = (
    "'; DROP TABLE version; --", "a'::tsquery", '" OR 1=1', "NEAR(a b)", "title : x", "^kim",
    "{title text} : kim", "kim^2", "%s %(x)s :x", "a\\'b", "kim + putin", "kim:*", "a <2> b",
)  # fmt: skip


def test_hostile_words_reach_no_database(press):
    for query in HOSTILE:
        try:
            found(press, query)
        except UsageError:
            continue
        except StorageError as error:
            pytest.fail(f"{query}: {error}")
