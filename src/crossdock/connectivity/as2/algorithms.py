"""The algorithms that are spoken here, and what they are called where."""

import base64
import hashlib
from enum import StrEnum

from cryptography.hazmat.primitives import hashes


class Digest(StrEnum):
    """By the name that headers have for it (RFC 5751 §3.4.3.2)."""

    SHA1 = "sha1"
    SHA256 = "sha-256"
    SHA384 = "sha-384"
    SHA512 = "sha-512"

    @property
    def plain(self) -> str:
        """The name without its hyphen, as CMS structures and `hashlib` have it."""
        return self.value.replace("-", "")

    @property
    def of_signature(self) -> hashes.HashAlgorithm:
        return _HASHES[self]

    def base64_of(self, content: bytes) -> str:
        """Write the digest of some bytes as a receipt does."""
        return base64.b64encode(hashlib.new(self.plain, content).digest()).decode()


class Cipher(StrEnum):
    AES_128 = "aes-128"
    AES_192 = "aes-192"
    AES_256 = "aes-256"
    TRIPLE_DES = "3des"

    @property
    def in_cms(self) -> str:
        return _CIPHERS[self][0]

    @property
    def key_bytes(self) -> int:
        return _CIPHERS[self][1]

    @property
    def block_bytes(self) -> int:
        return 8 if self is Cipher.TRIPLE_DES else 16


_HASHES: dict[Digest, hashes.HashAlgorithm] = {
    Digest.SHA1: hashes.SHA1(),  # noqa: S303 - taken where a partner's terms say so
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA384: hashes.SHA384(),
    Digest.SHA512: hashes.SHA512(),
}
_CIPHERS = {
    Cipher.AES_128: ("aes128_cbc", 16),
    Cipher.AES_192: ("aes192_cbc", 24),
    Cipher.AES_256: ("aes256_cbc", 32),
    Cipher.TRIPLE_DES: ("tripledes_3key", 24),
}


def digest_named(name: str) -> Digest | None:
    """Find a digest by any spelling that is met: `sha256`, `SHA-256`, `rsa-sha1`; else None."""
    plain = name.strip().lower().removeprefix("rsa-").replace("-", "").replace("_", "")
    return next((one for one in Digest if one.plain == plain), None)


def cipher_in_cms(name: str) -> Cipher | None:
    return next((one for one in Cipher if one.in_cms == name), None)
