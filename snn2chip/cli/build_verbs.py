"""Commands on a build folder."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb


def _add_build(p: argparse.ArgumentParser) -> None:
    p.add_argument("build", metavar="BUILD", help="build folder")
    arguments.add_json(p)


def _add_build_input(p: argparse.ArgumentParser, *, required: bool = True) -> None:
    _add_build(p)
    arguments.add_input(p, required=required)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")


def _audit(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.audit import audit_build

    done = audit_build(a.build, progress=show(a))
    return done, 0 if done.passed else 1


def _add_simulate(p: argparse.ArgumentParser) -> None:
    _add_build_input(p)
    p.add_argument(
        "--engine",
        metavar="NAME",
        default="layer",
        help="spec, layer, dense, core, onnx, lava, lava-fast, norse (default: layer)",
    )
    arguments.add_workers(p)


def _simulate(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.simulate import simulate

    done = simulate(
        a.build,
        a.input,
        layout=a.layout,
        labels=a.labels,
        engine=a.engine,
        workers=arguments.workers(a),
        progress=show(a),
    )
    return done, 0


def _add_verify(p: argparse.ArgumentParser) -> None:
    _add_build_input(p, required=False)
    p.add_argument(
        "--engine",
        metavar="NAME,...",
        action="append",
        default=[],
        help="compare these, too: onnx, lava, lava-fast, norse (spec, layer, dense and core always are); "
        "all: every one that is installed, as a matrix of layers and executors",
    )
    p.add_argument(
        "--recording",
        metavar="FILE",
        help="compare with a recording of `simulate` that was made elsewhere, on its own input",
    )
    arguments.add_workers(p)


def _verify(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.verify import verify_build

    done = verify_build(
        a.build,
        a.input,
        layout=a.layout,
        labels=a.labels,
        engines=tuple(name for text in a.engine for name in arguments.words(text)),
        recording=a.recording,
        workers=arguments.workers(a),
        progress=show(a),
    )
    return done, 0 if done.verdict else 1


def _add_energy(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument(
        "--prices", metavar="NAME", help="energy table of the target, or none for counts only"
    )


def _energy(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.energy import estimate_energy

    return estimate_energy(a.build, prices=a.prices, progress=show(a)), 0


def _report(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.report import write_report

    return write_report(a.build, progress=show(a)), 0


def _add_twin(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument("-o", "--output", metavar="TWIN.pth", required=True, help="file to write")


def _twin(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.twin import write_twin

    return write_twin(a.build, a.output, progress=show(a)), 0


def _add_onnx(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", metavar="export", help="write the build's program as two models")
    _add_build(p)
    p.add_argument(
        "-o",
        "--output",
        metavar="PROGRAM.onnx",
        required=True,
        help="file to write; the model of one step goes beside it, as PROGRAM.step.onnx",
    )
    p.add_argument(
        "--integer", action="store_true", help="convolutions of integers only (ConvInteger, MatMul)"
    )


def _onnx(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.options import one_of
    from snn2chip.stages.onnx import export_onnx

    one_of(a.action, ("export",), "onnx")
    return export_onnx(a.build, a.output, integer=a.integer, progress=show(a)), 0


def _add_rerun(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument("--out", metavar="BUILD", help="keep the second build here")


def _rerun(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.rerun import rerun

    done = rerun(a.build, out=a.out, progress=show(a))
    return done, 0 if done.same else 1


BUILD_VERBS: tuple[Verb, ...] = (
    verb(
        "audit",
        "check limits and rebuild the network from the packed tables alone",
        "audit build",
        _add_build,
        _audit,
    ),
    verb(
        "simulate",
        "run a build on an input",
        "simulate build --input test.npy --labels labels.npy",
        _add_simulate,
        _simulate,
    ),
    verb(
        "verify",
        "compare every level and every engine, spike for spike",
        "verify build --input test.npy",
        _add_verify,
        _verify,
    ),
    verb(
        "energy",
        "estimate energy and time from the counts of the last simulation or verification",
        "energy build --prices none",
        _add_energy,
        _energy,
    ),
    verb("report", "write the build's report.html", "report build", _add_build, _report),
    verb(
        "twin",
        "write the quantized network as a checkpoint in the authors' layout",
        "twin build -o twin.pth",
        _add_twin,
        _twin,
    ),
    verb(
        "onnx",
        "write the integer program as standard ONNX operators",
        "onnx export build -o program.onnx",
        _add_onnx,
        _onnx,
    ),
    verb(
        "rerun",
        "repeat a build from its build.toml and compare the bytes",
        "rerun build",
        _add_rerun,
        _rerun,
    ),
)
