"""What the examples' training scripts share: a reproducible start, a clean .onnx file, reference outputs."""
import random

import numpy as np
import onnx
import onnxruntime as ort
import torch


def start(seed):
    """Fixes every source of chance and uses one thread, so that a second run gives the same bytes."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(model, x, y, epochs, learning_rate, batch=64, loss=torch.nn.functional.cross_entropy):
    """Trains `model` on x, y with Adam, a one-cycle learning rate and `loss`; leaves it in eval mode.

    The last epoch's weights are the result: no test sample takes part in choosing them."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    steps = -(-len(x) // batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, epochs * steps)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    model.eval()


def write_clean(proto, path):
    """Writes `proto` with weights inside the file and without the exporter's notes (these hold paths)."""
    for item in [proto, proto.graph, *proto.graph.node, *proto.graph.initializer, *proto.graph.value_info,
                 *proto.graph.input, *proto.graph.output]:
        del item.metadata_props[:]
        item.ClearField("doc_string")
    onnx.checker.check_model(proto, full_check=True)
    with open(path, "wb") as file:
        file.write(proto.SerializeToString(deterministic=True))


def export(model, sample, path, output_name="logits", dynamic_batch=False):
    """Exports `model` to `path`; its input is named x. `sample` gives the shape (float32, leading batch).

    With `dynamic_batch` the leading dimension is the symbol "batch"."""
    shapes = ({0: torch.export.Dim("batch")},) if dynamic_batch else None
    program = torch.onnx.export(model, (torch.from_numpy(sample),), input_names=["x"],
                                output_names=[output_name], dynamo=True, external_data=False,
                                dynamic_shapes=shapes, verbose=False)
    write_clean(program.model_proto, path)


def run_onnx(path, x):
    """Output of the model at `path` for each row of x, by ONNX Runtime without graph optimisation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": x[i:i + 1]})[0] for i in range(len(x))])


def accuracy(logits, labels):
    """Fraction of rows whose largest logit is the label."""
    return float((logits.argmax(axis=1) == labels).mean())
