"""A tumour test on 100 people, and a building mask: the numbers of an article on loss functions.

30 of 100 people have a tumour. The model calls 25 positive, 5 of them wrongly: TP 20, FP 5, FN 10, TN 65.
"""

from math import isclose

from examples.client import ask

target = [1] * 30 + [0] * 70
prediction = [1] * 20 + [0] * 10 + [1] * 5 + [0] * 65
labels = {"prediction": prediction, "target": target}


def show(name: str, expected: float, **parameters: object) -> None:
    """Ask for one metric of the hundred people and hold it against the article's number."""
    value = ask(f"/v1/metrics/{name}", {**labels, **parameters})["value"]
    assert isclose(value, expected, rel_tol=1e-12), (name, value, expected)
    print(f"{name:20} {value:.4f}")


show("true_positives", 20)
show("false_positives", 5)
show("false_negatives", 10)
show("true_negatives", 65)
show("accuracy", 0.85)
show("precision", 20 / 25)
show("recall", 20 / 30)
show("f1", 40 / 55)
show("dice_coefficient", 40 / 55, smooth_numerator=0.0, smooth_denominator=0.0)

matrix = ask("/v1/metrics/confusion_matrix", labels)["value"]
assert matrix == [[65, 5], [10, 20]], matrix
print(f"confusion matrix     {matrix}")

# Two pixels: a building called one with probability 0.45, background called a building with 0.7.
pixels = {"prediction": [0.45, 0.7], "target": [1, 0]}
surprise = ask("/v1/losses/binary_cross_entropy", {**pixels, "reduction": "none"})["values"]
assert [round(value, 4) for value in surprise] == [0.7985, 1.2040], surprise
print(f"two pixels           -log 0.45 = {surprise[0]:.4f}, -log(1 - 0.7) = {surprise[1]:.4f}")

# The same two pixels through the dice loss, its smoothing term in both places or in the denominator alone.
for name, smoothing in {"in both": (1e-8, 1e-8), "in the denominator": (0.0, 1e-5)}.items():
    request = {**pixels, "smooth_numerator": smoothing[0], "smooth_denominator": smoothing[1]}
    print(f"dice, ε {name:12} {ask('/v1/losses/dice', request)['value']:.6f}")
