"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from snn2chip.cli.main import main
from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_folder, write_whole


def test_a_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    write_whole(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Snn2ChipError, match=r"a\.json: cannot be written: no space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    write_folder(folder, {"a": b"1", "sub/b": b"2"})
    write_folder(folder, {"a": b"3"})
    assert sorted(p.name for p in folder.iterdir()) == ["a"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_failed_folder_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build"
    write_folder(folder, {"a": b"1"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Snn2ChipError, match="no space left"):
        write_folder(folder, {"a": b"2"})
    assert (folder / "a").read_text() == "1"
    assert list(tmp_path.iterdir()) == [folder]


def test_what_the_demo_needs_must_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("snn2chip.files.files", lambda _: tmp_path / "snn2chip")
    assert main(["demo", "--out", str(tmp_path / "build")]) == 2
    line = "error[demo-data] mnist.pth: the demo's checkpoint is not installed - install the wheel again\n"
    assert capsys.readouterr().err == line
    assert not (tmp_path / "build").exists()
