"""Logits of the true classes of a row and of a few drawn ones, in place of those of all classes."""

from math import log1p

from lossapi.domains import Array
from lossapi.errors import ParameterError
from lossapi.functions import namespace, stop_gradient
from lossapi.libraries.candidates import log_uniform

HIT = -3.4028234663852886e38
"""What TensorFlow adds to the logit of a drawn class that is a true one: the least float32."""


def sampled_logits(
    prediction: Array,
    target: Array,
    class_embedding: Array,
    bias: Array | None,
    drawn: tuple[Array | None, Array | None, Array | None],
    num_sampled: int | None,
    seed: int | None,
    remove_accidental_hits: bool,
) -> tuple[Array, Array]:
    """Logits (batch, true) and (batch, sampled), less the log of how often each class is expected among the drawn.

    `drawn` holds the classes, and the expected counts of the true ones and of the drawn ones; or they are drawn here.
    """
    xp = namespace(prediction)
    true = target if target.ndim == 2 else xp.expand_dims(target, axis=1)
    sampled, true_count, sampled_count = given_or_drawn(true, class_embedding, drawn, num_sampled, seed)
    flat = xp.reshape(true, (-1,))
    rows = xp.reshape(xp.take(class_embedding, flat, axis=0), (*true.shape, class_embedding.shape[1]))
    of_true = xp.sum(xp.expand_dims(prediction, axis=1) * rows, axis=2)
    of_sampled = xp.matmul(prediction, xp.take(class_embedding, sampled, axis=0).T)
    if bias is not None:
        of_true = of_true + xp.reshape(xp.take(bias, flat, axis=0), true.shape)
        of_sampled = of_sampled + xp.take(bias, sampled, axis=0)
    if remove_accidental_hits:
        hits = xp.any(xp.expand_dims(true, axis=2) == sampled, axis=1)
        of_sampled = of_sampled + HIT * xp.astype(hits, of_sampled.dtype)
    counts = xp.reshape(stop_gradient(true_count), true.shape), stop_gradient(sampled_count)
    return of_true - xp.log(counts[0]), of_sampled - xp.log(counts[1])


def given_or_drawn(
    true: Array,
    class_embedding: Array,
    drawn: tuple[Array | None, Array | None, Array | None],
    num_sampled: int | None,
    seed: int | None,
) -> tuple[Array, Array, Array]:
    """The classes that a request gives, with their expected counts; or classes drawn by its seed."""
    if any(each is not None for each in drawn):
        for name, each in zip(("sampled", "true_expected_count", "sampled_expected_count"), drawn, strict=True):
            if each is None:
                raise ParameterError(f"{name} with the other two", "nothing", (name,))
        return drawn
    if num_sampled is None or seed is None:
        raise ParameterError("sampled classes, or num_sampled and a seed to draw them by", "neither")
    xp, classes = namespace(class_embedding), class_embedding.shape[0]
    candidates = log_uniform(seed, num_sampled, classes)
    sampled = xp.asarray(candidates.classes)
    return sampled, *(expected(each, class_embedding, candidates.tries, num_sampled) for each in (true, sampled))


def expected(classes: Array, like: Array, tries: int, count: int) -> Array:
    """How often a class is among the drawn: 1 - (1 - p)^tries, or tries · p where nothing was drawn twice."""
    xp = namespace(like)
    at = xp.astype(classes, like.dtype)
    p = xp.log((at + 2.0) / (at + 1.0)) / log1p(like.shape[0])
    return p * float(count) if tries == count else -xp.expm1(float(tries) * xp.log1p(-p))
