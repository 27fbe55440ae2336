"""Medical images, graphs and molecules, metric learning and few shots, as laboratories wrote them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


class BratsUnet:
    """A 3D U-Net with four MR sequences, batch norm and one deeply supervised level."""

    def __init__(self, side: int = 32, classes: int = 4) -> None:
        self.classes = classes
        volume = [None, side, side, side]
        self.modalities = {
            m: v1.placeholder(tf.float32, volume, name=m) for m in ("t1", "t1ce", "t2", "flair")
        }
        self.seg = v1.placeholder(tf.int32, volume, name="seg")
        self.weight_map = v1.placeholder(tf.float32, volume, name="weight_map")
        self.phase = v1.placeholder(tf.bool, [], name="phase")
        self.learning_rate = v1.placeholder(tf.float32, [], name="learning_rate")
        self.logits, self.deep = self.network(tf.stack(list(self.modalities.values()), axis=-1))
        self.probabilities = tf.nn.softmax(self.logits, name="probabilities")
        self.label_map = tf.argmax(self.logits, axis=-1, name="label_map", output_type=tf.int32)
        self.optimise()

    def unit(self, x: Tensor, filters: int, scope: str) -> Tensor:
        """Convolution, batch norm, rectifier."""
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [3, 3, 3, int(x.shape[-1]), filters])
            x = tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "SAME")
            gamma = v1.get_variable("gamma", [filters], initializer=v1.ones_initializer())
            beta = v1.get_variable("beta", [filters], initializer=v1.zeros_initializer())
            mean = v1.get_variable("pop_mean", [filters], initializer=v1.zeros_initializer(), trainable=False)
            var = v1.get_variable("pop_var", [filters], initializer=v1.ones_initializer(), trainable=False)
            m, v = tf.nn.moments(x, [0, 1, 2, 3])

            def train() -> Tensor:
                steps = [v1.assign(mean, mean * 0.99 + m * 0.01), v1.assign(var, var * 0.99 + v * 0.01)]
                with tf.control_dependencies(steps):
                    return tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-5)

            def test() -> Tensor:
                return tf.nn.batch_normalization(x, mean, var, beta, gamma, 1e-5)

            return tf.nn.relu(v1.cond(self.phase, train, test))

    def up(self, x: Tensor, like: Tensor, scope: str) -> Tensor:
        """Transposed convolution to the size of the skip."""
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [2, 2, 2, int(like.shape[-1]), int(x.shape[-1])])
            return tf.concat([tf.nn.conv3d_transpose(x, w, tf.shape(like), [1, 2, 2, 2, 1]), like], -1)

    def network(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Two levels down and two up."""
        a = self.unit(x, 8, "down1")
        b = self.unit(tf.nn.max_pool3d(a, 2, 2, "SAME"), 16, "down2")
        c = self.unit(tf.nn.max_pool3d(b, 2, 2, "SAME"), 24, "bottom")
        d = self.unit(self.up(c, tf.ensure_shape(b, [None, 16, 16, 16, 16]), "up2"), 16, "right2")
        e = self.unit(self.up(tf.reshape(d, [-1, 16, 16, 16, 16]), a, "up1"), 8, "right1")
        one = v1.get_variable("score/w", [1, 1, 1, 8, self.classes])
        two = v1.get_variable("deep_score/w", [1, 1, 1, 16, self.classes])
        return tf.nn.conv3d(e, one, [1] * 5, "SAME"), tf.nn.conv3d(d, two, [1] * 5, "SAME")

    def optimise(self) -> None:
        """Dice and weighted cross entropy."""
        truth = tf.one_hot(self.seg, self.classes)
        both = tf.reduce_sum(truth * self.probabilities, [0, 1, 2, 3])
        total = tf.reduce_sum(truth + self.probabilities, [0, 1, 2, 3])
        self.dice = tf.reduce_mean((2.0 * both + 1e-5) / (total + 1e-5), name="dice")
        xent = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=self.seg, logits=self.logits)
        coarse = v1.nn.sparse_softmax_cross_entropy_with_logits(
            labels=self.seg[:, ::2, ::2, ::2], logits=self.deep
        )
        self.loss = 1 - self.dice + tf.reduce_mean(xent * self.weight_map) + 0.3 * tf.reduce_mean(coarse)
        v1.summary.scalar("loss", self.loss)
        v1.summary.image("slice", tf.cast(self.label_map[:, 16, :, :, tf.newaxis] * 60, tf.uint8))
        self.summaries = v1.summary.merge_all()
        self.train_op = v1.train.AdamOptimizer(self.learning_rate).minimize(self.loss)


