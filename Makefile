# Everything a newcomer needs is `make demo` and `make test`; `make` alone lists the rest.
# Recipes are plain shell, for make 3.81 (macOS) as well as GNU make 4.

SHELL := /bin/sh
export PATH := $(HOME)/.cargo/bin:$(PATH)
# A changed snapshot is a failure, never a file left behind.
export INSTA_UPDATE := no

.DEFAULT_GOAL := help
.PHONY: help demo test test-systemd test-node test-python test-remote test-real soak bench bench-1000 fmt schema api faces deny \
	have-tmux have-systemd have-rust have-rust-tools have-c have-node have-python have-sshd have-synapse

# The real programs, with the versions that the manifests were seen with. They, npm's cache and all
# that npm writes stay below $(REAL).
REAL := $(CURDIR)/target/real
RUNTIMES := claude pi codex gemini
pi_package := @earendil-works/pi-coding-agent@0.87.1
claude_package := @anthropic-ai/claude-code@2.1.330
codex_package := @openai/codex@0.169.0
gemini_package := @google/gemini-cli@0.61.0
NODE_BIN := $(REAL)/node/bin
REAL_TEST := cargo build --workspace --all-features --locked && \
	PATH="$(NODE_BIN):$$PATH" MOSAIC_REAL=$(REAL) MOSAIC_FLEET=$(CURDIR)/target/debug/mosaic-fleet \
	cargo test --workspace --all-features --locked --test real -- --test-threads=1 --nocapture

# The fleet's units under a systemd of their own: root, and Linux, are needed for the namespaces.
IN_SYSTEMD := mosaic-fleet-cli/tests/systemd/in-systemd
SYSTEMD_RUNNER := "$(CURDIR)/$(IN_SYSTEMD)", "-P", "-u", "mosaictest", "-n", "stranger", "-b", "$(CURDIR)", "--"
SYSTEMD_TEST := case "$$(uname -s)-$$(id -u)" in \
	  Linux-0) root= ;; \
	  Linux-*) root='"sudo", ' ;; \
	  *) echo "not run: $$(uname -s) has no systemd, whose units these tests are about"; exit 0 ;; \
	esac; \
	cargo test --workspace --all-features --locked --test systemd \
	  --config "target.'cfg(all())'.runner = [$$root"'$(SYSTEMD_RUNNER)]' -- --test-threads=1 --nocapture

# npm's cache and all that npm writes stay below target/, as for the real programs.
NPM := env npm_config_userconfig="$${npm_config_userconfig:-$$HOME/.npmrc}" \
	npm_config_cache=$(CURDIR)/target/npm npm_config_update_notifier=false npm
NODE_TEST := cd bindings/node && $(NPM) ci --no-audit --no-fund --loglevel=error && $(NPM) test
PYTHON_TEST := bindings/python/test

SYNAPSE := $(CURDIR)/target/synapse
SYNAPSE_NEEDS := mosaic-fleet-cli/tests/remote/matrix/requirements.txt
REMOTE_TEST := MOSAIC_SYNAPSE=$(SYNAPSE) \
	cargo test --workspace --all-features --locked --test remote -- --test-threads=2

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: have-tmux have-rust ## build the command and run a fleet of harmless agents with it
	@echo "== build"
	cargo build --release --locked -p mosaic-fleet-cli
	@echo "== demo"
	target/release/mosaic-fleet demo

test: have-tmux have-systemd have-rust have-rust-tools have-c have-sshd have-synapse real-pi ## everything that must hold before a merge; what CI runs
	@echo "== format"
	cargo fmt --all --check
	@echo "== lint"
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	cargo clippy --workspace --all-features --locked --test real --test remote --test systemd -- -D warnings
	@echo "== test"
	cargo test --workspace --all-features --locked
	@echo "== Node"
	$(NODE_TEST)
	@echo "== Python"
	$(PYTHON_TEST)
	@echo "== other hosts: a real sshd, a real Synapse"
	$(REMOTE_TEST)
	@echo "== documentation"
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --all-features --locked
	@echo "== systemd, a real user manager"
	$(SYSTEMD_TEST)
	@echo "== pi, the real one (the others: make test-real)"
	export MOSAIC_REAL_IDLE=12 MOSAIC_REAL_BUSY=4 MOSAIC_REAL_RESETS=4; \
	$(REAL_TEST) pi::idle pi::busy pi::reset pi::told
	@echo "== all well"

test-systemd: have-tmux have-systemd have-rust ## the fleet's units under a real user manager, in namespaces of its own
	$(SYSTEMD_TEST)

test-node: have-tmux have-rust have-node ## the Node binding, with a real tmux and from a packed package
	$(NODE_TEST)

test-python: have-tmux have-rust have-python ## the Python binding, with a real tmux and from its wheel
	$(PYTHON_TEST)

test-remote: have-tmux have-rust have-sshd have-synapse ## agents elsewhere: over a real sshd, over a real Synapse
	$(REMOTE_TEST)

test-real: have-tmux have-rust $(RUNTIMES:%=real-%) ## the real programs against a fake model: RUNTIMES="claude pi codex gemini"
	$(REAL_TEST) scripted:: $(RUNTIMES:%=%::)

