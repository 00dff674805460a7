"""`cost`: what one convolution takes of a chip, before there is a network."""

from dataclasses import dataclass

from snn2chip.chip.cost import WORD_BITS, ConvCost, ConvShape, Use, cost_of
from snn2chip.chip.target import Target, load_target
from snn2chip.circuit.types import Shape
from snn2chip.errors import Snn2ChipError, StatementError

_NAMES = {
    "axon_map_words": "axon map words",
    "axon_memory_words": "axon memory words",
    "axons_in": "axons in",
    "axons_out": "axons out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A cost; `given`: the tile was, and not chosen by the splitter."""

    cost: ConvCost
    given: bool

    def lines(self) -> list[str]:
        """Shapes, cores, and a line for each limit."""
        c, conv = self.cost, self.cost.conv
        channels, rows, columns = conv.shape
        groups = f", {conv.groups} groups" if conv.groups > 1 else ""
        kernel = f"{conv.kernel}x{conv.kernel}, stride {conv.stride}{groups}"
        whose = "as given" if self.given else "the splitter's choice"
        lines = [
            f"convolution {conv.inputs} -> {conv.outputs}, {kernel}, weights of {c.weight_bits} bits, on {c.target}",
            f"source {_size(conv.source)}x{conv.inputs} -> map {rows}x{columns}x{channels}, "
            f"{channels * rows * columns:,} neurons",
            f"tile {_size(c.tile[1:])}x{c.tile[0]} ({whose}): {c.cores} cores; "
            f"no tile takes fewer than {c.floor}, neurons alone {c.neuron_floor}",
        ]
        lines += [_line(name, use, binds=name == c.binds) for name, use in c.uses.items()]
        lines.append("  axons out: as if one core read every spike")
        return lines if c.fits else [*lines, _misfit(c)]

    def to_dict(self) -> dict[str, object]:
        """Plain values; tiles and maps are rows, columns, channels."""
        c, conv = self.cost, self.cost.conv
        channels, rows, columns = conv.shape
        return {
            "target": c.target,
            "inputs": conv.inputs,
            "outputs": conv.outputs,
            "kernel": conv.kernel,
            "stride": conv.stride,
            "groups": conv.groups,
            "source": list(conv.source),
            "map": [rows, columns, channels],
            "neurons": channels * rows * columns,
            "weight_bits": c.weight_bits,
            "tile": [*c.tile[1:], c.tile[0]],
            "tile_given": self.given,
            "cores": c.cores,
            "cores_floor": c.floor,
            "cores_floor_neurons": c.neuron_floor,
            "synapse_bits": _synapse_bits(c),
            "uses": {
                name: {
                    "need": u.need,
                    "limit": u.limit,
                    "share": None if u.need is None else u.share,
                }
                for name, u in c.uses.items()
            },
            "binds": c.binds,
            "fits": c.fits,
        }


def _line(name: str, use: Use, *, binds: bool) -> str:
    shown = _NAMES.get(name, name.replace("_", " "))
    if use.need is None:
        return f"  {shown:<18} cannot be counted: more neurons than a core tells apart"
    share = f"{100 * use.share:>8.2f} %{'  <- binds' if binds else ''}"
    return f"  {shown:<18} {use.need:>9,} of {use.limit:>7,} {share}"


def _misfit(c: ConvCost) -> str:
    """What the tile needs too much of."""
    over = [
        f"{_NAMES.get(name, name.replace('_', ' '))}: need {u.need:,}, have {u.limit:,}"
        for name, u in c.uses.items()
        if u.need is not None and not u.fits
    ]
    return f"does not fit a core of {c.target}: {'; '.join(over)}"


def _synapse_bits(c: ConvCost) -> int | None:
    words = c.uses["synapse_words"].need
    return None if words is None else WORD_BITS * words


def cost(
    conv: str,
    source: str,
    *,
    target: str = "loihi2",
    tile: str | None = None,
    weight_bits: int | None = None,
) -> Cost:
    """Cost of `conv` = IN,OUT,K,STRIDE[,GROUPS] on a map of `source` = HxW, in tiles of HxWxC or of the best size.

    Errors: option-value for a text that is no such shape; StatementError map-fit where no tile fits.
    """
    chip = load_target(target)
    shape = _conv(conv, source)
    bits = _bits(weight_bits, chip)
    found = cost_of(shape, chip, bits, None if tile is None else _tile(tile, shape))
    if found is None:
        raise StatementError(
            "map-fit",
            f"--conv {conv}",
            f"does not fit a core of {chip.name}, however it is cut",
            help="fewer input channels, smaller kernels or fewer weight bits",
        )
    return Cost(cost=found, given=tile is not None)


def _conv(text: str, source: str) -> ConvShape:
    need = "IN,OUT,K,STRIDE or IN,OUT,K,STRIDE,GROUPS"
    numbers = _numbers(text, ",")
    if len(numbers) not in (4, 5):
        raise _wrong("--conv", text, "is no convolution", need)
    inputs, outputs, kernel, stride = numbers[:4]
    groups = numbers[4] if len(numbers) == 5 else 1
    if inputs % groups or outputs % groups:
        raise _wrong("--conv", text, "has channels that its groups do not divide", need)
    size = _numbers(source, "x")
    if len(size) != 2:
        raise _wrong("--source", source, "is no map", "HxW, such as 56x56")
    conv = ConvShape(
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        stride=stride,
        groups=groups,
        source=(size[0], size[1]),
    )
    if min(conv.shape) < 1:
        raise _wrong("--source", source, f"is smaller than a kernel of {kernel}", "a larger map")
    return conv


def _tile(text: str, conv: ConvShape) -> Shape:
    numbers = _numbers(text, "x")
    channels, rows, columns = conv.shape
    if len(numbers) != 3:
        raise _wrong("--tile", text, "is no tile", "HxWxC, such as 4x14x32")
    if numbers[0] > rows or numbers[1] > columns or numbers[2] > channels:
        raise _wrong(
            "--tile", text, "is larger than the map", f"at most {rows}x{columns}x{channels}"
        )
    return (numbers[2], numbers[0], numbers[1])


def _bits(asked: int | None, target: Target) -> int:
    most = target.widths.weight_bits
    bits = most if asked is None else asked
    if not 1 <= bits <= most:
        raise _wrong("--weight-bits", str(bits), "is no width of this target", f"1..{most}")
    return bits


def _numbers(text: str, between: str) -> list[int]:
    """The whole numbers from 1 to a million in `text`; none where something else stands there."""
    parts = text.split(between)
    fine = all(p.isascii() and p.isdigit() and 0 < int(p) <= 1_000_000 for p in parts)
    return [int(p) for p in parts] if fine else []


def _wrong(option: str, text: str, why: str, need: str) -> Snn2ChipError:
    return Snn2ChipError("option-value", f"{option} {text}", why, need=need)


def _size(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))
