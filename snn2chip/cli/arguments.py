"""Groups of arguments that several commands share, and the options they make."""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from snn2chip.errors import Snn2ChipError

if TYPE_CHECKING:
    from snn2chip.chip.place.placing import Placing
    from snn2chip.model import ModelRequest
    from snn2chip.options import BuildOptions, QuantizeOptions
    from snn2chip.parallel import Workers

Parser = argparse.ArgumentParser
Group = argparse._ArgumentGroup  # type: ignore[reportPrivateUsage]


def add_model(
    parser: Parser, *, name: str = "model", help: str = "checkpoint (.pth, .pt) or .nir file"
) -> None:
    """MODEL and what a file cannot say."""
    parser.add_argument(name, metavar=name.upper(), help=help)
    group = parser.add_argument_group("model")
    group.add_argument("--arch", metavar="NAME", help="architecture, where the keys do not tell it")
    group.add_argument(
        "--option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="what the file cannot say (connect_f=ADD, T=4 ...); a value is JSON where it is not a plain word",
    )
    group.add_argument(
        "--shape", metavar="C,H,W", help="shape of one input frame, if no --input tells it"
    )
    group.add_argument(
        "--steps", metavar="T", help="time steps, if neither the input nor the file tells them"
    )
    group.add_argument(
        "--convention",
        metavar="NAME[,key=value]",
        help="how a foreign .nir file is meant: norse, snntorch, spikingjelly, sinabs, with changes",
    )


def add_input(parser: Parser, *, required: bool) -> None:
    """--input and --layout."""
    group = parser.add_argument_group("input")
    group.add_argument(
        "--input", metavar="X.npy", required=required, help="array in the source model's own layout"
    )
    group.add_argument(
        "--layout",
        metavar="NAME",
        help="NCHW (static image), TNCHW, NTCHW, TCHW, TN-CHW or NT-CHW; default: by rank, printed",
    )


def add_quantize(parser: Parser) -> None:
    """Target, rounding and coding."""
    group = parser.add_argument_group("chip")
    group.add_argument(
        "--target", metavar="T", default="loihi2", help="target name or TOML file (default: loihi2)"
    )
    group.add_argument(
        "--weight-bits",
        metavar="B",
        type=int,
        help="bits of every weight (default: as many as the target has)",
    )
    group.add_argument(
        "--coding",
        metavar="NAME",
        help="input coding: bias, host, graded, events (default: first that fits)",
    )
    add_rounding(group)


def add_rounding(group: Group) -> None:
    """How scales and the input's grid are chosen, and what may pass."""
    group.add_argument(
        "--method", metavar="NAME", default="max", help="how scales are chosen: max, mse, agree"
    )
    group.add_argument(
        "--calibration",
        metavar="X.npy",
        help="input for --method agree, not the one that is judged",
    )
    group.add_argument(
        "--input-bits",
        metavar="B",
        type=int,
        help="bits of the input's grid (default: as it needs, else 8)",
    )
    group.add_argument(
        "--free-scales", action="store_true", help="allow scales that are no powers of two"
    )
    group.add_argument(
        "--allow",
        metavar="CODE",
        action="append",
        default=[],
        help="let an error finding pass, by code",
    )


def add_align(parser: Parser) -> None:
    """--align: whether shortcuts wait."""
    parser.add_argument(
        "--align",
        metavar="auto|none",
        default="auto",
        help="none: no delays and no relays, the fewest cores; such a program does not run",
    )


def add_split(parser: Parser) -> None:
    """--split: how many cores are given for fewer messages."""
    parser.add_argument(
        "--split",
        metavar="NAME",
        default="balanced",
        help="how layers are cut: fewest (cores), balanced (up to 10 %% more for fewer messages), quiet (up to twice)",
    )


def add_share(parser: Parser) -> None:
    """--share-cores: whether tiles of small layers meet on one core."""
    parser.add_argument(
        "--share-cores",
        metavar="auto|none",
        default="auto",
        help="none: no two layers share a core; often more cores, and shorter steps",
    )


def add_board(parser: Parser) -> None:
    """--board: how many chips there are."""
    parser.add_argument(
        "--board",
        metavar="NAME",
        help="a board of the target (snn2chip targets show T); default: as many chips as are needed",
    )


def add_place(parser: Parser) -> None:
    """Where cores go on the mesh."""
    group = parser.add_argument_group("placement")
    group.add_argument(
        "--place",
        metavar="NAME",
        default="swap",
        help="how cores are placed: columns, swap, metis, exact (default: swap)",
    )
    add_search(group)


def add_search(group: Group) -> None:
    """How a placement is searched."""
    group.add_argument("--seed", type=int, default=0, help="of the placement (default: 0)")
    group.add_argument(
        "--place-seconds",
        metavar="S",
        type=float,
        default=300.0,
        help="the most time that the placement may take (default: 300)",
    )


