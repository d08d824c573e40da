"""Types that the requests of several routes share: text that can be stored, pages, amounts."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from crossdock.canonical.catalog import ITEM_CLASS_MAX

TEXT_LENGTH_MAX = 500
PAGE = 1_000
"""So many are tried or sent again at a time, where all that match are meant."""


def storable(text: str) -> str:
    """Refuse what the database could not hold: NUL, and half of a surrogate pair."""
    if "\0" in text:
        raise ValueError("holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair") from None
    return text


Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX), AfterValidator(storable)]
ItemClass = Annotated[Text, Field(max_length=ITEM_CLASS_MAX)]
Code = Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(storable)]
Person = Annotated[Text, Field(max_length=200)]
"""Who decides, where the key is not named after a person; "" is whoever the key is."""
Reason = Annotated[LongText, Field(min_length=1, pattern=r"\S")]
AmountText = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", strict=True)]
"""Zero or more, as a decimal string."""
CurrencyText = Annotated[str, Field(pattern=r"^([A-Z]{3})?$", strict=True)]
"""Of ISO 4217; "" is the functional currency of the house."""
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries on one page, at most.")]
After = Annotated[Text, Query(description="The last id of the page before.")]
AfterNumber = Annotated[int, Query(ge=0, le=2**63 - 1, description="The last number before.")]
Number = Annotated[int, Field(ge=0, le=2**63 - 1)]


class KeysAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    location: Text = Field(min_length=1)
    items: list[Text] = Field(min_length=1, max_length=500)
