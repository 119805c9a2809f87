"""scikit-learn models on breast cancer, digits and diabetes: the service's numbers are scikit-learn's own."""

from math import isclose

import numpy as np
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from examples.client import ask


def check(name: str, ours: float, theirs: float) -> None:
    """Print a number that both give."""
    assert isclose(ours, theirs, rel_tol=1e-12), (name, ours, theirs)
    print(f"  {name:22} {ours:.6f}")


print("breast cancer, logistic regression")
x, y = load_breast_cancer(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)
score, called = model.predict_proba(test_x)[:, 1], model.predict(test_x)
labels = {"prediction": called.tolist(), "target": test_y.tolist()}
for name, function in {
    "accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
}.items():
    check(name, ask(f"/v1/metrics/{name}", labels)["value"], function(test_y, called))
request = {"prediction": score.tolist(), "target": test_y.tolist()}
check("binary_cross_entropy", ask("/v1/losses/binary_cross_entropy", request)["value"], metrics.log_loss(test_y, score))

print("digits, logistic regression on ten classes")
x, y = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train_x, train_y)
probabilities, called = model.predict_proba(test_x), model.predict(test_x)
request = {"prediction": probabilities.tolist(), "target": test_y.tolist()}
check("cross_entropy", ask("/v1/losses/cross_entropy", request)["value"], metrics.log_loss(test_y, probabilities))
for average in ("micro", "macro", "weighted"):
    value = ask("/v1/metrics/f1", {**request, "average": average})["value"]
    check(f"f1, {average}", value, metrics.f1_score(test_y, called, average=average))
matrix = ask("/v1/metrics/confusion_matrix", request)["value"]
assert np.array_equal(matrix, metrics.confusion_matrix(test_y, called))

print("diabetes, ridge regression")
x, y = load_diabetes(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0)
called = Ridge().fit(train_x, train_y).predict(test_x)
request = {"prediction": called.tolist(), "target": test_y.tolist()}
for name, function in {
    "mean_squared_error": metrics.mean_squared_error,
    "mean_absolute_error": metrics.mean_absolute_error,
    "r2": metrics.r2_score,
}.items():
    check(name, ask(f"/v1/metrics/{name}", request)["value"], function(test_y, called))
