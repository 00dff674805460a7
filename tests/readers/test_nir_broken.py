"""`.nir` files that are broken or that we cannot run: the error names the file and the node."""

import h5py
import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.nir import read_nir
from tests.readers.nir_files import (
    conv,
    dyadic,
    edges,
    edit,
    field,
    integrate,
    leaky,
    nir,
    replace,
    small,
    write,
)

NORSE = "norse,dt=1.0"


def vary(path, change):
    return edit(small(path), change)


ONE = np.ones((4, 6, 6), np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            field("conv2", "type", "HyperConv"),
            ["node conv2 (HyperConv)", "need Input, Output, Conv2d"],
        ),
        (field("conv2", "type", "Conv2D"), ["did you mean 'Conv2d'?"]),
        (field("if1", "type", "CubaLIF"), ["node if1 (CubaLIF)", "LIF"]),
        (field("if1", "type", "NIRGraph"), ["NIRGraph nodes are not supported", "subgraph"]),
        (field("if1", "type", "Delay"), ["Delay nodes are not supported"]),
        (
            field("fc", "weight", np.ones((5, 100), np.float32)),
            ["node fc (Affine)", "have [5, 100]", "144"],
        ),
        (field("fc", "bias", np.ones(4, np.float32)), ["node fc", "have [4]; need [5]"]),
        (field("flat", "type", "Threshold"), ["node flat", "has no threshold"]),
        (field("flat", "start_dim", 1), ["node flat", "start_dim 1", "start_dim 0"]),
        (
            field("flat", "input_type", np.array([4, 6, 5])),
            ["node flat", "have [4, 6, 6]; need [4, 6, 5]"],
        ),
        (lambda h: h.pop("node/nodes/conv2/weight"), ["node conv2 (Conv2d)", "has no weight"]),
        (field("conv2", "weight", np.ones((4, 3, 3, 3))), ["node conv2", "need 4 input channels"]),
        (field("conv2", "weight", np.ones((4, 4, 3))), ["node conv2", "need (O, I, kh, kw)"]),
        (field("conv2", "weight", "much"), ["node conv2", "the text 'much'"]),
        (field("conv2", "groups", 3), ["node conv2", "3 groups"]),
        (field("conv2", "stride", np.array([0, 1])), ["node conv2", "stride (0, 1)"]),
        (field("conv2", "stride", np.array([1.5, 1])), ["node conv2", "stride is [1.5, 1.0]"]),
        (
            field("conv2", "padding", np.array([1, 1, 1])),
            ["node conv2", "padding is [1.0, 1.0, 1.0]"],
        ),
        (
            field("conv2", "input_shape", np.array([6, 7])),
            ["node conv2", "have (6, 6); need (6, 7)"],
        ),
        (field("conv2", "weight", np.ones((4, 4, 9, 9))), ["node conv2", "larger than its input"]),
        (
            field("if1", "v_threshold", ONE * np.nan),
            ["node if1 (IF)", "v_threshold is not finite in 144 of 144"],
        ),
        (field("if1", "v_threshold", ONE[:, :5]), ["node if1", "have [4, 5, 6]; need [4, 6, 6]"]),
        (field("if1", "v_threshold", np.ones(4)), ["node if1", "have [4]; need [4, 6, 6]"]),
        (
            field("if1", "v_reset", np.arange(144).reshape(4, 6, 6)),
            ["node if1", "v_reset differs", "144"],
        ),
        (field("if1", "r", ONE * np.inf), ["node if1", "r is not finite", "inf"]),
        (field("input", "shape", np.array([2, 6])), ["node input", "need (C, H, W) or (n,)"]),
        (field("input", "shape", np.array([3, 6, 6])), ["node conv1", "need 3 input channels"]),
        (field("output", "shape", np.array([4])), ["node output", "have [5]; need [4]"]),
        (field("input", "type", "Output"), ["one Input node", "have none"]),
        (field("if2", "type", "Input"), ["one Input node", "have if2, input"]),
    ],
)
def test_a_broken_node_is_named(tmp_path, change, words):
    refused(vary(tmp_path / "bad.nir", change), words)


