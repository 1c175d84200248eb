"""oneDNN and OpenBLAS: compiles bench/peers/<name>.cpp and reads its lines `case threads rows bytes seconds arithmetic`."""

import os
import subprocess
import tempfile

import common

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = {"onednn": "dnnl", "openblas": "openblas"}


def measure(limits, threads, name):
    compiler = os.environ.get("CXX", "c++")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, name)
        built = subprocess.run([compiler, "-std=c++20", "-O2", os.path.join(HERE, name + ".cpp"), "-o", program,
                                "-l" + LIBRARY[name], "-lpthread"], capture_output=True, text=True)
        if built.returncode != 0:
            errors = [text for text in built.stderr.splitlines() if "error" in text] or ["it does not compile"]
            raise ImportError(errors[0])
        environment = dict(os.environ)
        # OpenBLAS goes by the processor's model, which virtual machines make up.
        if name == "openblas" and "avx512f" in limits.features:
            environment.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
        for many in threads:
            run = subprocess.run([program, str(many)], capture_output=True, text=True,
                                 env={**environment, "OMP_NUM_THREADS": str(many), "OPENBLAS_NUM_THREADS": str(many)})
            for text in run.stdout.splitlines():
                case, rows, size, seconds, arithmetic = text.rsplit(" ", 4)
                if float(seconds) == 0:
                    common.skip(f"{name}, {case}", "this build has no such product")
                else:
                    common.product(limits, name, case, many, int(rows), float(size), float(seconds), arithmetic)
            if run.returncode != 0:
                raise OSError(run.stderr.strip() or f"ended with {run.returncode}")
