# pyright: basic, reportMissingImports=false
"""A convolution of ours, for what Lava's stock Conv cannot say: more than 127 groups, and sums of more than 24 bits.

Lava runs every file beside the one that defines a process: only processes may stand here.
"""

import numpy as np
from convolution import Convolution
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class WideConv(AbstractProcess):
    """As lava.proc.conv.process.Conv, with (rows, columns) for its pairs; `output_shape` is told.

    weight: (channels out, rows, columns, channels in / groups), flipped as for Conv.
    """

    def __init__(self, *, weight, input_shape, output_shape, stride, padding, dilation):
        super().__init__(
            weight=weight,
            output_shape=output_shape,
            stride=stride,
            padding=padding,
            dilation=dilation,
        )
        self.s_in = InPort(shape=input_shape)
        self.a_out = OutPort(shape=output_shape)


@implements(proc=WideConv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class WideConvModel(PyLoihiProcessModel):
    """Sends the sums of the step before, as every synapse of Lava does."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        geometry = (proc_params[k] for k in ("weight", "stride", "padding", "dilation"))
        self.convolve = Convolution(*geometry)
        self.sums = np.zeros(proc_params["output_shape"], np.int32)

    def run_spk(self):
        """One step."""
        self.a_out.send(self.sums)
        self.sums = self.convolve(self.s_in.recv()).astype(np.int32)
