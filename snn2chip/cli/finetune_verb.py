"""The command that trains a checkpoint on the chip's grid."""

import argparse
from typing import TYPE_CHECKING

from snn2chip.cli import arguments
from snn2chip.cli.train_verb import add_data, add_recipe, recipe_of, source_of
from snn2chip.cli.verb import Result, Verb, show, verb
from snn2chip.errors import Snn2ChipError

if TYPE_CHECKING:
    from snn2chip.training.finetune_start import FinetuneRequest

DETAILS = """\
Norms are folded, then weights and biases are trained on the grid that the target's rounding chooses, with rounded
weights, biases, thresholds, decays and input in the forward pass. OUT.pt is a checkpoint in the layout of MODEL;
deployed on the same target it loses nothing, unless neurons have a decay that the chip rounds or cuts off: then rung
2b counts what differs. Stopped or killed, the same command goes on after the last whole epoch (OUT.pt.state) and ends
in the same bytes."""


def _add_finetune(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p, help="checkpoint (.pth, .pt)")
    p.add_argument("-o", "--output", metavar="OUT.pt", required=True, help="file to write")
    group = p.add_argument_group("chip")
    group.add_argument(
        "--target", metavar="T", default="loihi2", help="target name or TOML file (default: loihi2)"
    )
    group.add_argument(
        "--weight-bits", metavar="B", type=int, help="bits of a weight (default: the target's)"
    )
    group.add_argument(
        "--method", metavar="NAME", default="mse", help="how scales are chosen: mse, max"
    )
    add_data(p)
    add_recipe(p, "adam, 4 epochs of batches of 32, onecycle up to 3e-4")
    p.add_argument(
        "--surrogate",
        metavar="NAME",
        default="atan",
        help="surrogate gradient: atan, sigmoid, triangle, rectangle, fast_sigmoid, tanh",
    )
    arguments.add_json(p)


def _finetune(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.finetune import finetune

    if a.data is None:
        raise Snn2ChipError("usage", "snn2chip finetune", "--data is required")
    return finetune(_request(a), a.output, progress=show(a)), 0


def _request(a: argparse.Namespace) -> "FinetuneRequest":
    from snn2chip.training.finetune_start import FinetuneRequest

    return FinetuneRequest(
        model=arguments.model_request(a),
        data=a.data,
        target=a.target,
        weight_bits=a.weight_bits,
        method=a.method,
        surrogate=a.surrogate,
        recipe=recipe_of(a),
        source=source_of(a),
        device=a.device,
        threads=a.threads,
    )


FINETUNE_VERB: Verb = verb(
    "finetune",
    "train a checkpoint with the chip's rounding in the loop",
    "finetune net.pth --target loihi2 --weight-bits 4 --data mnist5k -o tuned.pth",
    _add_finetune,
    _finetune,
    DETAILS,
    keeps=True,
)
