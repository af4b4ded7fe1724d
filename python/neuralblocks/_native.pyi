"""The extension module. Arrays are (NumPy's type string, shape, bytes), reports and diagnostics are JSON."""

Array = tuple[str, list[int], bytes]
NamedArray = tuple[str, str, list[int], bytes]

version: str

class Quantize:
    numbers: str
    calibration: str
    samples: list[NamedArray]
    has_float_ends: bool
    layers: list[tuple[str, str]]
    test_inputs: list[NamedArray]
    test_targets: list[NamedArray]
    metric: str
    max_drop: float

    def __init__(self) -> None: ...

class Model:
    def analysis(self) -> tuple[str, str]: ...
    def write_project(self, folder: str) -> tuple[str | None, str]: ...

class Runner:
    def run(
        self, inputs: list[NamedArray] | None, dequantize: bool, timeout_seconds: float
    ) -> tuple[tuple[list[Array], str] | None, str]: ...
    def validate(
        self,
        inputs: list[NamedArray],
        targets: list[NamedArray],
        reference: Runner | None,
        timeout_seconds: float,
    ) -> tuple[str | None, str]: ...

def compile(
    path: str,
    board: str,
    name: str,
    dims: list[tuple[str, int]],
    frozen: list[NamedArray],
    states: list[str],
    streams: list[str],
    input_types: list[tuple[str, str, list[int]]],
    quantize: Quantize,
    may_change_outputs: bool,
    pixels: tuple[str, list[float], list[float]],
) -> tuple[Model | None, str]: ...
def build(model: Model, optimize: str, keeps_state: bool) -> tuple[Runner | None, str]: ...
def diagnostic(kind: str, message: str, file: str, notes: list[str], help: str) -> str: ...
def boards() -> str: ...
def blocks() -> str: ...
