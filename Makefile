# MerchantRoute: every command of the project. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
CLUSTER ?= merchantroute
PYTEST_ARGS ?=
DEMO_ARGS ?=

# A run of the tests starts hundreds of Python processes, each of which would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
# The virtual environment is current when it was made from this lock file, at this place.
STAMP := $(VENV)/stamp-$(shell cat requirements/dev.txt pyproject.toml <(pwd) | sha256sum | cut -c1-12)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)

##@ The two commands

.PHONY: demo
demo: venv ## Set up Docker, a kind cluster, RabbitMQ and the operator, then watch orders flow past a hung merchant
	@demo/up $(CLUSTER) $(DEMO_ARGS)

.PHONY: demo-down
demo-down: ## Remove what the demo made: the kind cluster (images stay for the next time)
	@hack/cluster-down $(CLUSTER)

.PHONY: test
test: venv ## Run every suite side by side in one pytest run, setting up all that it needs (15 minutes on 2 cores)
	@$(PY) -m pytest -n auto -m "not extended" $(PYTEST_ARGS)

.PHONY: test-all
test-all: venv ## The same, with the tests that show at more points what another shows (docs/testing.md)
	@$(PY) -m pytest -n auto $(PYTEST_ARGS)

##@ Inner loop

.PHONY: unit
unit: venv ## Run the pure tests and the house rules: seconds, no Docker
	@$(PY) -m pytest tests/unit tests/house $(PYTEST_ARGS)

.PHONY: contract
contract: venv ## Run the ports against a real RabbitMQ and a real API server (one test: PYTEST_ARGS='-k words')
	@$(PY) -m pytest -n auto tests/contract $(PYTEST_ARGS)

.PHONY: worker
worker: venv ## Run the worker's tests: real Celery, gevent, RabbitMQ and a misbehaving merchant
	@$(PY) -m pytest -n auto tests/worker $(PYTEST_ARGS)

.PHONY: worker-next
worker-next: venv ## Run the worker's tests against the RabbitMQ of the next Debian (4.3)
	@MR_RABBITMQ=rabbitmq-next $(PY) -m pytest -n auto tests/worker $(PYTEST_ARGS)

.PHONY: e2e
e2e: venv ## Run the end-to-end tests on a kind cluster
	@$(PY) -m pytest -n auto tests/e2e --ignore=tests/e2e/installing $(PYTEST_ARGS)

.PHONY: lint
lint: venv ## Run ruff, mypy and import-linter
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

.PHONY: format
format: venv ## Let ruff format and fix what it can
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

##@ Figures

.PHONY: bench-bulkhead
bench-bulkhead: venv ## Measure what a hung merchant's 10,000 orders cost a pod and its neighbours (build/bench-bulkhead.json)
	@PYTHONPATH=.:kit:worker:sim $(PY) -m benchmarks.bulkhead

.PHONY: bench-fairness
bench-fairness: venv ## Simulate what caps cost healthy merchants, and a hung one its neighbours (build/bench-fairness.json)
	@PYTHONPATH=.:worker $(PY) -m benchmarks.fairness

.PHONY: sim-isolation
sim-isolation: venv ## Simulate who waits for whom with own queues, without, and ideally (build/sim-isolation.json)
	@PYTHONPATH=.:operator:worker $(PY) -m benchmarks.isolation

.PHONY: bench-deadlines
bench-deadlines: venv ## Measure how far calls overshoot their deadline, by misbehaviour (build/bench-deadlines.json)
	@PYTHONPATH=.:kit:worker $(PY) -m benchmarks.deadlines

##@ What takes minutes

.PHONY: bench-worker
bench-worker: venv ## What a pod and a core do, beside Celery, Dramatiq, Taskiq, FastStream, asyncio by hand (QUICK=1 for less)
	@BENCH_PYTHON=$$(hack/bench-venv) PYTHONPATH=.:kit:worker:sim $(PY) -m benchmarks.comparison

.PHONY: bench-isolation
bench-isolation: venv ## What merchants in trouble cost the others, beside what else teams have (CONTENDERS= FAULTS= LOADS= QUICK=1)
	@BENCH_PYTHON=$$(hack/bench-venv) PYTHONPATH=.:kit $(PY) -m benchmarks.isolation_compared

.PHONY: bench-operator
bench-operator: venv ## What the operator costs with 1, 100, 1,000 routes (ROUTES=1,100 QUICK=1; build/bench-operator.json)
	@PYTHONPATH=.:kit $(PY) -m benchmarks.operator_scale

.PHONY: e2e-merchants
e2e-merchants: venv ## Apply 5,000 Merchants while the operator runs (MERCHANTS=...; figures in build/merchants.json)
	@MR_MERCHANTS=$(or $(MERCHANTS),5000) $(PY) -m pytest tests/e2e/test_thousands_of_merchants.py $(PYTEST_ARGS)

