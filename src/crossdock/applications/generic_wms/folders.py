"""Where files are taken from, and count tasks are put: folders that nobody else has."""

from pathlib import Path

from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.sdk.application import Folders
from crossdock.connectivity.transports.folder_reach import check_folder


def admits_folders(settings: GenericWmsFilesSettings, ports: Ports) -> Folders:
    tasks = settings.tasks_folder
    return Folders(
        admits_folder(settings, ports), tasks and admits_tasks_folder(settings, ports, tasks)
    )


def admits_folder(settings: GenericWmsFilesSettings, ports: Ports) -> Path:
    claimed = ports.claimed.folder
    return check_folder(settings.folder, ports.own_folders, ports.drop_root, claimed)


def admits_tasks_folder(settings: GenericWmsFilesSettings, ports: Ports, folder: Path) -> Path:
    """Refuse a folder for count tasks from which the connection would take files itself."""
    claimed = ports.claimed.tasks_folder
    reach = (folder, ports.own_folders, ports.drop_root, claimed)
    real = check_folder(*reach, where="tasks_folder")
    drop = settings.folder.resolve()
    if real.is_relative_to(drop) or drop.is_relative_to(real):
        raise Invalid(
            f"The folder {folder} is, holds or lies in {settings.folder}, which"
            " files are taken from: count tasks would be read as records",
            where="tasks_folder",
            code="folder_refused",
            hint="name a folder beside it",
        )
    return real
