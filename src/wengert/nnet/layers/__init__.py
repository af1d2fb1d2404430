"""Layers: functions with parameters to be trained."""

from wengert.nnet.layers.convolution import conv_nd
from wengert.nnet.layers.normalization import batchnorm
from wengert.nnet.layers.pooling import max_pool
from wengert.nnet.layers.recurrence import gru

__all__ = ["batchnorm", "conv_nd", "gru", "max_pool"]
