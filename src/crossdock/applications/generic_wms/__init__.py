"""Any warehouse system that sends webhooks or drops files; columns and codes are settings."""

from datetime import timedelta

from crossdock.applications.generic_wms.asking import ITEMS_MAX, NUMBERS_MAX
from crossdock.applications.generic_wms.client import (
    Receiving,
    ReceivingFiles,
    listening,
    reading_folder,
)
from crossdock.applications.generic_wms.folders import admits_folders
from crossdock.applications.generic_wms.samples import FILE_SAMPLES, SAMPLES
from crossdock.applications.generic_wms.settings import (
    GenericWmsFilesSettings,
    GenericWmsSettings,
)
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.inventory import SourceHeard, StockMoved, StockSnapshotTaken
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import (
    Application,
    Grade,
    Kind,
    NativeEquation,
    NativeInput,
    RepeatSafety,
    StockQuestion,
    TakesCountTasks,
)
from crossdock.connectivity.sdk.own_available import EQUATIONS, SETTING

_EVENTS = (
    *(StockMoved, StockSnapshotTaken, SourceHeard, ItemChanged, LocationChanged),
    *(KitChanged, LotChanged, CatchWeightChanged, SupplyCommitmentChanged),
)

# What lies there by status is a fact; what a warehouse system makes of it for itself is not.
_EQUATION = NativeEquation(
    equation=f"what `{SETTING}` of a connection says; without it nobody knows",
    setting=SETTING,
    forms=EQUATIONS,
    inputs=(
        NativeInput(
            field="quantity",
            tells=StockSnapshotTaken,
            meaning="of a snapshot: what lies there by status, allocated or not",
        ),
        NativeInput(field="quantity", tells=StockMoved, meaning="of a movement, by its reason"),
    ),
    available=("available", "allocated", "held"),
)

APPLICATION = Application(
    name="generic_wms",
    title="Warehouse system (webhooks)",
    kind=Kind.WMS,
    settings=GenericWmsSettings,
    connect=listening,
    roles={TakesCountTasks: RepeatSafety.UPSERT},
    role_settings={TakesCountTasks: "tasks_url"},
    receive=Receiving,
    events=_EVENTS,
    samples=SAMPLES,
    stock_equation=_EQUATION,
    stock_question=StockQuestion(keys_max=ITEMS_MAX),
    stock_setting="stock_url",
    again_max=NUMBERS_MAX,
    again_setting="events_url",
    gap_after=timedelta(minutes=15),
    freshness=timedelta(minutes=15),
    grade=Grade.BRONZE,
    homepage="https://www.standardwebhooks.com",
)

FILES = Application(
    name="generic_wms_files",
    title="Warehouse system (files in a folder)",
    kind=Kind.WMS,
    settings=GenericWmsFilesSettings,
    admits=admits_folders,
    connect=reading_folder,
    roles={TakesCountTasks: RepeatSafety.UPSERT},
    role_settings={TakesCountTasks: "tasks_folder"},
    receive=ReceivingFiles,
    events=_EVENTS,
    samples=FILE_SAMPLES,
    stock_equation=_EQUATION,
    poll_every=timedelta(seconds=5),
    freshness=timedelta(hours=2),
    grade=Grade.BRONZE,
)
