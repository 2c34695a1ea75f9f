"""The table of faults is true to the tests: each one that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|(.*)\|$", TABLE, flags=re.MULTILINE)


def test_the_rows_are_numbered_without_a_gap():
    assert [int(number) for number, _ in ROWS] == list(range(1, len(ROWS) + 1))


def test_nine_faults_in_ten_have_a_test():
    tested = sum("`tests/" in row for _, row in ROWS)
    assert tested >= 0.9 * len(ROWS)


@pytest.mark.parametrize(("number", "row"), ROWS, ids=[number for number, _ in ROWS])
def test_a_row_names_tests_that_exist_or_says_why_there_is_none(number, row):
    last = row.rpartition("|")[2].strip()
    named = re.findall(r"`(tests/\w+\.py)::(test_\w+)`", last)
    assert named or last.startswith("— "), number
    for file, name in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, flags=re.MULTILINE), f"{file}::{name}"
