"""What is read, what is read again, and what happens to files that cannot be read."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import openpyxl
import pytest
from openpyxl.workbook import Workbook

from pipelines import ingest, raw_layer
from pipelines.errors import MilexError
from pipelines.ingest import load_alliances, load_sipri
from pipelines.models import create, load_models
from pipelines.raw_layer import Failure, failures, load_files, reader_version
from pipelines.settings import Settings
from pipelines.sources import find
from pipelines.sources.catalogue import CatalogueFile, load_catalogue
from pipelines.sources.find import files_at_hand
from pipelines.warehouse import open_warehouse
from tests.readers.make_workbook import BLUE, COUNTRY_SHEETS, YEARS, colour, make_book, save
from tests.readers.make_workbook import find as cell
from tests.readers.test_atop import member
from tests.readers.test_atop import save as save_rows

ROOT = Path(__file__).resolve().parent.parent
MODELS = load_models(ROOT / "sql")


@dataclass
class House:
    """A data folder, a mirror, an empty excerpt, and the raw layer made from them."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    def put(self, name: str, book: Workbook | None = None, into: str = "raw") -> Path:
        """Drop a workbook into data/raw or into the mirror."""
        folder = self.settings.raw if into == "raw" else self.settings.mirror
        assert folder
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(book or make_book(), path)

    def load(self) -> list[Failure]:
        """Take stock and read what is new."""
        files = files_at_hand(self.settings)
        load_files(self.connection, files)
        return load_sipri(self.connection, files)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What a query gives."""
        return [tuple(row) for row in self.connection.execute(query).fetchall()]

    def sources(self) -> dict[str, dict[str, object]]:
        """The table `sources`, by file name."""
        for table in ("staging.sipri_editions", "main.sources"):
            create(self.connection, MODELS[table])
        relation = self.connection.execute("SELECT * FROM main.sources")
        columns = [entry[0] for entry in relation.description]
        rows = [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
        return {str(row["file_name"]): row for row in rows}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = Settings(home=tmp_path / "home", data=tmp_path / "data", mirror=tmp_path / "mirror")
    settings.raw.mkdir(parents=True)
    (tmp_path / "mirror").mkdir()
    with open_warehouse(settings.warehouse) as connection:
        yield House(settings, connection)


def book(change: Callable[[Workbook], None] | None = None, years: list[int] = YEARS) -> Workbook:
    made = make_book(years)
    if change:
        change(made)
    return made


def set_value(sheet: str, country: str, year: int, value: object) -> Callable[[Workbook], None]:
    def change(made: Workbook) -> None:
        cell(made[sheet], country, year).value = value

    return change


# --- recognised by content -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SIPRI-Milex-data-1949-2021.xlsx", "my copy (2).XLSX", "deep/er/Ausgaben-1999.xlsx"]
)
def test_a_workbook_is_an_edition_whatever_its_name(house: House, name: str) -> None:
    house.put(name)
    assert house.load() == []
    assert house.rows(
        "SELECT edition, base_year, first_year, last_year FROM raw.sipri_editions"
    ) == [(2021, 2020, 2015, 2021)]
    file_name = Path(name).name
    assert house.sources()[file_name]["version"] == "2021"
    assert house.sources()[file_name]["origin"] == "raw"
    assert house.sources()[file_name]["catalogued"] is False


def test_files_that_are_no_data_are_left_alone(house: House) -> None:
    house.put("~$open.xlsx")
    (house.settings.raw / "notes.csv").write_text("a,b\n1,2\n")
    (house.settings.raw / "readme.txt").write_text("hello")
    assert files_at_hand(house.settings) == []
    assert house.load() == []
    assert house.sources() == {}


def test_no_folder_of_this_machine_goes_into_the_tables(house: House) -> None:
    house.put("a.xlsx")
    broken = house.settings.raw / "broken.xlsx"
    broken.write_bytes(b"no workbook")
    house.load()
    for table in ("raw.files", "raw.sipri_editions", "raw.unreadable"):
        assert str(house.settings.data.parent) not in str(house.rows(f"FROM {table}"))


# --- read once -----------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the reader was given, in order."""
    given: list[str] = []
    read = ingest.read_sipri

    def watched(path: Path) -> object:
        given.append(path.name)
        return read(path)

    monkeypatch.setattr(ingest, "read_sipri", watched)
    return given


