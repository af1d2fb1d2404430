"""Loss functions."""

from wengert.nnet.losses.focal import focal_loss, softmax_focal_loss
from wengert.nnet.losses.likelihood import negative_log_likelihood, softmax_crossentropy
from wengert.nnet.losses.margins import margin_ranking_loss, multiclass_hinge

__all__ = [
    "focal_loss",
    "margin_ranking_loss",
    "multiclass_hinge",
    "negative_log_likelihood",
    "softmax_crossentropy",
    "softmax_focal_loss",
]
