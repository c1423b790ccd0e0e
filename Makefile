# SPDX-License-Identifier: GPL-2.0-only

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# golangci-lint is pinned here and not in go.mod, which would take over the
# some hundred modules that it is made of.
LINT_VERSION := v2.15.0
LINT := .cache/bin/golangci-lint-$(LINT_VERSION)

FUZZTIME ?= 10m

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# The program has no C in it. That leaves out the race detector, which needs a
# C compiler.
export CGO_ENABLED := 0
# Where the installed Go is older than go.mod asks for, let it fetch that one.
export GOTOOLCHAIN ?= auto

# Where the reader of dumps spends its time: the compiler makes that faster.
PROFILE := cmd/scxdiag/reader.pgo

.PHONY: build test tools generate generated gofmt vet lint unit bench profile ordeal fuzz update picture clean

build: ## build bin/scxdiag
	go build -trimpath -pgo=$(PROFILE) -o bin/scxdiag ./cmd/scxdiag

test: tools generated gofmt vet lint unit ## install what testing needs, then run every check and test

tools: $(LINT) ## install what testing needs and this machine lacks
	@command -v tmux >/dev/null || { $(call apt,tmux); }
	@command -v xmllint >/dev/null || { $(call apt,libxml2-utils); }
	@command -v qemu-system-x86_64 >/dev/null || { $(call apt,qemu-system-x86); }
	@command -v clang-19 >/dev/null && command -v llvm-strip-19 >/dev/null && [ -e /usr/include/bpf/bpf_helpers.h ] || \
		{ $(call apt,clang-19 llvm-19 libbpf-dev); }

# apt installs a Debian package and says so.
apt = echo "installing $(1) with apt-get" && \
	$(SUDO) apt-get update -qq && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1)

$(LINT):
	@command -v go >/dev/null || { $(call apt,golang-go ca-certificates); }
	@echo "installing golangci-lint $(LINT_VERSION) into $(@D); the first time this takes some minutes"
	GOBIN="$(CURDIR)/$(@D)" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv "$(@D)/golangci-lint" "$@"

gofmt: ## fail if a file is not formatted
	@unformatted="$$(gofmt -l .)"; \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

vet:
	go vet ./...

lint: $(LINT) ## run golangci-lint
	$(LINT) run ./...

unit: ## run the Go tests
	go test $$(go list ./... | grep -vE '^scxdiag/(bpf|cmd|tui)')
	# One after the other: each has virtual machines, whose CPUs are emulated.
	go test -p 1 -timeout 20m ./cmd/... ./tui/...
	go test -p 1 -timeout 38m ./bpf/...

generate: ## compile the BPF programs again
	go generate ./bpf

generated: ## fail if the committed objects are not what their sources give
	@before="$$(cat bpf/*_bpfel*.go bpf/*_bpfel*.o | sha256sum)"; \
	go generate ./bpf; \
	after="$$(cat bpf/*_bpfel*.go bpf/*_bpfel*.o | sha256sum)"; \
	if [ "$$before" != "$$after" ]; then echo "bpf: the committed objects are not what their sources give; commit what go generate made"; exit 1; fi

bench: ## run the benchmarks, compiled as build does it
	go test -pgo=$(PROFILE) -run '^$$' -bench . ./dump/... ./tui ./bpf ./cmd/scxdiag

profile: ## record again where the reader spends its time
	dir="$$(mktemp -d)"; trap 'rm -r "$$dir"' EXIT; \
	SCXDIAG_BENCH_MIB=64 go test -trimpath -run '^$$' -bench 'Reader$$' -benchtime 4x \
		-o "$$dir/text.test" -cpuprofile "$$dir/cpu" ./dump/text; \
	go tool pprof -proto -focus '\(\*Reader\)\.Next' -output $(PROFILE) "$$dir/text.test" "$$dir/cpu"

ordeal: ## kill 500 recorders and let a crowd use a recording for a minute; it takes some minutes
	go test -count=1 -v -timeout 30m -run '^Test(KilledRecordersLoseNothing|Crowd)$$' ./dump/store -ordeal

# Go minimizes each new input for up to a minute, during which it tries no other.
fuzz: ## run each fuzz target for FUZZTIME
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
			echo "$$pkg $$target for $(FUZZTIME)"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$pkg"; \
		done; \
	done

update: ## refresh the golden files; look at the difference before you commit it
	@for dir in $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"|exp/golden"' . | xargs -n1 dirname | sort -u); do \
		go test "$$dir" -update; \
	done
	UPDATE_SCRIPTS=1 go test ./cmd/scxdiag

picture: tools ## take the README's picture of the screen again
	go test -count=1 -run '^TestPicture$$' ./tui -update

clean: ## remove what was built
	rm -rf bin .cache
