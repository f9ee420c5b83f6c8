PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
EVIDENCE := $(wildcard bench/check_*.py)

.PHONY: run test test-peers bench evidence fuzz clean

run: $(VENV)/.examples
	$(BIN)/python examples/seed.py
	$(BIN)/python examples/digits.py

test: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_size.py
	$(BIN)/pytest -n $(JOBS) -m "not peers"

test-peers: $(VENV)/.test $(VENV)/.peers
	$(BIN)/pytest -n $(JOBS) -m peers

bench: $(VENV)/.bench
	set -e; for script in $(filter-out $(EVIDENCE),$(wildcard bench/*.py)); do $(BIN)/python $$script; done

evidence: $(VENV)/.test
	set -e; for script in $(EVIDENCE); do $(BIN)/python $$script; done

fuzz: $(VENV)/.test $(VENV)/.peers
	TENURE_FUZZ=1 $(BIN)/pytest -n $(JOBS) -m "not peers"
	TENURE_FUZZ=1 $(BIN)/pytest -n $(JOBS) -m peers tests/torch/test_aliases.py

clean:
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
