"""The roles of accounts, from the least to the most: each may do what those before it may."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["reader", "coder", "exporter", "administrator"]

ROLES: tuple[Role, ...] = get_args(Role)


def may(role: Role, needed: Role) -> bool:
    """Tell whether an account of one role may do what needs another."""
    return ROLES.index(role) >= ROLES.index(needed)
