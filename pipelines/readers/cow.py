"""COW formal alliances, state codes and system membership; knows nothing of ATOP or claims."""

from datetime import date
from pathlib import Path

import pandas as pd

from pipelines.readers.sniff import one_version
from pipelines.readers.tables import Table, read_table
from pipelines.readers.treaties import (
    ALLIANCE_COLUMNS,
    AS_MEMBER,
    CODES,
    MEMBER_COLUMNS,
    MEMBER_PHASE_COLUMNS,
    OBLIGATIONS,
    PHASE_COLUMNS,
    SPAN,
    AllianceVersion,
    coarsest,
    labelled,
    last_day,
    span,
    spells,
)

DATASET = "COW"
CLOSING = {"4.1": date(2012, 12, 31)}

_ALL = (
    ("all_st_year", "all_st_month", "all_st_day"),
    ("all_end_year", "all_end_month", "all_end_day"),
)
_MEM = (
    ("mem_st_year", "mem_st_month", "mem_st_day"),
    ("mem_end_year", "mem_end_month", "mem_end_day"),
)
_FLAGS = {
    "defense": "defense",
    "neutrality": "neutrality",
    "nonaggression": "nonaggression",
    "entente": "consultation",
}
_ALLIANCES = [
    "version4id",
    "ccode",
    *_ALL[0],
    *_ALL[1],
    *_MEM[0],
    *_MEM[1],
    "left_censor",
    "right_censor",
    "ss_type",
    *_FLAGS,
    "version",
]
_STATES = ["stateabb", "ccode", "statenme"]
_STYEAR, _ENDYEAR = ("styear", "stmonth", "stday"), ("endyear", "endmonth", "endday")


def read_cow_alliances(path: Path) -> AllianceVersion:
    """Read formal alliances by member; an alliance has one phase, the treaty as signed.

    An alliance is in force at the closing (4.1: 31 December 2012; else that of the last year among
    the dates) if and only if `all_end_year` is blank. COW's entente is consultation; offence,
    asymmetry and wartime are not coded there, hence missing, as is why an alliance ended. Begin
    dates come from `all_st_*` and can precede 1816; members' entries are clipped to 1816 by COW
    where `left_censored`. `member_phases` keeps the rows as they stand, and `members` merges those
    that follow one another. An alliance is bilateral if it ever had just two members.
    """
    table = read_table(path, _ALLIANCES, what="COW's formal alliances by member")
    version = one_version(table.path, table.texts("version"))
    rows = _rows(table)
    whole = rows.assign(**span(table, *_ALL, "version4id")).sort_index()
    _check_dates(table, whole)
    closing = CLOSING.get(version) or last_day(whole)
    alliances = _alliances(whole).assign(closing_date=pd.Timestamp(closing).as_unit("s"))
    members = spells(rows, ["alliance_id", "cow_code"], [*OBLIGATIONS, "left_censored"])
    members = members.assign(right_censored=members["end_date"].isna().astype("boolean"))
    members = members.rename(columns=AS_MEMBER)
    return AllianceVersion(
        DATASET,
        version,
        closing,
        labelled(alliances, DATASET, version, [*ALLIANCE_COLUMNS, "left_censored", "ss_type"]),
        labelled(alliances.assign(phase=_first_phase(alliances)), DATASET, version, PHASE_COLUMNS),
        labelled(members, DATASET, version, [*MEMBER_COLUMNS, "left_censored", "right_censored"]),
        labelled(
            rows.assign(phase=_first_phase(rows)).rename(columns=AS_MEMBER),
            DATASET,
            version,
            MEMBER_PHASE_COLUMNS,
        ),
    )


def read_cow_state_codes(path: Path) -> pd.DataFrame:
    """Read state codes: cow_code, abbreviation, name, each once."""
    table = read_table(path, _STATES, what="COW's state codes")
    states = _states(table).drop_duplicates()
    table.refuse(
        states["cow_code"].duplicated(keep=False).reindex(table.cells.index, fill_value=False),
        ["ccode", "statenme"],
        "names different states by one code",
    )
    return states.sort_values("cow_code", ignore_index=True)


def read_cow_system_membership(path: Path) -> pd.DataFrame:
    """Read spells in the state system: cow_code, abbreviation, name, start_date, end_date."""
    table = read_table(path, [*_STATES, *_STYEAR, *_ENDYEAR], what="COW's state system membership")
    dates = span(table, _STYEAR, _ENDYEAR, "ccode")
    return (
        _states(table)
        .assign(start_date=dates["begin_date"], end_date=dates["end_date"])
        .sort_values(["cow_code", "start_date"], ignore_index=True)
    )


def _states(table: Table) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cow_code": table.integers("ccode", blank=False).astype("int64"),
            "abbreviation": table.text("stateabb"),
            "name": table.text("statenme"),
        }
    )


def _rows(table: Table) -> pd.DataFrame:
    """Typed rows: one member's time in an alliance, with the member's own obligations."""
    rows = pd.DataFrame(
        {
            "alliance_id": table.integers("version4id", blank=False).astype("int64").astype("str"),
            "cow_code": table.integers("ccode", blank=False).astype("int64"),
            **span(table, *_MEM, "version4id"),
            **{name: table.flags(column) for column, name in _FLAGS.items()},
            "offense": pd.Series(pd.NA, table.cells.index, dtype="boolean"),
            "left_censored": table.flags("left_censor").fillna(False),
            "ss_type": table.text("ss_type"),
        }
    )
    twice = rows.duplicated(["alliance_id", "cow_code", "begin_date"], keep=False)
    table.refuse(twice, ["version4id", "ccode"], "has the same row twice")
    return rows.sort_values(["alliance_id", "cow_code", "begin_date"])


def _check_dates(table: Table, whole: pd.DataFrame) -> None:
    """Every row of an alliance must repeat the same dates."""
    distinct = whole.groupby("alliance_id")[["begin_date", "end_date"]].transform(
        "nunique", dropna=False
    )
    table.refuse(
        distinct.gt(1).any(axis=1),
        ["version4id", "all_st_year", "all_end_year"],
        "has other alliance dates than the other members",
    )


def _alliances(whole: pd.DataFrame) -> pd.DataFrame:
    of = whole.groupby("alliance_id")
    alliances = (
        whole.drop_duplicates("alliance_id")
        .set_index("alliance_id")[SPAN]
        .join(of[[*OBLIGATIONS, "left_censored"]].max())
        .join(of["ss_type"].first())
        .join(of["cow_code"].nunique().astype("Int64").rename("member_count"))
        .sort_index()
        .reset_index()
    )
    unknown = pd.Series(pd.NA, alliances.index, dtype="boolean")
    return alliances.assign(
        **dict.fromkeys(CODES, unknown),
        bilateral=alliances["member_count"].eq(2),
        date_precision=coarsest(alliances["begin_precision"], alliances["end_precision"]),
        ending=pd.Series("unknown", alliances.index, dtype="str").where(
            alliances["end_date"].notna(), "in force"
        ),
        n_phases=_first_phase(alliances),
        cow_id=pd.Series(pd.NA, alliances.index, dtype="str"),
        cow4_id=alliances["alliance_id"],
    )


def _first_phase(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(1, frame.index, dtype="Int64")
