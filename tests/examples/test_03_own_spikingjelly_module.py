"""The example of a module of one's own: trained for three epochs, read, deployed, verified."""

from tests.readers.module.live import imported


def test_the_example(tmp_path):
    imported("spikingjelly.activation_based.neuron")
    example = imported("examples.03_own_spikingjelly_module")
    lines = example.main(str(tmp_path / "build"), epochs=3)
    assert any(x.startswith("  rung 0 ") and "0 differ" in x for x in lines)
    assert any(x.startswith("VERIFIED") for x in lines)
    assert any(x.startswith("  rung 2c") and "0 differ" in x for x in lines)
