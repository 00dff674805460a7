"""The command that finds where rounding hurts."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb

DETAILS = """\
Every place that rounds is left in floats alone, and rounded alone; halving finds layers that must not be rounded if the
loss is to come back; then other settings are tried on the same samples. Judge a setting on other samples before you
trust it. Stopped or killed, the same command goes on where it stopped. Exit status 0 whatever is found."""


def _add_debug(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=True)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")
    arguments.add_quantize(p)
    p.add_argument(
        "--by",
        metavar="NAME",
        help="what is lost: top1, decisions, outputs (default: the first of which something was lost)",
    )
    p.add_argument(
        "--share",
        metavar="X",
        type=float,
        default=0.5,
        help="the part of the loss that must come back (default: 0.5)",
    )
    p.add_argument(
        "--out", metavar="FOLDER", default="debug", help="folder to write (default: debug)"
    )
    arguments.add_json(p)


def _debug(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.debug import debug_accuracy

    options = arguments.build_options(a)
    return debug_accuracy(options, a.out, by=a.by, share=a.share, progress=show(a)), 0


DEBUG_VERB: Verb = verb(
    "debug",
    "find where rounding hurts: layer by layer, by bisection, and the setting that mends it",
    "debug net.pth --input test.npy --labels labels.npy --target loihi2",
    _add_debug,
    _debug,
    DETAILS,
    keeps=True,
)
