"""The table of counts: rows that are ignored in part."""

from lossapi.engine import compute

IGNORED = {"ignore_index": -100}


def test_a_row_ignored_in_its_first_label_is_judged_by_the_others() -> None:
    labels = {"prediction": [[1, 0], [1, 1]], "target": [[-100, 0], [1, 0]]}
    assert compute("accuracy", labels, IGNORED).value == 0.5  # the first row is right in what is left of it


def test_a_row_ignored_altogether_does_not_enter() -> None:
    labels = {"prediction": [[1, 0], [1, 1], [0, 0]], "target": [[-100, -100], [1, 0], [0, 0]]}
    assert compute("accuracy", labels, IGNORED).value == 0.5


def test_the_weight_of_a_row_is_kept_when_its_first_label_is_ignored() -> None:
    labels = {"prediction": [[1, 0], [1, 1]], "target": [[-100, 0], [1, 0]]}
    assert compute("accuracy", labels, IGNORED, weight=[3.0, 1.0]).value == 0.75
