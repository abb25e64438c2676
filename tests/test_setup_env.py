"""The script that makes `.venv`: what it does, what it leaves alone, what it says."""

import ast
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "setup_env.py"
NOWHERE = "http://127.0.0.1:9/simple"  # the discard port: refuses at once

# A stand-in for setuptools, so that the project installs with no package but its own.
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "milex-0.1.0-py3-none-any.whl", "milex-0.1.0.dist-info/"
    files = {
        "milex_stub.py": "def main(): print('hello')",
        info + "METADATA": "Metadata-Version: 2.1\\nName: milex\\nVersion: 0.1.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\nmilex = milex_stub:main\\n",
    }
    files[info + "RECORD"] = "".join(path + ",,\\n" for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "milex"
version = "0.1.0"

[tool.ruff]
line-length = 100
"""


def write_wheel(folder: Path, name: str) -> str:
    """A package with nothing but a module; returns the line that pins it in a lock."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in files.items():
            wheel.writestr(member, content)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A small project with the script in it, and packages that need no network."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.venv = self.root / ".venv"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.root / "tools").mkdir(parents=True)
        self.script = Path(shutil.copy(SCRIPT, self.root / "tools"))
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        self.lock = self.root / "requirements.lock"
        self.test_lock = self.root / "requirements-test.lock"
        self.lock.write_text(write_wheel(self.wheels, "tinyrun"))
        self.test_lock.write_text(self.lock.read_text() + write_wheel(self.wheels, "tinytest"))
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.environment = {
            "PATH": str(self.bin),
            "HOME": str(folder),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.wheels),
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(folder / "uv-cache"),
        }

    def use_uv(self) -> None:
        (self.bin / "uv").symlink_to(uv_program())

    def run(self, *arguments: str, python: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python or sys.executable, str(self.script), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def module(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("setup_env", self.script)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def has(self, name: str) -> bool:
        return any(self.venv.glob(f"lib/python*/site-packages/{name}.py"))

    def pretend_installed(self) -> None:
        """Everything that an installation leaves, made without one."""
        script = self.module()
        (self.venv / "bin").mkdir(parents=True)
        (self.venv / "bin" / "python").symlink_to(sys.executable)
        (self.venv / "bin" / "milex").touch()
        (self.venv / "milex-stamp.json").write_text(json.dumps(script.wanted()))


def uv_program() -> str:
    """The real uv, not a version manager's stand-in that needs its own PATH."""
    found = shutil.which("uv")
    if found is None:
        pytest.skip("uv is not on the PATH")
    asked = subprocess.run(
        [found, "tool", "dir"], capture_output=True, text=True, check=False, timeout=30
    )
    if asked.returncode:
        pytest.skip("uv does not run")
    manager = shutil.which("pyenv")
    if manager and "shims" in Path(found).parts:
        asked = subprocess.run(
            [manager, "which", "uv"], capture_output=True, text=True, check=False, timeout=30
        )
        found = asked.stdout.strip() or found
    return found


def old_pythons() -> list[str]:
    """Pythons older than 3.11 on this machine, for what they think of the script."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    manager = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    folders += sorted(Path(manager).glob("versions/*/bin"))
    names = ("python2.7", "python3.6", "python3.8", "python3.9", "python3.10")
    found = {name: str(folder / name) for folder in folders for name in names
             if (folder / name).is_file() and "shims" not in folder.parts}  # fmt: skip
    return [found[name] for name in sorted(found)]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


# --- Installing, from wheels made here -------------------------------------------------------


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_installs_once_then_does_nothing(checkout: Checkout, installer: str) -> None:
    if installer == "uv":
        checkout.use_uv()
    first = checkout.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"installing 1 packages with {installer}" in first.stdout
    assert "the environment is ready" in first.stdout
    hello = subprocess.run([checkout.venv / "bin" / "milex"], capture_output=True, check=True)
    assert hello.stdout == b"hello\n"
    assert checkout.has("tinyrun")
    assert not checkout.has("tinytest")
    before = {path: path.lstat().st_mtime_ns for path in checkout.venv.rglob("*")}

    second = checkout.run()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert before == {path: path.lstat().st_mtime_ns for path in checkout.venv.rglob("*")}


def test_tests_come_on_top_and_stay(checkout: Checkout) -> None:
    checkout.use_uv()
    assert checkout.run().returncode == 0
    assert "installing 2 packages" in checkout.run("--test").stdout
    assert checkout.has("tinytest")
    assert checkout.run().stdout == ""  # what runs is part of what tests
    assert checkout.run("--test").stdout == ""


def test_what_commands_import_is_compiled_even_where_python_writes_no_bytecode(
    checkout: Checkout,
) -> None:
    checkout.use_uv()
    checkout.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    imported = '"pipelines.definitions",'
    text = checkout.script.read_text()
    assert imported in text
    checkout.script.write_text(text.replace(imported, '"no_such_module", "tinyrun",'))
    assert checkout.run().returncode == 0
    (compiled,) = checkout.venv.glob("lib/python*/site-packages/__pycache__/tiny*")
    assert compiled.name.startswith("tinyrun.")


def test_interrupted_installation_starts_over(checkout: Checkout) -> None:
    checkout.use_uv()
    assert checkout.run().returncode == 0
    (checkout.venv / "milex-unfinished").touch()
    (checkout.venv / "left-over").touch()
    again = checkout.run()
    assert "replacing the .venv" in again.stdout
    assert not (checkout.venv / "left-over").exists()
    assert checkout.run().stdout == ""


def test_broken_environment_is_made_anew(checkout: Checkout) -> None:
    checkout.use_uv()
    assert checkout.run().returncode == 0
    (checkout.venv / "bin" / "python").unlink()
    (checkout.venv / "bin" / "python").symlink_to("/nonexistent/python3.11")
    assert "replacing the .venv" in checkout.run().stdout
    assert checkout.run().stdout == ""


def test_own_environment_is_kept(checkout: Checkout) -> None:
    checkout.use_uv()
    uv = str(checkout.bin / "uv")
    made = [uv, "venv", "--quiet", "--python", sys.executable, str(checkout.venv)]
    subprocess.run(made, env=checkout.environment, check=True)
    (checkout.venv / "mine").touch()
    assert "creating" not in checkout.run().stdout
    assert (checkout.venv / "mine").exists()
    assert checkout.has("tinyrun")


def test_changed_lock_is_installed_in_place(checkout: Checkout) -> None:
    checkout.use_uv()
    assert checkout.run().returncode == 0
    checkout.lock.write_text(checkout.test_lock.read_text())
    again = checkout.run()
    assert "installing 2 packages" in again.stdout
    assert "creating" not in again.stdout
    assert checkout.has("tinytest")


# --- Deciding whether there is anything to do --------------------------------------------------


def test_up_to_date_starts_no_program(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.pretend_installed()
    script = checkout.module()
    monkeypatch.setattr(script.subprocess, "Popen", None)
    monkeypatch.setattr(script.subprocess, "check_output", None)
    assert script.main([]) == 0
    assert script.main(["--test"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("file", "old", "new", "current"),
    [
        ("requirements.lock", "tinyrun==1.0", "tinyrun==1.1", False),
        ("pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"', False),
        ("pyproject.toml", "requires = []", 'requires = ["x"]', False),
        ("pyproject.toml", "line-length = 100", "line-length = 99", True),
        ("requirements-test.lock", "tinytest==1.0", "tinytest==1.1", True),
    ],
)
def test_what_makes_the_stamp_stale(
    checkout: Checkout, file: str, old: str, new: str, current: bool
) -> None:
    checkout.pretend_installed()
    path = checkout.root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    script = checkout.module()
    assert script.is_current(script.read_stamp(), script.wanted(), False) is current


def test_stale_for_tests_only(checkout: Checkout) -> None:
    checkout.pretend_installed()
    checkout.test_lock.write_text("")
    script = checkout.module()
    assert not script.is_current(script.read_stamp(), script.wanted(), True)


def test_moved_checkout_is_stale(checkout: Checkout) -> None:
    checkout.pretend_installed()
    moved = checkout.root.rename(checkout.root.parent / "elsewhere")
    checkout.script = moved / "tools" / "setup_env.py"
    script = checkout.module()
    assert not script.is_current(script.read_stamp(), script.wanted(), False)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"lock": 1}'])
def test_unreadable_stamp_is_no_stamp(checkout: Checkout, content: str) -> None:
    checkout.pretend_installed()
    (checkout.venv / "milex-stamp.json").write_text(content)
    script = checkout.module()
    assert not script.is_current(script.read_stamp(), script.wanted(), False)


# --- What it says when it cannot ---------------------------------------------------------------


def test_parses_on_old_pythons() -> None:
    tree = ast.parse(SCRIPT.read_text("ascii"), feature_version=(3, 6))
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Starred)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.cause]


def test_old_python(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = checkout.module()
    monkeypatch.setattr(script.sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(script.sys, "executable", "/opt/python3")
    monkeypatch.setenv("PATH", str(checkout.bin))
    assert script.main([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("milex: Python 3.11 or newer is needed, and /opt/python3 is Python 3.9;")
    assert said.count("\n") == 1
    assert not checkout.venv.exists()


def test_real_old_pythons(checkout: Checkout) -> None:
    found = old_pythons()
    if not found:
        pytest.skip("no old Python on this machine")
    for python in found:
        result = checkout.run(python=python)
        assert result.returncode == 2, python
        assert result.stderr.startswith("milex: Python 3.11 or newer is needed"), python
        assert result.stderr.count("\n") == 1, python


def test_old_python_hands_over_to_a_newer_one(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = checkout.module()
    broken = checkout.bin / "python3.13"  # as pyenv's stand-ins are for what is not selected
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    (checkout.bin / "python3.12").symlink_to(sys.executable)
    became: list[object] = []

    def become(*arguments: object) -> None:
        became.append(arguments)
        raise SystemExit

    monkeypatch.setattr(script.os, "execv", become)
    monkeypatch.setattr(script.sys, "version_info", (3, 9, 18))
    monkeypatch.setenv("PATH", str(checkout.bin))
    with pytest.raises(SystemExit):
        script.main(["--test"])
    newer = str(checkout.bin / "python3.12")
    assert became == [(newer, [newer, str(checkout.script), "--test"])]


def test_debian_python_without_venv(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = checkout.module()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setenv("PATH", str(checkout.bin))
    assert script.main([]) == 2
    said = capsys.readouterr().err
    assert "apt install python3-venv" in said
    assert said.count("\n") == 1
    assert not checkout.venv.exists()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_unreachable_index(checkout: Checkout, installer: str) -> None:
    if installer == "uv":
        checkout.use_uv()
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_OFFLINE", "UV_FIND_LINKS"):
        del checkout.environment[name]
    checkout.environment |= {"UV_DEFAULT_INDEX": NOWHERE, "UV_HTTP_RETRIES": "0"}
    checkout.environment |= {"PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "1"}
    if installer == "uv":
        del checkout.environment["PIP_INDEX_URL"]
    result = checkout.run()
    assert result.returncode == 2
    assert result.stderr.startswith("milex: the package index cannot be reached"), result.stdout
    assert result.stderr.count("\n") == 1
    assert not (checkout.venv / "milex-unfinished").exists()  # the next run goes on from here


def test_pip_stands_in_where_uv_reaches_nothing(checkout: Checkout) -> None:
    checkout.use_uv()
    del checkout.environment["UV_FIND_LINKS"]
    result = checkout.run()
    assert result.returncode == 0, result.stderr
    assert "uv reaches no package index; trying pip" in result.stdout
    assert checkout.has("tinyrun")
    assert checkout.run().stdout == ""


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "no permission to write (/x)"),
        (errno.EROFS, "no permission to write (/x)"),
    ],
)
def test_refusals_of_the_system(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    words: str,
) -> None:
    script = checkout.module()

    def refuse(_test: bool) -> None:
        raise OSError(number, os.strerror(number), "/x")

    monkeypatch.setattr(script, "set_up", refuse)
    assert script.main([]) == 2
    assert capsys.readouterr().err.startswith(f"milex: {words}")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("error: failed to write: No space left on device (os error 28)", "the disk is full"),
        ("a\nerror: [Errno 13] Permission denied: '/x/y'\nb", "no permission to write (error: ["),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "is not the one that the lock pins"),
        ("error: Hash mismatch for `six==1`", "is not the one that the lock pins"),
        ("WARNING: Retrying: NewConnectionError('<...>')", "the package index cannot be reached"),
        ("  Caused by: dns error: failed to lookup", "the package index cannot be reached"),
        ("first\n\nERROR: something new", "going failed; the installer said:\n  first\n  ERROR"),
    ],
)
def test_installers_failures(checkout: Checkout, output: str, words: str) -> None:
    assert words in checkout.module().reason(output, "going")


def test_failed_installer_is_one_message(checkout: Checkout) -> None:
    checkout.lock.write_text("tinyrun==9.9 --hash=sha256:" + "0" * 64 + "\n")
    checkout.use_uv()
    result = checkout.run()
    assert result.returncode == 2
    assert result.stderr.startswith("milex: installing 1 packages with uv failed")
    assert "tinyrun" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (checkout.venv / "milex-stamp.json").exists()


def test_progress() -> None:
    spec = importlib.util.spec_from_file_location("setup_env", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    lines = ["Collecting a==1", "  Downloading a.whl", "Ignoring b: markers 'x' don't match"]
    assert script.progress(lines, 10, 4.2) == "fetched 2 of 10, 4 s"
    assert script.progress([*lines, "Installing collected packages: a"], 10, 5) == "unpacking, 5 s"
    assert script.progress([], 10, 6) == "6 s"
