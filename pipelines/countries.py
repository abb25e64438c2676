"""One name, code and region for every country in the data; must not know any file's layout.

The reviewed table `sources/countries.csv` answers for every name and code seen so far. A spelling
that it lacks is looked up in country_converter's patterns, and a name that neither knows is None:
it blocks the build, it is never guessed.

`cow_code` is unique and sits on the state that lives today: 365 on Russia, 345 on Serbia; their
predecessors' rows (USSR, Yugoslavia) have none, so that a join on it never fans out. Codes that
only one dataset uses (ATOP 3.0's 348) are resolved by `resolve_codes`, not by that join.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).parent / "sources" / "countries.csv"

REGIONS: dict[str, tuple[str, ...]] = {
    "Africa": ("North Africa", "sub-Saharan Africa"),
    "Americas": ("Central America and the Caribbean", "North America", "South America"),
    "Asia & Oceania": ("Oceania", "South Asia", "East Asia", "South East Asia", "Central Asia"),
    "Europe": ("Central Europe", "Eastern Europe", "Western Europe"),
    "Middle East": ("Middle East",),
}
"""SIPRI's regions and sub-regions, in the names and the order of its editions since 2021."""

SUPER_REGIONS: tuple[str, ...] = (
    "World",
    "World (excluding Iraq)",
    "Middle East (excluding Iraq)",
    "Central & South Asia",
    "Central and Western Europe",
)
"""What Regional totals print beside them; 'World' and 'Middle East' include Iraq."""

NOT_COUNTRIES: frozenset[str] = frozenset({"European Union"})
"""Rows of the country sheets that are known, and are not countries."""

SPLIT_ROWS: dict[str, tuple[str, str, int]] = {"USSR/Russia": ("USSR", "Russia", 1991)}
"""Rows that print two states as one: the first up to and including the year, then the second."""

_REGION_ALIASES = {
    "World total": "World",
    "Sub-Saharan": "sub-Saharan Africa",
    "Southeast Asia": "South East Asia",
}

_ALLIANCE_REGIONS: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    (
        "core",
        (
            *((710, 710), (712, 713), (731, 732), (740, 740)),
            *((775, 775), (800, 860), (900, 990)),
        ),
    ),
    ("south_asia", ((700, 700), (750, 774), (776, 790))),
    ("central_asia", ((701, 705),)),
)

# Raised figures of footnotes, soft hyphens, and marks without width that a web page leaves behind.
_UNSEEN = re.compile("[¹²³⁰⁴-⁹\u00ad\u200b-\u200f\u2060\ufeff]")
_SILENT = frozenset({"the", "and", "of"})
_SPELLED_OUT = {"rep": "republic", "dem": "democratic", "st": "saint"}
_GENERIC = frozenset({"republic", "democratic", "kingdom", "state", "states", "islamic", "federal"})


@dataclass(frozen=True)
class _Country:
    country: str
    iso3: str | None
    cow_code: int | None
    other_codes: tuple[int, ...]
    region: str
    subregion: str
    end_year: int | None
    aliases: tuple[str, ...]
    note: str | None


def _items(cell: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in cell.split(";") if item.strip())


@cache
def _countries() -> tuple[_Country, ...]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            _Country(
                country=row["country"],
                iso3=row["iso3"] or None,
                cow_code=int(row["cow_code"]) if row["cow_code"] else None,
                other_codes=tuple(int(code) for code in _items(row["other_codes"])),
                region=row["region"],
                subregion=row["subregion"],
                end_year=int(row["end_year"]) if row["end_year"] else None,
                aliases=_items(row["aliases"]),
                note=row["note"] or None,
            )
            for row in csv.DictReader(file)
        )


@cache
def _key(name: str) -> str:
    """What two spellings of one name share: no case, accents, footnote signs or small words."""
    plain = unicodedata.normalize("NFKD", _UNSEEN.sub("", name))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    plain = re.sub(r"['’‘`.]", "", plain)
    words = re.findall(r"[^\W_]+", plain)
    return " ".join(_SPELLED_OUT.get(word, word) for word in words if word not in _SILENT)


