import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.workbook import Workbook

from pipelines.errors import ReadError
from pipelines.readers.sipri import MEASURES, STATUSES, SipriEdition, read_sipri
from pipelines.readers.workbook import BLUE as BLUE_HUE
from pipelines.readers.workbook import RED as RED_HUE
from pipelines.readers.workbook import Workbook as OurWorkbook
from pipelines.readers.workbook import coordinate
from tests.readers.make_workbook import (
    BLUE,
    COUNTRIES,
    COUNTRY_SHEETS,
    RED,
    REGIONS,
    YEARS,
    colour,
    find,
    make_book,
    rewrite,
    rowwise_dimensions,
    save,
    value,
)

CURRENT, CONSTANT = "Current US$", "Constant (2020) US$"


@pytest.fixture
def book() -> Workbook:
    return make_book()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "any name.xlsx"


def figure(edition: SipriEdition, measure: str, country: str, year: int) -> pd.Series:
    of = edition.figures
    rows = of[(of.measure == measure) & (of.country == country) & (of.year == year)]
    assert len(rows) == 1
    return rows.iloc[0]


def note(edition: SipriEdition, measure: str, country: str) -> pd.Series:
    of = edition.notes
    rows = of[(of.measure == measure) & (of.country == country)]
    assert len(rows) == 1
    return rows.iloc[0]


def refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_sipri(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the whole -------------------------------------------------------------------------------


def test_an_edition(book: Workbook, path: Path) -> None:
    edition = read_sipri(save(book, path))
    assert (edition.edition, edition.base_year) == (2021, 2020)
    assert (edition.first_year, edition.last_year) == (2015, 2021)
    figures = edition.figures
    assert len(figures) == len(MEASURES) * len(COUNTRIES) * len(YEARS)
    assert not figures.duplicated(["measure", "country", "year"]).any()
    for number, measure in enumerate(MEASURES):
        for country in COUNTRIES:
            for year in YEARS:
                row = figure(edition, measure, country, year)
                if country == "Korea, North":
                    assert np.isnan(row.value)
                    assert row.status == "unavailable"
                else:
                    assert row.value == value(number, country, year)
                    assert row.status == "reported"


def test_columns_and_types(book: Workbook, path: Path) -> None:
    edition = read_sipri(save(book, path))
    assert " ".join(edition.figures) == (
        "edition measure country region_heading subregion_heading year value unit status "
        "sheet_row sheet_column"
    )
    assert " ".join(edition.notes) == (
        "edition measure country marks notes fiscal_year currency reporting_year sheet_row"
    )
    assert " ".join(edition.regional_totals) == (
        "edition region year prices value_bn status omitted sheet_row sheet_column"
    )
    assert list(edition.footnotes) == ["edition", "mark", "text"]
    assert tuple(edition.figures.status.cat.categories) == STATUSES
    assert edition.figures.value.dtype == np.float64


def test_coordinates_lead_back_to_the_cells(book: Workbook, path: Path) -> None:
    edition = read_sipri(save(book, path))
    row = figure(edition, "constant_usd", "China", 2018)
    at = coordinate(row.sheet_row - 1, row.sheet_column - 1)
    assert find(book[CONSTANT], "China", 2018).coordinate == at


def test_units(book: Workbook, path: Path) -> None:
    edition = read_sipri(save(book, path))
    units = {m: figure(edition, m, "Brazil", 2015).unit for m in MEASURES}
    assert units == {
        "local_currency_financial": "Brazil dinars",
        "local_currency": "Brazil dinars",
        "constant_usd": "US$ m., constant 2020 prices",
        "current_usd": "US$ m., current prices",
        "share_of_gdp": "fraction of GDP",
        "per_capita_usd": "US$ per head",
        "share_of_government_spending": "fraction of government spending",
    }


def test_a_blank_currency_is_taken_from_the_other_sheet_or_said_to_be_unnamed(
    book: Workbook, path: Path
) -> None:
    financial, calendar = (
        book[f"Local currency {kind} years"] for kind in ("financial", "calendar")
    )
    find(financial, "Brazil", "Currency").value = "..."
    find(financial, "China", "Currency").value = None
    find(calendar, "China", "Currency").value = " "
    edition = read_sipri(save(book, path))
    assert figure(edition, "local_currency_financial", "Brazil", 2015).unit == "Brazil dinars"
    for measure in ("local_currency", "local_currency_financial"):
        assert figure(edition, measure, "China", 2015).unit == "unnamed local currency"
        assert figure(edition, measure, "Iran", 2015).unit == "Iran dinars"


def test_regional_totals(book: Workbook, path: Path) -> None:
    colour(book["Regional totals"]["B15"], rgb=RED)
    book["Regional totals"]["C15"] = "..."
    totals = read_sipri(save(book, path)).regional_totals
    assert list(totals.region.unique()) == REGIONS
    assert len(totals) == len(REGIONS) * (len(YEARS) + 1)
    asia = totals[totals.region == "Asia & Oceania"]
    assert asia.value_bn.tolist() == [300.5 + j for j in range(8)]
    assert asia.year.tolist() == [*YEARS, 2021]
    assert asia.prices.tolist() == ["constant"] * 7 + ["current"]
    assert set(asia.omitted) == {"Korea, North, Laos"}
    assert set(totals[totals.region == "World"].omitted) == {""}
    assert totals.status.tolist()[:3] == ["estimate", "unavailable", "reported"]


def test_regional_totals_without_current_prices_as_in_2020(book: Workbook, path: Path) -> None:
    sheet = book["Regional totals"]
    for row in range(14, 15 + len(REGIONS)):
        sheet.cell(row, 9).value = None
    totals = read_sipri(save(book, path)).regional_totals
    assert set(totals.prices) == {"constant"}
    assert len(totals) == len(REGIONS) * len(YEARS)


# --- statuses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        (". .", "unavailable"),
        (". . ", "unavailable"),
        ("..", "unavailable"),
        ("...", "unavailable"),
        ("…", "unavailable"),
        ("  ", "unavailable"),
        (None, "unavailable"),
        ("#VALUE!", "unavailable"),
        ("xxx", "not_independent"),
        ("xxx ", "not_independent"),
    ],
)
def test_markers(book: Workbook, path: Path, cell: str | None, status: str) -> None:
    find(book[CURRENT], "China", 2018).value = cell
    colour(find(book[CURRENT], "China", 2018), rgb=BLUE)
    row = figure(read_sipri(save(book, path)), "current_usd", "China", 2018)
    assert np.isnan(row.value)
    assert row.status == status


