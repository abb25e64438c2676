"""ATOP: every trap in the files, on small made-up files and on the publisher's own."""

import csv
import random
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipelines.errors import ReadError
from pipelines.readers.atop import read_atop
from pipelines.readers.sniff import sniff_atop
from pipelines.readers.treaties import (
    AS_MEMBER,
    OBLIGATIONS,
    SPAN,
    AllianceVersion,
    extents,
    spells,
)

ZERO = dict.fromkeys(["defense", "offense", "neutral", "nonagg", "consul", "bilat"], 0)
CODED = {**ZERO, "asymm": 0, "wartime": 0, "conditio": 0, "term": 0, "cowid": "", "version": "5.1"}


def ymd(names: str, on: str) -> dict[str, str]:
    """Split 'year-month-day' over three columns; '' is 0 throughout."""
    return dict(zip(names.split(), (on or "0-0-0").split("-"), strict=True))


def member(who: int, since: str, until: str = "", phase: int = 0, **other: Any) -> dict[str, Any]:
    entry, left = ymd("yrent moent dayent", since), ymd("yrexit moexit dayexit", until)
    return {"atopid": 1005, **CODED, "member": who, "phase": phase, **entry, **left, **other}


def treaty(since: str, until: str = "", **other: Any) -> dict[str, Any]:
    dates = {**ymd("begyr begmo begday", since), **ymd("endyr endmo endday", until)}
    return {"atopid": 1005, **CODED, "maxphase": 0, **dates, **other}


def save(path: Path, rows: list[dict[str, Any]], shuffled: bool = False) -> Path:
    columns = list(rows[0])
    if shuffled:
        random.Random(1).shuffle(columns)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def read(tmp_path: Path):
    """Read an ATOP version from rows of each level."""

    def read(*members: dict[str, Any], **levels: list[dict[str, Any]]) -> AllianceVersion:
        if members:
            levels["member"] = list(members)
        return read_atop({k: save(tmp_path / f"{k}.csv", v) for k, v in levels.items()})

    return read


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        ([member(2, "1951-9-8")], "member"),
        ([treaty("1951-9-8")], "alliance"),
        ([treaty("1951-9-8", phase=1)], "phase"),
    ],
)
@pytest.mark.parametrize(
    ("printed", "version"),
    [("3", "3.0"), ("4.01", "4.01"), ("4.0100002", "4.01"), ("5", "5.0"), ("5.1", "5.1")],
)
def test_a_file_is_known_by_its_columns(tmp_path, rows, level, printed, version) -> None:
    rows = [{**row, "version": printed} for row in rows]
    path = save(tmp_path / "any name.csv", rows, shuffled=True)
    assert sniff_atop(path) == (version, level)


@pytest.mark.parametrize(
    ("name", "version"), [("atop4_01m.csv", "4.01"), ("ATOP 5.0 members.csv", "5.0")]
)
def test_without_a_column_of_the_version_the_publishers_name_tells_it(
    tmp_path: Path, name: str, version: str
) -> None:
    row = member(2, "1951-9-8")
    del row["version"]
    path = save(tmp_path / name, [row])
    assert sniff_atop(path) == (version, "member")
    assert read_atop({"member": path}).version == version
    with pytest.raises(ReadError, match=r"members\.csv: .*version.*atop5_1m\.csv"):
        sniff_atop(save(tmp_path / "members.csv", [row]))


def test_other_files_are_not_atop(tmp_path: Path) -> None:
    yearly = save(tmp_path / "sy.csv", [{**member(2, "1951-9-8"), "year": 1951}])
    assert sniff_atop(yearly) is None
    (page := tmp_path / "page.csv").write_text("<html>")
    assert sniff_atop(page) is None
    assert sniff_atop(tmp_path / "nothing.csv") is None


@pytest.mark.parametrize("seed", range(5))
def test_columns_may_stand_in_any_order(tmp_path: Path, seed: int) -> None:
    row = member(2, "1951-09-08")
    names = list(row)
    random.Random(seed).shuffle(names)
    path = tmp_path / "members.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerow(row)
    assert sniff_atop(path) == ("5.1", "member")
    assert read_atop({"member": path}).version == "5.1"


