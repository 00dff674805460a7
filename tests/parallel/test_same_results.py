"""The same files from one process, from a local cluster, and from a scheduler with two workers of its own."""

from dataclasses import replace

import pytest

from snn2chip.cli.main import main
from snn2chip.stages import verify
from snn2chip.verify import ladder
from tests.parallel.explored import files, words


def test_explore_on_a_local_cluster(few, alone, tmp_path, capsys):
    assert main(words(few, tmp_path, "--workers", "2")) == 0
    assert files(tmp_path) == alone
    assert len(alone) == 5, "4 points and the page"


def test_explore_on_a_scheduler(few, alone, cluster, tmp_path):
    assert main(words(few, tmp_path, "--scheduler", cluster.address)) == 0
    assert files(tmp_path) == alone


@pytest.mark.parametrize("engine", ["layer", "core", "onnx"])
def test_simulate_on_a_scheduler(few, cluster, engine, monkeypatch, capsys):
    build = few / "build"
    asked = ["simulate", str(build), "--input", str(few / "x.npy"), "--engine", engine]
    asked += ["--labels", str(few / "y.npy"), "--json"]
    assert main(asked) == 0
    recording = build / "recordings" / f"{engine}.npz"
    alone, said = recording.read_bytes(), capsys.readouterr().out
    recording.unlink()
    monkeypatch.setattr(ladder, "CHUNK_BYTES", 1 << 16)
    assert main([*asked, "--scheduler", cluster.address]) == 0
    assert recording.read_bytes() == alone

    def timeless(text):
        return [line for line in text.splitlines() if '"seconds"' not in line]

    assert timeless(capsys.readouterr().out) == timeless(said)


@pytest.mark.parametrize("more", [[], ["--recording"]], ids=["input", "recording"])
def test_verify_on_a_scheduler(few, cluster, more, monkeypatch, capsys):
    """Chunk by chunk here or there: the same verdict, and the same recording of the spec."""
    build = few / "build"
    asked = ["verify", str(build), "--labels", str(few / "y.npy"), *more]
    if more == ["--recording"]:
        made = ["simulate", str(build), "--input", str(few / "x.npy"), "--engine", "dense"]
        assert main(made) == 0
        capsys.readouterr()
        asked.append(str(build / "recordings" / "dense.npz"))
    else:
        asked += ["--input", str(few / "x.npy")]
    monkeypatch.setattr(ladder, "CHUNK_BYTES", 1 << 16)
    paths = (build / "verdict.json", build / "recordings" / "spec.npz")
    assert main([*asked, "--workers", "1"]) == 0
    alone, said = [p.read_bytes() for p in paths], capsys.readouterr()
    assert said.err.count("verify ") > 2, "several chunks"
    for path in paths:
        path.unlink()
    assert main([*asked, "--scheduler", cluster.address]) == 0
    assert [p.read_bytes() for p in paths] == alone
    assert capsys.readouterr().out == said.out


def test_a_worker_that_sees_another_build(few, cluster, tmp_path, monkeypatch, capsys):
    """What a worker opens is what was asked for, or an error."""
    sent = verify._sent

    def changed(*given):
        done = sent(*given)
        return replace(done, files=((done.files[0][0], "0" * 64), *done.files[1:]))

    monkeypatch.setattr(verify, "_sent", changed)
    asked = ["verify", str(few / "build"), "--input", str(few / "x.npy")]
    assert main([*asked, "--scheduler", cluster.address]) == 2
    assert "error[worker-file]" in capsys.readouterr().err
