"""Names of layers that passes make: a projection is called as the convolution or linear layer of the paper."""

from snn2chip.lowering.graph import renamed
from snn2chip.network.types import Network

_KERNEL = "#kernel"


def kernel_name(name: str) -> str:
    """While a pass sweeps: the kernel of a layer whose own name stands for kernel and bias together."""
    return name + _KERNEL


def with_kernel_names(network: Network) -> Network:
    """The kernel gets the layer's name, and what is added to it `name#bias`."""
    names: dict[str, str] = {}
    taken = {layer.name for layer in network.layers}
    for layer in network.layers:
        if not layer.name.endswith(_KERNEL):
            continue
        base = layer.name
        while base.endswith(_KERNEL):
            base = base.removesuffix(_KERNEL)
        names[layer.name] = base
        if base in taken:
            names[base] = f"{base}#bias"
    return renamed(network, names)
