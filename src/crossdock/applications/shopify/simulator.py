"""A shop to run a company on: Shopify's Admin API over HTTP, its webhooks, and its customers.

It executes the same GraphQL, checks the same token, compares before it sets, remembers idempotency
keys, bills every query to a leaking bucket, knows versions by name, and sends signed webhooks with
the real ones' habits.
"""

import hmac
import re
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

VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)")
"""Versions are named by the quarter in which they come out (`2026-04`)."""


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
        version = served_version(request.path_params["version"])
        if refused := self._refused(request, version):
            return refused
        asked = _asked(await request.body())
        if asked is None:
            return JSONResponse({"errors": "Bad Request"}, status_code=400)
        answer = self.admin.execute(*asked)
        if self._ports.random.random() < self.loses_answers:
            # Done, and nobody hears of it: what a proxy in between does now and then.
            return Response(status_code=502)
        return JSONResponse(answer, headers={"x-shopify-api-version": version})

    def _refused(self, request: Request, version: str) -> Response | None:
        token = request.headers.get("x-shopify-access-token", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return JSONResponse(
                {"errors": "[API] Invalid API key or access token"}, status_code=401
            )
        return None if version else JSONResponse({"errors": "Not Found"}, status_code=404)


def served_version(asked: str) -> str:
    """Say which version of the API answers; "" where there is none of that name.

    The one we speak is the newest and the oldest that is supported: an older one is answered by
    it, as Shopify falls forward, and a header says so; a later one is not released yet.
    """
    is_released = VERSION.fullmatch(asked) is not None and asked <= API_VERSION
    return API_VERSION if is_released else ""


def _asked(body: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        asked = Record.of(body)
        return asked.text("query"), dict(asked.record_if_any("variables").fields)
    except Invalid:
        return None
