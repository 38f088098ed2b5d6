# `make` lists what can be made; docs/development.md says what each target proves.

VERSION := $(shell scripts/version.sh)
DEVICES := linux-amd64 linux-armv6 linux-armv7 linux-arm64 linux-386 linux-mipsle windows-amd64.exe
FOREIGN := armv6 armv7 arm64 mipsle
PORTABLE := ./buffer/... ./agent/event/... ./drivers/... ./uplink/... ./scripts/badgerfix/standin/...

# The most bytes that the ARMv6 binary may have: it shares the flash of a controller with its system.
MAXSIZE := 16000000

# What is released carries the time of the last commit, so that the same source gives the same files.
EPOCH ?= $(or $(SOURCE_DATE_EPOCH),$(shell git -c safe.directory='*' log -1 --format=%ct 2>/dev/null || echo 0))

# The version comes from VERSION; the stamp of the go command would fail in a checkout that belongs to another user.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

# Tools run on this machine, whatever the program is built for.
HOSTGO := env -u GOOS -u GOARCH -u GOARM -u GOMIPS -u CGO_ENABLED go
TOOL   := $(HOSTGO) tool -modfile=scripts/tools.mod
NFPM   ?= $(HOSTGO) tool -modfile=scripts/packaging/nfpm.mod nfpm

# Modules with corrections and without what nobody uses (see scripts/badgerfix), no HTTP/2. Everything is built and tested so.
FIXED   := -overlay build/overlay.json -tags badgerfix,nethttpomithttp2
RELEASE := $(FIXED) -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo build cross size man dist dist-twice rig test check unit vet race test-386 test-kill test-powercut soak test-foreign fuzz cover lint fmt generate tidy vuln overlay clean FORCE

help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## see it work: readers, agent and portal on this machine, in under a minute
	dist/acs-agent demo

build: dist/acs-agent ## one static binary for this machine: dist/acs-agent

cross: $(DEVICES:%=dist/acs-agent-%) ## binaries for all devices, with their sizes; none may be too big
	@wc -c $^ | awk '$$2 != "total" { printf "  %6.1f MB  %s\n", $$1 / 1e6, $$2 } \
		$$2 ~ /armv6$$/ && $$1 > $(MAXSIZE) { print "more than $(MAXSIZE) bytes: make size says why"; big = 1 } END { exit big }'

size: overlay ## what the ARMv6 binary consists of
	@FLAGS='$(FIXED)' scripts/size.sh

man: overlay ## the manual, one page a command: build/man
	@rm -rf build/man
	@SOURCE_DATE_EPOCH=$(EPOCH) ACS_AGENT_MAN='$(CURDIR)/build/man' $(HOSTGO) test $(FIXED) -count 1 -run TestManPages ./agent >/dev/null
	@echo "build/man: $$(ls build/man | wc -l) pages"

dist: build cross man ## a release: binaries, packages, bill of materials, checksums: dist/release
	@VERSION='$(VERSION)' SOURCE_DATE_EPOCH=$(EPOCH) NFPM='$(NFPM)' scripts/packaging/dist.sh $(DEVICES:%=dist/acs-agent-%)

dist-twice: ## a release made twice, in two folders: is it the same, byte by byte? (COLD=1: compiled anew)
	@scripts/packaging/twice.sh

rig: build man ## the packages live on a real systemd and a real OpenRC, in containers (as root; see docs/packages.md)
	@CGO_ENABLED=0 go build $(FIXED) -trimpath -ldflags "-s -w -X main.version=$(VERSION)+newer" -o build/acs-agent-newer ./agent
	@VERSION='$(VERSION)' SOURCE_DATE_EPOCH=$(EPOCH) NFPM='$(NFPM)' scripts/rig/packages.sh dist/acs-agent build/acs-agent-newer
	@scripts/rig/run.sh build/rig/older.deb build/rig/newer.deb build/rig/release

test: ## vet, tests and fuzz targets; with CI=1 everything that CI runs
	@scripts/steps.sh vet unit fuzz $(if $(CI),race test-386 test-kill test-powercut soak cross test-foreign tidy lint dist-twice rig)

check: ## everything that CI runs, also without CI=1
	@$(MAKE) --no-print-directory test CI=1

unit: overlay ## the tests alone
	go test $(FIXED) -parallel 4 -timeout 10m ./...
	@# What stands in for others in the copies of modules is compared with the published ones.
	go test -timeout 5m ./scripts/badgerfix/...

vet: overlay ## go vet for this machine, for 32 bits and for Windows
	go vet $(FIXED) ./...
	GOOS=linux GOARCH=386 CGO_ENABLED=0 go vet $(FIXED) ./...
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go vet $(FIXED) ./...

race: overlay ## the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test $(FIXED) -race -parallel 4 -timeout 20m ./...

