"""What is said of ops without TensorFlow is what TensorFlow says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo import risk


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("PyFunc", "python"),
        ("EagerPyFunc", "python"),
        ("ReadFile", "files"),
        ("WriteFile", "files"),
        ("MatchingFiles", "files"),
        ("SaveV2", "files"),
        ("RestoreV2", "files"),
        ("TFRecordReaderV2", "files"),
        ("FixedLengthRecordDatasetV2", "files"),
        ("TFRecordDataset", "files"),
        ("CacheDatasetV2", "files"),
        ("WriteImageSummary", "files"),
        ("InitializeTableFromTextFileV2", "files"),
        ("DataServiceDatasetV4", "network"),
        ("RpcCall", "network"),
        ("_Recv", "network"),
        ("CollectiveReduceV2", "network"),
        ("TRTEngineOp", "code"),
        ("XlaCustomCallV2", "code"),
        ("TPUPartitionedCall", "devices"),
    ],
)
def test_an_op_that_reaches_out_of_the_graph_is_risky(op: str, kind: str) -> None:
    """By the kind of what it reaches."""
    assert risk.risk(op) == kind


@pytest.mark.parametrize(
    "op",
    ["Conv2D", "Print", "PrintV2", "DecodeJpeg", "DecodeWav", "ParseExample", "ScalarSummary",
     "IdentityReader", "ShardedFilename", "TensorSliceDataset", "IteratorGetNext", "HashTableV2",
     "RandomUniform", "TPUReplicateMetadata"],
)  # fmt: skip
def test_an_op_that_only_computes_is_not(op: str) -> None:
    """A summary is a string, a decoder a function, a print a line in a log."""
    assert risk.risk(op) is None


def test_risky_ops_are_counted() -> None:
    """Out of the counts of a graph, in their order."""
    assert risk.risky_ops({"Conv2D": 9, "WriteFile": 2, "PyFunc": 1}) == {"WriteFile": 2, "PyFunc": 1}


def test_unregistered_ops_are_those_that_tensorflow_does_not_know() -> None:
    """Ops of other projects and of contrib; not the graph's own functions used as ops."""
    found = risk.unregistered_ops(
        ["Conv2D", "SSTableReaderV2", "TRTEngineOp", "my_function"], functions={"my_function"}
    )

    assert found == ("SSTableReaderV2", "TRTEngineOp")


def test_ops_without_kernel_import_and_do_not_run() -> None:
    """The kernels of boosted trees left TensorFlow, their ops did not."""
    assert risk.ops_without_kernel(["MatMul", "BoostedTreesBucketize", "AccumulateNV2"]) == (
        "BoostedTreesBucketize",
    )


def test_the_list_of_ops_is_that_of_the_installed_tensorflow() -> None:
    """Whoever raises the version of TensorFlow writes the list anew; this tells how."""
    command = [sys.executable, "-m", "zoo.child", "--list-ops"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])

    assert done.stdout == risk.OPS_FILE.read_text("utf-8"), f"{' '.join(command[1:])} > {risk.OPS_FILE.name}"


def test_every_pattern_names_an_op() -> None:
    """A pattern that matches nothing TensorFlow knows, or knew, is a mistake in writing it."""
    known = [*risk.registry(), "HostCallback", "FfmpegDecode", "GcsConfigureBlockCache", "RunRemoteGraph",
             "TfLiteSubgraphExecute"]  # fmt: skip

    for _, pattern in risk._RISKY:
        assert any(pattern.fullmatch(op) for op in known), pattern.pattern