.PHONY: chaos-worker
chaos-worker: venv ## Break everything around a worker under 20,000 orders a fault (FAULTS=sigkill,... ORDERS=2000 for less)
	@$(PY) -m benchmarks.faults

.PHONY: soak-worker
soak-worker: venv ## Five minutes of mixed merchants: nothing lost, memory flat
	@$(PY) -m benchmarks.faults.soak

.PHONY: e2e-changes
e2e-changes: venv ## Change everything about a route under 100 orders a second (build/changes.json; PYTEST_ARGS='-k pool' for less)
	@MR_CHANGES=all $(PY) -m pytest tests/e2e/test_changes.py -s $(PYTEST_ARGS)

.PHONY: e2e-idle
e2e-idle: venv ## Count the operator's writes to the API server over ten idle minutes (build/idle.json)
	@MR_IDLE=600 $(PY) -m pytest tests/e2e/test_what_others_do.py -k idle $(PYTEST_ARGS)

.PHONY: e2e-helm
e2e-helm: venv ## From `helm install` on a kind cluster of its own to the first order, upgrade, uninstall (build/helm.json)
	@$(PY) -m pytest tests/e2e/installing/test_helm.py --log-cli-level=INFO $(PYTEST_ARGS)

.PHONY: e2e-upgrade
e2e-upgrade: venv ## Upgrade from former versions and back with orders in flight (hack/former-versions; build/upgrade.json)
	@$(PY) -m pytest tests/e2e/installing/test_upgrade.py --log-cli-level=INFO $(PYTEST_ARGS)

.PHONY: e2e-uninstall
e2e-uninstall: venv ## `kubectl delete -k` with a route there, on a kind cluster of its own
	@$(PY) -m pytest tests/e2e/installing/test_uninstalling.py --log-cli-level=INFO $(PYTEST_ARGS)

##@ Parts

.PHONY: venv
venv: $(STAMP) ## Make the virtual environment from the lock file (instant when it is current)

$(STAMP): requirements/dev.txt pyproject.toml
	@exec 9>.venv.lock; flock 9; if [ -e $@ ]; then exit 0; fi; \
	if ! $(PY) -c '' 2>/dev/null; then \
	  echo "venv: making $(VENV) with $$($(PYTHON) --version)"; \
	  if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    echo "venv: Python 3.11 or newer is needed, $$($(PYTHON) --version) was found; set PYTHON=..." >&2; exit 1; fi; \
	  if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	    if [ "$$(id -u)" != 0 ]; then \
	      echo "venv: the package python3-venv is missing: sudo apt-get install python3-venv" >&2; exit 1; fi; \
	    echo "venv: installing the package python3-venv"; \
	    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null; fi; \
	  rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi; \
	echo "venv: installing from requirements/dev.txt (about a minute when nothing is cached)"; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1; \
	$(PY) -m pip install -q --require-hashes -r requirements/dev.txt; \
	$(PY) -m pip install -q --no-deps --no-build-isolation -e .; \
	rm -f $(VENV)/stamp-*; touch $@

.PHONY: lock
lock: venv ## Resolve requirements/*.txt anew, with hashes, for Python 3.11 to 3.13
	@UV=$(VENV)/bin/uv requirements/lock.sh

.PHONY: bench-lock
bench-lock: venv ## Resolve requirements/bench.txt anew: what bench-worker compares the worker with
	@UV=$(VENV)/bin/uv requirements/lock.sh bench

.PHONY: images
images: ## Build the images, each only when what goes into it has changed
	@hack/docker-up
	@hack/build-images

.PHONY: wheel
wheel: venv ## Build the wheel for a package index of your own (dist/)
	@hack/wheel dist

.PHONY: cluster
cluster: ## Make the kind cluster (CLUSTER=merchantroute) and install everything but a route
	@hack/docker-up
	@hack/cluster-up $(CLUSTER)
	@hack/build-images
	@hack/install $(CLUSTER)

.PHONY: install-yaml
install-yaml: ## Render the operator with its definitions as one file, dist/install.yaml (IMAGE_PREFIX=..., IMAGE_TAG=...)
	@hack/install-yaml "$(IMAGE_PREFIX)" $(IMAGE_TAG)

.PHONY: chart
chart: ## Write the chart's templates from manifests/base, and pack it: dist/merchantroute-VERSION.tgz (IMAGE_PREFIX=..., IMAGE_TAG=...)
	@hack/chart
	@hack/chart-package "$(IMAGE_PREFIX)" $(IMAGE_TAG)

.PHONY: clean
clean: ## Remove what was built here: build/, dist/ and caches (clusters: make demo-down)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
