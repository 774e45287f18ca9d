# dpctl: everything a person or CI does here is one of these targets. Each one works as the
# first command in a fresh clone: it runs the set-up (a fraction of a second when all is there).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# A Node brought by the set-up (.node) wins over the system's, which may be too old.
# Debian keeps tc, bpftool and nft in the sbin folders, which a plain user's PATH lacks.
# node_modules/.bin stays out: one of the packages there has an `nft` of its own.
export PATH := $(CURDIR)/.node/bin:$(PATH):/usr/local/sbin:/usr/sbin:/sbin
BIN := node_modules/.bin

# Suites for `make test`, by the names of the folders in test/; all when empty.
SUITES ?=
PREFIX ?= /usr/local
DESTDIR ?=
# Where systemd looks for units of this prefix.
UNITDIR ?= $(PREFIX)/lib/systemd/system

# ---- what is built from what ----------------------------------------------------------------

BPF_SRC := $(wildcard bpf/*.bpf.c) $(shell find src test -path '*/bpf/*.bpf.c' 2>/dev/null)
BPF_OBJ := $(patsubst %.bpf.c,dist/%.bpf.o,$(BPF_SRC))
# The contract is read from the datapath's objects alone, never from those of tests or measurements.
CONTRACT_OBJ := $(patsubst %.bpf.c,dist/%.bpf.o,$(wildcard bpf/*.bpf.c))
CONTRACT_TS := src/contract/generated.ts
GEN_SRC := $(wildcard scripts/gen-contract.ts scripts/contract/*.ts loader/btf/*.ts loader/errors.ts)
TS_SRC := $(shell find loader src test scripts -name '*.ts' 2>/dev/null)

# v3 adds 32-bit jumps and ALU (kernel 5.1): smaller programs. clang's bpf target does not look
# into Debian's multiarch folder, where asm/types.h lives.
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror \
	-I/usr/include/$(shell uname -m)-linux-gnu -Ibpf

.PHONY: help setup build bpf cni contract types bundle test check test-kernels test-fresh test-lab test-loader test-endurance test-faults test-fuzz test-interrupts test-cluster-scale lint lint-c format \
	docs docs-kernels check-docs check-contract check-imports demo bench install uninstall clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, Node, npm packages
	@scripts/setup.sh

build: bpf contract bundle types cni ## compile the datapath, the contract, the types, dist/dpctl.cjs and the CNI plugin

bpf: $(BPF_OBJ) ## compile the BPF objects only

# Written beside and renamed, so that a test which runs meanwhile never loads half an object.
dist/%.bpf.o: %.bpf.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  BPF     $@"
	@clang $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@.tmp
	@mv $@.tmp $@
-include $(BPF_OBJ:.o=.d)

# The generator is bundled, not compiled with the rest: the rest needs its output.
dist/tools/gen-contract.cjs: $(GEN_SRC) Makefile | setup
	@mkdir -p $(@D)
	@$(BIN)/esbuild scripts/gen-contract.ts --bundle --platform=node --target=node20 --format=cjs \
		--log-level=warning --outfile=$@

contract: dist/.contract.stamp
ifneq ($(and $(CONTRACT_OBJ),$(GEN_SRC)),)
dist/.contract.stamp: $(CONTRACT_OBJ) $(shell find bpf -name '*.h') dist/tools/gen-contract.cjs | setup
	@node dist/tools/gen-contract.cjs --out $(CONTRACT_TS) --header bpf/dpctl.h $(CONTRACT_OBJ)
	@touch $@
else
dist/.contract.stamp: | setup
	@mkdir -p dist
endif

# tsc emits even where it complains, so the stamp alone says whether the last run was clean.
# Compiled files whose source is gone would otherwise still be found by the test runner.
types: dist/.types.stamp dist/test/endurance/native/faults.so dist/test/fuzz/native/send.bin

# What makes system calls fail in a process that it is preloaded into.
dist/%.so: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@cc -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $< -ldl

# What sends frames faster than a process for each of them does.
dist/%.bin: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@cc -O2 -Wall -Wextra -Werror -o $@ $<

cni: dist/cni/dpctl-cni ## compile the CNI plugin's client

# Static: a runtime may start it where no library is.
dist/cni/dpctl-cni: cni/dpctl-cni.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@cc -Os -std=gnu11 -Wall -Wextra -Werror -static -s -o $@ $<

dist/.types.stamp: $(TS_SRC) tsconfig.json package.json dist/.contract.stamp | setup
	@echo "  TSC     $(words $(TS_SRC)) files"
	@$(BIN)/tsc -p .
	@scripts/prune-dist.sh
	@touch $@

bundle: dist/dpctl.cjs
ifneq ($(wildcard src/cli/main.ts),)
dist/dpctl.cjs: $(filter loader/% src/%,$(TS_SRC)) package.json scripts/bundle.mjs dist/.contract.stamp | setup
	@node scripts/bundle.mjs
else
dist/dpctl.cjs: | setup
endif

# ---- what is checked ------------------------------------------------------------------------

test: build ## run every suite; the last line is the count
	@node dist/scripts/test/main.js $(SUITES)

# What shows most mistakes within two minutes: for the loop of edit and try.
check: build lint ## the quick loop: lint, types, and the suites repo, model and packet
	@node dist/scripts/test/main.js repo model packet

# Kernels of Debian, by the beginning of their version, or newest.
KERNELS ?= 5.10 6.1 6.12 6.18 newest

test-kernels: build ## boot other kernels under QEMU, the core suite in each (KERNELS="6.1 newest")
	@scripts/test-kernels.sh $(KERNELS)

test-fresh: ## the README's two commands in clean roots of Debian 12 and 13 (SUITES="trixie")
	@scripts/test-fresh.sh $(SUITES)

test-lab: ## what `vagrant up` runs, in two clean roots instead of virtual machines
	@scripts/test-lab.sh

test-loader: build ## the loader's suite on both FFI backends
	@node dist/scripts/test/main.js loader loader-ffi-napi

# 20,000 take some half an hour.
CYCLES ?= 20000
test-endurance: build ## attach and detach while system calls fail, CYCLES=20000 times
	@DPCTL_ENDURANCE_CYCLES=$(CYCLES) node dist/scripts/test/main.js endurance

# 300,000 for each way to decapsulate and each family of the underlay take some five minutes.
FRAMES ?= 300000
test-fuzz: build ## random packets at a node's underlay and from an endpoint, FRAMES=300000 of each kind
	@DPCTL_FUZZ_FRAMES=$${DPCTL_FUZZ_FRAMES:-$(FRAMES)} node dist/scripts/test/main.js fuzz

# In a run of all suites one in four of them are tried.
test-faults: build ## fail, kill and undo at every step of every change
	@DPCTL_FAULTS=all node dist/scripts/test/main.js faults

# 500 take some 20 minutes. DPCTL_INTERRUPTS_SEED=N repeats a run.
DPCTL_INTERRUPTS ?= 500
test-cluster-scale: build ## an agent that follows 1,000 nodes and 60,000 endpoints
	@DPCTL_CLUSTER_SCALE=1000x60 node dist/scripts/test/main.js cluster

test-interrupts: build ## interrupt commands at random moments, DPCTL_INTERRUPTS=500 times
	@DPCTL_INTERRUPTS=$(DPCTL_INTERRUPTS) node dist/scripts/test/main.js interrupts

lint: setup lint-c ## formatter, linter, shell scripts, imports, contract
	@[ -t 1 ] || colors=--colors=off; $(BIN)/biome ci --error-on-warnings $${colors:-} .
	@shellcheck -x scripts/*.sh .ci/run
	@$(MAKE) check-imports check-contract check-docs

lint-c: bpf # the compiler's warnings are errors: building is linting

format: setup ## rewrite TypeScript and JSON in the one format
	@$(BIN)/biome check --write .

check-contract: dist/tools/gen-contract.cjs $(CONTRACT_OBJ) ## fail where the committed contract is stale
	@node dist/tools/gen-contract.cjs --check --out $(CONTRACT_TS) --header bpf/dpctl.h $(CONTRACT_OBJ)

docs: types ## write docs/cli.md and docs/dpctl.8 from the table of commands
	@node dist/scripts/gen-cli-docs.js

docs-kernels: types ## write into docs/kernels.md what the last runs of test-kernels have shown
	@node dist/scripts/kernels/report.js "$${DPCTL_KERNELS_DIR:-.kernels}/results" --write docs/kernels.md

check-docs: types ## fail where they are stale
	@node dist/scripts/gen-cli-docs.js --check

check-imports: setup ## fail on an import that points the wrong way, and on the other house rules
	@mkdir -p dist/tools
	@$(BIN)/esbuild scripts/check-rules.ts --bundle --platform=node --target=node20 --format=cjs \
		--log-level=warning --outfile=dist/tools/check-rules.cjs
	@node dist/tools/check-rules.cjs

# ---- what is run ----------------------------------------------------------------------------

demo: build ## namespaces, attach, traffic with no bridge, dump, clean up
	@bash scripts/demo.sh

# What it is asked for, such as BENCH=--quick.
BENCH ?=
bench: build ## measure against a Linux bridge on this machine; BENCH='--quick --html FILE'
	@node dist/dpctl.cjs bench $(BENCH)

install: build ## copy to PREFIX (default /usr/local), with the Node that was used to build and the systemd units
	@scripts/install.sh "$(DESTDIR)" "$(PREFIX)" "$(UNITDIR)"

uninstall: ## remove what install copied; refused while this node is in use (FORCE=1)
	@FORCE="$(FORCE)" scripts/install.sh --uninstall "$(DESTDIR)" "$(PREFIX)" "$(UNITDIR)"

clean: ## remove what the build made
	@rm -rf dist coverage

distclean: clean ## remove what the set-up brought into the checkout, too
	@rm -rf node_modules .node .kernels .etcd .etcd.failed .openvswitch .openvswitch.failed .vagrant .vagrant.failed
