"""Commands on a model."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb


def _add_deploy(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p, name="model", help="checkpoint (.pth, .pt) or .nir file")
    arguments.add_input(p, required=True)
    arguments.add_quantize(p)
    arguments.add_split(p)
    arguments.add_share(p)
    arguments.add_board(p)
    arguments.add_place(p)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")
    p.add_argument(
        "--prices", metavar="NAME", help="energy table of the target, or none for counts only"
    )
    p.add_argument("--out", metavar="BUILD", required=True, help="folder to write")
    arguments.add_json(p)


def _deploy(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.pipeline import deploy

    done = deploy(arguments.build_options(a), a.out, progress=show(a))
    return done, 0 if done.verdict else 1


def _add_inspect(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=False)
    arguments.add_json(p)


def _inspect(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.inspect import inspect_model

    return inspect_model(arguments.model_request(a), progress=show(a)), 0


def _add_convert(p: argparse.ArgumentParser) -> None:
    _add_inspect(p)
    p.add_argument("-o", "--output", metavar="NET.nir", required=True, help="file to write")
    p.add_argument(
        "--for",
        dest="library",
        metavar="LIBRARY",
        help="as norse, snntorch, spikingjelly or sinabs imports it",
    )


def _convert(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.convert import convert

    request = arguments.model_request(a)
    return convert(request, a.output, library=a.library, progress=show(a)), 0


def _add_check(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=False)
    arguments.add_quantize(p)
    arguments.add_split(p)
    arguments.add_share(p)
    arguments.add_board(p)
    arguments.add_json(p)


def _check(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.check import check

    found = check(arguments.build_options(a), progress=show(a))
    if not found.read:
        return found, 2
    return found, 0 if found.fits else 1


def _add_compile(p: argparse.ArgumentParser) -> None:
    _add_check(p)
    arguments.add_place(p)
    arguments.add_align(p)
    p.add_argument("--out", metavar="BUILD", required=True, help="folder to write")


def _compile(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.compile import compile_model

    return compile_model(arguments.build_options(a), a.out, progress=show(a)), 0


def _add_trace(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p, help="model, or build folder")
    arguments.add_input(p, required=True)
    arguments.add_quantize(p)
    p.add_argument(
        "--engine",
        metavar="NAME",
        default="float",
        help="float, circuit, norse, spec, layer, dense, core, onnx, lava, lava-fast (default: float)",
    )
    p.add_argument(
        "--populations", action="store_true", help="every population, not only layers of the paper"
    )
    p.add_argument("-o", "--output", metavar="TRACE.npz", required=True, help="file to write")
    arguments.add_json(p)


def _trace(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.trace import trace

    done = trace(
        arguments.build_options(a),
        a.output,
        engine=a.engine,
        populations=a.populations,
        progress=show(a),
    )
    return done, 0


MODEL_VERBS: tuple[Verb, ...] = (
    verb(
        "deploy",
        "run every stage: checkpoint to verified chip program, energy estimate and report",
        "deploy net.pth --target loihi2 --input test.npy --labels labels.npy --out build",
        _add_deploy,
        _deploy,
        "Exit status 0 only if every rung of the verification passed.",
        keeps=True,
    ),
    verb(
        "inspect",
        "say what a model is, how it was recognised and what was assumed",
        "inspect net.pth",
        _add_inspect,
        _inspect,
    ),
    verb(
        "convert",
        "write a model as a .nir file",
        "convert net.pth --shape 3,224,224 -o net.nir",
        _add_convert,
        _convert,
    ),
    verb(
        "check",
        "find everything that stands against a target, before anything slow",
        "check net.pth --shape 3,224,224 --target loihi2",
        _add_check,
        _check,
    ),
    verb(
        "compile",
        "read, lower, quantize and map a model into a build folder",
        "compile net.pth --input test.npy --target loihi2 --out build",
        _add_compile,
        _compile,
    ),
    verb(
        "trace",
        "write the spikes of every layer",
        "trace net.pth --input test.npy --engine float -o trace.npz",
        _add_trace,
        _trace,
    ),
)
