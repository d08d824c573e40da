"""A shop to run a company on: Shopify's Admin API over HTTP, its webhooks, and its customers.

It executes the same GraphQL, checks the same token, compares before it sets, remembers idempotency
keys, bills every query to a leaking bucket, and sends signed webhooks with the real ones' habits.
"""

import hmac
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock.applications.shopify.reading import Record
from crossdock.applications.shopify.settings import API_VERSION, ShopifySettings
from crossdock.applications.shopify.simulated_admin import SimulatedAdmin
from crossdock.applications.shopify.simulated_cost import PointsBucket
from crossdock.applications.shopify.simulated_shop import Numbers, Shop
from crossdock.applications.shopify.simulated_webhooks import Habits, Send, Webhooks
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk import Ports


class ShopifySimulator:
    """One simulated shop. Drive `shop` in process, reach `app` over HTTP on a port of yours."""

    def __init__(
        self,
        settings: ShopifySettings,
        ports: Ports,
        *,
        habits: Habits | None = None,
        send: Send | None = None,
        bucket: PointsBucket | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        self.shop = Shop(ports, domain=settings.shop_domain, numbers=numbers)
        self.webhooks = Webhooks(
            self.shop, ports, settings.webhook_secret.get_secret_value(), habits=habits, send=send
        )
        self.admin = SimulatedAdmin(self.shop, self.webhooks, bucket or PointsBucket(ports))
        self.is_down = False
        self.loses_answers = 0.0
        self.app = Starlette(
            routes=[Route("/admin/api/{version}/graphql.json", self._answered, methods=["POST"])]
        )
        self._token = settings.access_token.get_secret_value()
        self._ports = ports

    async def _answered(self, request: Request) -> Response:
        if self.is_down:
            return JSONResponse({"errors": "Unavailable Shop"}, status_code=503)
        if not hmac.compare_digest(
            request.headers.get("x-shopify-access-token", "").encode(), self._token.encode()
        ):
            return JSONResponse(
                {"errors": "[API] Invalid API key or access token"}, status_code=401
            )
        asked = _asked(await request.body())
        if asked is None:
            return JSONResponse({"errors": "Bad Request"}, status_code=400)
        answer = self.admin.execute(*asked)
        if self._ports.random.random() < self.loses_answers:
            # Done, and nobody hears of it: what a proxy in between does now and then.
            return Response(status_code=502)
        return JSONResponse(answer, headers={"x-shopify-api-version": API_VERSION})


def _asked(body: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        asked = Record.of(body)
        return asked.text("query"), dict(asked.record_if_any("variables").fields)
    except Invalid:
        return None
