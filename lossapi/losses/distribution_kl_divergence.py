"""How far one distribution is from another of its kind, by their parameters."""

from collections.abc import Callable, Mapping

from lossapi.definition import loss
from lossapi.domains import TAG, Array, Distribution, Rows
from lossapi.errors import Unsupported
from lossapi.functions import digamma, lgamma, log1m, log_softmax, namespace, product, sigmoid, softplus
from lossapi.libraries.conventions import Arguments, broadcast_groups, nan_in_group, steps
from lossapi.libraries.presets import tf1

Group = Mapping[str, Array]
INFINITY = float("inf")


def normal(p: Group, q: Group) -> Array:
    """½(r² + d² - 1) - log r, r = σ_p/σ_q, d = (μ_p - μ_q)/σ_q."""
    ratio, gap = p["scale"] / q["scale"], (p["loc"] - q["loc"]) / q["scale"]
    return 0.5 * (ratio * ratio + gap * gap - 1.0) - namespace(ratio).log(ratio)


def bernoulli(p: Group, q: Group) -> Array:
    """π log(π/ρ) + (1 - π) log((1 - π)/(1 - ρ)), terms of no probability 0."""
    (yes, no, log_yes, log_no), (_, _, other_yes, other_no) = outcomes(p), outcomes(q)
    return product(yes, log_yes) - product(yes, other_yes) + product(no, log_no) - product(no, other_no)


def outcomes(p: Group) -> tuple[Array, Array, Array, Array]:
    """The probabilities of yes and no, and their logarithms."""
    if "logits" in p:
        x = p["logits"]
        return sigmoid(x), sigmoid(-x), -softplus(-x), -softplus(x)
    probs = p["probs"]
    return probs, 1.0 - probs, namespace(probs).log(probs), log1m(probs)


def categorical(p: Group, q: Group) -> Array:
    """Σ π log(π/ρ), terms of no probability 0."""
    logs, others = log_classes(p), log_classes(q)
    xp = namespace(logs)
    probs = xp.exp(logs)
    return xp.sum(product(probs, logs) - product(probs, others), axis=-1)


def log_classes(p: Group) -> Array:
    """The logarithms of the probabilities, which are divided by their sum."""
    if "logits" in p:
        return log_softmax(p["logits"], axis=-1)
    xp = namespace(p["probs"])
    return xp.log(p["probs"] / xp.sum(p["probs"], axis=-1, keepdims=True))


def gamma(p: Group, q: Group) -> Array:
    """(a - b)ψ(a) - log Γ(a) + log Γ(b) + b log(λ_p/λ_q) + a(λ_q/λ_p - 1), concentrations a and b."""
    a, b, ratio = p["concentration"], q["concentration"], q["rate"] / p["rate"]
    return (a - b) * digamma(a) - lgamma(a) + lgamma(b) - b * namespace(ratio).log(ratio) + a * (ratio - 1.0)


def dirichlet(p: Group, q: Group) -> Array:
    """log Γ(A) - log Γ(B) + Σ (log Γ(b) - log Γ(a) + (a - b)(ψ(a) - ψ(A))), A = Σa, B = Σb."""
    a, b = p["concentration"], q["concentration"]
    xp = namespace(a)
    whole = xp.sum(a, axis=-1, keepdims=True)
    terms = lgamma(b) - lgamma(a) + (a - b) * (digamma(a) - digamma(whole))
    return lgamma(xp.squeeze(whole, axis=-1)) - lgamma(xp.sum(b, axis=-1)) + xp.sum(terms, axis=-1)


def beta(p: Group, q: Group) -> Array:
    """As a Dirichlet distribution of two classes."""
    a, b, c, d = p["concentration1"], p["concentration0"], q["concentration1"], q["concentration0"]
    whole = a + b
    first = lgamma(c) - lgamma(a) + (a - c) * (digamma(a) - digamma(whole))
    second = lgamma(d) - lgamma(b) + (b - d) * (digamma(b) - digamma(whole))
    return lgamma(whole) - lgamma(c + d) + first + second