@case("segmentation")
def brain_tumour_volumes_of_four_sequences() -> Truths:
    """The four MR sequences are fed one by one; the label map is what is saved, or the probabilities."""
    net = BratsUnet()
    fed = list(net.modalities.values())
    return [(fed, [net.label_map]), (fed, [net.probabilities])]


@case("science")
def survival_from_bags_of_slide_patches() -> Truths:
    """Flat script: gated attention over patches, covariates, Cox partial likelihood on log hazards."""
    patches = v1.placeholder(tf.float32, [None, None, 64])
    n_patches = v1.placeholder(tf.int32, [None])
    clinical = v1.placeholder(tf.float32, [None, 9])
    time = v1.placeholder(tf.float32, [None])
    event = v1.placeholder(tf.float32, [None])
    keep = v1.placeholder(tf.float32)

    def new(*shape: int) -> Tensor:
        return tf.Variable(v1.random_normal(shape, stddev=0.05))

    h = tf.nn.relu(tf.tensordot(patches, new(64, 32), 1) + tf.Variable(tf.zeros([32])))
    gate = tf.tanh(tf.tensordot(h, new(32, 16), 1)) * tf.sigmoid(tf.tensordot(h, new(32, 16), 1))
    scores = tf.squeeze(tf.tensordot(gate, new(16, 1), 1), -1)
    valid = tf.sequence_mask(n_patches, tf.shape(patches)[1])
    attention = tf.nn.softmax(tf.where(valid, scores, -1e9 * tf.ones_like(scores)), name="attention")
    bag = tf.reduce_sum(h * attention[:, :, tf.newaxis], 1)
    joined = v1.nn.dropout(tf.concat([bag, tf.nn.relu(clinical @ new(9, 8))], 1), keep_prob=keep)
    hidden = tf.nn.selu(joined @ new(40, 16) + tf.Variable(tf.zeros([16])))
    log_hazard = tf.squeeze(hidden @ new(16, 1), 1)

    at_risk = tf.cast(time[tf.newaxis, :] >= time[:, tf.newaxis], tf.float32)
    log_risk = tf.math.log(tf.reduce_sum(at_risk * tf.exp(log_hazard)[tf.newaxis, :], 1))
    partial = -tf.reduce_sum((log_hazard - log_risk) * event) / (tf.reduce_sum(event) + 1e-6)
    decay = 1e-4 * tf.add_n([tf.nn.l2_loss(w) for w in v1.trainable_variables() if w.shape.rank == 2])
    later = at_risk * event[:, tf.newaxis] * (1 - tf.eye(tf.shape(time)[0]))
    right = tf.cast(log_hazard[:, tf.newaxis] > log_hazard[tf.newaxis, :], tf.float32)
    c_index = tf.reduce_sum(later * right) / tf.reduce_sum(later)
    v1.summary.scalar("c_index", c_index)
    v1.train.AdagradOptimizer(0.01).minimize(partial + decay)
    v1.summary.merge_all()
    fed = [patches, n_patches, clinical]
    return [(fed, [log_hazard]), (fed, [log_hazard, attention])]


@case("graph net")
def citation_gcn_with_sparse_supports() -> Truth:
    """Features and the sparse adjacency are fed, labels and masks train; predict() is the softmax."""
    placeholders: dict[str, Any] = {
        "support": v1.sparse_placeholder(tf.float32),
        "features": v1.placeholder(tf.float32, shape=(None, 40)),
        "labels": v1.placeholder(tf.float32, shape=(None, 7)),
        "labels_mask": v1.placeholder(tf.int32),
        "dropout": v1.placeholder_with_default(0.0, shape=()),
    }
    variables = {}
    hidden = placeholders["features"]
    for index, (rows, columns, act) in enumerate([(40, 16, tf.nn.relu), (16, 7, lambda x: x)], start=1):
        with v1.variable_scope(f"graphconvolution_{index}_vars"):
            radius = math.sqrt(6.0 / (rows + columns))
            start = v1.random_uniform([rows, columns], minval=-radius, maxval=radius)
            variables[f"weights_{index}"] = tf.Variable(start, name="weights_0")
        with v1.name_scope(f"graphconvolution_{index}"):
            x = v1.nn.dropout(hidden, rate=placeholders["dropout"])
            pre = tf.matmul(x, variables[f"weights_{index}"])
            hidden = act(v1.sparse_tensor_dense_matmul(placeholders["support"], pre))
    outputs = hidden

    loss = 5e-4 * tf.nn.l2_loss(variables["weights_1"])
    mask = tf.cast(placeholders["labels_mask"], tf.float32)
    mask /= tf.reduce_mean(mask)
    xent = v1.nn.softmax_cross_entropy_with_logits(logits=outputs, labels=placeholders["labels"])
    loss += tf.reduce_mean(xent * mask)
    correct = tf.equal(tf.argmax(outputs, 1), tf.argmax(placeholders["labels"], 1))
    tf.reduce_mean(tf.cast(correct, tf.float32) * mask)
    v1.train.AdamOptimizer(learning_rate=0.01).minimize(loss)
    predict = tf.nn.softmax(outputs)
    support = placeholders["support"]
    fed = [placeholders["features"], support.indices, support.values, support.dense_shape]
    return fed, [predict]


