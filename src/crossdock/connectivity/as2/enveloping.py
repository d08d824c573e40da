"""Encryption for a partner's certificate, and decryption with keys of our own."""

from collections.abc import Sequence
from random import Random

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    OAEP,
    AsymmetricPadding,
    PKCS1v15,
)
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from crossdock.connectivity.as2 import cms
from crossdock.connectivity.as2.algorithms import Cipher, Digest, cipher_in_cms
from crossdock.connectivity.as2.certificates import Certificate, OwnKey
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.terms import Incoming


def encrypt(
    content: bytes, certificate: Certificate, cipher: Cipher, oaep: Digest | None, random: Random
) -> bytes:
    """Encrypt some bytes: EnvelopedData."""
    key, iv = random.randbytes(cipher.key_bytes), random.randbytes(cipher.block_bytes)
    padder = PKCS7(cipher.block_bytes * 8).padder()
    encryptor = _cipher(cipher, key, iv).encryptor()
    sealed = b"".join(
        (
            encryptor.update(padder.update(content)),
            encryptor.update(padder.finalize()),
            encryptor.finalize(),
        )
    )
    for_them = certificate.key.encrypt(key, _padding((oaep, oaep) if oaep else None))
    return cms.written_enveloped(certificate.der, for_them, oaep, cipher, (iv, sealed))


def decrypt(
    data: bytes, keys: Sequence[OwnKey], terms: Incoming, random: Random
) -> tuple[Cipher, bytes]:
    """Decrypt with whichever key of ours it is for, also one that is no longer in use.

    A content key that cannot be had is replaced by chance, so that nobody outside can tell a
    wrong key from wrong content (RFC 3218).
    """
    found = cms.read_enveloped(data)
    cipher = cipher_in_cms(found.cipher_name)
    if cipher is None or not terms.takes(cipher):
        raise As2Invalid(
            Fault.SECURITY if cipher else Fault.DECRYPTION,
            f"it is encrypted with {found.cipher_name}, which is not taken of this partner",
            hint="ask the partner for AES, or allow 3DES for this partner",
        )
    recipient, own = _ours(found.recipients, keys)
    key = random.randbytes(cipher.key_bytes)
    try:
        opened = own.private.decrypt(recipient.key, _padding(recipient.oaep))
        key = opened if len(opened) == cipher.key_bytes else key
    except ValueError:
        pass
    return cipher, _opened(found, cipher, key)


def _opened(found: cms.Enveloped, cipher: Cipher, key: bytes) -> bytes:
    try:
        decryptor = _cipher(cipher, key, found.iv).decryptor()
        padded = decryptor.update(found.content) + decryptor.finalize()
        unpadder = PKCS7(cipher.block_bytes * 8).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise As2Invalid(
            Fault.DECRYPTION,
            "it cannot be decrypted",
            hint="it was changed on its way, or made with another certificate than it says",
        ) from None


def _ours(
    recipients: Sequence[cms.Recipient], keys: Sequence[OwnKey]
) -> tuple[cms.Recipient, OwnKey]:
    for recipient in recipients:
        for own in keys:
            if recipient.who in own.certificate.identifiers:
                return recipient, own
    ours = "; ".join(str(one.certificate.identifiers[0]) for one in keys) or "none"
    theirs = "; ".join(str(one.who) for one in recipients) or "nobody"
    raise As2Invalid(
        Fault.DECRYPTION,
        f"it is encrypted for {theirs}, and our certificates are {ours}",
        hint="send the partner our certificate that is in use",
    )


def _padding(oaep: tuple[Digest | None, Digest | None] | None) -> AsymmetricPadding:
    if oaep is None:
        return PKCS1v15()
    digest, mask = oaep
    if digest is None or mask is None:
        raise As2Invalid(Fault.DECRYPTION, "the parameters of RSAES-OAEP are not spoken here")
    return OAEP(MGF1(mask.of_signature), digest.of_signature, None)


def _cipher(cipher: Cipher, key: bytes, iv: bytes) -> BlockCipher[CBC]:
    algorithm = TripleDES(key) if cipher is Cipher.TRIPLE_DES else AES(key)
    return BlockCipher(algorithm, CBC(iv))
