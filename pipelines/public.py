"""What a snapshot offers: its tables and metrics as the headers of the models describe them."""

from __future__ import annotations

from pipelines import bootstrap, checks, publish
from pipelines.claims import sentences
from pipelines.models import Model, load_models
from pipelines.settings import Settings


def tables(settings: Settings) -> list[Model]:
    """Every public table, by name."""
    found = [model for model in _public(settings) if not model.is_macro]
    return _sorted([*found, sentences.TABLE, checks.TABLE, bootstrap.TABLE, publish.SNAPSHOT])


def metrics(settings: Settings) -> list[Model]:
    """Every metric, by name."""
    return _sorted([model for model in _public(settings) if model.is_macro])


def _public(settings: Settings) -> list[Model]:
    return [model for model in load_models(settings.sql).values() if model.schema == "main"]


def _sorted(models: list[Model]) -> list[Model]:
    return sorted(models, key=lambda model: model.name)
