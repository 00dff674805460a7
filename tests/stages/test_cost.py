"""`cost` on the command line."""

import json

import pytest

from snn2chip.cli.main import main


def test_json_has_every_limit(capsys):
    words = "cost --conv 64,128,3,2 --source 56x56 --tile 4x7x128 --weight-bits 5 --json"
    assert main(words.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["map"], found["tile"], found["neurons"]) == ([28, 28, 128], [4, 7, 128], 100352)
    assert found["cores"] == 28
    assert found["synapse_bits"] == 64 * 9 * 11 * 64
    assert found["uses"]["synapse_words"] == {"need": 6336, "limit": 16000, "share": 6336 / 16000}
    assert found["binds"] == "neurons"
    assert found["fits"]


def test_text_names_what_binds(capsys):
    assert main(["cost", "--conv", "512,512,3,1", "--source", "7x7", "--target", "loihi1"]) == 0
    out = capsys.readouterr().out
    assert "<- binds" in out
    assert "synapse words" in out
    assert "the splitter's choice" in out


def test_a_tile_that_fits_no_core_is_status_1(capsys):
    assert main(["cost", "--conv", "512,512,3,1", "--source", "7x7", "--tile", "7x7x512"]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("does not fit a core of loihi2: neurons: need 25,088, have 4,095; ")


@pytest.mark.parametrize("tile", ["20x20x128", "20x56x8", "56x56x64"])
def test_what_cannot_be_counted_on_loihi1_is_no_number(tile, capsys):
    """More neurons than an index tells apart, or than a core has for a single channel."""
    words = ["cost", "--conv", "64,128,3,1", "--source", "56x56", "--target", "loihi1"]
    assert main([*words, "--tile", tile]) == 1
    rows, columns, channels = map(int, tile.split("x"))
    lines = capsys.readouterr().out.splitlines()
    neurons = next(line for line in lines if line.startswith("  neurons"))
    assert neurons.endswith("<- binds")
    assert int(neurons.split()[1].replace(",", "")) >= rows * columns * channels
    (synapses,) = (line for line in lines if line.startswith("  synapse words"))
    assert synapses.endswith("cannot be counted: more neurons than a core tells apart")
    assert lines[-1].startswith("does not fit a core of loihi1: neurons: need ")
    assert not any(
        len(word) > 11 and word.replace(",", "").isdigit() for word in " ".join(lines).split()
    )
    assert main([*words, "--tile", tile, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["uses"]["synapse_words"] == {"need": None, "limit": 16384, "share": None}
    assert told["synapse_bits"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--conv 64,64,3 --source 8x8", "is no convolution"),
        ("--conv 64,64,3,one --source 8x8", "is no convolution"),
        ("--conv 64,64,3,0 --source 8x8", "is no convolution"),
        ("--conv 64,64,3,1,5 --source 8x8", "groups do not divide"),
        ("--conv 64,64,3,1 --source 8", "is no map"),
        ("--conv 64,64,4,1 --source 0x8", "is no map"),
        ("--conv 64,64,8,1 --source 8x8 --tile 8x8", "is no tile"),
        ("--conv 64,64,3,1 --source 8x8 --tile 9x8x4", "larger than the map"),
        ("--conv 64,64,3,1 --source 8x8 --weight-bits 9", "no width of this target"),
        ("--conv 64,64,3,1 --source 8x8 --weight-bits 0", "no width of this target"),
        ("--conv 64,64,3,1 --source 8x8 --target loihi3", "is not a target"),
    ],
)
def test_misuse_is_one_line_and_status_2(words, said, capsys):
    assert main(["cost", *words.split()]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_what_fits_nowhere_is_status_1(capsys):
    assert main(["cost", "--conv", "500000,4,3,1", "--source", "8x8"]) == 1
    assert capsys.readouterr().err.startswith("error[map-fit]")
