"""Every executor on every recorded case that deploys: write docs/parity.md.

    python docs/make_parity.py [--cases FOLDER] [--only NAME ...] [--stock-seconds S] [--again]

Results stand in docs/parity.json, row by row as they come, so that a run goes on where an earlier one stopped; a row is
made again where the case changed or did not deploy, or with --again. Lava runs its own models where that is expected to
take less than S seconds (default: 600). The full list takes about an hour and a half on two idle cores, with S = 0 a
quarter of one.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from snn2chip.chip.map import map_circuit
from snn2chip.engines.lava.compose import compose
from snn2chip.engines.lava.engine import STOCK_SECONDS
from snn2chip.engines.registry import ENGINES, Level
from snn2chip.engines.spec import run as run_spec
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.recording import Recording
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import Levels, quantized, stop_at
from snn2chip.verify.compare import Tally
from snn2chip.verify.ladder import part

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.cases import casegen  # noqa: E402 - beside us, in the repository

EXECUTORS = ("layer", "dense", "core", "onnx", "lava")
TRAINED = ("digits", "mnist")
TRAINED_SAMPLES = 8
LAVA_SECONDS = 600
"""A run with our fast models that would take longer gets one image, and never fewer layers."""

TITLE = "# Every executor on every recorded case"
HEAD = """
Made by `make parity` (docs/make_parity.py); last row {date}. Each cell: outputs that differ from the spec's, of those
compared (every output of every population in every step, and every potential of a read-out). Lava runs its own models
(`stock`) where that is expected to take less than {seconds:.0f} s on two idle cores, else our faster models of the same
processes (`fast`, and what stock ones are expected to take), on fewer images where it says so, never on fewer layers.
"""
EARLY = """
Rows that are `fast` below that limit were made with a lower one (`--stock-seconds`), and are made with Lava's own
models by `python docs/make_parity.py --again --only NAME`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network to run: `request` makes it, `samples` of its input; `key` changes where the source does."""

    name: str
    request: ModelRequest
    key: str
    samples: int | None = None


def subjects(cases: Path, scratch: Path) -> Iterator[Subject]:
    """The trained networks, then the recorded cases."""
    data = HERE.parent / "examples" / "data"
    for name in TRAINED:
        path = data / f"{name}.pth"
        yield Subject(
            name=name,
            request=ModelRequest(
                path=str(path), input_path=str(data / f"{name}_test.npy"), layout="NCHW"
            ),
            key=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
            samples=TRAINED_SAMPLES,
        )
    for folder in sorted(p.parent for p in cases.glob("*/case.json")):
        yield recorded(folder, scratch)


def recorded(folder: Path, scratch: Path) -> Subject:
    """A case, whose checkpoint and input are made when it is read."""
    told = casegen.read_case(folder)
    return Subject(
        name=folder.name,
        request=ModelRequest(
            path=str(scratch / f"{folder.name}.pth"),
            arch=told["cli"]["arch"],
            options=told["cli"]["options"],
            input_path=str(scratch / f"{folder.name}.npy"),
            layout=told["input"]["layout"],
            steps=told["T"] if told["input"]["layout"] == "NCHW" else None,
        ),
        key=hashlib.sha256((folder / "case.json").read_bytes()).hexdigest()[:12],
    )


def row(subject: Subject, cases: Path, stock_seconds: float) -> dict[str, object]:
    """What every executor says of one network."""
    if subject.name not in TRAINED:
        casegen.save_checkpoint(cases / subject.name, Path(subject.request.path))
        _, x, _ = casegen.load_case(cases / subject.name)
        np.save(str(subject.request.input_path), x)
    try:
        levels = quantized(BuildOptions(model=subject.request), Silent())
        stop_at(levels.findings)
        mapped = map_circuit(levels.qc, levels.target)
        stop_at(mapped.findings)
    except Snn2ChipError as e:
        return {"key": subject.key, "stops": str(e)}
    if levels.model.inputs is None:
        raise ValueError("no input")
    inputs = on_grid(levels.qc, levels.model.inputs, Silent()).integers
    inputs = part(inputs, 0, min(inputs.samples, subject.samples or inputs.samples))
    spec = run_spec(levels.qc, inputs)
    cells: dict[str, object] = {}
    for name in EXECUTORS:
        cells[name] = cell(name, levels, mapped.program, inputs, spec, stock_seconds)
        print(f"{subject.name:<34} {name:<6} {cells[name]}", flush=True)
    return {
        "key": subject.key,
        "date": date.today().isoformat(),
        "samples": inputs.samples,
        "populations": len(levels.qc.populations),
        "cells": cells,
    }


def cell(
    name: str,
    levels: Levels,
    program: object,
    inputs: InputData,
    spec: Recording,
    stock_seconds: float,
) -> dict[str, object]:
    """One executor against the spec."""
    qc, began = levels.qc, time.monotonic()
    more: dict[str, object] = {}
    if name == "lava":
        plan = compose(qc, inputs)
        stock, fast = (plan.steps * s for s in plan.step_seconds)
        name = "lava" if stock < stock_seconds else "lava-fast"
        if min(stock, fast) > LAVA_SECONDS:
            inputs = part(inputs, 0, 1)
        more["stock_expected"] = round(stock)
    found = ENGINES[name]
    try:
        if found.level is Level.PROGRAM:
            got = found.load()(program, levels.target, inputs, qc=qc)
        else:
            got = found.load()(qc, inputs)
    except Snn2ChipError as e:
        return {"stops": str(e)}
    tally = Tally()
    tally.add({k: v[:, : inputs.samples] for k, v in spec.outputs.items()}, got.outputs)  # type: ignore[union-attr]
    for k, v in spec.potentials.items():
        tally.add({k: v[None, : inputs.samples]}, {k: got.potentials[k][None]})  # type: ignore[union-attr]
    return {
        "compared": tally.compared,
        "differing": tally.differing,
        "samples": inputs.samples,
        "engine": got.engine,  # type: ignore[union-attr]
        "seconds": round(time.monotonic() - began, 1),
        **more,
    }


def page(rows: dict[str, dict[str, object]], names: list[str]) -> str:
    """docs/parity.md."""
    done = {n: rows[n] for n in names if "cells" in rows.get(n, {})}
    stopped = {n: r for n, r in rows.items() if "stops" in r}
    last = max((str(r["date"]) for r in done.values()), default="–")
    lines = [TITLE, HEAD.format(date=last, seconds=STOCK_SECONDS)]
    lines += [EARLY.lstrip()] if any(map(_early, done.values())) else []
    lines.append(f"| network | images | populations | {' | '.join(EXECUTORS)} |")
    lines.append(f"|---|---|---|{'---|' * len(EXECUTORS)}")
    for name, r in done.items():
        cells = [_text(r["cells"][e], int(str(r["samples"]))) for e in EXECUTORS]  # type: ignore[index]
        lines.append(f"| {name} | {r['samples']} | {r['populations']} | {' | '.join(cells)} |")
    total = [c for r in done.values() for c in r["cells"].values() if "compared" in c]  # type: ignore[union-attr]
    compared, differing = (sum(c[k] for c in total) for k in ("compared", "differing"))
    lines.append(f"\nTogether: {compared:,} outputs compared, {differing:,} differ.")
    if stopped:
        lines.append("\nThese do not deploy to `loihi2`, and say so:\n")
        lines += [f"- {name}: `{str(r['stops'])[:300]}`" for name, r in stopped.items()]
    if rest := [name for name in names if name not in rows]:
        lines.append(f"\nNot run yet: {', '.join(rest)}.")
    return "\n".join(lines) + "\n"


def _early(row: dict[str, object]) -> bool:
    """Whether its run in Lava took fast models before the default limit."""
    cell: dict[str, object] = row["cells"]["lava"]  # type: ignore[index]
    return cell.get("engine") == "lava-fast" and int(str(cell["stock_expected"])) < STOCK_SECONDS


def _text(cell: dict[str, object], samples: int) -> str:
    if "stops" in cell:
        return "stops: `" + str(cell["stops"]).split("]")[0].removeprefix("error[") + "`"
    fast = f", fast (stock: {cell.get('stock_expected')} s)"
    how = {"lava-fast": fast, "lava": ", stock"}.get(str(cell["engine"]), "")
    of = "" if cell["samples"] == samples else f", {cell['samples']} of {samples} images"
    return f"{cell['differing']:,} of {cell['compared']:,}{how}{of}"


def main() -> None:
    """Rows that are missing, then the page."""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    p.add_argument("--cases", type=Path, default=HERE.parent / "tests" / "cases")
    p.add_argument("--only", nargs="*", default=[])
    p.add_argument("--stock-seconds", type=float, default=STOCK_SECONDS)
    p.add_argument("--again", action="store_true")
    a = p.parse_args()
    state = HERE / "parity.json"
    rows: dict[str, dict[str, object]] = json.loads(state.read_text()) if state.is_file() else {}
    with tempfile.TemporaryDirectory() as scratch:
        everything = list(subjects(a.cases, Path(scratch)))
        names = [s.name for s in everything]
        for s in everything:
            old = rows.get(s.name, {})
            known = old.get("key") == s.key and "cells" in old and not a.again
            if known or (a.only and s.name not in a.only):
                continue
            rows[s.name] = row(s, a.cases, a.stock_seconds)
            state.write_text(json.dumps(rows, indent=1) + "\n")
            (HERE / "parity.md").write_text(page(rows, names))
    (HERE / "parity.md").write_text(page(rows, names))
    wrong = [n for n, r in rows.items() for c in r.get("cells", {}).values() if c.get("differing")]  # type: ignore[union-attr]
    sys.exit(f"differ: {', '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
