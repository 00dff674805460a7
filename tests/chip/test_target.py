import re
import tomllib
from pathlib import Path

import pytest

from snn2chip.chip.target import DelayAt, available, describe, load_target, unlikely
from snn2chip.chip.target_file import parsed
from snn2chip.chip.target_keys import PRICES, Status, keys_of
from snn2chip.errors import DefectError, Severity, Snn2ChipError

TARGETS = Path(__file__).parents[2] / "targets"
TEXT = (TARGETS / "loihi2.toml").read_text()
(NEURONS,) = re.findall(r"^neurons = .*$", TEXT, re.M)
BOARD_DEAD = re.findall(r"^dead_cores = .*$", TEXT, re.M)[1]


def changed(tmp_path, old, new):
    path = tmp_path / "mine.toml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    return path


def refusal(path):
    with pytest.raises(Snn2ChipError) as e:
        load_target(path)
    assert e.value.exit_status == 2
    return str(e.value)


def test_every_shipped_target_loads():
    assert set(available()) >= {"loihi1", "loihi2", "tiny"}
    assert set(available()) == {p.stem for p in TARGETS.glob("*.toml")}
    for name in available():
        target = load_target(name)
        assert target.name == name
        assert target.default_prices in target.prices


def test_numbers_of_loihi2():
    target = load_target("loihi2")
    assert target.limit("neurons") == 4095
    assert target.limit("total_words") == 20000
    assert target.cores_per_chip == 120
    assert (target.delay_at, target.delay_max) == (DelayAt.AXON, 63)
    assert target.widths.weight_bits == 8
    assert target.widths.levels is True
    assert target.widths.fraction_fixed is False
    price = target.prices["loihi1-davies2018"]["synapse_pj"]
    assert (price.value, price.unit, price.status) == (23.6, "pJ", Status.RECALLED)


def test_loihi1_has_binary_spikes_and_coarse_thresholds():
    widths = load_target("loihi1").widths
    assert (widths.payload_bits, widths.threshold_step, widths.graded) == (0, 64, False)


def test_a_file_is_a_target_too(tmp_path):
    path = changed(tmp_path, "value = 4095", "value = 100")
    mine, loihi2 = load_target(path), load_target("loihi2")
    assert mine.limit("neurons") == 100
    assert mine.sha256 != loihi2.sha256
    assert load_target(str(path)).sha256 == mine.sha256


def test_every_number_is_described():
    target = load_target("loihi2")
    rows = describe(target)
    assert {r.key for r in rows} == set(
        keys_of("loihi2", tuple(target.prices), tuple(target.boards))
    )
    assert all(r.doc and r.source and r.status for r in rows)


