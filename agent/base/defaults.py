"""Base room: a router's defaults that more than one room needs."""

from __future__ import annotations

# Types of notifications, as `snmp-server enable traps` names them, that are sent without such a line: their control scalars
# (cipSecTrapCntl…) begin as enabled, and for them alone `show running-config` has the `no` form.
ENABLED_TRAPS = ("isakmp tunnel start", "isakmp tunnel stop", "ipsec tunnel start", "ipsec tunnel stop")

# Rows of a history or failure table (`crypto mib ipsec flowmib history`, cipSecHistTableSize).
HISTORY_SIZE = 200
