"""Modules of frameworks with weights that floats add exactly, and their own spikes against the float engine's."""

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from snn2chip.errors import Snn2ChipError
from snn2chip.network.engine import run
from snn2chip.network.types import Neuron
from snn2chip.readers.module.read import read_module


def imported(name: str) -> Any:
    """A module of a framework; what it warns of at import is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def dyadic(module, seed=0, largest=1.0):
    """`module` with weights in eighths, and norms that differ from channel to channel."""
    g = torch.Generator().manual_seed(seed)

    def eighths(shape, low, high):
        return (torch.rand(shape, generator=g) * (high - low) + low).mul(8).round() / 8

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                low = -largest if isinstance(part, nn.Linear) else -largest / 2
                part.weight.copy_(eighths(part.weight.shape, low, largest))
                if part.bias is not None:
                    part.bias.copy_(eighths(part.bias.shape, -0.25, 0.25))
            if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
                assert part.running_mean is not None
                assert part.running_var is not None
                part.running_mean.copy_(eighths(part.running_mean.shape, 0.0, 1.0))
                part.running_var.copy_(4.0 ** torch.randint(0, 2, (len(part.bias),), generator=g))
                part.weight.copy_(eighths(part.weight.shape, 0.5, 1.5))
                part.bias.copy_(eighths(part.bias.shape, 0.0, 0.5))
                part.eps = 0.0
    return module.eval()


def images(*shape, seed=0):
    """Values in eighths."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, 9, shape, generator=g) / 8


def equal(module, example, steps, layout=None, lively=True):
    """The Network, after every layer of neurons fired as in the module's own run, with ==.

    `lively`: no layer is silent, and none fires always.
    """
    found = read_module(module, example, steps, layout)
    ours = run(found.network, found.inputs).outputs
    theirs = found.run(found.inputs)
    assert theirs
    for name, spikes in theirs.items():
        assert np.array_equal(ours[name].reshape(spikes.shape), spikes), name
        assert not lively or (spikes.any() and not spikes.all()), name
    return found


def refused(code, module, example, steps=4, layout=None):
    """The one line with which a module is refused."""
    with pytest.raises(Snn2ChipError) as caught:
        read_module(module, example, steps, layout)
    assert caught.value.finding.code == code, caught.value
    assert "\n" not in str(caught.value)
    return str(caught.value)


def models(found):
    """Name -> equations of every layer of neurons."""
    return {x.name: x.op.model for x in found.network.layers if isinstance(x.op, Neuron)}


def layers(found):
    """Name -> inputs of every layer."""
    return {x.name: x.inputs for x in found.network.layers}


def kinds(found):
    """Kinds of operations, in their order."""
    return [type(x.op).__name__ for x in found.network.layers]
