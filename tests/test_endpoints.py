"""Inputs and outputs are found from the data flow, in graphs as people write them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest

from tests.models_readers import CORPUS, needs_corpus
from tests.sketches import Sketch, names, read, role
from zoo import protos
from zoo.endpoints import detect
from zoo.errors import EndpointError
from zoo.find import choose, find
from zoo.find import read as read_artifact
from zoo.graph import Graph, MetaGraph, Signature, TensorRef
from zoo.model import Endpoints


def closed(meta: MetaGraph, found: Endpoints) -> bool:
    """Whether the outputs need no placeholder that is neither fed nor folded."""
    graph = meta.graph
    known = {*(feed.tensor for feed in found.feeds), *found.folds}
    stop = [graph.index[name.rpartition(":")[0]] for name in known]
    cone = graph.ancestors(
        [graph.index[item.name.rpartition(":")[0]] for item in found.outputs], stop=stop, control=False
    )
    return all(i in stop for i in cone if graph.nodes[i].op == "Placeholder")


def test_the_softmax_before_the_loss_is_the_output_though_the_loss_reads_it(sketch: Sketch) -> None:
    """A head has a consumer, as a rule: it is found by the label that meets it."""
    x, y = sketch.feed([None, 8]), sketch.feed([None, 3])
    p = sketch.tf.nn.softmax(sketch.dense(x, 3, "d"))
    sketch.train(-sketch.tf.reduce_sum(y * sketch.v1.log(p)))

    found = detect(read(sketch))

    assert names(found) == ([x.name], [p.name])
    assert role(found, y.name) == "label"
    assert found.outputs[0].kind == "probabilities"
    assert "all 2 model variables" in found.outputs[0].reason


def test_what_an_output_is_is_told_inside_of_called_functions(sketch: Sketch) -> None:
    """A SavedModel of TensorFlow 2 answers with a call of a call; the softmax stands in the innermost."""
    tf = sketch.tf

    def inner(scores: Any) -> Any:
        return tf.nn.softmax(scores), tf.identity(tf.math.top_k(scores, 2).indices)

    def outer(scores: Any) -> Any:
        chances, best = tf.function(inner)(scores)
        return tf.identity(best), tf.reshape(chances, [-1, 3]), scores

    results = tf.function(outer)(sketch.dense(sketch.feed([None, 8], "x"), 3, "d"))
    found = detect(read(sketch), outputs=[result.name for result in results])

    assert [output.kind for output in found.outputs] == ["classes", "probabilities", "logits"]


def test_without_a_softmax_the_logits_are_the_output(sketch: Sketch) -> None:
    """The argmax that only an accuracy reads is no output."""
    x, y = sketch.feed([None, 8]), sketch.feed([None, 3])
    logits = sketch.dense(x, 3, "d")
    sketch.train(sketch.entropy(logits, y))
    same = sketch.tf.equal(sketch.tf.argmax(logits, 1), sketch.tf.argmax(y, 1))
    sketch.v1.summary.scalar("accuracy", sketch.tf.reduce_mean(sketch.tf.cast(same, "float")))

    assert names(detect(read(sketch))) == ([x.name], [logits.name])


def test_every_head_of_a_net_with_several_is_an_output(sketch: Sketch) -> None:
    """Heads together cover the variables; the summed loss does it alone and is none."""
    x = sketch.feed([None, 8])
    trunk = sketch.tf.nn.relu(sketch.dense(x, 6, "trunk"))
    heads = [sketch.dense(trunk, 3, "age"), sketch.dense(trunk, 2, "sex")]
    sketch.train(sum(sketch.entropy(h, sketch.feed([None, int(h.shape[1])])) for h in heads))

    assert names(detect(read(sketch))) == ([x.name], [h.name for h in heads])


def dropout_keep(sketch: Sketch, x: Any, feed: Any) -> Any:
    return sketch.v1.nn.dropout(x, keep_prob=feed)


def dropout_rate(sketch: Sketch, x: Any, feed: Any) -> Any:
    return sketch.v1.nn.dropout(x, rate=feed)


def dropout_before_1_13(sketch: Sketch, x: Any, feed: Any) -> Any:
    noise = sketch.tf.floor(feed + sketch.tf.random.uniform(sketch.tf.shape(x)))
    kept = x / feed * noise
    kept.set_shape(x.shape)
    return kept


@pytest.mark.parametrize(
    ("build", "value"), [(dropout_keep, 1.0), (dropout_rate, 0.0), (dropout_before_1_13, 1.0)]
)
@pytest.mark.parametrize("default", [False, True], ids=["placeholder", "with-default"])
def test_dropout_is_folded_by_how_it_meets_random_numbers(
    sketch: Sketch, build: Callable[..., Any], value: float, default: bool
) -> None:
    """A keep probability and a rate are told apart without their names."""
    x, y = sketch.feed([None, 8]), sketch.feed([None, 3])
    feed = sketch.v1.placeholder_with_default(0.5, []) if default else sketch.feed(None)
    logits = sketch.dense(build(sketch, sketch.tf.nn.relu(sketch.dense(x, 6, "a")), feed), 3, "b")
    sketch.train(sketch.entropy(logits, y))

    found = detect(read(sketch))

    assert found.folds == {feed.name: value}
    assert role(found, feed.name) == "keep_prob"
    assert names(found) == ([x.name], [logits.name])


def test_a_training_flag_is_folded_and_closes_its_branch(sketch: Sketch) -> None:
    """What only the training branch reads is no input."""
    x, flag = sketch.feed([None, 8], "x"), sketch.feed([], "phase", "bool")
    other = sketch.feed([None, 8], "augmented")
    y = sketch.feed([None, 3])
    chosen = sketch.v1.cond(flag, lambda: other * 2.0, lambda: x + 0.0)
    chosen.set_shape([None, 8])
    logits = sketch.dense(chosen, 3, "d")
    sketch.train(sketch.entropy(logits, y))

    meta = read(sketch)
    found = detect(meta)

    assert found.folds == {"phase:0": False}
    assert names(found) == (["x:0"], [logits.name])


def test_one_of_the_towers_that_share_their_weights_is_chosen(sketch: Sketch) -> None:
    """The tower that no gradient was taken of is the one for inference."""
    x, y, test = sketch.feed([16, 8]), sketch.feed([16, 3]), sketch.feed([None, 8])
    sketch.train(sketch.entropy(sketch.dense(x, 3, "d"), y))
    p = sketch.tf.nn.softmax(sketch.dense(test, 3, "d"))

    found = detect(read(sketch))

    assert names(found) == ([test.name], [p.name])
    assert "2 copies" in found.outputs[0].reason


def test_the_joined_answers_of_several_devices_are_the_answer(sketch: Sketch) -> None:
    tf = sketch.tf
    x, y = sketch.feed([8, 5]), sketch.feed([8, 3])
    logits = [sketch.dense(part, 3, "d") for part in tf.split(x, 2)]
    losses = [sketch.entropy(a, b) for a, b in zip(logits, tf.split(y, 2), strict=True)]
    joined = tf.concat([tf.nn.softmax(part) for part in logits], 0)
    sketch.train(tf.add_n(losses))

    assert names(detect(read(sketch))) == ([x.name], [joined.name])


def test_what_only_a_loss_joins_is_listed_scale_by_scale(sketch: Sketch) -> None:
    """The loss reads both scales' logits at once; the author shows the probabilities of each."""
    tf = sketch.tf
    x, y = sketch.feed([4, 5]), sketch.feed([8, 3])
    logits = [sketch.dense(x, 3, "near"), sketch.dense(x, 3, "far")]
    shown = [tf.nn.softmax(scale) for scale in logits]
    sketch.train(sketch.entropy(tf.concat(logits, 0), y))

    assert names(detect(read(sketch))) == ([x.name], [scale.name for scale in shown])


