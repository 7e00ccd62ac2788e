"""The configuration of a hub whose clients log in, of group `road`, for tests with strongSwan's charon as the client."""

from __future__ import annotations

from collections.abc import Mapping

_HUB = """hostname {{name}}
aaa new-model
aaa authentication login users local
aaa authorization network groups local
{users}
crypto isakmp policy 10
 encryption aes
 authentication pre-share
 group 2
crypto isakmp client configuration group road
 key groupkey
{group_lines} pool clients
crypto isakmp profile road
 match identity group road
 client authentication list users
 isakmp authorization list groups
 client configuration address {{way}}
crypto ipsec transform-set ours esp-aes esp-sha-hmac
crypto dynamic-map remotes 1
 set transform-set ours
 set isakmp-profile road
 reverse-route
crypto map outside 10 ipsec-isakmp dynamic remotes
interface FastEthernet0/0
 ip address {{address}} 255.255.255.252
 crypto map outside
interface FastEthernet0/1
 ip address 10.1.{{number}}.254 255.255.255.0
ip local pool clients {pool}
snmp-server community public RO
end
"""


def hub(users: Mapping[str, str], pool: str, *group_lines: str) -> str:
    """A template of `real_lab`, with the passwords of users, the pool of addresses, and further lines of the group.

    What `{way}` is to be, `respond` or `initiate`, is a setting of each router.
    """
    return _HUB.format(
        users="\n".join(f"username {name} password {password}" for name, password in users.items()),
        group_lines="".join(f" {line}\n" for line in group_lines),
        pool=pool,
    )
