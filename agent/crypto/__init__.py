"""Crypto room: IKEv1, ESP, AH, keys, SA and policy databases. Protocol cores: time and bytes in, bytes and events out, no I/O."""