def test_the_loss_of_an_example_that_is_its_own_label_is_no_output(sketch: Sketch) -> None:
    tf = sketch.tf
    words = sketch.feed([4, 6], dtype="int32")
    logits = sketch.dense(tf.one_hot(words[:, 0], 9), 9, "next")
    scored = sketch.v1.nn.sparse_softmax_cross_entropy_with_logits(labels=words[:, 1], logits=logits)
    sketch.train(tf.reduce_sum(scored * tf.cast(words[:, 1] > 0, tf.float32)))

    assert names(detect(read(sketch))) == ([words.name], [logits.name])


def test_an_autoencoder_answers_with_what_is_compared_with_its_input(sketch: Sketch) -> None:
    """Without a label, the reconstruction is the tensor that the loss compares with the example."""
    x = sketch.feed([None, 8])
    out = sketch.tf.sigmoid(sketch.dense(sketch.tf.sigmoid(sketch.dense(x, 2, "e")), 8, "d"))
    sketch.train(sketch.tf.reduce_mean(sketch.tf.square(x - out)))

    assert names(detect(read(sketch))) == ([x.name], [out.name])


def test_a_gan_answers_with_its_generator(sketch: Sketch) -> None:
    """The discriminator reads its first weights twice: that tells the nets apart."""
    z, real = sketch.feed([None, 4]), sketch.feed([None, 8])
    fake = sketch.tf.tanh(sketch.dense(z, 8, "g"))
    judged = [sketch.dense(t, 1, "d") for t in (real, fake)]
    optimizer = sketch.v1.train.AdamOptimizer()
    for loss, scope in (
        (sketch.tf.reduce_mean(judged[1] - judged[0]), "d"),
        (-sketch.tf.reduce_mean(judged[1]), "g"),
    ):
        optimizer.minimize(loss, var_list=sketch.v1.trainable_variables(scope))

    found = detect(read(sketch))

    assert names(found) == ([z.name], [fake.name])
    assert "another net of this graph judges it" in found.outputs[0].reason


