# `make run` and `make test` install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .venv-clients
LAB ?= examples/two-vrf-hub.toml
# What the tests need. A word with a slash is a file. IKE is tested with strongSwan's daemon.
TOOLS := snmpbulkwalk snmptrapd snmptranslate smilint ip ping nft conntrack swanctl /usr/lib/ipsec/charon \
	/usr/lib/ipsec/plugins/libstrongswan-openssl.so /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so \
	/usr/lib/ipsec/plugins/libstrongswan-xauth-generic.so rsyslogd freeradius radclient tmux ssh ssh-keygen
PACKAGES := snmp snmptrapd smitools iproute2 iputils-ping nftables conntrack strongswan-charon strongswan-swanctl libcharon-extra-plugins \
	libcharon-extauth-plugins libstrongswan-standard-plugins rsyslog freeradius freeradius-utils tmux openssh-client
BENCH_TOOLS := snmpd net-snmp-config gcc
BENCH_PACKAGES := snmpd libsnmp-dev libssl-dev gcc

.PHONY: run radius test check bench soak clients recording clean

run: $(VENV)/.ready
	$(BIN)/ipsec-agent run $(LAB)

# A lab whose routers ask a FreeRADIUS, which runs beside it.
radius: $(VENV)/.ready
	@sh scripts/need.sh freeradius freeradius
	@sh scripts/radius.sh .radius $(BIN)/ipsec-agent run examples/accounting.toml

test: $(VENV)/.dev-ready tools
	$(BIN)/pytest -n auto --dist loadfile

check: $(VENV)/.dev-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.dev-ready bench-tools
	$(BIN)/python -m bench.run $(BENCH_ARGS)
	$(BIN)/python -m bench.crypto_cores
	$(BIN)/python -m bench.stall
	$(BIN)/python -m bench.accounting

soak: $(VENV)/.dev-ready tools bench-tools
	SOAK=1 $(BIN)/pytest -s tests/snmp tests/lab tests/e2e -k soak
	$(BIN)/python -m bench.floods

# Programs that read the CLI and are too large for `make test` have an environment of their own.
clients: $(VENV)/.ready $(CLIENTS)/.ready
	@sh scripts/need.sh "snmpget" "snmp"
	AGENT_PYTHON=$(CURDIR)/$(BIN)/python $(CLIENTS)/bin/python -m pytest -c tests/clients/pytest.ini tests/clients

$(CLIENTS)/.ready: tests/clients/requirements.txt
	test -x $(CLIENTS)/bin/pip || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check --requirement tests/clients/requirements.txt
	touch $@

recording: $(VENV)/.ready
	@sh scripts/need.sh "snmpget snmptrapd" "snmp snmptrapd"
	$(BIN)/python scripts/record.py
	@sh scripts/need.sh tmux tmux
	$(BIN)/python scripts/record_prompt.py

$(VENV)/.ready: pyproject.toml
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev-ready: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.PHONY: tools bench-tools
tools:
	@sh scripts/need.sh "$(TOOLS)" "$(PACKAGES)"
bench-tools:
	@sh scripts/need.sh "$(BENCH_TOOLS)" "$(BENCH_PACKAGES)"

clean:
	rm -rf $(VENV) $(CLIENTS) .radius build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
