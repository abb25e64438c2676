"""COW: alliances with both kinds of censoring, state codes and system membership."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import ReadError
from pipelines.readers.cow import (
    read_cow_alliances,
    read_cow_state_codes,
    read_cow_system_membership,
)
from pipelines.readers.sniff import sniff_cow
from pipelines.readers.treaties import AllianceVersion

HEADER = (
    "version4id,ccode,state_name,all_st_day,all_st_month,all_st_year,all_end_day,all_end_month,"
    "all_end_year,ss_type,mem_st_day,mem_st_month,mem_st_year,mem_end_day,mem_end_month,"
    "mem_end_year,left_censor,right_censor,defense,neutrality,nonaggression,entente,version"
)


def row(
    who: int,
    whole: str = "1,1,1950,,,",
    own: str = "1,1,1950,,,",
    *,
    censored: str = "0,1",
    duties: str = "1,0,0,0",
    alliance: int = 1,
    version: str = "4.1",
) -> str:
    return f'{alliance},{who},"State",{whole},Type I,{own},{censored},{duties},{version}'


@pytest.fixture
def read(tmp_path: Path):
    def read(*rows: str) -> AllianceVersion:
        path = tmp_path / "cow.csv"
        path.write_text("\n".join([HEADER, *rows]))
        return read_cow_alliances(path)

    return read


def saved(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (HEADER, "alliances_by_member"),
        (HEADER.upper(), "alliances_by_member"),
        (HEADER + ",year", None),
        ("CCode,StateNme,StateAbb", "state_codes"),
        (
            "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday",
            "system_membership",
        ),
        ("stateabb,ccode,year,version", None),
        ("version4id,ccode1,ccode2,defense", None),
        ("<html>", None),
    ],
)
def test_a_file_is_known_by_its_columns(tmp_path, header: str, kind: str | None) -> None:
    assert sniff_cow(saved(tmp_path, header + "\n")) == kind


def test_an_alliance_runs_if_and_only_if_its_end_year_is_blank(read) -> None:
    got = read(
        row(2, own="1,1,1950,5,5,1960", censored="0,0"),
        row(20),
        row(2, "1,1,1950,1,1,1960", "1,1,1950,1,1,1960", censored="0,0", alliance=2),
        row(20, "1,1,1950,1,1,1960", "1,1,1950,1,1,1960", censored="0,0", alliance=2),
    )
    assert got.alliances["ending"].tolist() == ["in force", "unknown"]
    assert got.alliances["end_date"].isna().tolist() == [True, False]
    assert got.members["right_censored"].tolist() == [False, True, False, False]
    assert got.closing_date == date(2012, 12, 31)


def test_left_censoring_keeps_the_treaty_s_own_beginning(read) -> None:
    got = read(
        row(200, "9,5,1386,,,", "1,1,1816,,,", censored="1,1"),
        row(235, "9,5,1386,,,", censored="0,1"),
    )
    assert got.alliances["begin_date"].item() == pd.Timestamp("1386-05-09")
    assert got.alliances["left_censored"].tolist() == [True]
    assert got.members["left_censored"].tolist() == [True, False]
    assert got.members["entry_date"].dt.year.tolist() == [1816, 1950]


def test_obligations_are_the_largest_over_members_and_the_members_own(read) -> None:
    got = read(row(2, duties="1,0,,0"), row(20, duties="0,1,,1"))
    obligations = ["defense", "neutrality", "consultation"]
    assert got.alliances.loc[0, obligations].all()
    assert got.phases.loc[0, ["phase", *obligations]].tolist() == [1, True, True, True]
    assert got.members["defense"].tolist() == [True, False]
    not_coded = ["offense", "nonaggression", "asymmetric", "wartime"]
    assert got.alliances[not_coded].isna().all(axis=None)


def test_bilateral_means_two_states(read) -> None:
    got = read(row(2), row(20), row(2, alliance=2), row(20, alliance=2), row(70, alliance=2))
    assert got.alliances["bilateral"].tolist() == [True, False]
    assert got.alliances["member_count"].tolist() == [2, 3]


def test_spells_are_merged_and_returns_are_kept(read) -> None:
    got = read(
        row(2, own="1,1,1950,8,8,1954", duties="0,0,0,1"),
        row(2, own="9,8,1954,1,1,1960"),
        row(2, own="1,1,1970,,,"),
    )
    assert got.members["entry_date"].dt.year.tolist() == [1950, 1970]
    assert got.members["defense"].tolist() == [True, True]
    assert got.member_phases["defense"].tolist() == [False, True, True]


def test_unknown_days_and_months(read) -> None:
    got = read(row(2, ",3,1950,,,1960", "0,0,1950,,,1960"))
    alliance = got.alliances.loc[0]
    assert (str(alliance.begin_date.date()), alliance.begin_precision) == ("1950-03-15", "month")
    assert (str(alliance.end_date.date()), alliance.date_precision) == ("1960-07-01", "year")
    assert got.members["entry_precision"].item() == "year"


def test_a_version_not_known_here_closes_with_its_last_year(read) -> None:
    got = read(row(2, version="5"), row(20, version="5", alliance=2, whole="1,1,1960,,,"))
    assert (got.version, got.closing_date) == ("5.0", date(1960, 12, 31))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row(2), row(20, "1,1,1951,,,")], "has other alliance dates than the other members"),
        ([row(2), row(2)], "has the same row twice"),
        ([row(2, "1,1,1950,1,1,1940")], "ends before it begins"),
        ([row(2, "31,2,1950,,,")], "is no date"),
        ([row(2, ",,,,,")], "has no beginning"),
        ([row(2, duties="2,0,0,0")], "defense is neither 0 nor 1"),
        ([row(2), row(20, version="3")], "should name one version"),
    ],
)
def test_contradictions_are_listed(read, rows: list[str], says: str) -> None:
    with pytest.raises(ReadError, match=r"cow\.csv: ") as error:
        read(*rows)
    assert says in str(error.value)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="as COW's formal alliances by member it lacks version4id"):
        read_cow_alliances(saved(tmp_path, "ccode\n2\n"))


def test_state_codes_end_lines_in_a_carriage_return_and_repeat(tmp_path: Path) -> None:
    path = saved(
        tmp_path, "StateAbb,CCode,StateNme\rJPN,740,Japan\rUSA,2,United States\rJPN,740,Japan\r"
    )
    got = read_cow_state_codes(path)
    assert got.to_dict("list") == {
        "cow_code": [2, 740],
        "abbreviation": ["USA", "JPN"],
        "name": ["United States", "Japan"],
    }


def test_a_code_with_two_names_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "StateAbb,CCode,StateNme\nJPN,740,Japan\nXXX,740,Other\n")
    with pytest.raises(
        ReadError, match="names different states by one code in line 2: '740-Japan'"
    ):
        read_cow_state_codes(path)


def test_system_membership_has_spells(tmp_path: Path) -> None:
    head = "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday,version\n"
    path = saved(tmp_path, head + "A,5,X,1990,1,1,2016,12,31,2016\nA,5,X,1816,1,1,1942,9,22,2016\n")
    got = read_cow_system_membership(path)
    assert got["start_date"].dt.year.tolist() == [1816, 1990]
    assert got["end_date"].dt.year.tolist() == [1942, 2016]


# The publisher's own files


@pytest.fixture(scope="module")
def path(mirror: Path) -> Path:
    return mirror / "cow" / "alliance_v4.1_by_member.csv"


@pytest.fixture(scope="module")
def cow(path: Path) -> AllianceVersion:
    return read_cow_alliances(path)


@pytest.mark.mirror
def test_the_files_are_known(mirror: Path) -> None:
    assert {file.name: sniff_cow(file) for file in (mirror / "cow").glob("*.csv")} == {
        "alliance_v4.1_by_member.csv": "alliances_by_member",
        "COW-country-codes.csv": "state_codes",
        "states2016.csv": "system_membership",
    }
    assert not any(sniff_cow(file) for file in (mirror / "atop").glob("*.csv"))


@pytest.mark.mirror
def test_414_alliances_in_force_iff_the_end_year_is_blank(path: Path, cow: AllianceVersion) -> None:
    raw = pd.read_csv(path)
    runs = raw.groupby(raw["version4id"].astype(str))["all_end_year"].count().eq(0)
    assert (cow.version, len(cow.alliances), len(cow.phases)) == ("4.1", 414, 414)
    assert (cow.alliances.set_index("alliance_id")["end_date"].isna() == runs).all()
    assert (cow.alliances["ending"].eq("in force") == cow.alliances["end_date"].isna()).all()
    assert cow.alliances["ending"].eq("in force").sum() == 98
    gone = raw["right_censor"].eq(0) & raw["all_end_year"].isna()
    assert gone.sum() == 14
    assert (raw["right_censor"].eq(1) == raw["mem_end_year"].isna()).all()


@pytest.mark.mirror
def test_left_censored_alliances(cow: AllianceVersion) -> None:
    early = cow.alliances[cow.alliances["left_censored"]]
    assert sorted(early["alliance_id"], key=int) == ["1", "2", "3", "4", "5", "6"]
    assert early["begin_date"].min() == pd.Timestamp("1386-05-09")
    entries = cow.members[cow.members["left_censored"]]["entry_date"]
    assert entries.eq(pd.Timestamp("1816-01-01")).all()
    assert len(entries) == 20


@pytest.mark.mirror
def test_keys_and_spells(cow: AllianceVersion) -> None:
    assert not cow.members.duplicated(["alliance_id", "cow_code", "entry_date"]).any()
    assert (len(cow.member_phases), len(cow.members)) == (1221, 1218)
    egypt = cow.members.query("alliance_id == '199' and cow_code == 651")
    assert egypt["entry_date"].dt.year.tolist() == [1945, 1989]
    assert cow.alliances["bilateral"].sum() == 326
    assert cow.alliances["begin_precision"].eq("day").all()


@pytest.mark.mirror
def test_states(mirror: Path) -> None:
    codes = read_cow_state_codes(mirror / "cow" / "COW-country-codes.csv")
    assert codes["cow_code"].is_unique
    assert codes.set_index("cow_code")["name"].loc[[2, 740]].tolist() == [
        "United States of America",
        "Japan",
    ]
    system = read_cow_system_membership(mirror / "cow" / "states2016.csv")
    assert set(codes["cow_code"]) == set(system["cow_code"])
    assert system["end_date"].max() == pd.Timestamp("2016-12-31")
