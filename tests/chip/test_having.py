from snn2chip.chip.having import HAS, with_targets
from snn2chip.chip.target import load_target
from snn2chip.codes import PAGES
from snn2chip.errors import Finding, Severity


def finding(code, help=""):
    return Finding(code=code, severity=Severity.ERROR, where="sn1", why="needs it", help=help)


def test_missing_features_name_the_targets_that_have_them():
    found = with_targets(
        (finding("feature-subtract"), finding("range", "wider"), finding("feature-gain"))
    )
    assert [f.help for f in found[1:2]] == ["wider"]
    assert "loihi2" in found[0].help
    assert "loihi1" not in found[0].help
    assert "loihi2" in found[2].help


def test_every_feature_that_quantizing_misses_is_known():
    assert set(HAS) == {code for code in PAGES if code.startswith("feature-")}
    widths = load_target("loihi1").widths
    assert [code for code, has in HAS.items() if has(widths)] == ["feature-bias-map"]


def test_nothing_missing_changes_nothing():
    found = (finding("range"),)
    assert with_targets(found) is found
