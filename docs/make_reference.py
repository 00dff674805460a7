"""What is supported and every error, from the code that checks it: write docs/supported.md and docs/errors.md.

    python docs/make_reference.py

The tables that the readers, passes, engines and rules look things up in are the ones that are printed here, so a page
cannot say more than the code does. tests/docs/test_generated.py fails where a page is not what this prints.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from snn2chip.chip.program import Coding
from snn2chip.chip.rules import RULES
from snn2chip.chip.target import available, load_target
from snn2chip.codes import PAGES
from snn2chip.engines.registry import ENGINES
from snn2chip.lowering import to_circuit
from snn2chip.lowering.pipeline import PASSES
from snn2chip.network.types import Op
from snn2chip.readers.module import functions, layers, norse, sinabs, snntorch, spikingjelly
from snn2chip.readers.nir_convention import PRESETS
from snn2chip.readers.nir_neurons import NEURONS
from snn2chip.readers.nir_nodes import INSTEAD, OPERATIONS
from snn2chip.readers.registry import SYSTEMS

HERE = Path(__file__).parent
FEATURES = {
    "subtract_reset": "reset by subtraction",
    "graded": "outputs that are numbers",
    "levels": "several thresholds in one neuron",
    "per_step": "gains and biases of single steps",
    "gain_bits": "a gain between weights and membrane",
    "per_neuron_bias": "a bias of its own for every neuron",
}
"""Fields of `Widths` that `quantize/rules.py` asks for, and what each is."""


def supported() -> str:
    """The page of what is read, lowered, mapped and run."""
    return "\n".join(_supported()) + "\n"


def _supported() -> Iterator[str]:
    yield "# Supported operators and rules\n"
    yield "Written by `python docs/make_reference.py` from the tables that the code itself looks up; a test compares."
    yield "What is not here is refused with a line that names it: [errors](errors.md).\n"
    yield "## Checkpoints\n"
    rows = ([s.name, _codes(s.archs), _codes(s.options)] for s in SYSTEMS)
    yield from table(("system", "`--arch`", "`--option`"), rows)
    yield "What is read from each file and what is assumed: [systems](systems.md).\n"
    yield "## Operators of a network\n"
    yield "Whatever is read becomes these; lowering and the float engine know no others.\n"
    yield from table(("operator", "what"), ([f"`{o.__name__}`", first(o)] for o in get_args(Op)))
    yield "## Nodes of `.nir` files\n"
    yield f"Operations: {_codes(OPERATIONS)}. Neurons: {_codes(NEURONS)}; their steps in time are named by"
    yield f"`--convention` ({_codes(PRESETS)}). Refused, with what to use:\n"
    yield from table(("node", "instead"), ([f"`{k}`", v] for k, v in INSTEAD.items()))
    yield "## Modules in memory\n"
    yield f"Layers of `torch.nn`: {_codes(kind.__name__ for kind in layers.LAYERS)}.\n"
    yield f"Functions and methods in forward: {_codes(sorted(functions.HANDLERS))}.\n"
    yield "Their limits: [modules in memory](live-modules.md). Neurons, as the readers say them:\n"
    for framework in (spikingjelly, norse, snntorch, sinabs):
        yield f"```\n{inspect.getdoc(framework)}\n```\n"
    yield "## Lowering\n"
    yield "In this order. A pass is exact or refuses.\n"
    passes = [(name, inspect.getmodule(rewrite)) for name, rewrite in PASSES]
    passes.append(("to circuit", inspect.getmodule(to_circuit.to_circuit)))
    yield from table(("pass", "what"), ([name, first(module)] for name, module in passes))
    yield "## What neurons of each target can\n"
    targets = [load_target(name) for name in available()]
    rows = (
        [what, *("yes" if getattr(t.widths, key) else "no" for t in targets)]
        for key, what in FEATURES.items()
    )
    yield from table(("feature", *(t.name for t in targets)), rows)
    yield "## Codings of the input\n"
    yield f"`--coding`: {_codes(c.value for c in Coding)} ([what each is](arithmetic.md)).\n"
    yield "## Engines\n"
    rows = ([f"`{e.name}`", e.level.value, e.what] for e in ENGINES.values())
    yield from table(("`--engine`", "runs", "what"), rows)
    yield "## Rules of the audit\n"
    yield "A program is refused where it breaks one. All breaches are listed at once.\n"
    yield from table(
        ("code", "rule"), ([f"[{r.code}](errors.md#{r.code})", PAGES[r.code].what] for r in RULES)
    )


def errors() -> str:
    """The page of every code."""
    return "\n".join(_errors()) + "\n"


def _errors() -> Iterator[str]:
    yield "# Errors and findings\n"
    yield f"All {len(PAGES)} codes, as `snn2chip explain CODE` prints them. Written by `python docs/make_reference.py`;"
    yield "tests provoke them.\n"
    yield "A line reads `error[CODE] where: why (have …; need …) - help`. An *error* stops or makes the exit status 1,"
    yield "a *warning* and a *note* do not; `--allow CODE` lets an error finding pass, and the report lists it.\n"
    for code, page in PAGES.items():
        yield f"## {code}\n"
        for part in (page.what, page.why):
            if part:
                yield f"{plain(part)}\n"
        if page.example:
            yield f"Example: {plain(page.example)}\n"
        if page.help:
            yield f"What to do: {plain(page.help)}\n"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table and an empty line."""
    heads = tuple(heads)
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(plain(cell).replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def first(thing: object) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def plain(text: str) -> str:
    """`text` with what Markdown would take for markup outside of code left as it is written."""
    parts = text.split("`")
    parts[::2] = [p.replace("*", r"\*").replace("<", r"\<") for p in parts[::2]]
    return "`".join(parts)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


PAGES_MADE = {"supported.md": supported, "errors.md": errors}

if __name__ == "__main__":
    for name, made in PAGES_MADE.items():
        (HERE / name).write_text(made(), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
