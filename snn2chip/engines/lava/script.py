"""A plan as a Lava script that people read and run without snn2chip, with its data and what it must fire."""

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.engines.lava.lif import channels_last
from snn2chip.engines.lava.plan import Argument, Node, Plan
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording

EXPECTED = "expected "
"""Before the name of a population in data.npz: what it must send."""

CALLS = {
    "Source": "source.RingBuffer",
    "Dense": "dense",
    "Diagonal": "diagonal",
    "Delay": "delay",
}
"""How the script makes a node, where that is not the name of its kind."""

HEAD = '''\
"""{title}: the integer program as Lava processes. Written by snn2chip, runs without it.

    python program.py          in simulation, Lava's fixed-point models
    python program.py --chip   on Loihi 2, with Intel's extension of Lava, which is not public: we have never tried it

Needs lava-nc 0.10.0 (Python 3.10; shim.py makes 3.11 and 3.12 do). {samples} samples of {steps} steps follow
each other; a population of depth d runs step t of sample i in column i * {steps} + t + d. Arrays are (rows,
columns, channels). At the end every spike is compared with what snn2chip recorded; the exit status is 0 where
none differs.
{ours}"""

import sys
from pathlib import Path

import shim  # before anything of Lava
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.graded.process import GradedVec
from lava.proc.io import sink, source
from lava.proc.lif.process import LIF, LIFReset
from lava.utils import loihi
{imports}
CHIP = "--chip" in sys.argv
if CHIP and not loihi.is_installed():
    sys.exit("--chip needs Intel's extension of Lava for Loihi, which is not installed here")
DATA = dict(np.load(Path(__file__).with_name("data.npz")))
SAMPLES, STEPS, COLUMNS = {samples}, {steps}, {columns}

'''

OURS = "Processes of ours (folder processes/) exist in simulation only: {names}.\n"
CHECK_OURS = """\
if CHIP:
    sys.exit("these populations need processes of ours, which run in simulation only: {names}")

"""
READOUT = "\nif not CHIP:  # the read-out is ours: Lava's own neurons do not send membranes\n"
INDENT = " " * 4

CONNECT = '''
def connect(out, into):
    """Values of several sources add; shapes may differ, sizes not."""
    (out if out.shape == into.shape else out.reshape(into.shape)).connect(into)


def from_host(out, bits):
    """What the host sends, as the chip takes it."""
    if not CHIP:
        return out
    from lava.proc.embedded_io.spike import PyToNxAdapter

    adapter = PyToNxAdapter(shape=out.shape, num_message_bits=bits)
    out.connect(adapter.inp)
    return adapter.out


def record(outs):
    """A sink for the sum of these ports."""
    kept = sink.RingBuffer(shape=outs[0].shape, buffer=COLUMNS)
    into = kept.a_in
    if CHIP:
        from lava.proc.embedded_io.spike import NxToPyAdapter

        adapter = NxToPyAdapter(shape=outs[0].shape, num_message_bits=24)
        adapter.out.connect(kept.a_in)
        into = adapter.inp
    for out in outs:
        out.connect(into)
    return kept


'''

TAIL = """
first = {first}
configuration = Loihi2HwCfg() if CHIP else Loihi2SimCfg(select_tag="fixed_pt")
first.run(condition=RunSteps(num_steps=COLUMNS), run_cfg=configuration)

differing = 0
for name, (kept, depth, membrane) in recorded.items():
    got = kept.data.get().astype(int)[..., depth : depth + SAMPLES * STEPS]
    if membrane:  # of a read-out: what it holds at the end of each sample
        got = got[..., STEPS - 1 :: STEPS]
    expected = DATA["expected " + name]
    wrong = int((got != expected).sum())
    differing += wrong
    print(f"{{name:<32}} {{expected.size:>12,}} compared, {{wrong:>6,}} differ", flush=True)
first.stop()
print("all equal" if not differing else f"{{differing:,}} differ")
sys.exit(bool(differing))
"""


def script(plan: Plan, qc: QuantizedCircuit, samples: int) -> str:
    """program.py."""
    names = _identifiers(plan)
    readout = _readout(plan)
    ours = {name for name, node in plan.nodes.items() if not node.stock}
    refused = chip_refuses(plan)
    head = HEAD.format(
        title=qc.provenance.title,
        samples=samples,
        steps=qc.steps,
        columns=plan.steps,
        ours=OURS.format(names=", ".join(sorted(ours))) if ours else "",
        imports="".join(f"{line}\n" for line in _imports(plan)),
    )
    chip, host = set(plan.nodes) - readout, readout
    return "".join(
        [
            head,
            CHECK_OURS.format(names=", ".join(refused)) if refused else "",
            CONNECT,
            *_processes(plan, names, chip),
            "\n",
            *_wires(plan, qc, names, chip),
            "\nrecorded = {\n",
            *(f"    {name!r}: ({told}),\n" for name, told in _sinks(plan, qc, names, chip)),
            "}\n",
            READOUT if host else "",
            *(_indented(line) for line in _processes(plan, names, host)),
            *(_indented(line) for line in _wires(plan, qc, names, host)),
            *(
                _indented(f"recorded[{name!r}] = {told}\n")
                for name, told in _sinks(plan, qc, names, host)
            ),
            TAIL.format(first=names[next(iter(plan.nodes))]),
        ]
    )


