"""Config room: IOS text to model and back, and what changed. It knows no SNMP and no crypto."""
