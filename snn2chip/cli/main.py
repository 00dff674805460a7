"""The command line: parse, call one function of the public API, print its result, exit."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from snn2chip.cli.verb import Verb
from snn2chip.cli.verbs import VERBS
from snn2chip.errors import Snn2ChipError, did_you_mean

DESCRIPTION = """\
Take a trained spiking ResNet to a neuromorphic chip, and prove that its spikes are the reference's spikes.

  snn2chip deploy CHECKPOINT --target loihi2 --input X.npy --out BUILD

reads the checkpoint, quantizes it, maps it onto cores, verifies every layer spike for spike, estimates
energy and writes a report. Each stage is also a command of its own."""

EXIT_CODES = """\
exit status: 0 all holds; 1 a statement is false (differing spikes, does not fit, a missing feature);
2 cannot start (unreadable, malformed, misused)."""


STOPPED = 130
"""Exit status of what Ctrl-C or SIGTERM ended, as shells have it."""


class _Parser(argparse.ArgumentParser):
    """Misuse is an error like any other: one line, status 2, with what is nearest to an unknown word."""

    words: Sequence[str] = ()
    nearest_choice: str = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As argparse does, remembering the words for `error`."""
        self.words = tuple(args or ())
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse does, remembering for `error` the choice that is nearest to a wrong one."""
        if action.choices is not None and value not in action.choices:
            self.nearest_choice = did_you_mean(str(value), map(str, action.choices))
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        known = list(self._option_string_actions)
        flags = [w.partition("=")[0] for w in self.words if w.startswith("--")]
        nearest = (did_you_mean(f, known) for f in flags if not any(k.startswith(f) for k in known))
        found = dict.fromkeys((self.nearest_choice, *nearest))
        help = " ".join(filter(None, (*found, f"see `{self.prog} --help`")))
        raise Snn2ChipError("usage", self.prog, message, help=help)


def parser() -> _Parser:
    """The parser of all commands."""
    raw = argparse.RawDescriptionHelpFormatter
    top = _Parser(prog="snn2chip", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=raw)
    top.add_argument("--version", action="store_true", help="print versions and stop")
    top.add_argument("--traceback", action="store_true", help=argparse.SUPPRESS)
    commands = top.add_subparsers(
        dest="verb", metavar="COMMAND", title="commands", parser_class=_Parser
    )
    for verb in VERBS:
        text = f"{verb.help[0].upper()}{verb.help[1:]}.\n\n{verb.details}".rstrip()
        sub = commands.add_parser(
            verb.name,
            help=verb.help,
            description=text,
            epilog=f"example:\n  {verb.example}",
            formatter_class=raw,
        )
        verb.add(sub)
        sub.set_defaults(run=verb, parser=sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except Snn2ChipError as e:
        if "--traceback" in sys.argv:
            raise
        print(_short(str(e)), file=sys.stderr)
        return e.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except ModuleNotFoundError as e:
        package = (e.name or "").partition(".")[0]
        if package in ("", "snn2chip"):
            raise
        print(
            f"error: the package {package} is not installed; `python -m snn2chip doctor` lists all that is missing",
            file=sys.stderr,
        )
        return 2
    except OSError as e:
        place = f"{e.filename}: " if e.filename else ""
        print(f"error: {place}{(e.strerror or str(e)).lower()}", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            "error: this machine has too little memory for this network and input",
            file=sys.stderr,
        )
        return 2


def _run(arguments: Sequence[str]) -> int:
    top = parser()
    a, unknown = top.parse_known_args(arguments)
    if unknown:
        getattr(a, "parser", top).error(f"unrecognized arguments: {' '.join(unknown)}")
    if a.version:
        from snn2chip.build import versions

        print("\n".join(f"{name} {version}" for name, version in versions().items()))
        return 0
    if a.verb is None:
        top.print_help()
        return 0
    verb: Verb = a.run
    try:
        result, status = verb.run(a)
    except KeyboardInterrupt:
        kept = "what was finished" if verb.keeps else f"nothing of this `{verb.name}`"
        print(f"stopped; {kept} is kept", file=sys.stderr)
        return STOPPED
    if getattr(a, "json", False):
        print(json.dumps(result.to_dict(), indent=1))
    else:
        print("\n".join(result.lines()))
    return status


def _short(text: str, limit: int = 1900) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _stop(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