@pytest.mark.parametrize(
    ("shade", "status"),
    [
        ({"rgb": BLUE}, "estimate"),
        ({"rgb": "FF2738E1"}, "estimate"),
        ({"indexed": 12}, "estimate"),
        ({"rgb": RED}, "uncertain"),
        ({"indexed": 10}, "uncertain"),
        ({"rgb": "FF000000"}, "reported"),
        ({"theme": 1}, "reported"),
    ],
)
def test_colours(book: Workbook, path: Path, shade: dict[str, object], status: str) -> None:
    colour(find(book[CURRENT], "China", 2018), **shade)
    edition = read_sipri(save(book, path))
    row = figure(edition, "current_usd", "China", 2018)
    assert row.status == status
    assert row.value == value(3, "China", 2018)
    assert figure(edition, "current_usd", "China", 2017).status == "reported"


def test_zeros_are_kept(book: Workbook, path: Path) -> None:
    find(book[CURRENT], "China", 2018).value = 0
    row = figure(read_sipri(save(book, path)), "current_usd", "China", 2018)
    assert (row.value, row.status) == (0, "reported")


# --- layout ----------------------------------------------------------------------------------


def test_headings(book: Workbook, path: Path) -> None:
    edition = read_sipri(save(book, path))
    row = figure(edition, "current_usd", "China", 2018)
    assert (row.region_heading, row.subregion_heading) == ("Asia & Oceania", "East Asia")
    row = figure(edition, "current_usd", "Iran", 2018)
    assert (row.region_heading, row.subregion_heading) == ("Middle East", "")


def test_a_heading_that_lost_its_text(book: Workbook, path: Path) -> None:
    """South America in Current USD, edition 2017: none is better than North America."""
    sheet = book[CURRENT]
    next(cell for cell in sheet["A"] if cell.value == "South America").value = None
    row = figure(read_sipri(save(book, path)), "current_usd", "Brazil", 2018)
    assert (row.region_heading, row.subregion_heading) == ("Americas", "")


