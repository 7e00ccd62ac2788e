"""The benchmark: this agent beside net-snmp's snmpd, serving the same table over loopback. Start it by `make bench`."""