@pytest.mark.parametrize("versions", [["5", "5.1"], ["", ""], ["nan", "nan"], ["v5", "v5"]])
def test_a_file_of_no_one_version_is_refused(tmp_path: Path, versions: list[str]) -> None:
    rows = [member(2, "1951-9-8", version=v) for v in versions]
    with pytest.raises(ReadError, match=r"m\.csv: the column version should name one version"):
        sniff_atop(save(tmp_path / "m.csv", rows))


@pytest.mark.parametrize(
    ("version", "closing"),
    [
        ("3", date(2003, 12, 31)),
        ("4.01", date(2016, 12, 31)),
        ("5.1", date(2018, 12, 31)),
        ("6", date(1962, 12, 31)),
    ],
)
def test_closing_date(read, version: str, closing: date) -> None:
    both = {"version": version}
    got = read(member(2, "1951-9-8", **both), member(740, "1951-9-8", "1962-1-9", **both))
    assert got.closing_date == closing
    assert got.alliances["closing_date"].dt.date.tolist() == [closing]


def test_an_alliance_has_an_obligation_if_any_row_has_it(read) -> None:
    got = read(member(2, "1951-9-8", defense=1), member(740, "1951-9-8", consul=1))
    assert got.alliances.loc[0, ["defense", "consultation", "offense"]].tolist() == [
        True,
        True,
        False,
    ]
    own = got.members.set_index("cow_code")
    assert own["defense"].to_dict() == {2: True, 740: False}
    assert own["consultation"].to_dict() == {2: False, 740: True}


def test_own_files_give_dates_and_codes_but_obligations_come_from_all_rows(read) -> None:
    got = read(
        member(2, "1951-9-8", "1960-1-19", defense=1, term=3),
        member(740, "1951-9-8", "1960-1-19", term=3),
        alliance=[treaty("1951-9-9", "1960-1-20", term=2, bilat=1, cowid=3526)],
        phase=[treaty("1951-9-7", "1960-1-21", phase=0, wartime=1, consul=1)],
    )
    alliance, phase = got.alliances.loc[0], got.phases.loc[0]
    assert (str(alliance.begin_date.date()), alliance.ending) == ("1951-09-09", "violated")
    assert (alliance.bilateral, alliance.wartime, alliance.cow_id) == (True, False, "3526")
    assert (alliance.defense, alliance.consultation) == (True, True)
    assert (str(phase.end_date.date()), phase.wartime, phase.defense) == ("1960-01-21", True, True)
    assert (alliance.member_count, alliance.n_phases, phase.phase) == (2, 1, 1)


def test_what_one_file_lacks_is_rebuilt_from_another_and_noted(read) -> None:
    got = read(
        member(2, "1951-9-8", atopid=1),
        member(2, "1952-9-8", atopid=2),
        alliance=[treaty("1951-9-9", atopid=1), treaty("1953-1-1", atopid=3)],
    )
    assert got.alliances["alliance_id"].tolist() == ["1", "2", "3"]
    assert got.alliances["begin_date"].dt.year.tolist() == [1951, 1952, 1953]
    assert got.alliances["member_count"].tolist() == [1, 1, pd.NA]
    assert got.notes == (
        "alliance.csv lacks 1 of the alliances that member.csv has: 2",
        "member.csv lacks 1 of the alliances that alliance.csv has: 3",
    )


def test_the_alliance_file_alone(read) -> None:
    got = read(alliance=[treaty("1951-9-8", maxphase=2, mem1=2, mem2=740, mem3="")])
    assert got.alliances.loc[0, ["member_count", "n_phases"]].tolist() == [2, 2]
    assert (len(got.phases), len(got.members), len(got.member_phases)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("term", "until", "ending"),
    [
        (0, "", "in force"),
        (0, "1960-1-1", "independence lost"),
        (1, "1960-1-1", "fulfilled"),
        (2, "1960-1-1", "violated"),
        (3, "1960-1-1", "renegotiated"),
        ("", "1960-1-1", "unknown"),
        (7, "1960-1-1", "unknown"),
    ],
)
def test_endings(read, term: int | str, until: str, ending: str) -> None:
    assert read(member(2, "1951-9-8", until, term=term)).alliances["ending"].item() == ending


