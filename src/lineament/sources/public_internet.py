"""Which IP addresses are on the public internet, and therefore not inside the operator's own network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Global in IANA's special-purpose registries, or in Python's reading of them, and yet no public web server.
_NEVER_V4 = tuple(
    map(
        IPv4Network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # the relays of 6to4, withdrawn
            "192.175.48.0/24",  # AS112
            "168.63.129.16/32",  # what Azure answers its virtual machines at
        ),
    )
)
_UNICAST = IPv6Network("2000::/3")  # the only block that IANA gives out global unicast addresses from
_NEVER_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID and others
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address in disguise, through a stranger's relay
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: a network without IPv4 reaches public IPv4 through it


def is_public(text: str) -> bool:
    """Say whether an IP address is global unicast; one that carries an IPv4 address is what that one is."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped
        if address in _NAT64:
            carried = IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is None:
            return (
                address in _UNICAST
                and address.is_global
                and address.scope_id is None
                and not any(address in network for network in _NEVER_V6)
            )
        address = carried
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NEVER_V4)
    )
