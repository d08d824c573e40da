"""The Tryton application keeps the SDK's promises."""

from functools import partial

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.mapping import Options, read_page
from crossdock.applications.tryton.samples import SAMPLE_OPTIONS
from crossdock.connectivity.sdk import Delivery, Translation
from crossdock.connectivity.sdk.conformance import ApplicationConformance


def translated(delivery: Delivery, options: Options) -> Translation:
    return read_page(delivery.body, options)


class TestTryton(ApplicationConformance):
    application = APPLICATION
    translate = partial(translated, options=SAMPLE_OPTIONS)
