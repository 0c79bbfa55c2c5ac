# Everything that one does with Paceline on one machine. `make` alone lists it.
#
# `make run` and `make test` set up what they need: deploy/bootstrap.sh builds .venv and finds a Redis, and a
# stamp remembers it until pyproject.toml changes. The name of the stamp contains the folder's path, because a
# virtual environment that was moved or copied along with its project points into the old place.
#
#   PYTHON=python3.12   another Python for .venv (3.11, 3.12 or 3.13)
#   T=tests/unit        what `make test` runs
#   ARGS="--port 9000"  passed on to what is run
#   TELEPHONY=sip       what carries the calls of `make run`

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check chaos drills bench format clean FORCE

HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
RUN_READY := .venv/.ready-to-run-$(HERE)
TEST_READY := .venv/.ready-to-test-$(HERE)
SOURCES := pyproject.toml deploy/bootstrap.sh $(if $(PYTHON),FORCE)
BOOTSTRAP := PYTHON='$(PYTHON)' sh deploy/bootstrap.sh

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(RUN_READY)  ## build .venv and find a Redis; once, then again when pyproject.toml changes
	@echo "Ready: \`make run\` or \`make test\`."

run: $(RUN_READY)  ## run the whole platform with a demonstration campaign (ARGS=, TELEPHONY=)
	@exec .venv/bin/paceline up --demo $(if $(TELEPHONY),--telephony '$(TELEPHONY)') $(ARGS)

test: $(TEST_READY)  ## run the tests (T=path, ARGS=)
	@.venv/bin/pytest $(T) $(ARGS)

check: $(TEST_READY)  ## everything that CI asks: format, lint, types, import contracts, tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python tests/check.py

chaos: $(TEST_READY)  ## crash a whole platform at random for minutes and judge it (ARGS="--numbers 6000 --seconds 600 --seed 7")
	@.venv/bin/python tests/chaos/run.py $(ARGS)

drills: $(TEST_READY)  ## take Redis, Postgres or the trunk away from a running platform, run a plan for real (ARGS=)
	@.venv/bin/pytest -m drill $(ARGS)

bench: $(TEST_READY)  ## measure throughput and timing on this machine (ARGS=)
	@.venv/bin/python -m pip install -q --group bench
	@.venv/bin/python tests/bench/run.py $(ARGS)

format: $(TEST_READY)  ## let ruff format the code and mend what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:  ## remove .venv, caches and the data in .paceline; refused while a platform runs on them
	@$(BOOTSTRAP) clean

$(RUN_READY): $(SOURCES)
	@$(BOOTSTRAP) run $@

$(TEST_READY): $(SOURCES)
	@$(BOOTSTRAP) test $@ $(RUN_READY)

FORCE:
