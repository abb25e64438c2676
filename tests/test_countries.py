"""The countries' table and the names and codes that it answers for."""

import csv
from collections import Counter
from collections.abc import Callable
from importlib.resources import files

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines import countries
from pipelines.countries import (
    NOT_COUNTRIES,
    REGIONS,
    SPLIT_ROWS,
    SUPER_REGIONS,
    alliance_region,
    country_of_code,
    parse_omitted,
    resolve_codes,
    resolve_names,
    resolve_regions,
    unmapped,
)
from tests import reviewed

CANONICAL = reviewed.countries()["country"].tolist()
SPELLINGS = {
    "Bosnia-Herzegovina": "Bosnia and Herzegovina",
    "Central African Rep.": "Central African Republic",
    "China, P.R.": "China",
    "Congo": "Congo, Republic",
    "Congo, Dem. Rep.": "Congo, DR",
    "Congo, Repubic of": "Congo, Republic",
    "Congo, Republic of ": "Congo, Republic",
    "Czech Rep.": "Czechia",
    "Côte d’Ivoire": "Cote d'Ivoire",
    "Dominican Rep.": "Dominican Republic",
    "Gambia": "Gambia, The",
    "German DR": "German Democratic Republic",
    "Kyrgyzstan": "Kyrgyz Republic",
    "Macedonia, FYR": "North Macedonia",
    "Norh Macedonia": "North Macedonia",
    "North Korea": "Korea, North",
    "Russian Federation": "Russia",
    "Slovak Rep.": "Slovakia",
    "Swaziland": "Eswatini",
    "Timor-Leste": "Timor Leste",
    "Trinidad & Tobago": "Trinidad and Tobago",
    "Turkey": "Türkiye",
    "UAE": "United Arab Emirates",
    "UK": "United Kingdom",
    "USA": "United States of America",
    "Yugoslavia (former)": "Yugoslavia",
    "Yugoslavia ": "Yugoslavia",
    "eSwatini": "Eswatini",
    "f. Yugoslavia": "Yugoslavia",
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return reviewed.countries()


def test_table_has_the_contracts_columns(table: pd.DataFrame) -> None:
    assert table.columns.tolist() == [
        "country",
        "iso3",
        "cow_code",
        "region",
        "subregion",
        "alliance_region",
        "end_year",
        "note",
    ]
    assert table["cow_code"].dtype == "Int64"


@pytest.mark.parametrize("column", ["country", "iso3", "cow_code"])
def test_keys_are_unique(table: pd.DataFrame, column: str) -> None:
    assert not table[column].dropna().duplicated().any()


def test_every_country_has_a_region_and_one_of_its_subregions(table: pd.DataFrame) -> None:
    for row in table.itertuples():
        assert row.subregion in REGIONS[str(row.region)], row.country


def test_only_ended_states_lack_an_iso_code_and_each_says_why(table: pd.DataFrame) -> None:
    assert (table["iso3"].isna() == table["end_year"].notna()).all()
    assert table.loc[table["iso3"].isna(), "note"].notna().all()


def test_no_two_spellings_are_closer_than_their_countries() -> None:
    keys = Counter(countries._key(name) for name in CANONICAL)
    assert set(keys.values()) == {1}


def test_iso_codes_agree_with_the_library(table: pd.DataFrame) -> None:
    text = (files("country_converter") / "country_data.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    library = {row["ISO3"]: row["name_short"] for row in rows if not row["obsolete"]}
    living = table.dropna(subset="iso3")
    assert set(living["iso3"]) <= library.keys()
    resolved = resolve_names(library[iso3] for iso3 in living["iso3"])
    wrong = {
        row.iso3: (row.country, library[str(row.iso3)])
        for row in living.itertuples()
        if resolved[library[str(row.iso3)]] != row.country
    }
    assert wrong == {}


@pytest.mark.parametrize(("printed", "canonical"), SPELLINGS.items())
def test_spellings_of_the_editions(printed: str, canonical: str) -> None:
    assert resolve_names([printed]) == {printed: canonical}


def test_names_of_the_table_do_not_need_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise AssertionError("the library was opened")

    monkeypatch.setattr(countries, "_library", absent)
    countries._resolve.cache_clear()
    assert None not in resolve_names([*CANONICAL, *SPELLINGS]).values()
    assert set(resolve_names(["Africa", "South-East Asia", *NOT_COUNTRIES]).values()) == {None}


@pytest.mark.parametrize(
    ("printed", "canonical"),
    [
        ("Korea (Republic of)", "Korea, South"),
        ("Democratic People's Republic of Korea", "Korea, North"),
        ("Turkiye", "Türkiye"),
        ("Brunei Darussalam", "Brunei"),
        ("Iran (Islamic Republic of)", "Iran"),
        ("Tanzania, United Rep. of", "Tanzania"),
        ("The Netherlands", "Netherlands"),
        ("Lao People's Democratic Republic", "Laos"),
        ("China‡", "China"),
        ("China ¹²", "China"),
        ("Mauri\u00adtania", "Mauritania"),
        ("\ufeffCote d’Ivoire\u200b", "Cote d'Ivoire"),
    ],
)
def test_spellings_of_an_edition_never_seen(printed: str, canonical: str) -> None:
    assert resolve_names([printed]) == {printed: canonical}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "…",
        "Atlantis",
        "Deutschland",
        "Korea",
        "Northern Ireland",
        "Republic",
        "South",
        "World total (including Iraq)",
        "Figures for Sudan exclude South Sudan",
        "Sudan (former)",
        "Hong Kong",
        "North America",
    ],
)
def test_what_is_in_doubt_is_not_guessed(name: str) -> None:
    assert resolve_names([name]) == {name: None}


