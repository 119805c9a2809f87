"""Domains: which values and dtypes a tensor may hold, and what is said of one that it may not."""

import ml_dtypes
import numpy as np
import pytest

from lossapi import domains, open_domains
from lossapi.domains import Bindings, Domain, Forms, Spec
from lossapi.errors import DomainError, DtypeError, ShapeError


def domain(name: str) -> Domain:
    """A domain by its name in annotations."""
    found = getattr(domains, name)
    assert isinstance(found, Domain)
    return found


def spec(axes: str, of: str = "Real") -> Spec:
    """One way to read a tensor."""
    return Spec(domain(of), tuple(axes.split()))


def complaint(of: str, values: object, classes: int = 5, **parameters: bool) -> str | None:
    """What is said of some values, if anything."""
    array, bounds = np.array(values), domain(of).bounds(parameters, {"classes": classes})
    if domain(of).holds(array, bounds):
        return None
    try:
        domain(of).check("target", array, bounds)
    except DomainError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("of", "values"),
    [
        ("Real", [-np.inf, np.nan, 1e300]),
        ("Probability", [0.0, 1.0, -0.0, np.nan]),
        ("NonNegativeReal", [0.0, np.inf, np.nan]),
        ("Sign", [-1.0, 1.0, np.nan]),
        ("Binary", [0, 1]),
        ("Binary", [True, False]),
        ("Label", [0, 4]),
        ("PaddedIndex", [-1, 4]),
        ("Weight", [-1.0, 2.0]),
        ("Probability", np.zeros((0, 3))),
    ],
)
def test_values_inside_a_domain_pass(of: str, values: object) -> None:
    assert complaint(of, values) is None


@pytest.mark.parametrize(
    ("of", "values", "message"),
    [
        ("Probability", [0.2, 1.5], "Expected probability in [0, 1], got 1.5 - at $.target[1]"),
        ("Probability", [np.nan, -0.1], "Expected probability in [0, 1], got -0.1 - at $.target[1]"),
        ("Probability", [np.inf], "Expected probability in [0, 1], got inf - at $.target[0]"),
        ("Probability", 7.0, "Expected probability in [0, 1], got 7 - at $.target"),
        ("Score", [2.0], "Expected probability in [0, 1] (raw scores need from_logits: true), got 2 - at $.target[0]"),
        ("NonNegativeReal", [[1.0, -2.0]], "Expected a number >= 0, got -2 - at $.target[0][1]"),
        ("Sign", [1.0, 0.0], "Expected -1 or 1, got 0 - at $.target[1]"),
        ("Binary", [0.5], "Expected 0 or 1, got 0.5 - at $.target[0]"),
        ("Label", [0, 7], "Expected label < 5 (axis classes), got 7 - at $.target[1]"),
        ("Label", [-100], "Expected label < 5 (axis classes), got -100 - at $.target[0]"),
        ("PaddedIndex", [-2], "Expected index (-1 is padding) >= -1 < 5 (axis classes), got -2 - at $.target[0]"),
    ],
)
def test_the_first_value_outside_is_named(of: str, values: object, message: str) -> None:
    assert complaint(of, values) == message


def test_a_parameter_lifts_the_bounds_of_scores() -> None:
    assert complaint("Score", [-200.0, 200.0], from_logits=True) is None
    assert complaint("Score", [2.0], from_logits=False) is not None


def test_labels_are_unbounded_above_where_no_axis_says_how_many() -> None:
    assert domain("Label").bounds({}, {}) == (0, None)
    with pytest.raises(DomainError, match=r"Expected label >= 0, got -1 - at \$\.target\[0\]"):
        domain("Label").check("target", np.array([-1]), (0, None))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64", ml_dtypes.bfloat16])
def test_real_numbers_come_in_every_dtype(dtype: str) -> None:
    domain("Real").check_dtype("prediction", np.zeros(1, dtype))


@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16])
def test_labels_are_integers(dtype: str) -> None:
    with pytest.raises(DtypeError, match=r"Expected label as integers, got dtype b?float\d+ - at \$\.target"):
        domain("Label").check_dtype("target", np.zeros(1, dtype))


def test_a_bar_offers_forms_and_none_makes_them_optional() -> None:
    one, two = spec("batch"), spec("batch classes")
    assert one | two == Forms((one, two))
    assert one | None == Forms((one,), optional=True)
    assert (one | two | None) == Forms((one, two), optional=True)


@pytest.mark.parametrize(
    ("axes", "ranks"), [("", {0}), ("batch", {1}), ("batch *axes", {1, 2, 3}), ("batch classes *axes dim", {3})]
)
def test_named_axes_say_the_rank(axes: str, ranks: set[int]) -> None:
    assert {rank for rank in range(4) if spec(axes).fits_rank(rank)} == ranks


def test_equal_axis_names_must_agree() -> None:
    bindings: Bindings = {}
    spec("batch classes *axes").bind("prediction", (2, 5, 3, 4), bindings)
    assert bindings == {"batch": 2, "classes": 5, "*axes": (3, 4)}
    spec("batch *axes").bind("target", (2, 3, 4), bindings)
    with pytest.raises(ShapeError) as raised:
        spec("batch *axes").bind("target", (2, 4, 4), bindings)
    assert str(raised.value) == "Expected target of shape (2, 3, 4) (batch, *axes), got shape (2, 4, 4) - at $.target"


def test_the_variadic_axes_may_stand_in_the_middle() -> None:
    bindings: Bindings = {}
    spec("batch *axes dim").bind("embedding", (2, 3, 4, 8), bindings)
    assert bindings == {"batch": 2, "*axes": (3, 4), "dim": 8}


def test_a_number_for_a_name_is_a_size() -> None:
    with pytest.raises(ShapeError, match=r"of shape \(2, 4\)"):
        spec("batch 4").bind("box", (2, 5), {})


def test_unknown_sizes_are_shown_by_name() -> None:
    assert spec("batch classes *axes").shape({"batch": 2, "*axes": (3,)}) == (2, "classes", 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_open_end_is_outside_itself(dtype: str) -> None:
    for of, end in (("PositiveReal", 0.0), ("Growth", -1.0)):
        above = vars(open_domains)[of]
        bounds = above.bounds({}, {})
        inside, outside = np.array([np.nextafter(np.dtype(dtype).type(end), 1)]), np.array([2.0, end], dtype)
        assert above.holds(inside, bounds)
        assert not above.holds(outside, bounds)
        with pytest.raises(DomainError, match=f"Expected a number > {end:g}, got {end:g} - at"):
            above.check("target", outside, bounds)