soak: have-tmux have-rust ## 10,000 seeded sends with faults injected, in release mode
	MOSAIC_SOAK=10000 cargo test --release --locked -p mosaic-fleet --all-features --test it soak -- --nocapture

bench: have-tmux have-rust have-c have-node have-python ## measure everything, the bindings too, and rewrite the table of benches/README.md
	cargo build --release --locked -p mosaic-fleet-cli
	benches/bindings
	cargo run --release --locked -p mosaic-fleet-benches -- --write

bench-1000: have-tmux have-rust ## the same for a fleet of 1,000, which takes some minutes
	cargo build --release --locked -p mosaic-fleet-cli
	cargo run --release --locked -p mosaic-fleet-benches -- --agents 100,1000 --rounds 5 --write

fmt: have-rust-tools ## format all Rust sources
	cargo fmt --all

schema: have-rust ## rewrite the committed JSON Schemas from the types
	UPDATE_SCHEMA=1 cargo test --locked -p mosaic-fleet --all-features schema

api: have-rust ## rewrite the committed listing of the public API
	UPDATE_API=1 cargo test --locked -p mosaic-fleet --all-features --test it public_api

faces: have-rust ## rewrite what is made for other languages: header, symbols, layouts, commands, Python module
	UPDATE_HEADER=1 UPDATE_ABI=1 cargo test --locked -p mosaic-fleet-ffi --all-features --test c
	UPDATE_COMMANDS=1 cargo test --locked -p mosaic-fleet-cli --all-features --test cli
	bindings/python/generate

