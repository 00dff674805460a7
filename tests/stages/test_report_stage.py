"""A report is of one input: it does not mix a verdict with the numbers of another run."""

from pathlib import Path

import numpy as np
import pytest

from snn2chip.cli.main import main

DATA = Path(__file__).parents[2] / "examples" / "data"


def test_energy_of_another_input_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.load(DATA / "digits_test.npy")
    np.save(tmp_path / "a.npy", images[:2])
    np.save(tmp_path / "b.npy", images[2:4])
    build, a, b = str(tmp_path / "build"), str(tmp_path / "a.npy"), str(tmp_path / "b.npy")
    np.save(tmp_path / "y.npy", np.load(DATA / "digits_test_labels.npy")[:2])
    layout, labels = ["--layout", "NCHW"], ["--labels", str(tmp_path / "y.npy")]
    words = ["deploy", str(DATA / "digits.pth"), "--input", a, *layout, *labels, "--out", build]
    assert main(words) == 0
    by_hand = f"{' '.join((*words[2:4], *layout, *labels))} --target loihi2 --out {build}<"
    assert "is older than this verdict" not in capsys.readouterr().out
    page = tmp_path / "build" / "report.html"
    assert (
        f"snn2chip verify {build} --input {a} {' '.join((*layout, *labels))}<" in page.read_text()
    )
    # However the build is named, the page names it so that its commands run in any folder.
    monkeypatch.chdir(tmp_path)
    assert main(["report", "build"]) == 0
    assert by_hand in page.read_text()
    assert main(["simulate", build, "--input", b, *layout]) == 0
    assert "not exercised: fc" not in capsys.readouterr().out
    assert main(["energy", build]) == 0
    assert main(["report", build]) == 0
    hint = f"snn2chip energy {build}"
    assert (
        f"energy.json is of another input than the verdict: left out of the report; `{hint}`"
        in (capsys.readouterr().err)
    )
    assert f"<code>{hint}</code> estimates it for this input" in page.read_text()
    spaced = (tmp_path / "build").rename(tmp_path / "my build")
    assert main(["report", str(spaced)]) == 0
    assert f"snn2chip energy &#39;{spaced}&#39;" in (spaced / "report.html").read_text()
    spaced.rename(build)
    capsys.readouterr()
    assert main(["verify", build, "--input", a, *layout]) == 0
    again = f"`snn2chip report {build}` writes it again"
    assert f"{page} is older than this verdict: {again}" in capsys.readouterr().out
    assert main(["energy", build]) == main(["report", build]) == 0
    assert hint not in page.read_text() and "not counted" in page.read_text()
    assert main(["simulate", build, "--input", b, *layout, "--engine", "spec"]) == 0
    assert main(["report", build]) == 2
    assert "spec.npz" in capsys.readouterr().err


def test_clipped_pixels_stand_in_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.load(DATA / "digits_test.npy")[:2]
    np.save(tmp_path / "a.npy", images)
    np.save(tmp_path / "raw.npy", images * 16)
    build, layout = str(tmp_path / "build"), ["--layout", "NCHW"]
    a = str(tmp_path / "a.npy")
    assert main(["compile", str(DATA / "digits.pth"), "--input", a, *layout, "--out", build]) == 0
    main(["verify", build, "--input", str(tmp_path / "raw.npy"), *layout])
    assert "lie outside its grid and were clipped" in capsys.readouterr().out


def test_labels_that_are_no_class_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "a.npy", np.load(DATA / "digits_test.npy")[:2])
    np.save(tmp_path / "y.npy", np.array([1, 10]))
    words = ["deploy", str(DATA / "digits.pth"), "--input", str(tmp_path / "a.npy")]
    words += ["--labels", str(tmp_path / "y.npy"), "--out", str(tmp_path / "build")]
    assert main(words) == 2
    assert "0..9" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