def add_workers(parser: Parser) -> None:
    """Where independent work runs."""
    group = parser.add_argument_group("workers")
    group.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes on this machine (default: one for each core, where there is enough to do; 1: this one alone)",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a dask scheduler that you started, with workers of its own (tcp://host:8786)",
    )


def add_json(parser: Parser) -> None:
    """--json: what machines read."""
    parser.add_argument(
        "--json", action="store_true", help="one JSON value on stdout, messages on stderr"
    )


def model_request(a: argparse.Namespace) -> "ModelRequest":
    """The model that the arguments name."""
    from snn2chip.model import ModelRequest

    return ModelRequest(
        path=a.model,
        arch=a.arch,
        options=options_of(a.option),
        shape=None if a.shape is None else _shape(a.shape),
        steps=None if a.steps is None else _value(a.steps),  # type: ignore[arg-type]
        convention=a.convention,
        input_path=getattr(a, "input", None),
        layout=getattr(a, "layout", None),
    )


def build_options(a: argparse.Namespace) -> "BuildOptions":
    """All options of a compile."""
    from snn2chip.options import BuildOptions, one_of

    return BuildOptions(
        model=model_request(a),
        target=a.target,
        align=one_of(getattr(a, "align", "auto"), ("auto", "none"), "--align"),
        split=split_way(getattr(a, "split", None)),
        share_cores=one_of(getattr(a, "share_cores", "auto"), ("auto", "none"), "--share-cores"),
        quantize=quantize_options(a),
        place=placing(a),
        labels=getattr(a, "labels", None),
        prices=getattr(a, "prices", None),
    )


def split_way(word: str | None) -> str:
    """How layers are cut; the default where a command does not ask."""
    from snn2chip.chip.split import BALANCED, SLACKS
    from snn2chip.options import one_of

    return BALANCED if word is None else one_of(word, tuple(SLACKS), "--split")


def placing(a: argparse.Namespace) -> "Placing":
    """The placement that the arguments ask for; `check` searches none."""
    from snn2chip.chip.place.placing import METHODS, Placing
    from snn2chip.options import one_of

    method = one_of(getattr(a, "place", "columns"), METHODS, "--place")
    seed, seconds = getattr(a, "seed", 0), getattr(a, "place_seconds", 0.0)
    for name, value in (("--seed", seed), ("--place-seconds", seconds)):
        if not 0 <= value < 2**31:
            raise Snn2ChipError(
                "option-value", name, "is out of range", have=str(value), need="0 or more"
            )
    return Placing(method=method, board=getattr(a, "board", None), seed=seed, seconds=seconds)


def quantize_options(a: argparse.Namespace) -> "QuantizeOptions":
    """The rounding that the arguments ask for."""
    from snn2chip.options import QuantizeOptions, one_of

    one_of(a.method, ("max", "mse", "agree"), "--method")
    if a.coding is not None:
        one_of(a.coding, ("bias", "host", "graded", "events"), "--coding")
    return QuantizeOptions(
        method=a.method,
        calibration=a.calibration,
        weight_bits=a.weight_bits,
        input_bits=a.input_bits,
        free_scales=a.free_scales,
        coding=a.coding,
        allow=tuple(a.allow),
    )


def workers(a: argparse.Namespace) -> "Workers":
    """Where independent work runs."""
    from snn2chip.parallel import Workers

    return Workers(scheduler=a.scheduler, count=a.workers)


def words(text: str | None) -> tuple[str, ...]:
    """The parts of `text` between commas; none of None."""
    return () if text is None else tuple(part.strip() for part in text.split(","))


def numbers(option: str, text: str | None) -> tuple[int, ...]:
    """The whole numbers in `text`, between commas. Errors: option-value."""
    parts = words(text)
    if not all(p.isascii() and p.isdigit() for p in parts):
        raise Snn2ChipError(
            "option-value", f"{option} {text}", "is no list of numbers", need="such as 8,6,4"
        )
    return tuple(int(p) for p in parts)


def options_of(texts: Sequence[str]) -> dict[str, object]:
    """The values of `--option KEY=VALUE`, by name."""
    return dict(_option(text) for text in texts)


def _option(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Snn2ChipError("option-value", f"--option {text}", "has no value", need="KEY=VALUE")
    return key, _value(value)


def _value(text: str) -> object:
    """JSON where it parses, else the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shape(text: str) -> tuple[int, int, int]:
    parts: Sequence[str] = text.split(",")
    if len(parts) != 3 or not all(p.strip().isdigit() and int(p) > 0 for p in parts):
        raise Snn2ChipError(
            "option-value", f"--shape {text}", "is no shape", need="C,H,W, such as 3,224,224"
        )
    c, h, w = (int(p) for p in parts)
    return (c, h, w)
