"""`inventorySetQuantities` as Shopify does it: one transaction, compare-and-set, keyed repeats."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from graphql import GraphQLError

from crossdock.applications.shopify.mapping import gid
from crossdock.applications.shopify.reading import COUNT_MAX
from crossdock.applications.shopify.simulated_shop import Shop
from crossdock.applications.shopify.simulated_things import Level

QUANTITIES_MAX = 250
# From Shopify's guide to inventory states: the reasons an app may give.
REASONS = frozenset(
    {
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_created",
        "movement_updated",
        "movement_received",
        "movement_canceled",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    }
)

Answer = dict[str, Any]


class QuantitySetting:
    """Remembers each key with what it was sent with and how it was answered.

    Shopify forgets keys after a while; the simulator does not.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._groups = 0

    def answered(self, key: str, given: Mapping[str, Any]) -> Answer:
        fingerprint = json.dumps(given, sort_keys=True)
        if key in self._answers:
            return _repeated(fingerprint, *self._answers[key])
        answer = self._decided(given)
        self._answers[key] = (fingerprint, answer)
        return answer

    def _decided(self, given: Mapping[str, Any]) -> Answer:
        quantities = given["quantities"]
        if len(quantities) > QUANTITIES_MAX:
            raise GraphQLError(
                f"The input array size of {len(quantities)} is greater than "
                "the maximum allowed of 250.",
                extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
            )
        errors = [*_header_errors(given), *self._line_errors(given["name"], quantities)]
        if errors:
            return {"inventoryAdjustmentGroup": None, "userErrors": errors}
        return {"inventoryAdjustmentGroup": self._applied(given), "userErrors": []}

    def _line_errors(self, name: str, quantities: Sequence[Mapping[str, Any]]) -> Sequence[Answer]:
        errors: list[Answer] = []
        seen: set[tuple[str, str]] = set()
        for index, line in enumerate(quantities):
            pair = (line["inventoryItemId"], line["locationId"])
            if pair in seen:
                code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
                errors.append(_error(code, index, "inventoryItemId"))
            seen.add(pair)
            code, field = self._line_error(name, line)
            if code:
                errors.append(_error(code, index, field))
        return errors

    def _line_error(self, name: str, line: Mapping[str, Any]) -> tuple[str, str]:
        item, location = line["inventoryItemId"], line["locationId"]
        if item not in self._shop.variants:
            return "INVALID_INVENTORY_ITEM", "inventoryItemId"
        if location not in self._shop.places:
            return "INVALID_LOCATION", "locationId"
        level = self._shop.levels.get((item, location))
        # Shopify has no word of its own for a deactivated location: no item is stocked there.
        if level is None or not level.place.is_active:
            return "ITEM_NOT_STOCKED_AT_LOCATION", "locationId"
        return _quantity_error(name, line, level)

    def _applied(self, given: Mapping[str, Any]) -> Answer:
        levels = self._shop.levels
        amounts: dict[tuple[str, str], int] = {}
        for line in given["quantities"]:
            pair = (line["inventoryItemId"], line["locationId"])
            committed = levels[pair].committed if given["name"] == "on_hand" else 0
            amounts[pair] = line["quantity"] - committed
        self._shop.set_levels(amounts)
        self._groups += 1
        first = next(iter(amounts), None)
        written = levels[first].updated_at if first else None
        return {
            "id": gid("InventoryAdjustmentGroup", str(self._groups)),
            "createdAt": written.astimezone(UTC).isoformat() if written else "",
            "reason": given["reason"],
            "referenceDocumentUri": given.get("referenceDocumentUri"),
        }


def _repeated(fingerprint: str, first: str, answer: Answer) -> Answer:
    if fingerprint != first:
        code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    elif answer["userErrors"]:
        code = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
    else:
        return answer
    return {"inventoryAdjustmentGroup": None, "userErrors": [_error(code)]}


def _header_errors(given: Mapping[str, Any]) -> Sequence[Answer]:
    errors: list[Answer] = []
    if given["name"] not in {"available", "on_hand"}:
        errors.append(_error("INVALID_NAME", field="name"))
    if given["reason"] not in REASONS:
        errors.append(_error("INVALID_REASON", field="reason"))
    document = given.get("referenceDocumentUri")
    if document is not None and not _is_uri(document):
        errors.append(_error("INVALID_REFERENCE_DOCUMENT", field="referenceDocumentUri"))
    return errors


def _quantity_error(name: str, line: Mapping[str, Any], level: Level) -> tuple[str, str]:
    held = level.available + (level.committed if name == "on_hand" else 0)
    quantity = line["quantity"]
    code, field = "", "quantity"
    if quantity > COUNT_MAX:
        code = "INVALID_QUANTITY_TOO_HIGH"
    elif quantity < -COUNT_MAX:
        code = "INVALID_QUANTITY_TOO_LOW"
    elif quantity < 0 and name == "on_hand":
        code = "INVALID_QUANTITY_NEGATIVE"
    elif "changeFromQuantity" not in line:
        # A null says "compare with nothing"; leaving it out says nothing, and is refused.
        code, field = "COMPARE_QUANTITY_REQUIRED", "changeFromQuantity"
    elif line["changeFromQuantity"] not in {None, held}:
        code, field = "CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity"
    return code, field


def _is_uri(text: str) -> bool:
    scheme, found, rest = text.partition("://")
    is_gid_whole = scheme != "gid" or len([part for part in rest.split("/") if part]) >= 3  # noqa: PLR2004 - gid://shop/Kind
    return bool(found and scheme.isidentifier() and rest) and is_gid_whole


def _error(code: str, index: int | None = None, field: str = "") -> Answer:
    path = ["input"]
    if index is not None:
        path += ["quantities", str(index)]
    if field:
        path.append(field)
    words = code.replace("_", " ").capitalize()
    return {"code": code, "field": path, "message": f"{words}."}
