"""Exports: typed, described, whole or not at all, in bounded memory, alike on both databases."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
from datetime import date, datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import OperationError, UsageError
from ingest.export.query import read_query
from ingest.export.rows import Format, export_rows
from storage.provenance import Provenance
from storage.snapshots import create_snapshot
from storage.typedrows import open_rows
from storage.views import VIEWS
from tests.commands import ROOT, call
from tests.filled import MOMENT, NOON, ODD, empty, fill, fill_many
from tests.test_backfill_run import wait_until


@pytest.fixture
def filled(engine):
    fill(engine)
    return engine


def export(engine, what, output, format_=Format.JSONL, **options):
    defaults = {"snapshot": None, "safe": False, "program_version": "0.1.0", "now": lambda: NOON}
    return export_rows(
        engine, read_query(what), output=output, format_=format_, **{**defaults, **options}
    )


def lines(engine, what, **options):
    written = io.BytesIO()
    export(engine, what, written, **options)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def table(engine, what, tmp_path, **options):
    export(engine, what, tmp_path / "x.parquet", Format.PARQUET, **options)
    return pq.read_table(tmp_path / "x.parquet")


def run(url, *arguments, **options):
    return call("--database-url", url, "export", *arguments, **options)


# ---------------------------------------------------------------- the same on both


def test_every_view_is_the_same_file_from_both_databases(sqlite_url, postgres_url, opened):
    found = []
    for url in (sqlite_url, postgres_url):
        engine = opened(url)
        fill(engine)
        found.append({})
        for view in VIEWS:
            for format_ in (Format.CSV, Format.JSONL):
                written = io.BytesIO()
                export(engine, view, written, format_)
                found[-1][view, format_] = sorted(written.getvalue().splitlines())
    assert found[0] == found[1]
    assert len(found[0]["article_versions", Format.JSONL]) == 3


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_types_of_the_dictionary_in_parquet(view, filled, tmp_path):
    kinds = read_query(view).kinds
    found = table(filled, view, tmp_path)
    expected = {
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "JSON": pa.string(),
        "number": pa.float64(),
        "text": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    assert {field.name: field.type for field in found.schema} == {
        name: expected[kind.value] for name, kind in kinds.items()
    }
    for field in found.schema:
        assert field.metadata[b"storywatch.type"].decode() == kinds[field.name].value
        assert field.metadata[b"comment"].decode() == VIEWS[view].columns[field.name].comment


def test_values_come_through_as_they_are(filled, tmp_path):
    where = " WHERE article_id = 1 AND seq = 1"
    sql = f"SELECT version_id, is_current, text, first_observed_at FROM article_versions{where}"
    [row] = lines(filled, sql)
    assert row == {
        "version_id": 1,
        "is_current": False,
        "text": ODD,
        "first_observed_at": "2023-09-05T12:00:00.000000Z",
    }
    found = table(filled, sql, tmp_path).to_pylist()
    assert found == [{**row, "first_observed_at": NOON}]


def test_json_is_an_object_in_jsonl_and_text_in_parquet(filled, tmp_path):
    evidence = {"a": [1, 2.5, None, True], "note": "z before a", "pairs": []}
    [row] = lines(filled, "relations")
    assert row["evidence"] == evidence
    found = table(filled, "relations", tmp_path)
    assert found.schema.field("evidence").metadata[b"storywatch.type"] == b"JSON"
    assert json.loads(found.column("evidence")[0].as_py()) == evidence


SEVERAL = """
SELECT MAX(published_at) AS newest, COUNT(*) AS n, AVG(words) AS mean, SUM(words) AS total,
       MIN(CASE WHEN state = 'gone' THEN first_seen_at END) AS gone_at, MAX(NULL) AS unknown,
       'plain' AS word, MAX(seed_score) AS score
