"""How an API key is written, and what of it is kept: `xd_<id>_<secret><checksum>`.

The id finds the key, the secret proves it, the checksum refuses a mistyped or made-up key without
asking the database. Only the SHA-256 of the secret is stored: 256 random bits need no salt.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field
from random import Random

from crossdock.governance.roles import Unauthenticated

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 12
SECRET_LENGTH = 43  # 62^43 > 2^256
CHECKSUM_LENGTH = 6  # 62^6 > 2^32
_TOKEN = re.compile(
    rf"xd_([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A key as its holder has it. It never shows its secret by accident."""

    key_id: str
    secret: str = field(repr=False)

    @property
    def secret_hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, secret_hash: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_hash, secret_hash)

    def reveal(self) -> str:
        """Write the key out, for the one moment in which it is shown."""
        body = f"xd_{self.key_id}_{self.secret}"
        return body + _checksum(body)


def mint(random: Random) -> Token:
    """Make a key out of `random`, which must be the system's in anything but a test."""
    return Token(
        key_id=_base62(random.getrandbits(71), ID_LENGTH),
        secret=_base62(random.getrandbits(256), SECRET_LENGTH),
    )


def read_token(text: str) -> Token:
    """Read a key as it was sent; raise `Unauthenticated` for anything that is none."""
    match = _TOKEN.fullmatch(text)
    if match is None or not hmac.compare_digest(
        _checksum(text[:-CHECKSUM_LENGTH]), match.group(3)
    ):
        raise Unauthenticated(
            "this is not an API key",
            hint="send `Authorization: Bearer xd_…`; a key is shown once, when it is made",
        )
    return Token(match.group(1), match.group(2))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