class UniformNeighborSampler:
    """Takes random columns of the table of neighbours."""

    def __init__(self, adj_info: Tensor) -> None:
        self.adj_info = adj_info

    def __call__(self, ids: Tensor, num: int) -> Tensor:
        """Neighbours of each id."""
        adj_lists = tf.nn.embedding_lookup(self.adj_info, ids)
        adj_lists = tf.transpose(v1.random_shuffle(tf.transpose(adj_lists)))
        return tf.slice(adj_lists, [0, 0], [-1, num])


class MeanAggregator:
    """Concatenates a node with the mean of its neighbours."""

    def __init__(
        self, dim_in: int, dim_out: int, dropout: Tensor, act: Callable[[Tensor], Tensor], name: str
    ):
        self.dropout, self.act = dropout, act
        with v1.variable_scope(name):
            self.neigh = v1.get_variable("neigh_weights", [dim_in, dim_out])
            self.own = v1.get_variable("self_weights", [dim_in, dim_out])

    def __call__(self, own: Tensor, neigh: Tensor) -> Tensor:
        """One hop."""
        neigh = v1.nn.dropout(neigh, rate=self.dropout)
        own = v1.nn.dropout(own, rate=self.dropout)
        means = tf.reduce_mean(neigh, axis=1)
        return self.act(tf.concat([tf.matmul(own, self.own), tf.matmul(means, self.neigh)], axis=1))


@case("graph net", plain=True)
def protein_graph_by_sampled_neighbours() -> Truth:
    """Inductive GraphSAGE: a batch of node ids is fed, tables of features and neighbours are in the graph."""
    labels = v1.placeholder(tf.float32, shape=(None, 12), name="labels")
    batch1 = v1.placeholder(tf.int32, shape=(None,), name="batch1")
    dropout = v1.placeholder_with_default(0.0, shape=(), name="dropout")
    adj_info_ph = v1.placeholder(tf.int32, shape=(500, 25))
    adj_info = v1.Variable(adj_info_ph, trainable=False, name="adj_info")
    table = np.random.RandomState(3).rand(500, 8).astype(np.float32)
    features = tf.Variable(tf.constant(table), trainable=False, name="features")

    sampler = UniformNeighborSampler(adj_info)
    hop1 = tf.reshape(sampler(batch1, 10), [-1])
    hop2 = tf.reshape(sampler(hop1, 5), [-1])
    hidden = [tf.nn.embedding_lookup(features, ids) for ids in (batch1, hop1, hop2)]
    first = MeanAggregator(8, 16, dropout, tf.nn.relu, "meanaggregator_1")
    second = MeanAggregator(32, 16, dropout, lambda x: x, "meanaggregator_2")
    own = first(hidden[0], tf.reshape(hidden[1], [-1, 10, 8]))
    near = first(hidden[1], tf.reshape(hidden[2], [-1, 5, 8]))
    outputs1 = tf.nn.l2_normalize(second(own, tf.reshape(near, [-1, 10, 32])), 1)
    with v1.variable_scope("dense_1"):
        node_preds = outputs1 @ v1.get_variable("weights", [32, 12]) + v1.get_variable("bias", [12])
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=node_preds, labels=labels))
    v1.summary.scalar("loss", loss)
    optimizer = v1.train.AdamOptimizer(learning_rate=0.01)
    pairs = optimizer.compute_gradients(loss)
    optimizer.apply_gradients([(tf.clip_by_value(g, -5.0, 5.0), v) for g, v in pairs if g is not None])
    preds = tf.nn.sigmoid(node_preds)
    return [batch1], [preds]