def test_headings_with_markers_are_no_countries(book: Workbook, path: Path) -> None:
    for year in YEARS:
        find(book[CURRENT], "East Asia", year).value = "..."
    find(book[CURRENT], "East Asia", "Notes").value = "..."
    edition = read_sipri(save(book, path))
    assert sorted(set(edition.figures.country)) == sorted(COUNTRIES)


@pytest.mark.parametrize(
    "label",
    [
        "Asia and Oceania",
        "South-East Asia",
        "SOUTH EAST ASIA",
        "Sub-Saharan",
        "sub-Saharan Africa",
        "Central America & the Caribbean",
        "Central & South Asia",
        "Central and Western Europe",
        "World",
        "Middle East (excluding Iraq)",
    ],
)
def test_every_spelling_of_a_heading(book: Workbook, path: Path, label: str) -> None:
    cell = find(book[CURRENT], "East Asia", YEARS[0])
    cell.value = "..."
    book[CURRENT].cell(cell.row, 1).value = label
    assert sorted(set(read_sipri(save(book, path)).figures.country)) == sorted(COUNTRIES)


def test_text_below_the_last_country(book: Workbook, path: Path) -> None:
    sheet = book[CURRENT]
    row = sheet.max_row + 2
    sheet.cell(row, 1).value = "Numbered footnotes can be found on the Footnotes worksheet."
    sheet.cell(row + 1, 1).value = "§ Figures for these countries are for the adopted budget"
    sheet.cell(row + 1, 5).value = " "
    assert sorted(set(read_sipri(save(book, path)).figures.country)) == sorted(COUNTRIES)


def test_strays_beyond_the_last_column_and_a_trailing_current_column(
    book: Workbook, path: Path
) -> None:
    """Constant in editions to 2020: '2021 Current', and in 2017 integers beyond it."""
    sheet = book[CONSTANT]
    sheet.cell(6, 11).value = "2021 Current"
    for row in range(8, 30):
        sheet.cell(row, 11).value = 77
        sheet.cell(row, 14).value = row
    edition = read_sipri(save(book, path))
    constant = edition.figures[edition.figures.measure == "constant_usd"]
    assert sorted(set(constant.year)) == YEARS
    assert 77 not in set(constant.value)
    assert (edition.edition, edition.last_year) == (2021, 2021)


def test_float_and_text_year_headers_and_padded_labels(book: Workbook, path: Path) -> None:
    sheet = book[CURRENT]
    sheet.cell(6, 1).value = " COUNTRY      "
    for column in range(3, 3 + len(YEARS)):
        sheet.cell(6, column).value = float(sheet.cell(6, column).value)
    sheet.cell(6, 3).value = "2015"
    assert figure(read_sipri(save(book, path)), "current_usd", "China", 2015).value > 0


def test_names_are_stripped_and_kept_as_printed(book: Workbook, path: Path) -> None:
    for name in COUNTRY_SHEETS:
        cell = find(book[name], "Iran", "Country")
        cell.value = "Congo,  Republic of "
        find(book[name], "Brazil", "Country").value = "European Union"
        find(book[name], "Algeria", "Country").value = "USSR/Russia"
    countries = set(read_sipri(save(book, path)).figures.country)
    assert countries == {
        "Congo, Republic of",
        "European Union",
        "USSR/Russia",
        "Canada",
        "China",
        "Korea, North",
    }


def test_a_country_blank_in_one_sheet_is_still_one(book: Workbook, path: Path) -> None:
    for year in YEARS:
        find(book["Per capita"], "China", year).value = None
    edition = read_sipri(save(book, path))
    assert figure(edition, "per_capita_usd", "China", 2018).status == "unavailable"
    assert figure(edition, "per_capita_usd", "Korea, North", 2018).subregion_heading == "East Asia"


def test_years_without_figures_at_the_end_are_not_the_edition(path: Path) -> None:
    book = make_book(years=list(range(2015, 2024)))
    for name in COUNTRY_SHEETS:
        for country in COUNTRIES:
            for year in (2022, 2023):
                find(book[name], country, year).value = "..." if year == 2022 else None
    edition = read_sipri(save(book, path))
    assert (edition.edition, edition.last_year) == (2021, 2021)
    assert edition.figures.year.max() == 2023


