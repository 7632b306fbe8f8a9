# Everything that is done in a clone. A target makes the .venv that it needs; what is installed is pinned in
# constraints.txt, and pip runs again only when that file or pyproject.toml has changed.
#
#   PYTHON        the interpreter to make .venv with, and to smoke-test: 3.11 to 3.13
#   TORCH_INDEX   the index to take torch from, and nothing else: a CPU build (README.md, "Without a GPU")
#   PYTHON_IMAGE  the base of the image; `release` wants it by its content: NAME@sha256:DIGEST
#   ARGS          more words for the command of `serve`, `train` and `test`
#
# Variables given to make reach the service as its environment: HOST, PORT, MODEL and the rest (docs/http-api.md).

PYTHON ?=
TORCH_INDEX ?=
PYTHON_IMAGE ?=
ARGS ?=

# 3.11 first, as the image has it. A name that does not run, such as a shim without its version, is passed over.
candidates = $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
suits = import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
suitable = $(firstword $(foreach name,$(candidates),$(shell '$(name)' -c '$(suits)' >/dev/null 2>&1 && echo '$(name)')))
python = $(or $(suitable),$(error nerve needs Python 3.11 to 3.13 with its venv module, and \
  $(candidates) $(if $(PYTHON),is not that,are not there): install one, or name it with PYTHON=))
# Most of torch is never imported, and to compile it all takes as long as to install it. The first import of a module
# compiles it, and keeps that for the next process even where the environment says not to.
pip = .venv/bin/python -m pip install -qq --disable-pip-version-check --no-compile --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE =
audit = .venv/bin/python -m uv tool run --quiet pip-audit@2.10.1 --disable-pip
# Many tests wait for a process, so there may be more at a time than there are cores.
suite = --numprocesses 4 --dist loadfile --no-loadscope-reorder
# So that two builds of a commit are the same.
commit_time = $(shell git log -1 --format=%ct 2>/dev/null)

.PHONY: help serve test slow coverage check format train cards docs lock audit tools image smoke lowest release clean python base-by-digest

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

serve: .venv/.runtime ## serve MODEL (the bundled ones) on HOST (127.0.0.1) and PORT (8000)
	@exec .venv/bin/python -m nerve.service $(ARGS)

test: .venv/.test ## run the tests that are not slow, or those that ARGS name
	@.venv/bin/python -m pytest $(or $(ARGS),$(suite) -m 'not slow')

slow: .venv/.test ## run the slow tests: trainings, installations, a browser, restarts under load
	@.venv/bin/python -m pytest $(suite) -m slow

coverage: .venv/.test ## run all tests and show their coverage, which takes half as long again
	@.venv/bin/python -m pytest --cov $(suite)

check: .venv/.test ## ruff and mypy
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy

format: .venv/.test ## let ruff mend what it can
	@.venv/bin/python -m ruff check --fix .
	@.venv/bin/python -m ruff format .

train: .venv/.training ## train as ARGS say: make train ARGS="--dataset wnut17 --output wnut17.pt"
	@exec .venv/bin/python -m nerve.training.train $(ARGS)

docs: .venv/.test ## build the documentation site in site/ and check its links
	@.venv/bin/python -m scripts.site

cards: .venv/.training ## measure every figure of the model cards again: make cards ARGS="--data-dir DIR"
	@.venv/bin/python -m recipes.cards $(ARGS)

lock: .venv/.test ## write requirements/, the hashes of what the image installs; of the CPU build of torch with TORCH_INDEX
	@.venv/bin/python -m scripts.lock --torch-index '$(TORCH_INDEX)'

audit: .venv/.test ## ask the Python Packaging Advisory Database about what the image and nerve with its extras install
	@$(audit) --require-hashes $(addprefix --requirement ,$(filter-out %+cpu.txt,$(wildcard requirements/*.txt)))
	@$(audit) --no-deps --requirement constraints.txt

tools: .venv/.test ## fetch helm and the schemas that tests/deploy checks the chart with; without them they are skipped
	@.venv/bin/python -m scripts.deploy_tools

image: ## build the container image `nerve`
	@docker build $(if $(TORCH_INDEX),--build-arg 'TORCH_INDEX=$(TORCH_INDEX)') \
	  $(if $(PYTHON_IMAGE),--build-arg 'PYTHON_IMAGE=$(PYTHON_IMAGE)') \
	  $(if $(commit_time),--build-arg SOURCE_DATE_EPOCH=$(commit_time)) -t nerve .

smoke: ## install nerve in a throw-away environment of PYTHON and use it: tag, serve, train
	@'$(python)' -m scripts.smoke --torch-index '$(TORCH_INDEX)'

lowest: .venv/.test ## run the service's tests with the lowest versions that pyproject.toml allows
	@.venv/bin/python -m scripts.lowest --torch-index '$(TORCH_INDEX)'

release: base-by-digest coverage ## build and check what a release uploads: dist/ and the image; uploads nothing
	@rm -rf dist
	@.venv/bin/python -m build --outdir dist . >/dev/null
	@.venv/bin/python -m uv tool run --quiet twine@7.0.0 check --strict dist/*
	@.venv/bin/python -m scripts.smoke --torch-index '$(TORCH_INDEX)' --wheel dist/*.whl
	@$(MAKE) --no-print-directory image
	@docker run --rm --entrypoint cat nerve /app/sbom.json > dist/sbom.json
	@sha256sum dist/*

base-by-digest:
	@echo '$(PYTHON_IMAGE)' | grep -Eq '@sha256:[0-9a-f]{64}$$' || { echo "nerve: a release's image needs its base by \
	content: make release PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:DIGEST" >&2; exit 1; }

clean: ## remove .venv and what tools left behind
	@rm -rf .venv build dist site *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache

# A stamp for each set of packages. Every set holds what the service needs.
.venv/.runtime .venv/.training .venv/.test: .venv/.%: pyproject.toml constraints.txt | python .venv/bin/pip
	@echo 'Installing into .venv, once.$(if $(TORCH_INDEX),, Without a GPU, TORCH_INDEX spares you CUDA: see README.md.)'
	@$(if $(TORCH_INDEX),$(pip) --no-deps --index-url '$(TORCH_INDEX)' torch)
	@$(pip) --editable '.$(if $(filter-out runtime,$*),[$*])'
	@touch .venv/.runtime $@

# The last file that venv writes, so that an interrupted one is made again.
.venv/bin/pip:
	@'$(python)' -m venv .venv

# A PYTHON that is given counts even when there is a .venv already.
python:
	@$(if $(PYTHON),test ! -e .venv/bin/python || test "$$('$(python)' -V)" = "$$(.venv/bin/python -V)" || \
	  { echo "nerve: .venv was made with $$(.venv/bin/python -V): 'make clean' first" >&2; exit 1; })
