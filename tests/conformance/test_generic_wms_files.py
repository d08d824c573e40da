"""The file dialect of the generic warehouse system keeps the SDK's promises."""

from crossdock.applications.generic_wms import FILES
from crossdock.applications.generic_wms.samples import SAMPLE_FILE_SETTINGS
from crossdock.connectivity.sdk.conformance import ApplicationConformance


class TestGenericWmsFiles(ApplicationConformance):
    application = FILES
    settings = SAMPLE_FILE_SETTINGS
