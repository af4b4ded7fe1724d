"""Names of dtypes: the compiler's, and NumPy's."""

NUMPY_NAME = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "i8": "int8",
    "u8": "uint8",
    "i16": "int16",
    "u16": "uint16",
    "i32": "int32",
    "u32": "uint32",
    "i64": "int64",
    "u64": "uint64",
    "bool": "bool",
}
OUR_NAME = {theirs: ours for ours, theirs in NUMPY_NAME.items()}
