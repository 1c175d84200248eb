#!/usr/bin/env python3
"""Compares fewbits_encoder's float32 path with PyTorch's BERT, and its tokens with Hugging Face's tokenizers.

    pip install torch transformers tokenizers
    python3 examples/encoder/compare.py build/demo/examples/fewbits_encoder build/minilm examples/encoder/sentences.txt

What is not installed is skipped aloud. Status 1 where tokens differ or a cosine is below 0.9999.
"""
import pathlib
import subprocess
import sys


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def tokens_agree(folder, lines, ours):
    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError:
        print("skipped: tokenizers is not installed")
        return True
    theirs = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    theirs.enable_truncation(256)
    equal = sum(theirs.encode(line).ids == row for line, row in zip(lines, ours))
    print(f"tokens: {equal} of {len(lines)} sentences equal")
    return equal == len(lines)


def vectors_agree(folder, tokens, ours):
    try:
        import torch
        from safetensors.torch import load_file
        from transformers import BertConfig, BertModel
    except ImportError as missing:
        print(f"skipped: {missing}")
        return True
    model = BertModel(BertConfig.from_json_file(folder / "config.json"))
    weights = load_file(next(folder.glob("*.safetensors")))
    print("not in the file or not in PyTorch's model:", model.load_state_dict(weights, strict=False))
    model.eval()
    least = 1.0
    with torch.no_grad():
        for row, vector in zip(tokens, ours):
            mean = model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(0).double()
            least = min(least, torch.cosine_similarity(mean, torch.tensor(vector).double(), dim=0).item())
    print(f"vectors: least cosine {least:.9f} over {len(tokens)} sentences")
    return least > 0.9999


def main():
    program, folder, sentences = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    lines = [line for line in pathlib.Path(sentences).read_text().split("\n") if line]
    tokens = [[int(t) for t in row] for row in run(program, folder, sentences, "--tokens")]
    vectors = [[float(x) for x in row] for row in run(program, folder, sentences, "--vectors", "float32")]
    agree = [tokens_agree(folder, lines, tokens), vectors_agree(folder, tokens, vectors)]
    return 0 if all(agree) else 1


sys.exit(main())
