"""Those who play, and those who dream of playing: values, policies, models of the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.bricks import Lstm, conv2d, flat, linear, rnn, within
from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


@case("agent")
def mountain_car_with_priorities() -> Truth:
    """Duelling values, a second net for what comes next, weights of a sum tree."""
    s = v1.placeholder(tf.float32, [None, 4], name="s")
    s_ = v1.placeholder(tf.float32, [None, 4], name="s_")
    q_target = v1.placeholder(tf.float32, [None, 3], name="Q_target")
    is_weights = v1.placeholder(tf.float32, [None, 1], name="IS_weights")

    def build_layers(x: Tensor) -> Tensor:
        l1 = linear(x, 20, tf.nn.relu, "l1")
        value, advantage = linear(l1, 1, name="Value"), linear(l1, 3, name="Advantage")
        return value + (advantage - tf.reduce_mean(advantage, axis=1, keepdims=True))

    with v1.variable_scope("eval_net"):
        q_eval = build_layers(s)
    with v1.variable_scope("loss"):
        tf.reduce_sum(tf.abs(q_target - q_eval), axis=1)
        loss = tf.reduce_mean(is_weights * v1.squared_difference(q_target, q_eval))
    with v1.variable_scope("train"):
        v1.train.RMSPropOptimizer(0.005).minimize(loss)
    with v1.variable_scope("target_net"):
        build_layers(s_)
    for t, e in zip(within("target_net"), within("eval_net"), strict=True):
        v1.assign(t, e)
    return [s], [q_eval]


@case("agent")
def maze_seen_in_part_with_state() -> Truths:
    """A recurrent Q net whose state goes in and comes out; the first half of each trace is masked."""
    frames = v1.placeholder(tf.float32, [None, None, 12, 12, 3], name="observations")
    c_in = v1.placeholder(tf.float32, [None, 16], name="c_in")
    h_in = v1.placeholder(tf.float32, [None, 16], name="h_in")
    target_q = v1.placeholder(tf.float32, [None])
    actions = v1.placeholder(tf.int32, [None])
    batch, steps = tf.shape(frames)[0], tf.shape(frames)[1]
    conv = conv2d(conv2d(tf.reshape(frames, [-1, 12, 12, 3]), 8, 4, 2), 8, 3, 2)
    seq = tf.reshape(flat(conv), [batch, steps, 72])
    out, (c_out, h_out) = rnn(Lstm(16), seq, initial_state=(c_in, h_in), scope="main_rnn")
    stream_a, stream_v = tf.split(tf.reshape(out, [-1, 16]), 2, 1)
    advantage = tf.matmul(stream_a, tf.Variable(tf.random.normal([8, 4])))
    value = tf.matmul(stream_v, tf.Variable(tf.random.normal([8, 1])))
    q_out = value + tf.subtract(advantage, tf.reduce_mean(advantage, axis=1, keepdims=True))
    predict = tf.argmax(q_out, 1)
    q = tf.reduce_sum(q_out * tf.one_hot(actions, 4), axis=1)
    half = steps // 2
    mask = tf.reshape(tf.concat([tf.zeros([batch, half]), tf.ones([batch, steps - half])], 1), [-1])
    v1.train.AdamOptimizer(1e-4).minimize(tf.reduce_mean(tf.square(target_q - q) * mask))
    fed = [frames, c_in, h_in]
    return [(fed, [predict, c_out, h_out]), (fed, [q_out, c_out, h_out])]


@case("agent")
def stones_on_a_board() -> Truth:
    """A policy over moves in logarithms, and who will win; the tree's visits are the labels."""
    input_states = v1.placeholder(tf.float32, shape=[None, 4, 6, 6])
    net = tf.transpose(input_states, [0, 2, 3, 1])
    for filters in (8, 12, 16):
        net = conv2d(net, filters)
    action_conv = flat(conv2d(net, 4, 1))
    action_fc = linear(action_conv, 36, tf.nn.log_softmax)
    evaluation_conv = flat(conv2d(net, 2, 1))
    evaluation_fc2 = linear(linear(evaluation_conv, 16, tf.nn.relu), 1, tf.nn.tanh)
    labels = v1.placeholder(tf.float32, shape=[None, 1])
    value_loss = v1.losses.mean_squared_error(labels, evaluation_fc2)
    mcts_probs = v1.placeholder(tf.float32, shape=[None, 36])
    policy_loss = -tf.reduce_mean(tf.reduce_sum(tf.multiply(mcts_probs, action_fc), 1))
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name.lower()])
    learning_rate = v1.placeholder(tf.float32)
    v1.train.AdamOptimizer(learning_rate).minimize(value_loss + policy_loss + 1e-4 * l2)
    -tf.reduce_mean(tf.reduce_sum(tf.exp(action_fc) * action_fc, 1))
    v1.train.Saver()
    return [input_states], [action_fc, evaluation_fc2]