def test_the_terms_of_a_loss_are_no_output(sketch: Sketch) -> None:
    """Two ways from the prediction to the label: the tensor where they part is the answer."""
    x, y = sketch.feed([None, 8]), sketch.feed([None, 1])
    distance = sketch.tf.sigmoid(sketch.dense(x, 1, "d")) * 3.0
    far = sketch.tf.maximum(1.0 - distance, 0.0)
    sketch.train(sketch.tf.reduce_mean(y * distance**2 + (1.0 - y) * far**2))

    assert names(detect(read(sketch))) == ([x.name], [distance.name])


def test_the_parts_of_a_mixture_are_outputs_each_in_its_own_form(sketch: Sketch) -> None:
    tf = sketch.tf
    x, y = sketch.feed([None, 8]), sketch.feed([None, 1])
    weights, means, spreads = tf.split(sketch.dense(x, 6, "d"), 3, 1)
    share, spread = tf.nn.softmax(weights), tf.exp(spreads)
    likely = tf.exp(-0.5 * ((y - means) / spread) ** 2) / (2.5 * spread)
    sketch.train(-tf.reduce_mean(sketch.v1.log(tf.reduce_sum(share * likely, 1))))

    assert set(names(detect(read(sketch)))[1]) == {means.name, share.name, spread.name}


def test_what_a_measure_converts_back_is_the_output(sketch: Sketch) -> None:
    """The loss takes what is scaled, the measure what a person reads."""
    tf = sketch.tf
    x, y = sketch.feed([None, 8]), sketch.feed([None, 1])
    scaled = sketch.dense(x, 1, "d")
    euros = tf.math.expm1(scaled * 2.0)
    sketch.train(tf.reduce_mean((scaled - sketch.v1.log(y)) ** 2))
    sketch.v1.summary.scalar("error", tf.reduce_mean(tf.abs(euros - y)))

    assert names(detect(read(sketch))) == ([x.name], [euros.name])


def test_a_number_that_weighs_a_loss_is_no_label(sketch: Sketch) -> None:
    """A fed weight or margin meets the terms of a loss; the answer lies before them."""
    tf = sketch.tf
    x, beta = sketch.feed([None, 8]), sketch.feed([], "beta")
    code = sketch.dense(x, 2, "e")
    shown = tf.sigmoid(sketch.dense(code, 8, "d"))
    apart = tf.reduce_sum((x - shown) ** 2, 1) + beta * tf.reduce_sum(code**2, 1)
    sketch.train(tf.reduce_mean(apart))

    assert names(detect(read(sketch))) == ([x.name], [shown.name])


def test_a_masked_difference_from_the_example_is_no_output(sketch: Sketch) -> None:
    x, known = sketch.feed([None, 8]), sketch.feed([None, 8])
    guess = sketch.dense(sketch.tf.sigmoid(sketch.dense(x, 3, "e")), 8, "d")
    sketch.train(sketch.tf.reduce_sum(((x - guess) * known) ** 2))

    assert names(detect(read(sketch))) == ([x.name], [guess.name])