test-386: overlay ## the tests of what runs on 32 bits, natively on amd64
	GOOS=linux GOARCH=386 CGO_ENABLED=0 go test $(FIXED) -timeout 10m $(PORTABLE)

# How often the process of the journal is killed, loses its power, and runs out of addresses; CI has less time.
KILLS   ?= $(if $(CI),20,200)
CUTS    ?= $(if $(CI),15,200)
CRAMPED ?= $(if $(CI),4,10)

test-kill: overlay ## the journal is killed KILLS times (200), also on 32 bits, and there with few addresses: nothing is lost
	JOURNAL_KILLS=$(KILLS) go test $(FIXED) -count 1 -v -timeout 15m -run 'WhenTheProcessIsKilled' ./buffer
	GOOS=linux GOARCH=386 CGO_ENABLED=0 JOURNAL_KILLS=$(KILLS) JOURNAL_CRAMPED=$(CRAMPED) go test $(FIXED) -count 1 -v -timeout 20m \
		-run 'WhenTheProcessIsKilled|WhenAddressesRunOut' ./buffer

test-powercut: overlay ## the journal loses its power CUTS times (200) at any instant: nothing is lost (as root, needs /dev/fuse)
	JOURNAL_CUTS=$(CUTS) go test $(FIXED) -count 1 -v -timeout 15m -run 'WhenThePowerFails|APowerCutShows' ./buffer
	go test $(FIXED) -count 1 ./buffer/powercut

# For how long the agent is watched; CI has less time.
SOAK ?= $(if $(CI),30s,1h)

soak: overlay ## one agent works for SOAK (1h) at twenty times the rate, with faults all the time: it stays level, and nothing is lost
	ACS_AGENT_SOAK=$(SOAK) go test $(FIXED) -count 1 -v -timeout 26h -run 'TestTheAgentStaysLevel' ./agent

test-foreign: $(FOREIGN:%=dist/acs-agent-linux-%) ## every pass arrives with the binaries for other processors, under emulators
	@FLAGS='$(FIXED)' scripts/foreign.sh $(FOREIGN)

fuzz: overlay ## each fuzz target for FUZZTIME (3s)
	@FLAGS='$(FIXED)' scripts/fuzz.sh
	@FLAGS= scripts/fuzz.sh ./scripts/badgerfix/...

cover: overlay ## how much of the code the tests run, by function: build/cover.txt
	@# A test can fail here alone: an agent that it starts as another user may not write down its coverage, and says so.
	-go test $(FIXED) -timeout 5m -coverpkg=./... -coverprofile=build/cover.out ./...
	$(HOSTGO) tool cover -func=build/cover.out >build/cover.txt
	@tail -1 build/cover.txt

lint: ## formatting, golangci-lint with the rules of .golangci.yml, shellcheck
	@status=0; $(TOOL) golangci-lint fmt --diff || status=1; $(TOOL) golangci-lint run || status=1; scripts/shellcheck.sh || status=1; exit $$status

fmt: ## format the code: gofumpt, imports in three groups
	$(TOOL) golangci-lint fmt

generate: ## everything that is made from something else: zones, config.example.yaml, golden help texts
	$(HOSTGO) generate ./...
	UPDATE=1 $(HOSTGO) test ./agent -run 'TestTheExampleIsUpToDate|TestCommands/help' >/dev/null

tidy: ## is go.mod what the code needs?
	go mod tidy -diff

vuln: ## known vulnerabilities in what is linked in, if the database can be reached
	@TOOL='$(TOOL)' scripts/vuln.sh

clean: ## remove what was built
	rm -rf build dist

# Made anew each time, in half a second: an overlay that was made for another module cache would be passed over in silence.
overlay:
	@$(HOSTGO) mod download github.com/dgraph-io/badger/v4 github.com/dgraph-io/ristretto/v2 github.com/mochi-mqtt/server/v2 github.com/fsnotify/fsnotify
	@$(HOSTGO) run ./scripts/badgerfix -o build/overlay.json >/dev/null

for-linux-amd64       := GOOS=linux GOARCH=amd64
for-linux-armv6       := GOOS=linux GOARCH=arm GOARM=6
for-linux-armv7       := GOOS=linux GOARCH=arm GOARM=7
for-linux-arm64       := GOOS=linux GOARCH=arm64
for-linux-386         := GOOS=linux GOARCH=386
for-linux-mipsle      := GOOS=linux GOARCH=mipsle GOMIPS=softfloat
for-windows-amd64.exe := GOOS=windows GOARCH=amd64

dist/acs-agent: overlay FORCE
	@echo "$@ $(VERSION)"
	@CGO_ENABLED=0 go build $(RELEASE) -o $@ ./agent

dist/acs-agent-%: overlay FORCE
	@echo "$@ $(VERSION)"
	@$(for-$*) CGO_ENABLED=0 go build $(RELEASE) -o $@ ./agent

FORCE:
