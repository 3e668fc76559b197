# Everything a person types here. `make help` reads the comments after the double hash.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
SECONDS ?= 600
WORKERS ?= 3
ONLY ?=
TESTS ?=
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup run test lint fmt bench soak k8s-check features lock texts clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the locked packages (what is done already is not done again)
	@tools/bootstrap.sh run

run: setup ## run everything on this machine until Ctrl-C; installs RabbitMQ where it may
	@exec .venv/bin/rodizio run

test: setup-dev ## run the tests, with a broker and databases of their own; TESTS="path -k word" narrows
	$(PYTHON) -m pytest -p no:cacheprovider -m "not soak and not proof" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup-dev ## check style, types and who may import whom
	.venv/bin/ruff check --no-cache .
	.venv/bin/ruff format --check --no-cache .
	.venv/bin/mypy --cache-dir=.venv/mypy
	.venv/bin/lint-imports --no-cache

fmt: setup-dev ## format the code, mend what can be mended
	.venv/bin/ruff check --no-cache --fix .
	.venv/bin/ruff format --no-cache .

bench: setup-dev ## measure, each figure beside its baseline; ONLY="P1 P2" narrows
	$(PYTHON) -m bench $(ONLY)

soak: setup-dev ## break things at random for SECONDS=600, a third for each of three tests; prints the seeds
	RODIZIO_SOAK_SECONDS=$$(( $(SECONDS) / 3 )) $(PYTHON) -m pytest -p no:cacheprovider -m soak --timeout 0 $(TESTS)

k8s-check: setup-dev ## build and check what deploy/k8s amounts to, without a cluster
	$(PYTHON) -m tools.kubernetes

proof: setup-dev ## a whole campaign on a real file: BANK=bank-telemarketing.csv, ROWS=5000 for a part of it
	BANK="$(BANK)" $(PYTHON) -m pytest -p no:cacheprovider -m proof tests/browser/test_real_campaign.py

features: setup-dev ## list features and promises with the tests that prove them
	$(PYTHON) -m tests.features

lock: setup-dev ## write the lock files anew from requirements*.in
	tools/lock.sh

texts: setup-dev ## gather what pages say into the catalogues of all languages; new texts come out empty
	$(PYTHON) tools/texts.py

clean: ## remove the environment and caches; data below var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-dev
setup-dev:
	@tools/bootstrap.sh dev
