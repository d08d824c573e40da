"""The counters of the demo's branches: they ask the hub for a promise before they say yes."""

import json
from typing import NamedTuple

from crossdock.connectivity.transports.http import checked
from crossdock.interfaces.cli.demo_world import SITE, World

CONFLICT = 409


class Answer(NamedTuple):
    """What the hub said to a counter; `refusal` is the code of why not, empty if it promised."""

    reservation_id: str
    refusal: str


async def reserve(world: World, number: str, item: str, quantity: int) -> Answer:
    """Ask for a hard promise, all or nothing, by the API."""
    asked = {
        "request_id": number,
        "kind": "HARD",
        "lines": [
            {
                "item": item,
                "location": SITE,
                "quantity": {"value": str(quantity), "unit": "EA"},
                "demand_ref": number,
            }
        ],
    }
    response = await world.api.request(
        "POST",
        "/v1/reservations",
        headers={"authorization": f"Bearer {world.owner_key}", "content-type": "application/json"},
        body=json.dumps(asked).encode(),
    )
    said = json.loads(response.body)
    if response.status == CONFLICT and "reservation" in said:
        return Answer(said["reservation"]["reservation_id"], said["code"])
    checked(response)
    return Answer(said["reservation_id"], "")
