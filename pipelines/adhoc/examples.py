"""The worked examples of `sql/examples/`: a question, what its answer means, and the query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MilexError
from pipelines.settings import Settings


@dataclass(frozen=True)
class Example:
    """One worked example. name: the file's; sql: the whole file, its comment included."""

    name: str
    question: str
    meaning: str
    sql: str


def load_examples(settings: Settings) -> dict[str, Example]:
    """Every example, by name."""
    paths = sorted((settings.sql / "examples").glob("*.sql"))
    return {path.stem: _read(path) for path in paths}


def find_example(settings: Settings, name: str) -> Example:
    """One example.

    Raises MilexError for a name that is none.
    """
    examples = load_examples(settings)
    if name not in examples:
        raise MilexError(f"There is no example {name}. There are: {', '.join(examples)}.")
    return examples[name]


def _read(path: Path) -> Example:
    sql = path.read_text(encoding="utf-8").strip()
    comment = [line[2:].strip() for line in sql.splitlines() if line.startswith("--")]
    question, *meaning = comment
    return Example(path.stem, question, " ".join(filter(None, meaning)), sql)
