"""What a download holds: the rows, the units, where they come from."""

import csv

from dashboard.tables import Table, to_csv


def test_a_csv_carries_its_notes_and_units():
    table = Table(("country", "value_2017"), [("Korea, South", 39.1)], {"value_2017": "US$ bn"})
    lines = to_csv(table, ["Data: SIPRI 2017.", "two\nlines"]).decode().splitlines()
    assert lines[:2] == ["# Data: SIPRI 2017.", "# two lines"]
    header, row = csv.reader(lines[2:])
    assert header == ["country", "value 2017 [US$ bn]"]
    assert row == ["Korea, South", "39.1"]


def test_text_does_not_become_a_formula():
    table = Table(("name",), [("=1+1",), (-2.0,), ("-3",), (None,)])
    assert to_csv(table, []).decode().splitlines() == ["name", "'=1+1", "-2.0", "-3", '""']


def test_a_table_is_shown_with_units_in_the_heading():
    table = Table(("a_b",), [(1,), (2,)], {"a_b": "%"})
    assert table.by_column() == {"a b [%]": [1, 2]}
    assert table.records() == [{"a_b": 1}, {"a_b": 2}]
