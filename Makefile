# `make run` and `make test` work from a fresh clone; they install what is missing. See CONTRIBUTING.md.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Shared by all clones of this user: built crates, programs, Python environments.
ifeq ($(XDG_CACHE_HOME),)
export BACKSTAY_CACHE ?= $(HOME)/.cache/backstay
else
export BACKSTAY_CACHE ?= $(XDG_CACHE_HOME)/backstay
endif
export CARGO_TARGET_DIR ?= $(BACKSTAY_CACHE)/target
export PATH := $(BACKSTAY_CACHE)/tools/bin:$(PATH)

.PHONY: help run test lint bench setup

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: ## build, show the main job on real input, then serve on 127.0.0.1:8470
	@command -v c++ >/dev/null || tools/setup
	cargo build --release --locked --package backstay
	"$$CARGO_TARGET_DIR/release/backstay" demo --serve

test: setup ## run every test, with a private PostgreSQL and S3 server
	@tools/with-services tools/test

lint: setup ## check format, lints, layers, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo xtask layers
	cargo deny --all-features check licenses bans sources

bench: ## compare with restic, rustic, borg and bupstash; writes bench/RESULTS.md
	bench/run.py

setup: ## install what the tests and checks need
	@tools/setup
