"""Reading a publisher's CSV: what is accepted as it comes, and what is refused with reasons."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import ReadError
from pipelines.readers import separated
from pipelines.readers.separated import column_names
from pipelines.readers.tables import Table, read_table


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def table(**columns: list[str]) -> Table:
    length = len(next(iter(columns.values())))
    return Table(Path("x.csv"), pd.DataFrame(columns, index=range(2, length + 2), dtype="str"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_any_line_ending(write, end: str, last: bool) -> None:
    path = write(end.join(["Code,Name", "2,USA", "740,Japan"]) + (end if last else ""))
    read = read_table(path, ["code", "name"])
    assert read.text("name").tolist() == ["USA", "Japan"]
    assert read.cells.index.tolist() == [2, 3]
    assert column_names(path) == {"code", "name"}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("name\nCôte d'Ivoire\n".encode(), "Côte d'Ivoire"),
        ("name\nCôte d'Ivoire\n".encode("utf-8-sig"), "Côte d'Ivoire"),
        ("name\nCôte d'Ivoire\n".encode("latin-1"), "Côte d'Ivoire"),
        (b'name\n"Korea, North"\n', "Korea, North"),
        (b'name\n"two\nlines"\n', "two\nlines"),
    ],
)
def test_any_encoding_and_quoting(write, content: bytes, name: str) -> None:
    assert read_table(write(content), ["name"]).text("name").tolist() == [name]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_any_separator_that_a_spreadsheet_writes(write, separator: str, start: str) -> None:
    rows = [["a", "b", "name"], ["1", "2", "Korea, North; South"], ["3", "4", "Laos"]]
    lines = [separator.join(f'"{cell}"' for cell in row) for row in rows]
    path = write(start + "\r\n".join(lines))
    assert column_names(path) == {"a", "b", "name"}
    read = read_table(path, ["b", "name"])
    assert read.integers("b").tolist() == [2, 4]
    assert read.text("name").tolist() == ["Korea, North; South", "Laos"]


def test_columns_are_found_by_name_whatever_their_order_and_case(write) -> None:
    read = read_table(write(" B ,extra,A\n1,x,2\n"), ["a", "b"], ["c"])
    assert (read.integers("a").item(), read.integers("b").item()) == (2, 1)
    assert "extra" not in read
    assert read.text("c").isna().all()
    assert read.integers("c").dtype == "Int64"
    assert read.integers("c").isna().all()
    assert read.flags("c").isna().all()


def test_blank_lines_and_blank_surplus_fields_are_no_rows_and_no_error(write) -> None:
    read = read_table(write("a,b\n\n1,2,,\n , \n3,4\n"), ["a", "b"])
    assert read.integers("b").to_dict() == {3: 2, 5: 4}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\n <html>moved</html>", "web page"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"a,b\n1,\x002\n", "NUL"),
        ("a,b\n1,2\n".encode("utf-16"), "NUL"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n3\n", "rows should have 2 fields, but line 3: 1"),
        (b"a,b\n1,2\n3,4,5\n", "rows should have 2 fields, but line 3: 3"),
        (b'a,b\n1,2\n3,"4\n', "cut off"),
        (b"a|b\n1|2\n", "lacks a, b; its columns are a|b"),
        (b"a,c\n1,2\n", "lacks b; its columns are a, c"),
        (b"a,b,A\n1,2,3\n", "has a more than once"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_name(write, content: bytes, says: str) -> None:
    path = write(content)
    with pytest.raises(ReadError, match=r"file\.csv") as error:
        read_table(path, ["a", "b"])
    assert says in str(error.value)


def test_a_file_beyond_the_limit_and_one_that_is_not_there(write, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(separated, "MAX_BYTES", 5)
    with pytest.raises(ReadError, match=r"file\.csv: larger than 5 bytes"):
        read_table(write("a,b\n1,2\n"), ["a"])
    with pytest.raises(ReadError, match="cannot be opened"):
        read_table(tmp_path / "none.csv", ["a"])


def test_column_names_of_no_table_are_none(write, tmp_path: Path) -> None:
    assert column_names(tmp_path / "none.csv") == frozenset()
    assert column_names(tmp_path) == frozenset()
    assert column_names(write(b"\x00\x01")) == frozenset()
    assert column_names(write("<html>")) == frozenset()


def test_column_names_read_only_the_beginning_of_a_file(write) -> None:
    assert column_names(write("a,b\n" + "é,2\n" * 100_000)) == {"a", "b"}


def test_integers_accept_what_statistics_packages_write() -> None:
    numbers = table(n=["1", "-8", "3.0", "4.", "", ".", "NA"]).integers("n")
    assert numbers.dropna().tolist() == [1, -8, 3, 4]
    assert numbers.isna().sum() == 3


def test_offending_cells_are_listed_with_line_and_text() -> None:
    with pytest.raises(
        ReadError, match=r"x\.csv: n is not a whole number in line 3: '1\.5'; "
    ) as e:
        table(n=["1", "1.5", "abc", "٣"]).integers("n")
    assert "line 4: 'abc'; line 5: '٣'" in str(e.value)
    with pytest.raises(ReadError, match=r"line 11: 'x' and 5 more\. "):
        table(n=["x"] * 15).integers("n")
    with pytest.raises(ReadError, match=r"n is blank where a number is needed in line 3"):
        table(n=["1", ""]).integers("n", blank=False)
    with pytest.raises(ReadError, match=r"n is neither 0 nor 1 in line 4: '9'"):
        table(n=["1", "", "9"]).flags("n")


def test_flags_keep_blank_as_missing() -> None:
    flags = table(n=["1", "0", ""]).flags("n")
    assert flags.dtype == "boolean"
    assert flags.tolist() == [True, False, pd.NA]


@pytest.mark.parametrize(
    ("year", "month", "day", "date", "precision"),
    [
        ("1386", "5", "9", "1386-05-09", "day"),
        ("2000", "2", "29", "2000-02-29", "day"),
        ("1951", "9", "", "1951-09-15", "month"),
        ("1951", "9", "0", "1951-09-15", "month"),
        ("1951", "0", "0", "1951-07-01", "year"),
        ("1951", "", "31", "1951-07-01", "year"),
    ],
)
def test_dates_with_unknown_parts(year, month, day, date, precision) -> None:
    read = table(y=[year], m=[month], d=[day]).dates("y", "m", "d")
    assert read["date"].dtype == "M8[s]"
    assert read["date"].item() == pd.Timestamp(date)
    assert read["precision"].item() == precision


@pytest.mark.parametrize("year", ["0", ""])
def test_no_year_is_no_date(year: str) -> None:
    read = table(y=[year, "1900"], m=["0", "1"], d=["", "1"]).dates("y", "m", "d")
    assert read["date"].isna().tolist() == [True, False]
    assert read["precision"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (("1951", "2", "31"), "y/m/d is no date in line 2: '1951-2-31'"),
        (("1900", "2", "29"), "is no date"),
        (("1951", "2", "-1"), "is no date"),
        (("1951", "13", "1"), "m is no month in line 2: '13'"),
        (("-9", "1", "1"), "y is no year in line 2: '-9'"),
        (("19511", "1", "1"), "y is no year"),
    ],
)
def test_impossible_dates_are_refused(cells: tuple[str, str, str], says: str) -> None:
    year, month, day = cells
    with pytest.raises(ReadError) as error:
        table(y=[year], m=[month], d=[day]).dates("y", "m", "d")
    assert says in str(error.value)
