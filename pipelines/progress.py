"""A progress bar for whoever waits at a terminal; the work itself only says what it is at."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
