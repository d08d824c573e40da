"""A small system that sends signed messages, and one that keeps books, for the API's tests."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import BaseModel, SecretStr

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden
from crossdock.canonical.inventory import SourceHeard
from crossdock.connectivity.sdk import (
    Application,
    Delivery,
    Kind,
    PostsMovements,
    RepeatSafety,
    Translation,
)

SECRET = "a secret of at least twenty-four bytes"


class BellSettings(BaseModel):
    secret: SecretStr


class BellReceiver:
    """Says that it is alive, and nothing else."""

    def __init__(self, settings: BellSettings) -> None:
        self._secret = settings.secret.get_secret_value()

    def verify(self, delivery: Delivery, now: datetime) -> None:
        del now
        if not hmac.compare_digest(
            signature(delivery.body, self._secret), delivery.headers.get("x-signature", "")
        ):
            raise Forbidden("wrong signature")

    def translate(self, delivery: Delivery) -> Translation:
        said: dict[str, Any] = msgspec.json.decode(delivery.body)
        fact = Fact(
            identity=f"bell:{said['number']}",
            payload=SourceHeard(source="bell"),
            occurred_at=datetime(2026, 5, 4, tzinfo=UTC),
        )
        return Translation((fact,))


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


APPLICATIONS = {
    "bell": Application(
        name="bell",
        title="Bell",
        kind=Kind.OTHER,
        settings=BellSettings,
        receive=BellReceiver,
        events=(SourceHeard,),
    ),
    "books": Application(
        name="books",
        title="Books",
        kind=Kind.ERP,
        settings=BellSettings,
        roles={PostsMovements: RepeatSafety.SEARCH_BEFORE_CREATE},
    ),
}
