"""The database-polling application keeps the SDK's promises."""

from functools import partial

from crossdock.applications.sql_stock import APPLICATION
from crossdock.applications.sql_stock.mapping import translated
from crossdock.applications.sql_stock.samples import SAMPLE_SETTINGS
from crossdock.connectivity.sdk.conformance import ApplicationConformance


class TestSqlStock(ApplicationConformance):
    application = APPLICATION
    translate = partial(translated, settings=SAMPLE_SETTINGS)
