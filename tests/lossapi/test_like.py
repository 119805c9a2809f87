"""Other libraries' functions by their own names."""

import numpy as np
import pytest

from lossapi import like
from lossapi.errors import DtypeError, LossError, ParameterError, ShapeError, UnknownKey, UnknownName

ROWS = np.array([[0.0, 3.0], [1.0, -2.0]])


def test_the_librarys_arguments_give_its_answer() -> None:
    result = like.compute("torch", "huber_loss", {"input": [0.0, 3.0], "target": [0.0, 0.0], "reduction": "sum"})
    assert (result.name, result.value) == ("huber", 2.5)


def test_a_keras_function_averages_over_the_last_axis_and_its_class_over_all() -> None:
    given = {"y_true": np.zeros((2, 2)), "y_pred": ROWS}
    assert like.compute("keras", "huber", given).value.tolist() == [1.25, 1.0]
    assert like.compute("keras", "Huber", {**given, "sample_weight": [1.0, 0.0]}).value == 0.625


def test_the_mean_of_nothing_is_what_the_library_says() -> None:
    empty = np.zeros((0, 2))
    assert np.isnan(like.compute("torch", "huber_loss", {"input": empty, "target": empty}).value)


@pytest.mark.parametrize(
    ("library", "function", "message"),
    [
        ("torhc", "huber_loss", "Expected a library such as 'torch', got 'torhc'"),
        ("torch", "hubr_loss", "'huber_loss'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(library: str, function: str, message: str) -> None:
    with pytest.raises(UnknownName) as raised:
        like.find(library, function)
    assert message in str(raised.value)


def refusal(**arguments: object) -> LossError:
    """What torch's huber_loss is refused with."""
    with pytest.raises(LossError) as raised:
        like.compute("torch", "huber_loss", arguments)
    return raised.value


def test_faults_are_placed_by_the_librarys_own_names() -> None:
    error = refusal(input=ROWS, target=np.zeros((3, 2)), delta=-1.0)
    assert error.faults[0].pointer in ("/target", "/delta")
    assert isinstance(refusal(input=ROWS, target=np.zeros((3, 5))), ShapeError)
    assert refusal(input=ROWS, target=np.zeros((3, 5))).faults[0].pointer == "/target"
    assert refusal(input=ROWS, target=ROWS, delta=0.0).faults[0].pointer == "/delta"


def test_unknown_and_missing_arguments_are_refused() -> None:
    assert isinstance(refusal(input=ROWS, target=ROWS, deltas=1.0), UnknownKey)
    assert isinstance(refusal(input=ROWS), ParameterError)
    assert isinstance(refusal(input=ROWS, target=None), ParameterError)


def test_what_is_no_number_is_refused() -> None:
    assert isinstance(refusal(input=["a"], target=ROWS), DtypeError)
    assert isinstance(refusal(input={"a": 1}, target=ROWS), DtypeError)


def test_every_library_has_its_functions_in_the_order_of_their_names() -> None:
    for library, functions in like.presets().items():
        assert list(functions) == sorted(functions)
        assert {preset.library.name for _, preset in functions.values()} == {library}
