"""The loss of unaligned sequences, by its own name."""

from typing import Any

import numpy as np
import pytest

from lossapi import compute
from lossapi.errors import DomainError, DtypeError, ParameterError
from lossapi.loops import build

SCORES = np.random.default_rng(0).normal(size=(3, 7, 5))
LABELS = np.array([[1, 2, 2], [3, -1, -1], [-1, -1, -1]])


BACKENDS = ["numpy", *(["fused"] if build.compiler() else [])]
"""What computes: all that is said here holds of both."""


class Asked:
    """The backend that is asked now."""

    backend = "numpy"


@pytest.fixture(autouse=True, params=BACKENDS)
def _each(request: pytest.FixtureRequest) -> None:
    Asked.backend = request.param


def rows(target: Any = LABELS, prediction: Any = SCORES, *, lengths: Any = None, **options: Any) -> Any:
    arrays = {"prediction": prediction, "target": np.asarray(target), **(lengths or {})}
    result = compute("ctc", arrays, options, reduction="none", backend=Asked.backend)
    assert result.backend == Asked.backend
    return result.value


def test_two_frames_that_say_one_label() -> None:
    # paths aa, a-, -a of the four equally likely ones
    assert rows([[1]], np.zeros((1, 2, 2))) == pytest.approx(-np.log(0.75))


def test_nothing_to_say_is_all_blanks() -> None:
    logs = SCORES[2] - np.log(np.exp(SCORES[2]).sum(axis=1, keepdims=True))
    assert rows()[2] == pytest.approx(-logs[:, 0].sum())


def test_rows_end_at_minus_one_or_at_their_length() -> None:
    lengths = {"target_length": np.array([3, 1, 0])}
    np.testing.assert_allclose(rows([[1, 2, 2], [3, 4, 4], [1, 1, 1]], lengths=lengths), rows())


def test_frames_beyond_the_input_length_are_not_read() -> None:
    cut = {"input_length": np.array([7, 4, 5])}
    spoilt = SCORES.copy()
    spoilt[1, 4:], spoilt[2, 5:] = 1e6, -1e6
    np.testing.assert_allclose(rows(prediction=spoilt, lengths=cut), rows(lengths=cut))
    assert rows(lengths=cut)[1] == pytest.approx(rows(LABELS[1:2], SCORES[1:2, :4])[0])


def test_log_probabilities_count_as_the_scores_they_came_from() -> None:
    logs = SCORES - np.log(np.exp(SCORES).sum(axis=2, keepdims=True))
    for normalize in (True, False):
        np.testing.assert_allclose(rows(prediction=logs, normalize=normalize), rows())


def test_too_few_frames_are_infinite_or_nothing() -> None:
    assert rows([[1, 1]], SCORES[:1, :2])[0] == np.inf
    assert rows([[1, 1]], SCORES[:1, :3])[0] < np.inf
    assert rows([[1, 1]], SCORES[:1, :2], zero_infinity=True)[0] == 0.0


def test_a_label_that_cannot_be_said_is_infinite() -> None:
    mute = SCORES[:1].copy()
    mute[:, :, 2] = -np.inf
    assert rows([[1, 2]], mute)[0] == np.inf
    assert np.isfinite(rows([[1, 3]], mute)[0])


def test_extreme_scores_stay_exact() -> None:
    sure = np.full((1, 4, 3), -200.0)
    sure[0, [0, 1, 2, 3], [1, 0, 2, 2]] = 200.0
    assert rows([[1, 2]], sure)[0] == pytest.approx(0.0, abs=1e-12)
    # the path - - 2 1 goes against two frames
    assert rows([[2, 1]], sure)[0] == pytest.approx(800.0)


def test_the_mean_per_label_counts_no_labels_as_one() -> None:
    np.testing.assert_allclose(rows(per_label=True), rows() / np.array([3, 1, 1]))


def test_nan_spoils_its_own_sequence_alone() -> None:
    spoilt = SCORES.copy()
    spoilt[1, 0, 0] = np.nan
    assert np.isnan(rows(prediction=spoilt)).tolist() == [False, True, False]


def test_single_precision_stays_single_and_near() -> None:
    single = rows(prediction=SCORES.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, rows(), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "place"),
    [
        ({"target": [[1, 2, 5], [3, -1, -1], [-1, -1, -1]]}, DomainError, r"label|index.*\$\.target\[0\]\[2\]"),
        ({"target": [[1, -2, 1], [3, -1, -1], [-1, -1, -1]]}, DomainError, r"\$\.target\[0\]\[1\]"),
        ({"target": np.ones((3, 1))}, DtypeError, r"\$\.target"),
        (
            {"lengths": {"input_length": np.array([7, 8, 7])}},
            DomainError,
            r"<= 7 \(axis time\), got 8 - at \$\.input_length\[1\]",
        ),
        ({"lengths": {"target_length": np.array([3, 4, 0])}}, DomainError, r"<= 3 \(axis length\), got 4"),
        ({"lengths": {"target_length": np.array([3, -1, 0])}}, DomainError, r"\$\.target_length\[1\]"),
        ({"blank": 5}, ParameterError, r"blank < the number of classes"),
        ({"blank": -1}, ParameterError, r"blank >= 0"),
    ],
)
def test_what_is_out_of_range_is_placed(change: dict[str, Any], error: type[Exception], place: str) -> None:
    with pytest.raises(error, match=place):
        rows(**change)
