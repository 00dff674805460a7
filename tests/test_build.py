"""Build folders that cannot be used: each is one line that says what is wrong, and status 2."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from snn2chip import build
from snn2chip.cli.main import main
from snn2chip.files import sha256, write_folder
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions

DATA = Path(__file__).parents[1] / "examples" / "data"

KILLED = """
import os
from pathlib import Path
from snn2chip.files import write_folder
written, write = [], Path.write_bytes
def second_kills(self, data):
    written.append(self)
    if len(written) == 2:
        os._exit(9)
    return write(self, data)
Path.write_bytes = second_kills
write_folder(Path(r"{out}"), {{"network.nir": b"new", "program.npz": b"new", "build.toml": b"new"}})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose build.toml knows its files."""
    path = tmp_path / "build"
    path.mkdir()
    for name in build.COMPILED:
        (path / name).write_bytes(name.encode())
    hashes = {name: sha256(path / name) for name in build.COMPILED}
    options = BuildOptions(model=ModelRequest(path="net.pth"))
    (path / "build.toml").write_text(build.description(options, (), (), {}, hashes))
    return path


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["audit", str(path)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    return said


def test_a_whole_folder_opens(folder: Path) -> None:
    found = build.open_build(folder)
    assert Path(found.options.model.path).name == "net.pth"
    assert set(build.COMPILED) <= set(found.hashes)


def test_what_a_build_takes_the_place_of(folder: Path) -> None:
    options = BuildOptions(model=ModelRequest(path="net.pth"))
    assert build.replaced(folder.parent / "new", options, {}) == ""
    assert build.replaced(folder, options, {}) == "", "the same again"
    was = "a build of net.pth for loihi2, of other options or other files"
    assert build.replaced(folder, options, {"model": "ab"}) == was
    assert build.replaced(folder, replace(options, target="loihi1"), {}) == was
    (folder / "build.toml").write_text("format = ")
    assert build.replaced(folder, options, {}) == "a build that cannot be read"


def test_another_build_in_its_place_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "build")
    words = ["compile", str(DATA / "digits.pth"), "--shape", "1,8,8", "--out", out]
    for more, said in (([], False), ([], False), (["--weight-bits", "4"], True)):
        assert main([*words, *more]) == 0
        line = "replaced: a build of digits.pth for loihi2, of other options or other files\n"
        assert (line in capsys.readouterr().out) == said


def test_a_folder_of_another_version(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "build.toml").read_text()
    have = f"format = {build.FORMAT}"
    assert have in text
    (folder / "build.toml").write_text(text.replace(have, f"format = {build.FORMAT + 1}"))
    said = refused(folder, capsys)
    assert said.startswith("error[build-version]")
    assert f"have {build.FORMAT + 1}; need {build.FORMAT}" in said
    assert "compile it again with this version" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("format = ", "cannot be read"),
        ("format = {n}\n", "has no table [files]"),
        ("format = {n}\n[files]\n", "is not the file that the compile wrote"),
    ],
)
def test_a_description_that_is_cut_short(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    (folder / "build.toml").write_text(text.format(n=build.FORMAT))
    assert why in refused(folder, capsys)


@pytest.mark.parametrize("name", build.COMPILED)
def test_a_file_that_is_missing_or_changed(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / name).write_bytes(b"cut")
    said = refused(folder, capsys)
    assert said.startswith("error[build-changed]")
    assert name in said
    (folder / name).unlink()
    said = refused(folder, capsys)
    assert said.startswith("error[build-incomplete]")
    assert name in said


def test_a_folder_without_description(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "build.toml").unlink()
    assert "it has no build.toml" in refused(folder, capsys)
    assert "there is no such build folder" in refused(folder / "none", capsys)


@pytest.mark.parametrize("older", [True, False])
def test_a_killed_compile_leaves_the_older_build_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], older: bool
) -> None:
    out = tmp_path / "build"
    if older:
        write_folder(out, {"build.toml": b"old"})
    done = subprocess.run([sys.executable, "-c", KILLED.format(out=out)], check=False)
    assert done.returncode == 9
    assert out.exists() is older
    assert not older or (out / "build.toml").read_bytes() == b"old"
    (half,) = (p for p in tmp_path.iterdir() if p != out)
    assert "it has no build.toml" in refused(half, capsys)
