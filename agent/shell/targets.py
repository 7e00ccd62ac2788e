"""Shell room: the addresses of ping and traceroute: whom they send to, and which address of the router they send from."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address

from agent.config.interface_names import interface_name
from agent.config.model import Interface
from agent.shell.command import CommandFailed, Context, ExecMatch
from agent.shell.router import Router

_UNRECOGNIZED = "% Unrecognized host or address, or protocol not running."


def check_vrf(router: Router, vrf: str | None) -> None:
    if vrf is not None and vrf not in router.document.config.vrfs:
        raise CommandFailed(f"% VRF {vrf} does not exist")


def resolve(context: Context, name: str) -> IPv4Address:
    """The address of a name that an `ip host` line gives: no domain server is ever asked, but IOS would say that it asks."""
    config = context.router.document.config
    address = config.host_address(_address(name) or name)
    if address is not None:
        return address
    if config.domain_lookup and name:
        servers = "".join(f" ({server})" for server in config.name_servers) or " (255.255.255.255)"
        context.out.line(f'Translating "{name}"...domain server{servers}')
    raise CommandFailed(_UNRECOGNIZED)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def source_of(router: Router, answer: str, vrf: str | None) -> IPv4Address | None:
    if not answer:
        return None
    address = _address(answer)
    if address is not None:
        return own_address(router, address, vrf)
    name = interface_name(answer)
    if name is None:
        raise CommandFailed("% Invalid source. Must use IP address or full interface name without spaces (e.g. Serial0/1)")
    return interface_address(router, name, vrf)


def _is_up(router: Router, interface: Interface) -> bool:
    state = router.device.interface(interface.name)
    return state is not None and state.oper_up


def own_address(router: Router, address: IPv4Address, vrf: str | None) -> IPv4Address:
    for interface in router.document.config.interfaces.values():
        own = [each.ip for each in interface.addresses]
        if address in own and interface.vrf == vrf and _is_up(router, interface):
            return address
    raise CommandFailed("% Invalid source address- IP address not on any of our up interfaces")


def interface_address(router: Router, name: str, vrf: str | None) -> IPv4Address:
    interface = router.document.config.interfaces.get(name)
    if interface is None or interface.address is None or not _is_up(router, interface):
        raise CommandFailed("% Invalid source interface - IP not enabled or interface is down")
    if interface.vrf != vrf:
        raise CommandFailed("% Invalid source interface - Interface vrf does not match the vrf used for ping")
    return interface.address.ip


def typed_source(router: Router, match: ExecMatch, vrf: str | None) -> IPv4Address | None:
    """The source of a line with `source ADDRESS` or `source INTERFACE`; None without it."""
    address, interface = match.maybe_address("source"), match.maybe_word("interface")
    if address is not None:
        return own_address(router, address, vrf)
    return interface_address(router, interface, vrf) if interface is not None else None
