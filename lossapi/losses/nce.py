"""Noise-contrastive estimation: a yes/no question for each true class and each drawn one."""

from lossapi.definition import loss
from lossapi.domains import Array, Index, Label, NonNegativeReal, Real, Rows
from lossapi.functions import count, namespace, softplus
from lossapi.libraries import tf1_classes
from lossapi.libraries.presets import tf1
from lossapi.maps.sampled_logits import sampled_logits
from lossapi.parameters import Count, Integer


@loss(
    family="multiclass",
    like=[
        tf1(
            "nn.nce_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None, "
            "remove_accidental_hits=False, partition_strategy='mod', seed=None)",
            {"weights": "class_embedding", "biases": "bias", "inputs": "prediction"},
            prepare=tf1_classes.sampled,
            differs="takes a seed, which TensorFlow's has not: it draws anew each time unless sampled_values are given",
        ),
    ],
)
def nce(
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
    remove_accidental_hits: bool = False,
) -> Rows[Array, "batch"]:
    """Telling the true class from drawn noise, class by class: learns a vocabulary without a softmax.

    The classes drawn come as `sampled`, with how often each is expected among them; or `num_sampled` of them are
    drawn log-uniformly by `seed`, the frequent classes being those with small numbers.

    Formula:
        Σ_{j ∈ drawn} softplus(z_j) + Σ_{j ∈ true} (softplus(z_j) - z_j / T); z_j = x·w_j + b_j - log Q_j,
        T true classes
    Shapes:
        prediction: the last layer's input (batch, dim); target: (batch), or several true classes (batch, true);
        class_embedding: (classes, dim); bias: (classes); sampled, sampled_expected_count: (sampled);
        true_expected_count: like target; one value per row
    Units:
        nats
    Convention:
        Q_j is the expected count of class j among the drawn. With T true classes each is a target of 1/T. A drawn
        class that is a true one of its row counts as noise, unless `remove_accidental_hits` is true. The draw is
        TensorFlow's own for an operation seed.
    Raises:
        parameter: neither sampled classes nor num_sampled and seed
        domain: a label not below the number of classes
    Source:
        M. Gutmann, A. Hyvärinen, Noise-Contrastive Estimation, 2010,
        https://proceedings.mlr.press/v9/gutmann10a.html
    Example:
        {"prediction": [[1.0]], "target": [0], "class_embedding": [[1.0], [0.0], [0.0]], "sampled": [1, 2],
        "true_expected_count": [1.0], "sampled_expected_count": [1.0, 1.0]} → 1.6995560486381134
    """
    drawn = (sampled, true_expected_count, sampled_expected_count)
    true, other = sampled_logits(
        prediction, target, class_embedding, bias, drawn, num_sampled, seed, remove_accidental_hits
    )
    xp = namespace(true)
    share = 1.0 / count(true, axis=1)
    own = share * softplus(-true) + (1.0 - share) * softplus(true)
    return xp.sum(own, axis=1) + xp.sum(softplus(other), axis=1)