@case("agent")
def pole_balanced_like_an_expert() -> Truths:
    """Imitation against a judge of state and act; the policy acts by chance or by its best."""

    def policy(scope: str) -> list[Tensor]:
        with v1.variable_scope(scope):
            obs = v1.placeholder(tf.float32, [None, 4], name="obs")
            with v1.variable_scope("policy_net"):
                probs = linear(linear(obs, 20, tf.tanh), 2, tf.nn.softmax)
            with v1.variable_scope("value_net"):
                v_preds = linear(linear(obs, 20, tf.tanh), 1)
            act_stochastic = tf.reshape(v1.multinomial(v1.log(probs), num_samples=1), [-1])
            return [obs, probs, v_preds, act_stochastic, tf.argmax(probs, axis=1)]

    obs, probs, v_preds, stochastic, best = policy("policy")
    _, old_probs, *_ = policy("old_policy")
    for old, new in zip(within("old_policy"), within("policy"), strict=True):
        v1.assign(old, new)
    with v1.variable_scope("discriminator"):
        pairs: list[Tensor] = []
        for who in ("expert", "agent"):
            state = v1.placeholder(tf.float32, [None, 4], name=who + "_s")
            act = tf.one_hot(v1.placeholder(tf.int32, [None], name=who + "_a"), 2)
            both = tf.concat([state, act + tf.random.normal(tf.shape(act), stddev=0.2)], 1)
            with v1.variable_scope("network", reuse=bool(pairs)):
                pairs.append(linear(linear(both, 20, tf.nn.leaky_relu), 1, tf.sigmoid, "prob"))
        judged = v1.log(tf.clip_by_value(pairs[0], 0.01, 1)) + v1.log(tf.clip_by_value(1 - pairs[1], 0.01, 1))
        v1.train.AdamOptimizer().minimize(-tf.reduce_mean(judged), var_list=within("discriminator"))
        v1.log(tf.clip_by_value(pairs[1], 1e-10, 1), name="rewards")
    with v1.variable_scope("train_inp"):
        acts = tf.one_hot(v1.placeholder(tf.int32, [None], name="actions"), 2)
        gaes = v1.placeholder(tf.float32, [None], name="gaes")
        target = v1.placeholder(tf.float32, [None, 1], name="v_preds_target")
    ratio = tf.exp(v1.log(tf.reduce_sum(probs * acts, 1)) - v1.log(tf.reduce_sum(old_probs * acts, 1)))
    clip = tf.minimum(gaes * ratio, gaes * tf.clip_by_value(ratio, 0.8, 1.2))
    loss = -tf.reduce_mean(clip) + tf.reduce_mean(v1.squared_difference(target, v_preds))
    v1.train.AdamOptimizer(5e-5).minimize(loss, var_list=within("policy"))
    together = [([obs], [stochastic, v_preds]), ([obs], [best, v_preds])]
    return [*together, ([obs], [stochastic]), ([obs], [best])]


@case("agent")
def acting_alone_and_learning_in_lines() -> Truths:
    """One net for a step in all worlds, the same net for many steps; what is drawn is what is done."""

    def model(batch: int, steps: int, reuse: bool) -> dict[str, Tensor]:
        x = v1.placeholder(tf.uint8, (batch, 16, 16, 4), name="Ob")
        with v1.variable_scope("model", reuse=reuse):
            h = conv2d(tf.cast(x, tf.float32) / 255.0, 8, 4, 2, name="c1")
            h = linear(flat(conv2d(h, 8, 3, 2, name="c2")), 24, tf.nn.relu, "fc1")
            pi, vf = linear(h, 6, name="pi"), linear(h, 1, name="v")[:, 0]
        noise = v1.random_uniform(tf.shape(pi))
        a0 = tf.argmax(pi - v1.log(-v1.log(noise)), 1)
        neglogp = v1.nn.softmax_cross_entropy_with_logits_v2(logits=pi, labels=tf.one_hot(a0, 6))
        return {"x": x, "pi": pi, "vf": vf, "a0": a0, "neglogp": neglogp}

    step_model, train_model = model(4, 1, False), model(20, 5, True)
    a = v1.placeholder(tf.int32, [20])
    adv, ret = v1.placeholder(tf.float32, [20]), v1.placeholder(tf.float32, [20])
    lr = v1.placeholder(tf.float32, [])
    neglogpac = v1.nn.sparse_softmax_cross_entropy_with_logits(logits=train_model["pi"], labels=a)
    p0 = tf.nn.softmax(train_model["pi"])
    entropy = -tf.reduce_mean(tf.reduce_sum(p0 * v1.log(p0 + 1e-6), 1))
    vf_loss = tf.reduce_mean(tf.square(train_model["vf"] - ret)) / 2.0
    loss = tf.reduce_mean(adv * neglogpac) - entropy * 0.01 + vf_loss * 0.5
    params = within("model")
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 0.5)
    trainer = v1.train.RMSPropOptimizer(learning_rate=lr, decay=0.99, epsilon=1e-5)
    trainer.apply_gradients(list(zip(grads, params, strict=True)))
    fed = [step_model["x"]]
    wanted = [["a0", "vf", "neglogp"], ["a0", "vf"], ["a0"], ["pi", "vf"]]
    return [(fed, [step_model[name] for name in names]) for names in wanted]


