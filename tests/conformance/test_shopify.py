"""Shopify keeps the SDK's promises."""

from crossdock.applications.shopify import APPLICATION
from crossdock.applications.shopify.samples import SAMPLE_NOW, SAMPLE_SETTINGS
from crossdock.connectivity.sdk.conformance import ApplicationConformance


class TestShopify(ApplicationConformance):
    application = APPLICATION
    settings = SAMPLE_SETTINGS
    now = SAMPLE_NOW
