# SPDX-License-Identifier: Apache-2.0
# A thin front: meson builds, scripts/ does the rest. See CONTRIBUTING.md.

BUILD ?= build
PREFIX ?= /usr/local
PYTHON = /usr/bin/python3
TIME ?= 60

all: build

# Debian packages that are missing; nothing if none is.
deps:
	@scripts/deps

build: deps
	@scripts/build $(BUILD)

# The main job from end to end. KEEP=1 leaves it running; NET=loopback does without namespaces.
# CLUSTER=1: two outers, two inners, three brokers, and one of the outers dies in the middle of a conversation.
demo: build
ifdef CLUSTER
	@$(if $(KEEP),echo "KEEP=1 is for the demo without CLUSTER=1" >&2; exit 2)
	@$(PYTHON) scripts/demo_cluster.py --build $(BUILD) $(if $(NET),--net $(NET))
else
	@$(PYTHON) scripts/demo.py --build $(BUILD) $(if $(KEEP),--keep) $(if $(NET),--net $(NET))
endif

# Everything; the last line is "N passed, N failed".
test: deps
	@$(PYTHON) scripts/test.py

# Every server inside with every server outside; writes doc/interop.md.
interop: build
	@$(PYTHON) tests/interop/run.py --build $(BUILD) matrix --write-table

# Faults under traffic, all of them (a quarter of an hour and more); writes the table of doc/guarantees.md. FAULT="outer-a rolling" for some.
chaos: build
	@$(PYTHON) tests/chaos/run.py --build $(BUILD) $(if $(FAULT),$(FAULT),--write doc/guarantees.md)

lint: build
	@meson test -C $(BUILD) --suite lint --print-errorlogs

bench: build
	@bench/run $(BUILD)

# The documents of tests/conformance: which tests prove which requirement.
conformance:
	@$(PYTHON) tests/conformance/report.py .

# TIME in seconds for each target (60); TARGET="xml link" for some of them.
fuzz: deps
	@TIME=$(TIME) scripts/fuzz $(TARGET)

install: build
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-asan build-clang build-fuzz

.PHONY: all deps build demo test interop chaos lint conformance bench fuzz install clean
