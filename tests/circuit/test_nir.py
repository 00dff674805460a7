"""Circuits as `.nir` files: nothing is lost, other tools can read them, changed files are refused."""

import json
import shutil
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from snn2chip.circuit.nir import foreign_notes, is_ours, read, to_nir, write
from snn2chip.circuit.nir_requires import KNOWN, requires
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, Role
from snn2chip.codec import encode
from snn2chip.errors import Snn2ChipError
from tests.circuit.nir_circuits import (
    circuit,
    circuits,
    everything,
    population,
    projection,
    residual,
    weights,
)
from tests.readers.nir_files import nir


def nodes_of(net) -> dict[str, Any]:
    """The NIR nodes of a circuit, each of its own class."""
    return dict(to_nir(net).nodes)


def assert_same(have, need):
    """Equal in every field, array dtypes included."""
    (a, arrays), (b, others) = encode(have), encode(need)
    assert a == b
    for name, array in others.items():
        assert arrays[name].dtype == array.dtype, name
        assert arrays[name].shape == array.shape, name
        assert not arrays[name].flags.writeable
        assert np.array_equal(arrays[name], array), name


@pytest.mark.parametrize("make", [residual, everything])
def test_nothing_is_lost(make, tmp_path):
    write(make(), tmp_path / "net.nir")
    assert is_ours(tmp_path / "net.nir")
    assert_same(read(tmp_path / "net.nir"), make())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuits())
def test_nothing_is_lost_of_random_circuits(tmp_path, net):
    write(net, tmp_path / "net.nir")
    assert_same(read(tmp_path / "net.nir"), net)
    nir.read(tmp_path / "net.nir", type_check=True)


