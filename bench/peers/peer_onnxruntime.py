"""onnxruntime's MatMulNBits: int4 groups of 32 and 128, float32 or int8 arithmetic (its accuracy levels 0 and 4)."""

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper

import common


def session(group, level, copies, threads):
    """`copies` products of one input with as many weights; the input's rows are free."""
    random = numpy.random.default_rng(0)
    codes = random.integers(0, 256, (common.N, common.K // group, group // 2), numpy.uint8)
    scales = random.standard_normal((common.N, common.K // group)).astype(numpy.float32) / 64
    nodes, tensors, outputs = [], [], []
    for i in range(copies):
        codes[0, 0, 0] = i % 256  # or it might keep one copy of them all
        tensors.append(onnx.numpy_helper.from_array(codes, f"B{i}"))
        tensors.append(onnx.numpy_helper.from_array(scales, f"S{i}"))
        nodes.append(helper.make_node("MatMulNBits", ["A", f"B{i}", f"S{i}"], [f"Y{i}"], domain="com.microsoft",
                                      K=common.K, N=common.N, bits=4, block_size=group, accuracy_level=level))
        outputs.append(helper.make_tensor_value_info(f"Y{i}", TensorProto.FLOAT, ["M", common.N]))
    graph = helper.make_graph(nodes, "products", [helper.make_tensor_value_info("A", TensorProto.FLOAT, ["M", common.K])],
                              outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def measure(limits, threads, _name):
    name = f"onnxruntime {onnxruntime.__version__}"
    for group in (32, 128):
        size = common.N * common.K // 2 + common.N * common.K // group * 4
        copies = max(1, common.ROUND_BYTES // size)
        for level, arithmetic in ((0, "float32"), (4, "int8")):
            for many in threads:
                sessions = [session(group, level, copies, many) for _ in range(-(-common.DRAM_BYTES // (size * copies)))]
                for rows in common.ROWS:
                    inputs = {"A": numpy.random.default_rng(1).standard_normal((rows, common.K)).astype(numpy.float32)}
                    taken = common.best(lambda i: sessions[i % len(sessions)].run(None, inputs), many,
                                        rounds=3 if rows <= 16 else 1) / copies
                    common.product(limits, name, f"int4 g{group}, {arithmetic}", many, rows, size, taken, arithmetic)
                del sessions