@case("science")
def molecule_property_by_messages() -> Truth:
    """Message passing with edge networks; records by tf.data; the property in its own units is the answer."""
    atoms, f_node, f_edge = 9, 13, 5

    def parse(record: Tensor) -> Any:
        return v1.parse_single_example(record, {
            "nodes": v1.FixedLenFeature([atoms, f_node], tf.float32),
            "edges": v1.FixedLenFeature([atoms, atoms, f_edge], tf.float32),
            "mask": v1.FixedLenFeature([atoms], tf.float32),
            "target": v1.FixedLenFeature([], tf.float32),
        })  # fmt: skip

    files = v1.data.TFRecordDataset(["qm9_train.tfrecord"]).map(parse).shuffle(100).repeat().batch(20)
    features = v1.data.make_initializable_iterator(files).get_next()
    nodes, edges, mask = features["nodes"], features["edges"], features["mask"]
    mu_mean = v1.get_variable("target_mean", [], initializer=v1.zeros_initializer(), trainable=False)
    mu_std = v1.get_variable("target_std", [], initializer=v1.ones_initializer(), trainable=False)

    def linear(x: Tensor, width: int, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("kernel", [int(x.shape[-1]), width])
            return tf.tensordot(x, kernel, [[-1], [0]]) + v1.get_variable("bias", [width])

    h = tf.pad(nodes, [[0, 0], [0, 0], [0, 16 - f_node]])
    pair_mask = mask[:, :, None] * mask[:, None, :]
    matrices = linear(tf.nn.relu(linear(edges, 16, "edge_mlp_1")), 16 * 16, "edge_mlp_2")
    matrices = tf.reshape(matrices, [-1, atoms, atoms, 16, 16]) * pair_mask[..., None, None]
    for _ in range(3):
        message = tf.einsum("bvwij,bwj->bvi", matrices, h)
        both = tf.concat([message, h], -1)
        update, reset = tf.split(tf.sigmoid(linear(both, 32, "gru/gates")), 2, -1)
        candidate = tf.tanh(linear(tf.concat([message, reset * h], -1), 16, "gru/candidate"))
        h = ((1 - update) * h + update * candidate) * mask[..., None]
    gated = tf.sigmoid(linear(tf.concat([h, nodes], -1), 1, "readout_i")) * linear(h, 1, "readout_j")
    scaled = tf.reduce_sum(tf.squeeze(gated, -1) * mask, 1)
    predicted = tf.add(scaled * mu_std, mu_mean, name="predicted_property")

    loss = tf.reduce_mean(tf.square(scaled - (features["target"] - mu_mean) / mu_std))
    mae, mae_update = v1.metrics.mean_absolute_error(features["target"], predicted)
    v1.summary.scalar("mae", mae)
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(1e-3, step, 1000, 0.9)
    with tf.control_dependencies([mae_update]):
        v1.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    return [nodes, edges, mask], [predicted]


@case("graph net")
def drug_target_links_with_graph_attention() -> Truth:
    """Attention heads over a masked dense graph, then a bilinear decoder on the pairs that are asked for."""
    ftr_in = v1.placeholder(dtype=tf.float32, shape=(60, 24), name="ftr_in")
    bias_in = v1.placeholder(dtype=tf.float32, shape=(60, 60), name="bias_in")
    row_idx = v1.placeholder(dtype=tf.int32, shape=(None,), name="row_idx")
    col_idx = v1.placeholder(dtype=tf.int32, shape=(None,), name="col_idx")
    lbl_in = v1.placeholder(dtype=tf.float32, shape=(None,), name="lbl_in")
    attn_drop = v1.placeholder(dtype=tf.float32, shape=(), name="attn_drop")
    ffd_drop = v1.placeholder(dtype=tf.float32, shape=(), name="ffd_drop")

    def attn_head(seq: Tensor, out_sz: int, scope: str) -> Tensor:
        with v1.variable_scope(scope):
            seq = v1.nn.dropout(seq, rate=ffd_drop)
            w = v1.get_variable("w", [int(seq.shape[1]), out_sz])
            seq_fts = tf.matmul(seq, w)
            f_1 = tf.matmul(seq_fts, v1.get_variable("a1", [out_sz, 1]))
            f_2 = tf.matmul(seq_fts, v1.get_variable("a2", [out_sz, 1]))
            coefs = tf.nn.softmax(tf.nn.leaky_relu(f_1 + tf.transpose(f_2)) + bias_in)
            coefs = v1.nn.dropout(coefs, rate=attn_drop)
            seq_fts = v1.nn.dropout(seq_fts, rate=ffd_drop)
            return tf.nn.elu(tf.matmul(coefs, seq_fts) + v1.get_variable("b", [out_sz]))

    h_1 = tf.concat([attn_head(ftr_in, 8, f"layer1/head{i}") for i in range(4)], axis=-1)
    embedding = tf.add_n([attn_head(h_1, 16, f"layer2/head{i}") for i in range(2)]) / 2.0
    relation = v1.get_variable("decoder/relation", [16, 16])
    scores = tf.matmul(tf.matmul(embedding, relation), embedding, transpose_b=True)
    asked = tf.gather_nd(scores, tf.stack([row_idx, col_idx], axis=1))
    loss = tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(lbl_in, asked, 3.0))
    lossl2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()]) * 0.0005
    v1.train.AdamOptimizer(learning_rate=0.005).minimize(loss + lossl2)
    prob = tf.sigmoid(asked)
    tf.reduce_mean(tf.cast(tf.equal(tf.round(prob), lbl_in), tf.float32))
    return [ftr_in, bias_in, row_idx, col_idx], [prob]


