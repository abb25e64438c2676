"""What an installation may lack: packages of the extras, asked for by configuration only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pipelines.errors import MilexError


def load(module: str, extra: str, wanted_by: str) -> Any:
    """Import a module of an extra, named in pyproject.toml.

    Raises MilexError when it is not installed, with the extra to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MilexError(
            f"{wanted_by} needs the package {module.partition('.')[0]}, which is not installed "
            f"({error}). Install the extra: pip install -e '.[{extra}]'"
        ) from error
