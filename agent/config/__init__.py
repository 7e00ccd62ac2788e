"""Config room: turns IOS text into a model and back, and reports changes. It knows no SNMP and no crypto."""
