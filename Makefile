# What a person does with this repository. `make` alone explains.

GO       ?= go
FUZZTIME ?= 20s
COVER    ?= cover.out
# The longest that the tests of one package may take.
TIMEOUT  ?= 5m
# For how long make soak goes on.
MINUTES  ?= 60
# How many seeds make seeds simulates.
SEEDS    ?= 1000000
# What make profile looks at.
SYSTEM   ?= millrace
LOAD     ?= W1/64

# The linter that .golangci.yml is written for. It is a tool of its own and stays out of go.mod.
GOLANGCI_LINT         ?= golangci-lint
GOLANGCI_LINT_VERSION := v2.15.0

# The packages that decide and that start no server: quick enough for the race detector on every check.
PURE := $(addsuffix /...,$(addprefix ./,$(wildcard api converter log internal/retry internal/history internal/replay workflow)))

.DEFAULT_GOAL := help
.PHONY: help build check format vet race test contrib bench bench-quick profile lint demo demo-crash faults storage-faults kill-test soak seeds compat samples fuzz cover clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build bin/millrace
	$(GO) build -trimpath -o bin/millrace ./cmd/millrace

demo: ## train 90 days on the embedded server and print the table
	$(GO) run ./examples/training/demo

demo-crash: ## the same while workers and servers are killed
	$(GO) run ./examples/training/demo -crash

faults: ## kill, stop, cut off and slow down processes under load, and verify what is left (about 40 minutes)
	$(GO) run ./integration/faults $(FAULTS)
	$(MAKE) storage-faults
	$(GO) test -count=1 -v -timeout 40m ./integration -run ArmedTimers -timers 10000
	$(GO) test -count=1 -v -timeout 20m ./integration/poison -poison.full

storage-faults: ## cut the power of servers, damage their files, fill up their disks (10 minutes; needs root and FUSE, and says what it leaves out)
	$(GO) test -count=1 -v -timeout 25m ./integration/powerloss -run 'PowerCut|Power$$|Damaged|FullDisk' -cuts 30 -cases 40 -replica-cases 13 -cycles 3
	$(GO) test -count=1 -v -timeout 15m ./integration/powerloss -run 'Replicated' -cluster -cuts 3

kill-test: ## the kills of faults alone (about 4 minutes)
	$(GO) run ./integration/faults -only workers,coordinators,server

# Several invocations add up: the totals are kept beside the program.
soak: ## all faults in turn for MINUTES (60), adding to the totals, and write docs/reliability.md
	$(GO) run ./integration/faults -soak $(MINUTES) -state integration/faults/totals.json
	$(GO) run ./integration/faults report

# About 13 ms of a processor each: a million takes two hours of two processors. A failure prints its seed.
seeds: ## simulate SEEDS seeds (a million) that nobody has tried yet, on all processors; begun again it goes on
	$(GO) test -c -o bin/simulation.test ./coordinator
	@integration/seeds.sh $(SEEDS)

check: format vet race test ## everything that CI runs

format: ## fail if a file is not formatted by gofmt
	@unformatted=$$(gofmt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi

vet: ## report suspicious code
	$(GO) vet ./...

# The race detector needs a C compiler; without one Go turns cgo off by itself.
race: ## test the pure packages with the race detector
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then \
		echo "$(GO) test -race $(PURE)"; $(GO) test -race -timeout $(TIMEOUT) $(PURE); \
	else echo "race: left out, there is no C compiler"; fi

test: ## run all tests
	$(GO) test -timeout $(TIMEOUT) ./...

# Modules of their own, with dependencies that the root does not have.
contrib: ## test the modules in contrib that stand alone
	cd contrib/opentelemetry && $(GO) vet ./... && $(GO) test -timeout $(TIMEOUT) ./...

bench: ## measure Millrace beside the bare broker, all workloads (takes about an hour)
	$(GO) run ./integration/bench

bench-quick: ## measure W1, W2 and W3 in under a minute, and fail below the targets or far below the recorded ratios
	$(GO) run ./integration/bench -quick

profile: ## profile LOAD (W1/64) on SYSTEM (millrace, or millrace-queue without eager activities) and print who spends the time
	$(GO) run ./integration/bench -pprof profiles -duration 10s -systems $(SYSTEM) -workloads $(LOAD)

# A module of its own: only it depends on Temporal's SDK. COMPAT=-check fails below the targets.
compat: ## compare the surface with that of Temporal's Go SDK and write docs/compat.md (the first time takes a minute)
	cd internal/compat && $(GO) test -timeout $(TIMEOUT) ./... && $(GO) run . $(COMPAT)

samples: ## test programs written for Temporal's SDK there and, brought over, here; and write docs/samples.md (a minute or two)
	cd internal/compat && $(GO) run ./runsamples $(SAMPLES)

lint: ## run golangci-lint, if it is installed
	@if ! command -v $(GOLANGCI_LINT) >/dev/null; then \
		echo "golangci-lint is not installed (building it takes some minutes):"; \
		echo "  go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)"; exit 1; fi
	$(GOLANGCI_LINT) run ./...

# Go fuzzes one target at a time.
fuzz: ## fuzz each target for FUZZTIME (20s)
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
		for target in $$(cat "$$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
			echo "$$target in $$dir"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$dir"; \
		done; done

cover: ## test with coverage and print the total
	$(GO) test -timeout $(TIMEOUT) -coverpkg ./... -coverprofile $(COVER) ./...
	$(GO) tool cover -func $(COVER) | tail -n 1
	@echo "details: go tool cover -html $(COVER)"

clean: ## remove what make built
	rm -rf bin $(COVER)
