# Everything that is done in a clone. A target makes the .venv that it needs; what is installed is pinned in
# constraints.txt, and pip runs again only when that file or pyproject.toml has changed.
#
#   PYTHON        the interpreter to make .venv with, and to smoke-test: 3.11 to 3.13
#   TORCH_INDEX   an index where pip may find a CPU build of torch (README.md, "Without a GPU")
#   ARGS          more words for the command of `serve`, `train` and `test`
#
# Variables given to make reach the service as its environment: HOST, PORT, MODEL and the rest (docs/http-api.md).

PYTHON ?=
TORCH_INDEX ?=
ARGS ?=

# 3.11 first, as the image has it. A name that does not run, such as a shim without its version, is passed over.
candidates = $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
suits = import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
suitable = $(firstword $(foreach name,$(candidates),$(shell '$(name)' -c '$(suits)' >/dev/null 2>&1 && echo '$(name)')))
python = $(or $(suitable),$(error nerve needs Python 3.11 to 3.13 with its venv module, and \
  $(candidates) $(if $(PYTHON),is not that,are not there): install one, or name it with PYTHON=))
index = $(if $(TORCH_INDEX),--extra-index-url '$(TORCH_INDEX)')

.PHONY: help serve test check format train cards docs image smoke lowest release clean python

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

serve: .venv/.runtime ## serve MODEL (the bundled ones) on HOST (127.0.0.1) and PORT (8000)
	@exec .venv/bin/python -m nerve.service $(ARGS)

test: .venv/.test ## run the whole suite and show its coverage, or the tests that ARGS name
	@.venv/bin/python -m pytest $(or $(ARGS),--cov)

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

image: ## build the container image `nerve`
	@docker build $(if $(TORCH_INDEX),--build-arg TORCH_INDEX=$(TORCH_INDEX)) -t nerve .

smoke: ## install nerve in a throw-away environment of PYTHON and use it: tag, serve, train
	@'$(python)' -m scripts.smoke --torch-index '$(TORCH_INDEX)'

lowest: .venv/.test ## run the service's tests with the lowest versions that pyproject.toml allows
	@.venv/bin/python -m scripts.lowest --torch-index '$(TORCH_INDEX)'

release: .venv/.test ## build what a release uploads into dist/, check its metadata and smoke-test it; uploads nothing
	@rm -rf dist
	@.venv/bin/python -m build --outdir dist . >/dev/null
	@.venv/bin/python -m uv tool run --quiet twine@7.0.0 check --strict dist/*
	@.venv/bin/python -m scripts.smoke --torch-index '$(TORCH_INDEX)' --wheel dist/*.whl
	@sha256sum dist/*

clean: ## remove .venv and what tools left behind
	@rm -rf .venv build dist site *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache

# A stamp for each set of packages. Every set holds what the service needs.
.venv/.runtime .venv/.training .venv/.test: .venv/.%: pyproject.toml constraints.txt | python .venv/bin/pip
	@echo 'Installing into .venv, once.$(if $(TORCH_INDEX),, Without a GPU, TORCH_INDEX spares you CUDA: see README.md.)'
	@.venv/bin/python -m pip install -qq --disable-pip-version-check $(index) \
	  --constraint constraints.txt --editable '.$(if $(filter-out runtime,$*),[$*])'
	@touch .venv/.runtime $@

# The last file that venv writes, so that an interrupted one is made again.
.venv/bin/pip:
	@'$(python)' -m venv .venv

# A PYTHON that is given counts even when there is a .venv already.
python:
	@$(if $(PYTHON),test ! -e .venv/bin/python || test "$$('$(python)' -V)" = "$$(.venv/bin/python -V)" || \
	  { echo "nerve: .venv was made with $$(.venv/bin/python -V): 'make clean' first" >&2; exit 1; })
