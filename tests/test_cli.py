"""The milex command: what it prints, where, and with which exit code."""

import socket

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from tests.conftest import BuiltData

COMMANDS = (
    "build", "fetch", "claims", "claim", "report", "sql", "export", "dashboard", "dagster", "doctor",
    "rollback", "excerpt",
)  # fmt: skip


@pytest.fixture
def run(excerpt_data: BuiltData, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MILEX_DATA", str(excerpt_data.settings.data))
    monkeypatch.delenv("MILEX_MIRROR", raising=False)
    return CliRunner()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])

    assert shown.exit_code == 0
    assert "Usage" in shown.output
    assert len(shown.output) > 100


def test_a_build_with_nothing_changed_reads_nothing_and_prints_the_claims(run: CliRunner) -> None:
    built = run.invoke(app, ["build"])

    assert built.exit_code == 0, built.output
    assert "Nothing changed since the last build" in built.stderr
    assert "asia-growth" in built.stdout
    assert "rest on the committed excerpt" in built.stdout
    assert "Database: " in built.stdout
    assert "make dashboard" in built.stdout


def test_the_claims_are_one_line_each(run: CliRunner) -> None:
    lines = run.invoke(app, ["claims"]).stdout.splitlines()
    growth = next(line for line in lines if line.startswith("asia-growth "))

    assert growth.split()[1:] == ["59", "%", "58.9", "%", "reproduced", "SIPRI", "2017"]


def test_a_query_is_answered_and_a_wrong_one_is_one_message(run: CliRunner) -> None:
    good = run.invoke(app, ["sql", "SELECT count(*) AS n FROM claims"])
    bad = run.invoke(app, ["sql", "SELECT nothing FROM nowhere"])

    assert good.exit_code == 0
    assert bad.exit_code == 1
    assert "nowhere" in bad.stderr
    assert "Traceback" not in bad.output


def test_no_snapshot_says_what_to_run(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILEX_DATA", str(tmp_path))
    shown = CliRunner().invoke(app, ["claims"])

    assert shown.exit_code == 1
    assert "make build" in shown.stderr


def test_a_busy_port_is_one_message(run: CliRunner) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        shown = run.invoke(app, ["dashboard", "--port", port])

    assert shown.exit_code == 1
    assert f"Port {port}" in shown.stderr
    assert "--port" in shown.stderr


def test_an_unknown_option_is_a_usage_error(run: CliRunner) -> None:
    assert run.invoke(app, ["build", "--nonsense"]).exit_code == 2
