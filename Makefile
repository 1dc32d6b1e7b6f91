# Every target makes its own environment: `make demo` and `make test` work on a fresh checkout.
PYTHON ?= python3
# The minor versions that requires-python admits.
PYTHONS := 3.11 3.12 3.13

# A Python that is asked for has an environment of its own beside `.venv`, such as `.venv-3.13`.
ifeq ($(origin PYTHON),file)
VENV := .venv
else
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifeq ($(VERSION),)
$(error PYTHON must be a Python that runs here; got $(PYTHON))
endif
VENV := .venv-$(VERSION)
endif

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Flower wants an app's folder named like a package; a clone's may be named anything, so the bundle is made from a copy.
BUNDLE := build/bundle/graft
PAGES := $(wildcard *.md docs/*.md docs/*/*.md examples/*/*.md)

.PHONY: install demo test pythons slow check docs format protobuf clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -e '.[dev]'
	touch $(STAMP)

# The environment alone: the three programs are then in $(BIN).
install: $(STAMP)

demo: $(STAMP)
	$(BIN)/graft-sim run --out out/demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

# The suite on each of PYTHONS that this machine has, in its own environment; fails where one fails or none is there.
pythons:
	@passed=; failed=; missing=; \
	for version in $(PYTHONS); do \
	    if ! python$$version -c '' 2>/dev/null; then missing="$$missing $$version"; \
	    elif $(MAKE) test PYTHON=python$$version; then passed="$$passed $$version"; \
	    else failed="$$failed $$version"; fi; \
	done; \
	echo "passed:$${passed:- none}; failed:$${failed:- none}; not on this machine:$${missing:- none}"; \
	test -z "$$failed" && test -n "$$passed"

slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m simulations.config.generated --check
	$(BIN)/mdformat --check $(PAGES)
	$(MAKE) docs
	rm -rf $(BUNDLE) && mkdir -p $(BUNDLE)
	cp -r pyproject.toml server client shared "$(BUNDLE)"
	cd $(BUNDLE) && FLWR_HOME="$(CURDIR)/build/flwr" FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1 "$(CURDIR)/$(BIN)/flwr" build
	rm -rf build/bundle build/flwr

# The site of all Markdown files, build/site/docs/index.html; a link that leads nowhere fails.
docs: $(STAMP)
	$(BIN)/sphinx-build -q -E -n -W --keep-going -c docs . build/site

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mdformat $(PAGES)

# The interface that platforms serve; what is made of it is committed, since operators have no compiler for it.
protobuf: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. shared/serving_api/recommend.proto

clean:
	rm -rf .venv .venv-* out build dist
