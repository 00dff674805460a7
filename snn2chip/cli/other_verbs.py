"""Commands around: targets, explanations, health, speed, the demo."""

import argparse

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb


def _add_targets(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "action", nargs="?", default="list", metavar="list|show|copy|check", help="default: list"
    )
    p.add_argument(
        "name", nargs="?", metavar="NAME|FILE", help="target to show or copy, file to check"
    )
    p.add_argument("file", nargs="?", metavar="NEW.toml", help="file that the copy is written to")
    arguments.add_json(p)


def _targets(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.targets import targets

    done = targets(a.action, a.name, a.file)
    return done, 2 if done.wrong else 0


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


def _add_cost(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--conv",
        metavar="IN,OUT,K,STRIDE[,GROUPS]",
        required=True,
        help="channels in and out, kernel (padded by half of it), stride, groups",
    )
    p.add_argument("--source", metavar="HxW", required=True, help="rows and columns of its input")
    p.add_argument("--tile", metavar="HxWxC", help="what one core holds (default: the best)")
    p.add_argument(
        "--target", metavar="T", default="loihi2", help="target name or TOML file (default: loihi2)"
    )
    p.add_argument(
        "--weight-bits", metavar="B", type=int, help="default: as many as the target has"
    )
    arguments.add_json(p)


def _cost(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.cost import cost

    done = cost(a.conv, a.source, target=a.target, tile=a.tile, weight_bits=a.weight_bits)
    return done, 0 if done.cost.fits else 1


def _add_bench(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "what",
        nargs="*",
        metavar="W",
        help="workloads: W1 W2 W3 W4 core executors size (default: all); or mapping: costs against published tables; "
        "or compile: time and memory of whole compiles",
    )
    p.add_argument("--repeats", type=int, default=5, help="interleaved repetitions (default: 5)")
    p.add_argument("--threads", type=int, default=2, help="threads of every engine (default: 2)")
    arguments.add_json(p)


def _bench(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.bench import COMPILE, MAPPING, run_bench, run_compiles, run_mapping

    if COMPILE in a.what:
        compiled = run_compiles(tuple(a.what), progress=show(a))
        return compiled, 0 if compiled.holds else 1
    if MAPPING in a.what:
        done = run_mapping(tuple(a.what), progress=show(a))
        return done, 0 if done.holds else 1
    return run_bench(tuple(a.what), repeats=a.repeats, threads=a.threads, progress=show(a)), 0


def _add_demo(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--out", metavar="BUILD", default="demo-build", help="folder to write (default: demo-build)"
    )
    arguments.add_json(p)


def _demo(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.demonstration import demo

    done = demo(a.out, progress=show(a))
    return done, 0 if done.verdict else 1


OTHER_VERBS: tuple[Verb, ...] = (
    verb(
        "targets",
        "list targets, show one with meanings and sources, copy one to start from, or check a file of your own",
        "targets copy loihi2 my-chip.toml",
        _add_targets,
        _targets,
        "`copy` writes the file of a target, with its comments, under the name of the new file, and overwrites none.\n"
        "`check` lists everything that is wrong with a file; exit status 2 where something is. It warns of prices\n"
        "that were probably meant in another unit.",
    ),
    verb(
        "cost",
        "say what one convolution takes of a chip, before there is a network",
        "cost --conv 64,128,3,2 --source 56x56 --target loihi1",
        _add_cost,
        _cost,
        "Exit status 1 where the given tile does not fit a core.",
    ),
    verb(
        "explain",
        "explain the code of an error or finding",
        "explain map-fit",
        _add_explain,
        _explain,
    ),
    verb(
        "doctor",
        "say which packages are here, which are missing and how to get them",
        "doctor",
        arguments.add_json,
        _doctor,
    ),
    verb(
        "bench",
        "measure the engines against plain PyTorch, or the cost model against published tables",
        "bench W1 W2",
        _add_bench,
        _bench,
    ),
    verb("demo", "deploy the MNIST network that comes with the package", "demo", _add_demo, _demo),
)
