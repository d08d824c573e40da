# `make demo` and `make test` do everything on a machine with Python ≥ 3.11 and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
# The types are checked as the oldest Python that we need has them, and as this one does.
NEWEST := 3.14
WORKERS ?= 2
SHUFFLES ?= 100000
SELLOUTS ?= 20000
CASES ?= 100000
MUTATED ?= 1000000
PURE_TESTS := tests/unit/canonical tests/unit/capabilities/*/test_model.py \
	$(addprefix tests/unit/capabilities/allocation/test_model_,alternatives.py groups.py on_time.py packs.py released.py run_proof.py) \
	$(addprefix tests/unit/capabilities/inventory/test_,budget.py drawing.py granting.py granting_packs.py granting_unlimited.py kits.py ordering.py page.py promise_proof.py proof.py) \
	$(addprefix tests/unit/capabilities/inventory/test_,protection.py publishing.py) \
	$(addprefix tests/unit/capabilities/sourcing/test_,calendars.py deciding.py document.py kits.py substituting.py supply.py) \
	$(addprefix tests/unit/capabilities/supply/test_,ageing.py assembled.py beside_stock.py calendar.py cutting.py derivation.py drawn.py explosion.py fill.py inbound.py kept.py kin.py kitting.py lasting.py promise.py rules.py) \
	$(addprefix tests/unit/capabilities/supply/test_,lot_modes.py pegging.py shares.py shelf.py substitution.py vendor.py weeks.py window.py) \
	$(addprefix tests/unit/capabilities/reconciliation/test_,causes.py following.py judging.py kits.py open_lines.py planning.py) \
	$(addprefix tests/unit/capabilities/reconciliation/test_,money.py prices.py ranking.py responsible.py rules.py accuracy.py settling.py triggers.py) \
	tests/unit/connectivity/edi tests/unit/connectivity/interchanges $(addprefix tests/unit/connectivity/test_,acceptance.py gaps.py) \
	$(addprefix tests/unit/connectivity/sdk/test_,contract.py records.py stock_records.py supply_records.py) tests/unit/foundation/test_cgroups.py tests/unit/governance/test_keeping.py \
	tests/unit/applications/*/test_mapping.py $(addprefix tests/unit/applications/generic_wms/test_,count_tasks.py counts.py) \
	$(addprefix tests/unit/applications/tryton/test_,changes.py counts.py open_lines.py purchases.py released.py reading_purchases.py related.py wire.py) \
	tests/processes/test_availability_publishing.py \
	$(addprefix tests/unit/orchestration/test_,count_sending.py movement_posting.py) tests/processes/test_movement_posting.py \
	tests/vectors/test_rules.py

# Checks run beside each other, each telling what it has to say in one piece.
CHECKS := $(addprefix check-,format lint mypy pyright newest layers dependencies)
BESIDE := --no-print-directory --output-sync -j $(WORKERS)

.PHONY: help demo test check $(CHECKS) cover simulate cases mutated bench docs freeze lock wheel clean

help:  ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

# An environment that was begun and not finished would be taken for one the next time. Of a folder
# that was there before, no more is removed than what would be so taken.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Crossdock needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@made=$(VENV); test ! -e $(VENV) || made=$(VENV)/bin/python; $(PYTHON) -m venv $(VENV) || { rm -rf $$made; echo "$(PYTHON) cannot make an environment in $(VENV): see above. Most often its venv module is missing: install it (on Debian and Ubuntu the package python3-venv) and run make again" >&2; exit 1; }

$(READY): $(VENV)/bin/python pyproject.toml requirements/run.txt
	@echo "Installing Crossdock into $(VENV) (once) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(READY_DEV): $(READY) requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(READY)  ## Play one trading day of a simulated distributor
	@$(BIN)/crossdock demo $(ARGS)

test: $(READY_DEV)  ## Check the code, then run every test: those of the pure parts once, with their coverage
	$(MAKE) $(BESIDE) cover $(CHECKS)
	$(BIN)/pytest -q -n $(WORKERS) -m "not peer" $(or $(ARGS),$(addprefix --ignore=,$(wildcard $(PURE_TESTS))))
	$(BIN)/pytest -q -m peer $(ARGS)

cover: $(READY_DEV)  ## Branch coverage of the pure parts: every branch, or it fails
	$(BIN)/coverage run -m pytest -q $(PURE_TESTS)
	$(BIN)/coverage report

check: $(READY_DEV)  ## Format, lint, types, architecture, dependencies
	$(MAKE) $(BESIDE) $(CHECKS)

check-format: $(READY_DEV)
	$(BIN)/ruff format --check src tests benchmarks

check-lint: $(READY_DEV)
	$(BIN)/ruff check src tests benchmarks

check-mypy: $(READY_DEV)
	$(BIN)/mypy

check-pyright: $(READY_DEV)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pyright --pythonpath $(BIN)/python -p tests

check-newest: $(READY_DEV)
	$(BIN)/mypy --python-version $(NEWEST)
	$(BIN)/pyright --pythonpath $(BIN)/python --pythonversion $(NEWEST)

check-layers: $(READY_DEV)
	$(BIN)/lint-imports

check-dependencies: $(READY_DEV)
	$(BIN)/deptry src

simulate: $(READY_DEV)  ## 100,000 shuffles of late, repeated and reordered events; 20,000 sell-outs
	CROSSDOCK_SHUFFLES=$(SHUFFLES) CROSSDOCK_SELLOUTS=$(SELLOUTS) $(BIN)/pytest -q -n $(WORKERS) tests/simulation $(ARGS)

cases: $(READY_DEV)  ## 100,000 random answers by date of each mode, beside a second implementation
	CROSSDOCK_CASES=$(CASES) $(BIN)/pytest -q -n $(WORKERS) tests/unit/capabilities/supply/test_model.py \
		tests/unit/capabilities/supply/test_ageing.py tests/unit/capabilities/supply/test_beside_stock.py \
		tests/unit/capabilities/supply/test_weeks.py tests/unit/capabilities/supply/test_lot_modes.py $(ARGS)

mutated: $(READY_DEV)  ## 1,000,000 EDI files with things put wrong: each is read to its end, and told of
	CROSSDOCK_MUTATED=$(MUTATED) $(BIN)/pytest -q -n $(WORKERS) tests/unit/connectivity/edi/test_mutated.py $(ARGS)

bench: $(READY_DEV)  ## Every benchmark, side by side
	$(BIN)/crossdock bench all $(ARGS)

docs: $(READY_DEV)  ## Regenerate the reference pages that come from the code
	$(BIN)/python -m tests.docs.generate

freeze: $(READY_DEV)  ## At a release: keep the contracts of events as they are now
	$(BIN)/python -m tests.docs.generate freeze

lock: $(READY_DEV)  ## Pin the dependencies with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --group dev -c requirements/run.txt -o requirements/dev.txt

wheel: $(READY_DEV)  ## Build the wheel into dist/
	$(BIN)/uv build --quiet --wheel --out-dir dist

clean:
	rm -rf dist .mypy_cache .ruff_cache .pytest_cache