def test_a_second_load_reads_nothing_again(
    house: House, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a.xlsx")
    (house.settings.raw / "broken.xlsx").write_bytes(b"no workbook")
    first = house.load()
    figures = house.rows("SELECT count(*), sum(value) FROM raw.sipri_figures")
    assert sorted(reads) == ["a.xlsx", "broken.xlsx"]

    def refuse(path: Path) -> object:
        raise AssertionError(f"{path.name} was read again")

    monkeypatch.setattr(ingest, "read_sipri", refuse)
    assert house.load() == first
    assert house.rows("SELECT count(*), sum(value) FROM raw.sipri_figures") == figures


def test_a_renamed_or_moved_file_is_not_read_again(house: House, reads: list[str]) -> None:
    path = house.put("a.xlsx")
    house.load()
    path.rename(house.settings.raw / "b.xlsx")
    assert house.load() == []
    assert reads == ["a.xlsx"]
    assert set(house.sources()) == {"b.xlsx"}


def test_only_the_new_file_is_read(house: House, reads: list[str]) -> None:
    house.put("a.xlsx")
    house.load()
    house.put("b.xlsx", book(years=[*YEARS, 2022]))
    house.load()
    assert reads == ["a.xlsx", "b.xlsx"]
    assert house.rows("SELECT edition FROM raw.sipri_editions ORDER BY 1") == [(2021,), (2022,)]


def test_another_reader_reads_everything_again(
    house: House, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a.xlsx")
    house.load()
    monkeypatch.setattr(ingest, "reader_version", lambda: "newer")
    house.load()
    assert reads == ["a.xlsx", "a.xlsx"]
    assert house.rows("SELECT reader_version FROM raw.sipri_editions") == [("newer",)]
    assert reader_version() != "newer"


def test_a_new_name_in_the_reviewed_table_is_another_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr(raw_layer, "version_of", lambda paths: hashed.extend(paths) or "1")
    reader_version.cache_clear()
    reader_version()
    reader_version.cache_clear()
    assert {"countries.csv", "countries.py"} <= {path.name for path in hashed}


def test_a_removed_file_takes_its_edition_along(house: House) -> None:
    path = house.put("a.xlsx")
    house.put("b.xlsx", book(years=[*YEARS, 2022]))
    house.load()
    path.unlink()
    assert house.load() == []
    for table in raw_layer.SIPRI_TABLES:
        assert house.rows(f"SELECT DISTINCT edition FROM {table}") == [(2022,)]
    assert set(house.sources()) == {"b.xlsx"}


def test_a_build_killed_while_reading_leaves_no_half_edition(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a.xlsx")

    class Killed(BaseException):
        pass

    read = ingest.read_sipri

    def read_and_die(path: Path) -> object:
        edition = read(path)
        object.__setattr__(edition, "first_year", Killed())
        return edition

    monkeypatch.setattr(ingest, "read_sipri", read_and_die)
    with pytest.raises(BaseException):  # noqa: B017, PT011
        house.load()
    assert house.rows("SELECT count(*) FROM raw.sipri_figures") == [(0,)]
    monkeypatch.setattr(ingest, "read_sipri", read)
    assert house.load() == []
    assert house.rows("SELECT count(DISTINCT edition) FROM raw.sipri_figures") == [(1,)]


# --- files that cannot be read -------------------------------------------------------------------


def test_a_broken_workbook_is_a_remembered_failure_and_the_others_load(house: House) -> None:
    (house.settings.raw / "broken.xlsx").write_bytes(b"no workbook")
    house.put("good.xlsx")
    (failure,) = house.load()
    assert failure.file_name == "broken.xlsx"
    assert "broken.xlsx" in failure.reason
    assert house.rows("SELECT edition FROM raw.sipri_editions WHERE error IS NULL") == [(2021,)]
    assert failures(house.connection, "SIPRI") == [failure]
    sources = house.sources()
    assert sources["broken.xlsx"]["error"] == failure.reason
    assert sources["broken.xlsx"]["version"] is None
    assert sources["good.xlsx"]["error"] is None


def test_a_failure_is_forgotten_with_its_file(house: House) -> None:
    broken = house.settings.raw / "broken.xlsx"
    broken.write_bytes(b"no workbook")
    assert len(house.load()) == 1
    save(make_book(), broken)
    assert house.load() == []
    assert failures(house.connection, "SIPRI") == []


def test_a_missing_sheet_names_file_and_sheet(house: House) -> None:
    house.put("short.xlsx", book(lambda made: made.remove(made["Share of GDP"])))
    (failure,) = house.load()
    assert "short.xlsx" in failure.reason
    assert "Share of GDP" in failure.reason


def test_unknown_country_names_are_listed_with_their_cells(house: House) -> None:
    def translate(made: Workbook) -> None:
        for sheet in ("Constant (2020) US$", "Current US$"):
            cell(made[sheet], "Brazil", "Country").value = "Brasilien"
        cell(made["Current US$"], "China", "Country").value = "Kina"

    house.put("edited.xlsx", book(translate))
    house.put("good.xlsx", book(years=[*YEARS, 2022]))
    (failure,) = house.load()
    assert "2 country names are unknown" in failure.reason
    rows = {
        sheet: next(
            row
            for row in range(1, 99)
            if openpyxl.load_workbook(house.settings.raw / "edited.xlsx")[sheet].cell(row, 1).value
            == "Brasilien"
        )
        for sheet in ("Constant (2020) US$", "Current US$")
    }
    assert f"constant_usd row {rows['Constant (2020) US$']}: Brasilien" in failure.reason
    assert f"current_usd row {rows['Current US$']}: Brasilien" in failure.reason
    assert "Kina" in failure.reason
    assert "countries.csv" in failure.reason
    assert house.rows("SELECT edition FROM raw.sipri_editions WHERE error IS NULL") == [(2022,)]


def test_a_place_that_stands_twice_under_two_names_is_refused_with_its_rows(house: House) -> None:
    def double(made: Workbook) -> None:
        sheet = made["Current US$"]
        sheet.append(["North Korea", None, *[1.0] * len(YEARS)])
        totals = made["Regional totals"]
        totals.append(["Asia and Oceania ‡", *[1.0] * len(YEARS)])

    house.put("edited.xlsx", book(double))
    house.put("good.xlsx", book(years=[*YEARS, 2022]))
    (failure,) = house.load()
    made = openpyxl.load_workbook(house.settings.raw / "edited.xlsx")
    for sheet, measure, name in (
        ("Current US$", "current_usd", "Korea, North"),
        ("Current US$", "current_usd", "North Korea"),
        ("Regional totals", "regional_totals", "Asia & Oceania"),
        ("Regional totals", "regional_totals", "Asia and Oceania ‡"),
    ):
        row = cell(made[sheet], name, 2018).row
        assert f"{measure} row {row}: {name}" in failure.reason
    assert house.rows("SELECT edition FROM raw.sipri_editions WHERE error IS NULL") == [(2022,)]


def test_a_row_of_two_states_beside_one_of_them_is_refused(house: House) -> None:
    def double(made: Workbook) -> None:
        for name in ("USSR/Russia", "Russia"):
            made["Per capita"].append([name, None, *[1.0] * len(YEARS)])

    house.put("edited.xlsx", book(double))
    (failure,) = house.load()
    assert "USSR/Russia" in failure.reason
    assert "two names" in failure.reason


def test_a_long_list_of_unknown_names_is_cut(house: House) -> None:
    def rename_all(made: Workbook) -> None:
        for sheet in COUNTRY_SHEETS:
            for country in ("Algeria", "Brazil", "Canada", "China", "Iran"):
                cell(made[sheet], country, "Country").value = f"{country}land"

    house.put("edited.xlsx", book(rename_all))
    (failure,) = house.load()
    assert failure.reason.count(" row ") == 20
    assert "and 15 more cells" in failure.reason


def test_text_in_a_figure_cell_is_refused_with_the_cell(house: House) -> None:
    house.put("edited.xlsx", book(set_value("Current US$", "Brazil", 2018, "about 7")))
    (failure,) = house.load()
    made = openpyxl.load_workbook(house.settings.raw / "edited.xlsx")
    assert cell(made["Current US$"], "Brazil", 2018).coordinate in failure.reason
    assert "about 7" in failure.reason


# --- two copies of one edition -------------------------------------------------------------------


def in_use(house: House) -> set[str]:
    return {name for name, row in house.sources().items() if not row["superseded"]}


def test_equal_bytes_are_one_file(house: House) -> None:
    path = house.put("mine.xlsx")
    assert house.settings.mirror
    shutil.copy(path, house.settings.mirror / "theirs.xlsx")
    house.load()
    assert set(house.sources()) == {"mine.xlsx"}


def test_ones_own_copy_goes_before_the_mirrors(house: House) -> None:
    house.put("theirs.xlsx", into="mirror")
    house.put("mine.xlsx", book(set_value("Current US$", "Brazil", 2018, 1.0)))
    assert house.load() == []
    assert in_use(house) == {"mine.xlsx"}
    theirs = house.sources()["theirs.xlsx"]
    assert theirs["superseded"] is True
    assert theirs["cells_differing"] == 1
    assert theirs["version"] == "2021"
    assert house.sources()["mine.xlsx"]["cells_differing"] is None
    assert house.rows("SELECT count(*) FROM staging.sipri_editions") == [(1,)]


def test_a_copy_that_differs_in_no_figure_differs_in_no_cell(house: House) -> None:
    house.put("theirs.xlsx", into="mirror")
    house.put("mine.xlsx", book(lambda made: made["Footnotes"].append(["more"])))
    house.load()
    assert house.sources()["theirs.xlsx"]["cells_differing"] == 0


def test_what_a_program_rounds_off_when_it_saves_again_is_no_difference(house: House) -> None:
    house.put(
        "theirs.xlsx", book(set_value("Current US$", "Brazil", 2018, 242.67550465075664)), "mirror"
    )
    house.put("mine.xlsx", book(set_value("Current US$", "Brazil", 2018, 242.675504650757)))
    house.load()
    assert house.sources()["theirs.xlsx"]["cells_differing"] == 0


def test_every_kind_of_difference_is_counted(house: House) -> None:
    house.put("theirs.xlsx", into="mirror")

    def change(made: Workbook) -> None:
        cell(made["Current US$"], "Brazil", 2018).value = 1.0  # another figure
        cell(made["Current US$"], "Brazil", 2019).value = "..."  # none any more
        cell(made["Share of GDP"], "Korea, North", 2019).value = 0.2  # a new one
        row = cell(made["Per capita"], "Iran", 2015).row  # a whole row is gone
        made["Per capita"].delete_rows(row)
        colour(cell(made["Current US$"], "China", 2019), rgb=BLUE)  # the same figure, estimated
        cell(made["Current US$"], "Korea, North", 2020).value = "xxx"  # another reason for none

    house.put("mine.xlsx", book(change))
    house.load()
    assert house.sources()["theirs.xlsx"]["cells_differing"] == 5 + len(YEARS)


def test_a_row_that_only_the_copy_in_use_has_is_counted(house: House) -> None:
    def drop(made: Workbook) -> None:
        made["Per capita"].delete_rows(cell(made["Per capita"], "Iran", 2015).row)

    house.put("theirs.xlsx", book(drop), into="mirror")
    house.put("mine.xlsx")
    house.load()
    assert house.sources()["theirs.xlsx"]["cells_differing"] == len(YEARS)


def test_a_catalogued_copy_goes_before_an_unknown_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a-unknown.xlsx", book(set_value("Current US$", "Brazil", 2018, 1.0)))
    known = house.put("z-known.xlsx")
    house.load()
    assert in_use(house) == {"a-unknown.xlsx"}, "by name, as long as neither is catalogued"
    catalogue = load_catalogue()
    entry = CatalogueFile("SIPRI", "2021", "publishers-name.xlsx", sha256=find.sha256_of(known))
    extended = type(catalogue)(catalogue.datasets, (*catalogue.files, entry))
    for module in (raw_layer, find):
        monkeypatch.setattr(module, "load_catalogue", lambda: extended)
    house.load()
    assert in_use(house) == {"z-known.xlsx"}
    assert house.sources()["z-known.xlsx"]["catalogued"] is True


def test_ones_own_unknown_copy_goes_before_the_mirrors_catalogued_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = house.put("theirs.xlsx", into="mirror")
    house.put("mine.xlsx", book(set_value("Current US$", "Brazil", 2018, 1.0)))
    catalogue = load_catalogue()
    entry = CatalogueFile("SIPRI", "2021", "publishers.xlsx", sha256=find.sha256_of(theirs))
    extended = type(catalogue)(catalogue.datasets, (*catalogue.files, entry))
    for module in (raw_layer, find):
        monkeypatch.setattr(module, "load_catalogue", lambda: extended)
    house.load()
    assert in_use(house) == {"mine.xlsx"}


def test_the_mirrors_copy_steps_in_when_ones_own_cannot_be_read(house: House) -> None:
    house.put("theirs.xlsx", into="mirror")
    house.put("mine.xlsx", book(lambda made: made.remove(made["Per capita"])))
    assert [failure.file_name for failure in house.load()] == ["mine.xlsx"]
    assert in_use(house) >= {"theirs.xlsx"}
    assert house.rows("SELECT edition FROM staging.sipri_editions") == [(2021,)]


# --- alliances -----------------------------------------------------------------------------------


def test_without_any_alliance_file_it_says_what_to_do(house: House) -> None:
    house.put("a.xlsx")
    with pytest.raises(MilexError, match=r"no alliance data.*data/raw/"):
        load_alliances(house.connection, files_at_hand(house.settings))


def test_of_two_copies_of_an_alliance_file_the_first_that_can_be_read_counts(house: House) -> None:
    assert house.settings.mirror
    save_rows(
        house.settings.mirror / "atop5_1m.csv", [member(2, "1951-9-8"), member(740, "1951-9-8")]
    )
    mine = save_rows(house.settings.raw / "mine.csv", [member(2, "1951-9-8")])
    house.put("a.xlsx")

    def load() -> list[Failure]:
        house.load()
        return load_alliances(house.connection, files_at_hand(house.settings))

    members = "SELECT cow_code FROM raw.alliance_members ORDER BY 1"
    assert load() == []
    assert house.rows(members) == [(2,)]
    assert house.sources()["atop5_1m.csv"]["superseded"] is True
    assert house.sources()["mine.csv"]["superseded"] is False

    save_rows(mine, [member(2, "1951-13-8")])
    assert [failure.file_name for failure in load()] == ["mine.csv"]
    assert house.rows(members) == [(2,), (740,)]
    assert house.sources()["atop5_1m.csv"]["superseded"] is False
    assert "is no month" in str(house.sources()["mine.csv"]["error"])


@pytest.mark.mirror
def test_real_versions_are_read_and_a_damaged_one_harms_no_other(
    house: House, mirror: Path
) -> None:
    shutil.copytree(mirror / "atop", house.settings.raw / "atop")
    shutil.copytree(mirror / "cow", house.settings.raw / "cow")
    files = files_at_hand(house.settings)
    assert {(file.dataset, file.version) for file in files} >= {
        ("ATOP", "3.0"),
        ("ATOP", "5.1"),
        ("COW", "4.1"),
    }
    assert load_alliances(house.connection, files) == []
    versions = "SELECT DISTINCT dataset, version FROM raw.alliances ORDER BY ALL"
    assert house.rows(versions) == [("ATOP", "3.0"), ("ATOP", "5.1"), ("COW", "4.1")]

    damaged = house.settings.raw / "atop" / "atop5_1m.csv"
    lines = damaged.read_text(encoding="latin-1").splitlines(keepends=True)
    damaged.write_text("".join([*lines[:5], "not,a,row\n"]), encoding="latin-1")
    rejected = load_alliances(house.connection, files_at_hand(house.settings))
    assert [failure.file_name for failure in rejected] == ["atop5_1m.csv"]
    assert str(house.settings.raw) not in rejected[0].reason
    assert failures(house.connection, "alliances") == rejected
    assert house.rows(versions) == [("ATOP", "3.0"), ("COW", "4.1")]
