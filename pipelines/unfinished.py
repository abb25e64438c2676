"""Files that are not whole yet: their names, and those that killed processes left.

Knows no format, and not what is written.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pipelines.processes import lives

# The writer's number is in the name; DuckDB puts its log beside the file.
NAME = re.compile(r"\..+\.(\d+)\.tmp(\.wal)?")


def unfinished_path(file: Path) -> Path:
    """A name beside a file for what is not whole yet; no reader looks at it."""
    return file.with_name(f".{file.name}.{os.getpid()}.tmp")


def unfinished_files(folder: Path, below: bool = True) -> list[Path]:
    """What lies in a folder, or below it, and nobody writes any more: its process was killed."""
    return [path for path in sorted(folder.glob("**/.*" if below else ".*")) if _is_left(path)]


def clear_unfinished(folder: Path, below: bool = True) -> None:
    """Remove what killed processes left behind."""
    for path in unfinished_files(folder, below):
        path.unlink(missing_ok=True)


def _is_left(path: Path) -> bool:
    found = NAME.fullmatch(path.name)
    try:
        return found is not None and not lives(int(found[1]), path.lstat().st_mtime)
    except FileNotFoundError:  # it is whole by now
        return False
