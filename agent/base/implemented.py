"""Base room: the algorithms and methods that the product implements, by IOS's names for them.

A configuration may name others. They are kept with a warning, and neither offered nor accepted. The tables of `agent/crypto` have
an entry for each one here and no other, as a test asserts.
"""

from __future__ import annotations

CIPHERS = frozenset({"des", "3des", "aes"})
HASHES = frozenset({"md5", "sha", "sha256", "sha384", "sha512"})
DH_GROUPS = frozenset({1, 2, 5, 14, 19, 20})
AUTHENTICATION_METHODS = frozenset({"pre-share", "rsa-sig"})
