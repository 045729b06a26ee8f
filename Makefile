# sgbuild: `make help` lists the targets. Debian 12 with Rust and Python 3; `services` and what needs it run as root.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NEXTEST_VERSION := 0.9.143
DENY_VERSION := 0.20.2
FUZZ_VERSION := 0.13.2
MDBOOK_VERSION := 0.5.4

CARGO ?= cargo
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
export PYTHONDONTWRITEBYTECODE := 1
# `cargo install` puts its programs there.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

TESTBED := tests/testbed/testbed
WITH_TESTBED = eval "$$($(TESTBED) env)"
RELEASE := $(CARGO_TARGET_DIR)/release/sgbuild
DEBUG := $(CARGO_TARGET_DIR)/debug/sgbuild
PYTHON_SOURCES := site tests/template tests/attack tests/conformance tests/sdk tests/testbed tests/testbed/testbed demo bench release release/stamp fixtures/iris-classifier $(wildcard templates/*.py templates/init/*.py)
SHELL_SOURCES := .ci/run tests/testbed/up_while demo/patiently $(addprefix release/,build sdist venv action/install action/run) $(wildcard demo/*.sh fuzz/*.sh) $(wildcard *.sh)
STACK := templates/cicd-pipeline.yaml
WORKFLOWS := $(wildcard .github/workflows/*.yml) docs/examples/github-actions.yml
PACKAGES := $(CARGO_TARGET_DIR)/packages
SITE := $(CARGO_TARGET_DIR)/docs

.PHONY: help demo test lint docs report docs-tutorial docs-pictures bench bench-large conformance attack fuzz release services advisories clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-18s %s\n", $$1, $$2}'

# The same build as the tests': nothing is compiled twice.
demo: ## the whole pipeline on a real package, narrated: commit, data and failures, each to its message
	tests/testbed/up_while demo/patiently $(CARGO) build --locked
	$(WITH_TESTBED); SGBUILD=$(DEBUG) demo/demo.sh

test: nextest ## lint, then every test against real services
	tests/testbed/up_while $(CARGO) build --locked --all-targets
	$(MAKE) --no-print-directory lint
	$(WITH_TESTBED); "$$SGBUILD_TESTBED_PYTHON" -m unittest discover --start-directory tests/testbed
	$(WITH_TESTBED); "$$SGBUILD_TESTBED_PYTHON" -m unittest discover --start-directory site
	$(WITH_TESTBED); "$$SGBUILD_TESTBED_TEMPLATE_PYTHON" -m unittest discover --start-directory tests/template
	$(WITH_TESTBED); cd fixtures/iris-classifier && "$$SGBUILD_TESTBED_PYTHON" -m unittest discover --buffer --start-directory tests
	$(WITH_TESTBED); $(CARGO) nextest run --locked --no-fail-fast

lint: services deny ## formatting, clippy, the fuzz targets, licences and bans, Python and shell sources
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml --target-dir "$(CARGO_TARGET_DIR)/fuzz/target"
	$(CARGO) deny --locked check --allow duplicate bans licenses sources
	$(WITH_TESTBED); "$$RUFF" check --isolated --line-length 120 --select E,F,W,B,UP,SIM --no-cache $(PYTHON_SOURCES)
	$(WITH_TESTBED); "$$RUFF" format --isolated --line-length 120 --no-cache --check $(PYTHON_SOURCES)
	$(WITH_TESTBED); "$$SHELLCHECK" $(SHELL_SOURCES)
	$(WITH_TESTBED); "$$(dirname "$$SGBUILD_TESTBED_TEMPLATE_PYTHON")/cfn-lint" $(STACK)
	$(WITH_TESTBED); "$$SGBUILD_TESTBED_TEMPLATE_PYTHON" -m checkov.main --file $(STACK) --framework cloudformation --quiet --compact --skip-download
	lint=$$(release/venv lint) && "$$lint/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS) && \
	    "$$lint/bin/check-jsonschema" --quiet --builtin-schema vendor.github-actions action.yml && \
	    "$$lint/bin/zizmor" --offline --pedantic --quiet --no-progress $(WORKFLOWS) action.yml

release: services ## what a release has for x86_64 Linux, from glibc 2.17 on: wheel, archive, sdist in target/packages; installed and run
	rm -rf "$(PACKAGES)"
	release/build x86_64-unknown-linux-gnu "$(PACKAGES)"
	release/sdist "$(PACKAGES)"
	test=$$(release/venv test) && cd release/tests && SGBUILD_PACKAGES="$(PACKAGES)" "$$test/bin/python" -m unittest -v
	$(WITH_TESTBED); SGBUILD="$(CARGO_TARGET_DIR)/x86_64-unknown-linux-gnu/dist/sgbuild" demo/demo.sh

docs: services mdbook chromium ## the documentation as a site, in target/docs: its tutorial followed word by word, each page looked at in a browser
	$(CARGO) build --locked
	python3 site/build.py --sgbuild $(DEBUG) --out "$(SITE)"
	python3 site/check.py "$(SITE)" "$(SITE)-screenshots"
	docs=$$(release/venv docs) && $(WITH_TESTBED) && "$$docs/bin/python" site/tutorial.py --sgbuild $(DEBUG)
	@echo "The site: $(SITE)/index.html"

report: services chromium ## the page of `sgbuild report` of 500 runs, in target/report: sorted, filtered and compared in a browser
	$(CARGO) build --locked
	$(WITH_TESTBED) && "$$SGBUILD_TESTBED_PYTHON" site/report_check.py --sgbuild $(DEBUG) "$(CARGO_TARGET_DIR)/report"

docs-tutorial: services ## put what the tutorial's commands print into docs/tutorial.md
	$(CARGO) build --locked
	docs=$$(release/venv docs) && $(WITH_TESTBED) && "$$docs/bin/python" site/tutorial.py --sgbuild $(DEBUG) --write

docs-pictures: services ## draw docs/pictures anew, and record the session among them
	$(CARGO) build --locked
	python3 site/pictures.py
	docs=$$(release/venv docs) && $(WITH_TESTBED) && "$$docs/bin/python" site/record.py --sgbuild $(DEBUG)

bench: services ## reading beside setuptools, build and uv; pushing beside Docker and buildah (docs/bench.md); cold starts; serving beside gunicorn and flask
	$(CARGO) build --locked --release
	$(WITH_TESTBED); python3 bench/reading.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 bench/pushing.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 bench/cold_start.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 bench/serving.py --sgbuild $(RELEASE)

bench-large: services ## pushing with more than a gigabyte of wheels; wants 14 GB of disk for the time being
	$(CARGO) build --locked --release
	$(WITH_TESTBED); python3 bench/pushing.py --sgbuild $(RELEASE) --large

conformance: services ## sgbuild beside setuptools on fixtures, real packages, random projects; beside SageMaker's SDK on training requests
	$(CARGO) build --locked --release
	$(WITH_TESTBED); python3 tests/conformance/conformance.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/conformance/projects.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/conformance/programs.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/conformance/images.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/sdk/compare.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/sdk/local_mode.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/conformance/native.py --sgbuild $(RELEASE)
	$(WITH_TESTBED); python3 tests/conformance/pulled.py --sgbuild $(RELEASE)

fuzz: cargo-fuzz ## every parser on inputs that are made up, FUZZ_SECONDS (60) each; what fails is kept in fuzz/artifacts
	fuzz/fuzz.sh

attack: services faketime ## what sgbuild promises, attacked: killed 500 times, full disks, odd outputs and clocks, canaries; a table of what held
	$(CARGO) build --locked
	$(WITH_TESTBED); python3 tests/attack/attack.py --sgbuild $(DEBUG)

services: ## start what demo and tests talk to; at once when it runs
	@$(TESTBED) up

advisories: deny ## known vulnerabilities in dependencies; needs github.com
	$(CARGO) deny --locked check advisories

clean: ## stop the services and remove what was built
	@$(TESTBED) down
	$(CARGO) clean

# Programs of the tests, where missing. Not in the project's own target directory. cargo-deny looks at some hundred crates: optimising it takes
# minutes longer than it ever works.
.PHONY: nextest deny cargo-fuzz
nextest:
	@cargo-nextest --version >/dev/null 2>&1 || $(CARGO) install --locked --target-dir "$(CARGO_TARGET_DIR)/tools" cargo-nextest@$(NEXTEST_VERSION)

deny:
	@cargo-deny --version >/dev/null 2>&1 || $(CARGO) install --locked --debug --target-dir "$(CARGO_TARGET_DIR)/tools" cargo-deny@$(DENY_VERSION)

cargo-fuzz:
	@cargo-fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked --target-dir "$(CARGO_TARGET_DIR)/tools" cargo-fuzz@$(FUZZ_VERSION)

.PHONY: mdbook chromium faketime
# Without its server, with the search. Optimising it takes a minute longer, and saves it two seconds.
mdbook:
	@mdbook --version >/dev/null 2>&1 || $(CARGO) install --locked --debug --target-dir "$(CARGO_TARGET_DIR)/tools" --no-default-features --features search mdbook@$(MDBOOK_VERSION)

chromium:
	@command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium fonts-dejavu-core; }

faketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends faketime; }
