"""What a download holds in each format: the rows, the units, where they come from."""

import csv
import io
import json
from datetime import date

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MilexError
from pipelines.exports import EXCEL_ROWS, FORMATS, to_csv, to_parquet, to_xlsx
from pipelines.table import Table

NOTES = ["Data: SIPRI 2017.", "two\nlines"]
TABLE = Table(
    ("country", "value_2017", "since", "members"),
    [("Korea, South", 39.1, date(1948, 8, 15), ["a", "b"]), ("=1+1", None, None, None)],
    {"value_2017": "US$ bn"},
)


def sheets(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_csv_carries_its_notes_and_units():
    lines = to_csv(TABLE, NOTES).decode().splitlines()
    assert lines[:2] == ["# Data: SIPRI 2017.", "# two lines"]
    header, row, _ = csv.reader(lines[2:])
    assert header == ["country", "value 2017 [US$ bn]", "since", "members"]
    assert row == ["Korea, South", "39.1", "1948-08-15", '["a", "b"]']


def test_text_does_not_become_a_formula():
    table = Table(("name",), [("=1+1",), (-2.0,), ("-3",), ("-2+cmd",), (None,)])
    assert to_csv(table, []).decode().splitlines() == [
        "name", "'=1+1", "-2.0", "-3", "'-2+cmd", '""',
    ]  # fmt: skip
    cells = [cell for row in sheets(to_xlsx(table, ["=1"])).worksheets[0].rows for cell in row]
    assert [cell.data_type for cell in cells] == ["s", "s", "n", "s", "s"]


@given(st.text(max_size=20))
def test_no_text_at_all_becomes_a_formula_in_a_csv(text):
    (cell,) = list(csv.reader(io.StringIO(to_csv(Table(("a",), [(text,)]), []).decode())))[1:2]
    try:
        float(text)
    except ValueError:
        assert not cell or cell[0][:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_an_excel_file_has_the_rows_and_says_what_they_are():
    book = sheets(to_xlsx(TABLE, NOTES))
    data, about = book["Data"], book["About"]
    assert [cell.value for cell in data[1]] == [
        "country", "value 2017 [US$ bn]", "since", "members",
    ]  # fmt: skip
    assert [cell.value for cell in data[2]][:2] == ["Korea, South", 39.1]
    assert data["C2"].value.date() == date(1948, 8, 15)
    assert data["A3"].value == "=1+1"
    assert data["A3"].data_type == "s"
    assert [cell.value for cell in about["A"]] == [
        "Data: SIPRI 2017.", "two lines", "value_2017: US$ bn",
    ]  # fmt: skip


def test_a_table_too_long_for_excel_is_refused():
    with pytest.raises(MilexError, match="Parquet"):
        to_xlsx(Table(("a",), [(1,)] * EXCEL_ROWS), [])


def test_a_parquet_file_has_types_units_and_notes():
    found = pq.read_table(io.BytesIO(to_parquet(TABLE, NOTES)))
    assert found.column("value_2017").to_pylist() == [39.1, None]
    assert found.column("members").to_pylist() == [["a", "b"], None]
    assert found.schema.field("value_2017").metadata == {b"unit": b"US$ bn"}
    assert found.schema.metadata[b"about"].decode().splitlines()[0] == "Data: SIPRI 2017."
    assert json.loads(found.schema.metadata[b"units"]) == {"value_2017": "US$ bn"}


@pytest.mark.parametrize("name", FORMATS)
def test_odd_values_end_in_a_file(name):
    odd = [(10**40, float("nan"), "é\x00", b"\x01", {"a": 1}), (1.5, float("inf"), 2, None, [])]
    columns = ("big", "float", "mixed", "bytes", "nested")
    assert FORMATS[name].write(Table(columns, odd), ["note"])
    assert FORMATS[name].write(Table((), []), [])


def test_a_table_is_shown_with_units_in_the_heading():
    table = Table(("a_b",), [(1,), (2,)], {"a_b": "%"})
    assert table.by_column() == {"a b [%]": [1, 2]}
    assert table.records() == [{"a_b": 1}, {"a_b": 2}]
