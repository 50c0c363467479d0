# make demo    the whole loop on a simulated support desk, with real training, into demo/
#              (CONTRAST=1: and what happens when KL is free, or nothing misleads)
# make test    every test; sets up its own environment in .venv
# make check   ruff, mypy strict, import-linter
# make bench PART=stats|story|...   ours and the peer, one run, a table (a file of bench/ each)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SEED ?= 1
PART ?= stats
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test check bench clean

# torch first and pinned: a later range would fetch gigabytes of GPU libraries.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,data,oidc,postgresql,dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/prefloop demo demo --seed $(SEED) $(if $(CONTRAST),--contrast)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	$(BIN)/python -m bench.$(PART)

clean:
	rm -rf $(VENV) demo bench/results .pytest_cache .mypy_cache .ruff_cache
