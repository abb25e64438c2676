"""Damaged and hostile CSV files give a correct table or the project's own error."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import MilexError, ReadError
from pipelines.readers import tables
from pipelines.readers.atop import read_atop
from pipelines.readers.cow import (
    read_cow_alliances,
    read_cow_state_codes,
    read_cow_system_membership,
)
from pipelines.readers.sniff import sniff_atop, sniff_cow
from pipelines.readers.tables import read_table
from pipelines.readers.treaties import AllianceVersion
from tests.fuzz.damage import TIMES, cases, damaged_bytes, outcome

NAME = "file.csv"
LEVELS = ("alliances", "phases", "members", "member_phases")

ATOP_FLAGS = "defense,offense,neutral,nonagg,consul,bilat,term,version"
ATOP = {
    "alliance": f"atopid,begyr,begmo,begday,endyr,endmo,endday,{ATOP_FLAGS},mem1,mem2\n"
    "1005,1815,11,20,1823,12,15,1,0,0,0,1,0,1,3.0,200,300\n"
    "1010,1816,0,0,0,0,0,0,0,1,1,0,1,,3.0,220,\n",
    "phase": f"atopid,phase,begyr,begmo,begday,endyr,endmo,endday,{ATOP_FLAGS}\n"
    "1005,1,1815,11,20,1818,12,15,1,0,0,0,1,0,1,3.0\n"
    "1005,2,1818,12,15,1823,12,15,1,0,0,0,1,0,3,3.0\n"
    "1010,0,1816,0,0,0,0,0,0,0,1,1,0,1,,3.0\n",
    "member": f"atopid,phase,member,yrent,moent,dayent,yrexit,moexit,dayexit,{ATOP_FLAGS}\n"
    "1005,1,200,1815,11,20,1818,12,15,1,0,0,0,1,0,1,5.1\n"
    "1005,2,200,1818,12,15,1823,12,,1,0,0,0,1,0,3,5.1\n"
    "1005,1,300,1815,11,20,1823,12,15,1,0,0,0,1,0,3,5.1\n"
    "1010,0,220,1816,0,0,0,0,0,0,0,1,1,0,1,,5.1\n",
}
COW = {
    "alliances_by_member": "version4id,ccode,state_name,all_st_year,all_st_month,all_st_day,"
    "all_end_year,all_end_month,all_end_day,mem_st_year,mem_st_month,mem_st_day,mem_end_year,"
    "mem_end_month,mem_end_day,left_censor,right_censor,ss_type,defense,neutrality,"
    "nonaggression,entente,version\n"
    '1,200,"Kingdom, United",1815,6,8,1866,6,15,1816,1,1,1866,6,15,1,0,Type I,1,0,1,0,4.1\n'
    "1,300,Österreich,1815,6,8,1866,6,15,1816,1,1,1866,6,15,1,0,Type I,1,0,1,0,4.1\n"
    "2,2,USA,1949,4,4,,,,1949,4,4,,,,0,1,Type I,1,0,0,1,4.1\n",
    "system_membership": "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday\n"
    "USA,2,United States,1816,1,1,2016,12,31\n"
    "CUB,40,Cuba,1902,5,20,1906,9,25\n",
    "state_codes": "StateAbb,CCode,StateNme\nUSA,2,United States of America\nCUB,40,Cuba\n",
}


def read_any_atop(path: Path) -> AllianceVersion | None:
    found = sniff_atop(path)
    return None if found is None else read_atop({found[1]: path})


READ: dict[str, Callable[[Path], object]] = {
    "alliances_by_member": read_cow_alliances,
    "system_membership": read_cow_system_membership,
    "state_codes": read_cow_state_codes,
}
FILES = [
    *((text, read_any_atop) for text in ATOP.values()),
    *((COW[kind], read) for kind, read in READ.items()),
]


def assert_sound(found: AllianceVersion) -> None:
    assert isinstance(found.closing_date, date)
    for level in LEVELS:
        frame = getattr(found, level)
        begin, end = (
            ("begin_date", "end_date") if "begin_date" in frame else ("entry_date", "exit_date")
        )
        assert frame[begin].notna().all()
        assert frame[begin].dt.year.between(1000, 2200).all()
        assert (frame[end].isna() | (frame[end] >= frame[begin])).all()
        assert frame["version"].eq(found.version).all()
    assert not found.alliances.duplicated("alliance_id").any()
    assert not found.phases.duplicated(["alliance_id", "phase"]).any()


@pytest.mark.parametrize(("text", "read"), FILES)
def test_a_damaged_file_gives_a_sound_table_or_an_error(
    text: str, read: Callable[[Path], object]
) -> None:
    assert not isinstance(outcome(read, text.encode(), NAME), MilexError)

    def sniff_and_read(path: Path) -> object:
        sniff_cow(path)
        return read(path)

    for seed in cases(120):
        found = outcome(sniff_and_read, damaged_bytes(text.encode(), seed), NAME)
        if isinstance(found, AllianceVersion):
            assert_sound(found)


@settings(max_examples=round(200 * TIMES), deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_an_error(content: bytes) -> None:
    for head in (b"", b"a,b\n"):
        found = outcome(lambda path: read_table(path, ["a"]), head + content, NAME)
        if not isinstance(found, MilexError):
            assert (found.cells["a"].str.strip() == found.cells["a"]).all()
            assert found.cells.index.is_monotonic_increasing


plain = st.text(st.characters(exclude_categories=["C"]), max_size=8)


@settings(max_examples=round(100 * TIMES), deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.tuples(plain, plain), min_size=1, max_size=8),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_writes_is_read_as_it_was(
    rows: list[tuple[str, str]], encoding: str, end: str, quoting: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    writer.writerows([("a", "b"), *rows])
    found = outcome(lambda p: read_table(p, ["a", "b"]), text.getvalue().encode(encoding), NAME)
    expected = [(a.strip(), b.strip()) for a, b in rows if a.strip() or b.strip()]
    if isinstance(found, MilexError):
        assert not expected
    else:
        assert list(found.cells.itertuples(index=False, name=None)) == expected


@settings(max_examples=round(100 * TIMES), deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(max_size=12) | st.floats().map(str) | st.integers().map(str), min_size=1))
def test_whole_numbers_are_read_exactly_and_all_else_is_refused(cells: list[str]) -> None:
    table = tables.Table(Path(NAME), pd.DataFrame({"n": [c.strip() for c in cells]}, dtype="str"))
    blank = table.cells["n"].isin(["", ".", "NA", "NaN", "nan"])
    if (blank | table.cells["n"].str.fullmatch(r"[+-]?[0-9]{1,9}(\.0*)?")).all():
        expected = [pd.NA if b else float(c) for b, c in zip(blank, table.cells["n"], strict=True)]
        assert table.integers("n").tolist() == expected
    else:
        with pytest.raises(ReadError, match="is not a whole number"):
            table.integers("n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'b,a\n1,"' + b"x" * 10_000_000 + b'"\n', "more than 1,048,576 characters"),
        (b'b,a\n1,"' + b"x" * 1_000_000 + b'"\n', "field larger than field limit"),
        (b"a" * 10_000_000 + b"\n1\n", "more than 1,048,576 characters"),
        (b"," * 10_000_000, "more than 1,048,576 characters"),
        (b"a,b\n" + b'"\n",' * 500_000, "more than 1,048,576 characters"),
        (b'a,b\n1,"2\n', "unexpected end of data"),
        (b'a,b\n1,"2"3\n', "expected after"),
    ],
    ids=["10 MB", "1 MB", "header", "commas", "quoted lines", "open quote", "quote in quotes"],
)
def test_what_is_too_long_or_cut_off_is_refused(content: bytes, says: str) -> None:
    found = outcome(lambda path: read_table(path, ["a"]), content, NAME)
    assert isinstance(found, ReadError)
    assert says in str(found)


def test_a_file_cut_off_within_a_letter_is_read_as_latin_1() -> None:
    found = outcome(lambda path: read_table(path, ["a"]), "a\né".encode()[:-1], NAME)
    assert not isinstance(found, MilexError)
    assert found.text("a").tolist() == ["Ã"]


def test_cells_that_are_refused_are_shown_in_brief() -> None:
    content = ("a\n" + "x" * 100_000).encode()
    found = outcome(lambda path: read_table(path, ["a"]).integers("a"), content, NAME)
    assert isinstance(found, ReadError)
    assert "a is not a whole number in line 2: 'xxx" in str(found)


def test_a_table_with_too_many_cells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_CELLS", 1_000)
    path = tmp_path / NAME
    path.write_text("a,b\n" + "1,2\n" * 1_001)
    with pytest.raises(ReadError, match="more than 1,000 cells in its 1 columns"):
        read_table(path, ["a"])


def test_versions_that_are_no_version_are_shown_in_brief() -> None:
    text = ATOP["alliance"].replace(",3.0,", f",{'9' * 100_000},")
    found = outcome(read_any_atop, text.encode(), NAME)
    assert isinstance(found, ReadError)
    assert "should name one version" in str(found)


@pytest.mark.mirror
def test_damaged_files_of_the_publishers_give_a_sound_table_or_an_error(mirror: Path) -> None:
    paths = [*mirror.rglob("atop3_0a.csv"), *mirror.rglob("alliance_v4.1_by_member.csv")]
    assert len(paths) == 2
    readers = (read_any_atop, read_cow_alliances)
    for path, read in zip(paths, readers, strict=True):
        content = path.read_bytes()
        for seed in cases(20):
            found = outcome(read, damaged_bytes(content, seed), NAME)
            if isinstance(found, AllianceVersion):
                assert_sound(found)