@cache
def _by_name() -> dict[str, str]:
    index: dict[str, str] = {}
    for entry in _countries():
        for name in (entry.country, *entry.aliases):
            other = index.setdefault(_key(name), entry.country)
            if other != entry.country:
                raise ValueError(f"{_TABLE.name}: '{name}' names {other} and {entry.country}")
    index.update((_key(name), name) for name in SPLIT_ROWS)
    return index


@cache
def _printed_with_commas() -> frozenset[str]:
    """The keys of the names that contain a comma somewhere: no other may be put together of parts."""
    names = (name for entry in _countries() for name in (entry.country, *entry.aliases))
    return frozenset(_key(name) for name in names if "," in name)


@cache
def _by_code() -> dict[int, str]:
    index: dict[int, str] = {}
    for entry in _countries():
        for code in (entry.cow_code, *entry.other_codes):
            if code is not None and index.setdefault(code, entry.country) != entry.country:
                raise ValueError(f"{_TABLE.name}: {code} codes {index[code]} and {entry.country}")
    return index


@dataclass(frozen=True)
class _Spelling:
    pattern: str
    iso3: str
    words: frozenset[str]


@cache
def _library() -> tuple[_Spelling, ...]:
    """country_converter's pattern, ISO code and words of every state that has not ended.

    Read from its packaged table and without importing it: with pandas 3.1 CountryConverter()
    raises a TypeError, and the import alone takes longer than all the names of a build.
    """
    spec = find_spec("country_converter")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("country_converter is not installed", name="country_converter")
    table = Path(spec.submodule_search_locations[0]) / "country_data.tsv"
    with table.open(encoding="utf-8", newline="") as file:
        return tuple(
            _Spelling(
                pattern=row["regex"],
                iso3=row["ISO3"],
                words=frozenset(_key(f"{row['name_short']} {row['name_official']}").split()),
            )
            for row in csv.DictReader(file, delimiter="\t")
            if not row["obsolete"]
        )


def _from_library(name: str) -> str | None:
    """The country that a spelling new to the table means, if nothing about it is in doubt.

    The library searches for patterns within a text, and would find Iraq in 'World total
    (including Iraq)'. So every word must be the country's own, one country only must match, and
    the words must not stand in the names of two (a bare 'Korea').
    """
    words = set(_key(name).split())
    by_iso3 = {entry.iso3: entry.country for entry in _countries() if entry.iso3}
    if not any(words <= entry.words | _GENERIC for entry in _library()):
        return None
    if len({country for key, country in _by_name().items() if words <= set(key.split())}) > 1:
        return None
    found = [entry for entry in _library() if re.search(entry.pattern, name, re.IGNORECASE)]
    if len(found) != 1 or not words <= found[0].words | _GENERIC:
        return None
    return by_iso3.get(found[0].iso3)


@cache
def _resolve(name: str) -> str | None:
    known = _by_name().get(_key(name))
    if known is not None or not _key(name) or not is_country(name) or _region(name) is not None:
        return known
    return _from_library(name.strip())


def resolve_names(names: Iterable[str]) -> dict[str, str | None]:
    """Each printed name's canonical name; None for what is no known country.

    A key of SPLIT_ROWS stands for itself: the year tells the two states apart.
    """
    return {name: _resolve(name) for name in names}


def spellings() -> list[str]:
    """Every name of every country in the reviewed table: what a person may ask for it by."""
    return [name for entry in _countries() for name in (entry.country, *entry.aliases)]


def is_country(name: str) -> bool:
    """Whether a row of this name belongs to a country: everything but NOT_COUNTRIES."""
    return _key(name) not in {_key(known) for known in NOT_COUNTRIES}


def unmapped(names: Iterable[str]) -> list[str]:
    """The names that must block: they look like countries, and none is known by them."""
    return sorted({name for name in names if is_country(name) and _resolve(name) is None})