def chip_refuses(plan: Plan) -> tuple[str, ...]:
    """The processes of ours for which the script refuses --chip; it leaves the read-out out there."""
    ours = {name for name, node in plan.nodes.items() if not node.stock}
    return tuple(sorted(ours - _readout(plan)))


def _indented(text: str) -> str:
    return "".join(f"{INDENT}{line}\n" for line in text.splitlines())


def _imports(plan: Plan) -> list[str]:
    kinds = {n.kind for n in plan.nodes.values()}
    helpers = sorted(CALLS[k] for k in kinds & {"Dense", "Diagonal", "Delay"})
    modules = {"Neurons": "neurons", "WideConv": "wide_conv"}
    found = [f"from kinds import {', '.join(helpers)}"] if helpers else []
    return found + [f"from processes.{modules[k]} import {k}" for k in sorted(kinds & set(modules))]


def _readout(plan: Plan) -> set[str]:
    """Neurons that send membranes, and what feeds nothing else."""
    found = {n for n, node in plan.nodes.items() if node.arguments.get("emits") == "membrane"}
    targets: dict[str, set[str]] = {}
    for w in plan.wires:
        targets.setdefault(w.source, set()).add(w.target)
    synapses = [n for n, node in plan.nodes.items() if "num_message_bits" in node.arguments]
    while more := {n for n in synapses if n not in found and targets[n] <= found}:
        found |= more
    return found


def data(plan: Plan, qc: QuantizedCircuit, recording: Recording) -> Mapping[str, NDArray[Any]]:
    """data.npz: the arrays of the processes, and what each population must send, [rows, columns, channels, N·T]."""
    arrays: dict[str, NDArray[Any]] = {
        f"{name} {key}": value
        for name, node in plan.nodes.items()
        for key, value in node.arguments.items()
        if isinstance(value, np.ndarray)
    }
    for sink in plan.sinks:
        p = qc.population(sink.population)
        if p.neuron.emits is Emits.NOTHING:
            values = channels_last(recording.potentials[p.name])
            arrays[f"{EXPECTED}{p.name}"] = np.moveaxis(values, 0, -1)
        else:
            values = np.moveaxis(channels_last(recording.outputs[p.name]), (1, 0), (-2, -1))
            arrays[f"{EXPECTED}{p.name}"] = values.reshape(*values.shape[:3], -1)
    return arrays


def _identifiers(plan: Plan) -> dict[str, str]:
    """Node -> a name that Python takes."""
    found: dict[str, str] = {}
    for name in plan.nodes:
        word = re.sub(r"\W+", "_", name).strip("_")
        word = f"p_{word}" if not word.isidentifier() or keyword.iskeyword(word) else word
        while word in found.values():
            word += "_"
        found[name] = word
    return found


def _processes(plan: Plan, names: Mapping[str, str], part: set[str]) -> Iterator[str]:
    for name, node in plan.nodes.items():
        if node.kind != "Sink" and name in part:
            yield f"{names[name]} = {_call(name, node)}\n"


def _call(name: str, node: Node) -> str:
    given = [f"{key}={_value(f'{name} {key}', v)}" for key, v in node.arguments.items()]
    call = f"{CALLS.get(node.kind, node.kind)}"
    line = f"{call}({', '.join(given)})"
    return line if len(line) < 100 else f"{call}(\n    " + ",\n    ".join(given) + ",\n)"


def _value(key: str, value: Argument) -> str:
    return f"DATA[{key!r}]" if isinstance(value, np.ndarray) else repr(value)


def _wires(
    plan: Plan, qc: QuantizedCircuit, names: Mapping[str, str], part: set[str]
) -> Iterator[str]:
    bits = 0 if qc.input.bits == 1 and not qc.input.signed else 24
    hosts = {name for name, node in plan.nodes.items() if node.kind == "Source"}
    for host in hosts & part:
        yield f"sent = from_host({names[host]}.s_out, {bits})\n"
    for w in plan.wires:
        if plan.nodes[w.target].kind != "Sink" and w.target in part:
            out = "sent" if w.source in hosts else f"{names[w.source]}.{w.out}"
            yield f"connect({out}, {names[w.target]}.{w.into})\n"


def _sinks(
    plan: Plan, qc: QuantizedCircuit, names: Mapping[str, str], part: set[str]
) -> Iterator[tuple[str, str]]:
    """(population, its sink and when it starts)."""
    for sink in plan.sinks:
        target = f"{sink.population}/out"
        senders = [w for w in plan.wires if w.target == target]
        if not {w.source for w in senders} <= part:
            continue
        outs = ", ".join(f"{names[w.source]}.{w.out}" for w in senders)
        membrane = qc.population(sink.population).neuron.emits is Emits.NOTHING
        yield sink.population, f"record([{outs}]), {sink.depth}, {membrane}"
