"""What may not be in the repository, and what its lock files must hold."""

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# Each with the extras that it adds; the last is for an installation on more than one machine.
LOCKS = {
    "requirements.lock": (),
    "requirements-test.lock": ("test",),
    "requirements-extras.lock": ("postgres", "s3", "dask"),
}
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ \\]+)")

# Written so that no pattern matches its own text.
FORBIDDEN = {
    "host of a package registry": rb"pypi[.]org|python[h]osted|test[.]pypi|npmjs[.](?:org|com)|"
    rb"registry[.]yarnpkg|crates[.]io|deb[.]debian[.]org|archive[.]ubuntu[.]com|conda[.]anaconda",
    "setting that names a package index": rb"(?:extra-)?index-ur[l] *[=+:]|find-link[s] *[=+:]|"
    rb"(?m:^--(?:extra-)?(?:index-ur[l]|find-link[s]))|registry *= *http",
    "path of somebody's machine": rb"(?<![\w.~$}-])/(?:wor[k]|roo[t]|hom[e]|User[s])/\w",
    "private key": rb"-----BEGIN [A-Z ]*PRIVATE KE[Y]",
    "access token": rb"\b(?:ghp|gho|ghs|github_pat|glpat|pypi-AgE)[_-]?\w{20,}|"
    rb"\bAKIA[0-9A-Z]{16}\b",
    "password in an address": rb"\w://[^/\s:@'\"{}<>]+:[^/\s:@'\"{}<>]+@",
    "password": rb"(?i)\b(?:password|passwd|secret|api_?key|access_?token)\b['\"]? *[=:] *"
    rb"['\"][^'\"\s{}<>$]{8,}['\"]",
}


def committed_files() -> list[Path]:
    """What is, or on the next `git add` would be, in the repository."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    return [path for name in sorted(names) if (path := ROOT / name).is_file()]


def pins(lock: str) -> dict[str, set[str]]:
    """The versions that a lock pins, by name: several where markers tell them apart."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in committed_files():
        content = path.read_bytes()
        if b"\0" in content[:8000]:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]!r}"
            for number, line in enumerate(content.splitlines(), 1)
            if pattern.search(line)
        ]
    assert not found, f"{what}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("host of a package registry", "https://pypi" + ".org/simple"),
        ("setting that names a package index", "index-" + "url = https://example.com"),
        ("setting that names a package index", "--find-" + "links /wheels"),
        ("path of somebody's machine", "see /" + "work/shared"),
        ("path of somebody's machine", "('/" + "home/ann/data')"),
        ("access token", "gh" + "p_" + "a1" * 18),
        ("password in an address", "https://ann:hush" + "@example.com"),
        ("password", "pass" + "word = 'correct-horse'"),
    ],
)
def test_the_patterns_find(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text.encode())


@pytest.mark.parametrize("text", ["~/work/milex", "$HOME/work/x", "app/home/page.py", "../work/x"])
def test_the_patterns_leave_alone(text: str) -> None:
    assert not re.search(FORBIDDEN["path of somebody's machine"], text.encode())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(requirements) > 50
    for line in requirements:
        assert PIN.match(line), line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line[:80]
        assert "://" not in line, line[:80]


def test_locks_agree() -> None:
    runtime, test, extras = map(pins, LOCKS)
    assert {name: test.get(name) for name in runtime} == runtime
    # What is tested is what is installed, and nothing of the base is left out.
    assert {name: test.get(name) for name in extras} == extras
    assert runtime.keys() <= extras.keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_answer_pyproject(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in LOCKS[lock]:
        wanted += project["optional-dependencies"][extra]
    pinned = pins(lock)
    stale = []
    for requirement in map(Requirement, wanted):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(v) for v in versions):
            stale.append(f"{requirement}: {lock} has {sorted(versions) or 'nothing'}")
    assert not stale, "run `make lock`:\n" + "\n".join(stale)


def test_no_workbook_is_committed() -> None:
    kinds = {".xlsx", ".xls", ".xlsm", ".ods", ".dta", ".duckdb", ".zip"}
    assert not [path for path in committed_files() if path.suffix.lower() in kinds]


@pytest.mark.mirror
def test_no_publishers_file_is_committed(mirror: Path) -> None:
    theirs = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for path in mirror.rglob("*")
        if path.is_file() and path.stat().st_size
    }
    assert theirs
    same = [
        f"{path.relative_to(ROOT)} is {theirs[digest].name}"
        for path in committed_files()
        if (digest := hashlib.sha256(path.read_bytes()).hexdigest()) in theirs
    ]
    assert not same