def refused(path, words, convention: str | None = NORSE, steps: int | None = 4):
    with pytest.raises(Snn2ChipError) as e:
        read_nir(path, convention, steps)
    assert e.value.exit_status == 2
    for word in (path.name, *words):
        assert word in str(e.value)
    assert len(str(e.value)) < 500


def add_edges(*pairs):
    return edges(lambda e: e + [list(p) for p in pairs])


def drop_edge(a, b):
    return edges(lambda e: [pair for pair in e if pair != [a, b]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add_edges(("if2", "conv2")), ["cycle", "conv2 -> if2 -> conv2", "recurrent"]),
        (add_edges(("if2", "if2")), ["cycle", "if2 -> if2"]),
        (add_edges(("if2", "ghost")), ["'ghost'"]),
        (add_edges(("if2", "if4")), ["'if4'", "did you mean 'if"]),
        (add_edges(("if1", "conv2")), ["if1 -> conv2 is there twice"]),
        (add_edges(("if1", "input")), ["if1 -> input"]),
        (add_edges(("output", "fc")), ["an edge leaves the Output"]),
        (add_edges(("input", "if1")), ["node if1", "conv1 and input", "[4, 6, 6]", "[2, 6, 6]"]),
        (
            lambda h: (drop_edge("if3", "output")(h), add_edges(("if2", "output"))(h)),
            ["node if3: nothing reads it"],
        ),
        (drop_edge("if1", "conv2"), ["node conv2: no edge goes into it"]),
        (drop_edge("input", "conv1"), ["node conv1: no edge goes into it"]),
    ],
)
def test_a_broken_graph_is_named(tmp_path, change, words):
    refused(vary(tmp_path / "bad.nir", change), words)


def test_a_linear_layer_on_a_map_asks_for_a_flatten(tmp_path):
    nodes = {"fc": nir.Linear(weight=dyadic(1, 5, 72)), "sn": integrate(5)}
    refused(
        write(tmp_path / "bad.nir", nodes, outputs=(5,)),
        ["node fc", "put a Flatten node before it"],
    )


def test_an_oblong_same_padding_is_refused(tmp_path):
    nodes = {
        "conv": conv(2, 4, weight=dyadic(1, 4, 2, 2, 2), padding="same"),
        "sn": integrate(4, 6, 6),
    }
    refused(write(tmp_path / "bad.nir", nodes, outputs=(4, 6, 6)), ["node conv", "'same'"])


def test_a_name_that_is_ours_is_refused(tmp_path):
    nodes = {"x": nir.Input(np.array([3])), "input": integrate(3), "y": nir.Output(np.array([3]))}
    nir.write(tmp_path / "bad.nir", nir.NIRGraph(nodes, [("input", "y"), ("x", "input")]))
    refused(tmp_path / "bad.nir", ["node input", "rename"])


def test_a_graph_without_neurons_is_refused(tmp_path):
    path = write(tmp_path / "bad.nir", {"conv": conv(2, 4)}, outputs=(4, 6, 6))
    refused(path, ["no neurons"])


def test_a_dt_that_does_not_fit_is_named(tmp_path):
    path = write(tmp_path / "bad.nir", {"sn": leaky(2, 6, 6, tau=1e-5)}, outputs=(2, 6, 6))
    refused(path, ["node sn (LIF)", "decay -99", "dt 0.001", "dt=..."], convention="norse")


@pytest.mark.parametrize(("tau", "words"), [(0.0, ["tau is not above 0"]), (-1.0, ["have -1.0"])])
def test_a_tau_that_is_none_is_named(tmp_path, tau, words):
    path = write(tmp_path / "bad.nir", {"sn": leaky(2, 6, 6, tau=tau)}, outputs=(2, 6, 6))
    refused(path, ["node sn", *words])


