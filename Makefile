# Two commands: `make serve` and `make test`. Everything they need is installed into .venv on first use.
#
#   make serve            build what is missing and run the service on 127.0.0.1:8000 until Ctrl-C
#   make stop             end a service left behind
#   make test             lint, types, import contracts and tests
#   make check-data       prove that data/ keeps its promises
#   make results          measure all models on public data: DATA=folder of lcqmc, atec, smp2020_usual, cic and text
#   make bench            side by side with other servers, some 45 minutes; writes docs/performance.md
#   make load             a load profile with limits: PROFILE=smoke, steady, spike or soak
#   make scale            autoscaling under a step of load;  make growth: recall up to a million entries
#   make gpu              the matcher on a GPU against its limits and a BERT-sized one; writes docs/performance.md
#   make burst            a new question in the log: how long until it is answered live; publishes under load
#   make chaos            faults, overload, bad input and a steady load on real Serve; writes docs/reliability.md (20
#                         minutes): CHAOS="--only NAME" one of them, CHAOS=--resume what is left
#   make licences         write docs/licences.md;  make manifest: configs/cluster/rayservice.yaml from configs/serve.yaml
#   make lock             resolve the versions in pyproject.toml into the lock files (needs uv)
#
#   PYTHON=/path/to/python3.11   CONFIG=configs/fused.yaml   EXTRA=gpu (faiss-gpu instead of faiss-cpu)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?= configs/serve.yaml
EXTRA ?= cpu
DATA ?= data
THREADS ?= 1
PROFILE ?= smoke
SECONDS ?= 6
ROUNDS ?= 3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
FAISS_VERSION := 1.15.1
TORCH_VERSION := 2.13.0

.PHONY: serve preflight stop test lint types contracts unit cluster parts check-data results bench load scale growth burst gpu chaos \
	licences manifest format lock clean help

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

serve: preflight .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph serve --config $(CONFIG)

preflight:
	@$(PYTHON) graph/preflight.py serve $(CONFIG)

stop: .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph stop

# Two cores, two lines of work: what needs a running cluster, and beside it everything else, where what needs the small
# trained system comes last: the first line has trained it by then, and both use it.
CLUSTER := tests/cluster tests/load_tests/chaos tests/test_operate.py tests/graph/test_app.py \
	tests/graph/test_ray_mining.py tests/graph/commands/test_commands.py
SYSTEM := tests/behaviour tests/test_your_own_data.py $(patsubst %,tests/graph/test_%.py,compiling pipeline publish)

test: lint contracts
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT INT TERM && \
		SMALL_SYSTEM=$$folder $(MAKE) --no-print-directory -j2 cluster types parts

lint: .venv/.dev-$(EXTRA)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev-$(EXTRA)
	$(BIN)/mypy

contracts: .venv/.dev-$(EXTRA)
	$(BIN)/lint-imports

unit: .venv/.dev-$(EXTRA)
	$(BIN)/pytest

cluster: .venv/.dev-$(EXTRA)
	$(BIN)/pytest $(CLUSTER)

parts: types
	@failed=0; $(BIN)/pytest $(CLUSTER:%=--ignore=%) $(SYSTEM:%=--ignore=%) || failed=1; \
		$(BIN)/pytest $(SYSTEM) || failed=1; exit $$failed

check-data: .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph check-data

