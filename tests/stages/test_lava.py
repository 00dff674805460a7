"""`lava export`: what its lines say is what its script does."""

import re
from pathlib import Path

import numpy as np
import pytest

from snn2chip.cli.main import main
from snn2chip.engines.lava import environment
from snn2chip.stages.lava import LavaExported, export_lava
from tests.stages.test_verify import of_nir

DATA = Path(__file__).parents[2] / "examples" / "data"
STOCK = "on a chip: --chip takes Loihi2HwCfg"


def exported(folder: Path) -> tuple[LavaExported, str]:
    """An export of the build in `folder`, and its script."""
    done = export_lava(folder / "build", folder / "a script")
    return done, (folder / "a script" / "program.py").read_text()


@pytest.mark.usefixtures("lava")
def test_a_script_of_stock_processes(tmp_path):
    np.save(tmp_path / "x.npy", np.load(DATA / "digits_test.npy")[:1])
    given = ["--input", str(tmp_path / "x.npy"), "--layout", "NCHW"]
    words = ["compile", str(DATA / "digits.pth"), *given, "--out", str(tmp_path / "build")]
    assert main(words) == 0
    assert main(["verify", str(tmp_path / "build")]) == 0
    done, script = exported(tmp_path)
    shown = done.lines()
    assert "1 of 11 populations run in neurons of ours" in shown
    assert f"run it: {environment.python()} '{tmp_path}/a script/program.py'" in shown
    assert "takes some seconds on two idle cores" in shown
    assert shown[-1].startswith(STOCK) and "these populations need" not in script


def test_a_script_that_refuses_the_chip_says_so_when_it_is_written(tmp_path, monkeypatch):
    """Without Lava's environment the lines name the command that makes it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(of_nir(tmp_path, "snntorch_leaky_subtract", "snntorch")[:-1]) == 0
    done, script = exported(tmp_path)
    shown = "\n".join(done.lines())
    refused = re.search(r"these populations need processes of ours, .* only: (.*)\"\)", script)
    assert refused and ", ".join(done.refuses) == refused[1]
    assert "on a chip: refused, because processes of ours run in simulation only: " in shown
    assert STOCK not in shown
    assert "(`snn2chip lava setup` makes such a place): python '" in shown
    total, ours = done.populations
    assert len(done.refuses) <= ours <= total