class TransE:
    """Translations of entities by relations, margin loss, and a head that only predicts."""

    def __init__(self, ent_total: int = 300, rel_total: int = 20, hidden: int = 16, margin: float = 1.0):
        ids = {
            k: v1.placeholder(tf.int64, [None])
            for k in ("pos_h", "pos_t", "pos_r", "neg_h", "neg_t", "neg_r")
        }
        self.ids = ids
        self.predict_h = v1.placeholder(tf.int64, [None])
        self.predict_t = v1.placeholder(tf.int64, [None])
        self.predict_r = v1.placeholder(tf.int64, [None])
        self.ent_embeddings = v1.get_variable("ent_embeddings", [ent_total, hidden])
        self.rel_embeddings = v1.get_variable("rel_embeddings", [rel_total, hidden])
        with v1.name_scope("loss"):
            pos = self.calc(ids["pos_h"], ids["pos_t"], ids["pos_r"])
            neg = self.calc(ids["neg_h"], ids["neg_t"], ids["neg_r"])
            p_score = tf.reduce_sum(pos, 1, keepdims=True)
            n_score = tf.reduce_sum(neg, 1, keepdims=True)
            self.loss = tf.reduce_sum(tf.maximum(p_score - n_score + margin, 0))
        with v1.name_scope("predict"):
            found = self.calc(self.predict_h, self.predict_t, self.predict_r)
            self.predict = tf.reduce_mean(found, 1, keepdims=False)

    def calc(self, h: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """The distance, one number for each dimension."""
        head = tf.nn.l2_normalize(tf.nn.embedding_lookup(self.ent_embeddings, h), 1)
        tail = tf.nn.l2_normalize(tf.nn.embedding_lookup(self.ent_embeddings, t), 1)
        relation = tf.nn.l2_normalize(tf.nn.embedding_lookup(self.rel_embeddings, r), 1)
        return tf.abs(head + relation - tail)


@case("embedding")
def knowledge_graph_translations() -> Truth:
    """Nine unnamed id placeholders: six train with a margin, three are those of the prediction."""
    with v1.variable_scope("model", reuse=None, initializer=v1.glorot_uniform_initializer()):
        model = TransE()
    global_step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = v1.train.GradientDescentOptimizer(0.001)
    optimizer.apply_gradients(optimizer.compute_gradients(model.loss), global_step=global_step)
    return [model.predict_h, model.predict_t, model.predict_r], [model.predict]


@case("embedding")
def face_triplets_from_a_queue_of_paths() -> Truths:
    """Paths go through a queue to decoded batches; later code feeds ``input`` and fetches ``embeddings``."""
    learning_rate = v1.placeholder(tf.float32, name="learning_rate")
    batch_size = v1.placeholder(tf.int32, name="batch_size")
    phase_train = v1.placeholder(tf.bool, name="phase_train")
    image_paths = v1.placeholder(tf.string, shape=(None, 3), name="image_paths")
    labels_ph = v1.placeholder(tf.int64, shape=(None, 3), name="labels")
    queue = v1.FIFOQueue(1000, [tf.string, tf.int64], shapes=[(3,), (3,)])
    queue.enqueue_many([image_paths, labels_ph], name="enqueue_op")
    threads = []
    for _ in range(2):
        filenames, label = queue.dequeue()
        images = []
        for filename in tf.unstack(filenames):
            image = tf.image.decode_png(tf.io.read_file(filename), channels=3)
            image = tf.image.random_flip_left_right(v1.random_crop(image, [48, 48, 3]))
            image.set_shape((48, 48, 3))
            images.append((tf.cast(image, tf.float32) - 127.5) / 128.0)
        threads.append([images, label])
    dequeued, labels_batch = v1.train.batch_join(
        threads, batch_size=batch_size, shapes=[(48, 48, 3), ()], enqueue_many=True, capacity=400
    )
    image_batch = tf.identity(dequeued, "input")
    tf.identity(labels_batch, "label_batch")
    net = image_batch
    for i, width in enumerate((8, 16, 32)):
        with v1.variable_scope(f"Conv2d_{i}_3x3"):
            w = v1.get_variable("weights", [3, 3, int(net.shape[-1]), width])
            net = tf.nn.conv2d(net, w, 2, "SAME") + v1.get_variable("biases", [width])
            net = tf.nn.relu(net)
    net = tf.reduce_mean(net, [1, 2])
    net = v1.cond(phase_train, lambda: tf.nn.dropout(net, 0.2), lambda: net)
    prelogits = net @ v1.get_variable("Bottleneck/weights", [32, 16])
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    anchor, positive, negative = tf.unstack(tf.reshape(embeddings, [-1, 3, 16]), 3, 1)
    pos_dist = tf.reduce_sum(tf.square(anchor - positive), 1)
    neg_dist = tf.reduce_sum(tf.square(anchor - negative), 1)
    loss = tf.reduce_mean(tf.maximum(pos_dist - neg_dist + 0.2, 0.0), name="triplet_loss")
    v1.summary.scalar("learning_rate", learning_rate)
    ema = v1.train.ExponentialMovingAverage(0.9, name="avg")
    losses_op = ema.apply([loss])
    with tf.control_dependencies([losses_op]):
        step = tf.Variable(0, trainable=False)
        grads = v1.train.AdagradOptimizer(learning_rate).compute_gradients(loss, v1.trainable_variables())
    apply = v1.train.AdagradOptimizer(learning_rate).apply_gradients(grads, global_step=step)
    variable_averages = v1.train.ExponentialMovingAverage(0.99, step)
    with tf.control_dependencies([apply, variable_averages.apply(v1.trainable_variables())]):
        tf.no_op(name="train")
    return [([image_batch], [embeddings]), ([dequeued], [embeddings])]


def arc_logits(
    embedding: Tensor, labels: Tensor, classes: int, scale: float = 64.0, m: float = 0.5
) -> Tensor:
    """Additive angular margins."""
    with v1.variable_scope("arcface_loss", reuse=v1.AUTO_REUSE):
        weights = v1.get_variable("embedding_weights", [16, classes])
    cos_t = tf.matmul(embedding, tf.nn.l2_normalize(weights, 0), name="cos_t")
    sin_t = tf.sqrt(tf.maximum(1.0 - tf.square(cos_t), 1e-9))
    cos_mt = cos_t * math.cos(m) - sin_t * math.sin(m)
    safe = tf.where(cos_t > math.cos(math.pi - m), cos_mt, cos_t - math.sin(math.pi - m) * m)
    mask = tf.one_hot(labels, classes)
    return scale * (cos_t * (1.0 - mask) + safe * mask)


@case("embedding")
def arcface_on_two_gpus_with_verification() -> Truth:
    """Two towers read an iterator with margins; verification has a placeholder and the shared net."""

    def backbone(x: Tensor) -> Tensor:
        with v1.variable_scope("resnet_v1_arc", reuse=v1.AUTO_REUSE):
            for i, width in enumerate([8, 16, 16]):
                w = v1.get_variable(f"conv{i}/W", [3, 3, int(x.shape[-1]), width])
                alpha = v1.get_variable(f"conv{i}/prelu_alphas", [width])
                x = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
                x = tf.nn.relu(x) + alpha * (x - tf.abs(x)) * 0.5
            flat = tf.reshape(x, [-1, 7 * 7 * 16])
            fc1 = tf.matmul(flat, v1.get_variable("fc1/W", [7 * 7 * 16, 16]))
        return tf.nn.l2_normalize(fc1, 1)

    def parse(example: Tensor) -> tuple[Tensor, Tensor]:
        keys = {"image_raw": v1.FixedLenFeature([], tf.string), "label": v1.FixedLenFeature([], tf.int64)}
        found = v1.parse_single_example(example, keys)
        image = tf.reshape(tf.image.decode_jpeg(found["image_raw"]), [56, 56, 3])
        return tf.cast(image, tf.float32) * 0.0078125 - 1.0, found["label"]

    source = v1.data.TFRecordDataset("tran.tfrecords").map(parse).shuffle(64).batch(8, drop_remainder=True)
    images, labels = v1.data.make_one_shot_iterator(source.repeat()).get_next()
    images_s, labels_s = tf.split(images, 2), tf.split(labels, 2)
    global_step = v1.Variable(0, trainable=False, name="global_step")
    lr = v1.train.piecewise_constant(global_step, [1000, 2000], [0.001, 0.0005, 0.0001])
    opt = v1.train.MomentumOptimizer(lr, 0.9)
    centers = v1.get_variable("centers", [50, 16], initializer=v1.zeros_initializer(), trainable=False)
    tower_grads, updates = [], []
    for gpu in range(2):
        with v1.device(f"/gpu:{gpu}"), v1.name_scope(f"tower_{gpu}"):
            emb = backbone(images_s[gpu])
            logit = arc_logits(emb, labels_s[gpu], 50)
            softmax = v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels_s[gpu], logits=logit)
            diff = tf.gather(centers, labels_s[gpu]) - emb
            updates.append(v1.scatter_sub(centers, labels_s[gpu], 0.1 * diff))
            total = tf.reduce_mean(softmax) + 0.01 * tf.nn.l2_loss(diff)
            tower_grads.append(opt.compute_gradients(total, v1.trainable_variables()))
            pred = tf.argmax(tf.nn.softmax(logit), 1)
            v1.summary.scalar("acc", tf.reduce_mean(tf.cast(tf.equal(pred, labels_s[gpu]), tf.float32)))
    mean = [(tf.add_n([g for g, _ in pairs]) / 2.0, pairs[0][1]) for pairs in zip(*tower_grads, strict=True)]
    with tf.control_dependencies(updates):
        opt.apply_gradients(mean, global_step=global_step)
    img_inputs = v1.placeholder(tf.float32, [None, 56, 56, 3], name="img_inputs")
    net_out = backbone(img_inputs)
    v1.summary.merge_all()
    return [img_inputs], [net_out]


