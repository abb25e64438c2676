"""Every name and code in the publishers' real files, against the countries' table."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from pipelines.countries import (
    REGIONS,
    SPLIT_ROWS,
    country_of_code,
    parse_omitted,
    resolve_codes,
    resolve_names,
    resolve_regions,
    unmapped,
)
from tests import reviewed

pytestmark = pytest.mark.mirror

NOT_DATA = re.compile(r"^[^\w]|^The symbols|^Numbered footnotes")
# 2017's Current USD leaves the heading of South America blank.
BLANK_HEADINGS = {("2017", "Current USD", "North America"): "South America"}


@dataclass(frozen=True)
class Row:
    edition: str
    sheet: str
    name: str
    region: str
    subregion: str


def _rows_below(workbook: CalamineWorkbook, sheet: str, head: str) -> list[list[object]]:
    rows = workbook.get_sheet_by_name(sheet).to_python()
    at = next((i for i, row in enumerate(rows) if str(row[0]).strip() == head), None)
    return [] if at is None else [list(row) for row in rows[at:]]


@pytest.fixture(scope="module")
def workbooks(mirror: Path) -> dict[str, CalamineWorkbook]:
    paths = sorted((mirror / "sipri").glob("*.xlsx"))
    return {
        re.findall(r"-(\d{4})", path.name)[-1]: CalamineWorkbook.from_path(path) for path in paths
    }


def _country_rows(workbooks: dict[str, CalamineWorkbook]) -> Iterator[Row]:
    subregions = {name: region for region, inner in REGIONS.items() for name in inner}
    for edition, workbook in workbooks.items():
        for sheet in workbook.sheet_names:
            region = subregion = ""
            for cells in _rows_below(workbook, sheet, "Country")[1:]:
                name = str(cells[0]).strip()
                heading = resolve_regions([name])[name]
                if heading in REGIONS:
                    region, subregion = heading, heading
                elif heading is not None:
                    region, subregion = subregions[heading], heading
                elif name and not NOT_DATA.match(name):
                    yield Row(edition, sheet, str(cells[0]), region, subregion)


@pytest.fixture(scope="module")
def rows(workbooks: dict[str, CalamineWorkbook]) -> list[Row]:
    return list(_country_rows(workbooks))


def test_every_name_of_every_edition_resolves(rows: list[Row]) -> None:
    assert len({row.edition for row in rows}) == 6
    assert len({(row.edition, row.sheet) for row in rows}) == 42
    assert unmapped(row.name for row in rows) == []


def test_no_sheet_prints_one_country_twice(rows: list[Row]) -> None:
    names = defaultdict(list)
    for row in rows:
        names[row.edition, row.sheet].append(resolve_names([row.name])[row.name])
    assert all(len(set(found)) == len(found) for found in names.values())


def test_canonical_names_are_those_of_the_newest_edition(rows: list[Row]) -> None:
    newest = max(row.edition for row in rows)
    for row in rows:
        canonical = resolve_names([row.name])[row.name]
        if row.edition == newest and canonical is not None:
            assert canonical == row.name.strip()


def test_headings_agree_with_the_table(rows: list[Row]) -> None:
    table = reviewed.countries().set_index("country")
    wrong = set()
    for row in rows:
        country = resolve_names([row.name])[row.name]
        if country is None:
            continue
        at = table.loc[SPLIT_ROWS.get(country, (country,))[0]]
        subregion = row.subregion
        if at["subregion"] == BLANK_HEADINGS.get((row.edition, row.sheet, subregion)):
            subregion = str(at["subregion"])
        if (at["region"], at["subregion"]) != (row.region, subregion):
            wrong.add((row, at["region"], at["subregion"]))
    assert wrong == set()


def test_every_regional_total_resolves_once_an_edition(
    workbooks: dict[str, CalamineWorkbook],
) -> None:
    for edition, workbook in workbooks.items():
        printed = [str(row[0]) for row in _rows_below(workbook, "Regional totals", "Region")[1:]]
        printed = [name for name in printed if name.strip()]
        regions = resolve_regions(printed)
        assert None not in regions.values(), (edition, regions)
        assert len(set(regions.values())) == len(printed), edition
        assert {"World", "Middle East", *REGIONS} <= set(regions.values()), edition


def test_omitted_countries_of_every_edition_parse_completely(
    workbooks: dict[str, CalamineWorkbook], rows: list[Row]
) -> None:
    for edition, workbook in workbooks.items():
        known = {row.name for row in rows if row.edition == edition}
        head, *below = _rows_below(workbook, "Regional totals", "Region")
        column = [str(cell).strip() for cell in head].index("Omitted countries")
        texts = [str(row[column]) for row in below if str(row[column]).strip()]
        assert texts, edition
        for text in texts:
            found, unparsed = parse_omitted(text, known)
            assert unparsed == [], (edition, text)
            assert found, (edition, text)


def test_omitted_lists_whose_names_contain_commas(
    workbooks: dict[str, CalamineWorkbook],
) -> None:
    head, *below = _rows_below(workbooks["2025"], "Regional totals", "Region")
    column = [str(cell).strip() for cell in head].index("Omitted countries")
    omitted = {str(row[0]): parse_omitted(str(row[column]))[0] for row in below if row[0]}
    assert omitted["Asia & Oceania"] == ["Korea, North", "Laos", "Turkmenistan", "Uzbekistan"]
    assert omitted["Middle East"] == ["Syria", "United Arab Emirates", "Yemen, North", "Yemen"]


def _records(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("atop/atop3_0m.csv", "member"),
        ("atop/atop5_1m.csv", "member"),
        ("cow/alliance_v4.1_by_member.csv", "ccode"),
        ("cow/states2016.csv", "ccode"),
        ("cow/COW-country-codes.csv", "CCode"),
    ],
)
def test_every_code_resolves(mirror: Path, file: str, column: str) -> None:
    codes = {int(record[column]) for record in _records(mirror / file)}
    resolved = resolve_codes(codes)
    assert [code for code, country in resolved.items() if country is None] == []


def test_cow_names_resolve_to_the_countries_of_their_codes(mirror: Path) -> None:
    different = {
        int(record["CCode"]): (record["StateNme"], country_of_code(int(record["CCode"])))
        for record in _records(mirror / "cow/COW-country-codes.csv")
        if resolve_names([record["StateNme"]])[record["StateNme"]]
        != country_of_code(int(record["CCode"]))
    }
    assert different == {345: ("Yugoslavia", "Serbia"), 730: ("Korea", "Korea (until 1905)")}


def test_the_codes_that_cow_does_not_list(mirror: Path) -> None:
    old = _records(mirror / "atop/atop3_0m.csv")
    new = _records(mirror / "atop/atop5_1m.csv")
    cow = {record["CCode"] for record in _records(mirror / "cow/COW-country-codes.csv")}
    assert {r["member"] for r in [*old, *new]} - cow == {"348", "8152"}

    def spells(records: list[dict[str, str]], code: str) -> list[tuple[str, ...]]:
        wanted = ("atopid", "yrent", "moent", "dayent", "yrexit")
        return [tuple(r[key] for key in wanted) for r in records if r["member"] == code]

    montenegro = spells(old, "348")
    assert len(montenegro) == 1
    assert montenegro[0] in spells(new, "341")
    partners = {r["member"] for r in [*old, *new] if r["atopid"] == "1320"}
    assert partners == {"220", "8152"}
