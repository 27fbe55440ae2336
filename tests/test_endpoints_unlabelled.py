"""What learns without labels, or from more than labels: agents, painters, clusters, flows of noise."""

from __future__ import annotations

from typing import Any

from tests.sketches import Sketch, names, read
from zoo.endpoints import detect


def found(sketch: Sketch) -> tuple[list[str], list[str]]:
    inputs, outputs = names(detect(read(sketch)))
    return sorted(inputs), sorted(outputs)


def squared(sketch: Sketch, difference: Any) -> Any:
    return sketch.tf.reduce_mean(sketch.tf.square(difference))


def test_what_swish_leaves_behind_is_no_answer(sketch: Sketch) -> None:
    """Noise is foretold, which nobody feeds: the net ends with its last layer."""
    tf, x = sketch.tf, sketch.feed([4, 6], "x")
    noise = sketch.v1.random_normal([4, 6])
    hidden = x + noise
    for k in range(12):
        hidden = tf.nn.swish(sketch.dense(hidden, 8, f"layer{k}"))
    told = sketch.dense(hidden, 6, "last")
    sketch.train(squared(sketch, noise - told))

    assert found(sketch) == (["x:0"], [told.name])


def test_a_loop_that_draws_examples_by_itself_is_the_answer(sketch: Sketch) -> None:
    """Diffusion: trained on one step, used step by step, from noise and with noise."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([4, 6], "x")

    def told(example: Any) -> Any:
        return sketch.dense(tf.tanh(sketch.dense(example, 8, "first")), 6, "second")

    noise = v1.random_normal([4, 6])
    sketch.train(squared(sketch, noise - told(x + noise)))
    _, drawn = v1.while_loop(
        lambda step, _: step > 0,
        lambda step, example: (step - 1, example - told(example) + v1.random_normal([4, 6])),
        [tf.constant(9), v1.random_normal([4, 6])],
        back_prop=False,
    )

    assert found(sketch) == ([], [drawn.name])


def test_a_net_that_is_called_a_discriminator_is_no_answer_beside_another(sketch: Sketch) -> None:
    """Its reward comes to the policy by way of Python."""
    tf, v1 = sketch.tf, sketch.v1
    seen, done = sketch.feed([None, 6], "seen"), sketch.feed([None, 2], "done")
    answer = tf.nn.softmax(sketch.dense(seen, 3, "policy"), name="chances")
    gain = sketch.feed([None, 3], "gain")
    sketch.train(tf.reduce_mean(tf.math.log(answer) * gain))
    with v1.variable_scope("discriminator"):
        real = sketch.dense(tf.tanh(sketch.dense(done, 5, "first")), 1, "second")
    tf.negative(tf.math.log(1.0 - tf.sigmoid(real) + 1e-8))
    truth = sketch.feed([None, 1], "truth")
    sketch.train(tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=real)))

    assert found(sketch) == (["seen:0"], ["chances:0"])


def test_the_cluster_that_is_decided_on_goes_before_the_rebuilt_example(sketch: Sketch) -> None:
    """Soft assignments are sharpened by a target that is fed; an autoencoder came first."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    code = sketch.dense(tf.tanh(sketch.dense(x, 6, "first")), 3, "code")
    rebuilt = sketch.dense(tf.tanh(sketch.dense(code, 6, "third")), 8, "fourth")
    sketch.train(squared(sketch, rebuilt - x))
    centres = v1.get_variable("centres", [4, 3], use_resource=False)
    near = 1.0 / (1.0 + tf.reduce_sum(tf.square(code[:, None] - centres), 2))
    share = near / tf.reduce_sum(near, 1, keepdims=True)
    sharp = tf.square(share) / tf.reduce_sum(share, 0)
    tf.divide(sharp, tf.reduce_sum(sharp, 1, keepdims=True), name="target_share")
    cluster = tf.argmax(share, 1)
    target = sketch.feed([None, 4], "target")
    sketch.train(tf.reduce_mean(target * tf.math.log((target + 1e-9) / (share + 1e-9))))

    assert found(sketch) == (["x:0"], [cluster.name])


