# Marsad. `make` lists the targets; `make run` and `make test` do all set-up by themselves.
.DEFAULT_GOAL := help
.PHONY: help install run serve find-servers run-cluster test tests test-faults mutants lint bench train clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DATA ?= ../shared/data
# Posts of the store that `make bench` measures.
POSTS ?= 100000
WORK ?= build/training
# Tests wait for servers more than they compute, so there are more of them than cores.
JOBS ?= 4
CASE := ingest/watchlists/morocco-2016

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Marsad needs Python 3.11 or later; name one: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (about 1 GB, most of it PyTorch) …"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-cluster: $(VENV)/.installed
	@echo "Installing what starts servers and checks results …"
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-cluster
	@echo "Installing what trains models …"
	@$(PIP) --editable '.[dev,train]'
	@touch $@

install: $(VENV)/.installed ## Make .venv with the `marsad` command
	@echo "Installed: $(BIN)/marsad (or: source $(BIN)/activate)"

run: $(VENV)/.installed ## The main job on the sample archive: import, search, trends, chart, export
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh deploy/run-sample.sh

serve: $(VENV)/.installed ## Show the store of `make run` in a browser: http://127.0.0.1:8016/
	@test -f marsad.db || $(MAKE) --no-print-directory run
	@$(BIN)/marsad serve

find-servers:
	@sh deploy/find-servers.sh

run-cluster: find-servers $(VENV)/.installed-cluster ## The same job through Kafka, two workers of each stage and Elasticsearch
	@$(BIN)/python -m tests.run_cluster

# mypy uses one core alone for a minute where it has not run before; tests begin meanwhile.
test: $(VENV)/.installed-dev ## All tests, in several processes side by side (JOBS=number), and lint
	@$(MAKE) --no-print-directory --jobs 2 lint tests

tests: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope --no-loadscope-reorder

test-faults: $(VENV)/.installed-dev ## The long forms of the fault tests (minutes to an hour)
	@MARSAD_TEST_FAULTS=1 $(BIN)/python -m pytest tests/faults \
		tests/pipelines/test_elasticsearch_faults.py tests/pipelines/test_killed_deletions.py \
		tests/pipelines/test_sqlite_faults.py \
		tests/pipelines/test_sqlite_interrupted.py \
		tests/e2e/test_live_sources.py \
		tests/e2e/test_interruption.py tests/e2e/test_run_cluster.py

mutants: $(VENV)/.installed-dev ## Change one line at a time and say which changes no test notices (an hour)
	@$(BIN)/python -m tests.mutants

lint: $(VENV)/.installed-dev ## ruff and mypy --strict
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(VENV)/.installed-dev ## Measure: file to index, every stage beside its bare client, memory, the page, Elasticsearch (DATA=folder POSTS=n BEFORE=another checkout ELASTICSEARCH=url BROKERS=hosts)
	@$(BIN)/python -m tests.bench --data $(DATA)
	@$(BIN)/python -m tests.bench_stages --data $(DATA)
	@$(BIN)/python -m tests.bench_workers --data $(DATA)
	@$(BIN)/python -m tests.bench_reading $(if $(BEFORE),--before $(BEFORE))
	@$(PIP) --editable '.[bench]'
	@$(BIN)/python -m tests.bench_scale --data $(DATA) --posts $(POSTS) --write docs/performance.md
	@$(BIN)/python -m tests.bench_trends
	@$(BIN)/python -m tests.bench_web --data $(DATA) --posts 20000 --readers 20 --seconds 20
	@$(BIN)/python -m tests.bench_index --data $(DATA) $(if $(ELASTICSEARCH),--store $(ELASTICSEARCH)) \
		$(if $(BROKERS),--brokers $(BROKERS)) --search

# The new weights are the mean of the shipped ones and of those trained further from them. Weights
# that are free for business begin with the base, since the shipped ones are not.
START = $(if $(filter free,$(LICENCE)),--rate 1.2e-4,--start nlp/model --mean nlp/model --share 0.3 \
	--freeze 2 --rate 8e-5 --exit 4)
LICENCE ?= all
STEPS ?= 2700
THREADS ?= 2

train: $(VENV)/.installed-dev ## Train the models further on the data folder, on a GPU if there is one (hours, resumable; DATA=folder WORK=folder STEPS=batches THREADS=cores LICENCE=all|free)
	@$(BIN)/python -m nlp.training.language --data $(DATA) --wheels $(WORK)/wheels --licence $(LICENCE)
	@$(BIN)/python -m nlp.training --data $(DATA) --work $(WORK)/run --own $(CASE)/training.ndjson \
		$(START) --finetune-steps $(STEPS) --seed 31 --threads $(THREADS) \
		--licence $(LICENCE) --ship
	@$(BIN)/python -m pipelines.train_targets morocco-2016 \
		--sample $(CASE)/sample.ndjson --plain $(CASE)/attitudes.ndjson --data $(DATA) \
		--licence $(LICENCE)

clean: ## Remove what `make run` wrote (marsad.db, out/); not .venv
	@rm -rf out marsad.db marsad.db-wal marsad.db-shm marsad.db.dead* marsad.db.lock
