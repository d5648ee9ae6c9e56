.PHONY: help demo test interop test-cluster test-long check lock clean

help:
	@echo "make demo   try Lineament with the sample photographs, in a browser"
	@echo "make test   run every test, the browser tests too"
	@echo "make interop  have the ledger checked by tools that nobody here wrote"
	@echo "make test-cluster  search on real PostgreSQL and Milvus servers, and kill them"
	@echo "make test-long  run the tests that take three quarters of an hour"
	@echo "make check  run the linters and type checks"
	@echo "make lock   resolve the dependencies anew into requirements/"
	@echo "make clean  remove what these commands made, the demo's data too"

DEMO := LINEAMENT_DATA=.demo LINEAMENT_EXAMPLES=samples/examples.toml .venv/bin/lineament
PACK := src/lineament/vision/packs/default/pack.toml

demo: .demo/ready
	@$(DEMO) serve --open

PERMITTED := samples/congress/permission.toml samples/mated/permission.toml

.demo/ready: samples/congress/manifest.csv samples/mated/manifest.csv $(PERMITTED) $(PACK) | .venv/run.ready
	@if [ -e .demo/records.sqlite3 ]; then $(DEMO) models migrate default; fi
	@$(DEMO) collections add congress --permission samples/congress/permission.toml \
		--title "Portraits of the 117th United States Congress" 2>/dev/null \
		|| $(DEMO) collections permit congress --permission samples/congress/permission.toml
	@$(DEMO) collections add presidents --permission samples/mated/permission.toml \
		--title "Former presidents of the United States" 2>/dev/null \
		|| $(DEMO) collections permit presidents --permission samples/mated/permission.toml
	@$(DEMO) ingest samples/congress --collection congress
	@$(DEMO) ingest samples/mated --collection presidents
	@touch $@

test: .venv/dev.ready
	@command -v chromium >/dev/null || scripts/apt chromium fonts-dejavu-core
	.venv/bin/pytest

interop: .venv/dev.ready .venv-interop/ready
	.venv/bin/pytest tests/interop

.venv-interop/ready: requirements/interop.lock scripts/interop tests/interop/go/main.go
	@scripts/interop

test-cluster: .venv-cluster/cluster.ready
	.venv-cluster/bin/pytest tests/cluster

.venv-cluster/cluster.ready: requirements/cluster.lock pyproject.toml
	@scripts/setup cluster .venv-cluster

test-long: .venv/dev.ready
	.venv/bin/pytest -s tests/long

check: .venv/dev.ready
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

.venv/run.ready: requirements/run.lock pyproject.toml
	@scripts/setup run

.venv/dev.ready: requirements/dev.lock pyproject.toml
	@scripts/setup dev

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml

lock: .venv/dev.ready
	$(COMPILE) --upgrade --group build --output-file requirements/run.lock
	$(COMPILE) --upgrade --group dev --constraint requirements/run.lock --output-file requirements/dev.lock
	$(COMPILE) --upgrade --group dev requirements/cluster.in --constraint requirements/dev.lock \
		--output-file requirements/cluster.lock
	.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
		--no-header --upgrade requirements/interop.in --output-file requirements/interop.lock

clean:
	rm -rf .venv .venv-cluster .venv-interop .demo