def test_a_rebuilt_alliance_ends_as_its_last_phase_and_is_bilateral_if_all_phases_are(read) -> None:
    got = read(
        member(2, "1954-9-8", "1977-6-30", 1, term=2),
        member(220, "1954-9-8", "1974-6-30", 1, term=2),
        member(800, "1954-9-8", "1977-6-30", 1, term=2),
        member(2, "1977-6-30", "", 2, bilat=1),
        member(800, "1977-6-30", "", 2, bilat=1),
    )
    assert got.alliances.loc[0, ["bilateral", "ending", "n_phases"]].tolist() == [
        False,
        "in force",
        2,
    ]
    assert got.phases["bilateral"].tolist() == [False, True]
    assert got.phases["ending"].tolist() == ["violated", "in force"]
    assert got.phases["member_count"].tolist() == [3, 2]
    assert got.members["cow_code"].tolist() == [2, 220, 800]
    assert len(got.member_phases) == 5


@pytest.mark.parametrize(
    ("second", "count"),
    [
        ("1960-1-1", 1),  # the day the first phase ends
        ("1960-1-2", 1),  # the day after
        ("1955-1-1", 1),  # before it ends
        ("1951-9-8", 1),  # the same entry, as 4070/220
        ("1960-1-3", 2),  # left and returned
    ],
)
def test_contiguous_phases_are_one_spell(read, second: str, count: int) -> None:
    got = read(member(2, "1951-9-8", "1960-1-1", 1), member(2, second, "1970-1-1", 2, defense=1))
    assert len(got.members) == count
    assert str(got.members["exit_date"].iloc[-1].date()) == "1970-01-01"
    assert got.members["defense"].tolist() == [False, True][-count:]
    assert not got.members.duplicated(["alliance_id", "cow_code", "entry_date"]).any()
    assert got.member_phases["defense"].tolist() == [False, True]


def test_a_missing_day_alone_makes_no_gap(read) -> None:
    got = read(member(2, "1951-9-8", "1960-1-", 1), member(2, "1960-1-30", "", 2))
    assert len(got.members) == 1
    assert got.members["exit_date"].isna().all()


def test_unknown_days_and_months_have_a_precision(read) -> None:
    got = read(member(2, "1951-9-", "1960--"), member(740, "1951-10-1", "1959-1-1"))
    alliance = got.alliances.loc[0]
    assert (str(alliance.begin_date.date()), alliance.begin_precision) == ("1951-09-15", "month")
    assert (str(alliance.end_date.date()), alliance.end_precision) == ("1960-07-01", "year")
    assert alliance.date_precision == "year"
    assert got.members.loc[1, ["entry_precision", "exit_precision"]].tolist() == ["day", "day"]


def test_a_guess_for_an_unknown_day_never_ends_an_alliance_before_it_begins(read) -> None:
    got = read(member(2, "1951-9-", "1951-9-10"), member(740, "1951-9-20", "1951-9-"))
    assert got.members["entry_date"].dt.day.tolist() == [10, 20]
    assert got.members["exit_date"].dt.day.tolist() == [10, 20]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (member(2, "1951-9-8", "1951-9-7"), "ends before it begins in line 2: '1005-1951-9-8-1951"),
        (member(2, "1951-2-31"), "is no date"),
        (member(2, ""), "atopid/yrent has no beginning in line 2: '1005-0'"),
        (member(2, "1951-9-8", "--"), "yrexit is blank where a number is needed"),
        (member(2, "1951-9-8", defense="yes"), "defense is not a whole number in line 2: 'yes'"),
        (member(2, "1951-9-8", defense=9), "defense is neither 0 nor 1"),
        (member("", "1951-9-8"), "member is blank"),
        (member(2, "1951-9-8", atopid="x"), "atopid is not a whole number"),
    ],
)
def test_impossible_cells_are_listed(read, row: dict[str, Any], says: str) -> None:
    with pytest.raises(ReadError, match=r"member\.csv: ") as error:
        read(row)
    assert says in str(error.value)


def test_a_repeated_row_is_refused(read) -> None:
    with pytest.raises(ReadError, match="has the same row twice in line 2: '1005'; line 3"):
        read(member(2, "1951-9-8"), member(2, "1951-9-8"))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    row = member(2, "1951-9-8")
    del row["consul"], row["yrexit"]
    with pytest.raises(ReadError, match="as an ATOP member file it lacks consul, yrexit"):
        read_atop({"member": save(tmp_path / "m.csv", [row])})


def test_columns_that_not_every_version_has_may_be_missing(tmp_path: Path) -> None:
    row = member(2, "1951-9-8")
    for name in ("asymm", "wartime", "conditio", "cowid"):
        del row[name]
    got = read_atop({"member": save(tmp_path / "m.csv", [row])}).alliances
    assert got[["asymmetric", "wartime", "conditional", "cow_id"]].isna().all(axis=None)


def test_no_file_and_files_of_two_versions(read) -> None:
    with pytest.raises(ReadError, match="no alliance, phase or member file"):
        read_atop({})
    with pytest.raises(ReadError, match="different versions"):
        read(member(2, "1951-9-8"), alliance=[treaty("1951-9-8", version=3)])


# Spells, for any rows in any order

FEWER = settings(max_examples=40, deadline=None)
DAYS = st.dates(date(1815, 1, 1), date(1830, 1, 1))
PRECISION = st.sampled_from(["day", "month", "year"])


@st.composite
def member_rows(draw: st.DrawFn) -> pd.DataFrame:
    def row() -> dict[str, Any]:
        begin, end = sorted([draw(DAYS), draw(DAYS)])
        return {
            "who": draw(st.integers(1, 2)),
            "begin_date": begin,
            "end_date": end if draw(st.booleans()) else None,
            "begin_precision": draw(PRECISION),
            "end_precision": draw(PRECISION),
            "defense": draw(st.booleans()),
        }

    frame = pd.DataFrame(
        [row() for _ in range(draw(st.integers(0, 8)))], columns=["who", *SPAN, "defense"]
    )
    dates = ["begin_date", "end_date"]
    frame = frame.astype({**dict.fromkeys(dates, "M8[s]"), "defense": "boolean", "who": "Int64"})
    frame = frame.astype(dict.fromkeys(["begin_precision", "end_precision"], "str"))
    return frame.assign(end_precision=frame["end_precision"].where(frame["end_date"].notna()))


def merged(rows: pd.DataFrame) -> pd.DataFrame:
    return spells(rows, ["who"], ["defense"])


@FEWER
@given(member_rows(), st.randoms(use_true_random=False))
def test_spells_do_not_depend_on_the_order_of_rows(rows: pd.DataFrame, rng: random.Random) -> None:
    order = list(range(len(rows)))
    rng.shuffle(order)
    assert_frame_equal(merged(rows), merged(rows.iloc[order].reset_index(drop=True)))


@FEWER
@given(member_rows())
def test_merging_spells_again_changes_nothing(rows: pd.DataFrame) -> None:
    assert_frame_equal(merged(merged(rows)), merged(rows))


@FEWER
@given(member_rows())
def test_spells_keep_the_extent_and_have_unique_entries(rows: pd.DataFrame) -> None:
    got = merged(rows)
    assert_frame_equal(extents(got, ["who"]).sort_index(), extents(rows, ["who"]).sort_index())
    assert not got.duplicated(["who", "begin_date"]).any()
    assert got["defense"].sum() <= rows["defense"].sum()
    gaps = got["begin_date"] - got.groupby("who")["end_date"].shift()
    assert (gaps.dropna() > pd.Timedelta(days=1)).all()


# The publisher's own files


@pytest.fixture(scope="module")
def own(mirror: Path) -> dict[str, Path]:
    names = {"alliance": "a", "phase": "ap", "member": "m"}
    return {level: mirror / "atop" / f"atop3_0{end}.csv" for level, end in names.items()}


@pytest.fixture(scope="module")
def v3(own: dict[str, Path]) -> AllianceVersion:
    return read_atop(own)


