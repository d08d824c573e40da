"""Documents that trading partners send, before anybody has read what they order or say."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """A partner's message was taken: its document is kept whole, under `document_id`.

    `sender` and `receiver` are the names that the two call themselves by on `transport`, and
    `message_id` is the sender's own, which has one effect for ever. `sha256` is of the document,
    in hexadecimal. `is_signed`: the sender cannot deny that it is from it.
    """

    TYPE: ClassVar[str] = "partners.message_received.v1"

    document_id: str
    transport: str
    sender: str
    receiver: str
    message_id: str
    content_type: str
    filename: str = ""
    size_bytes: int
    sha256: str
    is_signed: bool

    @property
    def key(self) -> str:
        """Documents of one sender stay in their order."""
        return f"{self.receiver}/{self.sender}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettled:
    """What became of a message to a partner: its `outcome`, and why where it is not good.

    PROVEN: the partner has signed for these bytes. TOLD: it says so, unsigned. SENT: no receipt
    was asked for. REFUSED: it has not taken it. UNPROVEN: its receipt does not hold. FAILED: no
    receipt came, however often it was sent. A later receipt may settle it anew.
    """

    TYPE: ClassVar[str] = "partners.message_settled.v1"

    document_id: str
    transport: str
    sender: str
    receiver: str
    message_id: str
    outcome: str
    because: str = ""

    @property
    def key(self) -> str:
        return f"{self.sender}/{self.receiver}"