DIVERGENCES: Mapping[str, Callable[[Group, Group], Array]] = {
    each.__name__: each for each in (normal, bernoulli, categorical, beta, gamma, dirichlet)
}


def _nan_allowed(arguments: Arguments) -> Arguments:
    """The older function says `allow_nan` and forbids it; it was renamed before it was taken away."""
    older, newer = arguments.pop("older"), arguments["allow_nan"]
    return arguments | {"allow_nan": bool(older if newer is None else newer)}


TF1 = steps(
    broadcast_groups({"categorical": 1, "dirichlet": 1}, "p", "q"),
    nan_in_group("p", "bernoulli", "probs", lambda p: (p == 0.0) | (p == 1.0)),
    nan_in_group("p", "bernoulli", "logits", lambda x: abs(x) == INFINITY),
    nan_in_group("p", "categorical", "probs", lambda p: p == 0.0),
    nan_in_group("p", "categorical", "logits", lambda x: abs(x) == INFINITY),
)
DIFFERS = "never reduced; parameters are broadcast and not checked; an outcome impossible under the first gives NaN"


@loss(
    family="distribution",
    like=[
        tf1(
            "distributions.kl_divergence(distribution_a, distribution_b, allow_nan_stats=True)",
            {"distribution_a": "p", "distribution_b": "q", "allow_nan_stats": "allow_nan"},
            reduction="none",
            prepare=TF1,
            unchecked=frozenset({"p", "q"}),
            differs=DIFFERS,
        ),
        tf1(
            "contrib.distributions.kl(dist_a, dist_b, allow_nan=False, allow_nan_stats=None)",
            {"dist_a": "p", "dist_b": "q", "allow_nan": "older", "allow_nan_stats": "allow_nan"},
            reduction="none",
            prepare=steps(_nan_allowed, TF1),
            unchecked=frozenset({"p", "q"}),
            differs=f"{DIFFERS}, which is refused unless `allow_nan`",
        ),
    ],
)
def distribution_kl_divergence(
    p: Distribution[Group, "batch *axes"], q: Distribution[Group, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """What it costs to expect distribution q where p holds, in closed form, for two distributions of one kind.

    Each is an object: {"distribution": "normal", "loc", "scale"}, "bernoulli" and "categorical" with "probs" or
    "logits", "beta" with "concentration1" and "concentration0", "gamma" with "concentration" and "rate",
    "dirichlet" with "concentration".

    Formula:
        KL(p ‖ q) = E_p log(p/q); normal: log(σ_q/σ_p) + (σ_p² + (μ_p - μ_q)²) / (2σ_q²) - ½
    Shapes:
        parameters: (batch, *axes), or one number for all; those of categorical and dirichlet have their classes
        last; one value per (batch, *axes)
    Units:
        nats
    Convention:
        An outcome impossible under p adds nothing, one impossible under q alone makes it infinite, as in
        torch.distributions. The probabilities of a categorical distribution are divided by their sum.
    Errata:
        Takes distributions by their parameters, not arrays of probabilities, and is not symmetric in them.
    Raises:
        parameter: a kind or a parameter that is not known; unsupported: two kinds
    Source:
        S. Kullback, R. A. Leibler, On Information and Sufficiency, 1951, doi:10.1214/aoms/1177729694
    Example:
        {"p": {"distribution": "normal", "loc": [0.0, 1.0], "scale": [1.0, 2.0]},
         "q": {"distribution": "normal", "loc": 0.0, "scale": 1.0}} → 0.653426409720027
    """
    if p[TAG] != q[TAG]:
        raise Unsupported(f"two distributions of one kind ({p[TAG]})", repr(q[TAG]), ("q", TAG))
    return DIVERGENCES[p[TAG]](p, q)
