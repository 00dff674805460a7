"""The audit: every limit of the target, checked again from the packed words."""

from collections.abc import Mapping

from snn2chip.chip.formats.format import format_of
from snn2chip.chip.program import CoreContents, Program
from snn2chip.chip.rule import CoreFacts, Facts
from snn2chip.chip.rules import RULES
from snn2chip.chip.target import Target
from snn2chip.chip.unpack import unpack_cores, unpack_hosts, without_weights
from snn2chip.errors import Finding, StatementError


def audit(program: Program, target: Target) -> tuple[Finding, ...]:
    """What breaks a rule, from all rules. Words that cannot be read are the only finding where there are any."""
    try:
        facts = facts_of(program, target)
    except StatementError as e:
        return (e.finding,)
    return tuple(finding for rule in RULES for finding in rule.check(facts))


def facts_of(program: Program, target: Target) -> Facts:
    """What the words of `program` say and how many there are. Raises StatementError at words that no packing makes."""
    cores: list[CoreFacts] = []
    for number, contents in enumerate(unpack_cores(program, target)):
        core = program.cores[number]
        counts = format_of(program.format).count(core, f"core {number}").counts
        cores.append(core_facts(program, number, core.chip, counts, contents))
    return Facts(program=program, target=target, cores=tuple(cores), hosts=unpack_hosts(program))


def core_facts(
    program: Program, number: int, chip: int, counts: Mapping[str, int], contents: CoreContents
) -> CoreFacts:
    """Facts of one core; its layer is named by its first tile."""
    index = contents.tiles[0].population if contents.tiles else 0
    known = 0 < index < len(program.populations)
    connections = [c for t in contents.tiles for c in t.connections]
    return CoreFacts(
        number=number,
        chip=chip,
        layer=program.populations[index] if known else f"population {index}",
        counts=counts,
        contents=without_weights(contents),
        weights=tuple(
            (int(c.weight.min(initial=0)), int(c.weight.max(initial=0))) for c in connections
        ),
    )
