"""The compiled engines on a processor without wide vectors, on a trained network: the spec's spikes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

CODE = """
import sys
import numpy as np
from snn2chip.chip.map import map_circuit
from snn2chip.engines import core, layer, spec
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import quantized
from tests.engines.same import same

request = ModelRequest(path=sys.argv[1], input_path=sys.argv[2], layout="NCHW")
levels = quantized(BuildOptions(model=request), Silent())
integers = on_grid(levels.qc, levels.model.inputs, Silent()).integers
expected = spec.run(levels.qc, integers)
assert all(expected.outputs[p.name].any() for p in levels.qc.populations if p.name != "fc")
program = map_circuit(levels.qc, levels.target).program
same(core.run(program, levels.target, integers, qc=levels.qc), expected)
same(layer.run(levels.qc, integers), expected)
"""


def test_core_and_layer_engine_equal_the_spec(tmp_path: Path) -> None:
    data = Path(__file__).parents[2] / "examples" / "data"
    np.save(tmp_path / "x.npy", np.load(data / "digits_test.npy")[:3])
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    words = [sys.executable, "-c", CODE, str(data / "digits.pth"), str(tmp_path / "x.npy")]
    subprocess.run(words, check=True, env=environment, cwd=Path.cwd())
