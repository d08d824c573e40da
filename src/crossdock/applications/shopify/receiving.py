"""The receiving side: prove that a webhook is Shopify's and for us, then say what it says."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from pydantic import SecretStr

from crossdock.applications.shopify.mapping import Naming, heard, translated
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.connectivity.sdk import Delivery, Translation

FUTURE_MAX = timedelta(days=1)
"""How far ahead a trigger time may lie before it is a forgery and not a wrong clock of ours."""


def signature(body: bytes, secret: str) -> str:
    """Sign a body as Shopify does: HMAC-SHA256 over the raw bytes, in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


class ShopifyReceiver:
    def __init__(self, settings: ShopifySettings) -> None:
        secrets = (settings.webhook_secret, settings.webhook_secret_previous)
        self._secrets = tuple(
            secret.get_secret_value() for secret in secrets if secret and _is_set(secret)
        )
        self._shop_domain = settings.shop_domain
        self._naming = Naming(settings.demand_location, settings.channel)

    def verify(self, delivery: Delivery, now: datetime) -> None:
        """Check signature, shop and trigger time.

        An old message is legal: retries carry the first one's payload and time for hours. The
        inbox knows what it has seen.
        """
        given = delivery.headers.get("x-shopify-hmac-sha256", "").encode()
        # Every secret is tried, whatever the first says: the time taken tells nothing.
        matches = [
            hmac.compare_digest(signature(delivery.body, secret).encode(), given)
            for secret in self._secrets
        ]
        if not any(matches):
            raise Forbidden(
                "the signature does not fit the body",
                code="signature",
                hint="Compare the app's client secret with webhook_secret.",
            )
        if delivery.headers.get("x-shopify-shop-domain", "").lower() != self._shop_domain:
            raise Forbidden("the message is of another shop", code="shop_domain")
        _check_time(delivery, now)

    def translate(self, delivery: Delivery) -> Translation:
        return translated(delivery, self._naming)


def _check_time(delivery: Delivery, now: datetime) -> None:
    try:
        triggered_at = heard(delivery.headers).triggered_at
    except Invalid as problem:
        raise Forbidden(f"the trigger time cannot be read: {problem.message}") from None
    if triggered_at and triggered_at > now + FUTURE_MAX:
        raise Forbidden(f"the message says it was triggered at {triggered_at}, in the future")


def _is_set(secret: SecretStr) -> bool:
    # An empty previous secret would let anybody sign.
    return bool(secret.get_secret_value())