@case("embedding")
def contrastive_views_of_microscope_images() -> Truth:
    """Two random views through encoder and projection; what is kept is the encoder on the image itself."""
    x = v1.placeholder(tf.float32, [None, 32, 32, 3], "x")
    temperature = v1.placeholder_with_default(0.5, [], "temperature")

    def augment(image: Tensor) -> Tensor:
        image = tf.image.resize_with_crop_or_pad(image, 38, 38)
        image = tf.image.random_flip_left_right(v1.random_crop(image, [32, 32, 3]))
        return tf.clip_by_value(tf.image.random_brightness(image, 0.4), 0.0, 1.0)

    def encode(images: Tensor) -> Tensor:
        with v1.variable_scope("base_encoder", reuse=v1.AUTO_REUSE):
            k1 = v1.get_variable("k1", [3, 3, 3, 12])
            k2 = v1.get_variable("k2", [3, 3, 12, 24])
            y = tf.nn.relu(v1.nn.conv2d(images, k1, [1, 2, 2, 1], "SAME"))
            y = tf.nn.relu(v1.nn.conv2d(y, k2, [1, 2, 2, 1], "SAME"))
            return tf.reduce_mean(y, [1, 2])

    def project(h: Tensor) -> Tensor:
        with v1.variable_scope("head", reuse=v1.AUTO_REUSE):
            h = tf.nn.relu(tf.matmul(h, v1.get_variable("w1", [24, 24])))
            return tf.nn.l2_normalize(tf.matmul(h, v1.get_variable("w2", [24, 8])), -1)

    z_i = project(encode(tf.map_fn(augment, x)))
    z_j = project(encode(tf.map_fn(augment, x)))
    n = tf.shape(z_i)[0]
    masks = tf.one_hot(tf.range(n), n) * 1e9
    logits_aa = tf.matmul(z_i, z_i, transpose_b=True) / temperature - masks
    logits_bb = tf.matmul(z_j, z_j, transpose_b=True) / temperature - masks
    logits_ab = tf.matmul(z_i, z_j, transpose_b=True) / temperature
    target = tf.one_hot(tf.range(n), n * 2)
    loss_a = v1.losses.softmax_cross_entropy(target, tf.concat([logits_ab, logits_aa], 1))
    loss_b = v1.losses.softmax_cross_entropy(target, tf.concat([tf.transpose(logits_ab), logits_bb], 1))
    hit = tf.equal(tf.argmax(logits_ab, 1), tf.argmax(target[:, :n], 1))
    v1.summary.scalar("contrast_acc", tf.reduce_mean(tf.cast(hit, tf.float32)))
    step = v1.train.get_or_create_global_step()
    lr = v1.train.cosine_decay(0.3, step, 5000)
    v1.train.MomentumOptimizer(lr, 0.9, use_nesterov=True).minimize(loss_a + loss_b, global_step=step)
    h = encode(x)
    return [x], [h]


