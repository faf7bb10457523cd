# The map of chores: `make` alone prints it. Recipes are short; what is longer lives in tools/.
PYTHON ?= $(firstword $(wildcard .venv/bin/python) python3)
BIN := .venv/bin
TOO_OLD := "carpal needs Python 3.11 or newer and $(PYTHON) is older: name another one, make setup PYTHON=python3.12"
WORKERS ?= 2
CASES ?= 3
NODES ?= 1
PROFILES ?=
SOURCES := model_repo/src training/src services/detector/src loadtests/src demo tools infra
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-annotate --no-header --override requirements/overrides.txt $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format generate verify readers bench starter loadtest calibrate images requirements clean dependability cluster cluster-build cluster-down test-cluster

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with everything pinned (7 GB, about a minute; nothing to do the second time)
	@$(PYTHON) -c 'import sys; sys.exit($(TOO_OLD) if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m tools.setup

demo: setup ## Run the whole loop without a cluster: phantoms, training, service, load test, report (8 minutes at most)
	@$(BIN)/python -m demo

test: setup ## Run unit, contract and integration tests with coverage of the core (15 minutes at most; needs no root)
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-fail-under=90 --cov-report=term:skip-covered

lint: setup ## Check style, types and the arrows between the distributions
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-cache

format: setup ## Put every Python file into its one form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

generate: setup ## Write again every file that is made from code: schemas, reference pages, protocol modules
	@$(BIN)/python -m tools.generate

verify: setup ## Check that generated files are what the code says
	@$(BIN)/python -m tools.generate --verify

readers: setup ## Fetch what tests read reports with: OHIF from npm, HL7's FHIR validator from Maven (350 MB in the cache)
	@$(BIN)/python -m tools.ohif
	@$(BIN)/python -m tools.fhir_validator

bench: setup ## Measure speed as ratios on this machine, with its fingerprint
	@$(BIN)/python -m tools.bench

cluster-build: setup ## Build what a cluster is made of (22 minutes of two idle cores; nothing to do the second time)
	@$(BIN)/python -m infra.cluster build

cluster: setup ## Bring a real Kubernetes up on this machine, as root (NODES=2, PROFILES="ray keda gateway monitors", CLUSTER=name)
	@$(BIN)/python -m infra.cluster up --nodes $(NODES) $(foreach profile,$(PROFILES),--profile $(profile))

cluster-down: setup ## Take the cluster down and leave nothing of it
	@$(BIN)/python -m infra.cluster down

test-cluster: cluster-build ## Try everything on a real cluster, as root (20 minutes at most; CLUSTER=name takes one that is up)
	@$(BIN)/pytest -q tests/cluster -n $(CASES) --dist load --maxschedchunk 1 --timeout 900 -p no:cacheprovider

dependability: setup ## Stress services on this machine: overload, ends, full disks, a leak, fuzz (15 minutes at most; shorter in test)
	@DEPENDABILITY=long $(BIN)/pytest -q -p no:cacheprovider tests/dependability tests/integration/test_service_hostile.py

starter: setup ## Train the starter package again (DATA=../shared/data, OUT=out/starter; four hours of two cores, resumable)
	@$(BIN)/python -m tools.starter $(if $(DATA),--data $(DATA)) $(if $(OUT),--out $(OUT))

loadtest: setup ## Load a service on this machine to its limit and beyond: report in out/loadtest (4 minutes; OUT=folder, ENGINE=emulated:50)
	@$(BIN)/python -m tools.loadtest $(if $(OUT),--out $(OUT)) $(if $(ENGINE),--engine $(ENGINE))

calibrate: setup ## Hold the load generator against a server of known truth: is it true on this machine? (3 minutes)
	@$(BIN)/carpal load calibrate

images: ## Build the images detector, detector-gpu, trainer and loadtest with buildah or docker
	@images/build

requirements: setup ## Pin every dependency again, with hashes (UPGRADE=1 takes the newest versions)
	$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) --no-deps requirements/helm.in --output-file requirements/helm.txt
	$(COMPILE) requirements/cluster.in --output-file requirements/cluster.txt
	$(COMPILE) requirements/go.in --output-file requirements/go.txt
	$(COMPILE) --override requirements/storage-overrides.txt --constraint requirements/dev.txt requirements/storage.in \
	  --output-file requirements/storage.txt
	for name in build sbom detector trainer loadtest peer-mosec peer-litserve peer-ray; do \
	  $(COMPILE) --constraint requirements/dev.txt requirements/$$name.in --output-file requirements/$$name.txt; \
	done
	$(COMPILE) --override requirements/gpu-overrides.txt --constraint requirements/dev.txt requirements/detector-gpu.in \
	  --output-file requirements/detector-gpu.txt
	for name in peer-bentoml peer-mlserver; do $(COMPILE) requirements/$$name.in --output-file requirements/$$name.txt; done
	$(COMPILE:3.11=3.12) requirements/peer-pytriton.in --output-file requirements/peer-pytriton.txt

clean: ## Remove what was made here, .venv included
	rm -rf .venv out build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
