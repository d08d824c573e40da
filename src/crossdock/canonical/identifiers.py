"""Numbers that carry their own proof, and how two spellings of one key are compared.

GTIN, GLN and SSCC share one check digit: weights 3 and 1 in turn, from the right, modulo ten.
"""

import unicodedata
from dataclasses import dataclass

from crossdock.canonical.errors import Invalid

GTIN_LENGTHS = (8, 12, 13, 14)
GTIN_LENGTH = 14
GLN_LENGTH = 13
SSCC_LENGTH = 18
VARIABLE_MEASURE = "9"


def check_digit(body: str) -> str:
    """Compute the digit that follows `body`: `0950110153000` is followed by `3`."""
    if not _is_digits(body):
        raise Invalid(f"{body!r} is not a row of digits", code="MD-GTIN")
    return str(-_weight(body + "0") % 10)


def gtin(text: str) -> str:
    """Check a GTIN of 8, 12, 13 or 14 digits and write it with 14."""
    digits = _checked(text, "GTIN", GTIN_LENGTHS)
    if not digits.strip("0"):
        raise Invalid("A GTIN of nothing but zeros names no item", code="MD-GTIN")
    return digits.zfill(GTIN_LENGTH)


def is_gtin(text: str) -> bool:
    """Tell whether a text is a GTIN as it stands; `gtin` says what is wrong."""
    has_form = len(text) in GTIN_LENGTHS and _is_digits(text)
    return has_form and not _weight(text) and bool(text.strip("0"))


def is_sscc(text: str) -> bool:
    """Tell whether a text is an SSCC as it stands; `sscc` says what is wrong."""
    return len(text) == SSCC_LENGTH and _is_digits(text) and not _weight(text)


def is_variable_measure(gtin_14: str) -> bool:
    """Tell whether the quantity is on the label, not in the number (indicator 9)."""
    return len(gtin_14) == GTIN_LENGTH and gtin_14.startswith(VARIABLE_MEASURE)


def gln(text: str) -> str:
    """Check the number of a party or place."""
    return _checked(text, "GLN", (GLN_LENGTH,))


def sscc(text: str) -> str:
    """Check the number of a pallet, case or parcel."""
    return _checked(text, "SSCC", (SSCC_LENGTH,))


def joined(*parts: str) -> str:
    """Join names by colons so that no others come to the same: a colon in one is told apart."""
    return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)


def _checked(text: str, name: str, lengths: tuple[int, ...]) -> str:
    digits = text.strip()
    if not _is_digits(digits) or len(digits) not in lengths:
        wanted = ", ".join(map(str, lengths))
        raise Invalid(
            f"{digits[:40]!r} is no {name}: it has {wanted} digits",
            code="MD-GTIN",
            hint="A spreadsheet may have eaten its leading zeros.",
        )
    if _weight(digits):
        expected = check_digit(digits[:-1])
        raise Invalid(
            f"{digits} is no {name}: its check digit is {digits[-1]}, not {expected}",
            code="MD-GTIN",
        )
    return digits


def _weight(digits: str) -> int:
    """Weigh a number with its check digit: a right one gives 0."""
    values = digits.encode()
    zeros = ord("0") * (2 * len(values) - len(values) % 2)
    return (sum(values[::-2]) + 3 * sum(values[-2::-2]) - zeros) % 10


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@dataclass(frozen=True, slots=True)
class KeyRule:
    """How one source's keys are compared; they are always stored as it wrote them.

    Leading zeros are dropped only where the source says they mean nothing (SAP pads numbers with
    them), and only from keys that are digits throughout.
    """

    folds_case: bool = True
    drops_leading_zeros: bool = False

    def comparable(self, key: str) -> str:
        text = unicodedata.normalize("NFC", key).strip()
        if self.folds_case:
            text = unicodedata.normalize("NFC", text.upper()).strip()
        if self.drops_leading_zeros and _is_digits(text):
            text = text.lstrip("0") or "0"
        return text
