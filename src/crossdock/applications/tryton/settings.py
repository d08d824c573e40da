"""How a Tryton is reached, and what its own words mean."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from crossdock.applications.tryton.mapping import Options
from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.supply import SupplyEvidence


class TrytonSettings(BaseModel):
    """How a Tryton is reached, and what its own words mean."""

    model_config = ConfigDict(extra="forbid")

    base_url: Annotated[str, Field(description="Where trytond answers, without the database")]
    database: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_.-]+$", description="The database of the company")
    ]
    user: Annotated[str, Field(min_length=1, description="A user of its own for the hub")]
    password: Annotated[SecretStr, Field(description="The password of that user")]
    overlap: Annotated[
        timedelta, Field(description="Longer than the longest transaction of this Tryton")
    ] = timedelta(minutes=15)
    page_rows: Annotated[
        int, Field(ge=2, le=1000, description="How many changes are read at a time")
    ] = 200
    count_every: Annotated[
        timedelta | None, Field(description="How often stock on hand is read whole; empty: never")
    ] = timedelta(hours=6)
    patience: Annotated[
        timedelta, Field(description="How long a question is repeated while Tryton is away")
    ] = timedelta(seconds=20)
    timeout_seconds: Annotated[
        float, Field(gt=0, le=600, description="How long one call may take")
    ] = 60
    purchases: Annotated[
        bool, Field(description="Whether purchases are read as supply that is still to come")
    ] = True
    confirmed_purchase: Annotated[
        Literal["ACKNOWLEDGED", "SENT"],
        Field(description="SENT, where purchases are confirmed before the supplier has answered"),
    ] = "ACKNOWLEDGED"
    installation: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_.-]*$",
            max_length=60,
            description="What purchases are named by, as in company:purchase:7/12; empty: the"
            " database. No two Trytons may have the same",
        ),
    ] = ""
    unit_codes: Annotated[
        dict[str, str], Field(description="Unit symbol in Tryton to trade code, as in u: EA")
    ] = {}
    location_statuses: Annotated[
        dict[str, StockStatus],
        Field(description="Location code to stock status, as in QC: QC_HOLD"),
    ] = {}


def options_of(settings: TrytonSettings) -> Options:
    return Options(
        unit_codes=settings.unit_codes,
        location_statuses=settings.location_statuses,
        confirmed_purchase=SupplyEvidence(settings.confirmed_purchase),
        installation=settings.installation or settings.database,
    )