@case("classifier")
def omniglot_prototypes() -> Truths:
    """Support and query episodes are fed; nearest prototypes give log probabilities for each query."""
    x = v1.placeholder(tf.float32, [None, None, 28, 28, 1])
    q = v1.placeholder(tf.float32, [None, None, 28, 28, 1])
    y = v1.placeholder(tf.int64, [None, None])
    y_one_hot = tf.one_hot(y, depth=tf.shape(x)[0])
    num_classes, num_support = tf.shape(x)[0], tf.shape(x)[1]
    num_queries = tf.shape(q)[1]

    def encoder(inputs: Tensor, reuse: bool = False) -> Tensor:
        with v1.variable_scope("encoder", reuse=reuse):
            net = inputs
            for block in ("conv_1", "conv_2", "conv_3"):
                with v1.variable_scope(block):
                    w = v1.get_variable("kernel", [3, 3, int(net.shape[-1]), 8])
                    net = tf.nn.conv2d(net, w, 1, "SAME")
                    net = tf.nn.batch_normalization(
                        net, *tf.nn.moments(net, [0, 1, 2]), v1.get_variable("beta", [8]), None, 1e-3
                    )
                    net = tf.nn.max_pool2d(tf.nn.relu(net), 2, 2, "VALID")
            return tf.reshape(net, [-1, 3 * 3 * 8])

    emb_x = encoder(tf.reshape(x, [num_classes * num_support, 28, 28, 1]))
    emb_x = tf.reduce_mean(tf.reshape(emb_x, [num_classes, num_support, 72]), axis=1)
    emb_q = encoder(tf.reshape(q, [num_classes * num_queries, 28, 28, 1]), reuse=True)
    dists = tf.reduce_mean(tf.square(emb_q[:, tf.newaxis, :] - emb_x[tf.newaxis, :, :]), axis=2)
    log_p_y = tf.reshape(tf.nn.log_softmax(-dists), [num_classes, num_queries, -1])
    ce_loss = -tf.reduce_mean(tf.reshape(tf.reduce_sum(y_one_hot * log_p_y, axis=-1), [-1]))
    predicted = tf.argmax(log_p_y, axis=-1)
    tf.reduce_mean(tf.cast(tf.equal(predicted, y), tf.float32))
    v1.train.AdamOptimizer().minimize(ce_loss)
    return [([x, q], [log_p_y]), ([x, q], [predicted])]