def test_an_extra_first_year_as_in_2023(book: Workbook, path: Path) -> None:
    sheet = book["Per capita"]
    sheet.delete_cols(3)
    edition = read_sipri(save(book, path))
    assert edition.first_year == 2015
    of = edition.figures
    assert of[of.measure == "per_capita_usd"].year.min() == 2016


def test_the_layout_of_2015(path: Path) -> None:
    """Regional totals' header in row 9, and Notes directly in Constant's column B."""
    book = make_book()
    book["Regional totals"].delete_rows(3, 5)
    assert book["Regional totals"]["A9"].value == "Region"
    book[CONSTANT].delete_cols(2)
    assert book[CONSTANT]["B6"].value == "Notes"
    book[CONSTANT]["J6"] = "2021 Current"
    book[CONSTANT]["B10"] = "‡ 2"
    book[CONSTANT].title = "Constant (2020) USD"
    book[CURRENT].title = "Current USD"
    edition = read_sipri(save(book, path))
    assert len(edition.figures) == len(MEASURES) * len(COUNTRIES) * len(YEARS)
    assert note(edition, "constant_usd", "Algeria").notes == "text of ‡ text of 2"
    assert len(edition.regional_totals) == len(REGIONS) * (len(YEARS) + 1)


@pytest.mark.parametrize("header_row", [4, 7, 8, 12])
def test_header_rows_are_found(path: Path, header_row: int) -> None:
    edition = read_sipri(save(make_book(header_row=header_row), path))
    assert len(edition.figures) == len(MEASURES) * len(COUNTRIES) * len(YEARS)


# --- sheets ----------------------------------------------------------------------------------


def test_names_of_sheets_in_any_case_and_spacing(book: Workbook, path: Path) -> None:
    for old, new in {
        CONSTANT: "CONSTANT (2020)  USD",
        CURRENT: " current  usd ",
        "Share of Govt. spending": "Share of government spending",
        "Local currency financial years": "local currency FINANCIAL",
        "Footnotes": "Foot notes",
    }.items():
        book[old].title = new
    assert read_sipri(save(book, path)).base_year == 2020


@pytest.mark.parametrize("name", ["Regional totals", *COUNTRY_SHEETS, "Footnotes"])
def test_a_renamed_sheet_is_recognised_by_its_title(
    book: Workbook, path: Path, name: str, tmp_path: Path
) -> None:
    expected = read_sipri(save(book, tmp_path / "before.xlsx"))
    book[name].title = "Blatt 1"
    edition = read_sipri(save(book, path))
    pd.testing.assert_frame_equal(edition.figures, expected.figures)
    pd.testing.assert_frame_equal(edition.regional_totals, expected.regional_totals)
    assert edition.base_year == 2020


def test_all_sheets_renamed(book: Workbook, path: Path) -> None:
    for number, sheet in enumerate(book.worksheets):
        sheet.title = f"Blatt {number}"
    save(book, path)
    assert read_sipri(path).edition == 2021


@pytest.mark.parametrize("name", ["Regional totals", *COUNTRY_SHEETS, "Footnotes"])
def test_a_missing_sheet(book: Workbook, path: Path, name: str) -> None:
    del book[name]
    message = refusal(save(book, path))
    assert f"no sheet '{name.replace('2020', 'YYYY')}'" in message
    assert "looked for" in message


def test_a_sheet_renamed_beyond_recognition(book: Workbook, path: Path) -> None:
    sheet = book["Per capita"]
    sheet.title = "Blatt 1"
    sheet["A1"] = "Pro Kopf"
    message = refusal(save(book, path))
    assert "no sheet 'Per capita'" in message
    assert "'Blatt 1'" in message


def test_two_sheets_of_one_name(book: Workbook, path: Path) -> None:
    book.copy_worksheet(book[CURRENT]).title = "Current US$ (2)"
    assert "'Current US$', 'Current US$ (2)'" in refusal(save(book, path))


@pytest.mark.parametrize("name", ["Regional totals", *COUNTRY_SHEETS])
def test_a_sheet_without_a_header(book: Workbook, path: Path, name: str) -> None:
    book[name].delete_rows(14 if name == "Regional totals" else 6)
    message = refusal(save(book, path))
    assert f"sheet '{name}': no header row" in message
    assert "Country or Region" in message


