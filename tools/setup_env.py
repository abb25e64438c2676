# ruff: noqa: RUF005, UP024, UP031
"""Make `.venv` what the lock files say, and do nothing when it already is.

    python3 tools/setup_env.py           what `milex` needs to run
    python3 tools/setup_env.py --test    and what its tests need

Run by whatever `python3` the machine has. It must therefore parse on Pythons long out of
support, to say in one sentence what is missing: no f-strings, no annotations, nothing but the
standard library. Which package index is used is the machine's business (pip's and uv's own
configuration); what comes from it is checked against the hashes in the lock.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
COMMAND = os.path.join(VENV, "bin", "milex")
STAMP = os.path.join(VENV, "milex-stamp.json")
UNFINISHED = os.path.join(VENV, "milex-unfinished")
LOCK = os.path.join(ROOT, "requirements.lock")
TEST_LOCK = os.path.join(ROOT, "requirements-test.lock")
PYPROJECT = os.path.join(ROOT, "pyproject.toml")

OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")
ASK_VERSION = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.prefix)"
# The tables of pyproject.toml that decide what an installation of the project looks like.
INSTALLED_TABLES = ("[build-system", "[project", "[tool.setuptools")

DISK_FULL = "the disk is full; free about 1.5 GB and run the same command again"
NO_PERMISSION = "no permission to write (%s); run the command as the owner of this folder"
# What the commands import, each of which imports most of its package.
IMPORTED = (
    "pipelines.definitions",
    "pipelines.cli",
    "dagster._core.storage.sqlite_storage",
    "dagster_webserver.cli",
    "dagster._cli.api",
    "streamlit.web.cli",
    "streamlit.web.bootstrap",
    "streamlit.web.server",
    "plotly.graph_objects",
    "matplotlib.backends.backend_agg",
    "rich.progress",
)
IMPORT_AND_WRITE = """
import importlib, sys
sys.dont_write_bytecode = False
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
"""
# What an installer prints when something outside this project is wrong, and what to do about it.
REASONS = (
    (r"No space left on device|Disk quota exceeded|os error 28\b|Errno 28\b", DISK_FULL),
    (
        r"(?P<what>.*(?:Permission denied|Read-only file system|Operation not permitted).*)",
        NO_PERMISSION,
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "a downloaded package is not the one that the lock pins, so it was not installed; "
        "run the same command again, and if that fails too, ask who runs your package index",
    ),
    (
        r"Failed to fetch|network was disabled|connectivity is disabled|error sending request|"
        r"dns error|tcp connect error|timed out|NewConnectionError|Max retries exceeded|"
        r"Temporary failure in name resolution|Name or service not known|ConnectTimeoutError|"
        r"ReadTimeoutError|ProxyError|SSLError|Could not connect|Connection refused|"
        r"Network is unreachable",
        "the package index cannot be reached; connect to the internet, or tell pip or uv of the "
        "index or proxy to use (pip.conf, uv.toml or their environment variables), and run the "
        "same command again",
    ),
)
UNREACHABLE = REASONS[-1][1]


class Stop(Exception):
    """What a person reads when the environment cannot be made."""


def main(arguments):
    """Make the environment; return the exit code."""
    test = "--test" in arguments
    try:
        if is_current(read_stamp(), wanted(), test):
            return 0
        if sys.version_info < OLDEST:
            run_with_newer_python(arguments)
        with one_at_a_time():
            set_up(test)
    except Stop as stop:
        return fail(str(stop))
    except (IOError, OSError) as error:
        return fail(meaning(error))
    except KeyboardInterrupt:
        fail("interrupted; the next run starts over")
        return 130
    return 0


def fail(message):
    """Say what is wrong, in the one form that every message has."""
    sys.stderr.write("milex: %s\n" % message)
    return 2


def meaning(error):
    """Return the sentence for what the operating system refused to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NO_PERMISSION % error.filename
    return str(error)


def say(message):
    """Tell a waiting person what is being done."""
    sys.stdout.write("milex: %s\n" % message)
    sys.stdout.flush()


# --- Is there anything to do? ---------------------------------------------------------------


def wanted():
    """Describe the environment that the files of this checkout ask for."""
    return {
        "root": ROOT,  # installed commands name the folder they were installed in
        "interpreter": os.path.realpath(VENV_PYTHON),  # another one: the machine's was upgraded
        "project": digest(installed_part(read(PYPROJECT))),
        "lock": digest(read(LOCK)),
        "test_lock": digest(read(TEST_LOCK)),
    }


def is_current(stamp, want, test):
    """Tell whether the environment that the stamp describes will do."""
    return (
        os.path.exists(VENV_PYTHON)
        and os.path.exists(COMMAND)
        and not os.path.exists(UNFINISHED)
        and all(stamp.get(key) == want[key] for key in want if key != "test_lock" or test)
    )


