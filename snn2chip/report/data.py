"""ReportData: everything that a report shows, as plain values, in the order in which it is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from snn2chip.chip.use import LayerUse
from snn2chip.report.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing to know: label, value, a half sentence on what it means, and the id of what shows more."""

    label: str
    value: str
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RungRow:
    """One rung of the verification. `must`: what has to hold; `state`: holds, measured or FAILS."""

    rung: str
    title: str
    sides: tuple[str, ...]
    must: str
    state: str
    compared: int
    differing: int
    ties: int
    first: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """Outputs of one population (or read-out): compared with the spec's, and how many differ by executor."""

    layer: str
    compared: int
    differing: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Rung 3, executor by executor. `proves`: what each one's agreement says."""

    executors: tuple[str, ...]
    proves: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRow:
    """One lowering pass: nodes before and after, and what it did ("" where nothing)."""

    name: str
    before: int
    after: int
    did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One row of the network's picture. `reads`: what it sums, with the steps that a spike is held."""

    name: str
    role: str
    detail: str
    reads: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Edges that skip rows: from row `source` down a line in `lane` (0: closest) into the rows `targets`."""

    source: int
    targets: tuple[int, ...]
    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The network as rows, one under the other. `steps`: rows i that row i + 1 reads; `branches`: all other edges."""

    nodes: tuple[Node, ...]
    steps: tuple[int, ...]
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One population. Rates: outputs per neuron and step, of the original and on the chip; None where not recorded.

    `differing`, `compared`: outputs of the layer that rounding changed. `peak`: largest |v| seen, as a part of what the
    membrane holds; `clips`: never (proved), not seen, or seen. `depth`: chip steps behind the input.
    """

    name: str
    role: str
    shape: str
    neurons: int
    weights: int
    weight_bits: int
    depth: int
    original_rate: float | None
    rate: float | None
    differing: int | None
    compared: int | None
    peak: float | None
    clips: str
    cores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One kind of parameter of a layer: the float values, the integers, what these are worth, and the largest error.

    `note`: how an integer is read.
    """

    kind: str
    count: int
    original: str
    integer: str
    effective: str
    error: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerParameters:
    """The parameters of one population. `neuron`: how it fires and resets."""

    layer: str
    neuron: str
    rows: tuple[ParameterRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Spikes of some neurons (rows) over the steps of some samples (columns).

    `paths`: SVG paths of unit squares, by size of the output (1, 2, 3 or more).
    """

    layer: str
    neurons: int
    rows: int
    samples: int
    steps: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """What one core uses of one limit."""

    limit: str
    have: int
    need: int

    @property
    def share(self) -> float:
        """Part of the limit in use."""
        return self.have / self.need


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreRow:
    """One core. `binding`: the limit of which it uses most."""

    number: int
    chip: int
    layer: str
    tile: str
    uses: tuple[LimitUse, ...]

    @property
    def binding(self) -> LimitUse:
        """The fullest limit."""
        return max(self.uses, key=lambda u: u.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFrame:
    """A chip in the picture of the mesh, in tiles."""

    number: int
    x: int
    y: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSquare:
    """A tile in the picture. `share`: of what goes through the busiest tile; `text`: its cores and load."""

    x: int
    y: int
    share: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A link between two chips, and the messages of one sample over it."""

    chips: str
    messages: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The mesh with its cores and loads. `width`, `height` in tiles; `ways`: the busiest links between chips."""

    facts: tuple[Fact, ...]
    width: int
    height: int
    chips: tuple[ChipFrame, ...]
    tiles: tuple[TileSquare, ...]
    ways: tuple[Way, ...]
    certificate: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Cores by layer and one by one. `limits`: limit -> its name for people, in the order of `uses`."""

    limits: Mapping[str, str]
    layers: tuple[LayerUse, ...]
    cores: tuple[CoreRow, ...]
    places: Places


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow:
    """One layer: what was counted per sample, and what it costs in picojoule (None without prices)."""

    layer: str
    synops: float
    updates: float
    spikes: float
    energy_pj: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyLine:
    """One kind of operation. `price`, `cost`: "" where there is none."""

    name: str
    count: str
    price: str
    cost: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Counts and cost per sample. `lines`: count times price; `notes`: what is missing, what is assumed."""

    facts: tuple[Fact, ...]
    lines: tuple[EnergyLine, ...]
    layers: tuple[EnergyRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding in words."""

    severity: str
    code: str
    where: str
    text: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """All of a report. `headline`: the verdict in one sentence; `passed`: whether it holds; `plain`: both in words.

    `build`: its folder, quoted. `profile`: what rounding changed in each layer (None: nothing); `worst`: the row of
    the layer with most of it.
    """

    title: str
    subtitle: str
    passed: bool
    headline: str
    plain: tuple[str, ...]
    summary: tuple[Fact, ...]
    rungs: tuple[RungRow, ...]
    matrix: Matrix
    not_exercised: tuple[str, ...]
    left_out: tuple[str, ...]
    identity: tuple[Fact, ...]
    picture: Picture
    layers: tuple[LayerRow, ...]
    profile: Chart | None
    worst: int | None
    passes: tuple[PassRow, ...]
    parameters: tuple[LayerParameters, ...]
    rasters: tuple[Raster, ...]
    fit: Fit
    energy: Energy | None
    findings: tuple[FindingRow, ...]
    limits: tuple[str, ...]
    build: str
    commands: tuple[Fact, ...]
