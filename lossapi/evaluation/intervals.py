"""How far a value might lie from what it would be over other rows: confidence intervals.

`bootstrap` takes the percentiles of values over rows drawn again (Efron 1979). `analytic` takes Student's t for means
of independent rows, and Wilson's score interval (1927) for proportions of them; what is neither has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError

from lossapi.domains import Array
from lossapi.errors import LossError, ParameterError, Unsupported, placed_at
from lossapi.evaluation import student
from lossapi.evaluation.panel import Outcome, Panel, Term
from lossapi.evaluation.resampling import Resampling, cells_of, with_cells
from lossapi.evaluation.row_sums import row_means, row_sums
from lossapi.evaluation.sharing import Layout
from lossapi.parameters import Field, WholeNumber, as_error, model
from lossapi.plan import Plan
from lossapi.states import Counts

MOST_CELLS = 1024
"""Cells of a table that are looked at to find what it is a proportion of."""
MOST_NUMBERS = 4096
"""Numbers of one value that are kept for every draw."""

LEVEL: Mapping[str, Field] = {"level": (Annotated[float, Gt(0), Lt(1)], 0.95)}
DRAWS: Mapping[str, Field] = {
    "resamples": (Annotated[int, Ge(10), Le(100_000)], 1000),
    "seed": (WholeNumber, 0),
}
FIELDS: Mapping[str, Field] = {"method": (Literal["bootstrap", "analytic"], "bootstrap"), **LEVEL, **DRAWS}
MODEL = model("confidence", FIELDS)


class Confidence(NamedTuple):
    """Which intervals are asked for."""

    method: str
    level: float
    resamples: int
    seed: int

    def shown(self) -> dict[str, Any]:
        """As a reply repeats it."""
        named = self._asdict()
        return named if self.method != "analytic" else {name: named[name] for name in ("method", "level")}


def read_confidence(given: Any) -> Confidence | None:
    """What `confidence` asks for; true is all defaults."""
    if given is None or given is False:
        return None
    with placed_at("confidence"):
        return Confidence(**read_options(MODEL, {} if given is True else given))


def read_options(fields: Any, given: Any) -> dict[str, Any]:
    """Some options by name, validated."""
    if not isinstance(given, Mapping):
        raise ParameterError("an object", type(given).__name__)
    try:
        return dict(vars(fields.model_validate(dict(given))))
    except ValidationError as error:
        raise as_error(error, fields.model_fields) from None


class Interval(NamedTuple):
    """Both ends in the form of the value, on how many draws it was undefined; or why there is none."""

    low: Any = None
    high: Any = None
    undefined: int = 0
    error: LossError | None = None

    def plain(self, problem: Any) -> dict[str, Any]:
        """As it is sent, beside the value."""
        if self.error is not None:
            return {"interval": None, "interval_error": problem(self.error)}
        undefined = {"undefined_resamples": self.undefined} if self.undefined else {}
        return {"interval": [self.low, self.high], **undefined}


def intervals(layout: Layout, panel: Panel, found: Sequence[Outcome], asked: Confidence) -> list[Interval | None]:
    """The interval of every item; none where it has no value."""
    if asked.method == "analytic":
        each = zip(layout.plans_read(), panel.parts, found, strict=True)
        return [None if o.error else analytic(plans, part, o.value, asked.level) for plans, part, o in each]
    return bootstrapped(layout, found, asked)


def bootstrapped(layout: Layout, found: Sequence[Outcome], asked: Confidence) -> list[Interval | None]:
    """The percentile interval of every item whose value is not too large to be kept for every draw."""
    sizes = [None if each.error else flat(each.value) for each in found]
    kept = [i for i, numbers in enumerate(sizes) if numbers is not None and len(numbers) <= MOST_NUMBERS]
    few = replace(layout, items=tuple(layout.items[i] for i in kept), readers=tuple(layout.readers[i] for i in kept))
    resampling = Resampling(few.pruned(), asked.seed)
    draws = [[_numbers(each) for each in resampling.outcomes()] for _ in range(asked.resamples)]
    known = {i: percentiles(found[i].value, [draw[at] for draw in draws], asked.level) for at, i in enumerate(kept)}
    large = Interval(error=Unsupported(f"a value of at most {MOST_NUMBERS} numbers", "another"))
    return [None if each.error else known.get(i, large) for i, each in enumerate(found)]


def _numbers(found: Outcome) -> Array | None:
    return None if found.error else flat(found.value)


def percentiles(value: Any, draws: Sequence[Array | None], level: float) -> Interval:
    """The interval between two percentiles; draws on which a value is not defined are left out, and counted."""
    rows = [each for each in draws if each is not None]
    numbers = flat(value)
    if numbers is None or any(len(each) != len(numbers) for each in rows):
        return Interval(error=Unsupported("a value of the same size on every draw", "another size"))
    defined = [each for each in rows if not np.isnan(each).all()]
    if not defined:
        return Interval(error=Unsupported("a value that is defined on some draws", "none"))
    ends = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    low, high = np.nanquantile(np.array(defined), ends, axis=0) if len(defined[0]) else np.empty((2, 0))
    return Interval(shaped(value, iter(low)), shaped(value, iter(high)), len(draws) - len(defined))


def flat(value: Any) -> Array | None:
    """All numbers of a value, one after another; None where something else is among them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        parts = [flat(each) for each in value]
        return None if any(part is None for part in parts) else np.concatenate([np.empty(0), *map(np.asarray, parts)])
    array = np.asarray(value)
    return array.astype(np.float64).reshape(-1) if array.dtype.kind in "biuf" else None