def read_stamp():
    """Return what the last complete installation recorded, {} if there was none."""
    try:
        stamp = json.loads(read(STAMP).decode("utf-8"))
    except (IOError, OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def read(path):
    """Return a file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def digest(content):
    """Return the sha256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def installed_part(pyproject):
    """Keep the tables of pyproject.toml that an installation depends on, not the linters'."""
    kept = []
    keep = False
    for line in pyproject.decode("utf-8").splitlines():
        if line.startswith("["):
            keep = line.startswith(INSTALLED_TABLES)
        if keep and line.strip():
            kept.append(line)
    return "\n".join(kept).encode("utf-8")


# --- Which Python, and may it? --------------------------------------------------------------


def run_with_newer_python(arguments):
    """Become a Python that is new enough, if the machine has one."""
    for name in NEWER_PYTHONS:
        found = on_path(name)
        if found and version_of(found) >= OLDEST:
            become(found, arguments)
    uv = on_path("uv")
    if uv:
        asked = [uv, "python", "find", "--no-project", "--no-python-downloads", ">=3.11"]
        found = output_of(asked).strip()
        if found and version_of(found) >= OLDEST:
            become(found, arguments)
    raise Stop(
        "Python %d.%d or newer is needed, and %s is Python %d.%d; no newer one is on the PATH. "
        "Install one, or name it: make PYTHON=/path/to/python3"
        % (OLDEST + (sys.executable or "this",) + tuple(sys.version_info[:2]))
    )


def become(python, arguments):
    """Go on as another Python, in this same process."""
    os.execv(python, [python, os.path.abspath(__file__)] + list(arguments))


def on_path(name):
    """Return the program of that name, or None (old Pythons have no shutil.which)."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)
        if folder and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def output_of(command):
    """Return what a command prints, '' if it fails (as pyenv's stand-ins for Pythons may)."""
    with open(os.devnull, "wb") as nowhere:
        try:
            return subprocess.check_output(command, stderr=nowhere).decode("utf-8", "replace")
        except (OSError, subprocess.CalledProcessError):
            return ""


def version_of(python):
    """Return a Python's version as (major, minor), () if it does not run."""
    lines = output_of([python, "-c", ASK_VERSION]).splitlines()
    return tuple(int(part) for part in lines[0].split(".")) if lines else ()


def is_usable():
    """Tell whether .venv is an environment that packages can be installed into as it is."""
    if not os.path.exists(VENV_PYTHON) or os.path.exists(UNFINISHED):
        return False
    stamp = read_stamp()
    want = wanted()
    if stamp and any(stamp.get(key) != want[key] for key in ("root", "interpreter")):
        return False
    lines = output_of([VENV_PYTHON, "-c", ASK_VERSION]).splitlines()
    if not lines or tuple(int(part) for part in lines[0].split(".")) < OLDEST:
        return False
    return os.path.realpath(lines[1]) == os.path.realpath(VENV)


@contextlib.contextmanager
def one_at_a_time():
    """Wait for another run of this script on the same checkout to end."""
    import fcntl

    with open(os.path.abspath(__file__), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- Making it ------------------------------------------------------------------------------


def set_up(test):
    """Make the environment, recording at the very end that it is complete."""
    stamp = read_stamp()
    if is_current(stamp, wanted(), test):  # another run made it while this one waited
        return
    started = time.time()
    if not os.access(ROOT, os.W_OK):
        raise Stop(NO_PERMISSION % ROOT)
    uv = on_path("uv")
    if not is_usable():
        stamp = {}
        create(uv)
    with open(UNFINISHED, "w"):
        pass
    try:
        install(uv, stamp, test)
    except Stop as stop:
        if str(stop) == UNREACHABLE:  # found out before anything was changed
            os.remove(UNFINISHED)
        raise
    compile_what_is_imported()
    made = dict(wanted(), test_lock=wanted()["test_lock"] if test else "")
    with open(STAMP + ".tmp", "w") as file:
        json.dump(made, file, indent=1)
    os.rename(STAMP + ".tmp", STAMP)
    os.remove(UNFINISHED)
    say("the environment is ready (%.0f s)" % (time.time() - started))


def create(uv):
    """Create .venv anew, empty."""
    if not uv:
        require_ensurepip()
    if os.path.islink(VENV):
        os.unlink(VENV)
    elif os.path.isdir(VENV):
        say("replacing the .venv that is there: it is incomplete or no longer works")
        shutil.rmtree(VENV)
    # Of an environment that happens to be active, the Python that it was made from.
    python = getattr(sys, "_base_executable", None) or sys.executable
    doing = "creating .venv with Python %d.%d.%d" % tuple(sys.version_info[:3])
    run([uv, "venv", "--python", python, VENV] if uv else [python, "-m", "venv", VENV], doing)


def require_ensurepip():
    """Stop if this Python cannot make environments with pip in them."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Stop(  # noqa: B904 - "from" is not in every Python that reads this
            "this Python (%s) comes without venv, which Debian and Ubuntu package apart; "
            "run: sudo apt install python3-venv (or python%d.%d-venv), or install uv, "
            "and run the same command again" % ((sys.executable,) + tuple(sys.version_info[:2]))
        )


def pip_is_configured():
    """Tell whether pip was told things that uv does not read."""
    if any(name in os.environ for name in ("PIP_INDEX_URL", "PIP_PROXY", "PIP_FIND_LINKS")):
        return True
    named = os.environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:  # pip's way of having no configuration file
        return False
    home = os.path.expanduser("~")
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = (
        named,
        "/etc/pip.conf",
        os.path.join(home, ".pip", "pip.conf"),
        os.path.join(config, "pip", "pip.conf"),
    )
    return any(os.path.isfile(file) for file in files)


def install(uv, stamp, test):
    """Install the lock's packages, and the project itself so that edits take effect."""
    lock, name = (TEST_LOCK, "test_lock") if test else (LOCK, "lock")
    if stamp.get(name) != wanted()[name]:
        install_lock(uv, lock)
    run(
        installer(uv) + ["--no-deps", "--no-build-isolation", "--editable", ROOT],
        "installing milex itself",
    )


def install_lock(uv, lock):
    """Install what a lock pins; where uv reaches no index, ask pip, which may know of one."""
    total = read(lock).count(b"==")
    options = ["--require-hashes", "--no-deps", "-r", lock]
    doing = "installing %d packages with %s"
    try:
        run(installer(uv) + options, doing % (total, "uv" if uv else "pip"), total)
    except Stop as stop:
        if not uv or str(stop) != UNREACHABLE or not pip_is_configured():
            raise
        say("uv reaches no package index; trying pip, which this machine configures")
        run(installer(None) + options, doing % (total, "pip"), total)


def compile_what_is_imported():
    """Leave the bytecode of what every command imports: without it each one starts seconds later.

    Where Python is told to write none (PYTHONDONTWRITEBYTECODE), no later import would. All of
    the packages would take five times as long; a module that cannot be imported is told when used.
    """
    say("compiling what every command imports")
    output_of([VENV_PYTHON, "-c", IMPORT_AND_WRITE] + list(IMPORTED))


def installer(uv):
    """Return the command that installs into .venv, to which options are added."""
    if uv:
        return [uv, "pip", "install", "--python", VENV_PYTHON]
    if not output_of([VENV_PYTHON, "-m", "pip", "--version"]):  # an environment made by uv
        require_ensurepip()
        run([VENV_PYTHON, "-m", "ensurepip"], "adding pip to .venv")
    return [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]


def run(command, doing, total=0):
    """Run an installer, showing that it is alive; turn its failure into one sentence."""
    say(doing)
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    lines = []
    listener = threading.Thread(target=listen, args=(process.stdout, lines))
    listener.daemon = True
    listener.start()
    try:
        while listener.is_alive():
            listener.join(0.2)
            if sys.stdout.isatty():
                sys.stdout.write("\r  %s " % progress(lines, total, time.time() - started))
                sys.stdout.flush()
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        if sys.stdout.isatty():
            sys.stdout.write("\r%s\r" % (" " * 60))
            sys.stdout.flush()
    if process.returncode:
        raise Stop(reason("\n".join(lines), doing))


def listen(stream, lines):
    """Collect an installer's lines as they come."""
    for line in stream:
        lines.append(line.decode("utf-8", "replace").rstrip())


def progress(lines, total, seconds):
    """Describe how far an installer is, from what it printed."""
    seen = sum(line.startswith(("Collecting ", "Ignoring ", "Requirement al")) for line in lines)
    if any(line.startswith("Installing collected") for line in lines):
        state = "unpacking, "
    elif seen and total:
        state = "fetched %d of %d, " % (min(seen, total), total)
    else:
        state = ""
    return "%s%.0f s" % (state, seconds)


def reason(output, doing):
    """Return the one sentence that explains why an installer failed."""
    for pattern, sentence in REASONS:
        match = re.search(pattern, output)
        if match and sentence is NO_PERMISSION:
            return sentence % match.group("what").strip()
        if match:
            return sentence
    said = [line for line in output.splitlines() if line.strip()][-8:]
    return "%s failed; the installer said:\n  %s" % (doing, "\n  ".join(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
