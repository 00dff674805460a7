"""The command line answers at once, and says what it does."""

import subprocess
import sys

import pytest

from snn2chip.cli.main import main
from snn2chip.cli.verbs import VERBS

HEAVY = ("torch", "numba", "onnxruntime", "nir", "h5py", "rich", "numpy")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom snn2chip.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, snn2chip; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", [v.name for v in VERBS])
def test_every_command_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert f"snn2chip {verb}" in capsys.readouterr().out.split("example:")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dploy"], "did you mean 'deploy'?"),
        (["deploy"], "MODEL"),
        (["deploy", "x", "--input", "x", "--out", "y", "--method", "mx"], "max"),
        (["deploy", "x", "--input", "x", "--out", "y", "--shape", "3x4"], "C,H,W"),
        (["deploy", "x", "--input", "x", "--out", "y", "--option", "connect_f"], "connect_f"),
        (["deploy", "x", "--input", "x", "--out", "y", "--steps", "four"], "four"),
        (["deploy", "x", "--inptu", "x", "--out", "y"], "did you mean '--input'?"),
        (
            ["deploy", "x", "--input", "x", "--out", "y", "--taget=loihi1"],
            "did you mean '--target'?",
        ),
        (["train", "mlf_ds_resnet", "--epoch", "1", "--lerning-rate", "1"], "--lerning-rate 1"),
        (["deploy", "x", "--input", "x", "--out", "y", "extra"], "unrecognized arguments: extra"),
        (["--vresion"], "did you mean '--version'?"),
    ],
)
def test_misuse_is_one_line_and_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.startswith("error[")
    assert len(err.splitlines()) == 1


def test_an_option_that_is_not_near_is_not_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "x", "--input", "x", "--out", "y", "--samples", "40"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_the_data_sets_of_training_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    from snn2chip.training.datasets import LOADERS

    for verb in ("train", "finetune"):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert f"by name: {', '.join(LOADERS)}" in said
