"""torch on the CPU: bf16 linear, int4 groups with bf16 activations, int8 products (oneDNN and its own kernels)."""

import torch

import common


def measure(limits, threads, _name):
    name = f"torch {torch.__version__.split('+')[0]}"
    torch.manual_seed(0)
    n, k = common.N, common.K
    with torch.inference_mode():
        dense = torch.randn(n, k, dtype=torch.bfloat16)
        cases(limits, threads, name, "bf16 linear", n * k * 2, "bf16", torch.bfloat16,
              lambda: dense.clone(), torch.nn.functional.linear)
        codes = torch.randint(0, 16, (n, k), dtype=torch.int32)
        for group in (32, 128):
            scales = torch.randn(k // group, n, 2, dtype=torch.bfloat16)
            packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1)
            cases(limits, threads, name, f"int4 g{group}, bf16 activations", n * k // 2 + k // group * n * 4, "bf16",
                  torch.bfloat16, lambda: (packed.clone(), scales.clone()),
                  lambda a, w, g=group: torch.ops.aten._weight_int4pack_mm_for_cpu(a, w[0], g, w[1]))
        bytes_ = torch.randint(-127, 128, (n, k), dtype=torch.int8)
        cases(limits, threads, name, "int8 x int8 to int32", n * k, "int8", torch.int8, lambda: bytes_.clone().t(),
              torch._int_mm)


def cases(limits, threads, name, what, size, arithmetic, kind, weights, product):
    try:
        copies = [weights() for _ in range(-(-common.DRAM_BYTES // size))]
        for rows in common.ROWS:
            a = (torch.randint(-127, 128, (rows, common.K), dtype=torch.int8) if kind == torch.int8 else
                 torch.randn(rows, common.K, dtype=kind))
            a_round = max(1, common.ROUND_BYTES // size) if rows <= 16 else 1

            def work(i):
                for j in range(a_round):
                    product(a, copies[(i * a_round + j) % len(copies)])
            for many in threads:
                torch.set_num_threads(many)
                common.product(limits, name, what, many, rows, size, common.best(work, many) / a_round, arithmetic)
    except (RuntimeError, AttributeError, NotImplementedError) as why:
        common.skip(f"{name}, {what}", str(why).splitlines()[0][:160])
