"""A stand-in for Tryton's books: its JSON-RPC over HTTP, as far as movements are booked into it.

It logs a user in, tells its locations, units and products, and carries internal shipments from
draft to done; what is done is on hand. A person may close the period: then nothing new can be
entered, as in a real company at the end of its month. It lists purchases, and those that somebody
deletes it tells nobody of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock.applications.tryton.booking import SHIPMENT
from crossdock.applications.tryton.wire import decoded, encoded
from crossdock.connectivity.sdk import Ports

Row = dict[str, Any]

COMPANY, PIECE = 1, 1
WAREHOUSE, STORAGE, LOST_AND_FOUND = 1, 2, 3
STATE_AFTER = {"wait": "waiting", "assign_force": "assigned", "do": "done"}
CLOSED = "The period is closed"


@dataclass(slots=True)
class Books:
    """One company with one warehouse, and what its books say is on hand, by product.

    `opening` is by the code of each product. `refused` counts what was not entered.
    """

    site: str
    opening: Mapping[str, int]
    since: datetime
    is_closed: bool = False
    refused: int = 0
    shipments: list[Row] = field(default_factory=list[Row])
    purchases: dict[int, Row] = field(default_factory=dict[int, Row])

    @property
    def products(self) -> Mapping[str, int]:
        """Give the number of each product by its code."""
        return {code: number for number, code in enumerate(self.opening, start=1)}

    def on_hand(self) -> dict[str, Decimal]:
        """Add what is done to the opening figures: what the company's stock report shows."""
        code_of = {number: code for code, number in self.products.items()}
        held = {code: Decimal(pieces) for code, pieces in self.opening.items()}
        for shipment in self.shipments:
            for move in shipment["moves."] if shipment["state"] == "done" else ():
                sign = (move["to_location"] == STORAGE) - (move["from_location"] == STORAGE)
                held[code_of[move["product"]]] += sign * Decimal(move["quantity"])
        return held

    def locations(self) -> list[Row]:
        rows = (
            (WAREHOUSE, self.site, "warehouse", None),
            (STORAGE, "STO", "storage", WAREHOUSE),
            (LOST_AND_FOUND, "LF", "lost_found", None),
        )
        zones = {"input_location": None, "output_location": None, "picking_location": None}
        zones |= {"lost_found_location": None}
        return [
            {
                "id": number, "code": code, "name": code, "type": kind, "parent": parent,
                "active": True, "create_date": self.since, "last_modified_at": self.since,
                "storage_location": STORAGE if kind == "warehouse" else None, **zones,
            }
            for number, code, kind, parent in rows
        ]  # fmt: skip

    def units(self) -> list[Row]:
        piece = {"symbol": "u", "category": 1, "factor": 1, "rate": 1, "active": True}
        return [{"id": PIECE, "last_modified_at": self.since, **piece}]

    def product(self, number: int) -> list[Row]:
        known = 1 <= number <= len(self.opening)
        return [{"id": number, "default_uom": PIECE}] if known else []

    def found(self, reference: str) -> list[Row]:
        return [one for one in self.shipments if one["reference"] == reference]

    def entered(self, values: Mapping[str, Any]) -> list[int] | None:
        """Enter a shipment as a draft; None while the period is closed."""
        if self.is_closed:
            self.refused += 1
            return None
        number = len(self.shipments) + 1
        [[_, moves]] = values["moves"]
        ends = {end: values[end] for end in ("from_location", "to_location")}
        shipment: Row = {
            "id": number,
            "reference": values["reference"],
            "state": "draft",
            "transit_location": None,
            "_timestamp": str(number),
            "moves.": [{**move, "quantity": Decimal(move["quantity"])} for move in moves],
            **ends,
        }
        self.shipments.append(shipment)
        return [number]

    def bought(self, code: str, pieces: int, at: datetime) -> Row:
        """Enter a purchase of one line that is confirmed at a moment."""
        number = max(self.purchases, default=0) + 1
        line: Row = {
            "id": number, "type": "line", "product": self.products[code],
            "product.": {"type": "goods", "default_uom": PIECE}, "quantity": Decimal(pieces),
            "unit": PIECE, "delivery_date": at.date(), "delivery_date_edit": False,
            "delivery_date_store": None, "to_location.": {"type": "storage"}, "moves.": [],
            "moves_ignored.": [], "moves_recreated.": [], "last_modified_at": at,
        }  # fmt: skip
        self.purchases[number] = {
            "id": number, "number": f"P{number}", "state": "confirmed", "warehouse": WAREHOUSE,
            "delivery_date": at.date(), "last_modified_at": at, "lines.": [line],
        }  # fmt: skip
        return self.purchases[number]

    def listed(self, domain: Sequence[Any], most: int) -> list[Row]:
        """List purchases behind a number that are in none of these states."""
        (_, _, after), (_, _, states) = domain
        rows = (row for number, row in sorted(self.purchases.items()) if number > after)
        return [row for row in rows if row["state"] not in states][:most]

    def pressed(self, button: str, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.shipments[number - 1]["state"] = STATE_AFTER[button]


class TrytonSimulator:
    """One database on one server. Reach `app` over HTTP on a port of yours."""

    def __init__(self, site: str, opening: Mapping[str, int], ports: Ports) -> None:
        self.books = Books(site, dict(opening), ports.clock.now().astimezone(UTC))
        self.app = Starlette(routes=[Route("/{database}/rpc/", self._answered, methods=["POST"])])
        self._methods: Mapping[str, Callable[[Sequence[Any]], Any]] = {
            "common.db.login": lambda _: [1, "session"],
            "model.res.user.get_preferences": lambda _: {"company": COMPANY, "language": "en"},
            "model.stock.location.search_read": lambda _: self.books.locations(),
            "model.product.uom.search_read": lambda _: self.books.units(),
            "model.product.product.search_read": lambda said: self.books.product(said[0][0][2]),
            "model.purchase.purchase.search_read": lambda said: self.books.listed(
                said[0], said[2]
            ),
            f"{SHIPMENT}.search_read": lambda said: self.books.found(said[0][0][2]),
            f"{SHIPMENT}.create": lambda said: self.books.entered(said[0][0]),
            **{f"{SHIPMENT}.{button}": self._pressing(button) for button in STATE_AFTER},
        }

    async def _answered(self, request: Request) -> Response:
        call = decoded(await request.body())
        method = self._methods.get(call["method"])
        if method is None:
            answer: Row = {"id": call["id"], "error": ["UserError", [call["method"], ""]]}
        else:
            result = method(call["params"])
            is_refused = result is None and call["method"] == f"{SHIPMENT}.create"
            answer = {"id": call["id"], "result": result}
            if is_refused:
                answer = {"id": call["id"], "error": ["UserError", [CLOSED, ""]]}
        return Response(encoded(answer), media_type="application/json")

    def _pressing(self, button: str) -> Callable[[Sequence[Any]], None]:
        return lambda said: self.books.pressed(button, said[0])
