"""Softmax cross-entropy over a few drawn classes."""

from lossapi.definition import loss
from lossapi.domains import Array, Index, Label, NonNegativeReal, Real, Rows
from lossapi.functions import logsumexp, namespace
from lossapi.libraries import tf1_classes
from lossapi.libraries.presets import tf1
from lossapi.maps.sampled_logits import sampled_logits
from lossapi.parameters import Count, Integer


@loss(
    family="multiclass",
    like=[
        tf1(
            "nn.sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, "
            "sampled_values=None, remove_accidental_hits=True, partition_strategy='mod', seed=None)",
            {"weights": "class_embedding", "biases": "bias", "inputs": "prediction"},
            prepare=tf1_classes.sampled,
            differs="one of sampled_values and seed is needed, since without either TensorFlow draws anew each time",
        ),
    ],
)
def sampled_softmax(
    prediction: Real[Array, "batch dim"],
    target: Label[Array, "batch"] | Index[Array, "batch true"],
    class_embedding: Real[Array, "classes dim"],
    bias: Real[Array, "classes"] | None = None,
    sampled: Index[Array, "sampled"] | None = None,
    true_expected_count: NonNegativeReal[Array, "batch"] | NonNegativeReal[Array, "batch true"] | None = None,
    sampled_expected_count: NonNegativeReal[Array, "sampled"] | None = None,
    *,
    num_sampled: Count | None = None,
    seed: Integer | None = None,
    remove_accidental_hits: bool = True,
) -> Rows[Array, "batch"]:
    """Softmax cross-entropy of the true class against a few drawn classes instead of all: for large vocabularies.

    The classes drawn come as `sampled`, with how often each is expected among them; or `num_sampled` of them are
    drawn log-uniformly by `seed`, the frequent classes being those with small numbers.

    Formula:
        logsumexp_{j ∈ true, drawn} z_j - (1/T) Σ_{j ∈ true} z_j; z_j = x·w_j + b_j - log Q_j, T true classes
    Shapes:
        prediction: the last layer's input (batch, dim); target: (batch), or several true classes (batch, true);
        class_embedding: (classes, dim); bias: (classes); sampled, sampled_expected_count: (sampled);
        true_expected_count: like target; one value per row
    Units:
        nats
    Convention:
        Q_j is the expected count of class j among the drawn. A drawn class that is a true one of its row is left out
        of that row, unless `remove_accidental_hits` is false. The draw is TensorFlow's own for an operation seed.
        An estimate for training; evaluate with the whole softmax.
    Raises:
        parameter: neither sampled classes nor num_sampled and seed
        domain: a label not below the number of classes
    Source:
        S. Jean, K. Cho, R. Memisevic, Y. Bengio, On Using Very Large Target Vocabulary for Neural Machine
        Translation, 2015, https://arxiv.org/abs/1412.2007
    Example:
        {"prediction": [[1.0]], "target": [0], "class_embedding": [[1.0], [0.0], [0.0]], "sampled": [1, 2],
        "true_expected_count": [1.0], "sampled_expected_count": [1.0, 1.0]} → 0.5514447139320509
    """
    drawn = (sampled, true_expected_count, sampled_expected_count)
    true, other = sampled_logits(
        prediction, target, class_embedding, bias, drawn, num_sampled, seed, remove_accidental_hits
    )
    xp = namespace(true)
    return logsumexp(xp.concat([true, other], axis=1), axis=1) - xp.mean(true, axis=1)