def test_boards():
    boards = load_target("loihi1").boards
    assert {name: board["chips"].value for name, board in boards.items()} == {
        "kapoho-bay": 2,
        "nahuku8": 8,
        "nahuku32": 32,
        "pohoiki-springs": 768,
    }
    boards = load_target("loihi2").boards
    assert {name: board["chips"].value for name, board in boards.items()} == {
        "oheo-gulch": 1,
        "kapoho-point": 8,
        "hala-point": 1152,
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cores = { value = 120", "cores = { value = 128", r"chip\.cores: .*have 128; need 120"),
        ('value = "120-127"', 'value = ""', r"chip\.cores: .*have 120; need 128"),
        ('value = "120-127"', 'value = "121-128"', r"mesh\.dead_cores: .*128; need a core from 0"),
        ('value = "120-127"', 'value = "3, 3, 120-125"', r"mesh\.dead_cores: .*twice"),
        ('value = "120-127"', 'value = "0:120-127"', r"mesh\.dead_cores: .*not there"),
        ('value = "120-127"', 'value = "the last"', r"mesh\.dead_cores: .*core numbers such as"),
        ('value = "120-127"', 'value = "127-120"', r"mesh\.dead_cores: .*core numbers such as"),
        ("chips = { value = 8", "chips = { value = 3", r"kapoho-point\.columns.*have 4.*at most 3"),
        (BOARD_DEAD, BOARD_DEAD.replace('""', '"1:0"'), r"oheo-gulch\.dead_cores.*chips 0 to 0"),
        (BOARD_DEAD, BOARD_DEAD.replace('""', '"7"'), r"oheo-gulch\.dead_cores.*have 7"),
        (
            'value = "120-127"',
            'value = "0-127"',
            r"mesh\.dead_cores: leaves no core.*have 128 dead of 128",
        ),
        (
            BOARD_DEAD,
            BOARD_DEAD.replace('""', '"0:0-127"'),
            r"oheo-gulch\.dead_cores: leaves no core.*have 120 dead of 120; need at most 119",
        ),
        ("total_words = { value = 20000", "total_words = { value = 9000", r"core\.synapse_words"),
        ("payload_bits = { value = 16", "payload_bits = { value = 0", r"payload_bits.*at least 1"),
        ("graded = { value = true", "graded = { value = false", r"payload_bits.*need 0"),
        ("threshold_bits = { value = 24", "threshold_bits = { value = 1", r"threshold_step"),
        (
            "membrane_bits = { value = 24",
            "membrane_bits = { value = 8",
            r"threshold_bits.*at most 8",
        ),
        ('at = { value = "axon"', 'at = { value = "none"', r"delay\.bits.*have 6; need 0"),
        ('at = { value = "axon"', 'at = { value = "synapse"', r"delay\.at.*need none \| axon"),
        (
            'bits = { value = 6, status = "assumed", source = "as the syn',
            'bits = { value = 0, status = "assumed", source = "as the syn',
            r"delay\.bits.*at least 1",
        ),
    ],
)
def test_limits_that_contradict_each_other(tmp_path, old, new, words):
    text = refusal(changed(tmp_path, old, new))
    assert re.search(words, text), text


def test_prices_may_be_unknown(tmp_path):
    assert load_target("loihi2").prices["loihi1-davies2018"]["crossing_pj"].value == "unknown"
    path = changed(tmp_path, 'crossing_pj = { value = "unknown"', "crossing_pj = { value = 3")
    assert load_target(path).prices["loihi1-davies2018"]["crossing_pj"].value == 3.0
    path = changed(tmp_path, 'crossing_pj = { value = "unknown"', 'crossing_pj = { value = "low"')
    assert 'need a number or "unknown", from 0 up' in refusal(path)
    path = changed(tmp_path, "hop_ew_pj = { value = 3.0", 'hop_ew_pj = { value = "unknown"')
    assert load_target(path).prices["loihi1-davies2018"]["hop_ew_pj"].value == "unknown"


def test_prices_may_be_left_out(tmp_path):
    text = TEXT[: TEXT.index("[prices")].replace('"loihi1-davies2018"', '"none"')
    path = tmp_path / "mine.toml"
    path.write_text(text)
    target = load_target(path)
    assert (target.prices, target.default_prices) == ({}, None)


def test_names_that_are_not_there():
    assert "did you mean 'loihi2'" in refusal("lohi2")
    assert "loihi1, loihi2, tiny" in refusal("spinnaker")
    assert "nowhere.toml" in refusal("nowhere.toml")


def test_not_toml(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("cores = = 3\n")
    assert "target-toml" in refusal(path)
    path.write_bytes(b"\xff\xfe\x00")
    assert "target-toml" in refusal(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (NEURONS + "\n", "", r"core\.neurons: is missing"),
        ("\nneurons =", "\nnerons =", r"core\.nerons.*did you mean 'core\.neurons'"),
        ("value = 4095", 'value = "many"', r"core\.neurons.*'many'"),
        ("value = 4095", "value = -5", r"core\.neurons.*-5"),
        ("value = 4095", "value = 0", r"core\.neurons.*from 1"),
        ("value = 4095", "value = 4095.0", r"core\.neurons.*whole number"),
        ("value = 4095", "value = true", r"core\.neurons.*True"),
        ("value = 4095,", "", r"core\.neurons.*needs a value"),
        (NEURONS, "neurons = 4095", r"core\.neurons.*needs a value"),
        ("value = 4095", 'value = 4095, unit = "words"', r"core\.neurons\.unit"),
        ("value = 4095", 'value = 4095, origin = "x"', r"core\.neurons\.origin"),
        ('value = 4095, status = "fitted"', 'value = 4095, status = "sure"', r"neurons\.status"),
        ('value = 4095, status = "fitted",', "value = 4095,", r"neurons: status: is missing"),
        ("value = 23.6", "value = nan", r"prices\.loihi1-davies2018\.synapse_pj.*nan"),
        ("value = 23.6", "value = -1.0", r"prices\.loihi1-davies2018\.synapse_pj"),
        ('format = "loihi2"', 'format = "loihi7"', r"format.*loihi1 \| loihi2"),
        ('format = "loihi2"', "format = 2", r"format.*not a word"),
        ('default_prices = "loihi1-davies2018"', 'default_prices = "mine"', r"default_prices"),
        ('value = "axon"', 'value = "dendrite"', r"delay\.at.*none \| synapse \| axon"),
        ("fraction_fixed = { value = false", "fraction_fixed = { value = 0", r"true or false"),
        ("[delay]", "[delays]", r"delays: is not a section.*did you mean 'delay'"),
        ("[delay]", "[lag]", r"lag\.at: is not a key"),
        ("[chip]", "chip = 3\n[chips]", r"chip.*not a table"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path, old, new, words):
    assert re.search(words, refusal(changed(tmp_path, old, new)))


def all_of(path):
    """Code and key of every defect of the file."""
    with pytest.raises(DefectError) as e:
        load_target(path)
    found = (e.value.finding, *e.value.others)
    return [(f.code, f.where.removeprefix(f"{path}: ")) for f in found]


def test_everything_wrong_is_listed_at_once(tmp_path):
    path = tmp_path / "mine.toml"
    text = TEXT.replace("\nneurons =", "\nnerons =").replace(
        "cores = { value = 120", "cores = { value = 0"
    )
    text = text.replace('value = "axon"', 'value = "ear"').replace('name = "loihi2"', "name = 2")
    path.write_text(text.replace('default_prices = "loihi1-davies2018"', 'default_prices = "mine"'))
    assert all_of(path) == [
        ("target-value", "name"),
        ("target-key", "core.nerons"),
        ("target-key", "core.neurons"),
        ("target-value", "chip.cores"),
        ("target-value", "delay.at"),
        ("target-value", "default_prices"),
    ]
    assert f"and 5 more, see `snn2chip targets check {path}`" in refusal(path)


def test_every_contradiction_is_listed_at_once(tmp_path):
    path = tmp_path / "mine.toml"
    text = TEXT.replace("cores = { value = 120", "cores = { value = 128")
    path.write_text(text.replace("membrane_bits = { value = 24", "membrane_bits = { value = 8"))
    assert all_of(path) == [
        ("target-limits", "chip.cores"),
        ("target-limits", "widths.threshold_bits"),
    ]
    # Which cores are left is not known where a dead one is not there: that alone is said.
    path.write_text(TEXT.replace('value = "120-127"', 'value = "120-128"', 1))
    assert all_of(path) == [("target-limits", "mesh.dead_cores")]
    text = TEXT.replace('value = "120-127"', 'value = "0-125, 128"', 1)
    path.write_text(text.replace(BOARD_DEAD, BOARD_DEAD.replace('""', '"0:126"'), 1))
    assert all_of(path) == [("target-limits", "mesh.dead_cores")]


def test_contradictions_stand_beside_what_else_is_wrong(tmp_path):
    path = tmp_path / "mine.toml"
    text = TEXT.replace("\nneurons =", "\nnerons =").replace(
        "graded = { value = true", "graded = { value = 1"
    )
    path.write_text(text.replace("cores = { value = 120", "cores = { value = 128"))
    assert all_of(path) == [
        ("target-key", "core.nerons"),
        ("target-key", "core.neurons"),
        ("target-value", "widths.graded"),
        ("target-limits", "chip.cores"),
    ]


@pytest.mark.parametrize("name", available())
def test_a_key_that_is_missing_is_all_that_is_wrong(name):
    """No check of contradictions reads a key that is not there."""
    text = (TARGETS / f"{name}.toml").read_text()
    target = load_target(name)
    for key in keys_of(target.format, tuple(target.prices), tuple(target.boards)):
        table = tomllib.loads(text)
        *sections, last = key.split(".")
        inner = table
        for section in sections:
            inner = inner[section]
        del inner[last]
        with pytest.raises(DefectError) as e:
            parsed(table, "mine.toml")
        found = [(f.code, f.where) for f in (e.value.finding, *e.value.others)]
        assert found == [("target-key", f"mine.toml: {key}")]


def test_a_section_with_a_name_that_is_nearly_right_is_one_defect(tmp_path):
    """Its keys are checked as if it had the right one."""
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("[widths]", "[width]"))
    assert all_of(path) == [("target-key", "width")]
    assert "did you mean 'widths'?" in refusal(path)
    path.write_text(TEXT.replace("[prices.", "[price.").replace("[boards.", "[board."))
    assert all_of(path) == [("target-key", "board"), ("target-key", "price")]
    path.write_text(TEXT.replace("[widths]", "[width]").replace("weight_bits", "weigth_bits"))
    assert all_of(path) == [
        ("target-key", "width"),
        ("target-key", "widths.weigth_bits"),
        ("target-key", "widths.weight_bits"),
    ]
    # Where the right one is there, too, the other is not taken for it.
    path.write_text(TEXT + "\n[width]\nweight_bits = 3\n")
    assert all_of(path) == [("target-key", "width.weight_bits")]


def test_a_board_may_have_one_core_left(tmp_path):
    """Cores that are dead on every chip count once."""
    path = changed(tmp_path, BOARD_DEAD, BOARD_DEAD.replace('""', '"0:1-127"'))
    assert load_target(path).boards["oheo-gulch"]["dead_cores"].value == "0:1-127"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("static_w", "100", "have 100 W; need 0.0001 to 50 W"),
        ("static_w", "50", ""),
        ("static_w", "0.00009", "have 9e-05 W"),
        ("synapse_pj", "5e-12", "have 5e-12 pJ; need 0.01 to 100,000 pJ"),
        ("synapse_pj", "0.01", ""),
        ("synapse_pj", "0.0", ""),
        ("synapse_pj", '"unknown"', ""),
        ("synapse_ns", "5e-9", "have 5e-09 ns; need 0.001 to 1,000,000 ns"),
        ("barrier_ns", "2e6", "have 2e+06 ns"),
    ],
)
def test_prices_that_were_meant_in_another_unit(tmp_path, key, value, said):
    path = tmp_path / "mine.toml"
    head, table = TEXT.split("[prices.loihi1-davies2018]")
    text, times = re.subn(
        rf"^{key} = {{ value = [^,]*", f"{key} = {{ value = {value}", table, count=1, flags=re.M
    )
    assert times == 1
    path.write_text(f"{head}[prices.loihi1-davies2018]{text}")
    found = unlikely(load_target(path), "mine")
    assert [(f.code, f.severity, f.where) for f in found] == [
        ("target-unlikely", Severity.WARNING, f"mine: prices.loihi1-davies2018.{key}")
    ] * bool(said)
    assert all(said in str(f) for f in found)


def test_the_page_says_which_prices_are_likely():
    page = (TARGETS.parent / "docs" / "targets.md").read_text()
    for low, high, unit in {(*key.likely, key.unit) for key in PRICES}:
        assert f"| {unit} | 0, or {low:g} to {high:,}" in page


@pytest.mark.parametrize("name", available())
def test_prices_of_shipped_targets_are_likely(name):
    assert unlikely(load_target(name), name) == ()


def test_an_unknown_format_ends_the_list(tmp_path):
    """Its keys are not known."""
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace('format = "loihi2"', 'format = "loihi7"').replace(NEURONS, ""))
    assert all_of(path) == [("target-value", "format")]


def test_inline_tables_are_the_same(tmp_path):
    """A file on few lines, as tools write it."""

    def inline(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f'"{k}" = {inline(v)}' for k, v in value.items()) + "}"
        if isinstance(value, bool):
            return str(value).lower()
        return '"' + value.replace('"', '\\"') + '"' if isinstance(value, str) else str(value)

    path = tmp_path / "one.toml"
    table = tomllib.loads(TEXT)
    path.write_text("".join(f"{k} = {inline(v)}\n" for k, v in table.items()))
    assert load_target(path).quantities == load_target("loihi2").quantities
