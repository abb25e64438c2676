"""A whole project so small that a build takes seconds, and the process that forks such builds.

Knows what stands in the project's files and what a snapshot must say of them; kills nobody.
"""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import duckdb
import psutil

from pipelines.publish import current_snapshot
from pipelines.settings import Settings
from pipelines.warehouse import content_hash, public_file
from tests.conftest import ROOT
from tests.faults import house
from tests.readers.make_workbook import find, make_book, rewrite, save

CLAIMS = ("asia-growth", "china-share", "hub-six-spokes")
TREATIES = b"""\
atopid,phase,member,yrent,moent,dayent,yrexit,moexit,dayexit,defense,offense,neutral,nonagg,consul,\
bilat,term,version
3220,0,2,1951,9,8,0,0,0,1,0,0,0,1,1,0,5.1
3220,0,740,1951,9,8,0,0,0,0,0,0,0,1,1,0,5.1
1005,0,200,1815,1,1,1822,5,5,1,0,0,0,0,1,1,5.1
1005,0,230,1815,1,1,1822,5,5,1,0,0,0,0,1,1,5.1
"""
# Stands in three sheets; each version of the workbook has another number in its place.
MARK = 987654
YEAR = 2017
SEEN = f"""
SELECT value FROM observations WHERE country = 'China' AND year = {YEAR} AND measure = 'constant_usd'
UNION ALL SELECT value FROM observations
WHERE country = 'China' AND year = {YEAR} AND measure = 'current_usd'
UNION ALL SELECT constant_usd_m FROM spending WHERE country = 'China' AND year = {YEAR}
UNION ALL SELECT current_usd_m FROM spending_latest WHERE country = 'China' AND year = {YEAR}
UNION ALL SELECT constant_usd_bn FROM regional_spending
WHERE region = 'Asia & Oceania' AND basis = 'published' AND year = {YEAR}
UNION ALL SELECT current_usd_m FROM top({YEAR}) WHERE country = 'China'
"""


@dataclass(frozen=True)
class Project:
    """Folders with SQL, three claims, one workbook and four lines of treaties."""

    settings: Settings

    @classmethod
    def begun(cls, folder: Path) -> "Project":
        settings = Settings(home=folder / "home", data=folder / "data", mirror=None)
        settings.home.mkdir()
        settings.sql.symlink_to(ROOT / "sql")
        (settings.home / "claims").mkdir()
        for path in (ROOT / "claims" / "1-article").glob("*.yaml"):
            if path.stem in CLAIMS:
                shutil.copy(path, settings.home / "claims")
        settings.raw.mkdir(parents=True)
        (settings.raw / "atop5_1m.csv").write_bytes(TREATIES)
        book = make_book([*range(2008, YEAR + 1)])
        for sheet in ("Constant (2020) US$", "Current US$"):
            find(book[sheet], "China", YEAR).value = MARK
        find(book["Regional totals"], "Asia & Oceania", YEAR).value = MARK
        save(book, folder / "marked.xlsx")
        project = cls(settings)
        project.change(0)
        return project

    def change(self, version: int) -> None:
        """Put another version of the workbook in place: everything has to be made anew."""
        new = self.settings.data / "new.xlsx"
        shutil.copy(self.settings.home.parent / "marked.xlsx", new)
        rewrite(new, lambda _, part: part.replace(b"%d" % MARK, b"%d" % (MARK + version)))
        os.replace(new, self.settings.raw / "edition.xlsx")

    def beside(self, folder: Path) -> "Project":
        """The same files, and nothing built yet."""
        settings = Settings(home=self.settings.home, data=folder, mirror=None)
        folder.mkdir()
        settings.raw.symlink_to(self.settings.raw)
        return Project(settings)


def version_of(snapshot: Path) -> int:
    """Which version of the workbook a snapshot is of; fails if its tables are not of one."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        found = connection.execute(SEEN).fetchall()
    assert len(found) == 6, found
    assert len(set(found)) == 1, found
    return int(found[0][0]) - MARK


def row_counts(snapshot: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows each table has."""
    names = snapshot.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    counted = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for (name,) in names)
    return dict(snapshot.execute(counted).fetchall())


def contents(snapshot: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A hash of the rows of every table but the one that says when it was made."""
    names = snapshot.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    return {name: content_hash(snapshot, f'"{name}"')[0] for (name,) in names if name != "snapshot"}


def published(settings: Settings) -> int:
    """The version that readers are led to."""
    current = current_snapshot(settings)
    assert current is not None
    return version_of(current)


def version_in_warehouse(warehouse: Path) -> int | None:
    """The version that the figures were last made of, published or not; None before the first."""
    public = str(public_file(warehouse))
    with suppress(duckdb.Error), duckdb.connect(public, read_only=True) as connection:
        found = connection.execute(
            f"SELECT constant_usd_m FROM main.spending WHERE country = 'China' AND year = {YEAR}"
        ).fetchall()
        return int(found[0][0]) - MARK
    return None


@dataclass(frozen=True)
class Ended:
    """A build's exit code, and the seconds of processor that it took."""

    code: int
    seconds: float


class Build(Protocol):
    """Runs a build, or kills it after so many seconds of processor."""

    def __call__(self, of: Project | None = None, killed_after: float | None = None) -> Ended:
        """Of the project that the nursery was made for, or of one beside it."""


@contextmanager
def nursery(project: Project) -> Iterator[Build]:
    """A process that has imported Dagster, and forks builds: each costs what a build costs."""
    ours, theirs = house.FORK.Pipe()
    process = house.FORK.Process(target=_forking, args=(project.settings, theirs))
    process.start()
    theirs.close()  # so that the end of that process is heard of here

    def build(of: Project | None = None, killed_after: float | None = None) -> Ended:
        ours.send(((of or project).settings, killed_after))
        ended = ours.recv()
        assert isinstance(ended, Ended)
        return ended

    try:
        yield build
    finally:
        ours.close()
        process.join()


def _forking(settings: Settings, orders: Connection) -> None:
    _work_in(settings)
    # What every build would import and resolve for itself, at a second or more each.
    import matplotlib.pyplot  # noqa: F401

    from pipelines.definitions import defs

    defs.resolve_job_def("everything")
    forks = multiprocessing.get_context("fork")
    while True:
        try:
            of, killed_after = orders.recv()
        except EOFError:
            return
        build = forks.Process(target=_build, args=(of,))
        build.start()
        seconds = _watch(build, killed_after)
        assert build.exitcode is not None
        orders.send(Ended(build.exitcode, seconds))


def _watch(build: BaseProcess, killed_after: float | None) -> float:
    """Wait for the end, and bring it about: by processor, since a busy machine slows the clock."""
    process, seconds = psutil.Process(build.pid), 0.0
    while build.is_alive():
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            seconds = used.user + used.system
        if killed_after is not None and seconds >= killed_after:
            build.kill()
        build.join(0.005)
    return seconds


def _work_in(settings: Settings) -> None:
    for name in [name for name in os.environ if name.startswith(("MILEX_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ |= {"MILEX_HOME": str(settings.home), "MILEX_DATA": str(settings.data)}


def _build(settings: Settings) -> None:
    from pipelines.build import build

    _work_in(settings)
    build(settings, lambda _: None)
