"""Two recordings are equal in every value and every type."""

import numpy as np

from snn2chip.recording import Recording


def same(left: Recording, right: Recording) -> None:
    assert list(left.outputs) == list(right.outputs)
    for name, values in left.outputs.items():
        np.testing.assert_array_equal(values, right.outputs[name], err_msg=name)
        assert values.dtype == right.outputs[name].dtype, name
    assert left.potentials.keys() == right.potentials.keys()
    for name, values in left.potentials.items():
        np.testing.assert_array_equal(values, right.potentials[name], err_msg=name)
        assert values.dtype == right.potentials[name].dtype == np.int64, name
    np.testing.assert_array_equal(left.decision, right.decision)
