"""Which modules are layers, that are not looked into."""

from torch import nn

from snn2chip.readers.module.layers import IDENTITIES, LAYERS, RESHAPES
from snn2chip.readers.module.neurons import recognise
from snn2chip.readers.module.refuse import PACKAGES

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def is_leaf(module: nn.Module) -> bool:
    """Neurons of a framework, and layers whose forward is torch's own or a framework's wrapper of it.

    A user's own subclass of a layer with another forward is looked into, like every module of the user's.
    """
    if recognise(module) is not None:
        return True
    for kind in (*LAYERS, *IDENTITIES, *RESHAPES):
        if isinstance(module, kind):
            own = type(module)
            wrapper = own.__module__.split(".")[0] in PACKAGES and own.__name__ == kind.__name__
            return wrapper or own.forward is kind.forward
    return type(module).__module__.startswith("torch.nn") and not isinstance(module, _CONTAINERS)
