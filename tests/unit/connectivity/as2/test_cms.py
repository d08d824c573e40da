"""Structures that are right, and say what is not taken."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from asn1crypto import algos, cms
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from crossdock.connectivity.as2 import cms as ours
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.certificates import Certificate, read_own_key
from crossdock.connectivity.as2.enveloping import decrypt
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.signing import sign, verify
from crossdock.connectivity.as2.terms import Outgoing
from tests.unit.connectivity.as2.parties import ANYTHING, NOW, Dock, own, pem

CONTENT = b"Content-Type: text/plain\r\n\r\nx"


def signed(change: Callable[[Any], object] = lambda _: None, *, is_pss: bool = False) -> bytes:
    """Sign, and change what was written."""
    seal: Any = cms.ContentInfo.load(sign(CONTENT, own("shop"), Digest.SHA256, NOW, is_pss=is_pss))
    signer = seal["content"]["signer_infos"][0]
    change(signer)
    seal["content"]["signer_infos"] = [signer]
    return bytes(seal.dump(force=True))


def refused(seal: bytes, *known: Certificate) -> As2Invalid:
    with pytest.raises(As2Invalid) as error:
        verify(CONTENT, seal, known or (own("shop").certificate,), ANYTHING, NOW)
    return error.value


def put(name: str, value: object) -> Callable[[Any], object]:
    return lambda signer: signer.__setitem__(name, value)


def test_a_structure_of_another_kind_is_refused() -> None:
    compressed = ours.written_compressed(b"")
    for read in (ours.read_signed, ours.read_enveloped):
        with pytest.raises(As2Invalid, match="is compressed_data, not"):
            read(compressed)
    with pytest.raises(As2Invalid, match="is signed_data, not"):
        ours.read_compressed(signed())
    with pytest.raises(As2Invalid, match="behind"):
        ours.read_compressed(compressed + b"x")
    assert ours.read_compressed(compressed + b"\r\n") == b""


def test_a_signature_that_holds_its_content_is_refused() -> None:
    seal: Any = cms.ContentInfo.load(signed())
    seal["content"]["encap_content_info"] = {"content_type": "data", "content": CONTENT}

    assert "holds its content itself" in refused(seal.dump(force=True)).message


def test_there_has_to_be_a_signature_and_not_too_many() -> None:
    for count in (0, 17):
        seal: Any = cms.ContentInfo.load(signed())
        one = seal["content"]["signer_infos"][0]
        seal["content"]["signer_infos"] = [one.copy() for _ in range(count)]
        assert f"{count} signatures" in refused(seal.dump(force=True)).message


def test_of_several_signatures_one_of_the_partner_is_enough() -> None:
    seal: Any = cms.ContentInfo.load(sign(CONTENT, own("x"), Digest.SHA256, NOW, is_pss=False))
    ours_too: Any = cms.ContentInfo.load(signed())
    both = [seal["content"]["signer_infos"][0], ours_too["content"]["signer_infos"][0]]
    both[0]["sid"].chosen["serial_number"] = 5
    seal["content"]["signer_infos"] = both

    found = verify(CONTENT, seal.dump(force=True), [own("shop").certificate], ANYTHING, NOW)
    assert found.certificate == own("shop").certificate


def test_algorithms_that_are_not_spoken_are_refused() -> None:
    curve = put("signature_algorithm", {"algorithm": "sha256_ecdsa"})
    assert "sha256_ecdsa is not spoken" in refused(signed(curve)).message
    old = put("digest_algorithm", {"algorithm": "md5"})
    assert refused(signed(old)).fault is Fault.SECURITY
    other = put("digest_algorithm", {"algorithm": "sha512"})
    assert refused(signed(other)).fault is Fault.INTEGRITY


@pytest.mark.parametrize("name", ["sha256_rsa", "rsassa_pkcs1v15"])
def test_both_names_of_the_common_signature_are_understood(name: str) -> None:
    seal = signed(put("signature_algorithm", {"algorithm": name}))

    assert verify(CONTENT, seal, [own("shop").certificate], ANYTHING, NOW).content == CONTENT


def test_the_parameters_of_pss_have_to_fit_its_digest() -> None:
    def with_parameters(**said: Any) -> bytes:
        parameters = algos.RSASSAPSSParams(said)
        algorithm = {"algorithm": "rsassa_pss", "parameters": parameters}
        return signed(put("signature_algorithm", algorithm), is_pss=True)

    sha256 = {"algorithm": "sha256"}
    mask = {"algorithm": "mgf1", "parameters": sha256}
    right = {"hash_algorithm": sha256, "mask_gen_algorithm": mask, "salt_length": 32}
    known = [own("shop").certificate]
    assert verify(CONTENT, with_parameters(**right), known, ANYTHING, NOW).is_pss
    for wrong in (
        {"salt_length": 32},
        {**right, "salt_length": 31},
        {**right, "salt_length": -1},
        {**right, "salt_length": 2**80},
        {**right, "hash_algorithm": {"algorithm": "sha1"}},
    ):
        assert refused(with_parameters(**wrong)).fault in {Fault.AUTHENTICATION, Fault.UNEXPECTED}


def attributes(*said: tuple[str, Any]) -> Callable[[Any], object]:
    return put("signed_attrs", cms.CMSAttributes([{"type": k, "values": v} for k, v in said]))


def test_the_attributes_have_to_say_the_digest_and_the_type_once() -> None:
    digest, kind = ("message_digest", [b"x" * 32]), ("content_type", ["data"])
    for said in ([digest], [kind], [digest, digest, kind], [digest, kind, kind]):
        assert "lacks the digest" in refused(signed(attributes(*said))).message
    other = ("content_type", ["enveloped_data"])
    assert "over enveloped_data" in refused(signed(attributes(digest, other))).message
    two = ("message_digest", [b"x" * 32, b"y" * 32])
    assert refused(signed(attributes(two, kind))).fault is Fault.UNEXPECTED


def test_a_signature_without_attributes_is_over_the_content() -> None:
    made = own("shop").private.sign(CONTENT, PKCS1v15(), Digest.SHA256.of_signature)

    def bare(signer: Any) -> None:
        del signer["signed_attrs"]
        signer["signature"] = made

    found = verify(CONTENT, signed(bare), [own("shop").certificate], ANYTHING, NOW)
    assert found.content == CONTENT
    assert (
        refused(signed(lambda signer: signer.__delitem__("signed_attrs"))).fault is Fault.INTEGRITY
    )


def test_a_signer_is_known_by_the_id_of_its_key_too() -> None:
    key = read_own_key(pem("shop", has_key_id=True))
    by_key = key.certificate.identifiers[1]
    sid = cms.SignerIdentifier("subject_key_identifier", by_key.key_id)

    seal = signed(put("sid", sid))

    assert verify(CONTENT, seal, [key.certificate], ANYTHING, NOW).certificate == key.certificate
    assert f"key {by_key.key_id.hex()}" in refused(seal).message


def sealed(change: Callable[[Any], object]) -> bytes:
    whole: Any = cms.ContentInfo.load(Dock(outgoing=Outgoing(digest=None)).write().message.body)
    change(whole["content"])
    return bytes(whole.dump(force=True))


def opened(data: bytes) -> As2Invalid:
    with pytest.raises(As2Invalid) as error:
        decrypt(data, [own("dock")], ANYTHING, Random(1))
    return error.value


def with_recipients(*infos: Any) -> bytes:
    return sealed(lambda content: content.__setitem__("recipient_infos", list(infos)))


def recipient(**changes: Any) -> Any:
    whole: Any = cms.ContentInfo.load(Dock(outgoing=Outgoing(digest=None)).write().message.body)
    info = whole["content"]["recipient_infos"][0].chosen
    for name, value in changes.items():
        info[name] = value
    return cms.RecipientInfo("ktri", info)


def test_recipients_who_are_not_us_are_passed_over_and_not_too_many() -> None:
    other = cms.RecipientIdentifier("subject_key_identifier", b"other")
    found = with_recipients(recipient(rid=other), recipient())
    assert decrypt(found, [own("dock")], ANYTHING, Random(1))[1]
    assert "for nobody" in opened(with_recipients()).message
    assert "65 recipients" in opened(with_recipients(*[recipient()] * 65)).message
    with pytest.raises(As2Invalid, match="our certificates are none"):
        decrypt(found, [], ANYTHING, Random(1))


def test_ciphers_and_keys_that_are_not_spoken_are_refused() -> None:
    def rc2(content: Any) -> None:
        content["encrypted_content_info"]["content_encryption_algorithm"] = {
            "algorithm": "des",
            "parameters": b"12345678",
        }

    assert "encrypted with des" in opened(sealed(rc2)).message
    curve = algos.RSAESOAEPParams({"hash_algorithm": {"algorithm": "md5"}})
    oaep = {"algorithm": "rsaes_oaep", "parameters": curve}
    assert (
        "RSAES-OAEP" in opened(with_recipients(recipient(key_encryption_algorithm=oaep))).message
    )
    odd = {"algorithm": "aes128_wrap"}
    assert "not spoken" in opened(with_recipients(recipient(key_encryption_algorithm=odd))).message


def test_content_without_a_vector_or_with_half_a_block_cannot_be_decrypted() -> None:
    def no_vector(content: Any) -> None:
        algorithm = {"algorithm": "aes256_cbc", "parameters": b""}
        content["encrypted_content_info"]["content_encryption_algorithm"] = algorithm

    def half(content: Any) -> None:
        content["encrypted_content_info"]["encrypted_content"] = b"half"

    for change in (no_vector, half):
        assert opened(sealed(change)).fault is Fault.DECRYPTION


def test_a_compression_other_than_zlib_is_refused() -> None:
    whole: Any = cms.ContentInfo.load(ours.written_compressed(b"x"))
    whole["content"]["compression_algorithm"] = {"algorithm": "1.2.3"}

    with pytest.raises(As2Invalid, match="not zlib"):
        ours.read_compressed(whole.dump(force=True))
