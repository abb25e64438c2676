"""A progress bar for whoever waits at a terminal; the work itself only says what it is at."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

# What is made next, one message a table; and what takes long, one message a file.
TABLES = logging.getLogger("pipelines.progress.tables")
FILES = logging.getLogger("pipelines.progress.files")


@contextmanager
def shown(expected: int) -> Iterator[None]:
    """Show a bar of `expected` tables on a terminal; elsewhere, a line for each file that is read."""
    for logger in (TABLES, FILES):
        logger.setLevel(logging.INFO)
        logger.propagate = False
    if not sys.stderr.isatty():
        plain = logging.StreamHandler()
        FILES.addHandler(plain)
        try:
            yield
        finally:
            FILES.removeHandler(plain)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=expected)
        tables = _Handler(lambda text: bar.update(task, advance=1, description=text))
        files = _Handler(lambda text: bar.update(task, description=text))
        TABLES.addHandler(tables)
        FILES.addHandler(files)
        try:
            yield
        finally:
            TABLES.removeHandler(tables)
            FILES.removeHandler(files)


class _Handler(logging.Handler):
    """Passes each message on."""

    def __init__(self, show: object) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        assert callable(self._show)
        self._show(record.getMessage())


class TransferBar:
    """A bar for one transfer after the other, on a terminal only; called with how far it is."""

    def __init__(self) -> None:
        """No bar before the first byte."""
        self._bar: Progress | None = None

    def __call__(self, so_far: int, expected: int | None) -> None:
        """Show the bytes so far, and those expected if they are known."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = _transfer_bar()
        self._bar.update(self._bar.task_ids[0], completed=so_far, total=expected)

    def close(self) -> None:
        """Take the bar away, before a line is printed or the next transfer begins."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _transfer_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    bar.add_task("", total=None)
    bar.start()
    return bar
