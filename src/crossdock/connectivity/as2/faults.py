"""What is wrong with a message: a sentence for our own people, and what the partner is told."""

from enum import StrEnum

from crossdock.canonical.errors import Invalid


class Fault(StrEnum):
    """What stands behind `processed/error:` or `failed/failure:` in a receipt (RFC 4130 §7.5)."""

    DECRYPTION = "decryption-failed"
    DECOMPRESSION = "decompression-failed"
    AUTHENTICATION = "authentication-failed"
    INTEGRITY = "integrity-check-failed"
    SECURITY = "insufficient-message-security"
    UNEXPECTED = "unexpected-processing-error"
    FORMAT = "unsupported format"
    MIC_ALGORITHMS = "unsupported MIC-algorithms"

    @property
    def is_failure(self) -> bool:
        """`failed/failure`: the message was not looked at, as its receipt cannot be made so."""
        return self in {Fault.FORMAT, Fault.MIC_ALGORITHMS}


class As2Invalid(Invalid):
    """The one error of this part. `fault` is for the partner; the sentence is for us alone.

    What is behind a decryption that failed is told nobody outside: it would help who tries.
    """

    def __init__(self, fault: Fault, message: str, *, where: str = "", hint: str = "") -> None:
        code = "as2-" + fault.value.replace(" ", "-").lower()
        super().__init__(message, where=where, code=code, hint=hint)
        self.fault = fault


def unexpected(message: str, *, where: str = "", hint: str = "") -> As2Invalid:
    return As2Invalid(Fault.UNEXPECTED, message, where=where, hint=hint)
