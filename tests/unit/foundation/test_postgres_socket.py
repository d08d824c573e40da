"""The embedded server's socket lies where nobody else could answer in the server's place."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.postgres_socket import UNPLAIN, forget_locks, socket_folder


def in_runtime(folder: Path, runtime: Path) -> Path:
    """Choose as the wheel does where the data's path is too long."""
    assert folder.is_dir()
    (runtime / "chosen").mkdir(exist_ok=True)
    return runtime / "chosen"


def data_in(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.mark.parametrize("name", ["my data", "data"])
def test_a_folder_of_the_socket_is_one_of_our_own(tmp_path: Path, name: str) -> None:
    data = data_in(tmp_path, name)

    own = socket_folder(data, tmp_path, in_runtime)
    again = socket_folder(data, tmp_path, in_runtime)

    assert own == again != data
    assert (own.parent, own.stat().st_uid) == (tmp_path, os.geteuid())
    assert not own.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_a_plain_folder_of_the_data_is_that_of_the_socket(tmp_path: Path) -> None:
    data = data_in(tmp_path, "data")

    assert socket_folder(data, tmp_path, lambda folder, _: folder) == data


@pytest.mark.parametrize("name", ["my data", "data"])
def test_a_link_where_the_socket_would_lie_is_refused(tmp_path: Path, name: str) -> None:
    data, theirs = data_in(tmp_path, name), data_in(tmp_path, "theirs")
    own = socket_folder(data, tmp_path, in_runtime)
    own.rmdir()
    own.symlink_to(theirs)

    with pytest.raises(RuntimeError, match="is a link: remove it"):
        socket_folder(data, tmp_path, in_runtime)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
@pytest.mark.parametrize("name", ["my data", "data"])
def test_another_users_folder_where_the_socket_would_lie_is_refused(
    tmp_path: Path, name: str
) -> None:
    data = data_in(tmp_path, name)
    os.chown(socket_folder(data, tmp_path, in_runtime), 54_321, -1)

    with pytest.raises(RuntimeError, match="another user's: remove it"):
        socket_folder(data, tmp_path, in_runtime)


def test_a_socket_cannot_lie_where_neither_path_is_plain(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="spaces and signs"):
        socket_folder(tmp_path / "my data", tmp_path / "my run", in_runtime)


@given(st.text(st.sampled_from("ab0-_./ ;$'\"&|")))
def test_a_path_that_a_shell_would_part_is_not_plain(path: str) -> None:
    assert bool(UNPLAIN.search(path)) is bool(set(path) & set(" ;$'\"&|"))


def test_only_the_locks_of_the_server_that_died_are_taken_away(tmp_path: Path) -> None:
    data, sockets = data_in(tmp_path, "data"), data_in(tmp_path, "sockets")
    told = ["77", str(data), "1712346200", "5432", str(sockets), "", "1 2", "ready"]
    locks = {
        ".s.PGSQL.5432.lock": f"77\n{data}\n1712346200\n5432\n{sockets}\n",
        ".s.PGSQL.5433.lock": f"78\n{tmp_path}/other\n1712346200\n5433\n{sockets}\n",
        ".s.PGSQL.5434.lock": f"77\n{tmp_path}/other\n1712346200\n5434\n{sockets}\n",
        ".s.PGSQL.5435.lock": "",
    }
    for name, text in locks.items():
        (sockets / name).write_text(text)

    forget_locks(data, told)

    assert sorted(path.name for path in sockets.iterdir()) == sorted(locks)[1:]


@pytest.mark.parametrize("socket", [[], [""], [" "]])
def test_a_server_without_a_socket_has_no_locks_where_we_happen_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket: list[str]
) -> None:
    data = data_in(tmp_path, "data")
    told = ["77", str(data), "1712346200", "5432", *socket]
    lock = tmp_path / ".s.PGSQL.5432.lock"
    lock.write_text("\n".join(told))
    monkeypatch.chdir(tmp_path)

    forget_locks(data, told)

    assert lock.exists()
