"""Where things are: folders, mirror and limits, from the environment; knows no data format."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MilexError


@dataclass(frozen=True)
class Settings:
    """The folders that one Milex installation works in.

    home: the checkout (`MILEX_HOME`, else the folder that holds this package).
    data: `MILEX_DATA`, else `<home>/data`.
    mirror: a folder of publishers' files (`MILEX_MIRROR`), or None.
    mirror_url: where the mirror's files are fetched from, if `MILEX_MIRROR` is an fsspec URL.
    snapshots_url: shared storage of snapshots (`MILEX_SNAPSHOTS_URL`, an fsspec URL), or None.
    dask: address of a Dask scheduler that computes intervals (`MILEX_DASK`), or None.
    sql_workers: processes that answer the dashboard's ad hoc queries (`MILEX_SQL_WORKERS`).
    """

    home: Path
    data: Path
    mirror: Path | None
    mirror_url: str | None = None
    snapshots_url: str | None = None
    dask: str | None = None
    sql_workers: int = 2

    @property
    def raw(self) -> Path:
        """What the publishers gave: downloads and a user's own copies."""
        return self.data / "raw"

    @property
    def excerpt(self) -> Path:
        """The committed figures that stand in for files that are not there."""
        return self.home / "data" / "raw" / "excerpt"

    @property
    def processed(self) -> Path:
        """What the pipeline makes: the warehouse, the snapshots and the pointer to one."""
        return self.data / "processed"

    @property
    def warehouse(self) -> Path:
        """The pipeline's own database; nobody else opens it."""
        return self.processed / "warehouse.duckdb"

    @property
    def snapshots(self) -> Path:
        """Complete, immutable snapshots, the newest last by name."""
        return self.processed / "snapshots"

    @property
    def pointer(self) -> Path:
        """The stable path that readers resolve: a symbolic link to the current snapshot."""
        return self.processed / "milex.duckdb"

    @property
    def dagster_home(self) -> Path:
        """Dagster's run history."""
        return Path(os.environ.get("DAGSTER_HOME") or self.processed / "dagster").absolute()

    @property
    def sql(self) -> Path:
        """The models, metrics and checks."""
        return self.home / "sql"

    @property
    def claim_folders(self) -> tuple[Path, ...]:
        """Folders of claim files: the project's, then the user's own."""
        return (self.home / "claims", self.data / "claims")


def load_settings() -> Settings:
    """Read the environment once; relative folders count from the current directory."""
    home = Path(os.environ.get("MILEX_HOME") or Path(__file__).resolve().parent.parent).absolute()
    data = Path(os.environ.get("MILEX_DATA") or home / "data").absolute()
    named = os.environ.get("MILEX_MIRROR")
    url = named if named and "://" in named else None
    mirror = Path(named).absolute() if named else None
    if url:  # a folder for each URL, so that another's files never count as this one's
        mirror = data / "processed" / "mirror" / hashlib.sha256(url.encode()).hexdigest()[:12]
    return Settings(
        home=home,
        data=data,
        mirror=mirror,
        mirror_url=url,
        snapshots_url=os.environ.get("MILEX_SNAPSHOTS_URL") or None,
        dask=os.environ.get("MILEX_DASK") or None,
        sql_workers=_workers(os.environ.get("MILEX_SQL_WORKERS") or "2"),
    )


def _workers(named: str) -> int:
    if not named.isdecimal() or not 1 <= int(named) <= 64:
        raise MilexError(f"MILEX_SQL_WORKERS is '{named}': give a whole number from 1 to 64.")
    return int(named)