def resolve_codes(codes: Iterable[int]) -> dict[int, str | None]:
    """Each ATOP or COW state code's canonical country; None for an unknown code."""
    return {int(code): country_of_code(int(code)) for code in codes}


def country_of_code(code: int) -> str | None:
    """The canonical country of an ATOP or COW state code, or None."""
    return _by_code().get(code)


def alliance_region(cow_code: int) -> str | None:
    """The level at which a state belongs to the declared region of the alliance statements.

    'core' is East Asia, South-East Asia and Oceania; 'south_asia' and 'central_asia' widen it.
    """
    for level, spans in _ALLIANCE_REGIONS:
        if any(first <= cow_code <= last for first, last in spans):
            return level
    return None


@cache
def _by_region() -> dict[str, str]:
    named = [*REGIONS, *(name for subregions in REGIONS.values() for name in subregions)]
    index = {_key(name): name for name in (*named, *SUPER_REGIONS)}
    index.update((_key(alias), name) for alias, name in _REGION_ALIASES.items())
    return index


def _region(name: str) -> str | None:
    key = re.sub(r" (?:incl|including) iraq$", "", _key(name))
    stem, without_iraq = re.subn(r" (?:excl|excluding) iraq$", "", key)
    region = _by_region().get(stem)
    if without_iraq and region is not None:
        return _by_region().get(f"{_key(region)} excluding iraq")
    return region


def region_spellings() -> list[str]:
    """Every region's name, with 'and' for '&' too, and the other words in use for it."""
    names = [*REGIONS, *(name for parts in REGIONS.values() for name in parts), *SUPER_REGIONS]
    return [*names, *(name.replace("&", "and") for name in names if "&" in name), *_REGION_ALIASES]


def resolve_regions(names: Iterable[str]) -> dict[str, str | None]:
    """Each printed region's name as SIPRI writes it since 2021; None for what is no region."""
    return {name: _region(name) for name in names}


def parse_omitted(text: str, known: Iterable[str] | None = None) -> tuple[list[str], list[str]]:
    """The canonical countries of an 'Omitted countries' cell, and the parts that name none.

    The names are separated by commas and contain commas ('Korea, North, Laos'), so the longest
    run of parts that is a known name wins. `known` limits them to the countries, however
    spelled, that an edition prints.
    """
    allowed = None if known is None else {_resolve(name) for name in known}

    def meant(name: str) -> str | None:
        country = _resolve(name)
        if "," in name:  # 'Austria, Hungary' are two
            country = _by_name()[_key(name)] if _key(name) in _printed_with_commas() else None
        return country if allowed is None or country in allowed else None

    parts = [" ".join(part.split()) for part in re.split(r"[,;\n]", text)]
    parts = [part for part in parts if any(sign.isalnum() for sign in part)]
    countries: list[str] = []
    unparsed: list[str] = []
    while parts:
        for length in range(min(3, len(parts)), 0, -1):
            country = meant(", ".join(parts[:length]))
            if country is not None:
                countries.append(country)
                parts = parts[length:]
                break
        else:
            unparsed.append(parts.pop(0))
    return list(dict.fromkeys(countries)), unparsed


def country_rows() -> list[tuple[Any, ...]]:
    """One row a country: the columns of the contract's table `countries`, and three more.

    They are country, iso3, cow_code, region, subregion, alliance_region, end_year (of a state that
    has ended) and note, the reason for what was decided.
    """
    return [
        (
            entry.country,
            entry.iso3,
            entry.cow_code,
            entry.region,
            entry.subregion,
            None if entry.cow_code is None else alliance_region(entry.cow_code),
            entry.end_year,
            entry.note,
        )
        for entry in _countries()
    ]


def code_rows() -> list[tuple[Any, ...]]:
    """One row a state code that ATOP or COW uses: cow_code, country, iso3, alliance_region.

    This is what alliances join, since two codes can mean one country (341 and 348).
    """
    iso3 = {entry.country: entry.iso3 for entry in _countries()}
    return [
        (code, country, iso3[country], alliance_region(code))
        for code, country in sorted(_by_code().items())
    ]