def test_a_header_with_too_few_years(path: Path) -> None:
    assert "no header row" in refusal(save(make_book(years=[2018, 2019, 2020, 2021]), path))


def test_year_headers_out_of_order(book: Workbook, path: Path) -> None:
    book[CURRENT]["E6"] = 2016
    assert "do not ascend at 2016" in refusal(save(book, path))


@pytest.mark.parametrize("header", [None, "2020*", "prel."])
def test_year_headers_that_are_interrupted(book: Workbook, path: Path, header: str | None) -> None:
    """Else the later years would be lost, and the file taken for an earlier edition."""
    for name in COUNTRY_SHEETS:
        find(book[name], "Country", 2020).value = header
    further = header if header == "2020*" else "2021"
    assert f"end with 2019, but further on stands {further} (" in refusal(save(book, path))


def test_a_last_year_with_a_sign_is_not_lost(book: Workbook, path: Path) -> None:
    find(book[CURRENT], "Country", 2021).value = "2021 (est.)"
    said = refusal(save(book, path))
    assert "end with 2020, but further on stands 2021 (est.) (I6)" in said
    assert CURRENT in said


def test_a_column_in_current_prices_may_be_of_a_later_year(book: Workbook, path: Path) -> None:
    find(book["Regional totals"], "Region", "2021 (current prices)").value = "2022 (current prices)"
    totals = read_sipri(save(book, path)).regional_totals
    assert set(totals[totals.prices == "current"].year) == {2022}


def test_no_base_year(book: Workbook, path: Path) -> None:
    book[CONSTANT]["A1"] = "Military expenditure"
    book[CONSTANT].title = "Constant USD"
    assert "no base year" in refusal(save(book, path))


def test_no_figures_at_all(book: Workbook, path: Path) -> None:
    for name in COUNTRY_SHEETS:
        for country in COUNTRIES:
            for year in YEARS:
                find(book[name], country, year).value = "..."
    assert "no country sheet holds any figure" in refusal(save(book, path))


def test_no_country(book: Workbook, path: Path) -> None:
    book[CURRENT].delete_rows(7, 50)
    assert "no country below the header in row 6" in refusal(save(book, path))


# --- copies edited by hand -------------------------------------------------------------------


def test_text_in_figure_cells(book: Workbook, path: Path) -> None:
    find(book[CURRENT], "China", 2018).value = "see\nnote"
    find(book["Per capita"], "Iran", 2021).value = "1 234,5"
    book["Regional totals"]["C16"] = "n.a."
    message = refusal(save(book, path))
    assert message.count(" = ") == 3
    assert "3 figure cells" in message
    where = find(book[CURRENT], "China", 2018).coordinate
    assert f"{CURRENT}!{where} = see note" in message
    assert "Regional totals!C16 = n.a." in message


def test_at_most_twenty_cells_are_listed(book: Workbook, path: Path) -> None:
    for country in COUNTRIES:
        for year in YEARS:
            find(book[CURRENT], country, year).value = "?"
    message = refusal(save(book, path))
    assert message.count(" = ?") == 20
    assert "42 figure cells" in message
    assert "and 22 more" in message


@pytest.mark.parametrize("number", [b"NaN", b"inf", b"1e999"])
def test_numbers_that_are_none(book: Workbook, path: Path, number: bytes) -> None:
    cell = find(book[CURRENT], "China", 2018)
    cell.value = 123456789
    where = f"{CURRENT}!{cell.coordinate} = "

    def replace(name: str, content: bytes) -> bytes:
        return content.replace(b"123456789", number)

    assert where in refusal(rewrite(save(book, path), replace))


def test_truth_values_and_dates_are_no_figures(book: Workbook, path: Path) -> None:
    find(book[CURRENT], "China", 2018).value = True
    find(book[CURRENT], "China", 2019).value = pd.Timestamp("2019-01-01").to_pydatetime()
    assert "2 figure cells" in refusal(save(book, path))


def test_a_formula_without_its_value(book: Workbook, path: Path) -> None:
    find(book[CURRENT], "China", 2018).value = "=1+1"
    assert "a formula without its value" in refusal(save(book, path))


