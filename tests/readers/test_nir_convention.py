"""The text that says how a library steps in time."""

import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.neuron import Compare, Emits, Reset
from snn2chip.readers.nir_convention import (
    PRESETS,
    Decay,
    Floor,
    Gain,
    IfGain,
    Start,
    parse_convention,
)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_name(name):
    assert parse_convention(name) == PRESETS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_convention_reads_what_it_prints(name):
    assert parse_convention(str(PRESETS[name])) == PRESETS[name]


def test_keys_override_the_preset():
    text = (
        "norse,dt=0.5,decay=exp,gain=1-decay,if_gain=r*dt,compare=>=,reset=subtract,"
        "reset_timing=next_step,spike=multi,v_min=-1,v_init=0"
    )
    c = parse_convention(text)
    assert (c.dt, c.decay, c.gain, c.if_gain) == (0.5, Decay.EXP, Gain.REST, IfGain.R_DT)
    assert (c.compare, c.reset, c.late_reset) == (Compare.GREATER_EQUAL, Reset.SUBTRACT, True)
    assert (c.emits, c.v_min, c.v_init) == (Emits.MULTISPIKE, -1.0, Start.ZERO)
    assert parse_convention(str(c)) == c


@pytest.mark.parametrize(
    ("text", "value"), [("none", None), ("-threshold", Floor.THRESHOLD), ("-0.5", -0.5)]
)
def test_floors(text, value):
    assert parse_convention(f"sinabs,v_min={text}").v_min == value


def test_spaces_do_not_matter():
    assert parse_convention("norse, dt=1.0 ").dt == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("norce", ["'norce'", "did you mean 'norse'?", "norse | snntorch | spikingjelly | sinabs"]),
        ("", ["unknown library ''"]),
        ("norse,dtt=1", ["'dtt'", "did you mean 'dt'?", "reset_timing"]),
        ("norse,dt", ["'dt' has no value", "dt=VALUE"]),
        ("norse,dt=0", ["dt is '0'", "above 0"]),
        ("norse,dt=fast", ["'fast'", "finite number"]),
        ("norse,dt=inf", ["'inf'"]),
        ("norse,reset=sutract", ["'sutract'", "did you mean 'subtract'?"]),
        ("norse,compare=>>", ["'>>'", "> | >="]),
        ("norse,v_min=low", ["v_min", "'low'"]),
        ("norse,", ["unknown key ''"]),
    ],
)
def test_mistakes_are_named(text, words):
    with pytest.raises(Snn2ChipError) as e:
        parse_convention(text)
    assert e.value.exit_status == 2
    assert "--convention" in str(e.value)
    for word in words:
        assert word in str(e.value)
