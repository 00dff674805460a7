"""Lowering: Network -> Circuit, pass by pass, each result checked."""

from collections.abc import Callable
from dataclasses import dataclass

from snn2chip.circuit.check import check as check_circuit
from snn2chip.circuit.types import Circuit
from snn2chip.errors import Finding, StatementError, errors_of
from snn2chip.lowering.average_pool import average_pool
from snn2chip.lowering.drop_training_branches import drop_training_branches
from snn2chip.lowering.fold_batch_norm import fold_batch_norm
from snn2chip.lowering.fold_scale import fold_scale
from snn2chip.lowering.gates import gates
from snn2chip.lowering.graded_joins import graded_joins
from snn2chip.lowering.graded_norms import graded_norms
from snn2chip.lowering.graded_pools import graded_pools
from snn2chip.lowering.graph import Report, Rewritten
from snn2chip.lowering.input_norm import input_norm
from snn2chip.lowering.max_pool import max_pool
from snn2chip.lowering.merge_linear import merge_linear
from snn2chip.lowering.substitute_variables import substitute_variables
from snn2chip.lowering.to_circuit import to_circuit
from snn2chip.network.check import check
from snn2chip.network.types import Network

Pass = Callable[[Network], Rewritten]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("drop training branches", drop_training_branches),
    ("graded norms", graded_norms),
    ("fold batch norm", fold_batch_norm),
    ("fold scale", fold_scale),
    ("input norm", input_norm),
    ("gates", gates),
    ("max pool", max_pool),
    ("graded joins", graded_joins),
    ("graded pools", graded_pools),
    ("merge linear", merge_linear),
    ("average pool", average_pool),
    ("substitute variables", substitute_variables),
)
"""In this order; then to_circuit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassNote:
    """What one pass did: layers of neurons, sums and kernels before and after, and a sentence (empty: nothing)."""

    name: str
    before: int
    after: int
    did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What came out, all findings, and a note of every pass. `result` is None where a finding is an error."""

    result: Circuit | None
    findings: tuple[Finding, ...]
    passes: tuple[PassNote, ...]

    @property
    def circuit(self) -> Circuit:
        """The circuit; raises StatementError with the first error if there is none."""
        if self.result is not None:
            return self.result
        first = errors_of(self.findings)[0]
        raise StatementError(
            first.code, first.where, first.why, need=first.need, have=first.have, help=first.help
        )


def lower(network: Network) -> Lowered:
    """The circuit that fires as the network does.

    Nothing is approximated: what no pass can do exactly is an error finding, and then there is no circuit.
    Raises Snn2ChipError if the network itself is wrong.
    """
    check(network)
    findings: list[Finding] = []
    notes: list[PassNote] = []
    for name, rewrite in PASSES:
        done = rewrite(network)
        check(done.network)
        before, after = len(network.layers), len(done.network.layers)
        notes.append(PassNote(name=name, before=before, after=after, did=done.did))
        findings += done.findings
        network = done.network
    if errors_of(findings):
        return Lowered(result=None, findings=tuple(findings), passes=tuple(notes))
    report = Report()
    circuit = to_circuit(network, report)
    if circuit is not None:
        check_circuit(circuit)
    after = 0 if circuit is None else len(circuit.populations)
    notes.append(PassNote(name="to circuit", before=len(network.layers), after=after, did=""))
    return Lowered(result=circuit, findings=(*findings, *report.findings), passes=tuple(notes))
