# pyright: basic, reportMissingImports=false
"""Neurons of ours, for what Lava's stock LIF cannot say: the whole arithmetic, in chip time.

    c = (gain[t] * a) >> k, toward zero, where there is a gain; else a
    v = clip(decay(v) - owed + (c << f) + bias[t])
    s = v > level, then the reset, then the floor

with decay(v) = sign(v) * ((|v| * (4096 - delta)) >> 12). Column n of a run (counted from 0) is step
(n - depth) mod steps of a sample; a sample starts with membranes of 0. Arrays broadcast against (rows, columns,
channels), those of one value per step lead with the steps.

Lava runs every file beside the one that defines a process: only processes may stand here.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Neurons(AbstractProcess):
    """A population of one level.

    shape: (rows, columns, channels). steps: of a sample. depth: of the population. level, amount, delta, bias: int
    arrays. reset: "zero", "subtract" or "none"; late: the amount is taken in the next step, after the decay. emits:
    "spike", "multispike" (thresholds of 2^shift; reached: one that the membrane equals counts), "graded" (membrane /
    2^shift, halves to even, and the membrane is 0), or "membrane" (after each step: a read-out). gain: int array or
    None, with gain_shift k. floor: of the membrane, or None. limit: membranes are clipped to +-limit.
    """

    def __init__(
        self,
        *,
        shape,
        steps,
        depth,
        level,
        amount,
        delta,
        bias,
        fraction_bits,
        limit,
        reset="zero",
        late=False,
        emits="spike",
        shift=0,
        reached=True,
        gain=None,
        gain_shift=0,
        floor=None,
    ):
        super().__init__(
            shape=shape,
            steps=steps,
            depth=depth,
            level=level,
            amount=amount,
            delta=delta,
            bias=bias,
            fraction_bits=fraction_bits,
            limit=limit,
            reset=reset,
            late=late,
            emits=emits,
            shift=shift,
            reached=reached,
            gain=gain,
            gain_shift=gain_shift,
            floor=floor,
        )
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)


@implements(proc=Neurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class NeuronsModel(PyLoihiProcessModel):
    """The equations above in int64."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        p = proc_params
        self.steps, self.depth = p["steps"], p["depth"]
        self.level, self.amount = wide(p["level"]), wide(p["amount"])
        self.delta, self.bias = wide(p["delta"]), wide(p["bias"])
        self.fraction_bits, self.limit, self.floor = p["fraction_bits"], p["limit"], p["floor"]
        self.reset, self.late, self.emits = p["reset"], p["late"], p["emits"]
        self.shift, self.reached = p["shift"], p["reached"]
        self.gain = None if p["gain"] is None else wide(p["gain"])
        self.gain_shift = p["gain_shift"]
        self.v = np.zeros(p["shape"], np.int64)
        self.owed = np.zeros(p["shape"], np.int64)

    def run_spk(self):
        """One step: receive, integrate, fire, send."""
        step = (self.time_step - 1 - self.depth) % self.steps
        if step == 0:
            self.v[:] = 0
            self.owed[:] = 0
        c = wide(self.a_in.recv())
        if self.gain is not None:
            c = toward_zero(at(self.gain, step) * c, self.gain_shift)
        v = decay(self.v, self.delta) - self.owed + (c << self.fraction_bits) + at(self.bias, step)
        v = np.clip(v, -self.limit, self.limit)
        s, self.v, self.owed = self.fire(v)
        self.s_out.send(s.astype(np.int32))

    def fire(self, v):
        """(what is sent, membrane, owed to the next step) from the membrane after input."""
        nothing = np.zeros_like(v)
        if self.emits == "membrane":
            return v, v, nothing
        if self.emits == "graded":
            return half_even(v, self.shift), nothing, nothing
        if self.emits == "multispike":
            s = np.maximum(v - (0 if self.reached else 1), 0) >> self.shift
        else:
            s = (v > self.level).astype(np.int64)
        owed = nothing
        if self.reset == "zero":
            v = np.where(s > 0, 0, v)
        elif self.reset == "subtract" and self.late:
            owed = s * self.amount
        elif self.reset == "subtract":
            v = v - s * self.amount
        return s, v if self.floor is None else np.maximum(v, self.floor), owed


def wide(values):
    """As int64."""
    return np.asarray(values, np.int64)


def at(values, step):
    """The values of one step."""
    return values[step] if values.ndim == 4 else values


def decay(v, delta):
    """sign(v) * ((|v| * (4096 - delta)) >> 12)."""
    return np.sign(v) * ((np.abs(v) * (4096 - delta)) >> 12)


def toward_zero(a, bits):
    """sign(a) * (|a| >> bits)."""
    return np.sign(a) * (np.abs(a) >> bits)


def half_even(v, bits):
    """V / 2^bits, rounded to the nearest integer, halves to the even one."""
    down = v >> bits
    twice, one = 2 * (v - (down << bits)), 1 << bits
    return down + ((twice > one) | ((twice == one) & (down & 1 == 1)))
