"""Passwords: Argon2id with the library's own parameters, which grow with its releases."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST, LONGEST = 10, 200

_GROUPS, _GROUP = 4, 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another when somebody reads them out: 16 of them are 79 bits."""

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash("nobody has this password")


def hash_of(password: str) -> str:
    """What the database keeps."""
    return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether `password` belongs to what is kept. Takes as long when there is no account, so that nobody learns who
    has one."""
    try:
        return _hasher.verify(kept or _NOBODYS, password[: LONGEST + 1]) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it should be hashed anew with today's parameters."""
    return _hasher.check_needs_rehash(kept)


def readable() -> str:
    """A random password that can be read out over the telephone, such as "k7mp-w3xt-9hqz-c4vn"."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