def test_tags_that_a_loss_scores_with_parameters_are_labels(sketch: Sketch) -> None:
    """Who finds the best tags outside of the graph needs the scores of single ones and of pairs."""
    tf = sketch.tf
    words, tags = sketch.feed([None, 5, 8]), sketch.feed([None, 5], dtype="int32")
    scores = tf.reshape(sketch.dense(tf.reshape(words, [-1, 8]), 3, "d"), [-1, 5, 3])
    pairs = sketch.v1.get_variable("pairs", [3, 3], use_resource=False)
    total = scores[:, 0]
    for k in range(1, 5):
        total = tf.reduce_logsumexp(total[:, :, None] + pairs, 1) + scores[:, k]
    said = tf.reduce_sum(scores * tf.one_hot(tags, 3), [1, 2])
    said += tf.reduce_sum(tf.gather_nd(pairs, tf.stack([tags[:, :-1], tags[:, 1:]], 2)), 1)
    sketch.train(tf.reduce_mean(tf.reduce_logsumexp(total, 1) - said))

    found = detect(read(sketch))

    assert names(found) == ([words.name], [scores.name, pairs.name])
    assert role(found, tags.name) == "label"


def test_a_value_that_only_says_what_to_learn_is_no_output(sketch: Sketch) -> None:
    """The same net values the next state too, but no gradient goes through that."""
    tf = sketch.tf
    now, following = sketch.feed([None, 4]), sketch.feed([None, 4])
    taken, gain = sketch.feed([None], dtype="int32"), sketch.feed([None])
    q = sketch.dense(now, 3, "q")
    goal = gain + 0.9 * tf.reduce_max(sketch.dense(following, 3, "q"), 1)
    said = tf.reduce_sum(q * tf.one_hot(taken, 3), 1)
    sketch.train(tf.reduce_mean((tf.stop_gradient(goal) - said) ** 2))

    assert names(detect(read(sketch))) == ([now.name], [q.name])


def test_what_is_compared_with_centres_of_classes_is_the_embedding(sketch: Sketch) -> None:
    """Labels put a margin between the cosines: there are no logits without a label."""
    tf = sketch.tf
    x, y = sketch.feed([None, 8]), sketch.feed([None], dtype="int32")
    code = tf.math.l2_normalize(sketch.dense(x, 4, "e"), 1)
    centres = tf.math.l2_normalize(sketch.v1.get_variable("centres", [4, 5], use_resource=False), 0)
    cosines = tf.matmul(code, centres)
    own = tf.one_hot(y, 5)
    moved = own * (cosines * 0.9 - tf.sqrt(1.0 - cosines**2) * 0.4) + (1.0 - own) * cosines
    sketch.train(sketch.entropy(8.0 * moved, own))

    assert names(detect(read(sketch))) == ([x.name], [code.name])


def test_parts_that_are_activated_and_joined_again_are_one_output(sketch: Sketch) -> None:
    """A detector's cells: the loss cuts them; joined, they say what a person reads."""
    tf = sketch.tf
    x, y = sketch.feed([None, 8]), sketch.feed([None, 5])
    cells = sketch.dense(x, 5, "d")
    decoded = tf.concat([tf.exp(cells[:, :2]), tf.sigmoid(cells[:, 2:])], 1)
    sketch.train(tf.reduce_sum((cells[:, :2] - y[:, :2]) ** 2) + tf.reduce_sum((decoded - y)[:, 2:] ** 2))

    assert names(detect(read(sketch))) == ([x.name], [decoded.name])


def test_the_graph_is_cut_where_a_pipeline_hands_out_examples(sketch: Sketch) -> None:
    """An iterator's first output is the input, the second one the label."""
    data = sketch.tf.data.Dataset.from_tensors(([1.0] * 8, [0.0, 1.0, 0.0])).batch(1)
    x, y = sketch.v1.data.make_one_shot_iterator(data).get_next()
    logits = sketch.dense(x, 3, "d")
    sketch.train(sketch.entropy(logits, y))

    found = detect(read(sketch))

    assert names(found) == (["IteratorGetNext:0"], [logits.name])
    assert role(found, "IteratorGetNext:1") == "label"


