# pyright: basic, reportMissingImports=false
"""Models of ours for stock processes: a sink that writes a file, and fast ones for convolutions, delays and matrices.

The graph stays stock; which model runs a process is a choice of the run's configuration.
"""

from collections import deque

import numpy as np
from convolution import Convolution
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io import sink
from lava.proc.sparse.process import DelaySparse
from scipy.sparse import csr_matrix


@implements(proc=sink.RingBuffer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FileSink(PyLoihiProcessModel):
    """Row n of the .npy file `proc_params["file"]` is what arrived in step n. Lava reads a variable value by value."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    data: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.rows = None

    def run_spk(self):
        """One step."""
        if self.rows is None:
            self.rows = np.load(self.proc_params["file"], mmap_mode="r+")
        self.rows[self.time_step - 1] = self.a_in.recv()


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FastConv(PyConvModelFixed):
    """Conv as one matrix product; sums wrap at 24 bits as Lava's do."""

    def run_spk(self):
        """One step."""
        if self.a_buf is None or not hasattr(self, "convolve"):
            self.convolve = Convolution(self.weight, self.stride, self.padding, self.dilation)
            self.a_buf = np.zeros(self.a_out.shape, np.int32)
        self.a_out.send(self.a_buf)
        spikes = self.s_in.recv()
        if not self.num_message_bits.item():
            spikes = spikes != 0
        self.a_buf = self.clamp_precision(self.convolve(spikes)).astype(np.int32)


@implements(proc=DelaySparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FastDelay(PyLoihiProcessModel):
    """DelaySparse that carries each value to its own place, as ours do: a queue of what arrived."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    a_buff: np.ndarray = LavaPyType(np.ndarray, np.int32)
    weights = LavaPyType(csr_matrix, np.int32)
    delays = LavaPyType(csr_matrix, np.int32)
    num_message_bits: np.ndarray = LavaPyType(np.ndarray, int)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.queue = None

    def run_spk(self):
        """One step."""
        if self.queue is None:
            nothing = np.zeros(self.a_out.shape, np.int32)
            self.queue = deque([nothing] * (int(self.delays.max()) + 1))
        self.a_out.send(self.queue.popleft())
        spikes = self.s_in.recv()
        self.queue.append(
            spikes if self.num_message_bits.item() else (spikes != 0).astype(np.int32)
        )


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FastDense(PyLoihiProcessModel):
    """Dense of mixed, even weights (they stay what they are), as a product of float64: exact below 2^53."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    a_buff: np.ndarray = LavaPyType(np.ndarray, np.int32)
    weights: np.ndarray = LavaPyType(np.ndarray, np.float64)
    num_message_bits: np.ndarray = LavaPyType(np.ndarray, int)

    def run_spk(self):
        """One step."""
        self.a_out.send(self.a_buff)
        spikes = self.s_in.recv()
        if not self.num_message_bits.item():
            spikes = spikes != 0
        sums = (self.weights @ spikes.astype(np.float64)).astype(np.int64)
        exponent = self.proc_params.get("weight_exp", 0)
        self.a_buff = (sums << exponent if exponent > 0 else sums >> -exponent).astype(np.int32)
