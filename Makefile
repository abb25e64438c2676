.POSIX:
# The few commands that a person needs; `make help` lists them.
# POSIX make and sh only. Variables given on the command line (make build MILEX_MIRROR=DIR) reach
# every recipe's environment, as do those of the environment itself.

PYTHON = python3
PYTEST_ARGS = -n 2
UPGRADE =

# Creates or updates .venv; does nothing, and says nothing, when it is up to date.
SETUP = @command -v $(PYTHON) >/dev/null 2>&1 || { \
	echo "milex: '$(PYTHON)' was not found; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; \
	exit 2; }; $(PYTHON) tools/setup_env.py
MILEX = @.venv/bin/milex
COMPILE = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

.PHONY: help build fetch test dashboard dagster sql report doctor fuzz bench lock lint clean rollback

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)$$/\1 \2/p' Makefile | while read -r name meaning; do \
		printf '  make %-10s %s\n' "$$name" "$$meaning"; done

build: ## set up .venv, build everything from the publishers' files, print the claims
	$(SETUP)
	$(MILEX) build

fetch: ## download the publishers' files into data/raw; no build downloads them
	$(SETUP)
	$(MILEX) fetch

test: lint ## run the linters, the type checker and the test suite
	@.venv/bin/python -m pytest $(PYTEST_ARGS)

dashboard: ## open the dashboard on the published snapshot
	$(SETUP)
	$(MILEX) dashboard

dagster: ## open Dagster's own interface: the asset graph, runs and checks
	$(SETUP)
	$(MILEX) dagster

sql: ## open a read-only SQL prompt on the published snapshot
	$(SETUP)
	$(MILEX) sql

report: ## write the report of the claims and their verdicts
	$(SETUP)
	$(MILEX) report

fuzz: ## damage files at ten times the usual number of cases
	$(SETUP) --test
	@MILEX_FUZZ=10 .venv/bin/python -m pytest tests/fuzz $(PYTEST_ARGS)

doctor: ## say what is here, whether it is well, and what to do about each problem
	$(SETUP)
	$(MILEX) doctor

rollback: ## go back to the snapshot that was published before this one
	$(SETUP)
	$(MILEX) rollback

bench: ## measure builds, readers and memory
	$(SETUP) --test
	@.venv/bin/python -m bench

lint: ## check style, format and types
	$(SETUP) --test
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet . || { echo "milex: run '.venv/bin/ruff format .'" >&2; exit 1; }
	@.venv/bin/mypy --no-error-summary

lock: ## pin the dependencies anew (UPGRADE=--upgrade for newer versions); needs uv
	@command -v uv >/dev/null 2>&1 || { echo "milex: 'make lock' needs uv on the PATH" >&2; exit 2; }
	@$(COMPILE) --output-file requirements.lock >/dev/null
	@$(COMPILE) --extra test --constraints requirements.lock --output-file requirements-test.lock >/dev/null
	@$(COMPILE) --extra postgres --extra s3 --extra dask --constraints requirements-test.lock --output-file requirements-extras.lock >/dev/null

clean: ## remove .venv, caches and data/processed; data/raw and data/claims stay
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info data/processed
	@find . -path ./.git -prune -o -path ./data -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
