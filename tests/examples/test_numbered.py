"""The numbered examples: each is short, is told of in the docs, and does what it says.

Those of a module and of ONNX Runtime are run in files of their own.
"""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT
from tests.readers.module.live import imported

EXAMPLES = sorted((ROOT / "examples").glob("0*.py"))
NIR = ROOT / "tests" / "cases" / "nir"


def example(name):
    return import_module(f"examples.{name}")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_an_example_is_short_and_told_of(path):
    assert len(path.read_text().splitlines()) < 80
    assert any(f"examples/{path.name})" in page.read_text() for page in PAGES)


def test_they_are_numbered():
    numbers = [int(path.name[:2]) for path in EXAMPLES]
    assert numbers == list(range(1, len(EXAMPLES) + 1))


def test_check_nir_file():
    main = example("01_check_nir_file").main
    fits = main(str(NIR / "spikingjelly_lif" / "model.nir"), "spikingjelly", "8", "loihi2")
    assert len(fits) == 1 and fits[0].startswith("fits loihi2")
    *lines, what_to_do = main(
        str(NIR / "snntorch_leaky_subtract" / "model.nir"), "snntorch", "8", "loihi1"
    )
    assert lines[-1] == "does not fit loihi1"
    assert {re.match(r"error\[(.*?)\]", x)[1] for x in lines[:-1]} == {"feature-subtract"}  # type: ignore[index]
    assert what_to_do.startswith("feature-subtract: Choose a target")


def test_deploy_checkpoint(tmp_path):
    lines = example("02_deploy_checkpoint").main(str(tmp_path / "out"), images=4)
    assert lines[0] == "every rung holds: True"
    assert any(re.fullmatch(r"rung 3: 0 of [\d,]+ differ", x) for x in lines)


def test_add_a_target(tmp_path):
    checked, there, here = example("05_add_a_target").main(str(tmp_path))
    assert re.fullmatch(r".*: a complete target, \d+ numbers", checked)
    cores = [int(re.match(r"fits [\w-]+: (\d+) cores", x)[1]) for x in (there, here)]  # type: ignore[index]
    assert cores[0] < cores[1]


def test_add_a_lowering_pass():
    lines = example("06_add_a_lowering_pass").main()
    assert lines == ["dropped: again", "spikes and answers equal: True", "2 populations"]


def test_a_pass_that_changes_a_spike_is_noticed(monkeypatch):
    module = example("06_add_a_lowering_pass")
    right = module.drop_flattened_twice

    def wrong(network):
        done = right(network)
        *rest, fc = done.network.layers
        less = module.n.Linear(weight=fc.op.weight[:, ::-1].copy(), bias=None)
        changed = module.n.Layer(name="fc", op=less, inputs=fc.inputs)
        network = module.n.Network(
            **{f: getattr(done.network, f) for f in ("input", "steps", "readout", "provenance")},
            layers=(*rest, changed),
        )
        return module.Rewritten(network=network, did=done.did)

    monkeypatch.setattr(module, "drop_flattened_twice", wrong)
    assert "spikes and answers equal: False" in module.main()


def test_stream_event_data(tmp_path):
    imported("spikingjelly.activation_based.neuron")
    told = imported("examples.08_stream_event_data").main(str(tmp_path), windows=4)
    assert [x.split(": ")[1] for x in told[-4:]] == ["upright", "level"] * 2
    assert any(x.startswith("VERIFIED") for x in told)


def test_an_example_runs_from_anywhere(tmp_path):
    script = ROOT / "examples" / "06_add_a_lowering_pass.py"
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "equal: True" in done.stdout
    assert not list(Path(tmp_path).iterdir())


def test_explore_the_design_space(tmp_path):
    main = example("07_explore_the_design_space").main
    *points, page = main(str(tmp_path / "explored"), bits=(8,), samples=2)
    assert len(points) == 2
    assert any(x.startswith("front") for x in points)
    assert Path(page.removeprefix("plot: ")).is_file()