def shaped(value: Any, numbers: Iterator[Any]) -> Any:
    """Numbers in the form of a value."""
    if isinstance(value, Mapping):
        return {name: shaped(each, numbers) for name, each in value.items()}
    if isinstance(value, list):
        return [shaped(each, numbers) for each in value]
    if isinstance(value, np.ndarray):
        return np.array([next(numbers) for _ in range(value.size)], np.float64).reshape(value.shape)
    return float(next(numbers))


def analytic(plans: Sequence[Plan | LossError], part: Any, value: Any, level: float) -> Interval:
    """The interval of a mean or a proportion of independent rows."""
    if len(plans) != 1 or np.ndim(value) or isinstance(value, Mapping | list):
        return Interval(error=_neither("several values"))
    plan, term = plans[0], part[0]
    if not isinstance(plan, Plan) or not term.merges:
        return Interval(error=_neither("rows that see each other"))
    proportion = proportion_of(plan, term)
    if proportion is not None:
        return Interval(*wilson(*proportion, level))
    means = means_of(plan, term)
    if means is None:
        return Interval(error=_neither("neither (method bootstrap gives one)"))
    if len(means) < 2:
        return Interval(error=Unsupported("at least two rows", str(len(means))))
    return Interval(*t_interval(means, level))


def _neither(got: str) -> Unsupported:
    return Unsupported("a mean or a proportion of rows that count once each", got)


def means_of(plan: Plan, term: Term) -> Array | None:
    """One value per row, of which the item's is the mean."""
    sums = row_sums(plan)
    return None if sums is None else row_means(term.source, sums)


def t_interval(values: Array, level: float) -> tuple[float, float]:
    """The mean give or take Student's t times the standard error."""
    rows = len(values)
    reach = student.beyond((1.0 - level) / 2.0, rows - 1) * float(np.std(values, ddof=1)) / rows**0.5
    return float(np.mean(values)) - reach, float(np.mean(values)) + reach


def wilson(successes: int, trials: int, level: float) -> tuple[float, float]:
    """Wilson's score interval."""
    z = student.normal_beyond((1.0 - level) / 2.0)
    share, part = successes / trials, z * z / trials
    middle = (share + part / 2.0) / (1.0 + part)
    reach = z / (1.0 + part) * (share * (1.0 - share) / trials + part / (4.0 * trials)) ** 0.5
    return max(0.0, middle - reach) if successes else 0.0, min(1.0, middle + reach) if successes < trials else 1.0


def proportion_of(plan: Plan, term: Term) -> tuple[int, int] | None:
    """Successes and trials, where a reading of a table is a proportion of the rows in some of its cells.

    That it is one is seen from one more row in each cell of a table without empty ones: it is a success, a failure, or
    nothing to it, by exactly what it makes of the proportion.
    """
    state = term.source.state
    cells = cells_of(plan, state) if isinstance(state, Counts) else None
    if cells is None or len(cells) > MOST_CELLS:
        return None
    filled = cells + 1

    def read(numbers: Array) -> float:
        source = replace(term.source, state=with_cells(state, numbers))
        return float(source.read()[0])

    base = read(filled)
    more = np.array([read(filled + each) for each in np.eye(len(cells), dtype=cells.dtype)])
    success, counted = more > base, more != base
    k, n = int(filled[success].sum()), int(filled[counted].sum())
    wanted = np.where(success, (k + 1) / (n + 1), np.where(counted, k / (n + 1), base)) if n else more
    successes, trials = int(cells[success].sum()), int(cells[counted].sum())
    if not trials:
        return None
    found, expected = [base, *more, read(cells)], [k / n, *wanted, successes / trials]
    return (successes, trials) if np.allclose(found, expected, rtol=1e-12, atol=0.0) else None
