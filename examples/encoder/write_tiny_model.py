#!/usr/bin/env python3
"""Writes tiny/: a BERT of two layers with random weights, a vocabulary, sentences, and what numpy makes of them in
float64. The command-line test compares fewbits_encoder with it, without a download.

    python3 examples/encoder/write_tiny_model.py
"""
import json
import math
import pathlib
import struct

import numpy as np

WIDTH, HEADS, INNER, LAYERS, POSITIONS = 24, 3, 40, 2, 24
VOCABULARY = ("[PAD] [UNK] [CLS] [SEP] the a cat dog runs sleeps un ##able ##s ##ly cafe 7 : , . ! ? - 日 本 "
              "strasse").split()
SENTENCES = ["The cat sleeps.", "A dog runs, the CAT runs!", "Café: 日本?", "unable dogs unably xyz", "7-7",
             "the the the the the the the the the the the the the the the the the the the the the the the the"]
TOKENS = [[2, 4, 6, 9, 18, 3], [2, 5, 7, 8, 17, 4, 6, 8, 19, 3], [2, 14, 16, 22, 23, 20, 3],
          [2, 10, 11, 7, 12, 1, 1, 3], [2, 15, 21, 15, 3], [2] + [4] * 22 + [3]]


def main():
    folder = pathlib.Path(__file__).resolve().parent / "tiny"
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(5)
    tensors = {}

    def tensor(name, *shape, scale=0.35):
        tensors[name] = (random.standard_normal(shape) * scale).astype(np.float16)

    def dense(name, rows, columns):
        tensor(name + ".weight", rows, columns)
        tensor(name + ".bias", rows, scale=0.1)

    def norm(name):
        tensors[name + ".weight"] = (1 + 0.1 * random.standard_normal(WIDTH)).astype(np.float16)
        tensor(name + ".bias", WIDTH, scale=0.1)

    tensor("embeddings.word_embeddings.weight", len(VOCABULARY), WIDTH)
    tensor("embeddings.position_embeddings.weight", POSITIONS, WIDTH)
    tensor("embeddings.token_type_embeddings.weight", 2, WIDTH)
    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        name = f"encoder.layer.{i}."
        for part in ("query", "key", "value"):
            dense(name + "attention.self." + part, WIDTH, WIDTH)
        dense(name + "attention.output.dense", WIDTH, WIDTH)
        norm(name + "attention.output.LayerNorm")
        dense(name + "intermediate.dense", INNER, WIDTH)
        dense(name + "output.dense", WIDTH, INNER)
        norm(name + "output.LayerNorm")

    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": HEADS, "layer_norm_eps": 1e-12}) + "\n")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    (folder / "sentences.txt").write_text("\n".join(SENTENCES) + "\n")
    (folder / "tokens.txt").write_text("".join(" ".join(map(str, t)) + "\n" for t in TOKENS))
    exact = {name: values.astype(np.float64) for name, values in tensors.items()}
    vectors = [embed(exact, tokens) for tokens in TOKENS]
    (folder / "vectors.txt").write_text("".join(" ".join(f"{x:.5f}" for x in v) + "\n" for v in vectors))


def embed(t, tokens):
    def linear(x, name):
        return x @ t[name + ".weight"].T + t[name + ".bias"]

    def norm(x, name):
        x = x - x.mean(1, keepdims=True)
        return x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-12) * t[name + ".weight"] + t[name + ".bias"]

    erf = np.vectorize(math.erf)
    x = t["embeddings.word_embeddings.weight"][tokens] + t["embeddings.position_embeddings.weight"][:len(tokens)]
    x = norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        name = f"encoder.layer.{i}."
        query, key, value = (linear(x, name + "attention.self." + part) for part in ("query", "key", "value"))
        mixed = np.empty_like(x)
        for head in range(HEADS):
            part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            scores = query[:, part] @ key[:, part].T / math.sqrt(WIDTH / HEADS)
            scores = np.exp(scores - scores.max(1, keepdims=True))
            mixed[:, part] = scores / scores.sum(1, keepdims=True) @ value[:, part]
        x = norm(x + linear(mixed, name + "attention.output.dense"), name + "attention.output.LayerNorm")
        inner = linear(x, name + "intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        x = norm(x + linear(inner, name + "output.dense"), name + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


main()