@case("world model", modern=True)
def dreams_of_the_next_code() -> Truth:
    """Codes and acts go in with a state; a mixture for each part of the next code comes out."""
    codes, mixtures = 4, 3
    input_x = v1.placeholder(tf.float32, [None, None, codes + 2], name="input_x")
    output_x = v1.placeholder(tf.float32, [None, None, codes], name="output_x")
    c = v1.placeholder(tf.float32, [None, 16], name="initial_c")
    h = v1.placeholder(tf.float32, [None, 16], name="initial_h")
    with v1.variable_scope("RNN"):
        w = v1.get_variable("output_w", [16, codes * mixtures * 3])
        b = v1.get_variable("output_b", [codes * mixtures * 3])
    output, last_state = rnn(Lstm(16), input_x, initial_state=(c, h), scope="RNN")
    output = tf.reshape(v1.nn.xw_plus_b(tf.reshape(output, [-1, 16]), w, b), [-1, mixtures * 3])
    out_logmix, out_mean, out_logstd = tf.split(output, 3, 1)
    out_logmix = out_logmix - tf.reduce_logsumexp(out_logmix, 1, keepdims=True)
    flat_target = tf.reshape(output_x, [-1, 1])
    apart = (flat_target - out_mean) / tf.exp(out_logstd)
    lognormal = -0.5 * apart**2 - out_logstd - np.log(np.sqrt(2.0 * np.pi))
    cost = -tf.reduce_mean(tf.reduce_logsumexp(out_logmix + lognormal, 1, keepdims=True))
    lr = tf.Variable(0.001, trainable=False)
    optimizer = v1.train.AdamOptimizer(lr)
    gvs = optimizer.compute_gradients(cost)
    optimizer.apply_gradients([(tf.clip_by_value(grad, -1.0, 1.0), var) for grad, var in gvs])
    fed = [input_x, c, h]
    return fed, [out_logmix, out_mean, out_logstd, *last_state]


@case("world model")
def next_state_by_five_nets() -> Truths:
    """An ensemble in one batched product: mean and bounded log variance of the change of a state."""
    nets = 5
    states = v1.placeholder(tf.float32, [None, 6], name="obs")
    acts = v1.placeholder(tf.float32, [None, 2], name="act")
    deltas = v1.placeholder(tf.float32, [nets, None, 6], name="targets")
    mu = v1.get_variable("scaler_mu", [1, 8], initializer=v1.zeros_initializer(), trainable=False)
    sigma = v1.get_variable("scaler_std", [1, 8], initializer=v1.ones_initializer(), trainable=False)
    h = tf.tile(((tf.concat([states, acts], 1) - mu) / sigma)[None], [nets, 1, 1])
    decays = []
    for i, units in enumerate([24, 24, 12]):
        with v1.variable_scope(f"Layer{i}"):
            w = v1.get_variable("FC_weights", [nets, h.shape[-1], units])
            b = v1.get_variable("FC_biases", [nets, 1, units], initializer=v1.zeros_initializer())
            decays.append(1e-4 * tf.nn.l2_loss(w))
            h = tf.matmul(h, w) + b
            h = h * tf.sigmoid(h) if units > 12 else h
    top = v1.get_variable("max_log_var", [1, 6], initializer=v1.constant_initializer(0.5))
    low = v1.get_variable("min_log_var", [1, 6], initializer=v1.constant_initializer(-10.0))
    mean = h[..., :6]
    logvar = top - tf.nn.softplus(top - h[..., 6:])
    logvar = low + tf.nn.softplus(logvar - low)
    losses = tf.reduce_mean(tf.square(mean - deltas) * tf.exp(-logvar) + logvar, [1, 2])
    bounds = 0.01 * (tf.reduce_sum(top) - tf.reduce_sum(low))
    v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_sum(losses) + tf.add_n(decays) + bounds)
    tf.reduce_mean(tf.square(mean - deltas), [1, 2], name="mse")
    variance = tf.exp(logvar, name="variance")
    return [([states, acts], [mean, variance]), ([states, acts], [mean, logvar])]