def test_a_country_that_stands_twice(book: Workbook, path: Path) -> None:
    row = find(book[CURRENT], "China", "Country").row
    book[CURRENT].cell(row, 1).value = "brazil "
    message = refusal(save(book, path))
    assert f"stands twice, in rows {find(book[CURRENT], 'Brazil', 'Country').row} and {row}" in (
        message
    )


def test_figures_without_a_name(book: Workbook, path: Path) -> None:
    row = find(book[CURRENT], "China", "Country").row
    book[CURRENT].cell(row, 1).value = None
    assert f"row {row} has figures but no name" in refusal(save(book, path))


# --- notes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "marks", "notes"),
    [
        (None, "", ""),
        ("...", "", ""),
        (1, "1", "text of 1"),
        (2.0, "2", "text of 2"),
        ("‡ ¶ 2", "‡ ¶ 2", "text of ‡ text of ¶ text of 2"),
        ("‡§¶16", "‡ § ¶ 16", "text of ‡ text of § text of ¶ text of 16"),
        ("§4", "§ 4", "text of §"),
        ("1, 2", "1 2", "text of 1 text of 2"),
        ("|| 1", "‖ 1", "text of ‖ text of 1"),
        ("† ", "†", "text of †"),
        ("99", "99", ""),
    ],
)
def test_notes(book: Workbook, path: Path, cell: object, marks: str, notes: str) -> None:
    find(book[CURRENT], "China", "Notes").value = cell
    row = note(read_sipri(save(book, path)), "current_usd", "China")
    assert (row.marks, row.notes) == (marks, notes)


def test_footnote_texts_in_column_c_as_from_2022(book: Workbook, path: Path) -> None:
    sheet = book["Footnotes"]
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, 3).value, sheet.cell(row, 2).value = sheet.cell(row, 2).value, None
    edition = read_sipri(save(book, path))
    assert edition.footnotes.mark.tolist() == ["†", "‡", "§", "¶", "‖", "1", "2", "16"]
    assert edition.footnotes.text.tolist()[-1] == "text of 16"


def test_a_truncated_footnotes_sheet_as_in_2023(book: Workbook, path: Path) -> None:
    book["Footnotes"].delete_rows(2, 50)
    find(book[CURRENT], "China", "Notes").value = "†1"
    edition = read_sipri(save(book, path))
    assert edition.footnotes.empty
    assert note(edition, "current_usd", "China").marks == "† 1"
    assert note(edition, "current_usd", "China").notes == ""


def test_fiscal_and_reporting_years_and_currency(book: Workbook, path: Path) -> None:
    financial = book["Local currency financial years"]
    find(financial, "China", "Fiscal Year (Jan-Dec if not stated)").value = "April-March "
    find(book["Share of Govt. spending"], "China", "Reporting year").value = "July-June"
    edition = read_sipri(save(book, path))
    row = note(edition, "local_currency_financial", "China")
    assert (row.fiscal_year, row.currency) == ("April-March", "China dinars")
    assert note(edition, "share_of_government_spending", "China").reporting_year == "July-June"
    assert note(edition, "current_usd", "China").currency == ""


# --- what programs make of a copy -------------------------------------------------------------


def test_dimensions_without_columns_give_equal_figures(book: Workbook, tmp_path: Path) -> None:
    colour(find(book[CURRENT], "China", 2018), rgb=BLUE)
    expected = read_sipri(save(book, tmp_path / "before.xlsx"))
    edition = read_sipri(rewrite(save(book, tmp_path / "after.xlsx"), rowwise_dimensions))
    assert_same(edition, expected)


def assert_same(edition: SipriEdition, expected: SipriEdition) -> None:
    for table in ("figures", "notes", "regional_totals", "footnotes"):
        pd.testing.assert_frame_equal(getattr(edition, table), getattr(expected, table))


def libreoffice_copy(path: Path, folder: Path) -> Path:
    soffice = shutil.which("soffice")
    if soffice is None:
        message = "soffice is not on the PATH"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(folder)]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=180)
    return folder / path.name


