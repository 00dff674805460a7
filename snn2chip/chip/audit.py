"""The audit: every limit of the target, checked again from the packed words."""

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
    return audit_facts(facts)


def audit_facts(facts: Facts) -> tuple[Finding, ...]:
    """What breaks a rule in a program whose words were read."""
    return tuple(finding for rule in RULES for finding in rule.check(facts))


def facts_of(program: Program, target: Target) -> Facts:
    """What the words of `program` say and how many there are. Raises StatementError at words that no packing makes."""
    cores = tuple(
        core_facts_of(program, number, contents)
        for number, contents in enumerate(unpack_cores(program, target))
    )
    return Facts(program=program, target=target, cores=cores, hosts=unpack_hosts(program))


def core_facts_of(program: Program, number: int, contents: CoreContents) -> CoreFacts:
    """Facts of core `number`, whose words say `contents`."""
    core = program.cores[number]
    layers = tuple(_layer(program, tile.population) for tile in contents.tiles)
    return CoreFacts(
        number=number,
        chip=core.chip,
        layer=" + ".join(dict.fromkeys(layers)) or "program",
        layers=layers,
        counts=format_of(program.format).count(core, f"core {number}").counts,
        contents=without_weights(contents),
        weights=tuple(
            tuple(
                (int(c.weight.min(initial=0)), int(c.weight.max(initial=0))) for c in t.connections
            )
            for t in contents.tiles
        ),
    )


def _layer(program: Program, population: int) -> str:
    known = 0 < population < len(program.populations)
    return program.populations[population] if known else f"population {population}"