@pytest.fixture(scope="module")
def v51(mirror: Path) -> AllianceVersion:
    return read_atop({"member": mirror / "atop" / "atop5_1m.csv"})


def cells(path: Path) -> pd.DataFrame:
    """Read the file without the reader."""
    return pd.read_csv(path, low_memory=False)


def of(frame: pd.DataFrame, alliance: int, **where: int) -> pd.DataFrame:
    chosen = frame[frame["alliance_id"] == str(alliance)]
    for column, value in where.items():
        chosen = chosen[chosen[column] == value]
    return chosen


@pytest.mark.mirror
def test_the_files_are_known(own: dict[str, Path], mirror: Path) -> None:
    assert {level: sniff_atop(path) for level, path in own.items()} == {
        level: ("3.0", level) for level in own
    }
    assert sniff_atop(mirror / "atop" / "atop5_1m.csv") == ("5.1", "member")
    assert not any(sniff_atop(path) for path in (mirror / "cow").glob("*.csv"))


@pytest.mark.mirror
def test_sizes(v3: AllianceVersion, v51: AllianceVersion) -> None:
    frames = ["alliances", "phases", "members", "member_phases"]
    assert [len(getattr(v3, name)) for name in frames] == [648, 694, 1843, 1994]
    assert [len(getattr(v51, name)) for name in frames] == [789, 849, 2276, 2510]
    assert v3.notes == v51.notes == ()
    assert (v3.alliances["end_date"].isna().sum(), v51.alliances["end_date"].isna().sum()) == (
        258,
        372,
    )


@pytest.mark.mirror
@pytest.mark.parametrize("level", ["member", "phase"])
def test_the_largest_over_the_rows_gives_the_obligations_of_all_648(own, level: str) -> None:
    rebuilt = read_atop({level: own[level]}).alliances.set_index("alliance_id")[OBLIGATIONS]
    publisher = cells(own["alliance"]).set_index("atopid")
    publisher = publisher[["defense", "offense", "neutral", "nonagg", "consul"]].eq(1)
    assert publisher.index.astype(str).tolist() == rebuilt.index.tolist()
    assert (publisher.to_numpy() == rebuilt.to_numpy(bool)).all(axis=1).sum() == 648


@pytest.mark.mirror
def test_the_member_file_rebuilds_the_alliances_but_for_the_end_of_3610(own, v3) -> None:
    rebuilt = read_atop({"member": own["member"]})
    odd = v3.alliances.set_index("alliance_id").compare(rebuilt.alliances.set_index("alliance_id"))
    assert odd.index.tolist() == ["3610"]
    assert odd.columns.get_level_values(0).unique().tolist() == ["end_date"]
    assert odd["end_date"].loc["3610"].dt.strftime("%F").tolist() == ["1993-09-24", "1994-06-22"]
    assert_frame_equal(rebuilt.phases, v3.phases)
    assert_frame_equal(rebuilt.members, v3.members)


@pytest.mark.mirror
def test_dates_are_the_publisher_s(own, v3: AllianceVersion) -> None:
    publisher = cells(own["alliance"])
    for side, column in (("beg", "begin_date"), ("end", "end_date")):
        parts = publisher[[f"{side}yr", f"{side}mo", f"{side}day"]].set_axis(
            ["year", "month", "day"], axis=1
        )
        parts = parts[parts["year"] > 0].fillna({"day": 15})
        assert (v3.alliances[column].dropna() == pd.to_datetime(parts)).all()
        assert len(parts) == v3.alliances[column].notna().sum()


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["atop3_0m.csv", "atop5_1m.csv"])
def test_in_effect_is_a_zero_exit_year_and_active_is_a_matter_of_phase(mirror, name: str) -> None:
    rows = cells(mirror / "atop" / name)
    assert (rows["ineffect"].eq(1) == rows["yrexit"].eq(0)).all()
    either = rows["defense"] | rows["offense"]
    assert (
        either.groupby([rows["atopid"], rows["phase"]]).transform("max") == rows["active"]
    ).all()
    assert (either != rows["active"]).any()  # but not of the member's own row