def test_a_copy_saved_by_libreoffice(book: Workbook, tmp_path: Path) -> None:
    colour(find(book[CURRENT], "China", 2018), rgb=BLUE)
    colour(find(book[CURRENT], "China", 2019), indexed=10)
    colour(book["Regional totals"]["B15"], rgb=RED)
    find(book[CURRENT], "China", "Notes").value = "‡§¶16"
    path = save(book, tmp_path / "edition.xlsx")
    folder = tmp_path / "copy"
    folder.mkdir()
    copy = libreoffice_copy(path, folder)
    assert_same(read_sipri(copy), read_sipri(path))


# --- the publisher's files -------------------------------------------------------------------

FILES = {
    2017: "SIPRI-Milex-data-1949-2017.xlsx",
    2019: "SIPRI-Milex-data-1949-2019.xlsx",
    2020: "SIPRI-Milex-data-1949-2020_0.xlsx",
    2022: "SIPRI-Milex-data-1949-2022.xlsx",
    2023: "SIPRI-Milex-data-1948-2023.xlsx",
    2025: "SIPRI-Milex-data-1949-2025_v1.2.xlsx",
}
SHEET_OF = dict(
    zip(
        MEASURES,
        ["financial", "calendar", "constant", "current", "gdp", "capita", "govt"],
        strict=True,
    )
)
each_edition = pytest.mark.parametrize("year", list(FILES))


@pytest.fixture(scope="module")
def editions(mirror: Path) -> dict[int, SipriEdition]:
    class Editions(dict[int, SipriEdition]):
        def __missing__(self, year: int) -> SipriEdition:
            self[year] = read_sipri(mirror / "sipri" / FILES[year])
            return self[year]

    return Editions()


def expected_cells(path: Path) -> dict[str, dict[tuple[int, int], float]]:
    """Sheet name to the numbers under its year headers, by openpyxl and its own rules.

    The rules differ from the reader's on purpose: the rows with a name in column A, the
    columns by the header's own numbers.
    """
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    cells: dict[str, dict[tuple[int, int], float]] = {}
    for sheet in book.worksheets[1:-1]:
        header: dict[int, object] = {}
        found = cells.setdefault(sheet.title.casefold(), {})
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if not header:
                if row and str(row[0]).strip() in ("Country", "Region"):
                    header = {
                        c: v for c, v in enumerate(row, 1) if re.match(r"(19|20)\d\d", str(v))
                    }
                    if "constant" in sheet.title.casefold():
                        header = {c: v for c, v in header.items() if not isinstance(v, str)}
            elif row and row[0]:
                for column in header:
                    cell = row[column - 1] if column <= len(row) else None
                    if isinstance(cell, (int, float)):
                        found[number, column] = cell
    book.close()
    return cells


def by_cell(table: pd.DataFrame, values: str) -> dict[tuple[int, int], float]:
    kept = table[table[values].notna()]
    keys = zip(kept.sheet_row.tolist(), kept.sheet_column.tolist(), strict=True)
    return dict(zip(keys, kept[values].tolist(), strict=True))


@pytest.mark.mirror
@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@each_edition
def test_every_number_equals_openpyxls(
    mirror: Path, editions: dict[int, SipriEdition], year: int
) -> None:
    edition = editions[year]
    expected = expected_cells(mirror / "sipri" / FILES[year])
    seen = 0
    for measure, word in SHEET_OF.items():
        (cells,) = (cells for name, cells in expected.items() if word in name)
        assert by_cell(edition.figures[edition.figures.measure == measure], "value") == cells
        seen += len(cells)
    assert by_cell(edition.regional_totals, "value_bn") == expected["regional totals"]
    assert seen == edition.figures.value.notna().sum() > 40_000


@pytest.mark.mirror
@each_edition
def test_editions_and_their_shape(editions: dict[int, SipriEdition], year: int) -> None:
    edition = editions[year]
    assert (edition.edition, edition.base_year) == (year, year - 1)
    assert (edition.first_year, edition.last_year) == (1948 if year == 2023 else 1949, year)
    countries = edition.figures.groupby("measure", observed=True).country.nunique()
    assert countries["constant_usd"] == (174 if year >= 2022 else 173)
    assert not edition.figures.duplicated(["measure", "country", "year"]).any()
    assert set(edition.figures.region_heading) == {
        "Africa",
        "Americas",
        "Asia & Oceania",
        "Europe",
        "Middle East",
    }
    assert edition.figures.value.isna().equals(
        edition.figures.status.isin(["unavailable", "not_independent"])
    )
    china = edition.figures[(edition.figures.country.str.startswith("China"))]
    constant = china[(china.measure == "constant_usd") & (china.year == year)]
    assert constant.status.tolist() == ["estimate"]


