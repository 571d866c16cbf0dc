# The daily habits. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run sandbox test lint fmt proto-lint delivery chart acceptance image campaign fuzz requirements ci

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Serve on 127.0.0.1:50051 against the embedded sandbox
	cargo run -- serve --sandbox

sandbox: ## Only an AWS Backup to test against, on 127.0.0.1:4566
	cargo run -- sandbox

test: ## All Rust tests
	cargo test --workspace

lint: ## Formatting, clippy, rustdoc
	.ci/run shell fmt clippy doc

fmt: ## Format the sources
	cargo fmt --all

proto-lint: ## buf lint and buf breaking
	.ci/run proto

delivery: ## Dockerfile, chart, alerts and dashboard
	.ci/run delivery

chart: ## Write the chart's README and dashboard anew, out of values.yaml and helm/dashboard.py
	target/venv/bin/python helm/readme.py
	target/venv/bin/python helm/dashboard.py

acceptance: ## AWS CLI, boto3, Terraform and grpcio against real processes
	.ci/run acceptance

image: ## The image, built and run as the chart runs it; as root, on Debian
	.ci/run image

campaign: ## Faults of AWS and kill -9 against a thousand changes: docs/reliability.md
	.ci/run campaign

fuzz: ## Laws of the parsers and nonsense for every RPC: docs/reliability.md
	.ci/run fuzz

# Needs pip-tools. The flags keep the addresses of mirrors out of the file.
requirements: ## Pin tests/requirements.txt anew after a change of tests/requirements.in
	cd tests && pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --output-file requirements.txt requirements.in

ci: ## Everything that has to hold before a change lands
	.ci/run
