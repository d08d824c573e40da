"""The generic warehouse system keeps the SDK's promises."""

from crossdock.applications.generic_wms import APPLICATION
from crossdock.applications.generic_wms.sample_forms import SAMPLE_NOW
from crossdock.applications.generic_wms.samples import SAMPLE_SETTINGS
from crossdock.connectivity.sdk.conformance import ApplicationConformance


class TestGenericWms(ApplicationConformance):
    application = APPLICATION
    settings = SAMPLE_SETTINGS
    now = SAMPLE_NOW
