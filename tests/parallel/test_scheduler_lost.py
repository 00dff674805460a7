"""A scheduler that dies in the middle of `explore`: one line, what is finished is kept, the same command goes on."""

from snn2chip import parallel
from snn2chip.cli.main import main
from snn2chip.explore import explore
from tests.parallel.explored import files, words


def test_a_scheduler_that_dies_in_the_middle(few, alone, cluster, tmp_path, monkeypatch, capsys):
    keep = explore.keep

    def keep_and_kill(*given):
        keep(*given)
        cluster.kill_scheduler()

    monkeypatch.setattr(explore, "keep", keep_and_kill)
    asked = words(few, tmp_path, "--scheduler", cluster.address)
    assert main(asked) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"error[scheduler-lost] {cluster.address}: is gone (have ")
    assert last.endswith("what is finished is kept; the same command goes on")
    kept = files(tmp_path)
    assert 1 <= len(kept) < 4
    assert kept.items() < alone.items()

    monkeypatch.setattr(parallel, "CONNECT_SECONDS", 1)
    assert main(asked) == 2
    assert "error[scheduler-unreachable]" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(words(few, tmp_path, "--workers", "1")) == 0
    assert f"{len(kept)} of 4 points" in capsys.readouterr().err
    assert files(tmp_path) == alone
