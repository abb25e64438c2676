"""How a build grows: with 1, 4 and 16 editions, and with 1, 10 and 100 times the alliances.

The larger inputs are made from real files: editions by cutting off the last years of the newest
workbook, alliances by repeating ATOP 3.0 under other numbers. What grows with them is the work, and
not what the figures mean.
"""

from __future__ import annotations

import csv
import random
import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import builds
from bench.builds import Run

EDITIONS = (1, 4, 16)
TIMES = (1, 10, 100)
# Above every number that ATOP gives to an alliance.
APART = 10_000
_NEWEST = 2025
# COW codes of states that existed for most of the time.
STATES = (  # noqa: SIM905
    "2 20 70 90 91 92 93 94 100 101 130 135 140 145 150 155 160 165 200 210 211 220 225 230 235 "
    "255 290 300 305 310 325 350 355 360 365 380 385 390 530 600 630 640 645 651 652 660 663 670 "
    "700 710 732 740 750 800"
).split()
_MEMBER = re.compile(r"mem\d+")
_CELL = re.compile(rb'<c r="([A-Z]+)\d+"[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
_YEAR = re.compile(rb"<v>(\d{4})(?:\.0)?</v>")


@dataclass(frozen=True)
class Grown:
    """A build of so many editions, or of so many times the alliances."""

    size: int
    run: Run


def with_editions(mirror: Path, scratch: Path) -> list[Grown]:
    """Builds of the newest edition and of the years before it as editions of their own."""
    newest = next(path for path in mirror.rglob("*.xlsx") if str(_NEWEST) in path.name)
    grown = []
    for size in EDITIONS:
        folder = scratch / f"editions-{size}"
        folder.mkdir(parents=True)
        for edition in range(_NEWEST, _NEWEST - size, -1):
            write_edition(newest, folder / f"edition-{edition}.xlsx", edition)
        grown.append(Grown(size, builds.build(scratch / f"built-{size}-editions", folder)))
    return grown


def with_alliances(mirror: Path, scratch: Path) -> list[Grown]:
    """Builds of one edition and so many times the alliances of ATOP 3.0."""
    edition = next(path for path in mirror.rglob("*.xlsx") if "2017" in path.name)
    grown = []
    for times in TIMES:
        folder = scratch / f"alliances-{times}"
        folder.mkdir(parents=True)
        shutil.copy(edition, folder)
        for path in mirror.rglob("atop3_0*.csv"):
            repeat(path, folder / path.name, times)
        grown.append(Grown(times, builds.build(scratch / f"built-{times}-alliances", folder)))
    return grown


def repeat(source: Path, target: Path, times: int) -> None:
    """A file of ATOP with each alliance so many times, under other numbers and among other states.

    Copies among the same states would all be renegotiations of one another.
    """
    with source.open(newline="", encoding="latin-1") as stream:
        names, *rows = list(csv.reader(stream))
    number = names.index("atopid")
    states = [n for n, name in enumerate(names) if name == "member" or _MEMBER.fullmatch(name)]
    with target.open("w", newline="", encoding="latin-1") as stream:
        out = csv.writer(stream)
        out.writerow(names)
        for copy in range(times):
            other = _others(copy)
            for row in rows:
                changed = list(row)
                changed[number] = str(int(row[number]) + copy * APART)
                for state in states:
                    changed[state] = other.get(row[state], row[state])
                out.writerow(changed)


def _others(copy: int) -> dict[str, str]:
    """Each state's stand-in in a copy: a permutation of states, the same in every file."""
    shuffled = list(STATES)
    if copy:
        random.Random(copy).shuffle(shuffled)
    return dict(zip(STATES, shuffled, strict=True))


def write_edition(source: Path, target: Path, edition: int) -> None:
    """A workbook as it would be if `edition` were its last year: later columns have no figures."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.startswith("xl/worksheets/sheet"):
                content = _without_later(content, edition)
            elif part.filename == "xl/workbook.xml":
                base, before = str(_NEWEST - 1).encode(), str(edition - 1).encode()
                content = content.replace(b"Constant (" + base, b"Constant (" + before)
            new.writestr(part, content)


def _without_later(sheet: bytes, edition: int) -> bytes:
    """A sheet's XML without the columns whose heading is a later year."""
    later = {
        cell[1]
        for cell in _CELL.finditer(sheet)
        if (year := _YEAR.search(cell[0])) and edition < int(year[1]) <= _NEWEST
    }
    return _CELL.sub(lambda cell: b"" if cell[1] in later else cell[0], sheet)


def ratios(grown: Sequence[Grown]) -> list[str]:
    """Seconds of each build over those of the first."""
    return [f"{one.run.seconds / grown[0].run.seconds:.1f}" for one in grown]