def test_layers_that_are_taught_one_by_one_are_no_painters(sketch: Sketch) -> None:
    """Each layer reads an example of its own first, later what the layer before it made."""
    tf, v1, x = sketch.tf, sketch.v1, sketch.feed([None, 8], "x")
    sizes = (8, 6, 4)
    layers = [v1.get_variable(f"w{k}", [sizes[k], sizes[k + 1]], use_resource=False) for k in range(2)]
    for k, layer in enumerate(layers):
        before = sketch.feed([None, sizes[k]], f"before{k}")
        again = tf.matmul(tf.nn.relu(tf.matmul(before, layer)), layer, transpose_b=True)
        sketch.train(squared(sketch, again - before))
    code = tf.matmul(tf.nn.relu(tf.matmul(x, layers[0])), layers[1])
    centres = v1.get_variable("centres", [3, 4], use_resource=False)
    near = 1.0 / (1.0 + tf.reduce_sum(tf.square(code[:, None] - centres), 2))
    share = near / tf.reduce_sum(near, 1, keepdims=True)
    cluster = tf.argmax(share, 1)
    target = sketch.feed([None, 3], "target")
    sketch.train(tf.reduce_mean(target * tf.math.log(target / share)))

    assert found(sketch) == (["x:0"], [cluster.name])


def test_codes_of_a_graph_are_fetched_without_the_noise_around_them(sketch: Sketch) -> None:
    """Links are told by products of the codes: the decoder has no layers."""
    tf, x, links = sketch.tf, sketch.feed([None, 8], "x"), sketch.feed([None, None], "links")
    hidden = tf.nn.relu(sketch.dense(x, 6, "first"))
    mean, spread = sketch.dense(hidden, 3, "mean"), sketch.dense(hidden, 3, "spread")
    code = mean + sketch.v1.random_normal(tf.shape(mean)) * tf.exp(spread)
    told = tf.matmul(code, code, transpose_b=True)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=links, logits=told)
    apart = tf.reduce_sum(1 + 2 * spread - tf.square(mean) - tf.exp(spread), 1)
    sketch.train(tf.reduce_mean(loss) - 0.5 * tf.reduce_mean(apart))

    assert found(sketch)[1] == [mean.name]


def test_an_action_that_only_teaches_critics_is_no_second_answer(sketch: Sketch) -> None:
    """The policy acts in the next state, too, for what is to be learned of this one."""
    tf, v1 = sketch.tf, sketch.v1
    now, then = sketch.feed([None, 6], "now"), sketch.feed([None, 6], "then")
    done, gain = sketch.feed([None, 2], "done"), sketch.feed([None], "gain")

    def acts(state: Any) -> Any:
        mean = sketch.dense(tf.nn.relu(sketch.dense(state, 6, "actor_first")), 2, "actor_second")
        return tf.tanh(mean + v1.random_normal(tf.shape(mean)) * 0.1)

    def worth(state: Any, action: Any, name: str) -> Any:
        hidden = tf.nn.relu(sketch.dense(tf.concat([state, action], 1), 6, f"{name}_first"))
        return tf.squeeze(sketch.dense(hidden, 1, f"{name}_second"), 1)

    action, next_action = acts(now), acts(then)
    right = tf.stop_gradient(gain + 0.9 * worth(then, next_action, "critic"))
    variables = v1.trainable_variables()
    actor = [one for one in variables if one.name.startswith("actor")]
    critic = [one for one in variables if one.name.startswith("critic")]
    steps = v1.train.GradientDescentOptimizer(0.1)
    steps.minimize(-tf.reduce_mean(worth(now, action, "critic")), var_list=actor)
    steps.minimize(squared(sketch, right - worth(now, done, "critic")), var_list=critic)

    assert found(sketch) == (["now:0"], [action.name])


def test_all_parts_of_a_mixture_are_answers_though_the_weights_alone_are_worked_on(sketch: Sketch) -> None:
    """The weights become logarithms of shares; means and spreads are fetched as they are cut off."""
    tf, x, new = sketch.tf, sketch.feed([None, 6], "x"), sketch.feed([None, 6], "new")
    truth = sketch.feed([None, 1], "truth")

    def mixture(example: Any) -> list[Any]:
        weights, mean, spread = tf.split(sketch.dense(tf.tanh(sketch.dense(example, 8, "a")), 9, "b"), 3, 1)
        return [weights - tf.reduce_logsumexp(weights, 1, keepdims=True), mean, spread]

    weights, mean, spread = mixture(x)
    inner = weights - 0.5 * tf.square((truth - mean) / tf.exp(spread)) - spread
    sketch.train(-tf.reduce_mean(tf.reduce_logsumexp(inner, 1)))
    told = mixture(new)

    assert found(sketch) == (["new:0"], sorted(tensor.name for tensor in told))