def test_unmapped_names_are_listed_and_the_european_union_is_known() -> None:
    assert resolve_names(["European Union"]) == {"European Union": None}
    assert unmapped(["European Union ", "France", "Mu", "Atlantis", "Mu"]) == ["Atlantis", "Mu"]


@given(st.text(max_size=30))
def test_any_text_resolves_to_a_country_or_none(text: str) -> None:
    assert resolve_names([text])[text] in {*CANONICAL, *SPLIT_ROWS, None}
    assert resolve_regions([text])[text] in {*countries._by_region().values(), None}


@given(st.sampled_from([*CANONICAL, *SPELLINGS]), st.sampled_from([str.upper, str.lower]))
def test_case_dots_and_spaces_do_not_matter(name: str, change: Callable[[str], str]) -> None:
    printed = "  " + change(name).replace(" ", "  ").replace(".", "") + " "
    assert resolve_names([printed])[printed] == resolve_names([name])[name]


def test_one_row_of_two_states_stands_for_itself() -> None:
    assert resolve_names(["USSR/Russia"]) == {"USSR/Russia": "USSR/Russia"}
    assert unmapped(["USSR/Russia"]) == []
    assert {name for split in SPLIT_ROWS.values() for name in split[:2]} <= set(CANONICAL)


@pytest.mark.parametrize(
    ("code", "country"),
    [
        (255, "Germany"),
        (260, "German Federal Republic"),
        (265, "German Democratic Republic"),
        (341, "Montenegro"),
        (345, "Serbia"),
        (347, "Kosovo"),
        (348, "Montenegro"),
        (365, "Russia"),
        (678, "Yemen, North"),
        (679, "Yemen"),
        (680, "Yemen, South"),
        (713, "Taiwan"),
        (816, "Viet Nam"),
        (817, "Viet Nam, South"),
        (8152, "Annam"),
        (999, None),
    ],
)
def test_codes(code: int, country: str | None) -> None:
    assert country_of_code(code) == country
    assert resolve_codes([code]) == {code: country}


def test_codes_of_the_table_come_back_to_their_rows(table: pd.DataFrame) -> None:
    coded = table.dropna(subset="cow_code")
    assert resolve_codes(coded["cow_code"]) == dict(
        zip(coded["cow_code"], coded["country"], strict=True)
    )


def test_code_table_has_one_row_a_code_and_every_countrys_own() -> None:
    codes = reviewed.codes()
    assert codes["cow_code"].is_unique
    assert set(reviewed.countries()["cow_code"].dropna()) <= set(codes["cow_code"])
    assert codes.set_index("cow_code").loc[348, "iso3"] == "MNE"


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("core", [710, 712, 713, 731, 732, 740, 775, 800, 817, 860, 900, 990]),
        ("south_asia", [700, 750, 770, 771, 780, 781, 790]),
        ("central_asia", [701, 702, 703, 704, 705]),
        (None, [2, 365, 630, 640, 698, 699, 706, 730, 791, 799, 861, 899, 991, 8152]),
    ],
)
def test_alliance_region(level: str | None, codes: list[int]) -> None:
    assert {code: alliance_region(code) for code in codes} == dict.fromkeys(codes, level)


