"""Where Tryton's locations lie in canonical words: which node, which stock status; pure.

Tryton has one tree of locations for everything. A warehouse names its input, output and storage
zone; bins hang below them. Customers, suppliers, lost and found, production are locations, too,
but outside the house. The hub counts by node, so a bin counts for its warehouse.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crossdock.canonical.errors import Missing
from crossdock.canonical.inventory import Place, StockStatus

FIELDS = (
    *("code", "name", "type", "parent", "active", "create_date", "last_modified_at"),
    *("input_location", "output_location", "storage_location", "picking_location"),
    "lost_found_location",
)

# The zones of a warehouse, by the field that names them.
STATUS_BY_ZONE = {
    "storage_location": StockStatus.AVAILABLE,
    "picking_location": StockStatus.AVAILABLE,
    "input_location": StockStatus.RECEIVING,
    "output_location": StockStatus.STAGED_OUT,
}


@dataclass(frozen=True, slots=True)
class Places:
    """Every location by id, and what a setting says about some of them, by their code."""

    rows: Mapping[int, Mapping[str, Any]]
    status_by_code: Mapping[str, StockStatus]

    @classmethod
    def of(
        cls, rows: Iterable[Mapping[str, Any]], status_by_code: Mapping[str, StockStatus]
    ) -> "Places":
        return cls({row["id"]: row for row in rows}, status_by_code)

    def place(self, location: int) -> Place | None:
        """Answer node and status of a location; None is outside the house."""
        if self.kind(location) not in {"storage", "view", "warehouse"}:
            return None
        line = list(self.upwards(location))
        node = next((row for row in line if row["type"] == "warehouse"), line[-1])
        return Place(location=str(node["id"]), status=self._status(line, node))

    def _status(self, line: list[Mapping[str, Any]], node: Mapping[str, Any]) -> StockStatus:
        zones = {node.get(zone): status for zone, status in STATUS_BY_ZONE.items()}
        for row in line:
            if row["code"] in self.status_by_code:
                return self.status_by_code[row["code"]]
            if row["id"] in zones:
                return zones[row["id"]]
        # Storage in no warehouse is what Tryton uses for goods between two of them. Whatever else
        # lies there is never promised by accident.
        return StockStatus.IN_TRANSIT

    def kind(self, location: int) -> str:
        return str(self._row(location)["type"])

    def upwards(self, location: int) -> Iterator[Mapping[str, Any]]:
        """Give a location and its parents, nearest first; a circle ends where it closes."""
        current: int | None = location
        passed: set[int] = set()
        while current is not None and current not in passed:
            passed.add(current)
            row = self._row(current)
            yield row
            current = row["parent"]

    def around(self, locations: Iterable[int]) -> list[Mapping[str, Any]]:
        """Pick the rows that decide about these locations, to be kept beside what they decide."""
        found = {
            row["id"]: row
            for location in locations
            if location in self.rows
            for row in self.upwards(location)
        }
        return [found[key] for key in sorted(found)]

    def buckets(self) -> Mapping[str, Mapping[StockStatus, list[int]]]:
        """Group all storage by node and status: what one figure of stock on hand adds up."""
        grouped: dict[str, dict[StockStatus, list[int]]] = {}
        for location in sorted(self.rows):
            if self.kind(location) == "storage" and (place := self.place(location)):
                by_status = grouped.setdefault(place.location, {})
                by_status.setdefault(place.status, []).append(location)
        return grouped

    def shelf(self, native: str) -> int:
        """Name the location to book at: of a warehouse it is the storage zone."""
        row = self._row(int(native)) if native.isdecimal() else None
        if row is None:
            raise Missing(f"{native!r} is no location of Tryton", code="MD-LOC")
        return int(row["storage_location"] if row["type"] == "warehouse" else row["id"])

    def lost_and_found(self) -> int:
        for row in self.rows.values():
            if row["type"] == "lost_found" and row["active"]:
                return int(row["id"])
        raise Missing("Tryton has no lost-and-found location", code="MD-LOC")

    def transit(self) -> int:
        """Name the storage in no warehouse, where goods are between two of them."""
        for row in self.rows.values():
            if row["type"] == "storage" and row["parent"] is None and row["active"]:
                return int(row["id"])
        raise Missing("Tryton has no location for goods in transit", code="MD-LOC")

    def _row(self, location: int) -> Mapping[str, Any]:
        if location not in self.rows:
            raise Missing(f"location {location} of Tryton is not known yet", code="MD-LOC")
        return self.rows[location]