@pytest.mark.mirror
@each_edition
def test_current_price_totals(editions: dict[int, SipriEdition], year: int) -> None:
    totals = editions[year].regional_totals
    current = totals[totals.prices == "current"]
    assert set(current.year) == (set() if year == 2020 else {year})
    assert (totals.omitted != "").any()


@pytest.mark.mirror
def test_traps_of_single_editions(editions: dict[int, SipriEdition]) -> None:
    figures = editions[2017].figures
    brazil = figures[(figures.country == "Brazil") & (figures.year == 2017)]
    heading = dict(zip(brazil.measure, brazil.subregion_heading, strict=True))
    assert heading.pop("current_usd") == ""
    assert set(heading.values()) == {"South America"}
    joint = figures[figures.country == "USSR/Russia"]
    assert set(joint.measure) == {"per_capita_usd", "share_of_government_spending"}
    assert "European Union" in set(editions[2022].figures.country)
    assert len(editions[2023].footnotes) == 5
    assert len(editions[2025].footnotes) > 100
    asia = editions[2022].regional_totals.query("region == 'Central Asia' and year <= 1989")
    assert asia.value_bn.tolist() == [0, 0]
    for year in (2019, 2020):  # '#VALUE!' is printed there
        cell = figure(editions[year], "share_of_government_spending", "Myanmar", 1997)
        assert np.isnan(cell.value)
        assert (cell.status, coordinate(cell.sheet_row - 1, cell.sheet_column - 1)) == (
            "unavailable",
            "M120",
        )


@pytest.mark.mirror
@pytest.mark.parametrize(("year", "zeros"), [(2017, 0), (2022, 242), (2023, 248), (2025, 33)])
def test_false_zeros_are_kept(editions: dict[int, SipriEdition], year: int, zeros: int) -> None:
    wide = editions[year].figures.pivot(
        index=["country", "year"], columns="measure", values="value"
    )
    assert ((wide.current_usd == 0) & (wide.local_currency > 0)).sum() == zeros


@pytest.mark.mirror
def test_font_hues_equal_openpyxls(mirror: Path) -> None:
    """Every cell of 2017, which has its own palette, theme colours and a second blue."""
    path = mirror / "sipri" / FILES[2017]
    ours = OurWorkbook(path)
    blue = {"rgb FF0000FF", "rgb FF2738E1", "indexed 12"}
    red = {"rgb FFFF0000", "indexed 10"}
    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets[1:-1]:
        theirs: Counter[int] = Counter()
        for row in sheet.iter_rows():
            for cell in row:
                shade = getattr(cell, "font", None) and cell.font.color
                if shade is None or not isinstance(cell.value, (int, float)):
                    continue
                said = f"{shade.type} {shade.value}"
                theirs[BLUE_HUE if said in blue else RED_HUE if said in red else 0] += 1
        grid = ours.sheet(sheet.title)
        mine: Counter[int] = Counter()
        for values, hues in zip(grid.rows, grid.hues.tolist(), strict=True):
            for cell_value, hue in zip(values, hues, strict=True):
                if isinstance(cell_value, (int, float)):
                    mine[hue] += 1
        for hue in (BLUE_HUE, RED_HUE):
            assert mine[hue] == theirs[hue], (sheet.title, hue)
    book.close()


@pytest.mark.mirror
def test_libreoffice_copy_of_an_edition(
    mirror: Path, editions: dict[int, SipriEdition], tmp_path: Path
) -> None:
    copy = libreoffice_copy(mirror / "sipri" / FILES[2017], tmp_path)
    edition = read_sipri(copy)
    columns = ["measure", "country", "year", "value", "status", "sheet_row", "sheet_column"]
    pd.testing.assert_frame_equal(edition.figures[columns], editions[2017].figures[columns])
    pd.testing.assert_frame_equal(edition.regional_totals, editions[2017].regional_totals)