deny: ## check licences, sources and duplicate versions of dependencies (needs cargo-deny)
	@command -v cargo-deny >/dev/null 2>&1 || { \
	  echo "cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --offline check --config .deny.toml bans licenses sources

# tmux 3.2 or newer, installed if there is none. An old one is left alone: it may be in use.
have-tmux:
	@if ! command -v tmux >/dev/null 2>&1; then \
	  echo "== install tmux"; \
	  if command -v apt-get >/dev/null 2>&1; then \
	    if [ "$$(id -u)" = 0 ]; then root=; \
	    elif command -v sudo >/dev/null 2>&1; then root=sudo; \
	    else echo "tmux is missing, and installing it needs root: apt-get install tmux" >&2; exit 1; fi; \
	    $$root apt-get update -q && \
	    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends tmux || exit 1; \
	  elif command -v brew >/dev/null 2>&1; then \
	    brew install tmux || exit 1; \
	  else \
	    echo "tmux is missing: install tmux 3.2 or newer with this system's package manager" >&2; exit 1; \
	  fi; \
	fi; \
	seen=$$(tmux -V); \
	set -- $$(printf '%s\n' "$$seen" | sed -n 's/^[^0-9]*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p'); \
	if [ $$# = 2 ] && [ $$(($$1 * 100 + $$2)) -lt 302 ]; then \
	  echo "$$seen is too old: mosaic-fleet needs tmux 3.2 or newer (Debian 12 has it)" >&2; exit 1; \
	fi

# What a systemd in namespaces of its own is made of. Not on macOS, which has none.
have-systemd:
	@test "$$(uname -s)" = Linux || exit 0; \
	for need in /lib/systemd/systemd dbus-daemon loginctl unshare setpriv nsenter journalctl \
	  /usr/lib/systemd/user/dbus.socket; do \
	  command -v "$$need" >/dev/null 2>&1 || test -e "$$need" || missing="$$missing $$need"; \
	done; \
	test -n "$$missing" || exit 0; \
	echo "== install systemd, which is started in namespaces of its own ($$missing)"; \
	command -v apt-get >/dev/null 2>&1 || { echo "missing:$$missing" >&2; exit 1; }; \
	if [ "$$(id -u)" = 0 ]; then root=; else root=sudo; fi; \
	$$root apt-get update -q && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	  systemd libpam-systemd dbus dbus-user-session util-linux passwd

# A sshd for the tests to start, on loopback ports: one of the system is not asked for, and the file
# keeps Debian from ever starting one.
have-sshd:
	@test -x /usr/sbin/sshd -a -x /usr/bin/fish -a -x /usr/bin/tcsh || { \
	  echo "== install a sshd, which nothing but the tests will start, and two shells"; \
	  command -v apt-get >/dev/null 2>&1 || { echo "/usr/sbin/sshd , fish or tcsh are missing: install them" >&2; exit 1; }; \
	  if [ "$$(id -u)" = 0 ]; then root=; else root=sudo; fi; \
	  $$root mkdir -p /etc/ssh && $$root touch /etc/ssh/sshd_not_to_be_run && \
	  $$root apt-get update -q && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends openssh-server fish tcsh || exit 1; \
	}; \
	test "$$(id -u)" != 0 || mkdir -p /run/sshd

# A homeserver for the tests to start, on loopback ports, in a folder of ours. Elsewhere than on the
# systems whose hashes are known, the versions alone must do.
have-synapse: have-python
	@sum=$$(cksum < $(SYNAPSE_NEEDS)); \
	test "$$(cat $(SYNAPSE)/needs 2>/dev/null)" = "$$sum" || { \
	  echo "== install Synapse into $(SYNAPSE)"; \
	  rm -rf $(SYNAPSE) && mkdir -p target && python3 -m venv $(SYNAPSE) || exit 1; \
	  pip="$(SYNAPSE)/bin/pip install -q --disable-pip-version-check --only-binary=:all:"; \
	  $$pip --require-hashes -r $(SYNAPSE_NEEDS) || { \
	    sed 's/ --hash.*//' $(SYNAPSE_NEEDS) > $(SYNAPSE)/versions && $$pip -r $(SYNAPSE)/versions; } || exit 1; \
	  echo "$$sum" > $(SYNAPSE)/needs; \
	}

# Rust by rustup, and a linker. Rust is not installed unasked: which toolchain is a choice of yours.
have-rust:
	@command -v cargo >/dev/null 2>&1 || { \
	  echo "Rust is missing: see https://rustup.rs, or" >&2; \
	  echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y" >&2; exit 1; }
	@if ! command -v cc >/dev/null 2>&1; then \
	  echo "== install a C compiler, which Rust links with"; \
	  if command -v apt-get >/dev/null 2>&1; then \
	    if [ "$$(id -u)" = 0 ]; then root=; else root=sudo; fi; \
	    $$root apt-get update -q && \
	    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends gcc libc6-dev || exit 1; \
	  else \
	    echo "cc is missing: install a C compiler (macOS: xcode-select --install)" >&2; exit 1; \
	  fi; \
	fi

# What the C tests compile with, and what watches them run.
have-c: have-rust
	@for need in gcc:gcc g++:g++ nm:binutils pkg-config:pkg-config valgrind:valgrind; do \
	  command -v "$${need%%:*}" >/dev/null 2>&1 || missing="$$missing $${need##*:}"; \
	done; \
	test -n "$$missing" || exit 0; \
	echo "== install for the C tests:$$missing"; \
	if command -v apt-get >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ]; then root=; else root=sudo; fi; \
	  $$root apt-get update -q && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing libc6-dev || exit 1; \
	else \
	  echo "missing:$$missing (macOS: xcode-select --install; brew install pkg-config; there is no valgrind)" >&2; exit 1; \
	fi

# Python with virtual environments of its own; what the tests need comes into target/python.
have-python:
	@python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && exit 0; \
	echo "== install Python, with venv"; \
	if command -v apt-get >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ]; then root=; else root=sudo; fi; \
	  $$root apt-get update -q && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3 python3-venv || exit 1; \
	else \
	  echo "python3 (3.10 or newer, with venv) is missing: install it with this system's package manager" >&2; exit 1; \
	fi

have-rust-tools: have-rust
	@for tool in fmt:rustfmt clippy:clippy; do \
	  cargo "$${tool%%:*}" --version >/dev/null 2>&1 && continue; \
	  echo "== install $${tool##*:}"; \
	  rustup component add "$${tool##*:}" || { \
	    echo "cargo $${tool%%:*} is missing: install the $${tool##*:} of your Rust toolchain" >&2; exit 1; }; \
	done

# Node.js 22 or newer for the programs: this system's, or one from npm beside them.
have-node:
	@command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 || { \
	  echo "node or npm is missing: the tests run the real pi, which needs them (apt-get install nodejs npm)" >&2; exit 1; }
	@mkdir -p $(REAL)/node && rm -rf $(NODE_BIN) && mkdir $(NODE_BIN) && \
	major=$$(node -p 'process.versions.node.split(".")[0]') && \
	if [ "$$major" -ge 22 ]; then ln -s "$$(command -v node)" $(NODE_BIN)/node; else \
	  platform=$$(node -p 'process.platform + "-" + process.arch'); \
	  $(call npm_install,node,node-$$platform@24) && \
	  ln -s "$(REAL)/node/node_modules/node-$$platform/bin/node" $(NODE_BIN)/node || { \
	    echo "Node.js 22 or newer is needed, this is $$(node -v), and npm has none for $$platform" >&2; exit 1; }; \
	fi

real-%: have-node
	@PATH="$(NODE_BIN):$$PATH"; $(call npm_install,$*,$($*_package))

# $(1): the folder below $(REAL), $(2): the package. Nothing is done if it is there already.
npm_install = mkdir -p $(REAL)/$(1) $(REAL)/home && cd $(REAL)/$(1) && \
	if [ "$$(cat installed 2>/dev/null)" != "$(2)" ]; then \
	  echo "== install $(2)" && rm -rf node_modules package-lock.json installed && \
	  echo '{"private": true}' > package.json && \
	  env npm_config_userconfig="$${npm_config_userconfig:-$$HOME/.npmrc}" HOME=$(REAL)/home \
	    npm_config_cache=$(REAL)/npm npm_config_update_notifier=false \
	    npm install --no-audit --no-fund --no-save --loglevel=error "$(2)" && \
	  echo "$(2)" > installed; \
	fi
