# Every target does its own set-up in .venv; nothing outside this folder is touched.
# PYTHON=python3.12 chooses the interpreter, PYTEST="-k cache -x" adds to pytest's arguments.
.PHONY: help setup demo demo-agent test async ray slow check format bench docs facts-check wheel sdk-js sdks old-sdks peers deploy docs-site lock clean
.DEFAULT_GOAL := help

BIN := .venv/bin
PYTEST ?=
WORKERS ?= 2

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# One stamp for each set of packages; a second call finds it and takes nothing.
.venv/.set-%: constraints/%.txt pyproject.toml scripts/setup
	@scripts/setup $*
	@touch $@

setup: .venv/.set-dev  ## the environment for everything below

# A stamp of its own, so that the demo need not wait for the tools of the tests.
demo: .venv/.set-demo  ## what a support agent costs with and without rockbottom; draws runs/demo.html
	@$(BIN)/rockbottom bench examples/support-agent.yaml --html runs/demo.html --fail-on checks

demo-agent: .venv/.set-demo  ## the same of an agent with tools; draws runs/demo-agent.html
	@$(BIN)/rockbottom bench examples/agent-tools.yaml --html runs/demo-agent.html --fail-on checks

test: .venv/.set-dev  ## all tests but the slow ones, in WORKERS processes (2)
	@$(BIN)/python -m pytest -q -m "not slow" -n $(WORKERS) --dist loadfile --ignore tests/client/test_async.py --ignore tests/old_sdks $(PYTEST)

async: .venv-async/.set  ## the tests of aiobotocore, which pins another botocore and so has an environment of its own
	@.venv-async/bin/python -m pytest -q tests/client/test_async.py $(PYTEST)

slow: .venv/.set-dev  ## the slow tests
	@$(BIN)/python -m pytest -q -m slow $(PYTEST)

ray: .venv/.set-dev  ## replay on a Ray cluster of two nodes, one of them killed half-way
	@$(BIN)/python -m pytest -q tests/engine/test_cluster.py $(PYTEST)

# Packages that pin versions of their own live in environments of their own.
.venv-%/.set: constraints/%.txt pyproject.toml scripts/setup
	@VENV=.venv-$* scripts/setup $*
	@touch $@

sdks: .venv-sdks/.set .venv-async/.set .venv-programs/.set .venv-pydantic-suite/.set  ## attach to every framework and to aiobotocore, as installed
	@.venv-sdks/bin/python -m pytest -q tests/client tests/programs tests/gateway/test_clients.py tests/gateway/test_signed_again.py $(PYTEST)
	@.venv-async/bin/python -m pytest -q tests/client $(PYTEST)
	@.venv-programs/bin/python -m pytest -q tests/programs tests/gateway/test_clients.py $(PYTEST)
	@.venv-pydantic-suite/bin/python -m pytest -q tests/client/test_surfaces.py tests/client/test_surface_frameworks.py $(PYTEST)

peers: .venv-suites/.set .venv-pydantic-suite/.set  ## suites of langchain-aws, strands, pydantic-ai and AWS's examples on the endpoint
	@.venv-suites/bin/python -m pytest -q -rs tests/peers $(PYTEST)
	@.venv-pydantic-suite/bin/python -m pytest -q -rs tests/peers $(PYTEST)

# boto3 as programs pin it: it may know no cachePoint, or no ttl.
OLD_SDKS := $(patsubst constraints/%.txt,.venv-%/.set,$(wildcard constraints/boto3-*.txt))

old-sdks: .venv/.set-dev $(OLD_SDKS)  ## attach to older boto3, each in an environment of its own
	@$(BIN)/python -m pytest -q tests/old_sdks $(PYTEST)

check: .venv/.set-dev  ## lint, types, imports, docs
	@$(BIN)/ruff check src tests scripts benchmarks
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/python scripts/cli_reference.py --check
	@$(BIN)/python scripts/python_reference.py --check

format: .venv/.set-dev  ## ruff's formatting
	@$(BIN)/ruff format src tests scripts benchmarks
	@$(BIN)/ruff check --fix src tests scripts benchmarks

docs: .venv/.set-dev  ## regenerate docs/reference/cli.md and python.md and run every example of the documents
	@$(BIN)/python scripts/cli_reference.py
	@$(BIN)/python scripts/python_reference.py
	@$(BIN)/python -m pytest -q tests/house/test_docs.py

bench: .venv/.set-bench  ## the benchmarks: figures beside their peers, no pass or fail
	@for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit; done

sdk-js: .venv/.set-dev  ## the SDKs and coding agents from npm at the local endpoint and a gateway; needs Node.js
	@npm install --silent --prefix tests/sdk_js
	@$(BIN)/python -m pytest -q tests/sdk_js

# Always the newest: what these two say today is the point, so there are no pins; nothing of them runs here.
facts-check: .venv/.set-dev  ## the price book against the newest litellm and genai-prices; a disagreement needs a verdict
	@$(BIN)/python -m venv .venv-facts
	@.venv-facts/bin/python -m pip install --quiet --upgrade --no-deps litellm
	@.venv-facts/bin/python -m pip install --quiet --upgrade genai-prices
	@$(BIN)/python scripts/facts_check.py .venv-facts

deploy: .venv-deploy/.set  ## the files of deploy/ by their tools: hadolint, Helm, Kubernetes' schemas, HCL, compose, systemd
	@.venv-deploy/bin/python -m pytest -q tests/deploy $(PYTEST)

docs-site: .venv-docs/.set  ## the documents as a searchable site in site/; a link that leads nowhere fails it
	@.venv-docs/bin/python scripts/docs_site.py .venv-docs

wheel: .venv/.set-dev  ## build the wheel and try it in a fresh environment
	@scripts/try_wheel

lock:  ## new pins from pyproject.toml (UPGRADE=1 for newer versions); needs uv
	@scripts/lock

clean:  ## remove everything that make made
	rm -rf .venv .venv-* dist build site .pytest_cache .ruff_cache .hypothesis .import_linter_cache .peers tests/sdk_js/node_modules
