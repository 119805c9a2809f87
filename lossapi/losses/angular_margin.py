"""Softmax over the angles between an embedding and one vector per class, the right class's angle made harder."""

from math import pi, sin
from typing import Annotated

from annotated_types import Ge, Le

from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows
from lossapi.functions import clip, namespace, one_hot, pick, stop_gradient, surprisal, unit
from lossapi.parameters import Count, Positive


@loss(family="face")
def sphereface(
    embedding: Real[Array, "batch dim"],
    label: Label[Array, "batch"],
    class_embedding: Real[Array, "classes dim"],
    *,
    margin: Count = 4,
    scale: Positive = 1.0,
) -> Rows[Array, "batch"]:
    """Softmax cross-entropy over angles in which the right class's angle is multiplied (A-Softmax).

    Formula:
        softmax cross-entropy of the logits s |x| cos θ_c, that of the right class being s |x| ψ(θ_y);
        ψ(θ) = (-1)^k cos(m θ) - 2k with k = ⌊m θ/π⌋; θ_c is the angle between embedding x and the class's vector
    Shapes:
        embedding: (batch, dim); label: (batch), indices; class_embedding: (classes, dim); one value per row
    Units:
        nats
    Convention:
        `margin` m is a whole number. The class vectors are brought to unit length; the embedding's length is the
        scale. As in pytorch-metric-learning (whose W is class_embedding transposed). The paper lets the margin in
        gradually by mixing in the plain cosine; this is the margin in full.
    Errata:
        Often one of "three losses of face recognition" that are named without a formula.
    Raises:
        domain: a label not below the number of classes
    Source:
        W. Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition, 2017,
        https://arxiv.org/abs/1704.08063
    Example:
        {"embedding": [[0.0, 2.0]], "label": [0], "class_embedding": [[1.0, 0.0], [0.0, 3.0]],
        "margin": 2} → 4.01814992791781
    """
    xp = namespace(embedding)
    cosine = _cosines(embedding, class_embedding)
    own = pick(cosine, label, axis=1)
    turns = stop_gradient(xp.floor(xp.acos(clip(own, low=-1.0, high=1.0)) * (margin / pi)))
    sign = 1.0 - 2.0 * xp.remainder(turns, 2.0 * xp.ones_like(turns))
    length = scale * xp.linalg.vector_norm(embedding, axis=1, keepdims=True)
    return _cross_entropy(cosine, label, sign * _multiple(own, margin) - 2.0 * turns, length)


@loss(family="face")
def cosface(
    embedding: Real[Array, "batch dim"],
    label: Label[Array, "batch"],
    class_embedding: Real[Array, "classes dim"],
    *,
    margin: float = 0.35,
    scale: Positive = 64.0,
) -> Rows[Array, "batch"]:
    """Softmax cross-entropy over cosines, the right class's cosine lowered by a margin (LMCL, AM-softmax).

    Formula:
        softmax cross-entropy of the logits s cos θ_c, that of the right class being s (cos θ_y - m)
    Shapes:
        embedding: (batch, dim); label: (batch), indices; class_embedding: (classes, dim); one value per row
    Units:
        nats
    Convention:
        Embeddings and class vectors are brought to unit length. As in pytorch-metric-learning (whose W is
        class_embedding transposed).
    Errata:
        Often one of "three losses of face recognition" that are named without a formula.
    Raises:
        domain: a label not below the number of classes
    Source:
        H. Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, 2018,
        https://arxiv.org/abs/1801.09414
    Example:
        {"embedding": [[3.0, 4.0]], "label": [1], "class_embedding": [[1.0, 0.0], [0.0, 1.0]],
        "scale": 4.0, "margin": 0.2} → 0.6931471805599453
    """
    cosine = _cosines(embedding, class_embedding)
    return _cross_entropy(cosine, label, pick(cosine, label, axis=1) - margin, scale)


@loss(family="face")
def arcface(
    embedding: Real[Array, "batch dim"],
    label: Label[Array, "batch"],
    class_embedding: Real[Array, "classes dim"],
    *,
    margin: Annotated[float, Ge(0), Le(pi)] = 0.5,
    scale: Positive = 64.0,
) -> Rows[Array, "batch"]:
    """Softmax cross-entropy over angles, the right class's angle widened by a margin.

    Formula:
        softmax cross-entropy of the logits s cos θ_c, that of the right class being s cos(θ_y + m),
        or s (cos θ_y - m sin m) where θ_y > π - m
    Shapes:
        embedding: (batch, dim); label: (batch), indices; class_embedding: (classes, dim); one value per row
    Units:
        nats; `margin` in radians
    Convention:
        Embeddings and class vectors are brought to unit length. Beyond π - m the cosine of the widened angle
        would rise again, so it goes on falling in a line, as in pytorch-metric-learning, whose margin is in
        degrees (28.6 for 0.5 radians) and whose W is class_embedding transposed.
    Errata:
        Often one of "three losses of face recognition" that are named without a formula.
    Raises:
        domain: a label not below the number of classes
    Source:
        J. Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2019,
        https://arxiv.org/abs/1801.07698
    Example:
        {"embedding": [[1.0, 1.0]], "label": [0], "class_embedding": [[1.0, 0.0], [0.0, 1.0]],
        "scale": 1.0, "margin": 0.7853981633974483} → 1.1079403076572498
    """
    xp = namespace(embedding)
    cosine = _cosines(embedding, class_embedding)
    own = pick(cosine, label, axis=1)
    angle = xp.acos(clip(own, low=-1.0, high=1.0))
    line = xp.cos(angle) - margin * sin(margin)
    return _cross_entropy(cosine, label, xp.where(angle <= pi - margin, xp.cos(angle + margin), line), scale)


def _cosines(embedding: Array, class_embedding: Array) -> Array:
    """The cosine of each embedding's angle to each class's vector."""
    return namespace(embedding).matmul(unit(embedding), namespace(embedding).matrix_transpose(unit(class_embedding)))


def _multiple(cosine: Array, m: int) -> Array:
    """cos(mθ) as a polynomial in cos θ: cos((n + 1)θ) = 2 cos θ cos(nθ) - cos((n - 1)θ)."""
    before, now = namespace(cosine).ones_like(cosine), cosine
    for _ in range(m - 1):
        before, now = now, 2.0 * cosine * now - before
    return now


def _cross_entropy(cosine: Array, label: Array, own: Array, scale: Array | float) -> Array:
    """Softmax cross-entropy of the scaled cosines, with `own` in the right class's place; a scale may be a column."""
    xp = namespace(cosine)
    other = one_hot(label, cosine, axis=1) == 0.0
    return surprisal(scale * xp.where(other, cosine, xp.expand_dims(own, axis=1)), label, axis=1)
