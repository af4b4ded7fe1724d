"""Cases of PyTorch operators on elements, shapes and indices (aten_cases.py says what a case is)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from aten_table import bools, floats, integers, positive


def reductions(add):
    x = floats(2, 3, 4)
    for name in ("sum", "mean", "prod", "amax", "amin", "std", "var", "logsumexp"):
        f = getattr(torch, name)
        add(f"{name}/dim", lambda x, f=f: f(x, dim=1), x)
        add(f"{name}/keep", lambda x, f=f: f(x, dim=-1, keepdim=True), x)
        if name != "prod":
            add(f"{name}/dims", lambda x, f=f: f(x, dim=(0, 2)), x)
        if name != "logsumexp":
            add(f"{name}/all", lambda x, f=f: f(x), x)
    add("sum/integers", torch.sum, integers(9, 2, 3, dtype=torch.int32))
    add("sum/bools", lambda x: x.sum(dim=0), bools(3, 4))
    add("sum/dtype", lambda x: torch.sum(x, dim=0, dtype=torch.float32), integers(9, 3, 4))
    add("sum/no_axes", lambda x: x.sum(dim=0), floats())
    add("mean/dtype", lambda x: torch.mean(x, dim=0, dtype=torch.float32), integers(9, 3, 4))
    add("nansum/all", torch.nansum, torch.tensor([1.0, math.nan, 2.0]))
    add("logsumexp/large", lambda x: torch.logsumexp(x * 100, dim=1), floats(2, 5))
    add("aminmax/dim", lambda x: torch.aminmax(x, dim=1), x)
    add("amax/bools", lambda x: torch.amax(x, dim=1), bools(3, 4))
    for name in ("max", "min"):
        f = getattr(torch, name)
        add(f"{name}/all", f, x)
        add(f"{name}/dim", lambda x, f=f: tuple(f(x, dim=1)), x)
        add(f"{name}/keep", lambda x, f=f: tuple(f(x, dim=-1, keepdim=True)), x)
        add(f"{name}/values_only", lambda x, f=f: f(x, dim=0).values, x)
        add(f"{name}/ties", lambda x, f=f: tuple(f(x, dim=1)), torch.tensor([[1.0, 2, 2, 1], [0, 0, 0, 0]]))
        add(f"{name}/other", f, floats(2, 3), floats(3))
        add(f"{name}/integers", lambda x, f=f: tuple(f(x, dim=1)), torch.tensor([[3, 1, 2], [7, 9, 8]]))
    for name in ("argmax", "argmin"):
        f = getattr(torch, name)
        add(f"{name}/all", f, x)
        add(f"{name}/dim", lambda x, f=f: f(x, dim=1), x)
        add(f"{name}/keep", lambda x, f=f: f(x, dim=-1, keepdim=True), x)
    for name in ("any", "all"):
        f = getattr(torch, name)
        add(f"{name}/all", f, bools(2, 3))
        add(f"{name}/dim", lambda x, f=f: f(x, dim=1), bools(3, 4))
        add(f"{name}/floats_keep", lambda x, f=f: f(x > 0, dim=0, keepdim=True), floats(3, 2))
    for correction in (0, 1, 2):
        add(f"var/correction_{correction}", lambda x, c=correction: torch.var(x, dim=1, correction=c), x)
    add("std/biased", lambda x: torch.std(x, dim=(1, 2), unbiased=False, keepdim=True), x)
    add("std_mean/dim", lambda x: torch.std_mean(x, dim=1), x)
    add("var_mean/all", lambda x: torch.var_mean(x), x)
    add("count_nonzero/dim", lambda x: torch.count_nonzero(x, dim=1), integers(2, 3, 5))
    add("cumsum/dim", lambda x: torch.cumsum(x, dim=1), x)
    add("cumsum/bools", lambda x: torch.cumsum(x, dim=0), bools(5))
    add("cumprod/dim", lambda x: torch.cumprod(x, dim=-1), x)
    add("sort/last", lambda x: tuple(torch.sort(x)), floats(3, 5))
    add("sort/descending", lambda x: tuple(torch.sort(x, dim=0, descending=True)), floats(4, 3))
    add("sort/stable", lambda x: tuple(torch.sort(x, stable=True, dim=-1)), torch.tensor([[2, 1, 2, 1, 0]]))
    add("argsort/dim", lambda x: torch.argsort(x, dim=0), floats(4, 3))
    add("topk/largest", lambda x: tuple(torch.topk(x, 2)), floats(3, 5))
    add("topk/smallest_dim", lambda x: tuple(torch.topk(x, 3, dim=0, largest=False)), floats(4, 3))
    add("median/all", torch.median, floats(3, 4))
    add("median/dim", lambda x: tuple(torch.median(x, dim=1)), floats(3, 4))
    add("kthvalue/dim", lambda x: tuple(torch.kthvalue(x, 2, dim=1)), floats(3, 4))
    add("diff/n", lambda x: torch.diff(x, n=2, dim=1), floats(2, 6))
    add("diff/prepend", lambda x, p: torch.diff(x, prepend=p), floats(2, 4), floats(2, 1))


def indices(add):
    x = floats(4, 5, 3)
    add("embedding/plain", nn.Embedding(7, 3), integers(7, 2, 4))
    add("embedding/padding", nn.Embedding(7, 3, padding_idx=0), integers(7, 5, dtype=torch.int32))
    for mode in ("sum", "mean", "max"):
        add(f"embedding_bag/{mode}", nn.EmbeddingBag(7, 3, mode=mode), integers(7, 2, 4))
    add("embedding_bag/offsets", lambda i, m=nn.EmbeddingBag(7, 3, mode="sum"): m(i, torch.tensor([0, 2, 2])), integers(7, 6))
    add("embedding_bag/padding", nn.EmbeddingBag(7, 3, mode="mean", padding_idx=2), integers(7, 3, 4))
    add("gather/dim1", lambda x, i: torch.gather(x, 1, i), x, integers(5, 4, 2, 3))
    add("gather/smaller", lambda x, i: torch.gather(x, 0, i), x, integers(4, 2, 2, 3))
    add("index/one", lambda x, i: x[i], x, integers(4, 3))
    add("index/matrix_of_indices", lambda x, i: x[:, i], x, integers(5, 2, 2))
    add("index/negative", lambda x: x[:, torch.tensor([-1, 0, -2])], x)
    add("index/two_adjacent", lambda x, i, j: x[:, i, j], x, integers(5, 3), integers(3, 3))
    add("index/two_apart", lambda x, i, j: x[i, :, j], x, integers(4, 3), integers(3, 3))
    add("index/broadcast", lambda x, i, j: x[i, j], x, integers(4, 2, 1), integers(5, 3))
    add("index/mask", lambda x: x[torch.tensor([True, False, True, True])], x)
    add("index/mask_of_two", lambda x: x[torch.eye(4, 5).bool()], x)
    add("index/mixed", lambda x, i: x[1:3, None, i, ::2], x, integers(5, 2))
    add("index_select/dim", lambda x, i: torch.index_select(x, 1, i), x, integers(5, 4))
    add("take/flat", torch.take, floats(3, 4), integers(12, 2, 2))
    add("take_along_dim/dim", lambda x, i: torch.take_along_dim(x, i, dim=1), floats(3, 4), integers(4, 3, 2))
    add("take_along_dim/argsort", lambda x: torch.take_along_dim(x, torch.argsort(x, dim=1), dim=1), floats(3, 4))
    add("one_hot/plain", lambda x: F.one_hot(x, 5), integers(5, 2, 3))
    add("searchsorted/one", lambda s, v: torch.searchsorted(s, v), torch.tensor([-1.0, 0, 0.5, 2]), floats(2, 3))
    add("searchsorted/rows_right", lambda s, v: torch.searchsorted(s, v, right=True), torch.tensor([[1, 3, 3, 5], [0, 2, 4, 9]]), torch.tensor([[3, 0], [9, 2]]))
    add("bucketize/right", lambda v: torch.bucketize(v, torch.tensor([-1.0, 0, 1]), right=True, out_int32=True), floats(3, 4))
    add("masked_select/constant", lambda x: torch.masked_select(x, torch.tensor([[True, False, True]])), floats(2, 3))
    add("masked_select/run_time", torch.masked_select, floats(2, 3), bools(2, 3), refusal="how many results")
    add("nonzero/run_time", torch.nonzero, floats(2, 3), refusal="how many results")
    for accumulate in (False, True):
        add(f"index_put/rows_{accumulate}", lambda x, i, v, a=accumulate: x.index_put((i,), v, a), x, torch.tensor([3, 1]), floats(2, 5, 3))
        add(f"index_put/apart_{accumulate}", lambda x, i, j, v, a=accumulate: x.index_put((i, j), v, a), x, torch.tensor([3, 1]),
            torch.tensor([0, 4]), floats(3))
        add(f"index_put/mask_{accumulate}", lambda x, m, a=accumulate: x.index_put((m,), torch.tensor(2.0), a), x, bools(4, 5))
    add("index_put/assigned", lambda x, i: assigned(x, i), floats(4, 5), torch.tensor([3, 0]))
    add("index_put/duplicates", lambda x, i, v: x.index_put((i,), v, True), floats(4), torch.tensor([1, 1, -1]), floats(3))
    add("index_add/alpha", lambda x, i, v: torch.index_add(x, 1, i, v, alpha=0.5), x, torch.tensor([0, 3, 0]), floats(4, 3, 3))
    add("index_copy/dim", lambda x, i, v: torch.index_copy(x, 0, i, v), x, torch.tensor([2, 0]), floats(2, 5, 3))
    add("index_fill/dim", lambda x, i: torch.index_fill(x, 1, i, 7.0), x, torch.tensor([2, 0]))
    add("scatter/src", lambda x, i, v: torch.scatter(x, 1, i, v), floats(3, 5), torch.tensor([[0, 2], [4, 1]]), floats(3, 4))
    add("scatter/value", lambda x, i: torch.scatter(x, 0, i, 2.5), floats(3, 5), torch.tensor([[0, 2, 1], [1, 1, 2]]))
    add("scatter/add", lambda x, i, v: torch.scatter(x, 1, i, v, reduce="add"), floats(2, 5), torch.tensor([[0, 2, 0], [4, 4, 4]]), floats(2, 3))
    add("scatter/multiply_value", lambda x, i: torch.scatter(x, 1, i, 2.0, reduce="multiply"), floats(2, 5), torch.tensor([[0, 2], [4, 1]]))
    add("scatter_add/plain", lambda x, i, v: torch.scatter_add(x, 1, i, v), floats(2, 5), torch.tensor([[0, 2, 0], [4, 4, 4]]), floats(2, 3))
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include in (True, False):
            add(f"scatter_reduce/{reduce}_{include}", lambda x, i, v, r=reduce, s=include: torch.scatter_reduce(x, 1, i, v, r, include_self=s),
                floats(2, 5), torch.tensor([[0, 2, 0], [4, 4, 4]]), floats(2, 3))
    add("slice_scatter/plain", lambda x, v: torch.slice_scatter(x, v, 1, 1, 4), floats(3, 6), floats(3, 3))
    add("slice_scatter/step", lambda x, v: torch.slice_scatter(x, v, 1, 1, 6, 2), floats(3, 6), floats(3, 3))
    add("select_scatter/plain", lambda x, v: torch.select_scatter(x, v, 1, -2), floats(3, 6), floats(3))


def assigned(x, i):
    x = x.clone()
    x[i] = 0.0
    x[:, 1] = 3.0
    x[1, 2:4] += 1
    return x


UNARY = ("abs acos acosh asin asinh atan atanh ceil cos cosh erf erfc exp exp2 expm1 floor log log10 log1p log2 neg reciprocal relu round "
         "rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc isnan isinf isfinite logical_not").split()
FUNCTIONAL = ("celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu6 selu silu softplus softshrink "
              "softsign tanhshrink").split()
BINARY = "add sub mul div maximum minimum pow remainder fmod atan2 floor_divide eq ne lt le gt ge".split()


def elements(add):
    for name in UNARY:
        x = positive(3, 4) + (1 if name == "acosh" else 0) if name in ("acosh", "log", "log10", "log1p", "log2", "rsqrt", "sqrt", "pow") else floats(3, 4)
        if name in ("acos", "asin", "atanh"):
            x = torch.rand(3, 4) * 1.8 - 0.9
        add(f"{name}/floats", getattr(torch, name), x)
    for name in ("abs", "neg", "sign", "relu", "square", "sqrt", "exp", "floor"):
        add(f"{name}/integers", getattr(torch, name), integers(9, 2, 3))
    for name in FUNCTIONAL:
        add(f"{name}/default", getattr(F, name), floats(3, 4) * 3)
    add("gelu/tanh", lambda x: F.gelu(x, approximate="tanh"), floats(3, 4))
    add("elu/alpha", lambda x: F.elu(x, alpha=0.5), floats(3, 4))
    add("leaky_relu/slope", lambda x: F.leaky_relu(x, 0.3), floats(3, 4))
    add("softplus/beta", lambda x: F.softplus(x, beta=2, threshold=1), floats(3, 4))
    add("threshold/value", lambda x: F.threshold(x, 0.3, -1.0), floats(3, 4))
    add("glu/dim", lambda x: F.glu(x, dim=1), floats(2, 4, 3))
    add("prelu/one", nn.PReLU(), floats(2, 3, 4))
    add("prelu/channels", nn.PReLU(3, init=0.4), floats(2, 3, 4))
    add("rrelu/eval", nn.RReLU(), floats(3, 4))
    add("dropout/eval", nn.Dropout(), floats(3, 4))
    add("hardtanh/bounds", nn.Hardtanh(-0.5, 0.7), floats(3, 4))
    for name in BINARY:
        f = getattr(torch, name)
        a = positive(3, 4) if name == "pow" else floats(3, 4)
        add(f"{name}/broadcast", f, a, floats(4))
        if name not in ("maximum", "minimum", "atan2"):
            add(f"{name}/number", lambda x, f=f: f(x, 2.5), a)
        if name not in ("atan2", "pow"):
            add(f"{name}/integers", f, integers(20, 3, 4), integers(5, 4) + 1)
            add(f"{name}/mixed", f, floats(3, 4), integers(5, 4) + 1)
    add("add/alpha", lambda a, b: torch.add(a, b, alpha=3), floats(3), floats(3))
    add("sub/alpha_integers", lambda a, b: torch.sub(a, b, alpha=3), integers(9, 3), integers(9, 3))
    add("rsub/number", lambda a: 2.0 - a, floats(3))
    add("add/bool_and_int", lambda a, b: a + b, bools(3), integers(5, 3))
    add("mul/int_and_float_number", lambda a: a * 1.5, integers(5, 3))
    add("mul/float_and_int_number", lambda a: a * 2, floats(3))
    for mode in ("floor", "trunc"):
        add(f"div/{mode}", lambda a, b, m=mode: torch.div(a, b, rounding_mode=m), floats(3, 4) * 5, floats(4))
        add(f"div/{mode}_integers", lambda a, b, m=mode: torch.div(a, b, rounding_mode=m), integers(20, 3, 4) - 10, integers(5, 4) + 1)
    for exponent in (2, 3, 0.5, -0.5, -1, 0, 2.7):
        add(f"pow/{exponent}", lambda x, e=exponent: torch.pow(x, e), positive(3, 4))
    add("pow/of_number", lambda x: torch.pow(2.0, x), floats(3))
    add("pow/integers", lambda x: x ** 2, integers(5, 3))
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        add(f"{name}/integers", getattr(torch, name), integers(99, 3, 4), integers(99, 4))
        add(f"{name}/bools", getattr(torch, name), bools(3, 4), bools(4))
    add("bitwise_not/both", lambda a, b: (torch.bitwise_not(a), ~b), integers(99, 3), bools(3))
    add("bitwise_shift/left_right", lambda a: (a << 2, a >> 1), integers(99, 3))
    for name in ("logical_and", "logical_or", "logical_xor"):
        add(f"{name}/bools", getattr(torch, name), bools(3, 4), bools(4))
        add(f"{name}/floats", getattr(torch, name), integers(2, 3, 4).float(), bools(4))
    add("clamp/both", lambda x: torch.clamp(x, -0.5, 0.5), floats(3, 4))
    add("clamp/min", lambda x: torch.clamp(x, min=0.1), floats(3, 4))
    add("clamp/integers", lambda x: torch.clamp(x, 2, 5), integers(9, 3, 4))
    add("clamp/tensors", lambda x, a: torch.clamp(x, min=a), floats(3, 4), floats(4))
    add("where/scalars", lambda c: torch.where(c, 1.0, 0.0), bools(3, 4))
    add("where/tensors", torch.where, bools(3, 1), floats(3, 4), floats(4))
    add("where/mixed", lambda c, x: torch.where(c, x, 0), bools(3, 4), floats(3, 4))
    add("masked_fill/number", lambda x, m: x.masked_fill(m, -math.inf), floats(3, 4), bools(3, 4))
    add("masked_fill/softmax", lambda x, m: F.softmax(x.masked_fill(m, -1e9), -1), floats(3, 4), bools(4))
    add("lerp/number", lambda a, b: torch.lerp(a, b, 0.3), floats(3), floats(3))
    add("addcmul/value", lambda a, b, c: torch.addcmul(a, b, c, value=0.5), floats(3), floats(3), floats(3))
    add("addcdiv/value", lambda a, b, c: torch.addcdiv(a, b, c, value=0.5), floats(3), floats(3), positive(3))
    add("nan_to_num/default", torch.nan_to_num, torch.tensor([math.nan, math.inf, -math.inf, 1.0]))
    add("xlogy/zero", torch.xlogy, torch.tensor([0.0, 1.0, 2.0]), positive(3))
    for dtype in (torch.float32, torch.int32, torch.int64, torch.bool, torch.int8, torch.uint8):
        add(f"to/{str(dtype)[6:]}", lambda x, d=dtype: x.to(d), integers(99, 3, 4).float() - (0 if dtype == torch.uint8 else 50))
    add("to/type_as", lambda x, y: x.type_as(y), integers(9, 3), floats(2))
    add("round/decimals", lambda x: torch.round(x, decimals=2), floats(3, 4))
    add("in_place/chain", lambda x: in_place(x), floats(3, 4))


def in_place(x):
    y = x * 2
    y += 1
    y.relu_().mul_(3)
    y[:, 0] = 5
    z = y[1:]
    z.add_(1)
    return y


def shapes(add):
    x = floats(2, 3, 4)
    for name, f in {
            "view": lambda x: x.view(6, -1), "reshape": lambda x: x.reshape(3, 8), "flatten": lambda x: x.flatten(1), "unflatten": lambda x: x.unflatten(2, (2, 2)),
            "squeeze": lambda x: x[:, :1].squeeze(), "squeeze_dim": lambda x: x[:, :1].squeeze(1), "unsqueeze": lambda x: x.unsqueeze(-1),
            "transpose": lambda x: x.transpose(0, 2), "permute": lambda x: x.permute(2, 0, 1), "t": lambda x: x[0].t(), "mT": lambda x: x.mT,
            "movedim": lambda x: torch.movedim(x, 0, 2), "swapaxes": lambda x: torch.swapaxes(x, 0, 1), "select": lambda x: x[:, -1], "slice": lambda x: x[:, 1:3, ::2],
            "narrow": lambda x: x.narrow(2, 1, 2), "expand": lambda x: x[:, :1].expand(2, 5, 4), "repeat": lambda x: x.repeat(2, 1, 3),
            "repeat_interleave": lambda x: x.repeat_interleave(2, dim=1), "tile": lambda x: torch.tile(x, (2, 2)), "flip": lambda x: x.flip(0, 2),
            "roll": lambda x: torch.roll(x, (1, -1), (0, 2)), "roll_flat": lambda x: torch.roll(x, 3), "rot90": lambda x: torch.rot90(x, 1, (1, 2)),
            "unfold": lambda x: x.unfold(2, 2, 1), "diagonal": lambda x: torch.diagonal(x, 0, 1, 2), "diagonal_offset": lambda x: torch.diagonal(x, 1, 1, 2),
            "diag": lambda x: torch.diag(x[0, 0]), "diag_embed": lambda x: torch.diag_embed(x), "tril": lambda x: torch.tril(x), "triu": lambda x: torch.triu(x, 1),
            "split": lambda x: torch.split(x, 2, dim=1), "split_sizes": lambda x: torch.split(x, [1, 3], dim=2), "chunk": lambda x: torch.chunk(x, 3, dim=2),
            "unbind": lambda x: torch.unbind(x, 1), "tensor_split": lambda x: torch.tensor_split(x, 3, dim=2), "cat": lambda x: torch.cat([x, x * 2], 1),
            "stack": lambda x: torch.stack([x, x + 1], 1), "hstack": lambda x: torch.hstack([x, x]), "concat_first": lambda x: torch.concat((x, x[:1])),
            "meshgrid": lambda x: torch.meshgrid(x[0, 0], x[0, 1], indexing="ij"), "numpy_T": lambda x: x[0].T, "view_as": lambda x: x.view_as(x + 1),
            "expand_as": lambda x: x[:, :1].expand_as(x), "contiguous": lambda x: x.transpose(1, 2).contiguous(), "clone": lambda x: x.clone(),
            "atleast_2d": lambda x: torch.atleast_2d(x[0, 0]), "ravel": lambda x: x.ravel(), "cartesian": lambda x: x[..., None] * x[:, :, None],
            "size_computed": lambda x: x.view(x.size(0), x.shape[1] * x.shape[2]), "broadcast_to": lambda x: torch.broadcast_to(x[0], (2, 3, 4))}.items():
        add(f"shape/{name}", f, x)
    for name, f in {
            "arange": lambda x: torch.arange(4) + x, "arange_step": lambda x: torch.arange(1, 3, 0.5) + x, "zeros": lambda x: torch.zeros(4) + x, "ones": lambda x: torch.ones(3, 1) + x,
            "full": lambda x: torch.full((4,), 2.5) + x, "zeros_like": lambda x: torch.zeros_like(x) + x, "ones_like": lambda x: torch.ones_like(x) - x,
            "full_like": lambda x: torch.full_like(x, 3.0) * x, "new_zeros": lambda x: x.new_zeros(3, 4) + x, "new_full": lambda x: x.new_full((4,), 2.0) * x,
            "eye": lambda x: torch.eye(3, 4) * x, "linspace": lambda x: torch.linspace(0, 1, 4) * x, "tensor": lambda x: torch.tensor([1.0, 2, 3, 4]) * x,
            "scalar_tensor": lambda x: torch.scalar_tensor(2.0) * x, "empty_like_filled": lambda x: torch.empty_like(x).fill_(2.0) * x,
            "positions": lambda x: x + torch.arange(x.shape[0])[:, None], "causal_mask": lambda x: x.masked_fill(torch.triu(torch.ones(3, 4, dtype=torch.bool), 1), 0.0),
            "tril_indices": lambda x: x[torch.tril_indices(3, 4)[0], torch.tril_indices(3, 4)[1]], "hann_window": lambda x: x * torch.hann_window(4),
            "hamming_window": lambda x: x * torch.hamming_window(4, periodic=False), "blackman_window": lambda x: x * torch.blackman_window(4)}.items():
        add(f"create/{name}", f, floats(3, 4))


FAMILIES = (reductions, indices, elements, shapes)
