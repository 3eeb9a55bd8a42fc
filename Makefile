# What there is to do. `make demo` and `make test` install what they need; both want root.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: build test demo bench bench-quick fmt lint e2e kill clean

# No cgo: the program is one file, and drops its privileges on every thread.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o build/lessor ./cmd/lessor

# Everything that CI runs.
test:
	scripts/test

demo:
	scripts/demo

# Our figures beside those of the other servers that are installed.
bench: build
	bench/run

# The same in some minutes, with fewer and shorter runs.
bench-quick: build
	bench/run --quick

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

clean:
	rm -rf build
