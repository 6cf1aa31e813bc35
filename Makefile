.PHONY: demo test bench load mutants lint build

# An app behind WeChat login on this machine, with a simulated WeChat.
demo:
	go run ./cmd/caddywechat wechat demo

build:
	go build -o bin/caddywechat ./cmd/caddywechat

# Every test, with the programs that they need. Pictures of pages go to the folder named at the end.
PICTURES ?= $(CURDIR)/bin/pictures
test:
	.ci/programs
	GORACE=halt_on_error=1 E2E_RACE=1 E2E_PROGRAMS=required E2E_PICTURES=$(PICTURES) go test -race -timeout 30m ./...
	go test ./caddywechat/bench -measure
	@echo "pictures of the pages: $(PICTURES)"

# What a request costs beside the same request without the gate, and what sessions and sites take of the memory.
SAMPLES ?= 24
bench:
	go test -v -run Memory -bench . -benchtime $(SAMPLES)x ./caddywechat/bench -measure

# The binary compared with a plain proxy and with forward_auth, then soaked for as long as SOAK says, 0 for not at all.
SOAK ?= 10m
load:
	.ci/programs wrk
	go run ./caddywechat/load -soak $(SOAK)

# Guards that no test holds: each is taken out, one at a time. MUTANTS takes flags and packages: MUTANTS='-sample 50'.
MUTANTS ?=
mutants:
	go run ./caddywechat/mutants $(MUTANTS)

lint:
	test -z "$$(go run mvdan.cc/gofumpt@v0.12.0 -l . | tee /dev/stderr)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
