"""`lava`: Intel's Lava as an executor that we did not write."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb
from snn2chip.errors import Snn2ChipError


def _add_lava(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", metavar="setup|export", help="make Lava's environment; write a script")
    p.add_argument("build", nargs="?", metavar="BUILD", help="build folder (export)")
    p.add_argument("-o", "--output", metavar="DIR", help="folder to write (export)")
    p.add_argument(
        "--python",
        metavar="INTERPRETER",
        help="one that has Lava is taken as it is; any other one makes the environment (setup)",
    )
    arguments.add_json(p)


def _lava(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.options import one_of

    if one_of(a.action, ("setup", "export"), "lava") == "setup":
        from snn2chip.engines.lava.setup import setup

        return setup(a.python, progress=show(a)), 0
    from snn2chip.stages.lava import export_lava

    if a.build is None or a.output is None:
        raise Snn2ChipError("usage", "lava export", "needs BUILD and -o DIR")
    return export_lava(a.build, a.output, progress=show(a)), 0


LAVA_VERB: Verb = verb(
    "lava",
    "make Lava's environment, or write the program as a Lava script",
    "lava export build -o folder",
    _add_lava,
    _lava,
    "`lava setup` installs lava-nc into an environment of its own, in the user's cache folder; `lava export` writes\n"
    "a folder that runs without snn2chip and compares its spikes with the last recording of the build.",
)
