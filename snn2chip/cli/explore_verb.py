"""The command that looks for a good point before anything is deployed."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb

DETAILS = """\
Without a choice on any axis but the target: the default, then each axis changed by itself. With choices, all their
combinations. Each point is compiled, audited, run and priced. The table and the page explore.html mark the Pareto
front of accuracy, energy, time and cores, of each target its own; a point that cannot be says why.

Every finished point is one file in --out. Stopped or killed, the same command goes on where it was."""


def _add_explore(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=True)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")
    p.add_argument("--samples", metavar="N", type=int, help="run the first N samples alone")
    axes = p.add_argument_group("axes: one choice, or several with commas (--steps is one, too)")
    for option, dest, metavar, text in (
        ("--target", "targets", "T[,T]", "target names or TOML files (default: loihi2)"),
        ("--weight-bits", "bits", "B[,B]", "bits of every weight"),
        ("--split", "splits", "NAME[,NAME]", "fewest, balanced, quiet"),
        ("--share-cores", "shares", "NAME[,NAME]", "auto, none: a core for every tile"),
        ("--place", "places", "NAME[,NAME]", "columns, swap, metis, exact"),
        ("--coding", "codings", "NAME[,NAME]", "of the input: auto, bias, host, graded, events"),
    ):
        axes.add_argument(option, dest=dest, metavar=metavar, help=text)
    arguments.add_rounding(p.add_argument_group("chip, at all points"))
    arguments.add_board(p)
    arguments.add_search(p.add_argument_group("placement, at all points"))
    p.add_argument(
        "--prices", metavar="NAME", help="energy table of the targets, or none for no energy"
    )
    p.add_argument(
        "--out",
        metavar="DIR",
        default="explored",
        help="folder for finished points and the page (default: explored)",
    )
    arguments.add_workers(p)
    arguments.add_json(p)
    p.set_defaults(
        target="loihi2", weight_bits=None, coding=None, split=None, place="swap", share_cores="auto"
    )


def _explore(a: argparse.Namespace) -> tuple[Result, int]:
    from dataclasses import replace

    from snn2chip.explore.explore import explore_model
    from snn2chip.explore.points import Axes

    steps = arguments.numbers("--steps", a.steps)
    a.steps = None
    options = arguments.build_options(a)
    if steps:
        options = replace(options, model=replace(options.model, steps=steps[0]))
    axes = Axes(
        targets=arguments.words(a.targets) or ("loihi2",),
        weight_bits=arguments.numbers("--weight-bits", a.bits),
        steps=steps,
        splits=arguments.words(a.splits),
        shares=arguments.words(a.shares),
        places=arguments.words(a.places),
        codings=arguments.words(a.codings),
    )
    done = explore_model(
        options,
        axes,
        a.out,
        samples=a.samples,
        workers=arguments.workers(a),
        progress=show(a),
    )
    return done, 0 if done.table.possible else 1


EXPLORE_VERB: Verb = verb(
    "explore",
    "compare what-if points: weight bits, T, split, placement, target, coding of the input",
    "explore net.pth --input test.npy --labels labels.npy --target loihi2 --weight-bits 8,6,4 --split balanced,fewest",
    _add_explore,
    _explore,
    DETAILS,
    keeps=True,
)
