"""No connection takes files from what is the hub's own, whatever links say."""

from pathlib import Path

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.transports.folder_reach import check_folder


@pytest.mark.parametrize("place", [".", "hub", "hub/in", "way-in", "hub/../hub/x"])
def test_no_drop_folder_is_the_hubs_own_or_holds_it_whatever_links_say(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "way-in").symlink_to(tmp_path / "hub")

    with pytest.raises(Invalid, match="keeps its own") as refused:
        check_folder(tmp_path / place, [tmp_path / "hub"], None)

    assert (refused.value.code, refused.value.where) == ("folder_refused", "folder")
    assert "CROSSDOCK_DATA_DIR" in refused.value.hint


@pytest.mark.parametrize("place", [".", "drops", "drops/../other", "other", "drops/way-out"])
def test_a_drop_folder_lies_beneath_the_root_whatever_links_say(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "drops").mkdir()
    (tmp_path / "drops/way-out").symlink_to(tmp_path / "other")

    with pytest.raises(Invalid, match="does not lie beneath"):
        check_folder(tmp_path / place, (), tmp_path / "drops")


def test_a_folder_beside_the_hubs_own_and_beneath_the_root_is_good(tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(tmp_path / "drops")

    check_folder(tmp_path / "drops/wms", [tmp_path / "hub"], tmp_path / "root")
    check_folder(tmp_path / "hub-2", [tmp_path / "hub"], None)


def test_a_path_with_a_zero_byte_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be") as refused:
        check_folder(tmp_path / "drop\0", [tmp_path / "hub"], None)

    assert (refused.value.code, refused.value.where) == ("folder_refused", "folder")


def test_links_in_a_circle_break_nothing(tmp_path: Path) -> None:
    """From Python 3.13 they lead to themselves, and making the folder is what is refused."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    where = "folder"
    try:
        check_folder(tmp_path / "a", [tmp_path / "hub"], None)
    except Invalid as problem:
        where = problem.where

    assert where == "folder"
