# Everything a fresh machine needs: python3 (3.11 or newer) and make. `make` alone lists what there is.
PYTHON ?= python3
JOBS ?= 2
BUILD ?= demo-build
PYTHONS ?= python3.11 python3.12

# Frameworks whose modules the tests read. Without their dependencies: they ask for torchvision, tensorboard and chip drivers,
# which no neuron needs. loguru, nirtorch and pbr are what importing them takes.
FRAMEWORKS := spikingjelly norse snntorch sinabs loguru nirtorch pbr

# A package that carries axe-core, the browsers' check of accessibility, which the report's test injects into the page. Only that
# file is read, so its own dependency, a browser driver, stays away.
AXE := axe-playwright-python

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := snn2chip tests examples

.DEFAULT_GOAL := help
.PHONY: help install demo test frameworks lint format check-types pytest lava parity energy-checks wheel release versions bench train pictures docs docs-long clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Create .venv with snn2chip and all that tests and training need

demo: $(STAMP) ## Deploy the shipped network, verify every spike, write demo-build/report.html
	$(BIN)/snn2chip demo --out $(BUILD)

test: lint check-types pytest ## Lint, types, import rules and all tests, as CI does

frameworks: $(STAMP) ## Test live modules with the other SpikingJelly, 0.0.0.0.14, put before the installed one
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(VENV)/spikingjelly14 spikingjelly==0.0.0.0.14
	PYTHONPATH=$(VENV)/spikingjelly14 $(BIN)/python -m pytest -q tests/readers/module/test_spikingjelly.py

lint: $(STAMP) ## ruff and the import rules
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports

check-types: $(STAMP) ## pyright in strict mode, of tests too; and that everything public has a type
	$(BIN)/pyright
	@PATH="$(abspath $(BIN)):$$PATH" pyright --verifytypes snn2chip --ignoreexternal > $(VENV)/types.txt || { sed '/^   snn2chip/d' $(VENV)/types.txt; exit 1; }

pytest: $(STAMP) lava ## All tests, on JOBS processes (2)
	$(BIN)/python -m pytest -q -n $(JOBS)

format: $(STAMP) ## Rewrite the code in our format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

lava: $(STAMP) ## Lava's own environment, in the user's cache folder (once; a minute)
	$(BIN)/snn2chip lava setup

parity: $(STAMP) lava ## Every executor on every recorded case; write docs/parity.md (one to two hours; goes on where it stopped)
	$(BIN)/python docs/make_parity.py

energy-checks: $(STAMP) ## Compare our counts with NeuroBench's and SANA-FE's; write docs/energy-checks.md (two minutes, 4 GB)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(VENV)/energy-checks -r tests/energy/checks/requirements.txt
	PYTHONPATH=$(VENV)/energy-checks $(BIN)/python -m tests.energy.checks.record
	$(BIN)/python -m pytest -q tests/energy/test_checks.py

wheel: $(STAMP) ## Build the sdist and from it the wheel (dist/), and try it in an empty environment
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m tests.release.try_wheel dist/*.whl

release: wheel ## Try the wheel with every extra on each of PYTHONS; write docs/release-checks.md (an hour, 10 GB)
	$(BIN)/python -m tests.release.try_wheel dist/*.whl --python $(PYTHONS) --extras --out docs/release-checks.md

versions: $(STAMP) lava ## Run the tests with the oldest and the newest releases; write docs/release-versions.md (an hour, 12 GB)
	$(BIN)/python -m tests.release.try_releases --jobs $(JOBS) --alone $(FRAMEWORKS) $(AXE) --out docs/release-versions.md

bench: $(STAMP) ## Measure the engines on this machine
	$(BIN)/snn2chip bench

train: $(STAMP) ## Train the two example networks again (two minutes; same seed, same weights)
	$(BIN)/python -m examples.train

# $(call shoot,PAGE,PICTURE)
shoot = chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,760 --screenshot=docs/images/$(2) $(abspath $(1))

pictures: demo ## Take the pictures in docs/images again (needs chromium)
	$(call shoot,$(BUILD)/report.html,report.png)
	$(BIN)/snn2chip debug examples/data/digits.pth --input examples/data/digits_test.npy --layout NCHW \
	  --labels examples/data/digits_test_labels.npy --method mse --weight-bits 2 --out $(BUILD)/debug
	$(call shoot,$(BUILD)/debug/debug.html,debug.png)

docs: $(STAMP) ## Write the pages that the code decides again, and build the site in site/
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_architecture.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-long: $(STAMP) ## Run the blocks of the docs that take minutes, with their pages (ten minutes)
	LONG_DOCS=1 $(BIN)/python -m pytest -q tests/docs/test_blocks.py

clean: ## Remove .venv, caches and the demo's build
	rm -rf $(VENV) $(BUILD) site .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Done once; again only where what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "snn2chip needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV) (once; a few minutes)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs,train]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps $(FRAMEWORKS) $(AXE)
	@touch $@
