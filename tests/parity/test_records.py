"""What is recorded: a question is known whatever the processor, an unknown one is a failure, no key stands for two."""

import numpy as np
import pytest

from tests.parity import records


def test_the_last_digits_of_an_argument_do_not_matter_and_others_do() -> None:
    x = np.random.default_rng(0).normal(size=50)
    asked = records.key("f1_score", {"y": x, "average": "macro"})
    assert records.key("f1_score", {"average": "macro", "y": np.nextafter(x, 9.0)}) == asked
    for other in (
        {"y": x + 1e-8, "average": "macro"},
        {"y": x, "average": "micro"},
        {"y": x.reshape(5, 10), "average": "macro"},
        {"y": x.astype(np.float32), "average": "macro"},
        {"y": np.where(x > 0, np.inf, x), "average": "macro"},
    ):
        assert records.key("f1_score", other) != asked


def test_an_answer_that_was_never_recorded_is_a_failure() -> None:
    with pytest.raises(pytest.fail.Exception, match="not recorded"):
        records.recall("scipy", "spearmanr:0")


def test_one_key_for_two_answers_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ASKED", {("scipy", "question"): [1.0, np.nan]})
    monkeypatch.setattr(records, "RENEWED", {"scipy"})
    monkeypatch.setattr(records, "_book", lambda library: {})
    monkeypatch.setattr(records, "version", lambda package: "0")
    records.record("scipy", "scipy", "question", np.array([1.0, np.nan]))
    with pytest.raises(AssertionError, match="two things"):
        records.record("scipy", "scipy", "question", "raises")