def test_alliance_region_agrees_with_sipris(table: pd.DataFrame) -> None:
    asia = set(table.loc[table["region"] == "Asia & Oceania", "country"])
    levels = table.dropna(subset="alliance_region")
    assert set(levels["country"]) == asia - {"Korea (until 1905)", "Annam"}
    assert set(levels.loc[levels["alliance_region"] == "central_asia", "subregion"]) == {
        "Central Asia"
    }
    assert set(levels.loc[levels["alliance_region"] == "south_asia", "subregion"]) == {"South Asia"}


@pytest.mark.parametrize(
    ("printed", "region"),
    [
        ("World", "World"),
        ("World total (including Iraq)", "World"),
        ("World total (excluding Iraq)", "World (excluding Iraq)"),
        ("Middle East (including Iraq)", "Middle East"),
        ("Middle East (excluding Iraq)", "Middle East (excluding Iraq)"),
        ("Asia and Oceania", "Asia & Oceania"),
        ("South-East Asia", "South East Asia"),
        ("Sub-Saharan Africa", "sub-Saharan Africa"),
        ("Sub-Saharan", "sub-Saharan Africa"),
        ("Central America & the Caribbean", "Central America and the Caribbean"),
        ("Central and South Asia", "Central & South Asia"),
        ("Central and Western Europe", "Central and Western Europe"),
        ("Africa (excluding Iraq)", None),
        ("Iraq", None),
        ("Region", None),
    ],
)
def test_regions(printed: str, region: str | None) -> None:
    assert resolve_regions([printed]) == {printed: region}


def test_regions_stand_for_themselves_and_are_no_countries() -> None:
    names = [*REGIONS, *(name for inner in REGIONS.values() for name in inner), *SUPER_REGIONS]
    assert resolve_regions(names) == {name: name for name in names}
    assert set(resolve_names(names).values()) == {None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Korea, North, Laos, Uzbekistan", ["Korea, North", "Laos", "Uzbekistan"]),
        ("Syria, Yemen, North, Yemen", ["Syria", "Yemen, North", "Yemen"]),
        ("Myanmar, North Korea,  Somalia", ["Myanmar", "Korea, North", "Somalia"]),
        ("Yemen, North Korea, f. Yugoslavia", ["Yemen", "Korea, North", "Yugoslavia"]),
        ("Korea,\nNorth", ["Korea, North"]),
        ("Gambia, The, Ghana", ["Gambia, The", "Ghana"]),
        (". .", []),
        ("", []),
    ],
)
def test_omitted_countries(text: str, expected: list[str]) -> None:
    assert parse_omitted(text) == (expected, [])


def test_omitted_countries_report_what_they_do_not_know() -> None:
    assert parse_omitted("Cuba, Atlantis, Korea, Iraq") == (["Cuba", "Iraq"], ["Atlantis", "Korea"])


def test_omitted_countries_may_be_limited_to_an_editions() -> None:
    known = ["Yemen", "Korea, North"]
    assert parse_omitted("North Korea, Cuba", known) == (["Korea, North"], ["Cuba"])


@given(st.lists(st.sampled_from([*CANONICAL, *SPELLINGS]), max_size=8))
@example(["Austria", "Hungary"])  # together they are spelled like the state that both were
def test_any_list_of_known_names_parses_completely(names: list[str]) -> None:
    meant = list(dict.fromkeys(resolve_names(names)[name] for name in names))
    assert parse_omitted(", ".join(names)) == (meant, [])


@given(st.text(alphabet="Korea, NthYmLs.;\n", max_size=40))
@example("the")
def test_omitted_text_is_never_lost(text: str) -> None:
    found, unparsed = parse_omitted(text)
    assert set(found) <= set(CANONICAL)
    assert bool(found or unparsed) == any(letter.isalnum() for letter in text)