@pytest.mark.mirror
def test_active_is_defence_or_offence_in_every_alliance_and_phase(own) -> None:
    for level in ("alliance", "phase"):
        rows = cells(own[level])
        assert ((rows["defense"] | rows["offense"]) == rows["active"]).all()


@pytest.mark.mirror
@pytest.mark.parametrize("alliance", [3220, 3375])
def test_japan_has_no_duty_to_defend_the_united_states(v3, v51, alliance: int) -> None:
    for version in (v3, v51):
        assert of(version.alliances, alliance)["defense"].item()
        assert of(version.members, alliance, cow_code=2)["defense"].item()
        assert not of(version.members, alliance, cow_code=740)["defense"].item()


@pytest.mark.mirror
def test_seato_lives_on_as_a_bilateral_phase(v3, v51) -> None:
    assert str(of(v3.alliances, 3260)["end_date"].item().date()) == "1977-06-30"
    assert of(v51.alliances, 3260)["ending"].item() == "in force"
    assert not of(v51.alliances, 3260)["bilateral"].item()
    second = of(v51.phases, 3260, phase=2).squeeze()
    assert (second.bilateral, second.member_count, second.ending) == (True, 2, "in force")
    running = of(v51.member_phases, 3260, phase=2)
    assert running["cow_code"].tolist() == [2, 800]
    assert len(of(v51.members, 3260, cow_code=800)) == 1


@pytest.mark.mirror
def test_two_phases_with_one_entry_date_are_one_spell(v3, v51) -> None:
    for version in (v3, v51):
        assert len(of(version.member_phases, 4070, cow_code=220)) == 3
        spell = of(version.members, 4070, cow_code=220).squeeze()
        assert (str(spell.entry_date.date()), pd.isna(spell.exit_date)) == ("1991-10-01", True)


@pytest.mark.mirror
def test_states_leave_and_return(v3, v51) -> None:
    egypt = of(v51.members, 3015, cow_code=651)
    assert egypt["entry_date"].dt.strftime("%F").tolist() == ["1945-03-22", "1989-05-22"]
    assert egypt["exit_date"].dt.strftime("%F").tolist()[0] == "1979-03-31"
    for version, states in ((v3, 12), (v51, 19)):
        count = version.members.groupby(["alliance_id", "cow_code"]).size()
        assert (count > 1).sum() == states
    assert len(of(v51.members, 3740, cow_code=345)) == 2  # twice in one phase


@pytest.mark.mirror
def test_keys_are_unique_and_members_lie_within_their_alliance(v3, v51) -> None:
    for version in (v3, v51):
        assert version.alliances["alliance_id"].is_unique
        assert not version.phases.duplicated(["alliance_id", "phase"]).any()
        assert not version.members.duplicated(["alliance_id", "cow_code", "entry_date"]).any()
        key = ["alliance_id", "phase", "cow_code", "entry_date"]
        assert not version.member_phases.duplicated(key).any()
        begin = version.alliances.set_index("alliance_id")["begin_date"]
        assert (version.members["entry_date"] >= version.members["alliance_id"].map(begin)).all()
        assert (version.phases["phase"] >= 1).all()
        assert (
            version.phases.groupby("alliance_id").size().to_numpy() == version.alliances["n_phases"]
        ).all()


@pytest.mark.mirror
def test_unknown_days(v3: AllianceVersion) -> None:
    assert v3.alliances["begin_precision"].value_counts().to_dict() == {"day": 646, "month": 2}
    assert v3.alliances["end_precision"].value_counts().to_dict() == {"day": 377, "month": 13}
    assert v3.alliances["date_precision"].notna().all()


@pytest.mark.mirror
def test_columns_in_any_order_read_the_same(own, v3: AllianceVersion, tmp_path: Path) -> None:
    def turned(level: str) -> Path:
        lines = own[level].read_text().splitlines()
        rows = [list(reversed(row)) for row in csv.reader(lines)]
        with (path := tmp_path / f"{level}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return path

    got = read_atop({level: turned(level) for level in own})
    for name in ("alliances", "phases", "members", "member_phases"):
        assert_frame_equal(getattr(got, name), getattr(v3, name))


def test_member_names_of_a_span() -> None:
    assert list(AS_MEMBER) == SPAN
