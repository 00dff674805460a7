"""The layer engine equals the spec engine, value for value."""

import numpy as np
import pytest

from snn2chip.engines import layer, spec
from tests.engines.random_circuits import FAMILIES


def same(left, right):
    assert list(left.outputs) == list(right.outputs)
    for name, values in left.outputs.items():
        np.testing.assert_array_equal(values, right.outputs[name], err_msg=name)
        assert values.dtype == right.outputs[name].dtype, name
    assert left.potentials.keys() == right.potentials.keys()
    for name, values in left.potentials.items():
        np.testing.assert_array_equal(values, right.potentials[name], err_msg=name)
        assert values.dtype == right.potentials[name].dtype == np.int64
    np.testing.assert_array_equal(left.decision, right.decision)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_equals_spec(family, seed):
    qc, inputs = family(seed)
    expected = spec.run(qc, inputs)
    same(layer.run(qc, inputs, threads=1), expected)