def test_an_infinite_r_alone_is_refused(tmp_path):
    path = write(tmp_path / "bad.nir", {"sn": leaky(2, 6, 6, tau=2.0, r=np.inf)}, outputs=(2, 6, 6))
    refused(path, ["node sn", "r is not finite where tau is"])


def test_a_late_hard_reset_to_another_value_is_refused(tmp_path):
    path = write(
        tmp_path / "bad.nir", {"sn": leaky(2, 6, 6, tau=2.0, reset=0.5)}, outputs=(2, 6, 6)
    )
    refused(path, ["node sn", "have 0.5"], convention=f"{NORSE},reset_timing=next_step")


def test_a_floor_at_the_threshold_needs_one_threshold(tmp_path):
    each = np.arange(72, dtype=np.float32).reshape(2, 6, 6)
    node = nir.IF(r=each, v_threshold=each, v_reset=each * 0)
    path = write(tmp_path / "bad.nir", {"sn": node}, outputs=(2, 6, 6))
    refused(path, ["node sn", "v_min"], convention="sinabs,v_min=-threshold")


def test_a_file_without_a_convention_asks_for_one(tmp_path):
    words = ["--convention", "norse | snntorch | spikingjelly | sinabs"]
    refused(small(tmp_path / "net.nir"), words, convention=None)


def test_a_file_without_steps_asks_for_them(tmp_path):
    refused(small(tmp_path / "net.nir"), ["--steps"], steps=None)


# --- files that are no .nir files -------------------------------------------------------------------------------------


def test_what_is_no_file_is_refused(tmp_path):
    refused(tmp_path / "nowhere.nir", ["no such file"])
    (tmp_path / "folder.nir").mkdir()
    refused(tmp_path / "folder.nir", ["directory"])


@pytest.mark.parametrize("content", [b"", b"nodes: []\n", b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_what_is_not_hdf5_is_refused(tmp_path, content):
    (tmp_path / "bad.nir").write_bytes(content)
    refused(tmp_path / "bad.nir", ["not a whole HDF5 file"])


@pytest.mark.parametrize("part", [0.1, 0.5, 2 / 3, 0.99])
def test_a_file_cut_short_is_refused(tmp_path, part):
    data = small(tmp_path / "net.nir").read_bytes()
    (tmp_path / "bad.nir").write_bytes(data[: int(len(data) * part)])
    refused(tmp_path / "bad.nir", [])


def test_another_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "bad.nir", "w") as h:
        h["measurements"] = np.arange(5)
    refused(tmp_path / "bad.nir", ["no NIR graph", "'node'"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.pop("version"), ["no 'version'"]),
        (lambda h: replace(h, "version", 3), ["3", "a text should be"]),
        (lambda h: h.pop("node/edges"), ["node/edges"]),
        (lambda h: h.pop("node/nodes"), ["node/nodes"]),
        (lambda h: replace(h, "node/edges", np.zeros((3, 3), "S4")), ["pairs", "(3, 3)"]),
        (lambda h: replace(h, "node/edges", np.zeros((3, 2))), ["a text should be"]),
        (lambda h: h.pop("node/nodes/if1/type"), ["'if1' has no type"]),
        (lambda h: replace(h, "node/nodes/if1", 5), ["'if1' has no type"]),
        (lambda h: replace(h, "node/nodes/if1/r", np.ones(3, complex)), ["if1/r", "complex128"]),
    ],
)
def test_a_file_of_another_make_is_refused(tmp_path, change, words):
    refused(vary(tmp_path / "bad.nir", change), words)


def test_values_outside_of_the_file_are_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as h:
        h["r"] = ONE

    def link(h):
        del h["node/nodes/if1/r"]
        h["node/nodes/if1/r"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/r")

    refused(vary(tmp_path / "bad.nir", link), ["if1/r", "refers to another file"])


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path):
    def grow(h):
        del h["node/nodes/if1/r"]
        h.create_dataset("node/nodes/if1/r", (1 << 40,), "f4", chunks=(1024,), compression="gzip")

    refused(vary(tmp_path / "bad.nir", grow), ["if1/r", "too large", "4398046511104 bytes"])
