"""Which network addresses the hub may call: public ones, unless a connection says otherwise.

A partner's URL is input. Without this rule it could make the hub call its own database, a cloud's
metadata service or a neighbour's printer. Pure: names are resolved elsewhere.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from crossdock.canonical.errors import Invalid

Address = IPv4Address | IPv6Address

HOST_CHARACTERS_MAX = 253

# The only IPv6 range from which public unicast addresses are given out (RFC 4291, IANA).
_PUBLIC_IPV6 = IPv6Network("2000::/3")

# Carries an IPv4 address in its last four bytes (RFC 6052): as reachable as that address is.
_NAT64 = IPv6Network("64:ff9b::/96")

# Not public although Python's tables call them global, or know them only since later versions.
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "224.0.0.0/4",  # multicast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)

# Nobody's system of record lives here, so permission for private addresses does not reach them.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local: the clouds' metadata services
        "100.100.100.200/32",  # a cloud's metadata service
        "168.63.129.16/32",  # a cloud's host agent
        "192.0.0.192/32",  # a cloud's metadata service
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # a cloud's metadata service
        "fec0::/10",
        "ff00::/8",
    )
)

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def checked_host(host: str) -> str:
    """Accept a plain ASCII name or a canonical address; refuse every other spelling.

    `2130706433`, `0x7f.1` and `127.1` are addresses to a resolver and names to a reader, and two
    parsers that disagree about them are how a check is passed by. Non-ASCII names must come as
    punycode, for the same reason.
    """
    if host.startswith("[") and host.endswith("]"):
        return str(_parsed_ipv6(host))
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > HOST_CHARACTERS_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise Invalid(f"{host!r} is not a host name", where="base_url")
    if _NUMBER.fullmatch(labels[-1]):
        return _checked_ipv4(host)
    return host.lower()


def is_callable_address(text: str, *, allow_private_addresses: bool) -> bool:
    """Decide about one resolved address, and about each address hidden inside it."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id:
        return False
    faces = _faces(address)
    if any(face in network for face in faces for network in _NEVER):
        return False
    return allow_private_addresses or all(map(_is_public, faces))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def _faces(address: Address) -> tuple[Address, ...]:
    """Answer where a packet to this address may end up."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    tunnelled = (address.sixtofour, *(address.teredo or ()))
    return (address, *(inner for inner in tunnelled if inner))


def _parsed_ipv6(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host[1:-1])
    except ValueError:
        raise Invalid(f"{host!r} is not an address", where="base_url") from None
    if address.scope_id:
        raise Invalid(f"{host!r} names a network interface", where="base_url")
    return address


def _checked_ipv4(host: str) -> str:
    try:
        address = IPv4Address(host)
    except ValueError:
        raise Invalid(
            f"{host!r} is an unusual spelling of an address",
            where="base_url",
            hint="Write it as four decimal numbers.",
        ) from None
    return str(address)
