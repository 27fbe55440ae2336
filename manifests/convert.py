"""Turn a table of public models into the manifests of this folder.

    python manifests/convert.py TABLE.csv

The table has a line for each model, its facts as their sources state them.  The cells of a manifest
are those of the table but for what `row` says; README.md tells which lines are left out, and why.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent

FILES = {
    "tf-slim.csv": ("TF-Slim", "MMdnn extractor"),
    "mobilenet.csv": ("MobileNet v1", "MobileNet v2", "MobileNet v3", "MobileNet EdgeTPU"),
    "mnasnet-mixnet.csv": ("MnasNet", "MixNet"),
    "efficientnet.csv": ("EfficientNet",),
    "efficientdet.csv": ("EfficientDet",),
    "detection-tf1.csv": ("TF1 detection zoo",),
    "detection-tf2.csv": ("TF2 detection zoo", "TF2 classification zoo"),
    "detection-tpu.csv": ("TPU detection projects", "ResNet-RS"),
    "deeplab.csv": ("DeepLab",),
    "language.csv": ("BERT", "ALBERT", "ELECTRA", "MobileBERT", "XLNet", "GPT-2"),
    "open-model-zoo.csv": ("OMZ",),
    "research.csv": ("TF models research", "DELF", "AudioSet", "FaceNet", "MoViNet"),
    "tflite-hosted.csv": ("TFLite hosted",),
    "test-zoos.csv": ("tf2onnx test zoo", "OpenCV dnn test zoo"),
    "small.csv": ("in-git small checkpoints",),
}
"""Manifest → how the families in it begin."""

COLUMNS = (
    "name", "url", "mirror", "checksum", "size", "member", "member_checksum", "documented_inputs",
    "documented_outputs", "task", "family", "license", "paper", "source", "description",
)  # fmt: skip

_NOT_TENSORFLOW = ("weights", "pbmm")  # Darknet's own format; a memory-mapped image
_NOT_PUBLIC = "drive.google.com/uc?export=download&id=0B_"  # asks for a login since September 2021
_LOGIN, _PUBLIC = "https://storage.cloud.google.com/", "https://storage.googleapis.com/"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path, metavar="TABLE.csv")
    options = parser.parse_args(argv)
    with options.table.open(encoding="utf-8", newline="") as file:
        models = list(csv.DictReader(file))
    for name, families in FILES.items():
        chosen = [model for model in models if model["family"].startswith(families) and usable(model)]
        rows = [row(model) for model in chosen]
        columns = [column for column in COLUMNS if any(row.get(column) for row in rows)]
        with (HERE / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{name}: {len(rows)}")
    return 0


def usable(model: Mapping[str, str]) -> bool:
    """Whether the model can be had, and is one of TensorFlow's."""
    if model["format"] in _NOT_TENSORFLOW:
        return False
    return _NOT_PUBLIC not in model["url"] or bool(model["mirror_url"])


def row(model: Mapping[str, str]) -> dict[str, str]:
    """The cells of a manifest for a line of the table."""
    urls, mirrors = sources(model)
    return {
        "name": model["name"],
        "url": " ".join(urls),
        "mirror": " ".join(mirrors),
        "checksum": checksum(model, len(urls)),
        "size": model["size_bytes"]
        if len(model["size_bytes"].split()) == len(urls) and _plain(model)
        else "",
        "member": member(model["extra"]),
        "member_checksum": member_checksum(model["extra"]),
        "documented_inputs": endpoints(model, "inputs"),
        "documented_outputs": endpoints(model, "outputs"),
        "task": model["task"].replace("_", " "),
        "family": model["family"],
        "license": model["license"],
        "paper": model["paper"],
        "source": model["source"],
        "description": description(model),
    }


def sources(model: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The URLs of a model, and those of its mirrors.

    Several files lie in the extra facts.  Of the two addresses of Google's storage the one that asks
    nobody to sign in comes first.
    """
    files = re.search(r"files: ([^|]*)", model["extra"])
    if files:
        urls = files[1].split()
        wanted = urls if model["url"] in urls else [model["url"], *urls]
        return [url for url in wanted if not url.endswith((".json", ".bpe"))], []
    url, mirrors = model["url"], model["mirror_url"].split()
    if _NOT_PUBLIC in url:
        return mirrors[:1], mirrors[1:]
    if url.startswith(_LOGIN):
        return [_PUBLIC + url.removeprefix(_LOGIN)], [url, *mirrors]
    return [url], mirrors


def _plain(model: Mapping[str, str]) -> bool:
    # A slash separates the sizes of several editions of a file: none of them is sure.
    return "/" not in model["size_bytes"]


def checksum(model: Mapping[str, str], count: int) -> str:
    """The strongest checksum that is published for each file, in the order of the URLs."""
    for algorithm in ("sha384", "sha256", "sha1", "md5"):
        values = model[algorithm].split()
        if len(values) == count and "/" not in model[algorithm]:
            return " ".join(f"{algorithm}:{value}" for value in values)
    return ""


def member(extra: str) -> str:
    """Which member of the archive is the model, where the source says so."""
    found = re.search(r"\bmember=(\S+)", extra) or re.search(r"\bmember (\S+) sha1=", extra)
    return found[1] if found and found[1] != "." else ""


def member_checksum(extra: str) -> str:
    """The checksum of that member, where the source publishes one."""
    found = re.search(r"\bmember \S+ (sha1)=([0-9a-f]{40})", extra)
    return f"{found[1]}:{found[2]}" if found else ""


def endpoints(model: Mapping[str, str], column: str) -> str:
    """Tensor names that the model's makers (or a zoo's tests) document, never those of its kin.

    Sources that differ are separated by ``|``: the last is the one that gives whole tensor names.
    """
    if not model["io_basis"].startswith(("documented", "exporter default")):
        return ""
    text = re.sub(r":?\[[^]]*\]", "", model[column].split("|")[-1])
    names = [name.strip() for name in re.split(r"[;,]", text) if name.strip()]
    if any(re.search(r"\s|^\d+:", name) for name in names):  # a remark, or a port of another tool
        return ""
    return " ".join(name if re.search(r":\d+$", name) else f"{name}:0" for name in names)


def description(model: Mapping[str, str]) -> str:
    """The facts that no other column takes, in a line."""
    extra = [
        part.strip()
        for part in model["extra"].split("|")
        if part.strip() and not part.strip().startswith(("files:", "member"))
    ]
    facts = [
        model["params_m"] and f"{model['params_m']} million parameters",
        model["macs_m"] and f"{model['macs_m']} million multiply-adds",
        model["gflops"] and f"{model['gflops']} GFLOPs",
        model["accuracy"] and f"accuracy {model['accuracy']}",
        model["input_size"] and f"input {model['input_size']}",
        model["size_doc"] and f"documented size {model['size_doc']}",
        *extra,
    ]
    return "; ".join(fact for fact in facts if fact)


if __name__ == "__main__":
    sys.exit(main())
