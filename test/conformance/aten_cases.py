"""Cases of PyTorch operators: what aten_ops.py exports, compiles, runs, and compares with PyTorch.

A case is a name "operator/what", a function or module, and its inputs. Modules are in eval mode and have the weights that
PyTorch gives them after manual_seed(0). This file has the operators that compute with weights and windows; aten_more_cases.py
those on elements, shapes and indices.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

import aten_more_cases
from aten_table import Table, bools, floats, integers, positive


def products(add):
    x, w, b = floats(3, 5), floats(4, 5), floats(4)
    add("linear/bias", nn.Linear(5, 4), floats(2, 3, 5))
    add("linear/no_bias", nn.Linear(5, 4, bias=False), floats(3, 5))
    add("linear/vector", nn.Linear(5, 4), floats(5))
    add("linear/weights_at_run_time", F.linear, x, w, b)
    add("linear/row", F.linear, floats(2, 5), floats(5))
    add("addmm/constant", lambda x: torch.addmm(b, x, w.t()), x)
    add("addmm/scaled", lambda x: torch.addmm(b, x, w.t(), beta=0.5, alpha=2.0), x)
    add("addmm/run_time", lambda c, x, y: torch.addmm(c, x, y, beta=0.5, alpha=-1), floats(3, 2), floats(3, 4), floats(4, 2))
    add("mm/run_time", torch.mm, floats(3, 4), floats(4, 2))
    add("mm/integers", torch.mm, integers(9, 3, 4), integers(9, 4, 2))
    add("bmm/run_time", torch.bmm, floats(2, 3, 4), floats(2, 4, 5))
    for a, c in (((4,), (4,)), ((4,), (4, 3)), ((2, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
                 ((2, 1, 3, 4), (3, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,))):
        add(f"matmul/{len(a)}x{len(c)}_{math.prod(a)}", torch.matmul, floats(*a), floats(*c))
    m = floats(4, 6)
    add("matmul/constant_right", lambda x: x @ m, floats(2, 3, 4))
    add("matmul/constant_left", lambda x: m @ x, floats(6, 3))
    add("mv/run_time", torch.mv, floats(3, 4), floats(4))
    add("dot/run_time", torch.dot, floats(4), floats(4))
    add("outer/run_time", torch.outer, floats(3), floats(4))
    add("inner/matrices", torch.inner, floats(2, 3, 4), floats(5, 4))
    add("inner/scalar", torch.inner, floats(), floats(5, 4))
    add("baddbmm/scaled", lambda c, x, y: torch.baddbmm(c, x, y, beta=2, alpha=0.5), floats(2, 3, 5), floats(2, 3, 4), floats(2, 4, 5))
    add("addbmm/plain", torch.addbmm, floats(3, 5), floats(2, 3, 4), floats(2, 4, 5))
    add("addmv/plain", lambda c, a, v: torch.addmv(c, a, v, beta=0.5), floats(3), floats(3, 4), floats(4))
    add("addr/plain", torch.addr, floats(3, 4), floats(3), floats(4))
    add("chain_matmul/three", lambda a, b, c: torch.linalg.multi_dot([a, b, c]), floats(2, 3), floats(3, 4), floats(4, 5))
    for equation, shapes in (("ij,jk->ik", ((2, 3), (3, 4))), ("bij,bjk->bik", ((2, 2, 3), (2, 3, 4))), ("ii->i", ((3, 3),)),
                             ("ii", ((3, 3),)), ("bhqd,bhkd->bhqk", ((1, 2, 3, 4), (1, 2, 5, 4))), ("...i,ij->...j", ((2, 3, 4), (4, 5))),
                             ("i,j->ij", ((3,), (4,))), ("ij->ji", ((2, 3),)), ("ij->", ((2, 3),)), ("bi,oij,bj->bo", ((2, 3), (4, 3, 5), (2, 5)))):
        name = "".join(c if c.isalpha() else "_" for c in equation)
        add(f"einsum/{name}", lambda *xs, e=equation: torch.einsum(e, *xs), *(floats(*s) for s in shapes))
    add("bilinear/bias", nn.Bilinear(3, 4, 5), floats(2, 3), floats(2, 4))
    add("bilinear/no_bias_more_axes", nn.Bilinear(3, 4, 2, bias=False), floats(2, 2, 3), floats(2, 2, 4))
    for p in (0, 1, 2, 3, 0.5, math.inf, -math.inf):
        add(f"linalg_vector_norm/{p}", lambda x, p=p: torch.linalg.vector_norm(x, p, dim=(0, 2), keepdim=True), floats(2, 3, 4))
    add("norm/default", torch.norm, floats(3, 4))
    add("norm/dim", lambda x: torch.norm(x, p=1, dim=1), floats(3, 4))
    add("norm/normalize", lambda x: F.normalize(x, dim=1), floats(3, 4))
    for order in ("fro", 1, -1, math.inf, -math.inf):
        add(f"linalg_matrix_norm/{order}", lambda x, o=order: torch.linalg.matrix_norm(x, o, keepdim=True), floats(2, 3, 4))
    add("linalg_norm/order", lambda x: torch.linalg.norm(x, ord=3, dim=1), floats(3, 4))
    add("linalg_vector_norm/frobenius", lambda x: torch.linalg.norm(x, dim=(1, 2)), floats(2, 3, 4))
    add("cosine_similarity/dim1", lambda a, b: F.cosine_similarity(a, b, dim=1), floats(3, 4), floats(3, 4))
    add("cosine_similarity/broadcast", lambda a, b: F.cosine_similarity(a, b, dim=-1), floats(3, 4), floats(1, 4))
    add("pairwise_distance/p2", F.pairwise_distance, floats(3, 4), floats(3, 4))
    add("pairwise_distance/p1_keep", lambda a, b: F.pairwise_distance(a, b, p=1.0, keepdim=True), floats(3, 4), floats(3, 4))
    add("cdist/p2", torch.cdist, floats(2, 3, 4), floats(2, 5, 4))
    add("cdist/p1", lambda a, b: torch.cdist(a, b, p=1.0), floats(3, 4), floats(5, 4))
    add("_weight_norm/linear", nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), floats(2, 4))
    add("_weight_norm/direct", lambda v, g: torch._weight_norm(v, g, 0), floats(3, 4), positive(3, 1))


def convolutions(add):
    for name, settings in {"plain": {}, "stride": {"stride": 2}, "pad": {"padding": 1}, "dilation": {"dilation": 2, "padding": 2},
                           "groups": {"groups": 2}, "depthwise": {"groups": 4, "padding": 1}, "no_bias": {"bias": False},
                           "same": {"padding": "same"}, "same_dilated": {"padding": "same", "dilation": 2}, "valid": {"padding": "valid"}}.items():
        add(f"conv1d/{name}", nn.Conv1d(4, 8, 3, **settings), floats(2, 4, 12))
        add(f"conv2d/{name}", nn.Conv2d(4, 8, 3, **settings), floats(1, 4, 9, 8))
    add("conv2d/uneven", nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), floats(2, 3, 9, 8))
    add("conv2d/same_even_kernel", nn.Conv2d(3, 4, (4, 2), padding="same"), floats(1, 3, 7, 6))
    for mode in ("reflect", "replicate", "circular"):
        add(f"conv2d/pads_{mode}", nn.Conv2d(3, 4, 3, padding=1, padding_mode=mode), floats(1, 3, 6, 5))
    add("conv1d/unbatched", nn.Conv1d(3, 4, 3), floats(3, 8))
    add("conv2d/unbatched", nn.Conv2d(3, 4, 3), floats(3, 8, 7))
    add("conv2d/weights_at_run_time", F.conv2d, floats(1, 3, 6, 5), floats(4, 3, 3, 3), floats(4))
    add("conv3d/plain", nn.Conv3d(2, 3, 2), floats(1, 2, 4, 5, 4))
    add("conv3d/stride_pad", nn.Conv3d(2, 4, 3, stride=2, padding=1, groups=2), floats(2, 2, 5, 5, 6))
    add("conv3d/same", nn.Conv3d(2, 3, 3, padding="same"), floats(1, 2, 4, 4, 5))
    add("_convolution/direct", lambda x, w: torch._convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, False, False),
        floats(1, 2, 5, 5), floats(3, 2, 3, 3))
    for name, settings in {"plain": {}, "stride": {"stride": 2}, "pad": {"padding": 1, "stride": 2}, "more": {"stride": 2, "output_padding": 1},
                           "groups": {"groups": 2}, "dilation": {"dilation": 2}, "no_bias": {"bias": False}}.items():
        add(f"conv_transpose1d/{name}", nn.ConvTranspose1d(4, 6, 3, **settings), floats(2, 4, 5))
        add(f"conv_transpose2d/{name}", nn.ConvTranspose2d(4, 6, 3, **settings), floats(1, 4, 5, 4))
    add("conv_transpose2d/unbatched", nn.ConvTranspose2d(4, 6, 3, stride=2), floats(4, 5, 4))
    add("conv_transpose3d/stride", nn.ConvTranspose3d(2, 3, 2, stride=2), floats(1, 2, 3, 2, 3))


def pools(add):
    for n, cls, size in ((1, nn.MaxPool1d, (2, 3, 11)), (2, nn.MaxPool2d, (2, 3, 9, 8)), (3, nn.MaxPool3d, (1, 2, 5, 6, 5))):
        for name, settings in {"plain": {}, "stride": {"stride": 1}, "pad": {"padding": 1}, "ceil": {"ceil_mode": True, "stride": 2},
                               "ceil_pad": {"ceil_mode": True, "padding": 1}, "dilation": {"dilation": 2, "stride": 1}}.items():
            add(f"max_pool{n}d/{name}", cls(3 if name != "dilation" else 2, **settings), floats(*size))
    add("max_pool2d/unbatched", nn.MaxPool2d(2), floats(3, 6, 5))
    add("max_pool2d/uneven", nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0)), floats(1, 3, 7, 6))
    add("max_pool2d_with_indices/plain", lambda x: F.max_pool2d(x, 2, return_indices=True), floats(2, 3, 6, 5))
    add("max_pool2d_with_indices/pad_ceil", lambda x: F.max_pool2d(x, 3, 2, padding=1, ceil_mode=True, return_indices=True), floats(1, 2, 6, 7))
    add("max_pool1d_with_indices/plain", lambda x: F.max_pool1d(x, 2, return_indices=True), floats(2, 3, 7))
    add("max_pool3d_with_indices/plain", lambda x: F.max_pool3d(x, 2, return_indices=True), floats(1, 2, 4, 4, 5))
    for n, cls, size in ((1, nn.AvgPool1d, (2, 3, 11)), (2, nn.AvgPool2d, (2, 3, 9, 8)), (3, nn.AvgPool3d, (1, 2, 5, 6, 5))):
        for name, settings in {"plain": {}, "stride": {"stride": 2}, "pad": {"padding": 1}, "pad_out": {"padding": 1, "count_include_pad": False},
                               "ceil": {"ceil_mode": True, "stride": 2}, "ceil_pad": {"ceil_mode": True, "stride": 2, "padding": 1},
                               "ceil_pad_out": {"ceil_mode": True, "stride": 2, "padding": 1, "count_include_pad": False}}.items():
            add(f"avg_pool{n}d/{name}", cls(3, **settings), floats(*size))
    add("avg_pool2d/divisor", nn.AvgPool2d(3, stride=2, divisor_override=5), floats(1, 3, 7, 7))
    add("avg_pool2d/divisor_ceil", nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, divisor_override=4), floats(1, 3, 8, 7))
    add("avg_pool2d/unbatched", nn.AvgPool2d(2), floats(3, 6, 5))
    for n, size in ((1, (2, 3, 12)), (2, (2, 3, 12, 8)), (3, (1, 2, 6, 4, 8))):
        average, maximum = getattr(F, f"adaptive_avg_pool{n}d"), getattr(F, f"adaptive_max_pool{n}d")
        for out in (1, 4, 5):
            if n == 3 and out == 5:
                continue
            add(f"adaptive_avg_pool{n}d/{out}", lambda x, f=average, o=out: f(x, o), floats(*size))
            add(f"adaptive_max_pool{n}d/{out}", lambda x, f=maximum, o=out: f(x, o), floats(*size))
    add("adaptive_avg_pool2d/uneven", nn.AdaptiveAvgPool2d((3, 7)), floats(1, 2, 9, 5))
    add("adaptive_avg_pool2d/none", nn.AdaptiveAvgPool2d((None, 2)), floats(1, 2, 9, 5))
    add("adaptive_max_pool2d/indices", lambda x: F.adaptive_max_pool2d(x, (2, 3), return_indices=True), floats(2, 2, 5, 7))
    add("adaptive_max_pool1d/indices", lambda x: F.adaptive_max_pool1d(x, 3, return_indices=True), floats(2, 2, 7))
    add("adaptive_avg_pool2d/unbatched", nn.AdaptiveAvgPool2d(2), floats(3, 5, 4))
    add("lp_pool/1d", nn.LPPool1d(2, 3, stride=2), floats(1, 2, 9))
    add("lp_pool/2d", nn.LPPool2d(2, 2), positive(1, 2, 6, 6))
    add("max_unpool2d/plain", lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), floats(1, 2, 6, 4))


def images(add):
    for n, size, to in ((1, (1, 2, 7), (11,)), (2, (1, 2, 5, 7), (8, 3)), (3, (1, 2, 3, 4, 2), (5, 3, 4))):
        linear = ("linear", "bilinear", "trilinear")[n - 1]
        for mode in ("nearest", "nearest-exact", linear, *(("bicubic",) if n == 2 else ())):
            add(f"upsample/{mode}{n}d_size", lambda x, m=mode, t=to: F.interpolate(x, size=t, mode=m), floats(*size))
            add(f"upsample/{mode}{n}d_factor", lambda x, m=mode: F.interpolate(x, scale_factor=2, mode=m), floats(*size))
            add(f"upsample/{mode}{n}d_fraction", lambda x, m=mode: F.interpolate(x, scale_factor=1.7, mode=m), floats(*size))
            if "nearest" not in mode:
                add(f"upsample/{mode}{n}d_corners", lambda x, m=mode, t=to: F.interpolate(x, size=t, mode=m, align_corners=True), floats(*size))
                add(f"upsample/{mode}{n}d_corners_factor", lambda x, m=mode: F.interpolate(x, scale_factor=1.6, mode=m, align_corners=True), floats(*size))
    add("upsample/bilinear_recomputed", lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True), floats(1, 2, 5, 4))
    add("upsample/nearest_thirds", lambda x: F.interpolate(x, size=(9, 21), mode="nearest"), floats(1, 1, 3, 7))
    add("upsample/module", nn.Upsample(scale_factor=(2.0, 3.0), mode="nearest"), floats(1, 2, 3, 4))
    for mode in ("bilinear", "bicubic"):
        add(f"upsample/{mode}_aa_down", lambda x, m=mode: F.interpolate(x, size=(4, 5), mode=m, antialias=True), floats(1, 2, 9, 11))
        add(f"upsample/{mode}_aa_up", lambda x, m=mode: F.interpolate(x, size=(12, 14), mode=m, antialias=True), floats(1, 2, 9, 11))
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            add(f"grid_sampler/{mode}_{padding}", lambda x, g, m=mode, p=padding: F.grid_sample(x, g, mode=m, padding_mode=p, align_corners=False),
                floats(1, 2, 5, 4), floats(1, 3, 4, 2) * 0.9)
    add("grid_sampler/corners", lambda x, g: F.grid_sample(x, g, align_corners=True), floats(1, 2, 5, 4), floats(1, 3, 4, 2))
    add("grid_sampler/3d", lambda x, g: F.grid_sample(x, g, align_corners=False), floats(1, 2, 3, 4, 3), floats(1, 2, 3, 2, 3))
    add("affine_grid_generator/2d", lambda t: F.affine_grid(t, [2, 3, 4, 5], align_corners=False), floats(2, 2, 3))
    add("affine_grid_generator/2d_corners", lambda t: F.affine_grid(t, [2, 3, 4, 5], align_corners=True), floats(2, 2, 3))
    add("affine_grid_generator/3d", lambda t: F.affine_grid(t, [1, 2, 3, 4, 2], align_corners=False), floats(1, 3, 4))
    add("pixel_shuffle/2", nn.PixelShuffle(2), floats(2, 8, 3, 4))
    add("pixel_shuffle/3d", nn.PixelShuffle(2), floats(4, 3, 4))
    add("pixel_unshuffle/2", nn.PixelUnshuffle(2), floats(2, 2, 4, 6))
    add("channel_shuffle/3", nn.ChannelShuffle(3), floats(1, 6, 2, 3))
    add("pad/constant", lambda x: F.pad(x, (1, 2, 0, 3), value=0.5), floats(1, 2, 3, 4))
    add("pad/crop", lambda x: F.pad(x, (-1, 2)), floats(2, 5))
    add("pad/integers", lambda x: F.pad(x, (1, 1), value=7), integers(9, 2, 3))
    add("pad/bools", lambda x: F.pad(x, (1, 1), value=True), bools(2, 3))
    for mode in ("reflect", "replicate", "circular"):
        add(f"pad/{mode}1d", lambda x, m=mode: F.pad(x, (2, 1), mode=m), floats(1, 2, 5))
        add(f"pad/{mode}2d", lambda x, m=mode: F.pad(x, (2, 1, 1, 2), mode=m), floats(1, 2, 4, 5))
        add(f"pad/{mode}3d", lambda x, m=mode: F.pad(x, (1, 1, 1, 0, 0, 1), mode=m), floats(1, 2, 3, 3, 4))
    add("reflection_pad2d/module", nn.ReflectionPad2d(1), floats(1, 2, 4, 4))
    add("replication_pad1d/module", nn.ReplicationPad1d(2), floats(2, 4))
    add("im2col/plain", nn.Unfold(2), floats(2, 3, 4, 5))
    add("im2col/all", nn.Unfold((3, 2), dilation=(1, 2), padding=(1, 0), stride=2), floats(1, 2, 6, 7))
    add("col2im/plain", nn.Fold((4, 5), 2), floats(2, 12, 12))
    add("col2im/all", nn.Fold((6, 7), (3, 2), dilation=(1, 2), padding=(1, 0), stride=2), floats(1, 12, 9))


def trained(norm):
    """A normalization with parameters and statistics that are not the identity."""
    for parameter in norm.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    for name, buffer in norm.named_buffers():
        if buffer.is_floating_point():
            nn.init.uniform_(buffer, 0.5, 1.5)
    return norm


def normalizations(add):
    for n, size in ((1, (4, 3)), (1, (2, 3, 5)), (2, (2, 3, 4, 5)), (3, (1, 3, 2, 3, 2))):
        cls = getattr(nn, f"BatchNorm{n}d")
        add(f"batch_norm/{n}d_{len(size)}", trained(cls(3)), floats(*size))
        add(f"batch_norm/{n}d_{len(size)}_plain", trained(cls(3, affine=False, eps=1e-2)), floats(*size))
        add(f"batch_norm/{n}d_{len(size)}_no_stats", trained(cls(3, track_running_stats=False)), floats(*size))
    add("batch_norm/conv", nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), trained(nn.BatchNorm2d(3)), nn.ReLU()), floats(1, 2, 6, 5))
    add("instance_norm/plain", nn.InstanceNorm2d(3), floats(2, 3, 4, 5))
    add("instance_norm/affine", trained(nn.InstanceNorm1d(3, affine=True)), floats(2, 3, 5))
    add("instance_norm/running", trained(nn.InstanceNorm2d(3, affine=True, track_running_stats=True)), floats(2, 3, 4, 5))
    add("group_norm/affine", trained(nn.GroupNorm(2, 4)), floats(2, 4, 3, 3))
    add("group_norm/plain", nn.GroupNorm(4, 4, affine=False), floats(2, 4, 5))
    add("group_norm/vectors", trained(nn.GroupNorm(2, 6)), floats(3, 6))
    add("layer_norm/last", trained(nn.LayerNorm(5)), floats(2, 3, 5))
    add("layer_norm/two", trained(nn.LayerNorm((3, 5), eps=1e-3)), floats(2, 3, 5))
    add("layer_norm/plain", nn.LayerNorm(5, elementwise_affine=False), floats(2, 5))
    add("layer_norm/no_bias", trained(nn.LayerNorm(5, bias=False)), floats(2, 5))
    add("native_layer_norm/moments", lambda x: torch.native_layer_norm(x, [5], None, None, 1e-5), floats(2, 3, 5))
    add("native_group_norm/moments", lambda x: torch.native_group_norm(x, None, None, 2, 4, 9, 2, 1e-5), floats(2, 4, 3, 3))
    add("rms_norm/scale", trained(nn.RMSNorm(5, eps=1e-3)), floats(2, 3, 5))
    add("rms_norm/default", nn.RMSNorm((3, 5)), floats(2, 3, 5))
    add("local_response_norm/2d", nn.LocalResponseNorm(3), floats(1, 5, 4, 4))


class LastState(nn.Module):
    """What a recurrent layer gives, or a part of it."""

    def __init__(self, layer, part):
        super().__init__()
        self.layer, self.part = layer, part

    def forward(self, *inputs):
        y, states = self.layer(*inputs)
        states = states if isinstance(states, tuple) else (states,)
        return {"all": (y, *states), "y": y, "last": y[:, -1], "h": states[0], "c": states[-1]}[self.part]


class WithStates(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, *states):
        y, after = self.layer(x, states if len(states) > 1 else states[0])
        return (y, *after) if isinstance(after, tuple) else (y, after)


def recurrent(add):
    for name, cls in {"lstm": nn.LSTM, "gru": nn.GRU, "rnn_tanh": nn.RNN, "rnn_relu": lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k)}.items():
        add(f"{name}/all", LastState(cls(3, 4), "all"), floats(5, 2, 3))
        add(f"{name}/batch_first", LastState(cls(3, 4, batch_first=True), "last"), floats(2, 5, 3))
        add(f"{name}/layers", LastState(cls(3, 4, num_layers=2, dropout=0.5), "all"), floats(5, 2, 3))
        add(f"{name}/bidirectional", LastState(cls(3, 4, bidirectional=True, batch_first=True), "all"), floats(2, 5, 3))
        add(f"{name}/both", LastState(cls(3, 4, num_layers=2, bidirectional=True), "all"), floats(4, 1, 3))
        add(f"{name}/no_bias", LastState(cls(3, 4, bias=False), "h"), floats(5, 2, 3))
        add(f"{name}/unbatched", LastState(cls(3, 4), "all"), floats(5, 3))
        states = (floats(2, 2, 4), floats(2, 2, 4))[:2 if name == "lstm" else 1]
        add(f"{name}/states", WithStates(cls(3, 4, num_layers=2)), floats(5, 2, 3), *states)
        add(f"{name}/one_step", WithStates(cls(3, 4, num_layers=2)), floats(1, 2, 3), *states)
    add("lstm/projection", LastState(nn.LSTM(3, 4, proj_size=2), "y"), floats(5, 2, 3), refusal="a projection of its output",
        passes_as=("core",))
    add("lstm/cell_state", LastState(nn.LSTM(3, 4), "c"), floats(5, 2, 3))
    cell, gru, rnn = nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4, nonlinearity="relu")
    add("lstm_cell/states", lambda x, h, c: cell(x, (h, c)), floats(2, 3), floats(2, 4), floats(2, 4))
    add("lstm_cell/no_states", lambda x: cell(x), floats(2, 3))
    add("gru_cell/states", gru, floats(2, 3), floats(2, 4))
    add("gru_cell/unbatched", gru, floats(3), floats(4))
    add("rnn_relu_cell/states", rnn, floats(2, 3), floats(2, 4))
    add("rnn_tanh_cell/no_bias", nn.RNNCell(3, 4, bias=False), floats(2, 3), floats(2, 4))


def attention(add):
    q, k, v = floats(1, 2, 5, 4), floats(1, 2, 6, 4), floats(1, 2, 6, 3)
    sdpa = F.scaled_dot_product_attention
    add("scaled_dot_product_attention/plain", sdpa, q, k, floats(1, 2, 6, 4))
    add("scaled_dot_product_attention/wide_values", sdpa, q, k, v)
    add("scaled_dot_product_attention/scale", lambda q, k, v: sdpa(q, k, v, scale=0.3), q, k, v)
    add("scaled_dot_product_attention/causal", lambda q, k, v: sdpa(q, k, v, is_causal=True), q, floats(1, 2, 5, 4), floats(1, 2, 5, 4))
    add("scaled_dot_product_attention/causal_wide", lambda q, k, v: sdpa(q, k, v, is_causal=True), q, k, v)
    add("scaled_dot_product_attention/float_mask", lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, floats(5, 6))
    mask = torch.ones(5, 6, dtype=torch.bool)
    mask[0, 3:] = mask[2, :] = False
    add("scaled_dot_product_attention/bool_mask", lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, mask)
    add("scaled_dot_product_attention/constant_mask", lambda q, k, v: sdpa(q, k, v, attn_mask=mask), q, k, v)
    add("scaled_dot_product_attention/head_mask", lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, floats(1, 2, 1, 6))
    add("scaled_dot_product_attention/three_axes", sdpa, floats(2, 5, 4), floats(2, 6, 4), floats(2, 6, 4))
    add("scaled_dot_product_attention/five_axes", sdpa, floats(2, 1, 2, 5, 4), floats(2, 1, 2, 6, 4), floats(2, 1, 2, 6, 4))
    add("scaled_dot_product_attention/groups", lambda q, k, v: sdpa(q, k, v, enable_gqa=True), floats(1, 4, 5, 4), k, floats(1, 2, 6, 4))
    add("multi_head_attention_forward/self", lambda x, m=nn.MultiheadAttention(8, 2, batch_first=True).eval(): m(x, x, x), floats(2, 5, 8))
    add("multi_head_attention_forward/no_weights", lambda x, m=nn.MultiheadAttention(8, 2).eval(): m(x, x, x, need_weights=False)[0], floats(5, 2, 8))
    add("transformer_encoder_layer/post", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), floats(1, 5, 8))
    add("transformer_encoder_layer/pre_gelu", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu"), floats(1, 5, 8))
    add("transformer_decoder_layer/plain", nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), floats(1, 5, 8), floats(1, 6, 8))
    m = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    heads = (8, 2, *(p.detach() for p in (m.in_proj_weight, m.in_proj_bias, m.out_proj.weight, m.out_proj.bias)))
    add("_native_multi_head_attention/plain", lambda x: torch._native_multi_head_attention(x, x, x, *heads), floats(2, 5, 8))
    add("_native_multi_head_attention/mask", lambda x, k: torch._native_multi_head_attention(x, x, x, *heads, mask=k, mask_type=1, need_weights=False)[0],
        floats(2, 5, 8), torch.tensor([[False] * 5, [False, True, False, False, True]]))
    for dims, name in ((-1, "last"), (0, "first"), (1, "middle")):
        add(f"softmax/{name}", lambda x, d=dims: F.softmax(x, dim=d), floats(2, 3, 4))
        add(f"log_softmax/{name}", lambda x, d=dims: F.log_softmax(x, dim=d), floats(2, 3, 4))
    add("softmax/no_axes", lambda x: F.softmax(x, dim=0), floats())
    add("softmax/dtype", lambda x: F.softmax(x, dim=0, dtype=torch.float32), integers(4, 5))
    add("softmin/last", nn.Softmin(dim=-1), floats(2, 3))
    add("_safe_softmax/empty_row", lambda x: torch.ops.aten._safe_softmax(x, -1), torch.tensor([[0.5, 1.0], [-math.inf, -math.inf]]))


def all_cases():
    table = Table()
    for family in (products, convolutions, pools, images, normalizations, recurrent, attention, *aten_more_cases.FAMILIES):
        torch.manual_seed(0)
        family(table.add)
    return table.cases