class Maml:
    """Learns initial weights from which a few gradient steps suffice."""

    def __init__(self, dim_input: int = 20, dim_output: int = 5, num_updates: int = 2) -> None:
        self.update_lr, self.dim = 0.4, (dim_input, 16, dim_output)
        self.meta_lr = v1.placeholder_with_default(0.001, ())
        self.inputa = v1.placeholder(tf.float32, [None, None, dim_input])
        self.inputb = v1.placeholder(tf.float32, [None, None, dim_input])
        self.labela = v1.placeholder(tf.float32, [None, None, dim_output])
        self.labelb = v1.placeholder(tf.float32, [None, None, dim_output])
        self.num_updates = num_updates
        with v1.variable_scope("model"):
            self.weights = {}
            for i in (1, 2):
                start = v1.truncated_normal([self.dim[i - 1], self.dim[i]], stddev=0.01)
                self.weights[f"w{i}"] = tf.Variable(start)
                self.weights[f"b{i}"] = tf.Variable(tf.zeros([self.dim[i]]))
        tasks = (self.inputa, self.inputb, self.labela, self.labelb)
        out = [[tf.float32] * num_updates, tf.float32, [tf.float32] * num_updates]
        self.outputbs, lossesa, self.lossesb = tf.map_fn(self.task, tasks, dtype=out, parallel_iterations=4)
        self.total_loss = [tf.reduce_mean(loss) for loss in self.lossesb]
        v1.summary.scalar("pre-update loss", tf.reduce_mean(lossesa))
        optimizer = v1.train.AdamOptimizer(self.meta_lr)
        self.gvs = optimizer.compute_gradients(self.total_loss[-1], list(self.weights.values()))
        self.metatrain_op = optimizer.apply_gradients(
            [(tf.clip_by_value(g, -10, 10), w) for g, w in self.gvs]
        )

    def forward(self, inp: Tensor, weights: dict[str, Tensor]) -> Tensor:
        """One hidden layer."""
        hidden = tf.nn.relu(tf.matmul(inp, weights["w1"]) + weights["b1"])
        return tf.matmul(hidden, weights["w2"]) + weights["b2"]

    def task(self, elements: tuple[Tensor, ...]) -> Any:
        """Inner steps on a, then b."""
        inputa, inputb, labela, labelb = elements
        fast = dict(self.weights)
        first = self.loss(self.forward(inputa, fast), labela)
        outputs: list[Tensor] = []
        losses: list[Tensor] = []
        for step in range(self.num_updates):
            lossa = first if step == 0 else self.loss(self.forward(inputa, fast), labela)
            gradients = dict(zip(fast, v1.gradients(lossa, list(fast.values())), strict=True))
            fast = {key: fast[key] - self.update_lr * gradients[key] for key in fast}
            outputs.append(self.forward(inputb, fast))
            losses.append(self.loss(outputs[-1], labelb))
        return [outputs, first, losses]

    def loss(self, pred: Tensor, label: Tensor) -> Tensor:
        """Cross entropy."""
        return tf.reduce_mean(v1.nn.softmax_cross_entropy_with_logits(logits=pred, labels=label))


@case("classifier")
def maml_with_inner_gradient_steps() -> Truth:
    """Adapts to examples a with their labels (so these are fed), answers for b after the last inner step."""
    model = Maml()
    v1.summary.merge_all()
    return [model.inputa, model.labela, model.inputb], [model.outputbs[-1]]
