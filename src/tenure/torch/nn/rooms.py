"""Modules of PyTorch in which its layer classes live: what ``type(m)`` prints, and what can be imported from there."""

from __future__ import annotations

ROOMS = {
    "activation": "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish"
    " MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink"
    " Softsign Tanh Tanhshrink Threshold",
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d SyncBatchNorm"
    " _BatchNorm _NormBase",
    "channelshuffle": "ChannelShuffle",
    "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d"
    " LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d _ConvNd _ConvTransposeNd",
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout _DropoutNd",
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d"
    " LazyInstanceNorm3d _InstanceNorm",
    "lazy": "LazyModuleMixin",
    "linear": "Bilinear Identity LazyLinear Linear NonDynamicallyQuantizableLinear",
    "loss": "BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss"
    " HuberLoss KLDivLoss L1Loss LinearCrossEntropyLoss MSELoss MarginRankingLoss MultiLabelMarginLoss"
    " MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss SoftMarginLoss"
    " TripletMarginLoss TripletMarginWithDistanceLoss _Loss _WeightedLoss",
    "module": "Module _IncompatibleKeys",
    "normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "padding": "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d"
    " ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d"
    " AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d"
    " LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d",
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
    "sparse": "Embedding EmbeddingBag",
    "transformer": "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer"
    " _get_activation_fn",
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
}
_SPREAD = [f"{kind}{n}d" for kind in ("Conv", "ConvTranspose") for n in "123"]
_NORMED = [f"{kind}{n}d" for kind in ("BatchNorm", "InstanceNorm") for n in "123"]
ROOM_OF = {name: room for room, names in ROOMS.items() for name in names.split()}
"""The module of each class."""
CHILDREN = {
    "Hardtanh": "ReLU6",
    "_NormBase": "_BatchNorm _InstanceNorm",
    "_BatchNorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "_InstanceNorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "_ConvNd": "Conv1d Conv2d Conv3d _ConvTransposeNd",
    "_ConvTransposeNd": "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "_DropoutNd": "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout",
    "_WeightedLoss": "NLLLoss BCELoss CrossEntropyLoss LinearCrossEntropyLoss MultiLabelSoftMarginLoss MultiMarginLoss",
    "_Loss": "_WeightedLoss L1Loss PoissonNLLLoss GaussianNLLLoss KLDivLoss MSELoss BCEWithLogitsLoss"
    " HingeEmbeddingLoss MultiLabelMarginLoss SmoothL1Loss HuberLoss SoftMarginLoss CosineEmbeddingLoss"
    " MarginRankingLoss TripletMarginLoss TripletMarginWithDistanceLoss CTCLoss",
    "RNNBase": "RNN LSTM GRU",
    "RNNCellBase": "RNNCell LSTMCell GRUCell",
    "Upsample": "UpsamplingNearest2d UpsamplingBilinear2d",
    "Linear": "LazyLinear",
    **{name: f"Lazy{name}" for name in (*_SPREAD, *_NORMED)},
    **{f"ConstantPad{n}d": f"ZeroPad{n}d" for n in "123"},
}
"""Classes that derive from others in PyTorch; all else derives from ``Module``, whatever the home classes do."""
PARENT = {child: parent for parent, children in CHILDREN.items() for child in children.split()}
HOMES = {
    "_NormBase": "normalize.Normalization", "_BatchNorm": "normalize.Normalization",
    "_InstanceNorm": "normalize._InstanceNorm", "_ConvNd": "convolution.Convolution",
    "_ConvTransposeNd": "convolution._Transposed", "_DropoutNd": "regularize.Dropout", "_Loss": "loss.Loss",
    "_WeightedLoss": "loss.WeightedLoss",
}  # fmt: skip
"""Home classes behind PyTorch's hidden bases."""
OLD = {"NLLLoss2d": "NLLLoss"}
"""Other names of classes."""
