"""What the owner of an ERP without API fills in: where its database is, and how to ask it."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from crossdock.canonical.inventory import MovementType, StockStatus
from crossdock.connectivity.sdk.own_available import DESCRIPTION, AvailableIs

SUPPLY = "supply"
STREAMS = (
    *("items", "kits", "lots", "catch_weights"),
    *(SUPPLY, "levels", "movements", "demand"),
)
STOCK = frozenset({"levels", "movements"})


class StreamSettings(BaseModel):
    """One query. Its rows are told apart by `key_column` and come in order of `change_column`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sql: str = Field(min_length=1, max_length=20_000, description="A select; it is only read.")
    change_column: str = Field(
        default="changed_at",
        description="Rises with every change of a row: a time, or a number. Never null.",
    )
    key_column: str = Field(default="id", description="Unique in the query's answer.")
    overlap: int = Field(
        default=600,
        ge=0,
        le=604_800,
        description="How far back each round looks again, in seconds (or counts): longer than the "
        "longest transaction of the source.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description='The query\'s names of columns, by ours: `{"quantity": "qty_on_hand"}`.',
    )


class SqlStockSettings(BaseModel):
    """A PostgreSQL database with at least one query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: SecretStr = Field(
        description="`postgresql://user:password@host/database`, of a user that may only read."
    )
    items: StreamSettings | None = Field(default=None, description="Items: `item`, `description`…")
    levels: StreamSettings | None = Field(
        default=None, description="Levels: `item`, `location`, `quantity`, `status`…"
    )
    movements: StreamSettings | None = Field(
        default=None, description="Movements: `movement_id`, `item`, `quantity`, `reason`…"
    )
    demand: StreamSettings | None = Field(
        default=None,
        description="Open orders, one row each: `order_id` and `lines`, a JSON array of objects "
        "with `line`, `item`, `location`, `ordered`, `cancelled` and `requested_ship_date`.",
    )
    supply: StreamSettings | None = Field(
        default=None,
        description="What is to come: `supply_id`, `item`, `quantity` still open, `eta`, "
        "`evidence`, `kind`, `parent_supply_id`…",
    )
    kits: StreamSettings | None = Field(
        default=None,
        description="Kits, one row each: `item` and `components`, a JSON array of objects with "
        "`item`, `quantity` and `unit`.",
    )
    lots: StreamSettings | None = Field(
        default=None, description="Lots: `item`, `lot`, `expires_on`."
    )
    catch_weights: StreamSettings | None = Field(
        default=None,
        description="What a piece weighs: `item`, `quantity`, `unit`, `low_percent`, "
        "`high_percent`.",
    )
    reasons: dict[str, MovementType] = Field(
        default_factory=dict, description="Movement types by the source's codes."
    )
    statuses: dict[str, StockStatus] = Field(
        default_factory=dict, description="Stock statuses by the source's codes."
    )
    unit: Annotated[str, Field(min_length=1, max_length=20)] = Field(
        default="EA", description="Unit of a quantity that names none."
    )
    location: str = Field(default="", max_length=200, description="Site of a row that names none.")
    available_is: AvailableIs | None = Field(default=None, description=DESCRIPTION)
    timezone: str = Field(
        default="",
        description="IANA zone of times without an offset. Empty: such times are refused.",
    )
    sequence_stream: str = Field(
        default="",
        max_length=200,
        description="Set it where levels and movements draw their change numbers from one "
        "sequence: the numbers then say which movements a level contains.",
    )
    rows_max: int = Field(default=1_000, ge=1, le=10_000, description="Rows of one page.")
    statement_seconds_max: int = Field(
        default=30, ge=1, le=600, description="A query that runs longer is given up."
    )

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            return zone and ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is not an IANA time zone") from None

    def stream(self, name: str) -> StreamSettings | None:
        found: StreamSettings | None = getattr(self, name)
        return found
