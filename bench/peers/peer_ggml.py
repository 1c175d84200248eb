"""ggml's CPU backend through ctypes: mul_mat with weights as it repacks them where it does, and its conversions."""

import ctypes
import glob
import importlib.util
import os

import numpy

import common

# enum ggml_type, ggml.h
TYPES = {"q4_0": 2, "q4_K": 12, "mxfp4": 39, "nvfp4": 40, "q8_0": 8, "bf16": 30}
F32 = 0


class InitParams(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def libraries():
    folder = os.environ.get("GGML_LIBRARIES")
    if folder is None:
        found = importlib.util.find_spec("llama_cpp")
        if found is None:
            raise ImportError("no llama_cpp (pip install llama-cpp-python), and GGML_LIBRARIES is not set")
        folder = os.path.join(os.path.dirname(found.origin), "lib")
    loaded = []
    for name in ("libggml-base", "libggml-cpu"):
        files = sorted(glob.glob(os.path.join(folder, name + ".*")))
        if not files:
            raise OSError(f"no {name} in {folder}")
        loaded.append(ctypes.CDLL(files[0], mode=ctypes.RTLD_GLOBAL))
    return loaded


class Ggml:
    def __init__(self):
        self.base, self.cpu = libraries()
        pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
        for library, name, result, *arguments in (
                (self.base, "ggml_init", pointer, InitParams),
                (self.base, "ggml_free", None, pointer),
                (self.base, "ggml_new_tensor_2d", pointer, pointer, number, ctypes.c_int64, ctypes.c_int64),
                (self.base, "ggml_mul_mat", pointer, pointer, pointer, pointer),
                (self.base, "ggml_new_graph_custom", pointer, pointer, size, ctypes.c_bool),
                (self.base, "ggml_build_forward_expand", None, pointer, pointer),
                (self.base, "ggml_quantize_chunk", size, number, pointer, pointer, ctypes.c_int64, ctypes.c_int64,
                 ctypes.c_int64, pointer),
                (self.base, "ggml_row_size", size, number, ctypes.c_int64),
                (self.base, "ggml_backend_tensor_set", None, pointer, pointer, size, size),
                (self.base, "ggml_backend_alloc_ctx_tensors_from_buft", pointer, pointer, pointer),
                (self.base, "ggml_backend_buffer_free", None, pointer),
                (self.base, "ggml_backend_graph_compute", number, pointer, pointer),
                (self.base, "ggml_backend_reg_dev_get", pointer, pointer, size),
                (self.base, "ggml_backend_reg_get_proc_address", pointer, pointer, ctypes.c_char_p),
                (self.base, "ggml_backend_cpu_buffer_type", pointer),
                (self.base, "ggml_backend_buft_name", ctypes.c_char_p, pointer),
                (self.base, "ggml_backend_dev_supports_op", ctypes.c_bool, pointer, pointer),
                (self.cpu, "ggml_backend_cpu_init", pointer),
                (self.cpu, "ggml_backend_cpu_reg", pointer),
                (self.cpu, "ggml_backend_cpu_set_n_threads", None, pointer, number)):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name[5:], function)
        self.silence = ctypes.CFUNCTYPE(None, number, ctypes.c_char_p, pointer)(lambda *_: None)
        self.base.ggml_log_set(self.silence, None)
        self.backend = self.backend_cpu_init()
        self.plain = self.backend_cpu_buffer_type()
        registry = self.backend_cpu_reg()
        self.device = self.backend_reg_dev_get(registry, 0)
        ask = self.backend_reg_get_proc_address(registry, b"ggml_backend_dev_get_extra_bufts")
        self.extra = []
        if ask:
            several = ctypes.CFUNCTYPE(ctypes.POINTER(pointer), pointer)(ask)(self.device)
            while several[len(self.extra)]:
                self.extra.append(several[len(self.extra)])

    def context(self, tensors):
        return self.init(InitParams(tensors * 512 + (1 << 22), None, True))

    def quantised(self, code, values):
        rows, columns = values.shape
        out = numpy.zeros(rows * self.row_size(code, columns), numpy.uint8)
        self.quantize_chunk(code, values.ctypes.data, out.ctypes.data, 0, rows, columns, None)
        return out


