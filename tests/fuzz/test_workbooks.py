"""Damaged workbooks give a correct edition or the project's own error."""

import io
import math
import re
import zipfile
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import MilexError, ReadError
from pipelines.readers.sipri import STATUSES, SipriEdition, read_sipri
from tests.fuzz.damage import (
    TIMES,
    TOKENS,
    cases,
    damaged_bytes,
    damaged_workbook,
    edition,
    outcome,
    packed,
    unpacked,
)
from tests.readers.make_workbook import YEARS

NAME = "SIPRI.xlsx"
TABLES = ("figures", "notes", "regional_totals", "footnotes")
NOT_READ = ("docProps/app.xml", "docProps/core.xml", "xl/worksheets/sheet1.xml")
CONSTANT = "xl/worksheets/sheet5.xml"
MARKERS = {
    "": "unavailable",
    "..": "unavailable",
    "...": "unavailable",
    "…": "unavailable",
    "xxx": "not_independent",
}


@lru_cache(maxsize=1)
def undamaged() -> SipriEdition:
    found = outcome(read_sipri, edition(), NAME)
    assert isinstance(found, SipriEdition)
    return found


def assert_equal(found: SipriEdition, expected: SipriEdition) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(found, table), getattr(expected, table))
    assert found.base_year == expected.base_year


def assert_sound(found: SipriEdition) -> None:
    """What every edition must be, whatever its figures."""
    for table in TABLES:
        frame, expected = getattr(found, table), getattr(undamaged(), table)
        assert frame.columns.tolist() == expected.columns.tolist()
        categorical = expected.dtypes == "category"
        assert ((frame.dtypes == "category") == categorical).all()
        assert frame.dtypes[~categorical].equals(expected.dtypes[~categorical])
    for frame, key, values in (
        (found.figures, ["measure", "country", "year"], "value"),
        (found.regional_totals, ["region", "year", "prices"], "value_bn"),
    ):
        assert not frame.duplicated(key).any()
        assert frame["year"].between(1940, 2100).all()
        assert not np.isinf(frame[values]).any()
        has_figure = frame["status"].isin(STATUSES[:3])
        assert (has_figure == frame[values].notna()).all()
    assert found.figures["country"].str.strip().ne("").all()
    assert found.first_year <= found.last_year == found.edition


def test_a_damaged_file_gives_the_undamaged_edition_or_an_error() -> None:
    """The zip's own checksums protect what the parts say."""
    directory = edition().rindex(b"PK\x03\x04")
    for seed in cases(1200):
        sound = directory if seed % 2 else 0  # every other time the zip's own directory is hit
        damaged = edition()[:sound] + damaged_bytes(edition()[sound:], seed)
        found = outcome(read_sipri, damaged, NAME)
        if isinstance(found, SipriEdition):
            assert_equal(found, undamaged())


def test_a_damaged_part_gives_a_sound_edition_or_an_error() -> None:
    outcomes = [outcome(read_sipri, damaged_workbook(edition(), s), NAME) for s in cases(450)]
    editions = [found for found in outcomes if isinstance(found, SipriEdition)]
    for found in editions:
        assert_sound(found)
    assert 0.2 < len(editions) / len(outcomes) < 0.8, "the damage is too small or too great"


def test_damage_to_what_is_not_read_changes_nothing() -> None:
    parts = unpacked(edition())
    for seed in cases(60):
        name = NOT_READ[seed % len(NOT_READ)]
        damaged = parts | {name: damaged_bytes(parts[name], seed, TOKENS)}
        found = outcome(read_sipri, packed(damaged), NAME)
        if isinstance(found, MilexError):
            assert "refused as unsafe" in str(found)
        else:
            assert_equal(found, undamaged())


def with_figure(xml: str) -> bytes:
    """The edition with this cell for Algeria's constant-price figure of 2017."""
    parts = unpacked(edition())
    before, cell, after = parts[CONSTANT].partition(b'<c r="F10" t="n">')
    assert cell
    rest = after.partition(b"</c>")[2]
    return packed(parts | {CONSTANT: before + xml.encode() + rest})


def figure_read(xml: str) -> tuple[float, str] | MilexError:
    found = outcome(read_sipri, with_figure(xml), NAME)
    if isinstance(found, MilexError):
        return found
    figures = found.figures
    chosen = figures[
        (figures["measure"] == "constant_usd")
        & (figures["country"] == "Algeria")
        & (figures["year"] == 2017)
    ]
    return chosen["value"].item(), chosen["status"].item()


