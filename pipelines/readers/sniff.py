"""Which publisher's CSV file it is, by its columns and whatever its name; reads no figures.

Imports nothing large: every command that takes stock of the files asks it.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from pipelines.errors import ReadError
from pipelines.readers.separated import column_names, read_columns

Level = Literal["alliance", "phase", "member"]
LEVELS: tuple[Level, ...] = get_args(Level)
_ATOP: dict[Level, set[str]] = {
    "alliance": {"atopid", "begyr", "endyr"},
    "phase": {"atopid", "begyr", "endyr", "phase"},
    "member": {"atopid", "member", "yrent", "yrexit"},
}
_STATES = {"stateabb", "ccode", "statenme"}
_COW = {
    "alliances_by_member": {"version4id", "ccode", "all_st_year", "mem_st_year"},
    "system_membership": {*_STATES, "styear", "endyear"},
    "state_codes": _STATES,
}


def sniff_atop(path: Path) -> tuple[str, Level] | None:
    """Version and level of an ATOP file by its columns, whatever its name; None for other files.

    State-year and dyad-year files are other files. A file with ATOP's columns whose `version`
    cannot be told is a ReadError, because it was meant to be read.
    """
    columns = column_names(path)
    if "year" in columns:
        return None
    for level in reversed(LEVELS):
        if columns.issuperset(_ATOP[level]):
            names, cells = read_columns(path, ["atopid"], ["version"])
            texts = [dict(zip(names, row, strict=True)).get("version") for _, *row in cells]
            return one_version(path, dict.fromkeys(texts) if "version" in names else None), level
    return None


def sniff_cow(path: Path) -> str | None:
    """Which COW file it is by its columns, whatever its name; None for yearly and other files."""
    columns = column_names(path)
    if "year" in columns:
        return None
    return next((kind for kind, needed in _COW.items() if columns >= needed), None)


def one_version(path: Path, texts: Iterable[str | None] | None) -> str:
    """Name a file's version as its publisher speaks of it: 3 is '3.0', 4.0100002 is '4.01'.

    texts: what its column `version` has; blank ones do not count. None where a file has no such
    column: then it may tell its version by its name, as the publishers' do: atop4_01m.csv.
    """
    if texts is None:
        named = re.search(r"(?<!\d)(\d)[._](\d{1,2})(?!\d)", path.name)
        printed = [".".join(named.groups())] if named else []
    else:
        printed = [text for text in texts if text]
    try:
        (number,) = {round(float(text), 2) for text in printed}
        if not 0 < number < 100:
            raise ValueError
    except ValueError:
        shown = ", ".join(repr(text[:20]) for text in printed[:5]) or "nothing"
        raise ReadError(
            f"{path}: the column version should name one version in every row, but has "
            f"{shown}. Keep each version in its own file; one without the column is known by a name "
            "like atop5_1m.csv."
        ) from None
    return f"{number:.2f}".removesuffix("0")
