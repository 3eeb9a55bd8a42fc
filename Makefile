# What there is to do. `make demo` and `make test` install what they need; both want root.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: build deb test demo bench bench-thorough bench-scale soak fmt lint e2e kill sim clean

# No cgo: the program is one file, and drops its privileges on every thread.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o build/lessor ./cmd/lessor

# The Debian package, for this machine or for ARCHITECTURE; the same octets from the same commit.
deb:
	scripts/deb $(ARCHITECTURE)

# Everything that CI runs.
test:
	scripts/test

demo:
	scripts/demo

# Our figures beside those of other servers, which it installs, in some ten minutes; and in about fifty.
bench: build
	bench/run --install

bench-thorough: build
	bench/run --install --thorough

# How the costs grow with leases, subnets, classes and free addresses.
bench-scale: build
	bench/run --scale

# A pair that serves for 20 minutes while it fails over and changes its configuration; LESSOR_SOAK=2m is a short one.
soak: build
	bench/run --soak

fmt:
	gofmt -w cmd internal test

lint:
	@odd=$$(gofmt -l cmd internal test); [ -z "$$odd" ] || { echo "gofmt would change:"; echo "$$odd"; exit 1; }
	go vet ./...
	cd test && go vet ./...

# The parts of `make test` that one runs alone while working; RUN names the tests.
e2e: build
	cd test && LESSOR_BINARY=$(CURDIR)/build/lessor go test -count=1 -parallel 20 -timeout 15m -run '$(RUN)' ./e2e

kill: build
	cd test && LESSOR_BINARY=$(CURDIR)/build/lessor go test -count=1 -v -timeout 60m ./kill

# Histories of two servers and their clients in virtual time (docs/simulator.md): SEEDS of them, or the one of SEED, shown.
# OUTSIDE=1 plays those in which what safety stands on does not hold, VERSIONS=1 those in which the configuration has versions, a
# tenth of as many.
SEEDS ?= 2000
sim:
ifdef SEED
	go test -count=1 -timeout 10m -v -run '$(if $(OUTSIDE),Outside,$(if $(VERSIONS),WithVersions,NoHistoryBreaks))' ./internal/sim -seeds 1 -seed $(SEED)
else
	go test -count=1 -timeout 24h -v -run '$(if $(OUTSIDE),Outside,$(if $(VERSIONS),WithVersions,NoHistoryBreaks))' ./internal/sim -seeds $(SEEDS)
endif

clean:
	rm -rf build
