"""The files in deploy/: what can be held against the code without the systems they are for."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pipelines import build
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


@pytest.mark.filterwarnings("ignore:The `__fields__` attribute:DeprecationWarning")  # Dagster's
def test_every_code_location_loads() -> None:
    workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))
    modules = [entry["python_module"]["module_name"] for entry in workspace["load_from"]]
    assert modules == ["pipelines.definitions", "pipelines.assets.bootstrap"]
    for module in modules:
        dg.Definitions.validate_loadable(importlib.import_module(module).defs)


def test_postgresql_changes_the_storage_and_nothing_else() -> None:
    ours = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    default = yaml.safe_load(build.INSTANCE)
    del ours["storage"], default["event_log_storage"]
    assert ours == default


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda p: p.name)
def test_a_unit_starts_a_command_of_this_project(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    (command,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    name = command.split()[0].rpartition("/")[2]
    assert name in ("milex", "dagster-webserver", "dagster-daemon")
    assert "EnvironmentFile=/etc/milex.env" in text


def test_what_was_not_run_says_so() -> None:
    for name in ("kubernetes.yaml", "nginx.conf"):
        assert "NOT run" in (DEPLOY / name).read_text(encoding="utf-8").splitlines()[0]
    assert list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


def test_nothing_of_it_is_imported_by_default() -> None:
    optional = ("s3fs", "dask", "distributed", "dagster_postgres", "psycopg2", "dagster_dask")
    program = (
        "import sys, pipelines.definitions, pipelines.replicas, dashboard.data\n"
        f"print([name for name in {optional} if name in sys.modules])"
    )
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.splitlines()[-1] == "[]"


def test_nothing_of_it_is_installed_by_default() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = " ".join(project["dependencies"])
    for extra, package in (("postgres", "dagster-postgres"), ("s3", "s3fs"), ("dask", "dask")):
        assert any(requirement.startswith(package) for requirement in extras[extra])
        assert package not in wanted