@settings(max_examples=round(60 * TIMES), deadline=None, derandomize=True, database=None)
@given(st.floats() | st.integers() | st.sampled_from([-0.0, 10**400, 2**63, 5e-324]))
def test_a_number_is_read_as_it_stands_and_no_number_is_refused(number: float) -> None:
    found = figure_read(f'<c r="F10"><v>{number!r}</v></c>')
    if isinstance(found, MilexError):
        assert "F10" in str(found)
        assert not math.isfinite(float(repr(number)))
    else:
        assert found == (float(repr(number)), "reported")


@settings(max_examples=round(60 * TIMES), deadline=None, derandomize=True, database=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), max_size=20)
    | st.sampled_from([*MARKERS, "xx x", "#N/A", "#WHAT!", "x" * 40_000, "=1+1", "12,5", "7"])
)
def test_a_text_is_a_marker_or_refused(text: str) -> None:
    found = figure_read(f'<c r="F10" t="inlineStr"><is><t>{escape(text)}</t></is></c>')
    status = MARKERS.get("".join(text.split()).casefold())
    if isinstance(found, MilexError):
        assert status is None
        assert "F10" in str(found) or "characters" in str(found)
    else:
        assert math.isnan(found[0])
        assert found[1] == (status or "unavailable")
        assert status is not None or text.startswith("#")


@pytest.mark.parametrize(
    "xml",
    [
        '<c r="F10" t="b"><v>1</v></c>',
        '<c r="F10" s="1" t="d"><v>2020-01-01</v></c>',
        '<c r="F10"><f>1+1</f></c>',
    ],
)
def test_truth_values_dates_and_uncalculated_formulas_are_refused(xml: str) -> None:
    found = figure_read(xml)
    assert isinstance(found, ReadError)
    assert "F10" in str(found)


def with_header(years: list[object]) -> bytes:
    """The edition with these year headers in its constant-price sheet."""
    parts = unpacked(edition())
    xml = parts[CONSTANT]
    for column, (old, new) in enumerate(zip(YEARS, years, strict=True)):
        cell = f'<c r="{"DEFGHIJ"[column]}6" t="n"><v>{old}</v></c>'.encode()
        assert cell in xml
        put = "" if new is None else f'<c r="{"DEFGHIJ"[column]}6"><v>{new}</v></c>'
        xml = xml.replace(cell, put.encode())
    return packed(parts | {CONSTANT: xml})


@pytest.mark.parametrize(
    ("years", "says"),
    [
        ([2016, 2015, *YEARS[2:]], "do not ascend at 2015"),
        ([2015, 2015, *YEARS[2:]], "do not ascend at 2015"),
        (YEARS[::-1], "do not ascend"),
        ([None] * 7, "no header row"),
        ([2015, None, *YEARS[2:4], None, *YEARS[5:]], "no header row"),
        ([year + 0.5 for year in YEARS], "no header row"),
        (["NaN"] * 7, "no header row"),
        (["1e999"] * 7, "no header row"),
        ([-year for year in YEARS], "no header row"),
    ],
)
def test_swapped_doubled_and_missing_years_are_refused(years: list[object], says: str) -> None:
    found = outcome(read_sipri, with_header(years), NAME)
    assert isinstance(found, ReadError)
    assert says in str(found)
    assert "Constant" in str(found)


def test_other_formats_under_the_name_of_a_workbook_are_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    for content in (
        b"",
        b"PK",
        b"PK\x05\x06" + bytes(18),
        b"\xd0\xcf\x11\xe0" * 200,
        b"%PDF-1.7",
        b"\x1f\x8b\x08" + bytes(100),
        "Country;2020\n".encode("utf-16"),
        b"<html>",
        bytes(5_000),
        other.getvalue(),
    ):
        found = outcome(read_sipri, content, NAME)
        assert isinstance(found, ReadError)
        assert "expected an .xlsx workbook" in str(found)


def test_a_part_without_a_name_is_refused() -> None:
    found = outcome(read_sipri, packed({"ab": b""}).replace(b"ab", b"\0b"), NAME)
    assert isinstance(found, ReadError)
    assert "damaged or incomplete" in str(found)