FROM articles
"""


def test_what_a_query_computes_is_typed_by_its_values(filled, tmp_path):
    found = table(filled, SEVERAL, tmp_path)
    types = {field.name: str(field.type) for field in found.schema}
    whole = "double" if filled.dialect.name == "postgresql" else "int64"
    assert types.pop("total") in ("int64", whole)
    assert types == {
        "newest": "timestamp[us, tz=UTC]", "n": "int64", "mean": "double", "word": "string",
        "gone_at": "timestamp[us, tz=UTC]", "unknown": "string", "score": "double",
    }  # fmt: skip
    [row] = found.to_pylist()
    assert row["gone_at"] == NOON + MOMENT
    assert lines(filled, SEVERAL)[0]["total"] == 4


def test_a_name_that_the_views_know_gives_its_kind_where_values_allow(sqlite_url, opened):
    engine = opened(sqlite_url)
    fill(engine)
    computed = "MAX(is_current) AS is_current, 7 AS needs_review, '[1]' AS evidence"
    [row] = lines(engine, f"SELECT {computed} FROM article_versions")
    assert row == {"is_current": True, "needs_review": 7, "evidence": [1]}


def test_a_value_that_shows_late_what_a_column_is_counts(sqlite_url, opened, tmp_path):
    """Whole numbers for thousands of rows, then another one, then text."""
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
    engine = opened(sqlite_url)
    half = f"{counting} SELECT CASE WHEN i = 8999 THEN i + 0.5 ELSE i END AS x FROM n"
    found = table(engine, half, tmp_path)
    assert found.schema.field("x").type == pa.float64()
    assert found.column("x")[8998].as_py() == 8999.5
    words = f"{counting} SELECT CASE WHEN i = 8999 THEN 'word' ELSE i END AS x FROM n"
    assert table(engine, words, tmp_path).column("x").to_pylist()[8997:] == ["8998", "word", "9000"]


def test_postgres_kinds_that_sqlite_has_not(postgres_url, opened, tmp_path):
    sql = """
    SELECT DATE '2023-09-05' AS day, TIMESTAMP '2023-09-05 12:00' AS wall, ARRAY[1, 2] AS list,
           INTERVAL '1 day' AS span, 'NaN'::float8 AS nan, 12345678901234567890::numeric AS big,
           '\\x0102'::bytea AS bytes
    """
    engine = opened(postgres_url)
    [row] = lines(engine, sql)
    assert row == {
        "day": "2023-09-05", "wall": "2023-09-05T12:00:00.000000", "list": [1, 2],
        "span": "1 day, 0:00:00", "nan": None, "big": 12345678901234567890, "bytes": "0102",
    }  # fmt: skip
    found = table(engine, sql, tmp_path).to_pylist()[0]
    assert (found["day"], found["wall"]) == (date(2023, 9, 5), datetime(2023, 9, 5, 12))  # noqa: DTZ001
    assert (found["list"], found["bytes"]) == ("[1,2]", b"\x01\x02")
    assert found["big"] == 12345678901234567890.0


# ---------------------------------------------------------------- CSV


def test_csv_is_read_back_by_the_rules_of_rfc_4180(filled):
    sql = "SELECT text, byline, is_current FROM article_versions ORDER BY version_id"
    written = io.BytesIO()
    assert export(filled, sql, written, Format.CSV) == 3
    told = written.getvalue().decode()
    assert told.startswith("text,byline,is_current\r\n")
    assert told.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(told, newline="")))
    assert rows[1] == [ODD, "", "false"]
    assert 'Über \\ alles, \'\'.","",true' in told  # an empty text, where null is nothing


def test_csv_keeps_null_and_an_empty_text_apart_for_duckdb(filled, tmp_path):
    file = tmp_path / "v.csv"
    export(filled, "article_versions", file, Format.CSV)
    reader = f"read_csv('{file}', allow_quoted_nulls = false)"
    found = duckdb.sql(f"SELECT byline FROM {reader} ORDER BY version_id").fetchall()
    assert found == [(None,), ("",), (None,)]


def test_safe_csv_holds_no_formula(filled):
    for safe, outlet in ((False, "=HYPERLINK(1)"), (True, "'=HYPERLINK(1)")):
        written = io.BytesIO()
        export(filled, "SELECT outlet, -1 AS n FROM articles WHERE article_id = 2", written,
               Format.CSV, safe=safe)  # fmt: skip
        assert written.getvalue().decode() == f"outlet,n\r\n{outlet},-1\r\n"


# ---------------------------------------------------------------- what a file says of itself


def test_parquet_says_what_it_is(filled, tmp_path):
    create_snapshot(
        filled, "before", note="", now=lambda: NOON,
        made_by=Provenance(program_version="0.0.9", contract_version="0.9", schema_revision="r"),
    )  # fmt: skip
    empty(filled)
    assert table(filled, "SELECT outlet FROM articles", tmp_path).num_rows == 0
    found = table(filled, "SELECT outlet FROM articles", tmp_path, snapshot="before")
    assert found.num_rows == 2
    told = pq.read_metadata(tmp_path / "x.parquet")
    assert {
        key.decode().removeprefix("storywatch."): value.decode()
        for key, value in told.metadata.items()
        if key.startswith(b"storywatch.")
    } == {
        "columns": json.dumps([{"name": "outlet", "type": "text", "comment": ""}]),
        "contract_version": "0.9",
        "database": filled.dialect.name,
        "exported_at": "2023-09-05T12:00:00.000000Z",
        "program": "storywatch",
        "program_version": "0.1.0",
        "query": "SELECT outlet FROM articles",
        "rows": "2",
        "schema_revision": "r",
        "snapshot": "before",
        "snapshot_created_at": "2023-09-05T12:00:00.000000Z",
    }
    assert told.row_group(0).column(0).compression == "ZSTD"


def test_other_files_have_it_beside_them_with_their_hash(filled, tmp_path):
    for format_ in (Format.CSV, Format.JSONL):
        file = tmp_path / f"articles.{format_}"
        assert export(filled, "articles", file, format_) == 2
        told = json.loads((tmp_path / f"articles.{format_}.meta.json").read_text())
        assert told["file"] == file.name
        assert told["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert told["bytes"] == file.stat().st_size
        assert (told["view"], told["rows"], told["snapshot"]) == ("articles", 2, None)
        assert told["columns"][0] == {
            "name": "article_id", "type": "integer", "comment": "article.id",
        }  # fmt: skip


def test_a_snapshot_hash_is_that_of_its_sorted_lines(filled, url, tmp_path):
    """With nothing but a shell, as docs/export.md says."""
    made = create_snapshot(
        filled, "before", note="", now=lambda: NOON,
        made_by=Provenance(program_version="0", contract_version="1.0", schema_revision="r"),
    )  # fmt: skip
    for view in ("article_versions", "relations", "discards"):
        file = tmp_path / "lines"
        with file.open("wb") as output:
            export(filled, view, output, snapshot="before")
        done = subprocess.run(
            f"LC_ALL=C sort {file} | sha256sum", shell=True, capture_output=True, text=True
        )
        assert done.stdout.split()[0] == made.contents[view].sha256


def test_pandas_polars_and_duckdb_read_it(filled, tmp_path):
    table(filled, "articles", tmp_path)
    file = tmp_path / "x.parquet"
    frame = pd.read_parquet(file)
    assert str(frame["first_seen_at"].dtype) == "datetime64[us, UTC]"
    assert pl.read_parquet(file)["needs_review"].to_list() == [True, True]
    assert duckdb.sql(f"SELECT COUNT(*) FROM '{file}' WHERE needs_review").fetchall() == [(2,)]


# ---------------------------------------------------------------- whole or not at all


COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
FAILING = {
    "sqlite": COUNTING.format(5000)
    + "SELECT CASE WHEN i > 4000 THEN json(i || '[') END AS x FROM n",
    "postgresql": COUNTING.format(5000) + "SELECT 1 / (4000 - i) AS x FROM n",
}


def test_rows_that_are_left_unread_hold_up_nothing(engine):
    """A stream of Postgres that is not given up keeps its connection from a rollback."""
    with open_rows(engine, COUNTING.format(100_000) + "SELECT i FROM n", kinds={}) as found:
        assert [next(found.rows), next(found.rows)] == [(1,), (2,)]
    fill(engine)


@pytest.mark.parametrize("format_", Format)
def test_an_export_that_fails_leaves_the_file_of_before(engine, format_, tmp_path):
    file = tmp_path / f"x.{format_}"
    file.write_text("before")
    with pytest.raises(UsageError):
        export(engine, FAILING[engine.dialect.name], file, format_)
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.glob("*x.*")] == [file.name]


def test_a_killed_export_leaves_no_file_and_the_next_one_tidies_up(sqlite_url, opened, tmp_path):
    engine = opened(sqlite_url)
    fill_many(engine, 3000)
    endless = "SELECT a.text FROM article_versions a, article_versions b"
    file = tmp_path / "x.csv"
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "--database-url", sqlite_url, "export",
         endless, "-o", str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    drafts = tmp_path.glob
    wait_until((tmp_path / f".x.csv.{process.pid}.partial").exists, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not file.exists()
    assert len(list(drafts(".x.csv*.partial"))) == 2  # it, and what was to stand beside it
    export(engine, "articles", file, Format.CSV)
    assert sorted(path.name for path in drafts("*x.csv*")) == ["x.csv", "x.csv.meta.json"]


def test_a_full_disk_is_told_and_leaves_nothing(engine, tmp_path):
    fill_many(engine, 2000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for format_ in Format:
        what = "article_versions"
        if format_ is Format.PARQUET:  # or compression would make it small
            what = "SELECT content_hash || text || content_hash AS x FROM article_versions"
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            with pytest.raises(OperationError, match=r"x\.\w+: cannot be written"):
                export(engine, what, tmp_path / f"x.{format_}", format_)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.glob("*x.*")) == []


# ---------------------------------------------------------------- the command


def test_the_command_writes_by_the_name_of_the_file(filled, url, tmp_path):
    for name in ("a.parquet", "a.csv", "a.jsonl"):
        done = run(url, "articles", "-o", str(tmp_path / name))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"2 rows written to {tmp_path / name}\n"
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 2


def test_without_a_file_it_writes_to_standard_output(filled, url):
    plain = run(url, "SELECT article_id FROM articles ORDER BY 1")
    assert plain.stdout.splitlines() == ["article_id", "1", "2"]
    said = run(url, "--format", "jsonl", "rows", "articles")  # `rows` is a view then
    assert said.returncode == 2
    assert len(run(url, "--format", "jsonl", "articles").stdout.splitlines()) == 2
    assert len(run(url, "rows", "articles", "--format", "jsonl").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["nothing"], "no view 'nothing'; the views are articles", id="no view"),
        pytest.param(["DELETE FROM article"], "only reading", id="a query that writes"),
        pytest.param(["SELECT 1 AS a, 2 AS a"], "two columns", id="two columns of one name"),
        pytest.param(["SELECT 1; SELECT 2"], "", id="two statements"),
        pytest.param(["articles", "-o", "{folder}/no/x.csv"], "no folder", id="no folder"),
        pytest.param(["articles", "-o", "/dev/null", "--format", "csv"], "regular", id="a device"),
        pytest.param(["articles", "-o", "{folder}/x.xls"], "give --format", id="another format"),
        pytest.param(["articles", "--snapshot", "x"], "no snapshot 'x'", id="no snapshot"),
        pytest.param(["articles", "--safe-csv", "--format", "jsonl"], "--safe-csv", id="safe"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(url, arguments, words, tmp_path):
    done = run(url, *(each.format(folder=tmp_path) for each in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.glob("*x.*")] == []


def test_without_the_library_parquet_says_what_to_install(url, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pyarrow'] = None\n")

    def start(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "ingest", "--database-url", url, "export", "articles",
             *arguments],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
            capture_output=True, text=True,
        )  # fmt: skip

    done = start("-o", str(tmp_path / "x.parquet"))
    assert done.returncode == 2
    assert "pip install 'storywatch[parquet]'" in done.stderr
    assert start().returncode == 0


# ---------------------------------------------------------------- bounded memory


_MEASURE = """
import resource, sys
from ingest.cli import main
sys.argv[1:] = {arguments!r}
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def peak(url, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE.format(arguments=["--database-url", url, *arguments])],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])


@pytest.mark.parametrize("format_", Format)
def test_ten_times_the_rows_take_no_more_memory(engine, url, format_, tmp_path):
    fill_many(engine, 1000, words=0)
    joined = (
        "SELECT a.*, b.seq AS other FROM article_versions a, article_versions b WHERE b.seq <= {}"
    )
    took = [
        peak(url, "export", joined.format(times), "-o", str(tmp_path / f"x.{format_}"))
        for times in (10, 100)
    ]
    assert took[1] < took[0] + 60
