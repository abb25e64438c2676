"""How much one query may take, in the dashboard and in a terminal; and how a query can end."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import MilexError

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What one query may take.

    seconds: on the clock. memory_mb: DuckDB's own, for what it can count; room_mb: the process's,
    for all the rest. rows, result_mb: of the answer; what goes beyond the rows is left out, what
    goes beyond the size is cut after the last row that fits. threads: of the processor.
    """

    seconds: float
    memory_mb: int
    room_mb: int
    rows: int | None
    result_mb: int
    threads: int


# Many people share the dashboard; a terminal is one person's, who waits for a whole export.
DASHBOARD = Limits(10.0, 256, 1_500, 10_000, 4, 1)
TERMINAL = Limits(300.0, 1_000, 4_000, None, 1_000, 2)


class QueryError(MilexError):
    """A query without an answer."""

    def __init__(self, kind: str, message: str) -> None:
        """Say why there is no answer.

        kind: statement, table or function (it may not run); failed (DuckDB's own message); time,
        memory or busy (a limit was hit).
        """
        super().__init__(message)
        self.kind = kind