class Weights:
    """`count` copies of one quantised matrix in a buffer of one kind, and products with them, some a round."""

    def __init__(self, g, kind, code, data, count):
        self.g, self.count = g, count
        self.context = g.context(count)
        self.tensors = [g.new_tensor_2d(self.context, code, common.K, common.N) for _ in range(count)]
        self.buffer = g.backend_alloc_ctx_tensors_from_buft(self.context, kind)
        if not self.buffer:
            raise MemoryError("ggml gave no buffer")
        for each in self.tensors:
            g.backend_tensor_set(each, data.ctypes.data, 0, data.nbytes)

    def free(self):
        self.g.backend_buffer_free(self.buffer)
        self.g.free(self.context)

    def seconds(self, rows, threads):
        """Of one product."""
        g, a_round = self.g, min(self.count, max(1, common.ROUND_BYTES // (self.bytes if rows <= 16 else 1 << 40)))
        g.backend_cpu_set_n_threads(g.backend, threads)
        graphs, context = [], g.context(self.count * 4 + 64)
        values = numpy.random.default_rng(1).standard_normal((rows, common.K)).astype(numpy.float32)
        inputs = g.new_tensor_2d(context, F32, common.K, rows)
        for first in range(0, self.count - a_round + 1, a_round):
            work = g.context(4 * a_round + 256)
            graph = g.new_graph_custom(work, a_round * 2 + 16, False)
            results = [g.mul_mat(context, self.tensors[first + i], inputs) for i in range(a_round)]
            for each in results:
                g.build_forward_expand(graph, each)
            graphs.append((graph, work))
            if rows > 16 and len(graphs) == 24:
                break
        buffer = g.backend_alloc_ctx_tensors_from_buft(context, g.plain)
        g.backend_tensor_set(inputs, values.ctypes.data, 0, values.nbytes)
        taken = common.best(lambda i: g.backend_graph_compute(g.backend, graphs[i % len(graphs)][0]),
                            threads) / a_round
        for _, work in graphs:
            g.free(work)
        g.backend_buffer_free(buffer)
        g.free(context)
        return taken


def measure(limits, threads, _name):
    g = Ggml()
    values = numpy.random.default_rng(0).standard_normal((common.N, common.K)).astype(numpy.float32)
    for name, code in TYPES.items():
        data = g.quantised(code, values)
        count = -(-common.DRAM_BYTES // data.nbytes)
        for kind in [g.plain, *g.extra]:
            label = g.backend_buft_name(kind).decode()
            if kind != g.plain and not takes(g, kind, code):
                continue
            weights = Weights(g, kind, code, data, count)
            weights.bytes = data.nbytes
            for rows in common.ROWS:
                for many in threads:
                    taken = weights.seconds(rows, many)
                    common.product(limits, "ggml", f"{name}, buffer {label}", many, rows, data.nbytes, taken,
                                   "float32" if name == "bf16" else "int8")
            weights.free()
    conversions(g, limits, values)


def takes(g, kind, code):
    """Whether this kind of buffer changes anything for the type: those that do refuse types they do not know."""
    context = g.context(8)
    weights = g.new_tensor_2d(context, code, common.K, common.N)
    buffer = g.backend_alloc_ctx_tensors_from_buft(context, kind)
    inputs = g.new_tensor_2d(context, F32, common.K, 1)
    product = g.mul_mat(context, weights, inputs)
    known = bool(buffer) and g.backend_dev_supports_op(g.device, product)
    if known:  # struct ggml_tensor: `extra` says which kernels a repacking buffer chose
        raw = ctypes.string_at(weights, 336)
        known = any(raw[-16:-8]) or any(raw[-24:-16])
    if buffer:
        g.backend_buffer_free(buffer)
    g.free(context)
    return known


def conversions(g, limits, values):
    for name in ("q4_0", "mxfp4", "nvfp4", "q8_0"):
        code = TYPES[name]
        out = numpy.zeros(values.shape[0] * g.row_size(code, common.K), numpy.uint8)
        rows = 64
        taken = common.best(lambda i: g.quantize_chunk(
            code, values.ctypes.data, out.ctypes.data, i % 64 * rows * common.K, rows, common.K, None))
        common.conversion(limits, "ggml", f"float32 to {name}", rows * common.K, 4, out.nbytes / values.size, taken, "l2")
