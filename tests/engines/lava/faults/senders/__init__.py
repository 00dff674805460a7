# pyright: basic, reportMissingImports=false
"""A Lava process that fails in its second step. Lava runs every file of this folder."""

import os
import signal

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Sender(AbstractProcess):
    def __init__(self, *, fault):
        super().__init__(fault=fault)
        self.s_out = OutPort(shape=(1,))


@implements(proc=Sender, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SenderModel(PyLoihiProcessModel):
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        if proc_params["fault"] == "init":
            raise ValueError("no such neuron")

    def run_spk(self):
        fault = self.proc_params["fault"] if self.time_step == 2 else ""
        if fault == "raise":
            raise ZeroDivisionError
        if fault == "exit":
            os._exit(0)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault != "forget":
            self.s_out.send(np.ones(1, np.int32))
