"""What rounding costs on networks with natural weights: the golden table `natural.toml`.

python -m tests.quantize.natural            prints the table as it is now
python -m tests.quantize.natural --write    and replaces the golden one
"""

import sys
import tempfile
import tomllib
from pathlib import Path

import tomli_w

from snn2chip.chip.target import load_target
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.layer import run as run_layer
from snn2chip.lowering import lower
from snn2chip.quantize.input import choose_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.verify.compare import Tally
from tests.cases.paths import CASES
from tests.readers.recorded import load_case

GOLDEN = Path(__file__).with_name("natural.toml")
NAMES = tuple(sorted(p.name for p in CASES.glob("*_natural")))


def row(name: str) -> dict[str, object]:
    """Outputs that 8 bits change, in all and in the layer with the largest share, and decisions that stay."""
    with tempfile.TemporaryDirectory() as folder:
        model = load_case(name, Path(folder))
    circuit, inputs = lower(model.network).circuit, model.inputs
    assert inputs is not None
    target = load_target("loihi2")
    grid = choose_input(circuit.input.shape, circuit.input.kind, inputs)
    qc, _ = quantize(circuit, target.widths, target=target.name, input=grid)
    rounded = run_layer(qc, quantize_input(grid, inputs)[0])
    original = run_circuit(circuit, inputs)
    tally = Tally()
    tally.add(layer_outputs(circuit, original.outputs), layer_outputs(qc, rounded.outputs))
    worst = max(tally.layers.values(), key=lambda c: c.differing / c.compared)
    return {
        "compared": tally.compared,
        "differing": tally.differing,
        "worst_layer": worst.layer,
        "worst_compared": worst.compared,
        "worst_differing": worst.differing,
        "samples": len(original.decision),
        "decisions_equal": int((original.decision.argmax(1) == rounded.decision.argmax(1)).sum()),
    }


def golden() -> dict[str, dict[str, object]]:
    """The table that stands."""
    return tomllib.loads(GOLDEN.read_text())


if __name__ == "__main__":
    table = tomli_w.dumps({name: row(name) for name in NAMES})
    sys.stdout.write(table)
    if "--write" in sys.argv:
        GOLDEN.write_text(table)
