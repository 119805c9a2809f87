"""The margin losses of scores, as they are asked for by their own names."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lossapi import compute
from lossapi.errors import DomainError, DtypeError, EmptyError, LossError, ParameterError, ShapeError

Array = npt.NDArray[Any]


def value(name: str, prediction: Any, target: Any, **options: Any) -> Any:
    given = {key: options.pop(key) for key in ("weight", "reduction") if key in options}
    arrays = {"prediction": np.array(prediction), "target": np.array(target)}
    return compute(name, arrays, options, **given).value


def none(name: str, prediction: Any, target: Any, **options: Any) -> list[Any]:
    rows: list[Any] = np.asarray(value(name, prediction, target, reduction="none", **options)).tolist()
    return rows


@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "perceptron", "soft_margin", "hinge_embedding"])
def test_targets_of_0_and_1_are_never_converted(name: str) -> None:
    with pytest.raises(DomainError, match=r"Expected -1 or 1, got 0 - at \$\.target\[1\]"):
        value(name, [0.5, -0.3], [1, 0])


@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "perceptron", "soft_margin", "sparsemax"])
def test_nan_comes_out_where_it_went_in(name: str) -> None:
    assert np.isnan(none(name, [np.nan, 3.0], [1, 1])).tolist() == [True, False]


@pytest.mark.parametrize("name", ["hinge", "multi_margin", "multilabel_margin"])
def test_the_mean_of_nothing_is_refused_and_its_sum_is_0(name: str) -> None:
    arrays = {"prediction": np.zeros((0, 3)), "target": np.zeros((0, 3), np.int64)}
    arrays["target"] = arrays["target"][:, 0] if name == "multi_margin" else arrays["target"]
    with pytest.raises(EmptyError):
        compute(name, arrays)
    assert compute(name, arrays, reduction="sum").value == 0.0


def test_weights_of_zero_everywhere_have_no_weighted_mean() -> None:
    with pytest.raises(EmptyError):
        value("hinge", [0.5], [1], weight=np.array([0.0]), reduction="weighted_mean")
    assert value("hinge", [0.5], [1], weight=np.array([0.0])) == 0.0


class TestHinge:
    def test_nothing_is_paid_from_the_margin_on(self) -> None:
        assert none("hinge", [1.0, 2.0, 0.0, -200.0], [1, 1, 1, 1]) == [0.0, 0.0, 1.0, 201.0]
        assert none("squared_hinge", [1.0, 2.0, 0.0, -200.0], [1, 1, 1, 1]) == [0.0, 0.0, 1.0, 201.0**2]
        assert none("perceptron", [1.0, 0.0, -0.5], [-1, 1, 1]) == [1.0, 0.0, 0.5]


class TestCategoricalHinge:
    def test_indices_and_one_hot_rows_are_the_same(self) -> None:
        s = np.random.default_rng(0).normal(size=(5, 3, 2))
        y = np.random.default_rng(1).integers(0, 3, (5, 2))
        dense = np.moveaxis(np.eye(3)[y], -1, 1)
        for against_zero in (False, True):
            one, two = (none("categorical_hinge", s, t, against_zero=against_zero) for t in (y, dense))
            np.testing.assert_allclose(one, two)

    def test_scores_all_below_zero_are_where_keras_differs(self) -> None:
        assert value("categorical_hinge", [[-5.0, -3.0, -5.0]], [1]) == 0.0
        assert value("categorical_hinge", [[-5.0, -3.0, -5.0]], [1], against_zero=True) == 4.0

    def test_a_label_out_of_range_is_placed(self) -> None:
        with pytest.raises(DomainError, match=r"label < 3 \(axis classes\), got 3 - at \$\.target\[1\]"):
            value("categorical_hinge", np.zeros((2, 3)), [0, 3])

    def test_ignored_labels_do_not_enter(self) -> None:
        s, y = [[2.0, 1.5], [0.0, 9.0], [0.0, 0.0]], [0, -1, 1]
        assert value("categorical_hinge", s, y, ignore_index=-1) == pytest.approx((0.5 + 1.0) / 2)


class TestSparsemax:
    def test_it_is_exactly_0_from_a_lead_of_1_on(self) -> None:
        assert none("sparsemax", [1.0, -1.0, 0.0, -200.0], [1, 0, 1, 1]) == [0.0, 0.0, 0.25, 200.0]
        assert none("multiclass_sparsemax", [[1.5, 0.5], [0.0, 0.0], [-200.0, 0.0]], [0, 1, 0]) == [0.0, 0.25, 200.0]

    def test_two_classes_are_the_binary_loss_of_their_difference(self) -> None:
        s = np.random.default_rng(0).normal(size=(50, 2))
        binary = none("sparsemax", s[:, 1] - s[:, 0], np.ones(50, int))
        np.testing.assert_allclose(none("multiclass_sparsemax", s, np.ones(50, int)), binary, atol=1e-12)


class TestSoftMargin:
    def test_it_grows_like_the_score_and_never_overflows(self) -> None:
        far = np.array([-200.0, -1e4, 200.0], np.float32)
        np.testing.assert_allclose(none("soft_margin", far, [1, 1, 1]), [200.0, 1e4, 0.0])
        np.testing.assert_allclose(none("soft_margin", far, [1, 1, 1], overflow=True), [np.inf, np.inf, 0.0])


class TestMultiMargin:
    s = ((0.25, 0.5, 1.0), (2.0, 0.0, 0.5))

    def test_the_weight_stands_outside_the_power(self) -> None:
        # row 0: 0.75² + 1.5² over 3 classes, times the weight of class 1
        w = {"class_weight": np.array([1.0, 4.0, 1.0])}
        arrays = {"prediction": np.array(self.s), "target": np.array([1, 0]), **w}
        rows = compute("multi_margin", arrays, {"p": 2}, reduction="none").value
        np.testing.assert_allclose(rows, [4 * (0.75**2 + 1.5**2) / 3, 0.0])

    def test_a_weighted_mean_divides_by_the_weights_of_the_rows_classes(self) -> None:
        arrays = {"prediction": np.array(self.s), "target": np.array([1, 0]), "class_weight": np.array([1.0, 3.0, 1.0])}
        mean = compute("multi_margin", arrays).value
        assert compute("multi_margin", arrays, reduction="weighted_mean").value == pytest.approx(mean * 2 / 4)

    def test_only_the_first_and_second_power_are_known(self) -> None:
        with pytest.raises(ParameterError, match="p to be 1 or 2"):
            value("multi_margin", self.s, [1, 0], p=3)


class TestMultilabelMargin:
    def test_what_follows_the_first_minus_one_is_not_read(self) -> None:
        s = [[0.25, 0.5, 0.0, 1.0]]
        assert value("multilabel_margin", s, [[3, 0, -1, 1]]) == value("multilabel_margin", s, [[3, 0, -1, -1]])
        assert value("multilabel_margin", s, [[3, 0, -1, 1]]) == value("multilabel_margin", s, [[3, 0]])
        assert value("multilabel_margin", s, [[-1, 2, 1, 0]]) == 0.0

    def test_indices_beyond_the_classes_are_refused(self) -> None:
        for wrong in (-2, 4):
            with pytest.raises(DomainError, match=r"\$\.target\[0\]\[1\]"):
                value("multilabel_margin", [[0.25, 0.5, 0.0, 1.0]], [[3, wrong]])

    def test_lists_of_fractions_are_refused(self) -> None:
        with pytest.raises(DtypeError, match="integers"):
            value("multilabel_margin", [[0.25, 0.5]], [[0.0, -1.0]])


class TestMultilabelSoftMargin:
    def test_the_sum_over_the_labels_is_divided_by_their_number(self) -> None:
        log2 = 0.6931471805599453
        assert none("multilabel_soft_margin", np.zeros((2, 3)), np.ones((2, 3))) == pytest.approx([log2, log2])
        arrays = {"prediction": np.zeros((2, 3)), "target": np.ones((2, 3)), "class_weight": np.array([0.0, 1.0, 5.0])}
        assert compute("multilabel_soft_margin", arrays).value == pytest.approx(2 * log2)

    def test_targets_that_are_no_probabilities_are_refused(self) -> None:
        with pytest.raises(DomainError, match=r"probability in \[0, 1\]"):
            value("multilabel_soft_margin", np.zeros((1, 2)), [[0, 2]])


class TestMarginRanking:
    def test_the_right_order_by_more_than_the_margin_costs_nothing(self) -> None:
        arrays = {
            "input1": np.array([2.0, 2.0, 1.0]),
            "input2": np.array([1.0, 1.9, 2.0]),
            "target": np.array([1, 1, -1]),
        }
        rows = compute("margin_ranking", arrays, {"margin": 0.5}, reduction="none").value
        np.testing.assert_allclose(rows, [0.0, 0.4, 0.0])

    def test_unlike_shapes_are_refused(self) -> None:
        arrays = {"input1": np.zeros(3), "input2": np.zeros(2), "target": np.ones(3)}
        with pytest.raises(ShapeError, match=r"\$\.input2"):
            compute("margin_ranking", arrays)


class TestRankingSoftmax:
    def test_masked_items_are_not_in_their_list(self) -> None:
        arrays = {"prediction": np.array([[2.0, 1.0, 90.0]]), "target": np.array([[1.0, 0.0, 1.0]])}
        masked = {**arrays, "mask": np.array([[1, 1, 0]])}
        two = {name: each[:, :2] for name, each in arrays.items()}
        assert compute("ranking_softmax", masked).value == pytest.approx(compute("ranking_softmax", two).value)

    def test_lists_without_items_leave_the_mean(self) -> None:
        arrays = {"prediction": np.array([[2.0, 1.0], [5.0, 5.0]]), "target": np.array([[1.0, 0.0], [1.0, 1.0]])}
        masked = compute("ranking_softmax", {**arrays, "mask": np.array([[1, 1], [0, 0]])})
        first = compute("ranking_softmax", {name: each[:1] for name, each in arrays.items()})
        assert masked.value == pytest.approx(first.value)
        with pytest.raises(LossError):
            compute("ranking_softmax", {**arrays, "mask": np.zeros((2, 2))})
