"""ATOP, any version, as alliances, phases and member spells; knows nothing of names or claims."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from pipelines.errors import ReadError
from pipelines.readers.sniff import LEVELS, Level, one_version
from pipelines.readers.tables import Table, read_table
from pipelines.readers.treaties import (
    ALLIANCE_COLUMNS,
    AS_MEMBER,
    CODES,
    MEMBER_COLUMNS,
    MEMBER_PHASE_COLUMNS,
    OBLIGATIONS,
    PHASE_COLUMNS,
    AllianceVersion,
    coarsest,
    extents,
    first_known,
    labelled,
    last_day,
    span,
    spells,
)

DATASET = "ATOP"
KEYS: dict[Level, list[str]] = {
    "alliance": ["alliance_id"],
    "phase": ["alliance_id", "phase"],
    "member": ["alliance_id", "phase", "cow_code"],
}
CLOSING = {3: date(2003, 12, 31), 4: date(2016, 12, 31), 5: date(2018, 12, 31)}
ENDINGS = {0: "independence lost", 1: "fulfilled", 2: "violated", 3: "renegotiated"}

_BEGIN, _END = ("begyr", "begmo", "begday"), ("endyr", "endmo", "endday")
_ENTRY, _EXIT = ("yrent", "moent", "dayent"), ("yrexit", "moexit", "dayexit")
_FLAGS = {
    "defense": "defense",
    "offense": "offense",
    "neutral": "neutrality",
    "nonagg": "nonaggression",
    "consul": "consultation",
    "bilat": "bilateral",
}
_OPTIONAL_FLAGS = {"asymm": "asymmetric", "wartime": "wartime", "conditio": "conditional"}
_COMMON = ["atopid", *_FLAGS, "term"]
_REQUIRED: dict[Level, list[str]] = {
    "alliance": [*_COMMON, *_BEGIN, *_END],
    "phase": [*_COMMON, "phase", *_BEGIN, *_END],
    "member": [*_COMMON, "phase", "member", *_ENTRY, *_EXIT],
}
_LISTED = [f"mem{n}" for n in range(1, 100)]
_OPTIONAL = ["version", *_OPTIONAL_FLAGS, "cowid", "cow4id", "maxphase", *_LISTED]


def read_atop(paths: Mapping[Level, Path]) -> AllianceVersion:
    """Read one version from whichever of its alliance, phase and member files there are.

    The publisher's alliance and phase files give dates and codes of what they have; the rest of a
    level is rebuilt from the next finer one: it begins with the first row, ends with the last, is
    in force while any row is, and ends as its last phase ended. This reproduces version 3.0's own
    phases, and its own alliances but for the end of 3610. Obligations are always the maximum over
    all rows at every level. A rebuilt alliance is bilateral if all its phases are.

    Versions close on 31 December 2003 (3.x), 2016 (4.x) and 2018 (5.x); a version not known here
    on 31 December of the last year among its dates.
    """
    tables = {level: _table(paths[level], level) for level in LEVELS if level in paths}
    if not tables:
        raise ReadError("ATOP: no alliance, phase or member file was given to read.")
    version = _same_version(tables)
    rows = {level: _rows(table, level) for level, table in tables.items()}
    every = pd.concat(rows.values(), ignore_index=True)
    closing = CLOSING.get(int(version.split(".")[0])) or last_day(every)

    none = every.iloc[:0]
    member_rows = rows.get("member", none)
    finest = list(tables)[-1]
    roster = _roster(tables[finest], rows[finest])
    own_phases = first_known([rows.get("phase", none), member_rows], KEYS["phase"])
    own_alliances = first_known(list(rows.values()), KEYS["alliance"])
    phases = _summary(own_phases, every, roster, KEYS["phase"])
    alliances = _summary(own_alliances, every, roster, KEYS["alliance"])
    counted = alliances["alliance_id"].map(phases.groupby("alliance_id").size()).astype("Int64")
    members = spells(member_rows, ["alliance_id", "cow_code"], OBLIGATIONS)
    return AllianceVersion(
        DATASET,
        version,
        closing,
        labelled(
            alliances.assign(
                closing_date=pd.Timestamp(closing).as_unit("s"),
                n_phases=counted.fillna(alliances["maxphase"]),
            ),
            DATASET,
            version,
            ALLIANCE_COLUMNS,
        ),
        labelled(phases, DATASET, version, PHASE_COLUMNS),
        labelled(members.rename(columns=AS_MEMBER), DATASET, version, MEMBER_COLUMNS),
        labelled(
            member_rows.sort_values([*KEYS["member"], "begin_date"]).rename(columns=AS_MEMBER),
            DATASET,
            version,
            MEMBER_PHASE_COLUMNS,
        ),
        _differences(tables, rows),
    )


def _table(path: Path, level: Level) -> Table:
    return read_table(path, _REQUIRED[level], _OPTIONAL, f"an ATOP {level} file")


def _same_version(tables: Mapping[Level, Table]) -> str:
    versions = {
        level: one_version(table.path, table.texts("version")) for level, table in tables.items()
    }
    if len(set(versions.values())) > 1:
        listed = ", ".join(f"{tables[level].path} is {v}" for level, v in versions.items())
        raise ReadError(f"ATOP files of different versions cannot be read as one: {listed}.")
    return next(iter(versions.values()))


def _rows(table: Table, level: Level) -> pd.DataFrame:
    """Typed rows of one file; a level's frame has every column, missing where it has none."""
    member = level == "member"
    names = {**_FLAGS, **_OPTIONAL_FLAGS}
    begin, end = (_ENTRY, _EXIT) if member else (_BEGIN, _END)
    table.integers(end[0], blank=False)  # 0 is in force; a blank would be anybody's guess
    rows = pd.DataFrame(
        {
            "alliance_id": table.integers("atopid", blank=False).astype("int64").astype("str"),
            # An alliance without phases is coded phase 0: it has one, the first.
            "phase": table.integers("phase", blank=level == "alliance").replace(0, 1),
            "cow_code": table.integers("member", blank=not member),
            **span(table, begin, end, "atopid"),
            **{name: table.flags(column) for column, name in names.items()},
            "term": table.integers("term"),
            "cow_id": table.text("cowid"),
            "cow4_id": table.text("cow4id"),
            "maxphase": table.integers("maxphase").replace(0, 1),
        }
    )
    key = [*KEYS[level], "begin_date"] if member else KEYS[level]
    table.refuse(rows.duplicated(key, keep=False), _REQUIRED[level][:1], "has the same row twice")
    return rows