def test_a_second_generation_is_the_same_file(tmp_path):
    write(everything(), tmp_path / "a.nir")
    write(read(tmp_path / "a.nir"), tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.nir", "b.nir"]


@pytest.mark.parametrize("make", [residual, everything])
def test_the_file_passes_nirs_own_type_check(make, tmp_path):
    write(make(), tmp_path / "net.nir")
    assert set(nir.read(tmp_path / "net.nir", type_check=True).nodes) == set(to_nir(make()).nodes)


def test_nodes_are_plain_nir():
    nodes = {name: type(node).__name__ for name, node in to_nir(residual()).nodes.items()}
    assert nodes == {
        "input": "Input",
        "stem": "IF",
        "a": "LIF",
        "b": "IF",
        "gate": "Threshold",
        "pool": "Threshold",
        "fc": "I",
        "block#out": "Scale",
        "stem.from.input": "Conv2d",
        "a.from.stem": "Conv2d",
        "b.from.stem": "Conv2d",
        "gate.from.b": "Scale",
        "gate.from.stem": "Scale",
        "pool.from.gate": "SumPool2d",
        "fc.from.pool.flatten": "Flatten",
        "fc.from.pool": "Affine",
        "output": "Output",
    }


def test_a_shared_join_is_one_node_and_keeps_its_edges():
    edges = to_nir(residual()).edges
    assert [a for a, b in edges if b == "block#out"] == ["stem", "a"]
    assert [b for a, b in edges if a == "block#out"] == ["b.from.stem", "gate.from.stem"]


def test_a_join_of_one_consumer_is_edges_alone():
    net = circuit(
        [population("a", (2, 6, 6)), population("b", (2, 6, 6)), population("c", (2, 6, 6))],
        [
            projection(INPUT, "a", Identity(), weights(1, 2)),
            projection("a", "b", Identity(), weights(2, 2)),
            projection(("a", "b"), "c", Conv(), weights(3, 2, 2, 1, 1)),
        ],
    )
    assert [e for e in to_nir(net).edges if e[1] == "c.from.a"] == [
        ("a", "c.from.a"),
        ("b", "c.from.a"),
    ]


def test_neurons_are_right_under_nirs_own_equations():
    nodes = nodes_of(residual())
    # dt = 1: decay 1 - 1/tau, gain r/tau
    assert nodes["a"].tau.shape == (4, 6, 6)
    assert set(nodes["a"].tau.flat) == {2.0}
    assert set(nodes["a"].r.flat) == {2.0}
    assert set(nodes["stem"].r.flat) == {1.0}
    # gates compare whole numbers with >=, NIR's Threshold with >
    assert set(nodes["gate"].threshold.flat) == {1.5}
    assert set(nodes["pool"].threshold.flat) == {0.5}


def test_grouped_convolutions_become_dense():
    node = nodes_of(residual())["b.from.stem"]
    weight = residual().projections[2].weight
    assert node.groups == 1
    assert np.array_equal(node.weight[:2, :2], weight[:2])
    assert np.array_equal(node.weight[2:, 2:], weight[2:])
    assert not node.weight[:2, 2:].any()
    assert not node.weight[2:, :2].any()


def test_biases_are_in_the_convolutions():
    nodes = nodes_of(residual())
    assert np.array_equal(nodes["stem.from.input"].bias, weights(1, 4, 1, 1).reshape(-1))
    assert np.array_equal(nodes["fc.from.pool"].bias, weights(3, 5, 1, 1).reshape(-1))


def test_numbers_are_float32_only_where_that_is_exact():
    nodes = nodes_of(everything())
    assert nodes["stem|0.from.input"].weight.dtype == np.float32
    assert nodes["late.from.stem|0"].weight.dtype == np.float64


def test_a_summand_that_counts_twice_is_scaled():
    graph = to_nir(everything())
    assert set(nodes_of(everything())["late*2"].scale.flat) == {2.0}
    assert {b for a, b in graph.edges if a == "late"} == {"many.from.late", "late*2"}


def test_a_dense_layer_onto_a_map_is_a_convolution(tmp_path):
    net = circuit(
        [population("a", (2, 6, 6)), population("b", (3, 1, 1)), population("c", (4, 1, 1))],
        [
            projection(INPUT, "a", Identity(), weights(1, 2)),
            projection("a", "b", Dense(), weights(2, 3, 72)),
            projection("b", "c", Conv(), weights(3, 4, 3, 1, 1)),
        ],
    )
    assert nodes_of(net)["b.from.a"].weight.shape == (3, 2, 6, 6)
    write(net, tmp_path / "net.nir")
    assert_same(read(tmp_path / "net.nir"), net)


def test_what_nir_cannot_say_is_required_and_told():
    assert requires(residual()) == ("compare", "subtract_reset")
    assert [note.split(": ")[1] for note in foreign_notes(residual())] == [
        "neurons fire at their threshold (>=), NIR says above it (stem, a, b)",
        "firing subtracts the threshold, NIR resets to v_reset (b)",
    ]
    assert set(requires(everything())) == set(KNOWN) - {"no_reset"}
    assert len(foreign_notes(everything())) == len(requires(everything()))


def test_requires_lists_what_the_metadata_key_holds(tmp_path):
    metadata = to_nir(residual()).metadata
    assert list(metadata) == ["snn2chip"]
    assert json.loads(metadata["snn2chip"])["requires"] == ["compare", "subtract_reset"]


def test_roles_survive(tmp_path):
    write(residual(), tmp_path / "net.nir")
    roles = [p.origin.role for p in read(tmp_path / "net.nir").populations]
    assert roles == [Role.NEURON] * 3 + [Role.GATE] * 2 + [Role.READOUT]


# --- files that are not as we wrote them ------------------------------------------------------------------------------


def edited(tmp_path, change):
    write(residual(), tmp_path / "net.nir")
    with h5py.File(tmp_path / "net.nir", "r+") as h:
        change(h)
    return tmp_path / "net.nir"


def replaced(h, path, value):
    del h[path]
    h[path] = value


def metadata_changed(change):
    def edit(h):
        path = "node/metadata/snn2chip"
        document = json.loads(h[path][()])
        change(document)
        replaced(h, path, json.dumps(document))

    return edit


def weight_changed(h):
    values = h["node/nodes/a/v_threshold"][()]
    values[0, 0, 0] = 7
    replaced(h, "node/nodes/a/v_threshold", values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (weight_changed, ["'a' differs in v_threshold"]),
        (lambda h: h.pop("node/nodes/a"), ["'a'"]),
        (lambda h: h.pop("node/nodes/b.from.stem"), ["'b.from.stem' is missing"]),
        (lambda h: h.pop("node/nodes/b.from.stem/weight"), ["'weight' is missing"]),
        (lambda h: replaced(h, "node/nodes/a/type", "IF"), ["'a' is IF and LIF"]),
        (lambda h: h.copy("node/nodes/a", "node/nodes/z"), ["'z' is in one of them only"]),
        (lambda h: replaced(h, "node/edges", h["node/edges"][()][:-1]), ["fc -> output"]),
        (lambda h: replaced(h, "node/nodes/fc.from.pool/weight", np.ones(3)), ["disagree"]),
        (lambda h: replaced(h, "node/metadata/snn2chip", "{"), ["no JSON"]),
        (metadata_changed(lambda d: d.update(schema=9)), ["schema 9", "reads 1"]),
        (metadata_changed(lambda d: d["requires"].append("dreams")), ["requires dreams"]),
        (metadata_changed(lambda d: d["circuit"].pop("steps")), ["malformed"]),
        (metadata_changed(lambda d: d["circuit"].update(steps="many")), ["malformed"]),
        (metadata_changed(lambda d: d["arrays"].popitem()), ["malformed"]),
        (
            metadata_changed(lambda d: d["circuit"]["projections"][0].update(target="ghost")),
            ["disagree", "ghost"],
        ),
        (
            metadata_changed(lambda d: d["circuit"]["projections"][0].update(sources=[])),
            ["disagree"],
        ),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change, words):
    path = edited(tmp_path, change)
    with pytest.raises(Snn2ChipError) as e:
        read(path)
    assert e.value.exit_status == 2
    for word in ("net.nir", *words):
        assert word in str(e.value)


def test_a_compressed_array_cannot_claim_another_size(tmp_path):
    write(everything(), tmp_path / "net.nir")
    with h5py.File(tmp_path / "net.nir", "r+") as h:
        metadata_changed(lambda d: d["arrays"]["populations.0.bias"].update(shape=[4, 6, 5]))(h)
    with pytest.raises(Snn2ChipError, match="needs 960"):
        read(tmp_path / "net.nir")


def test_a_file_of_another_tool_is_not_ours(tmp_path):
    nodes = {
        "input": nir.Input(np.array([2])),
        "a": nir.Scale(np.ones(2)),
        "output": nir.Output(np.array([2])),
    }
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, [("input", "a"), ("a", "output")]))
    assert not is_ours(tmp_path / "net.nir")
    with pytest.raises(Snn2ChipError, match="not written by snn2chip"):
        read(tmp_path / "net.nir")


def test_what_is_no_file_is_not_ours(tmp_path):
    (tmp_path / "text").write_text("no")
    assert not is_ours(tmp_path)
    assert not is_ours(tmp_path / "text")
    assert not is_ours(tmp_path / "nowhere")


def test_a_failed_write_leaves_nothing(tmp_path):
    shutil.rmtree(tmp_path)
    with pytest.raises(Snn2ChipError, match="cannot be written"):
        write(residual(), tmp_path / "net.nir")
    assert not tmp_path.exists()
