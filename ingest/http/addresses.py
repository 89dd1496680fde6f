"""Addresses that a redirect may not lead to: those of this machine and of its network.

A feed that anybody may publish could else make Marsad ask a router or a service that is reachable
from this machine alone, and store what it answers.
"""

from __future__ import annotations

import ipaddress
import socket

import httpcore2

#: Networks whose addresses end with an IPv4 address: compatible, mapped, translated (NAT64).
_LAST_IS_IPV4 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96")))


def resolve(host: str, port: int = 0) -> list[str]:
    """Return the addresses of a host; none where no name server knows it."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port or None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the open internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    ip = _inside(ip) or ip
    return ip.is_global and not ip.is_multicast


def _inside(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to (RFC 4291 2.5.5, 3056, 6052 2.1)."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if any(ip in network for network in _LAST_IS_IPV4):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour


def is_private(host: str) -> bool:
    """Tell whether one of a host's addresses is not of the open internet."""
    return not all(map(is_public, resolve(host)))


def public_address(host: str, port: int) -> str:
    """Return an address of a host to connect to. Raises if one is not public.

    What it raises is the error of a connection: ``httpcore2.ConnectError``.
    """
    found = resolve(host, port)
    if not all(map(is_public, found)):
        raise httpcore2.ConnectError("its address is one of this machine or its network")
    return found[0] if found else host