def test_the_graph_is_cut_at_python_functions(sketch: Sketch) -> None:
    """What Python computes cannot be in a frozen graph: its result is the input."""
    raw = sketch.feed([None, 8], "raw")
    x = sketch.v1.py_func(lambda v: v, [raw], "float32", name="prepare")
    x.set_shape([None, 8])
    p = sketch.tf.nn.softmax(sketch.dense(x, 3, "d"), name="p")

    meta = read(sketch)
    found = detect(meta)

    assert names(found) == (["prepare:0"], [p.name])
    assert closed(meta, found)


def test_the_parts_of_a_sparse_input_are_shown_as_what_they_are(sketch: Sketch) -> None:
    """A sparse TensorInfo has three tensors, each an input."""
    values = sketch.feed([None], "values")
    indices = sketch.feed([None, 2], "indices", "int64")
    shape = sketch.feed([2], "shape", "int64")
    dense = sketch.tf.sparse.to_dense(sketch.tf.SparseTensor(indices, values, shape))
    sketch.tf.identity(sketch.tf.reduce_sum(dense, 1), "y")
    meta = read(sketch)
    ref = TensorRef(
        name="",
        dtype="float32",
        shape=(None, None),
        parts=("values:0", "indices:0", "shape:0"),
        encoding="sparse",
    )
    out = TensorRef(name="y:0", dtype="float32", shape=(None,))
    signature = Signature(key="serving_default", inputs=(("doc", ref),), outputs=(("sum", out),))

    found = detect(MetaGraph(graph=meta.graph, signatures=(signature,)))

    assert {feed.tensor for feed in found.feeds} == {"values:0", "indices:0", "shape:0"}
    assert "values of the sparse tensor" in next(i.reason for i in found.inputs if i.name == "values:0")


def test_strings_that_come_out_are_text() -> None:
    """Names of classes are no logits, whatever their tensor is called."""
    proto = protos.GraphDef()
    for name, op, inputs, key in (("x", "Placeholder", (), "dtype"), ("names", "Identity", ("x",), "T")):
        node = proto.node.add(name=name, op=op, input=inputs)
        node.attr.append(protos.attr_entry(key, protos.AttrValue(type=7).SerializeToString()))

    found = detect(MetaGraph(graph=Graph.from_proto(proto)), outputs=["names"])

    assert [(item.dtype, item.kind) for item in found.outputs] == [("string", "text")]


def test_a_signature_that_names_missing_tensors_is_passed_over(sketch: Sketch) -> None:
    """The data flow answers instead, and a warning says what is wrong."""
    p = sketch.tf.nn.softmax(sketch.dense(sketch.feed([None, 8], "x"), 3, "d"), name="p")
    ref = TensorRef(name="gone:0", dtype="float32", shape=None)
    signature = Signature(key="serving_default", inputs=(), outputs=(("y", ref),))

    found = detect(MetaGraph(graph=read(sketch).graph, signatures=(signature,)))

    assert names(found) == (["x:0"], [p.name])
    assert "signature 'serving_default' names 'gone:0', which is not in the graph" in found.warnings


def test_the_row_overrides_detection_even_with_a_gradient(sketch: Sketch) -> None:
    """Forces are the derivative of an energy: the outputs cell gets them."""
    x = sketch.feed([None, 8], "coordinates")
    energy = sketch.tf.reduce_sum(sketch.dense(x, 1, "e") ** 2)
    force = sketch.tf.negative(sketch.tf.gradients(energy, x)[0], name="force")

    found = detect(read(sketch), outputs=["force"])

    assert names(found) == (["coordinates:0"], [force.name])
    assert found.outputs[0].confidence == 1.0


def test_a_wrong_cell_names_the_nearest_tensors(sketch: Sketch) -> None:
    """A misspelt output is an error that helps."""
    sketch.tf.nn.softmax(sketch.dense(sketch.feed([None, 8], "x"), 3, "d"), name="probabilities")
    meta = read(sketch)

    with pytest.raises(
        EndpointError, match="outputs: expected tensors of the graph, found 'probabilites'"
    ) as caught:
        detect(meta, outputs=["probabilites"])
    assert caught.value.hint == "nearest: probabilities:0"
    with pytest.raises(EndpointError, match=r"outputs: 'probabilities:3': node .* has 1 outputs"):
        detect(meta, outputs=["probabilities:3"])
    with pytest.raises(EndpointError, match="inputs: "):
        detect(meta, inputs=["^x"])