def test_names_that_climb_out_of_the_archive_write_no_file(tmp_path: Path) -> None:
    parts = unpacked(edition()) | {"../climbed.xml": b"<a/>", "/climbed.xml": b"<a/>"}
    path = tmp_path / "folder" / NAME
    path.parent.mkdir()
    path.write_bytes(packed(parts))
    assert_equal(read_sipri(path), undamaged())
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_a_country_beyond_the_last_row_that_can_be_numbered_is_refused() -> None:
    parts = unpacked(edition())
    row = b'<row r="40000"><c r="A40000" t="str"><v>Laos</v></c><c r="D40000"><v>1</v></c></row>'
    xml = parts[CONSTANT].replace(b"</sheetData>", row + b"</sheetData>")
    found = outcome(read_sipri, packed(parts | {CONSTANT: xml}), NAME)
    assert isinstance(found, ReadError)
    assert "40000" in str(found)


@pytest.mark.parametrize("kind", ["styles", "sharedStrings", "theme"])
def test_a_table_that_is_listed_and_not_there_is_refused(kind: str) -> None:
    """Without its styles an edition would lose which figures are estimates."""
    parts = {name: part for name, part in unpacked(edition()).items() if kind not in name}
    assert len(parts) < len(unpacked(edition()))
    found = outcome(read_sipri, packed(parts), NAME)
    assert isinstance(found, ReadError)
    assert "listed but not in the file" in str(found)


def test_parts_and_names_in_other_letters_are_the_same_parts() -> None:
    parts = {name.upper(): part for name, part in unpacked(edition()).items()}
    found = outcome(read_sipri, packed(parts), NAME)
    assert isinstance(found, SipriEdition)
    assert_equal(found, undamaged())


def test_prefixed_elements_read_the_same() -> None:
    parts = unpacked(edition())
    for name in parts:
        if "worksheets/" in name:
            xml = re.sub(rb"<(/?)(\w)", rb"<\1x-1:\2", parts[name])
            parts[name] = xml.replace(b"xmlns=", b"xmlns:x-1=")
    found = outcome(read_sipri, packed(parts), NAME)
    assert isinstance(found, SipriEdition)
    assert_equal(found, undamaged())


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="xfd1048576"><v>1</v></c>',
        '<c r="ZZZZZZ1"><v>1</v></c>',
        '<c r="A0"><v>1</v></c>',
        '<a-b:c xmlns:a-b="b" r="XFD1048576"><v>1</v></a-b:c>',
        '<c z="1" r="XFD1048576"><v>1</v></c>',
        '<c r="&#88;FD1048576"><v>1</v></c>',
        '</row><row r="1048576"><c><v>1</v></c><c r="XFD1"><v>1</v></c>',
        '</row><row r="4294967299"><c><v>1</v></c>',
    ],
)
def test_no_way_to_write_a_place_hides_a_vast_grid(cell: str) -> None:
    found = outcome(read_sipri, with_figure(cell), NAME)
    assert isinstance(found, ReadError)
    assert "reaches to" in str(found) or "is no place in a sheet" in str(found)


def test_two_sheets_of_one_name_are_refused() -> None:
    parts = unpacked(edition())
    name = b'name="Front page"'
    assert name in parts["xl/workbook.xml"]
    book = parts["xl/workbook.xml"].replace(name, b'name="Footnotes"')
    found = outcome(read_sipri, packed(parts | {"xl/workbook.xml": book}), NAME)
    assert isinstance(found, ReadError)
    assert "'Footnotes'" in str(found)


@pytest.mark.mirror
def test_a_damaged_edition_gives_the_undamaged_one_or_an_error(mirror: Path) -> None:
    """Bits flipped in the file itself, and parts damaged and packed anew."""
    path = next(mirror.rglob("SIPRI-Milex-data-1949-2022.xlsx"))
    content = path.read_bytes()
    expected = read_sipri(path)
    for seed in cases(40):
        found = outcome(read_sipri, damaged_bytes(content, seed), NAME)
        if isinstance(found, SipriEdition):
            assert_equal(found, expected)
    for seed in cases(8):
        found = outcome(read_sipri, damaged_workbook(content, seed), NAME)
        if isinstance(found, SipriEdition):
            assert_sound(found)
