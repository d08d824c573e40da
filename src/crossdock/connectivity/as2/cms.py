"""CMS structures (RFC 5652, 3274) read and written: the only part that knows asn1crypto.

All that is read of one structure is taken out of it at once, in plain values; whatever hostile
bytes do to the parser comes out as the error of this part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asn1crypto import algos, cms, core, x509

from crossdock.connectivity.as2 import ber
from crossdock.connectivity.as2.algorithms import Cipher, Digest, digest_named
from crossdock.connectivity.as2.faults import As2Invalid, unexpected

P = ParamSpec("P")
T = TypeVar("T")

SIGNERS_MAX = 16
RECIPIENTS_MAX = 64


@dataclass(frozen=True, slots=True)
class Identifier:
    """How a signer or a recipient is named: by issuer and serial number, or by its key's id."""

    issuer: str = ""
    serial: int = 0
    key_id: bytes = b""

    def __str__(self) -> str:
        return f"serial {self.serial:x}" if self.issuer else f"key {self.key_id.hex()}"


@dataclass(frozen=True, slots=True)
class Pss:
    digest: Digest | None
    mask_digest: Digest | None
    salt_bytes: int


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature. `signed` is what it is over, in the forms that are met; else the content."""

    who: Identifier
    digest: Digest | None
    digest_name: str
    pss: Pss | None
    signature: bytes
    signed: tuple[bytes, ...] = ()
    message_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a content key is for; `oaep` has the digest and the one of its mask, or is None."""

    who: Identifier
    oaep: tuple[Digest | None, Digest | None] | None
    key: bytes


@dataclass(frozen=True, slots=True)
class Enveloped:
    recipients: tuple[Recipient, ...]
    cipher_name: str
    iv: bytes
    content: bytes


