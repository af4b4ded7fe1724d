"""Figures of outputs on a labelled set, by NumPy: what the corpus' models are judged by."""

import numpy as np


def auc(scores, labels):
    """Area under the curve by ranks, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        ranks[scores == value] = ranks[scores == value].mean()
    positive = labels != 0
    n = positive.sum()
    return (ranks[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum())


def figure(metric, x, y, out):
    """The figure, whether more is better, and what one sample is worth."""
    if metric.endswith("mse"):
        target = y if y is not None else x
        return float(np.mean((out.reshape(target.shape) - target) ** 2)), False, 0.0
    if metric == "auc":
        error = np.mean((out.reshape(x.shape) - x) ** 2, axis=1)
        return float(auc(error, y)), True, 1 / len(x)
    classes = out.reshape(*y.shape, -1)
    hits = classes.argmax(-1) == y if classes.shape[-1] > 1 else (classes[..., 0] > 0) == y
    if metric == "balanced accuracy":
        return float(np.mean([hits[y == c].mean() for c in np.unique(y)])), True, 1 / len(x)
    return float(hits.mean()), True, 1 / hits.size
