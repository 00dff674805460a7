"""The command that compares the systems with and without their methods."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb

DETAILS = """\
Each of the five systems is trained (`small` preset) with its paper's method and without it, with several seeds, then
deployed and verified on a target. The table says what the method is worth, what rounding costs, and what was compared.

Every finished run is one file in --rows. Stopped or killed, the same command goes on where it was; with 3 seeds
there are 30 runs of minutes each."""


def _add_zoo(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", metavar="table", help="the comparison, as Markdown")
    p.add_argument("--rows", metavar="DIR", required=True, help="folder for finished runs")
    p.add_argument("--out", metavar="PAGE.md", help="write the table to this file, too")
    p.add_argument(
        "--system",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one: sew_resnet, s_resnet, mlf_ds_resnet, guo_resnet, ledinauskas-like",
    )
    p.add_argument("--data", metavar="NAME", default="mnist5k", help="data set (default: mnist5k)")
    p.add_argument("--target", metavar="T", default="loihi2", help="target (default: loihi2)")
    p.add_argument("--seeds", metavar="N", type=int, default=3, help="seeds 1 … N (default: 3)")
    p.add_argument(
        "--samples",
        metavar="N",
        type=int,
        default=100,
        help="held-back samples that are deployed (default: 100)",
    )
    p.add_argument("--epochs", metavar="E", type=int, help="default: the preset's")
    arguments.add_json(p)


def _zoo(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.options import one_of
    from snn2chip.zoo_table.row import SYSTEMS
    from snn2chip.zoo_table.table import zoo_table

    one_of(a.action, ("table",), "zoo")
    done = zoo_table(
        a.rows,
        systems=tuple(a.system) or SYSTEMS,
        data=a.data,
        target=a.target,
        seeds=a.seeds,
        samples=a.samples,
        epochs=a.epochs,
        out=a.out,
        progress=show(a),
    )
    return done, 0 if done.verified else 1


ZOO_VERB: Verb = verb(
    "zoo",
    "train and deploy all systems with and without their methods, as a table",
    "zoo table --rows docs/zoo-rows --out docs/zoo-table.md",
    _add_zoo,
    _zoo,
    DETAILS,
    keeps=True,
)
