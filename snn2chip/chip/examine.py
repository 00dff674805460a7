"""The packed words, read once: what the audit finds in them, and translation validation.

Reading is the slow part of both: a core of Loihi 1 is packed again to see whether its words are those of its contents.
"""

from collections.abc import Iterator

from snn2chip.chip.audit import audit_facts, core_facts_of
from snn2chip.chip.program import CoreContents, Program
from snn2chip.chip.rule import CoreFacts, Facts
from snn2chip.chip.target import Target
from snn2chip.chip.unpack import unpack_cores, unpack_hosts
from snn2chip.chip.validate import Validation, validate_contents
from snn2chip.errors import Finding, StatementError
from snn2chip.quantize.types import QuantizedCircuit


def examine(
    program: Program, target: Target, qc: QuantizedCircuit
) -> tuple[tuple[Finding, ...], Validation]:
    """(what breaks a rule, the circuit rebuilt): as `audit` and `validate`, one core in memory at a time."""
    found: list[CoreFacts] = []

    def read() -> Iterator[CoreContents]:
        for number, contents in enumerate(unpack_cores(program, target)):
            found.append(core_facts_of(program, number, contents))
            yield contents

    cores = read()
    try:
        hosts = unpack_hosts(program)
        validation = validate_contents(program, cores, hosts, qc)
        for _ in cores:  # where validation stopped before it had seen them all
            pass
    except StatementError as e:
        return (e.finding,), Validation(compared=0, differing=1, findings=(e.finding,))
    facts = Facts(program=program, target=target, cores=tuple(found), hosts=hosts)
    return audit_facts(facts), validation
