"""Builds a Network layer by layer from the tensors of a checkpoint, and keeps account of which were used."""

from dataclasses import dataclass, field

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.types import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    Network,
    NetworkInput,
    Neuron,
    Op,
    Provenance,
    ReadOut,
)
from snn2chip.neuron import NeuronModel
from snn2chip.readers.checkpoint import Container, Tensors
from snn2chip.readers.options import Options

COUNTER = ".num_batches_tracked"
"""A tensor of every batch norm that only training uses."""

EPS = 1e-5
"""torch's default, which most authors keep."""


@dataclass(slots=True, kw_only=True)
class Builder:
    """Every method adds a layer and returns its name; tensors are checked as they are taken.

    `left_out`: what the reader took out of the container before, one sentence each.
    """

    container: Container
    left_out: tuple[str, ...] = ()
    layers: list[Layer] = field(default_factory=list[Layer])
    taken: set[str] = field(default_factory=set[str])

    def add(self, name: str, op: Op, *inputs: str) -> str:
        """Any layer."""
        self.layers.append(Layer(name=name, op=op, inputs=inputs))
        return name

    def tensor(self, key: str, *shape: int | None) -> FloatArray:
        """The tensor `key`; None in `shape` fits any size of that axis."""
        where = f"{self.container.path}: {self.container.key_of(key)}"
        if key not in self.container.tensors:
            spare = [k for k in self.container.tensors if k not in self.taken]
            raise Snn2ChipError(
                "checkpoint-missing-key", where, "is missing", help=did_you_mean(key, spare)
            )
        array = self.container.tensors[key]
        fits = len(array.shape) == len(shape) and all(
            have > 0 and need in (None, have) for have, need in zip(array.shape, shape, strict=True)
        )
        if not fits:
            need = ", ".join("any" if n is None else str(n) for n in shape)
            raise Snn2ChipError(
                "checkpoint-shape",
                where,
                "has another shape",
                have=str(list(array.shape)),
                need=f"[{need}]",
            )
        self.taken.add(key)
        return floats(array)

    def conv(
        self, path: str, source: str, inputs: int, outputs: int | None = None, stride: int = 1
    ) -> tuple[str, int]:
        """(name, output channels) of the convolution without bias `path`.weight; padding is kernel // 2."""
        weight = self.tensor(f"{path}.weight", outputs, inputs, None, None)
        out, _, rows, columns = weight.shape
        if rows != columns or rows % 2 == 0:
            raise Snn2ChipError(
                "checkpoint-shape",
                f"{self.container.path}: {path}.weight",
                "is no square kernel of odd size",
                have=str(list(weight.shape)),
            )
        pad = (rows // 2, rows // 2)
        return self.add(
            path, Conv2d(weight=weight, stride=(stride, stride), padding=pad), source
        ), out

    def norm_of(
        self,
        path: str,
        channels: int,
        factor: float = 1.0,
        *,
        eps: float = EPS,
        eps_outside: bool = False,
        affine: bool = True,
    ) -> BatchNorm:
        """The batch norm `path`; without `affine` its weight is 1 and its bias 0."""
        ones, zeros = floats(np.ones(channels)), floats(np.zeros(channels))
        var = self.tensor(f"{path}.running_var", channels)
        if bool((var < 0).any()):
            raise Snn2ChipError(
                "checkpoint-values",
                f"{self.container.path}: {path}.running_var",
                f"is negative: {float(var.min()):g}",
                need="variances of at least 0",
            )
        return BatchNorm(
            weight=self.tensor(f"{path}.weight", channels) if affine else ones,
            bias=self.tensor(f"{path}.bias", channels) if affine else zeros,
            mean=self.tensor(f"{path}.running_mean", channels),
            var=var,
            eps=eps,
            eps_outside=eps_outside,
            factor=factor,
        )

    def norm(self, path: str, source: str, channels: int) -> str:
        """An ordinary batch norm as a layer."""
        return self.add(path, self.norm_of(path, channels), source)

    def neuron(self, path: str, model: NeuronModel, source: str) -> str:
        """A layer of neurons."""
        return self.add(path, Neuron(model=model), source)

    def head(
        self,
        path: str,
        source: str,
        channels: int,
        size: tuple[int, int],
        *,
        pool: str = "avgpool",
        has_bias: bool = True,
    ) -> int:
        """Average pool over the map of `size`, flatten, linear layer `path`; returns the number of its outputs."""
        pooled = self.add(pool, AvgPool2d(kernel=size, stride=size), source)
        flat = self.add("flatten", Flatten(), pooled)
        return self.linear(path, flat, channels, has_bias=has_bias)

    def linear(self, path: str, source: str, features: int, *, has_bias: bool = True) -> int:
        """The linear layer `path`; returns the number of outputs."""
        weight = self.tensor(f"{path}.weight", None, features)
        bias = self.tensor(f"{path}.bias", len(weight)) if has_bias else None
        self.add(path, Linear(weight=weight, bias=bias), source)
        return len(weight)

    def state(self) -> Tensors:
        """The tensors that were taken, in the file's precision, for a module of the zoo."""
        return {k: self.container.tensors[k] for k in self.taken}

    def network(
        self,
        input: NetworkInput,
        steps: int,
        readout: str,
        system: str,
        arch: str,
        o: Options,
    ) -> Network:
        """The network of all layers; the mean over the steps of `readout` is its answer."""
        spare = [k for k in self.container.tensors if k not in self.taken]
        counters = [k for k in spare if k.endswith(COUNTER)]
        own = self.container.key_of
        unused = [f"{own(k)} (no part of the network)" for k in spare if not k.endswith(COUNTER)]
        if counters:
            unused.append(f"{len(counters)} × *{COUNTER} (for training only)")
        return Network(
            input=input,
            steps=steps,
            layers=tuple(self.layers),
            readout=ReadOut(layer=readout, mean=True),
            provenance=Provenance(
                path=self.container.path,
                sha256=self.container.sha256,
                system=system,
                arch=arch,
                options=o.used,
                sources=o.sources,
                assumed=(*self.container.notes, *o.assumed),
                used=len(self.taken),
                unused=(*unused, *self.left_out),
            ),
        )