def test_an_input_cell_cuts_in_the_middle(sketch: Sketch) -> None:
    """Feeding a hidden tensor leaves what is above it out."""
    h = sketch.tf.nn.relu(sketch.dense(sketch.feed([None, 8], "x"), 4, "a"), name="h")
    p = sketch.tf.nn.softmax(sketch.dense(h, 3, "b"), name="p")

    found = detect(read(sketch), inputs=["h:0"])

    assert names(found) == (["h:0"], [p.name])


def test_a_graph_without_anything_to_fetch_says_so() -> None:
    """An empty graph has no endpoints, and a warning instead of an error."""
    proto = protos.GraphDef()
    proto.node.add(name="init", op="NoOp")

    found = detect(MetaGraph(graph=Graph.from_proto(proto)))

    assert (found.inputs, found.outputs) == ((), ())
    assert "name it in the row's outputs cell" in found.warnings[0]


def test_equal_graphs_get_equal_answers(sketch: Sketch) -> None:
    """Nothing in the answer depends on the run."""
    x, y = sketch.feed([None, 8]), sketch.feed([None, 3])
    sketch.train(sketch.entropy(sketch.dense(x, 3, "d"), y))
    meta = read(sketch)

    assert detect(meta) == detect(meta)


# The file alone cannot tell: a sigmoid that nobody reads stands beside the logits, and the author
# fetches the logits.  Bytes and decoded samples are two places to feed the same net.
EXCEPTIONS = {"ffn-fib25-ckpt": "outputs", "kws-arm-basic-lstm-s": "inputs"}


def rows() -> list[dict[str, str]]:
    if not (CORPUS / "corpus.csv").is_file():
        return []
    with (CORPUS / "corpus.csv").open(encoding="utf-8") as file:
        return [
            row for row in csv.DictReader(file)
            if row["status"] == "ok" and row["known_outputs"] and "Keras" not in row["format"]
        ]  # fmt: skip


@needs_corpus
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_real_models_have_the_ends_that_their_authors_use(row: dict[str, str]) -> None:
    """The author's own code says what is fed and fetched; so does the answer."""
    root = CORPUS / row["name"]
    artifact, others, why = choose(find(root), None)
    meta = read_artifact(root, artifact, others=others, why=why).meta
    assert meta is not None

    found = detect(meta)

    known = EXCEPTIONS.get(row["name"])
    fed = {item.name for item in found.inputs if item.role != "label"}
    true_inputs, true_outputs = (
        {name.strip() for name in row[key].split(",")} for key in ("known_inputs", "known_outputs")
    )
    assert fed == true_inputs or (known == "inputs" and fed < true_inputs)
    assert {item.name for item in found.outputs} == true_outputs or (
        known == "outputs" and true_outputs <= set(found.candidates.outputs[:3])
    )
    assert closed(meta, found)


def test_a_generator_that_draws_its_codes_itself_has_them_for_an_input(sketch: Sketch) -> None:
    """No placeholder leads to its pictures; what would be a mask is no input."""
    codes = sketch.tf.random.uniform([16, 8], -1.0, 1.0, name="codes")
    hidden = sketch.tf.nn.dropout(sketch.dense(codes, 12, "hidden"), rate=0.5)
    sketch.tf.nn.sigmoid(sketch.dense(hidden, 30, "picture"), name="drawn")

    found = detect(read(sketch))

    assert names(found) == (["codes:0"], ["drawn:0"])
    assert "the graph draws itself" in found.inputs[0].reason


def test_a_picture_that_is_read_from_a_path_is_fed_decoded(sketch: Sketch) -> None:
    """The path is of the author's machine, and a constant."""
    picture = sketch.tf.image.decode_jpeg(sketch.tf.io.read_file("/home/me/cat.jpg"), channels=3)
    scaled = sketch.tf.image.resize(sketch.tf.expand_dims(picture, 0), [4, 4]) / 255.0
    flat = sketch.tf.reshape(scaled, [1, 48])
    sketch.tf.nn.softmax(sketch.dense(flat, 5, "kinds"), name="kind")

    found = detect(read(sketch))

    assert names(found) == (["DecodeJpeg:0"], ["kind:0"])
    assert "read from a file" in found.inputs[0].reason
