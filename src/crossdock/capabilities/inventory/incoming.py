"""Requests for promises on their way: named by their business identity, answered in time."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b, sha256
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from crossdock.canonical.errors import Conflict
from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.had import Whose
from crossdock.capabilities.inventory.model import Reservation, ReservationRequest
from crossdock.foundation.ids import derived_uuid, prefixed

_encoded = msgspec.json.Encoder().encode
_CHANNEL = ReservationRequest._fields.index("channel")
_CUSTOMER = ReservationRequest._fields.index("customer")
_NAMES = KeyRule()


def content_of(request: ReservationRequest, client: str) -> bytes:
    """Write what is asked in one form: tells a repeat from another request with the same id.

    A channel that is not named is left out, as before there were any: a repeat of then is one. So
    is the client's own, which stands where none is named. So is a customer.
    """
    is_other = request.channel and request.channel != client
    if request.customer:
        return _encoded(request if is_other else request._replace(channel=""))
    return _encoded(request[:_CUSTOMER] if is_other else request[:_CHANNEL])


class Incoming:
    """A request on its way: who asks, its id and hash, and the answer once there is one."""

    __slots__ = ("answer", "client", "content_hash", "expires_at", "request", "reservation_id")

    def __init__(
        self,
        client: str,
        request: ReservationRequest,
        reservation_id: UUID,
        content_hash: bytes,
        expires_at: datetime | None,
    ) -> None:
        self.client = client
        self.request = request
        self.reservation_id = reservation_id
        self.content_hash = content_hash
        self.expires_at = expires_at
        self.answer: Reservation | Conflict | None = None

    @property
    def is_plain(self) -> bool:
        """Say whether a sum decides, and nothing is to be kept beside the promise.

        Whose it is goes without saying where that is its client.
        """
        if len(self.request.lines) > 1 or self.request.allow_partial:
            return False
        return self.request.channel in {"", self.client} and not self.request.customer

    @property
    def is_hard(self) -> bool:
        return self.expires_at is None

    @property
    def whose(self) -> Whose:
        """Say whose it is: who names no channel stands as himself."""
        customer = self.request.customer
        return Whose(
            self.request.channel or self.client, _NAMES.comparable(customer) if customer else ""
        )


def taken_in(
    tenant: str, asked: Sequence[tuple[str, ReservationRequest]], expiry: model.Expiry
) -> list[Incoming]:
    """Name each request by its business identity; `derived_uuid` in the driver's own class."""
    return [
        Incoming(
            client,
            request,
            pgproto.UUID(
                sha256(f"reservation\0{tenant}\0{client}\0{request.request_id}".encode()).digest()[
                    :16
                ]
            ),
            blake2b(content_of(request, client), digest_size=8).digest(),
            expiry.of(request),
        )
        for client, request in asked
    ]


def name_of(tenant: str, client: str, request_id: str) -> str:
    """Name the reservation that a client's request makes."""
    return prefixed("rsv", derived_uuid("reservation", tenant, client, request_id))
