"""The files in deploy/: what can be held against the code without the systems they are for."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

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


def kubernetes(kind: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind in kubernetes.yaml, by name."""
    text = (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")
    found = [one for one in yaml.safe_load_all(text) if one["kind"] == kind]
    return {one["metadata"]["name"]: one for one in found}


def containers() -> dict[str, dict[str, Any]]:
    pods = [one["spec"]["template"]["spec"] for one in kubernetes("Deployment").values()]
    found = [one for pod in pods for one in [*pod["containers"], *pod.get("initContainers", [])]]
    return {one["name"]: one for one in found}


def test_containers_run_what_the_units_run() -> None:
    """The units are run by a test; the port is the instance's name there."""
    for name, unit, port in (
        ("dashboard", "milex-dashboard@", "8501"),
        ("daemon", "milex-daemon", ""),
        ("webserver", "milex-webserver", "3000"),
    ):
        text = (DEPLOY / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
        (command,) = re.findall(r"^ExecStart=/opt/milex/\.venv/bin/(.*)$", text, re.MULTILINE)
        # A container listens on its own address, a unit on loopback.
        asked = " ".join(containers()[name]["args"]).replace(" --host 0.0.0.0", "")
        assert asked.replace("0.0.0.0", "127.0.0.1") == command.replace("%i", port)
        ports = [str(one["containerPort"]) for one in containers()[name].get("ports", [])]
        assert ports == ([port] if port else [])
        for probe in ("readinessProbe", "livenessProbe"):
            if probe in containers()[name]:
                assert str(containers()[name][probe]["httpGet"]["port"]) == port
    (service,) = kubernetes("Service").values()
    assert [str(one["targetPort"]) for one in service["spec"]["ports"]] == ["8501"]


def test_settings_in_the_examples_are_read_by_somebody() -> None:
    ours = (ROOT / "pipelines" / "settings.py").read_text(encoding="utf-8")
    dagsters = (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")
    (configuration,) = kubernetes("ConfigMap").values()
    set_there = {
        *configuration["data"],
        *(one["name"] for container in containers().values() for one in container.get("env", [])),
        *re.findall(r"--from-literal=(\w+)", (DEPLOY / "kubernetes.yaml").read_text("utf-8")),
        *re.findall(
            r"^(\w+)=", (DEPLOY / "systemd" / "milex.env").read_text("utf-8"), re.MULTILINE
        ),
    }
    assert {"MILEX_DATA", "DAGSTER_HOME", "DAGSTER_POSTGRES_URL"} <= set_there
    for name in set_there:
        assert name.startswith("AWS_") or name in ours or name in dagsters, name


def test_the_image_has_what_it_copies_and_starts() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    kept = [
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    for name in kept:
        assert (ROOT / name).exists(), name
    assert {"requirements-extras.lock", "sql", "claims", "dashboard", "deploy"} <= set(kept)
    assert "COPY requirements-extras.lock ." in lines
    (command,) = [line for line in lines if line.startswith("CMD ")]
    assert json.loads(command[4:]) == containers()["dashboard"]["args"]


def test_nothing_of_it_is_imported_by_default() -> None:
    optional = ("s3fs", "dask", "distributed", "dagster_postgres", "psycopg2", "dagster_dask")
    program = (
        "import sys, pipelines.cli, pipelines.definitions, pipelines.assets.bootstrap\n"
        "import pipelines.replicas, dashboard.data\n"
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
