"""The commands: what each is called, what it takes, and which function of the API it calls."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from snn2chip.cli import arguments
from snn2chip.cli.show import progress
from snn2chip.progress import Progress


class Result(Protocol):
    """What a command returns: lines for people, a tree for machines."""

    def lines(self) -> list[str]:
        """Lines of text."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        ...


Add = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], tuple[Result, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command. `run` returns the result and the exit status."""

    name: str
    help: str
    example: str
    add: Add
    run: Run
    details: str = ""


def _show(a: argparse.Namespace) -> Progress:
    return progress(quiet=getattr(a, "json", False))


# --- the main job ---


def _add_deploy(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p, name="model", help="checkpoint (.pth, .pt) or .nir file")
    arguments.add_input(p, required=True)
    arguments.add_quantize(p)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")
    p.add_argument(
        "--prices", metavar="NAME", help="energy table of the target, or none for counts only"
    )
    p.add_argument("--out", metavar="BUILD", required=True, help="folder to write")
    arguments.add_json(p)


def _deploy(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.pipeline import deploy

    done = deploy(arguments.build_options(a), a.out, progress=_show(a))
    return done, 0 if done.verdict else 1


# --- stages on a model ---


def _add_inspect(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=False)
    arguments.add_json(p)


def _inspect(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.inspect import inspect_model

    return inspect_model(arguments.model_request(a), progress=_show(a)), 0


def _add_convert(p: argparse.ArgumentParser) -> None:
    _add_inspect(p)
    p.add_argument("-o", "--output", metavar="NET.nir", required=True, help="file to write")


def _convert(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.convert import convert

    return convert(arguments.model_request(a), a.output, progress=_show(a)), 0


def _add_check(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p)
    arguments.add_input(p, required=False)
    arguments.add_quantize(p)
    arguments.add_json(p)


def _check(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.check import check

    found = check(arguments.build_options(a), progress=_show(a))
    return found, 0 if found.fits else 1


def _add_compile(p: argparse.ArgumentParser) -> None:
    _add_check(p)
    p.add_argument("--out", metavar="BUILD", required=True, help="folder to write")


def _compile(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.compile import compile_model

    return compile_model(arguments.build_options(a), a.out, progress=_show(a)), 0


def _add_trace(p: argparse.ArgumentParser) -> None:
    arguments.add_model(p, help="model, or build folder")
    arguments.add_input(p, required=True)
    arguments.add_quantize(p)
    p.add_argument(
        "--engine",
        metavar="NAME",
        default="float",
        help="float, circuit, spec, layer, dense, core, onnx",
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
        progress=_show(a),
    )
    return done, 0


# --- stages on a build ---


def _add_build(p: argparse.ArgumentParser) -> None:
    p.add_argument("build", metavar="BUILD", help="build folder")
    arguments.add_json(p)


def _add_build_input(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    arguments.add_input(p, required=True)
    p.add_argument("--labels", metavar="Y.npy", help="classes of the samples, for top-1")


def _audit(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.audit import audit_build

    done = audit_build(a.build, progress=_show(a))
    return done, 0 if done.passed else 1


def _add_simulate(p: argparse.ArgumentParser) -> None:
    _add_build_input(p)
    p.add_argument(
        "--engine",
        metavar="NAME",
        default="layer",
        help="spec, layer, dense, core, onnx (default: layer)",
    )


def _simulate(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.simulate import simulate

    return simulate(
        a.build, a.input, layout=a.layout, labels=a.labels, engine=a.engine, progress=_show(a)
    ), 0


def _add_verify(p: argparse.ArgumentParser) -> None:
    _add_build_input(p)
    p.add_argument(
        "--engine",
        metavar="NAME",
        action="append",
        default=[],
        help="compare this one, too: onnx (spec, layer, dense and core always are)",
    )


def _verify(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.verify import verify_build

    done = verify_build(
        a.build,
        a.input,
        layout=a.layout,
        labels=a.labels,
        engines=tuple(a.engine),
        progress=_show(a),
    )
    return done, 0 if done.verdict else 1


def _add_energy(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument(
        "--prices", metavar="NAME", help="energy table of the target, or none for counts only"
    )


def _energy(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.energy import estimate_energy

    return estimate_energy(a.build, prices=a.prices, progress=_show(a)), 0


def _report(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.report import write_report

    return write_report(a.build, progress=_show(a)), 0


def _add_twin(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument("-o", "--output", metavar="TWIN.pth", required=True, help="file to write")


def _twin(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.twin import write_twin

    return write_twin(a.build, a.output, progress=_show(a)), 0


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
    return export_onnx(a.build, a.output, integer=a.integer, progress=_show(a)), 0


def _add_rerun(p: argparse.ArgumentParser) -> None:
    _add_build(p)
    p.add_argument("--out", metavar="BUILD", help="keep the second build here")


def _rerun(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.rerun import rerun

    done = rerun(a.build, out=a.out, progress=_show(a))
    return done, 0 if done.same else 1


# --- around ---


def _add_targets(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "action", nargs="?", default="list", metavar="list|show|check", help="default: list"
    )
    p.add_argument("name", nargs="?", metavar="NAME|FILE", help="target to show, file to check")
    arguments.add_json(p)


def _targets(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.targets import targets

    return targets(a.action, a.name), 0


def _add_explain(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "code", nargs="?", metavar="CODE", help="slug of an error or finding; none: list all"
    )
    arguments.add_json(p)


def _explain(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.explain import explain

    return explain(a.code), 0


def _doctor(_: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.doctor import doctor

    done = doctor()
    return done, 0 if done.healthy else 1


def _add_bench(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "what", nargs="*", metavar="W", help="workloads: W1 W2 W3 W4 core size (default: all)"
    )
    p.add_argument("--repeats", type=int, default=5, help="interleaved repetitions (default: 5)")
    p.add_argument("--threads", type=int, default=2, help="threads of every engine (default: 2)")
    arguments.add_json(p)


def _bench(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.bench import run_bench

    return run_bench(tuple(a.what), repeats=a.repeats, threads=a.threads, progress=_show(a)), 0


def _add_demo(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--out", metavar="BUILD", default="demo-build", help="folder to write (default: demo-build)"
    )
    arguments.add_json(p)


def _demo(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.demonstration import demo

    done = demo(a.out, progress=_show(a))
    return done, 0 if done.verdict else 1


def _verb(name: str, help: str, example: str, add: Add, run: Run, details: str = "") -> Verb:
    return Verb(
        name=name, help=help, example=f"snn2chip {example}", add=add, run=run, details=details
    )  # type: ignore[arg-type]


VERBS: tuple[Verb, ...] = (
    _verb(
        "deploy",
        "run every stage: checkpoint to verified chip program, energy estimate and report",
        "deploy net.pth --target loihi2 --input test.npy --labels labels.npy --out build",
        _add_deploy,
        _deploy,
        "Exit status 0 only if every rung of the verification passed.",
    ),
    _verb(
        "inspect",
        "say what a model is, how it was recognised and what was assumed",
        "inspect net.pth",
        _add_inspect,
        _inspect,
    ),
    _verb(
        "convert",
        "write a model as a .nir file",
        "convert net.pth --shape 3,224,224 -o net.nir",
        _add_convert,
        _convert,
    ),
    _verb(
        "check",
        "find everything that stands against a target, before anything slow",
        "check net.pth --shape 3,224,224 --target loihi2",
        _add_check,
        _check,
    ),
    _verb(
        "compile",
        "read, lower, quantize and map a model into a build folder",
        "compile net.pth --input test.npy --target loihi2 --out build",
        _add_compile,
        _compile,
    ),
    _verb(
        "audit",
        "check limits and rebuild the network from the packed tables alone",
        "audit build",
        _add_build,
        _audit,
    ),
    _verb(
        "simulate",
        "run a build on an input",
        "simulate build --input test.npy --labels labels.npy",
        _add_simulate,
        _simulate,
    ),
    _verb(
        "verify",
        "compare every level and every engine, spike for spike",
        "verify build --input test.npy",
        _add_verify,
        _verify,
    ),
    _verb(
        "energy",
        "estimate energy and time from the counts of the last simulation",
        "energy build --prices none",
        _add_energy,
        _energy,
    ),
    _verb("report", "write the build's report.html", "report build", _add_build, _report),
    _verb(
        "trace",
        "write the spikes of every layer",
        "trace net.pth --input test.npy --engine float -o trace.npz",
        _add_trace,
        _trace,
    ),
    _verb(
        "twin",
        "write the quantized network as a checkpoint in the authors' layout",
        "twin build -o twin.pth",
        _add_twin,
        _twin,
    ),
    _verb(
        "onnx",
        "write the integer program as standard ONNX operators",
        "onnx export build -o program.onnx",
        _add_onnx,
        _onnx,
    ),
    _verb(
        "rerun",
        "repeat a build from its build.toml and compare the bytes",
        "rerun build",
        _add_rerun,
        _rerun,
    ),
    _verb(
        "targets",
        "list targets, show one with its sources, or check a file of your own",
        "targets show loihi2",
        _add_targets,
        _targets,
    ),
    _verb(
        "explain",
        "explain the code of an error or finding",
        "explain map-fit",
        _add_explain,
        _explain,
    ),
    _verb(
        "doctor",
        "say which packages are here, which are missing and how to get them",
        "doctor",
        arguments.add_json,
        _doctor,
    ),
    _verb(
        "bench",
        "measure the engines against plain PyTorch, side by side",
        "bench W1 W2",
        _add_bench,
        _bench,
    ),
    _verb("demo", "deploy the MNIST network that comes with the package", "demo", _add_demo, _demo),
)
