"""What alliance readers share: spells and extents in time, and the frames they return."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.readers.tables import Table

OBLIGATIONS = ["defense", "offense", "neutrality", "nonaggression", "consultation"]
CODES = ["asymmetric", "wartime", "conditional"]
SPAN = ["begin_date", "end_date", "begin_precision", "end_precision"]
KEY = ["dataset", "version", "alliance_id"]
AS_MEMBER = {
    "begin_date": "entry_date",
    "end_date": "exit_date",
    "begin_precision": "entry_precision",
    "end_precision": "exit_precision",
}
SPELL = list(AS_MEMBER.values())
ALLIANCE_COLUMNS = [
    *SPAN,
    "date_precision",
    "closing_date",
    *OBLIGATIONS,
    *CODES,
    "bilateral",
    "member_count",
    "ending",
    "n_phases",
    "cow_id",
    "cow4_id",
]
PHASE_COLUMNS = [
    "phase",
    *SPAN,
    "date_precision",
    *OBLIGATIONS,
    *CODES,
    "bilateral",
    "member_count",
    "ending",
]
MEMBER_COLUMNS = ["cow_code", *SPELL, *OBLIGATIONS]
MEMBER_PHASE_COLUMNS = ["phase", *MEMBER_COLUMNS]

_OPEN = np.datetime64("9999-12-31", "D")


@dataclass(frozen=True)
class AllianceVersion:
    """One version of one dataset at its levels; a level that cannot be known has no rows.

    `notes` say in sentences what its files disagree on.
    """

    dataset: str
    version: str
    closing_date: date
    alliances: pd.DataFrame
    phases: pd.DataFrame
    members: pd.DataFrame
    member_phases: pd.DataFrame
    notes: tuple[str, ...] = ()


def span(
    table: Table, begin: tuple[str, str, str], end: tuple[str, str, str], names: str
) -> pd.DataFrame:
    """Begin and end with their precision, from year, month and day columns; open ends are NaT.

    An end that must lie before its begin is refused, with the column `names` to tell whose it is.
    Where only the guess for an unknown day or month puts the end first, the guess gives way.
    """
    first, last = table.dates(*begin), table.dates(*end)
    table.refuse(first["date"].isna(), [names, begin[0]], "has no beginning")
    impossible = latest(last["date"], last["precision"]) < earliest(
        first["date"], first["precision"]
    )
    table.refuse(impossible, [names, *begin, *end], "ends before it begins")
    inverted = last["date"] < first["date"]
    guessed = first["precision"].ne("day")
    return pd.DataFrame(
        {
            "begin_date": first["date"].mask(inverted & guessed, last["date"]),
            "end_date": last["date"].mask(inverted & ~guessed, first["date"]),
            "begin_precision": first["precision"],
            "end_precision": last["precision"],
        }
    )


def earliest(dates: pd.Series, precision: pd.Series) -> npt.NDArray[np.datetime64]:
    """First day that a date of this precision can stand for."""
    days = dates.to_numpy("M8[D]")
    months, years = days.astype("M8[M]"), days.astype("M8[Y]")
    return _by_precision(precision, days, months.astype("M8[D]"), years.astype("M8[D]"))


def latest(dates: pd.Series, precision: pd.Series) -> npt.NDArray[np.datetime64]:
    """Last day that a date of this precision can stand for."""
    days = dates.to_numpy("M8[D]")
    months, years = days.astype("M8[M]") + 1, days.astype("M8[Y]") + 1
    return _by_precision(precision, days, months.astype("M8[D]") - 1, years.astype("M8[D]") - 1)


def _by_precision(
    precision: pd.Series,
    day: npt.NDArray[np.datetime64],
    month: npt.NDArray[np.datetime64],
    year: npt.NDArray[np.datetime64],
) -> npt.NDArray[np.datetime64]:
    is_month, is_year = precision.eq("month").to_numpy(bool), precision.eq("year").to_numpy(bool)
    return np.where(is_year, year, np.where(is_month, month, day))


def coarsest(begin: pd.Series, end: pd.Series) -> pd.Series:
    """Coarser of two precisions (their names sort from fine to coarse); a missing one yields."""
    return begin.where(end.isna() | (begin >= end), end)


def extents(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Each group's first begin and last end (NaT where any row is still open), indexed by group.

    Of equal dates the coarser precision holds, so the order of the rows is of no matter.
    """
    begin, end = ["begin_date", "begin_precision"], ["end_date", "end_precision"]
    first = rows.sort_values(begin, ascending=[True, False]).drop_duplicates(by)
    last = rows.sort_values(end, ascending=False, na_position="first").drop_duplicates(by)
    return pd.concat([first.set_index(by)[begin], last.set_index(by)[end]], axis=1)[SPAN]


def first_known(frames: Sequence[pd.DataFrame], by: list[str]) -> pd.DataFrame:
    """Each group's rows from the first of the frames that has the group."""
    known = frames[0]
    for frame in frames[1:]:
        new = ~pd.MultiIndex.from_frame(frame[by]).isin(pd.MultiIndex.from_frame(known[by]))
        if new.any():
            known = pd.concat([known, frame[new]], ignore_index=True)
    return known


def spells(rows: pd.DataFrame, by: list[str], any_of: list[str]) -> pd.DataFrame:
    """Merge rows that overlap or follow one another within a day; flags hold if any row's does.

    An end known to the month or year reaches to its last possible day, so that a missing day
    alone makes no gap. Later rows after a real gap are another spell: the state left and returned.
    """
    rows = rows.assign(
        _from=earliest(rows["begin_date"], rows["begin_precision"]).astype("M8[s]"),
        _to=np.where(
            rows["end_date"].isna(), _OPEN, latest(rows["end_date"], rows["end_precision"])
        ).astype("M8[s]"),
    ).sort_values([*by, "_from", "_to"])
    reach = rows.assign(_reach=rows.groupby(by)["_to"].cummax()).groupby(by)["_reach"].shift()
    new = reach.isna() | (rows["_from"] > reach + pd.Timedelta(days=1))
    rows = rows.assign(_spell=new.cumsum())
    group = [*by, "_spell"]
    flags = rows.groupby(group)[any_of].max()
    return extents(rows, group).join(flags).sort_index().reset_index().drop(columns="_spell")


def last_day(rows: pd.DataFrame) -> date:
    """31 December of the last year in which anything begins or ends."""
    return date(int(rows[["begin_date", "end_date"]].max().max().year), 12, 31)


def labelled(frame: pd.DataFrame, dataset: str, version: str, columns: list[str]) -> pd.DataFrame:
    """Frame with its dataset and version, these columns in this order, and a plain index."""
    whole = {name: "int64" for name in ("phase", "cow_code") if name in columns}
    return (
        frame.assign(
            dataset=pd.Series(dataset, frame.index, "str"),
            version=pd.Series(version, frame.index, "str"),
        )[[*KEY, *columns]]
        .astype(whole)
        .reset_index(drop=True)
    )
