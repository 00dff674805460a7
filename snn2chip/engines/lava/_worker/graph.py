# pyright: basic, reportMissingImports=false
"""From a plan to a network of Lava processes, and a run of it.

A plan is a folder with plan.json and arrays.npz: `steps` to run, `fast`, `nodes` {name: {kind, arguments}} and `wires`
[from, port, to, port]. An argument that is an array stands as {"array": key}. Sums meet where several wires end.
"""

import json
import time
from pathlib import Path

import numpy as np
from kinds import delay, dense, diagonal
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.graded.process import GradedVec
from lava.proc.io import sink, source
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.sparse.process import DelaySparse
from models import FastConv, FastDelay, FastDense, FileSink
from processes.neurons import Neurons
from processes.wide_conv import WideConv

CHANNEL_SLOTS = 2
"""Messages that a channel holds. Lava's own 64 fill the shared memory of a small container."""

CHUNK_SECONDS = 1.0


def file_sink(*, shape, file):
    """A sink whose rows go to a file."""
    process = sink.RingBuffer(shape=tuple(shape), buffer=1)
    process.proc_params["file"] = file
    return process


KINDS = {
    "Source": lambda data: source.RingBuffer(data=data),
    "Conv": Conv,
    "WideConv": WideConv,
    "Dense": dense,
    "Diagonal": diagonal,
    "Delay": delay,
    "LIF": LIF,
    "LIFReset": LIFReset,
    "GradedVec": GradedVec,
    "Neurons": Neurons,
    "Sink": file_sink,
}


def build(nodes, arrays, folder):
    """The processes by name; the files of sinks are made."""
    processes = {}
    for node, told in nodes.items():
        given = {k: argument(v, arrays) for k, v in told["arguments"].items()}
        if told["kind"] == "Sink":
            rows: tuple = (given.pop("steps"), *given["shape"])
            given["file"] = str(folder / given["file"])
            np.lib.format.open_memmap(given["file"], "w+", np.int32, rows).flush()
        processes[node] = KINDS[told["kind"]](**given)
    return processes


def argument(value, arrays):
    """An argument as Lava takes it: arrays by key, pairs and shapes as tuples."""
    if isinstance(value, dict):
        return arrays[value["array"]]
    return tuple(value) if isinstance(value, list) else value


def connect(processes, wires):
    """All wires; the ends of one may have different shapes of the same size."""
    for origin, out, target, into in wires:
        sender, receiver = getattr(processes[origin], out), getattr(processes[target], into)
        if sender.shape != receiver.shape:
            sender = sender.reshape(receiver.shape)
        sender.connect(receiver)


def run(folder: Path, told) -> None:
    """Run a plan to its end; `told(steps done)` after each part."""
    plan = json.loads((folder / "plan.json").read_text())
    with np.load(folder / "arrays.npz", allow_pickle=False) as z:
        arrays = dict(z)
    processes = build(plan["nodes"], arrays, folder)
    connect(processes, plan["wires"])
    first = next(iter(processes.values()))
    models = {sink.RingBuffer: FileSink}
    if plan["fast"]:
        models |= {Conv: FastConv, DelaySparse: FastDelay, Dense: FastDense}
    configuration = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models)
    done, part = 0, 1
    while done < plan["steps"]:
        part = min(part, plan["steps"] - done)
        began = time.perf_counter()
        first.run(
            condition=RunSteps(num_steps=part),
            run_cfg=configuration,
            compile_config={"pypy_channel_size": CHANNEL_SLOTS},
        )
        spent = time.perf_counter() - began
        done += part
        told(done)
        part = max(1, min(4 * part, int(part * CHUNK_SECONDS / spent)))
    first.stop()
