"""Finding, choosing, and saying what there is when there is no model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.models_readers import CORPUS, POINTER, Built, built, copy, needs_corpus, read
from zoo import find
from zoo.errors import FindError
from zoo.model import Artifact

__all__ = ["built"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x80\x02}q\x00", "'f' is a Python pickle (PyTorch and scikit-learn models are such files)"),
        (b"", "'f' is an empty file"),
        (POINTER, "'f' is a Git LFS pointer, not the data"),
        (b"<!doctype html><title>x</title>", "'f' is an HTML page"),
        (b"\x08\x03\x12\x02xx", "'f' is"),
    ],
    ids=["pickle", "empty", "lfs", "html", "protobuf"],
)
def test_what_is_there_instead_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    """Without a model, the message tells what the file is and the hint what to do."""
    (tmp_path / "f").write_bytes(content)

    with pytest.raises(FindError) as caught:
        find.find(tmp_path)
    assert str(caught.value).startswith("no model in 1 file: ")
    assert words in str(caught.value)
    assert caught.value.hint


def test_files_of_one_kind_are_counted(tmp_path: Path) -> None:
    """Three text files and a pickle are told as such."""
    for name in "abc":
        (tmp_path / name).write_text("words\n")
    (tmp_path / "p").write_bytes(b"\x80\x02}q\x00")

    with pytest.raises(
        FindError, match=r"no model in 4 files: 3 files are each a text file \('a' …\); 'p' is a Python"
    ):
        find.find(tmp_path)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    """An archive of nothing, or of nothing but an operating system's files."""
    with pytest.raises(FindError, match="no model: no files"):
        find.find(tmp_path)
    (tmp_path / "._x").write_bytes(b"\0")
    with pytest.raises(FindError, match="no files but 1 that an operating system left behind"):
        find.find(tmp_path)


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ("model.ckpt-9", "training/model.ckpt-9"),
        ("training/model.ckpt-10", "training/model.ckpt-10"),
        ("./training/model.ckpt-9.index", "training/model.ckpt-9"),
        ("model.ckpt-10.data-00000-of-00001", "training/model.ckpt-10"),
        ("versions/2", "versions/2"),
        ("training", "training/model.ckpt-11"),
        ("training/", "training/model.ckpt-11"),
        ("training\\model.ckpt-9", "training/model.ckpt-9"),
        ("saved_model.pb", "versions/10"),
    ],
)
def test_member_chooses(built: Built, tmp_path: Path, member: str, path: str) -> None:
    """A row's member may be a path, a prefix, one of its files, a folder, or the end of one."""
    copy(built.training, tmp_path / "training")
    copy(built.versions, tmp_path / "versions")
    artifact, others, why = find.choose(find.find(tmp_path), member)

    assert artifact.path == path
    assert artifact not in others
    assert len(others) == 4
    assert why == f"the row names it: {member!r}"


def test_a_wrong_member_is_answered_with_the_nearest(built: Built) -> None:
    """The message names the models that come nearest, and how many there are."""
    with pytest.raises(FindError, match=r"'model.ckpt-12': no model .* nearest of 3: 'model.ckpt-1"):
        find.choose(find.find(built.training), "model.ckpt-12")


def test_no_choice_needs_no_reason(built: Built) -> None:
    """A single model is chosen without a word."""
    assert find.choose(find.find(built.renamed))[1:] == ((), None)


def test_companions_are_no_models_of_their_own(built: Built) -> None:
    """The .meta of a checkpoint is listed as a part of it only."""
    assert [artifact.reader for artifact in find.find(built.training)] == ["checkpoint"] * 3


def test_one_file_may_be_the_root(built: Built) -> None:
    """A path to a file is looked at on its own."""
    [artifact] = find.find(built.training / "model.ckpt-9.meta")
    model = find.read(built.training / "model.ckpt-9.meta", artifact)

    assert model.format.id == "meta_graph"


def test_a_link_to_nowhere_is_passed_over(built: Built, tmp_path: Path) -> None:
    """Dangling links, links to folders and pipes are no files."""
    import os

    shutil.copyfile(built.dtypes_v1 / "dd", tmp_path / "dd")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    assert [artifact.path for artifact in find.find(tmp_path)] == ["dd"]


def test_the_page_lists_the_others(built: Built) -> None:
    """The format record holds what was chosen, what not, and why."""
    model = read(built.versions)

    assert model.format.path == "10"
    assert model.format.others == ("2",)
    assert model.format.choice == "2 models are in the archive; this SavedModel has the highest version, 10"


def test_ties_are_broken_by_name() -> None:
    """Equally complete models come by name, and the reason says so."""
    twins = [
        Artifact(reader="graph", path=name, label="GraphDef", files=(name,), order=(60, -1, name))
        for name in ("a.pb", "b.pb")
    ]
    _, _, why = find.choose(twins)

    assert why == "2 models are in the archive, 2 of them as complete as this one; it comes first by name"


@needs_corpus
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mobilenet-lfs-pointer-set", "3 files are each a Git LFS pointer, not the data"),
        ("ydf-not-tf-pb", "'data_spec.pb' is a Yggdrasil data specification; 'done' is an empty file"),
    ],
)
def test_what_is_no_model_in_the_corpus_is_told(name: str, words: str) -> None:
    """The set of LFS pointers and the other project's protobufs get a sentence a person understands."""
    with pytest.raises(FindError) as caught:
        find.find(CORPUS / name)
    assert words in str(caught.value)


@needs_corpus
@pytest.mark.parametrize(
    ("name", "format_id", "label"),
    [
        ("basic-pitch-savedmodel", "saved_model", "TensorFlow 2 SavedModel"),
        ("fer2013-mini-xception-hdf5", "keras", "Keras model (HDF5), with optimizer state"),
        ("guesslang-savedmodel-v2", "saved_model", "TensorFlow 1 SavedModel"),
        ("kws-arm-basic-lstm-s", "graph_def", "TensorFlow GraphDef, frozen"),
        ("minigo-test-model-trt-pb", "graph_def", "TensorFlow GraphDef, frozen"),
        ("mtcnn-blaueck-pb", "graph_def", "TensorFlow GraphDef, frozen"),
        ("serving-half-plus-two-2-versions", "saved_model", "TensorFlow 1 SavedModel"),
        ("tinyml-kws-tflite-int8", "tflite", "TensorFlow Lite model (MLIR Converted.)"),
    ],
)
def test_every_model_of_the_corpus_is_read(name: str, format_id: str, label: str) -> None:
    """What each real model is; the checkpoints have tests of their own."""
    model = read(CORPUS / name)

    assert (model.format.id, model.format.label, model.missing) == (format_id, label, ())
