"""Books movements that happened elsewhere into Tryton, each exactly once.

A movement becomes an internal shipment whose `reference` is the hub's own name for it: a move by
itself has no field for a foreign name. Search comes before every create, so a repeat after a lost
answer finds what is there and carries it on to done from wherever it stood. An end outside the
house is the lost-and-found location, as in Tryton's own stock counts: what a sale's or a
purchase's shipment moves is booked by that shipment, not here. What is booked here is not told
back when Tryton is asked what moved: the reference gives it away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from crossdock.applications.tryton.movements import INTERNAL_SHIPMENT
from crossdock.applications.tryton.places import Places
from crossdock.applications.tryton.session import Session
from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import Measure
from crossdock.canonical.errors import Conflict, Missing, Rejected, Unavailable
from crossdock.connectivity.sdk import Outcome, PostMovement, Verdict

SHIPMENT = f"model.{INTERNAL_SHIPMENT}"
STEPS_MAX = 12
NAMESAKES_MAX = 50
SHIPMENT_FIELDS = (
    *("state", "transit_location", "from_location", "to_location", "_timestamp"),
    *("moves.product", "moves.quantity", "moves.unit"),
)

# The button that carries a shipment on from each of its states. The goods have moved already, so
# assignment is forced; between two warehouses they pass through transit.
NEXT = {"request": "draft", "draft": "wait", "waiting": "assign_force", "assigned": "do"}
NEXT_BY_TRANSIT = {**NEXT, "assigned": "pack", "packed": "ship", "shipped": "do"}
PROGRESS = {
    state: rank
    for rank, state in enumerate(
        ("cancelled", "request", "draft", "waiting", "assigned", "packed", "shipped", "done")
    )
}


@dataclass(frozen=True, slots=True)
class Bookings:
    session: Session
    places: Places
    units: Units
    company: int

    async def post(self, command: PostMovement) -> Outcome:
        try:
            return await self._carried_to_done(command)
        except Rejected as problem:
            return _outcome(command, Verdict.REFUSED, problem)
        except (Missing, Unavailable) as problem:
            # What may have been begun is found again by its reference.
            return _outcome(command, Verdict.RETRY, problem)

    async def _carried_to_done(self, command: PostMovement) -> Outcome:
        """Look, take one step, look again: whatever an answer said or failed to say."""
        lost: Unavailable | None = None
        for _ in range(STEPS_MAX):
            shipment = await self._found(command.external_ref)
            if shipment:
                self._check_is_same(command, shipment)
                if shipment["state"] == "done":
                    return _done(command, shipment)
            try:
                await self._one_step(command, shipment)
            except (Unavailable, Conflict) as problem:
                lost = problem if isinstance(problem, Unavailable) else None
                await self.session.ports.clock.sleep(
                    0.05 * (1 + self.session.ports.random.random())
                )
        raise lost or Unavailable(f"{command.external_ref} did not come to an end in Tryton")

    async def _one_step(self, command: PostMovement, shipment: Mapping[str, Any] | None) -> None:
        if shipment is None:
            await self.session.change(f"{SHIPMENT}.create", [await self._shipment(command)])
            return
        buttons = NEXT_BY_TRANSIT if shipment["transit_location"] else NEXT
        if shipment["state"] not in buttons:
            raise Rejected(
                f"{command.external_ref} is {shipment['state']} in Tryton", code="cancelled"
            )
        # With the version we have read: a person who changed it meanwhile makes us read again.
        version = {f"{INTERNAL_SHIPMENT},{shipment['id']}": shipment["_timestamp"]}
        await self.session.change(
            f"{SHIPMENT}.{buttons[shipment['state']]}",
            [shipment["id"]],
            context={"_timestamp": version},
        )

    async def _found(self, reference: str) -> Mapping[str, Any] | None:
        """Find the shipment; of several the one that has come furthest, so that one is booked.

        There are several when Tryton took longer over a create than a call may take: it was not
        to be seen yet when the hub looked for it. What is left over stays a draft.
        """
        answer = await self.session.ask(
            f"{SHIPMENT}.search_read",
            [["reference", "=", reference], ["company", "=", self.company]],
            *(0, NAMESAKES_MAX, [["id", "ASC"]], list(SHIPMENT_FIELDS)),
        )
        rows: Sequence[Mapping[str, Any]] = answer.result
        return max(rows, key=lambda row: PROGRESS.get(row["state"], 0), default=None)

    async def _shipment(self, command: PostMovement) -> Mapping[str, Any]:
        product, base = int(command.item), await self._base_unit(command.item)
        source, target = self._ends(command)
        day = date.fromisoformat(command.occurred_on)
        move = {
            "product": product,
            "quantity": Measure(command.quantity),
            "unit": self.units.named(command.unit, base),
            "from_location": source,
            "to_location": target,
            "company": self.company,
        }
        return {
            "reference": command.external_ref,
            "company": self.company,
            "from_location": source,
            "to_location": target,
            "effective_date": day,
            "effective_start_date": day,
            "moves": [["create", [move]]],
        }

    def _ends(self, command: PostMovement) -> tuple[int, int]:
        return (
            self._end(command.source_location, is_in_transit=command.is_source_in_transit),
            self._end(command.target_location, is_in_transit=command.is_target_in_transit),
        )

    def _end(self, location: str, *, is_in_transit: bool) -> int:
        if not location:
            return self.places.lost_and_found()
        return self.places.transit() if is_in_transit else self.places.shelf(location)

    async def _base_unit(self, item: str) -> int:
        if not item.isdecimal():
            raise Missing(f"{item!r} is no product of Tryton", code="MD-ITEM-XREF")
        answer = await self.session.ask(
            "model.product.product.search_read",
            [["id", "=", int(item)]],
            *(0, 1, None, ["default_uom"]),
            context={"active_test": False},
        )
        if not answer.result:
            raise Missing(f"{item!r} is no product of Tryton", code="MD-ITEM-XREF")
        return int(answer.result[0]["default_uom"])

    def _check_is_same(self, command: PostMovement, shipment: Mapping[str, Any]) -> None:
        """Refuse to carry on a shipment that has our reference and another content.

        Through transit it has two moves, the same goods on both legs.
        """
        ends = self._ends(command)
        held = {
            (str(move["product"]), Decimal(move["quantity"]), self.units.code(move["unit"]))
            for move in shipment["moves."]
        }
        wanted = {(command.item, command.quantity, command.unit)}
        if held != wanted or (shipment["from_location"], shipment["to_location"]) != ends:
            raise Rejected(
                f"{command.external_ref} is another movement in Tryton: {held}", code="conflict"
            )


def _done(command: PostMovement, shipment: Mapping[str, Any]) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        verdict=Verdict.DONE,
        observed=Decimal(shipment["moves."][0]["quantity"]),
        detail=f"{INTERNAL_SHIPMENT},{shipment['id']}",
    )


def _outcome(command: PostMovement, verdict: Verdict, problem: Any) -> Outcome:
    return Outcome(
        command_id=command.command_id, verdict=verdict, code=problem.code, detail=problem.message
    )