# Reports and tables go to docs/results, unfinished work to results/: run it again and it goes on where it stopped.
# One thread: two wait for each other as soon as anything else runs on the machine.
TEXTS = $(foreach file,$(sort $(wildcard $(DATA)/text/*.txt)),--text $(file))
EVALUATE = $(BIN)/python -m graph evaluate
WORDWISE := wcd,rwmd,wmd,wsm,wsm_min,wsm_len,wsm_unweighted
MATCHERS := $(WORDWISE),bcnn,matchpyramid,pbmatch,align
CLASSIFIERS := cnn,swem,leam,mlc,mlc_wide,svm
three_parts = --train $(DATA)/$(1)/train.tsv --dev $(DATA)/$(1)/dev.tsv --test $(DATA)/$(1)/test.tsv
two_parts = --train $(DATA)/$(1)/train.tsv --dev $(DATA)/$(1)/dev.tsv
kept = --vectors synonyms $(TEXTS) --set embeddings.n_epochs=3 --set embeddings.min_count=2 --threads $(THREADS) \
	--without-duplicates --out docs/results/$(1).json --work results/$(1)
classifying := --set average=0.99 --set token_dropout=0.2 --set n_filters=48 --epochs 10
comma := ,
of = $(foreach setting,$(2),--set $(1).$(setting))
matching := --set batch_size=256 $(call of,pbmatch,n_epochs=4 patience=4 hidden=256 n_kernels=100 n_maps=[16$(comma)32]) \
	$(call of,align,n_epochs=5 patience=5 hidden=256 alignment_width=160 dropout=0.3 alignment_dropout=0.3) \
	$(call of,align,token_dropout=0.08 average=0.999) $(call of,bcnn,n_epochs=4 hidden=256 n_kernels=100) \
	$(call of,matchpyramid,n_epochs=4 hidden=256 n_maps=[16$(comma)32])

results: .venv/.serve-$(EXTRA)
	@test -f $(DATA)/lcqmc/train.tsv || { echo "$(DATA)/lcqmc/train.tsv is missing: give DATA=folder of the sets"; exit 2; }
	$(EVALUATE) classification $(call two_parts,cic) --models $(CLASSIFIERS) $(classifying) $(call kept,cic)
	$(EVALUATE) classification $(call three_parts,smp2020_usual) --models $(CLASSIFIERS) $(classifying) \
		$(call kept,smp2020_usual)
	$(EVALUATE) matching $(call three_parts,atec) --models $(MATCHERS) $(matching) $(call kept,atec)
	$(EVALUATE) matching $(call three_parts,lcqmc) --models $(MATCHERS) $(matching) $(call kept,lcqmc)
	@mkdir -p results
	awk -F'\t' 'BEGIN {print "label\ttext"} {print $$3 "\t" $$2}' $(DATA)/jddc/dev_select.txt > results/intents.tsv
	$(EVALUATE) clustering --groups results/intents.tsv --texts $(DATA)/text/jddc_dialog.txt \
		--out docs/results/clustering_intents.json
	$(EVALUATE) clustering --groups $(DATA)/lcqmc/dev.tsv --out docs/results/clustering_duplicates.json
	$(EVALUATE) clustering --groups $(DATA)/lcqmc/test.tsv --out docs/results/clustering_duplicates_test.json
	$(EVALUATE) table docs/results --into docs/results.md

# Each writes its report into docs/performance and its tables into docs/performance.md.
bench: .venv/.serve-$(EXTRA)
	$(BIN)/python -m graph train all
	$(BIN)/python -m load_tests.bench run --seconds $(SECONDS) --rounds $(ROUNDS)
	$(BIN)/python -m load_tests.batching

scale: .venv/.serve-$(EXTRA)
	$(BIN)/python -m load_tests.autoscale

growth: .venv/.serve-$(EXTRA)
	$(BIN)/python -m load_tests.growth run

burst: .venv/.serve-$(EXTRA)
	$(BIN)/python -m graph train all
	$(BIN)/python -m load_tests.burst run
	$(BIN)/python -m load_tests.burst swaps
	$(BIN)/python -m load_tests.burst tables

gpu: .venv/.serve-$(EXTRA)
	$(BIN)/python -m load_tests.gpu
	$(BIN)/python -m load_tests.gpu_table

load: .venv/.serve-$(EXTRA)
	$(BIN)/python -m load_tests.load $(PROFILE)

chaos: .venv/.dev-$(EXTRA)
	$(BIN)/python -m load_tests.chaos --config $(CONFIG) $(CHAOS)

licences: .venv/.serve-$(EXTRA)
	$(BIN)/python -m docs.licences

manifest: .venv/.serve-$(EXTRA)
	$(BIN)/python -m graph.manifest

format: .venv/.dev-$(EXTRA)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch is installed with its own dependencies: on a machine with a GPU they are CUDA's. All else comes from the lock.
.venv/.serve-$(EXTRA): requirements.lock
	@$(PYTHON) graph/preflight.py install
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "installing into .venv (first time: a few minutes) ..."
	@$(PIP) install -c requirements.lock torch==$(TORCH_VERSION)
	@$(PIP) uninstall --yes faiss-cpu faiss-gpu
	@$(PIP) install --no-deps faiss-$(EXTRA)==$(FAISS_VERSION)
	@$(PIP) install --no-deps -r requirements.lock
	@rm -f .venv/.serve-* .venv/.dev-*
	@touch $@

.venv/.dev-$(EXTRA): requirements-dev.lock .venv/.serve-$(EXTRA)
	@$(PIP) install --no-deps -r requirements-dev.lock
	@touch $@

lock:
	uv pip compile pyproject.toml --extra cpu --no-emit-package torch --no-emit-package faiss-cpu \
		--no-annotate --no-header --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra cpu --extra dev -c requirements.lock --no-emit-package torch \
		--no-emit-package faiss-cpu --no-annotate --no-header --python-version 3.11 -o requirements-dev.lock

clean:
	rm -rf artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
