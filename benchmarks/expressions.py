"""What a user of torch would write for the losses that torch.nn.functional does not have."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

SMOOTH = 1e-5
SCALE = 64.0


def alpha_balanced(prediction: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy with the positive term weighted by 0.25, the negative by 0.75."""
    balance = 0.25 * target + 0.75 * (1 - target)
    return functional.binary_cross_entropy(prediction, target, weight=balance)


def binary_focal(prediction: Tensor, target: Tensor) -> Tensor:
    """Sigmoid focal loss as torchvision writes it: alpha 0.25, gamma 2."""
    p = torch.sigmoid(prediction)
    loss = functional.binary_cross_entropy_with_logits(prediction, target, reduction="none")
    p_t = p * target + (1 - p) * (1 - target)
    alpha_t = 0.25 * target + 0.75 * (1 - target)
    return (alpha_t * loss * (1 - p_t) ** 2).mean()


def focal(prediction: Tensor, target: Tensor) -> Tensor:
    """Softmax focal loss, gamma 2."""
    loss = functional.cross_entropy(prediction, target, reduction="none")
    return ((1 - torch.exp(-loss)) ** 2 * loss).mean()


def hinge(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of max(0, 1 - y s)."""
    return functional.relu(1 - target * prediction).mean()


def log_probability(prediction: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of given probabilities against class indices."""
    return functional.nll_loss(torch.log(prediction), target)


def dense_log_probability(prediction: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of given probabilities against target distributions."""
    return -(target * torch.log(prediction)).sum(1).mean()


def divergence(prediction: Tensor, target: Tensor) -> Tensor:
    """KL(target || prediction), a mean over rows."""
    return functional.kl_div(torch.log(prediction), target, reduction="batchmean")


def normal_divergence(p_loc: Tensor, p_scale: Tensor, q_loc: Tensor, q_scale: Tensor) -> Tensor:
    """KL(p || q) of normal distributions."""
    return kl_divergence(Normal(p_loc, p_scale), Normal(q_loc, q_scale)).mean()


def ctc(prediction: Tensor, target: Tensor, input_length: Tensor, target_length: Tensor) -> Tensor:
    """Mean over sequences of batch-first log-probabilities."""
    loss = functional.ctc_loss(prediction.transpose(0, 1), target, input_length, target_length, reduction="none")
    return loss.mean()


def contrastive(input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
    """Hadsell's: squared distance of the same, squared shortfall from the margin of the different."""
    distance = functional.pairwise_distance(input1, input2)
    return (target * distance**2 + (1 - target) * functional.relu(1 - distance) ** 2).mean()


def center(embedding: Tensor, label: Tensor, center: Tensor) -> Tensor:
    """Half the squared distance to the center of one's class."""
    return 0.5 * ((embedding - center[label]) ** 2).sum(1).mean()


def cosines(embedding: Tensor, class_embedding: Tensor) -> Tensor:
    """Cosine of every point with every class."""
    return functional.linear(functional.normalize(embedding), functional.normalize(class_embedding))


def true_class(values: Tensor, label: Tensor) -> Tensor:
    """The column of each row that its label names."""
    return values.gather(1, label[:, None])


def cosface(embedding: Tensor, label: Tensor, class_embedding: Tensor) -> Tensor:
    """Scaled softmax with 0.35 off the true cosine."""
    cosine = cosines(embedding, class_embedding)
    margin = true_class(cosine, label) - 0.35
    return functional.cross_entropy(SCALE * cosine.scatter(1, label[:, None], margin), label)


def arcface(embedding: Tensor, label: Tensor, class_embedding: Tensor) -> Tensor:
    """Scaled softmax with 0.5 radians added to the true angle."""
    cosine = cosines(embedding, class_embedding)
    margin = torch.cos(torch.acos(true_class(cosine, label).clamp(-1, 1)) + 0.5)
    return functional.cross_entropy(SCALE * cosine.scatter(1, label[:, None], margin), label)


def sphereface(embedding: Tensor, label: Tensor, class_embedding: Tensor) -> Tensor:
    """Softmax of |x| cos, the true angle multiplied by 4 and kept falling."""
    cosine = cosines(embedding, class_embedding)
    angle = torch.acos(true_class(cosine, label).clamp(-1, 1))
    turns = torch.floor(4 * angle / math.pi)
    psi = (1 - 2 * (turns % 2)) * torch.cos(4 * angle) - 2 * turns
    length = embedding.norm(dim=1, keepdim=True)
    return functional.cross_entropy(length * cosine.scatter(1, label[:, None], psi), label)


def dice(prediction: Tensor, target: Tensor) -> Tensor:
    """One minus the overlap, pooled over everything."""
    overlap = (prediction * target).sum()
    return 1 - (2 * overlap + SMOOTH) / (prediction.sum() + target.sum() + SMOOTH)


def multiclass_dice(prediction: Tensor, target: Tensor) -> Tensor:
    """One minus the overlap of each class, pooled over the batch, averaged over the classes."""
    overlap = (prediction * target).sum(0)
    return (1 - (2 * overlap + SMOOTH) / (prediction.sum(0) + target.sum(0) + SMOOTH)).mean()


def dice_cross_entropy(prediction: Tensor, target: Tensor) -> Tensor:
    """Dice on the softmax and cross-entropy on the logits, one to one."""
    dice_term = multiclass_dice(prediction.softmax(1), target)
    return dice_term + functional.cross_entropy(prediction, target)


def dice_focal(prediction: Tensor, target: Tensor) -> Tensor:
    """Dice on the softmax and softmax focal on the logits, one to one."""
    return multiclass_dice(prediction.softmax(1), target) + focal(prediction, target)
