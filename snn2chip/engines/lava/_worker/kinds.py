# pyright: basic, reportMissingImports=false
"""Lava's own synapses with the arguments under which they are exact."""

import numpy as np
from lava.proc.dense.process import Dense
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import diags


def dense(*, weights, exponent, num_message_bits):
    """Weights << exponent, every input to every output. Mixed weights lose their lowest bit: they are sent doubled."""
    return Dense(
        weights=2 * weights,
        weight_exp=exponent - 1,
        sign_mode=SignMode.MIXED,
        num_message_bits=num_message_bits,
    )


def diagonal(*, weights, exponent, num_message_bits):
    """Weights[i] << exponent, of input i to output i."""
    return Sparse(
        weights=diags(2 * weights, format="csr", dtype=np.int32),
        weight_exp=exponent - 1,
        sign_mode=SignMode.MIXED,
        num_message_bits=num_message_bits,
    )


def delay(*, size, steps, num_message_bits):
    """Input i to output i, `steps` + 1 steps later (every synapse takes one)."""
    return DelaySparse(
        weights=diags(np.full(size, 2), format="csr", dtype=np.int32),
        delays=diags(np.full(size, steps), format="csr", dtype=int),
        weight_exp=-1,
        sign_mode=SignMode.MIXED,
        num_message_bits=num_message_bits,
    )