def _read(what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    def of(reading: Callable[P, T]) -> Callable[P, T]:
        @wraps(reading)
        def read(*args: P.args, **named: P.kwargs) -> T:
            try:
                return reading(*args, **named)
            except As2Invalid:
                raise
            except Exception as error:  # noqa: BLE001 - the parser raises what it stumbles over
                raise unexpected(f"it is no {what}: {type(error).__name__}: {error}") from None

        return read

    return of


def _content(data: bytes, kind: str) -> Any:
    end = ber.end_of(data)
    found: Any = cms.ContentInfo.load(data)
    if data[end:].strip():
        raise unexpected("something stands behind the CMS structure")
    said = found["content_type"].native
    if said != kind:
        raise unexpected(f"the CMS structure is {said}, not {kind}")
    return found["content"]


@_read("certificate")
def identifiers(certificate: bytes) -> tuple[Identifier, ...]:
    """Give every name by which a certificate is called in CMS."""
    found: Any = x509.Certificate.load(certificate)
    by_issuer = Identifier(found.issuer.hashable, found.serial_number)
    key_id = found.key_identifier
    return (by_issuer, Identifier(key_id=key_id)) if key_id else (by_issuer,)


def _identifier(named: Any) -> Identifier:
    if named.name == "issuer_and_serial_number":
        return Identifier(
            named.chosen["issuer"].hashable, int(named.chosen["serial_number"].native)
        )
    return Identifier(key_id=bytes(named.chosen.native))


def _digest_of(algorithm: Any) -> Digest | None:
    return digest_named(str(algorithm["algorithm"].native))


@_read("signature")
def read_signed(data: bytes) -> tuple[Signer, ...]:
    """Read the signatures of detached SignedData."""
    found = _content(data, "signed_data")
    if found["encap_content_info"]["content"].native is not None:
        raise unexpected(
            "the signature holds its content itself",
            hint="ask the partner for multipart/signed messages",
        )
    if not 0 < len(found["signer_infos"]) <= SIGNERS_MAX:
        raise unexpected(f"there are {len(found['signer_infos'])} signatures")
    return tuple(map(_signer, found["signer_infos"]))


def _signer(info: Any) -> Signer:
    algorithm = info["signature_algorithm"]
    name = str(algorithm["algorithm"].native)
    if name != "rsassa_pss" and not name.endswith("_rsa") and name != "rsassa_pkcs1v15":
        raise unexpected(f"the signature algorithm {name} is not spoken here")
    signed, digest = _attributes(info["signed_attrs"])
    return Signer(
        who=_identifier(info["sid"]),
        digest=_digest_of(info["digest_algorithm"]),
        digest_name=str(info["digest_algorithm"]["algorithm"].native),
        pss=_pss(algorithm["parameters"]) if name == "rsassa_pss" else None,
        signature=bytes(info["signature"].native),
        signed=signed,
        message_digest=digest,
    )


def _attributes(attributes: Any) -> tuple[tuple[bytes, ...], bytes]:
    """Give what the signature is over, and the content's digest that stands in it.

    It is over the set as DER; who wrote it as BER or in another order has signed either form.
    """
    if not isinstance(attributes, cms.CMSAttributes):
        return (), b""
    kinds = [str(one["type"].native) for one in attributes]
    if kinds.count("message_digest") != 1 or kinds.count("content_type") != 1:
        raise unexpected("the signature lacks the digest of the content or its type")
    said: dict[str, Any] = {str(one["type"].native): one["values"] for one in attributes}
    [digest], [kind] = said["message_digest"].native, said["content_type"].native
    if kind != "data":
        raise unexpected(f"the signature is over {kind}, not over data")
    written = b"\x31" + attributes.dump()[1:]
    sorted_again = attributes.untag().dump(force=True)
    return tuple(dict.fromkeys((written, sorted_again))), bytes(digest)


def _pss(parameters: Any) -> Pss:
    return Pss(
        digest=_digest_of(parameters["hash_algorithm"]),
        mask_digest=_digest_of(parameters["mask_gen_algorithm"]["parameters"]),
        salt_bytes=int(parameters["salt_length"].native),
    )


@_read("encrypted message")
def read_enveloped(data: bytes) -> Enveloped:
    found = _content(data, "enveloped_data")
    if len(found["recipient_infos"]) > RECIPIENTS_MAX:
        raise unexpected(f"there are {len(found['recipient_infos'])} recipients")
    content = found["encrypted_content_info"]
    algorithm = content["content_encryption_algorithm"]
    iv = algorithm["parameters"].native
    return Enveloped(
        recipients=tuple(
            _recipient(one.chosen) for one in found["recipient_infos"] if one.name == "ktri"
        ),
        cipher_name=str(algorithm["algorithm"].native),
        iv=iv if isinstance(iv, bytes) else b"",
        content=bytes(content["encrypted_content"].native or b""),
    )


def _recipient(info: Any) -> Recipient:
    algorithm = info["key_encryption_algorithm"]
    name, parameters = str(algorithm["algorithm"].native), algorithm["parameters"]
    if name not in {"rsaes_pkcs1v15", "rsaes_oaep"}:
        raise unexpected(f"the key encryption {name} is not spoken here")
    oaep = (
        (
            _digest_of(parameters["hash_algorithm"]),
            _digest_of(parameters["mask_gen_algorithm"]["parameters"]),
        )
        if name == "rsaes_oaep"
        else None
    )
    return Recipient(_identifier(info["rid"]), oaep, bytes(info["encrypted_key"].native))


@_read("compressed message")
def read_compressed(data: bytes) -> bytes:
    """Give the zlib stream of CompressedData."""
    found = _content(data, "compressed_data")
    if found["compression_algorithm"]["algorithm"].native != "zlib":
        raise unexpected("the compression is not zlib")
    return bytes(found["encap_content_info"]["content"].native)


def written_compressed(stream: bytes) -> bytes:
    return _written(
        "compressed_data",
        {
            "version": "v0",
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": {"content_type": "data", "content": stream},
        },
    )


def written_enveloped(
    certificate: bytes,
    key: bytes,
    oaep: Digest | None,
    cipher: Cipher,
    sealed: tuple[bytes, bytes],
) -> bytes:
    """Write EnvelopedData for one certificate; `sealed` is the initial vector and the content."""
    encryption: dict[str, Any] = {"algorithm": "rsaes_pkcs1v15"}
    if oaep:
        parameters = {
            "hash_algorithm": {"algorithm": oaep.plain},
            "mask_gen_algorithm": _mask(oaep),
        }
        encryption = {"algorithm": "rsaes_oaep", "parameters": algos.RSAESOAEPParams(parameters)}
    info = {
        "version": "v0",
        "rid": _named(cms.RecipientIdentifier, certificate),
        "key_encryption_algorithm": encryption,
        "encrypted_key": key,
    }
    iv, content = sealed
    algorithm = {"algorithm": cipher.in_cms, "parameters": core.OctetString(iv)}
    return _written(
        "enveloped_data",
        {
            "version": "v0",
            "recipient_infos": [cms.RecipientInfo("ktri", info)],
            "encrypted_content_info": {
                "content_type": "data",
                "content_encryption_algorithm": algorithm,
                "encrypted_content": content,
            },
        },
    )


def attributes_to_sign(digest: bytes, at: datetime) -> bytes:
    """Write the attributes of a signature, which is over these bytes."""
    attributes: Any = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "signing_time", "values": [cms.Time("utc_time", core.UTCTime(at))]},
            {"type": "message_digest", "values": [digest]},
        ]
    )
    return bytes(attributes.dump())


def written_signed(
    certificate: bytes, attributes: bytes, signature: bytes, digest: Digest, *, is_pss: bool
) -> bytes:
    """Write detached SignedData, with the certificate of the signer in it."""
    algorithm: dict[str, Any] = {"algorithm": "rsassa_pkcs1v15"}
    if is_pss:
        parameters = {
            "hash_algorithm": {"algorithm": digest.plain},
            "mask_gen_algorithm": _mask(digest),
            "salt_length": digest.of_signature.digest_size,
        }
        algorithm = {"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)}
    info = {
        "version": "v1",
        "sid": _named(cms.SignerIdentifier, certificate),
        "digest_algorithm": {"algorithm": digest.plain},
        "signed_attrs": cms.CMSAttributes.load(attributes),
        "signature_algorithm": algorithm,
        "signature": signature,
    }
    return _written(
        "signed_data",
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": digest.plain}],
            "encap_content_info": {"content_type": "data"},
            "certificates": [x509.Certificate.load(certificate)],
            "signer_infos": [info],
        },
    )


def _mask(digest: Digest) -> dict[str, Any]:
    return {"algorithm": "mgf1", "parameters": {"algorithm": digest.plain}}


def _named(choice: type[Any], certificate: bytes) -> Any:
    found: Any = x509.Certificate.load(certificate)
    said = {"issuer": found.issuer, "serial_number": found.serial_number}
    return choice("issuer_and_serial_number", said)


def _written(kind: str, content: dict[str, Any]) -> bytes:
    whole: Any = cms.ContentInfo({"content_type": kind, "content": content})
    return bytes(whole.dump())