def _roster(table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    """Who was in which alliance and phase: members' rows, or the columns mem1 to mem50."""
    if "member" in table:
        return rows[KEYS["member"]]
    codes = pd.DataFrame({c: table.integers(c) for c in _LISTED if c in table}, table.cells.index)
    listed = rows[KEYS["phase"]].join(codes).melt(KEYS["phase"], value_name="cow_code")
    return listed.dropna(subset="cow_code")[KEYS["member"]]


def _differences(
    tables: Mapping[Level, Table], rows: Mapping[Level, pd.DataFrame]
) -> tuple[str, ...]:
    """Say in which alliances the files of one version differ; one that is cut off does."""
    ids = {level: set(frame["alliance_id"]) for level, frame in rows.items()}
    return tuple(
        f"{tables[level].path.name} lacks {len(lacking)} of the alliances that "
        f"{tables[other].path.name} has: {', '.join(lacking[:10])}"
        + (" and others" if len(lacking) > 10 else "")
        for level in ids
        for other in ids
        if (lacking := sorted(ids[other] - ids[level]))
    )


def _summary(
    rows: pd.DataFrame, every: pd.DataFrame, roster: pd.DataFrame, by: list[str]
) -> pd.DataFrame:
    """One row a group: dates and codes from `rows`, obligations from all, members from `roster`."""
    own = rows.groupby(by)
    last = rows.sort_values(
        ["end_date", "phase"], ascending=False, na_position="first"
    ).drop_duplicates(by)
    summary = (
        extents(rows, by)
        .join(every.groupby(by)[OBLIGATIONS].max())
        .join(own[CODES].max())
        .join(own["bilateral"].min())
        .join(own[["cow_id", "cow4_id", "maxphase"]].first())
        .join(last.set_index(by)["term"])
        .join(roster.groupby(by)["cow_code"].nunique().astype("Int64").rename("member_count"))
        .sort_index()
        .reset_index()
    )
    return summary.assign(
        date_precision=coarsest(summary["begin_precision"], summary["end_precision"]),
        ending=summary["term"]
        .map(ENDINGS)
        .fillna("unknown")
        .where(summary["end_date"].notna(), "in force")
        .astype("str"),
    )
