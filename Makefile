# What there is to do with this tree. make help lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Packages and scripts that are ours, without what npm brings along.
GO_FOLDERS := cmd internal test bench

TRACKER := internal/ui/tracker/tidemark.js
DASHBOARD := internal/ui/dist/index.html

.PHONY: help build demo test soak bench check generate screenshots format vet staticcheck lint generated node-test go-test tools FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/tidemark ## build the dashboard, the tracker and bin/tidemark

demo: build ## run a server with a demo shop and simulated traffic on 127.0.0.1:8080
	bin/tidemark demo --data-dir data/demo

test: check node-test go-test ## everything that must hold before a commit is shared

check: format vet staticcheck generated lint ## the quick part of test

soak: build ## the long kind of test: kill -9 a thousand times (ROUNDS), trouble in a cluster (TROUBLES), thousands of orders of arrival (CHECKS) and of simulated lives (SEEDS)
	TIDEMARK_SIM_SEEDS=$(or $(SEEDS),5000) go test -timeout 0 -count=1 ./internal/testkit/sim/
	TIDEMARK_KILL_ROUNDS=$(or $(ROUNDS),1000) go test -timeout 0 -count=1 -v -run Kill ./test/e2e/
	TIDEMARK_CLUSTER_ROUNDS=$(or $(TROUBLES),200) go test -timeout 0 -count=1 -v -run Cluster ./test/e2e/
	TIDEMARK_D3_CHECKS=$(or $(CHECKS),500) go test -timeout 0 -count=1 -run FinalDaysEqual ./internal/testkit/product/

bench: build ## measure, as ratios to a bare HTTP server in the same run
	sh bench/run.sh

generate: ## write generated code and reference pages anew
	sh scripts/generate.sh write

screenshots: build tools-test test/browser/node_modules/.package-lock.json ## take pictures of the dashboard into docs/img
	sh scripts/screenshots.sh docs/img

# --- building ---

bin/tidemark: $(TRACKER) $(DASHBOARD) FORCE
	go build -ldflags '-X main.version=$(VERSION)' -o $@ ./cmd/tidemark

FORCE:

.PHONY: tools-build tools-test
tools-build tools-test: tools-%:
	@sh scripts/tools.sh $*

# npm writes this file last, so it is as old as the installed packages.
%/node_modules/.package-lock.json: %/package-lock.json | tools-build
	cd $* && npm ci --no-audit --no-fund

$(TRACKER): tracker/node_modules/.package-lock.json tracker/build.mjs $(wildcard tracker/src/*)
	cd tracker && npm run --silent build

$(DASHBOARD): ui/node_modules/.package-lock.json ui/index.html ui/vite.config.ts $(shell find ui/src ui/public -type f 2>/dev/null)
	cd ui && npm run --silent build

# --- testing ---

format:
	@out=$$(gofmt -l $(wildcard $(GO_FOLDERS))); if [ -n "$$out" ]; then echo "run gofmt on:" $$out >&2; exit 1; fi

vet: $(TRACKER) $(DASHBOARD)
	go vet ./...

staticcheck: $(TRACKER) $(DASHBOARD)
	go run $(STATICCHECK) ./...

generated:
	sh scripts/generate.sh check

lint:
	go test ./internal/lint/

node-test: tools-test tracker/node_modules/.package-lock.json ui/node_modules/.package-lock.json
	cd tracker && npm test --silent
	cd ui && npm test --silent

# The longest first, so that none of them runs alone at the end.
LONG_TESTS := ./test/e2e ./internal/testkit/product ./internal/store/clickstore

go-test: build tools-test test/browser/node_modules/.package-lock.json
	go test -timeout 18m $(LONG_TESTS) ./...
