"""Graphs of agents that learn to act, and of models that generate, cluster or embed."""

# ruff: noqa: N806 (the names are those of the authors)

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case, v1

Tensor = Any


# ---------------------------------------------------------------- layers in the old manner


def _dense(x: Tensor, units: int, act: Any = None, name: str = "dense", bias: bool = True) -> Tensor:
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        w = v1.get_variable("kernel", [int(x.shape[-1]), units], initializer=v1.glorot_uniform_initializer())
        y = tf.matmul(x, w, name="MatMul")
        if bias:
            y = tf.nn.bias_add(
                y, v1.get_variable("bias", [units], initializer=v1.zeros_initializer()), name="BiasAdd"
            )
        return act(y) if act is not None else y


def _conv(
    x: Tensor,
    filters: int,
    size: int,
    stride: int = 1,
    act: Any = None,
    name: str = "conv2d",
    padding: str = "SAME",
    bias: bool = True,
) -> Tensor:
    with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
        w = v1.get_variable(
            "kernel",
            [size, size, int(x.shape[-1]), filters],
            initializer=v1.truncated_normal_initializer(stddev=0.02),
        )
        y = tf.nn.conv2d(x, w, [1, stride, stride, 1], padding, name="Conv2D")
        if bias:
            y = tf.nn.bias_add(
                y, v1.get_variable("bias", [filters], initializer=v1.zeros_initializer()), name="BiasAdd"
            )
        return act(y) if act is not None else y


def _loop_lstm(
    xs: Tensor, c: Tensor, h: Tensor, units: int, scope: str = "rnn"
) -> tuple[Tensor, Tensor, Tensor]:
    """A BasicLSTMCell in a dynamic_rnn: batch major [B, T, D]."""
    with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
        kernel = v1.get_variable("basic_lstm_cell/kernel", [int(xs.shape[-1]) + units, 4 * units])
        bias = v1.get_variable("basic_lstm_cell/bias", [4 * units], initializer=v1.zeros_initializer())
        by_time = tf.transpose(xs, [1, 0, 2], name="transpose")
        steps = tf.shape(by_time)[0]
        source = tf.TensorArray(xs.dtype, size=steps, name="dynamic_rnn/input_0").unstack(by_time)
        sink = tf.TensorArray(xs.dtype, size=steps, name="dynamic_rnn/output_0")

        def body(t: Tensor, c: Tensor, h: Tensor, ta: Any) -> Any:
            gates = tf.nn.bias_add(tf.matmul(tf.concat([source.read(t), h], 1), kernel), bias)
            i, j, f, o = tf.split(gates, 4, axis=1)
            new_c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            new_h = tf.tanh(new_c) * tf.sigmoid(o)
            new_c.set_shape(c.shape)
            new_h.set_shape(h.shape)
            return t + 1, new_c, new_h, ta.write(t, new_h)

        _, c, h, sink = v1.while_loop(
            lambda t, *_: t < steps, body, (tf.constant(0, name="time"), c, h, sink)
        )
        out = tf.transpose(sink.stack("TensorArrayStack"), [1, 0, 2], name="transpose_1")
        out.set_shape([xs.shape[0], xs.shape[1], units])
    return out, c, h


# ================================================================ agents


@case("rl")
def deepq_of_baselines_with_dueling_and_priorities() -> Truth:
    """openai/baselines deepq: `act(obs)` of enjoy.py feeds deepq/observation (uint8), fetches the actions.

    The stochastic flag and eps are givens.
    """
    num_actions = 4

    def q_func(obs: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            with v1.variable_scope("convnet"):
                out = _conv(obs, 8, 8, 4, tf.nn.relu, "Conv")
                out = _conv(out, 8, 4, 2, tf.nn.relu, "Conv_1")
            flat = tf.reshape(out, [-1, 6 * 6 * 8])
            with v1.variable_scope("action_value"):
                a = _dense(flat, 16, tf.nn.relu, "fully_connected")
                a = _dense(a, num_actions, None, "fully_connected_1")
            with v1.variable_scope("state_value"):
                s = _dense(flat, 16, tf.nn.relu, "fully_connected")
                s = _dense(s, 1, None, "fully_connected_1")
            return s + (a - tf.expand_dims(tf.reduce_mean(a, 1), 1))

    def uint8_input(name: str) -> tuple[Tensor, Tensor]:
        ph = v1.placeholder(tf.uint8, [None, 42, 42, 4], name=name)
        return ph, tf.cast(ph, tf.float32) / 255.0

    with v1.variable_scope("deepq"):
        observations_ph, obs = uint8_input("observation")
        stochastic_ph = v1.placeholder(tf.bool, (), name="stochastic")
        update_eps_ph = v1.placeholder(tf.float32, (), name="update_eps")
        eps = v1.get_variable("eps", (), initializer=v1.constant_initializer(0))
        q_values = q_func(obs, "q_func")
        deterministic_actions = tf.argmax(q_values, axis=1)
        batch_size = tf.shape(obs)[0]
        random_actions = v1.random_uniform(
            tf.stack([batch_size]), minval=0, maxval=num_actions, dtype=tf.int64
        )
        chose_random = v1.random_uniform(tf.stack([batch_size]), minval=0, maxval=1, dtype=tf.float32) < eps
        stochastic_actions = tf.where(chose_random, random_actions, deterministic_actions)
        output_actions = v1.cond(stochastic_ph, lambda: stochastic_actions, lambda: deterministic_actions)
        eps.assign(v1.cond(update_eps_ph >= 0, lambda: update_eps_ph, lambda: eps.read_value()))

        _, obs_t = uint8_input("obs_t")
        act_t_ph = v1.placeholder(tf.int32, [None], name="action")
        rew_t_ph = v1.placeholder(tf.float32, [None], name="reward")
        _, obs_tp1 = uint8_input("obs_tp1")
        done_mask_ph = v1.placeholder(tf.float32, [None], name="done")
        importance_weights_ph = v1.placeholder(tf.float32, [None], name="weight")
        q_t = q_func(obs_t, "q_func")
        q_vars = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope="deepq/q_func")
        q_tp1 = q_func(obs_tp1, "target_q_func")
        target_vars = v1.get_collection(v1.GraphKeys.GLOBAL_VARIABLES, scope="deepq/target_q_func")
        q_t_selected = tf.reduce_sum(q_t * tf.one_hot(act_t_ph, num_actions), 1)
        q_tp1_online = q_func(obs_tp1, "q_func")
        best = tf.argmax(q_tp1_online, 1)
        q_tp1_best = (1.0 - done_mask_ph) * tf.reduce_sum(q_tp1 * tf.one_hot(best, num_actions), 1)
        td_error = q_t_selected - tf.stop_gradient(rew_t_ph + 0.99 * q_tp1_best)
        errors = tf.where(tf.abs(td_error) < 1.0, tf.square(td_error) * 0.5, tf.abs(td_error) - 0.5)
        weighted_error = tf.reduce_mean(importance_weights_ph * errors)
        optimizer = v1.train.AdamOptimizer(5e-4)
        gradients = optimizer.compute_gradients(weighted_error, var_list=q_vars)
        optimizer.apply_gradients([(tf.clip_by_norm(g, 10), v) for g, v in gradients])
        tf.group(
            *[
                t.assign(q)
                for q, t in zip(
                    sorted(q_vars, key=lambda v: v.name),
                    sorted(target_vars, key=lambda v: v.name),
                    strict=True,
                )
            ]
        )
    return [observations_ph], [output_actions]


@case("rl", modern=True)
def spinup_soft_actor_critic() -> Truths:
    """Spinningup sac.py in TF1; test_policy.py runs model['pi'] on x, or model['mu'] if deterministic."""
    obs_dim, act_dim, alpha, gamma, polyak, act_limit = 11, 3, 0.2, 0.99, 0.995, 2.0
    x_ph, a_ph, x2_ph, r_ph, d_ph = [
        v1.placeholder(tf.float32, (None, n) if n else (None,))
        for n in (obs_dim, act_dim, obs_dim, None, None)
    ]

    def mlp(x: Tensor, sizes: list[int], act: Any, last: Any) -> Tensor:
        for k, h in enumerate(sizes):
            x = _dense(x, h, last if k == len(sizes) - 1 else act, "dense" if k == 0 else f"dense_{k}")
        return x

    def gaussian_policy(x: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        net = mlp(x, [16, 16], tf.nn.relu, tf.nn.relu)
        mu = _dense(net, act_dim, None, "dense_2")
        log_std = tf.clip_by_value(_dense(net, act_dim, None, "dense_3"), -20.0, 2.0)
        std = tf.exp(log_std)
        pi = mu + v1.random_normal(tf.shape(mu)) * std
        pre_sum = -0.5 * (((pi - mu) / (tf.exp(log_std) + 1e-8)) ** 2 + 2 * log_std + np.log(2 * np.pi))
        logp = tf.reduce_sum(pre_sum, axis=1)
        logp -= tf.reduce_sum(2 * (np.log(2) - pi - tf.nn.softplus(-2 * pi)), axis=1)
        return tf.tanh(mu), tf.tanh(pi), logp

    def actor_critic(x: Tensor, a: Tensor) -> Any:
        with v1.variable_scope("pi", reuse=v1.AUTO_REUSE):
            mu, pi, logp_pi = gaussian_policy(x, a)
            mu *= act_limit
            pi *= act_limit
        qs = []
        for name, action in (("q1", a), ("q2", a), ("q1", pi), ("q2", pi)):
            with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
                qs.append(tf.squeeze(mlp(tf.concat([x, action], -1), [16, 16, 1], tf.nn.relu, None), axis=1))
        return mu, pi, logp_pi, qs

    with v1.variable_scope("main"):
        mu, pi, logp_pi, (q1, q2, q1_pi, q2_pi) = actor_critic(x_ph, a_ph)
    with v1.variable_scope("main", reuse=True):
        _, pi_next, logp_pi_next, _ = actor_critic(x2_ph, a_ph)
    with v1.variable_scope("target"):
        _, _, _, (_, _, q1_targ, q2_targ) = actor_critic(x2_ph, pi_next)
    min_q_pi, min_q_targ = tf.minimum(q1_pi, q2_pi), tf.minimum(q1_targ, q2_targ)
    q_backup = tf.stop_gradient(r_ph + gamma * (1 - d_ph) * (min_q_targ - alpha * logp_pi_next))
    pi_loss = tf.reduce_mean(alpha * logp_pi - min_q_pi)
    value_loss = 0.5 * tf.reduce_mean((q_backup - q1) ** 2) + 0.5 * tf.reduce_mean((q_backup - q2) ** 2)

    def get_vars(scope: str) -> list[Any]:
        return [v for v in v1.trainable_variables() if scope in v.name]

    train_pi_op = v1.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=get_vars("main/pi"))
    with tf.control_dependencies([train_pi_op]):
        train_value_op = v1.train.AdamOptimizer(1e-3).minimize(value_loss, var_list=get_vars("main/q"))
    with tf.control_dependencies([train_value_op]):
        tf.group(
            [
                v1.assign(t, polyak * t + (1 - polyak) * m)
                for m, t in zip(get_vars("main"), get_vars("target"), strict=True)
            ]
        )
    tf.group([v1.assign(t, m) for m, t in zip(get_vars("main"), get_vars("target"), strict=True)])
    return [([x_ph], [pi]), ([x_ph], [mu])]


@case("rl")
def morvan_ddpg_with_ema_getter() -> Truth:
    """MorvanZhou's DDPG_update2.py: choose_action runs self.a on self.S.

    The targets come by an EMA custom getter.
    """
    s_dim, a_dim, a_bound = 3, 1, 2.0
    S = v1.placeholder(tf.float32, [None, s_dim], "s")
    S_ = v1.placeholder(tf.float32, [None, s_dim], "s_")
    R = v1.placeholder(tf.float32, [None, 1], "r")

    def build_a(s: Tensor, reuse: Any = None, custom_getter: Any = None) -> Tensor:
        with v1.variable_scope("Actor", reuse=reuse, custom_getter=custom_getter):
            with v1.variable_scope("l1"):
                k = v1.get_variable("kernel", [s_dim, 30])
                b = v1.get_variable("bias", [30], initializer=v1.zeros_initializer())
            net = tf.nn.relu(tf.matmul(s, k) + b)
            with v1.variable_scope("a"):
                k = v1.get_variable("kernel", [30, a_dim])
                b = v1.get_variable("bias", [a_dim], initializer=v1.zeros_initializer())
            return tf.multiply(tf.nn.tanh(tf.matmul(net, k) + b), a_bound, name="scaled_a")

    def build_c(s: Tensor, a: Tensor, reuse: Any = None, custom_getter: Any = None) -> Tensor:
        with v1.variable_scope("Critic", reuse=reuse, custom_getter=custom_getter):
            w1_s = v1.get_variable("w1_s", [s_dim, 30])
            w1_a = v1.get_variable("w1_a", [a_dim, 30])
            b1 = v1.get_variable("b1", [1, 30])
            net = tf.nn.relu(tf.matmul(s, w1_s) + tf.matmul(a, w1_a) + b1)
            w2 = v1.get_variable("w2", [30, 1])
            b2 = v1.get_variable("b2", [1])
            return tf.matmul(net, w2) + b2

    a = build_a(S)
    q = build_c(S, a)
    a_params = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Actor")
    c_params = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Critic")
    ema = tf.train.ExponentialMovingAverage(decay=1 - 0.01)

    def ema_getter(getter: Any, name: str, *args: Any, **kwargs: Any) -> Tensor:
        return ema.average(getter(name, *args, **kwargs))

    target_update = [ema.apply(a_params), ema.apply(c_params)]
    a_ = build_a(S_, reuse=True, custom_getter=ema_getter)
    q_ = build_c(S_, a_, reuse=True, custom_getter=ema_getter)
    a_loss = -tf.reduce_mean(q)
    v1.train.AdamOptimizer(0.001).minimize(a_loss, var_list=a_params)
    with tf.control_dependencies(target_update):
        q_target = R + 0.9 * q_
        td_error = v1.losses.mean_squared_error(labels=q_target, predictions=q)
        v1.train.AdamOptimizer(0.002).minimize(td_error, var_list=c_params)
    v1.summary.scalar("td_error", td_error)
    return [S], [a]


@case("rl")
def ppo2_with_cnn_lstm() -> Truth:
    """Baselines ppo2 --network cnn_lstm: run.py --play steps act_model with ob, state and done mask."""
    nenv, nsteps, nh, nact = 1, 4, 8, 5

    def ortho(scale: float) -> Any:
        return v1.orthogonal_initializer(scale)

    def conv(x: Tensor, scope: str, nf: int, rf: int, stride: int) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [rf, rf, int(x.shape[3]), nf], initializer=ortho(np.sqrt(2)))
            b = v1.get_variable("b", [1, 1, 1, nf], initializer=v1.constant_initializer(0.0))
            return tf.nn.relu(b + tf.nn.conv2d(x, w, [1, stride, stride, 1], "VALID"))

    def fc(x: Tensor, scope: str, n: int, scale: float = 1.0) -> Tensor:
        with v1.variable_scope(scope):
            w = v1.get_variable("w", [int(x.shape[1]), n], initializer=ortho(scale))
            b = v1.get_variable("b", [n], initializer=v1.constant_initializer(0.0))
            return tf.matmul(x, w) + b

    def policy(steps: int) -> Any:
        n = nenv * steps
        X = v1.placeholder(tf.uint8, [n, 36, 36, 4], name="Ob")
        M = v1.placeholder(tf.float32, [n])
        S = v1.placeholder(tf.float32, [nenv, 2 * nh])
        with v1.variable_scope("pi", reuse=v1.AUTO_REUSE):
            h = tf.cast(X, tf.float32) / 255.0
            h = conv(h, "c1", 8, 8, 4)
            h = conv(h, "c2", 8, 4, 2)
            h = tf.reshape(h, [-1, int(np.prod(h.shape[1:]))])
            h = tf.nn.relu(fc(h, "fc1", 16, np.sqrt(2)))
            xs = [tf.squeeze(v, [1]) for v in tf.split(tf.reshape(h, [nenv, steps, -1]), steps, 1)]
            ms = [tf.squeeze(v, [1]) for v in tf.split(tf.reshape(M, [nenv, steps, 1]), steps, 1)]
            with v1.variable_scope("lstm"):
                wx = v1.get_variable("wx", [16, nh * 4], initializer=ortho(1.0))
                wh = v1.get_variable("wh", [nh, nh * 4], initializer=ortho(1.0))
                b = v1.get_variable("b", [nh * 4], initializer=v1.constant_initializer(0.0))
            c, hh = tf.split(S, 2, axis=1)
            seq = []
            for x, m in zip(xs, ms, strict=True):
                c, hh = c * (1 - m), hh * (1 - m)
                i, f, o, u = tf.split(tf.matmul(x, wx) + tf.matmul(hh, wh) + b, 4, axis=1)
                c = tf.nn.sigmoid(f) * c + tf.nn.sigmoid(i) * tf.tanh(u)
                hh = tf.nn.sigmoid(o) * tf.tanh(c)
                seq.append(hh)
            snew = tf.concat([c, hh], 1)
            latent = tf.reshape(tf.concat(seq, 1), [-1, nh])
        with v1.variable_scope("pi_head", reuse=v1.AUTO_REUSE):
            logits = fc(latent, "pi", nact, 0.01)
        u = v1.random_uniform(tf.shape(logits), dtype=logits.dtype)
        action = tf.argmax(logits - tf.math.log(-tf.math.log(u)), -1)
        neglogp = tf.nn.softmax_cross_entropy_with_logits(labels=tf.one_hot(action, nact), logits=logits)
        with v1.variable_scope("vf", reuse=v1.AUTO_REUSE):
            vf = fc(latent, "vf", 1)[:, 0]
        return X, M, S, logits, action, vf, snew, neglogp

    with v1.variable_scope("ppo2_model", reuse=v1.AUTO_REUSE):
        X, M, S, _, action, vf, snew, neglogp = policy(1)
        _, _, _, logits, _, vpred, _, _ = policy(nsteps)
    A = v1.placeholder(tf.int64, [None])
    ADV = v1.placeholder(tf.float32, [None])
    R = v1.placeholder(tf.float32, [None])
    OLDNEGLOGPAC = v1.placeholder(tf.float32, [None])
    OLDVPRED = v1.placeholder(tf.float32, [None])
    LR = v1.placeholder(tf.float32, [])
    CLIPRANGE = v1.placeholder(tf.float32, [])
    neglogpac = tf.nn.softmax_cross_entropy_with_logits(labels=tf.one_hot(A, nact), logits=logits)
    a0 = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
    z0 = tf.reduce_sum(tf.exp(a0), axis=-1, keepdims=True)
    entropy = tf.reduce_mean(tf.reduce_sum(tf.exp(a0) / z0 * (tf.math.log(z0) - a0), axis=-1))
    vpredclipped = OLDVPRED + tf.clip_by_value(vpred - OLDVPRED, -CLIPRANGE, CLIPRANGE)
    vf_loss = 0.5 * tf.reduce_mean(tf.maximum(tf.square(vpred - R), tf.square(vpredclipped - R)))
    ratio = tf.exp(OLDNEGLOGPAC - neglogpac)
    pg_loss = tf.reduce_mean(
        tf.maximum(-ADV * ratio, -ADV * tf.clip_by_value(ratio, 1.0 - CLIPRANGE, 1.0 + CLIPRANGE))
    )
    0.5 * tf.reduce_mean(tf.square(neglogpac - OLDNEGLOGPAC))
    tf.reduce_mean(tf.cast(tf.greater(tf.abs(ratio - 1.0), CLIPRANGE), tf.float32))
    loss = pg_loss - entropy * 0.01 + vf_loss * 0.5
    params = v1.trainable_variables("ppo2_model")
    trainer = v1.train.AdamOptimizer(learning_rate=LR, epsilon=1e-5)
    grads, var = zip(*trainer.compute_gradients(loss, params), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 0.5)
    trainer.apply_gradients(list(zip(grads, var, strict=True)))
    return [X, M, S], [action, vf, snew, neglogp]


@case("rl")
def juliani_deep_recurrent_q_network() -> Truths:
    """Awjuliani's DRQN notebook: the test loop runs [mainQN.predict, mainQN.rnn_state] on scalarInput.

    Also fed are trainLength 1, state_in and batch_size 1; state_in are the zeros of zero_state.
    """
    h_size = 12

    class Qnetwork:
        def __init__(self, my_scope: str) -> None:
            self.scalarInput = v1.placeholder(shape=[None, 36 * 36 * 3], dtype=tf.float32)
            self.imageIn = tf.reshape(self.scalarInput, shape=[-1, 36, 36, 3])
            c1 = _conv(self.imageIn, 8, 8, 4, None, my_scope + "_conv1", "VALID", False)
            c2 = _conv(c1, 8, 4, 2, None, my_scope + "_conv2", "VALID", False)
            c3 = _conv(c2, h_size, 3, 1, None, my_scope + "_conv3", "VALID", False)
            self.trainLength = v1.placeholder(dtype=tf.int32)
            self.batch_size = v1.placeholder(dtype=tf.int32, shape=[])
            flat = tf.reshape(c3, [-1, h_size])
            self.convFlat = tf.reshape(flat, [self.batch_size, self.trainLength, h_size])
            with v1.name_scope("BasicLSTMCellZeroState"):
                self.c = tf.zeros([self.batch_size, h_size])
                self.h = tf.zeros([self.batch_size, h_size])
            rnn, c, h = _loop_lstm(self.convFlat, self.c, self.h, h_size, my_scope + "_rnn")
            self.rnn_state = (c, h)
            self.rnn = tf.reshape(rnn, shape=[-1, h_size])
            streamA, streamV = tf.split(self.rnn, 2, 1)
            self.AW = v1.Variable(v1.random_normal([h_size // 2, 4]))
            self.VW = v1.Variable(v1.random_normal([h_size // 2, 1]))
            self.Advantage = tf.matmul(streamA, self.AW)
            self.Value = tf.matmul(streamV, self.VW)
            self.salience = tf.gradients(self.Advantage, self.imageIn)
            self.Qout = self.Value + tf.subtract(
                self.Advantage, tf.reduce_mean(self.Advantage, axis=1, keepdims=True)
            )
            self.predict = tf.argmax(self.Qout, 1)
            self.targetQ = v1.placeholder(shape=[None], dtype=tf.float32)
            self.actions = v1.placeholder(shape=[None], dtype=tf.int32)
            self.actions_onehot = tf.one_hot(self.actions, 4, dtype=tf.float32)
            self.Q = tf.reduce_sum(tf.multiply(self.Qout, self.actions_onehot), axis=1)
            self.td_error = tf.square(self.targetQ - self.Q)
            maskA = tf.zeros([self.batch_size, self.trainLength // 2])
            maskB = tf.ones([self.batch_size, self.trainLength // 2])
            self.mask = tf.reshape(tf.concat([maskA, maskB], 1), [-1])
            self.loss = tf.reduce_mean(self.td_error * self.mask)
            self.updateModel = v1.train.AdamOptimizer(learning_rate=0.0001).minimize(self.loss)

    main = Qnetwork("main")
    Qnetwork("target")
    trainables = v1.trainable_variables()
    half = len(trainables) // 2
    for idx, var in enumerate(trainables[:half]):
        trainables[idx + half].assign(var.value() * 0.001 + 0.999 * trainables[idx + half].value())
    outs = [main.predict, *main.rnn_state]
    return [
        ([main.scalarInput, main.trainLength, main.c, main.h], outs),
        ([main.scalarInput, main.c, main.h], outs),
    ]


@case("rl", modern=True)
def dopamine_implicit_quantiles() -> Truth:
    """google/dopamine implicit_quantile_agent: _select_action runs self._q_argmax on state_ph.

    The replay buffer's py_func feeds the training.
    """
    num_actions, embedding, n_tau, n_tau_p, k_samples = 3, 8, 4, 4, 5

    def convnet(state: Tensor, num_quantiles: int, scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            batch_size = state.get_shape().as_list()[0]
            x = tf.cast(state, tf.float32)
            x = tf.divide(x, 255.0)
            x = _conv(x, 8, 8, 4, tf.nn.relu, "Conv")
            x = _conv(x, 8, 4, 2, tf.nn.relu, "Conv_1")
            x = tf.reshape(x, [batch_size, -1])
            state_size = x.get_shape().as_list()[-1]
            tiled = tf.tile(x, [num_quantiles, 1])
            quantiles = v1.random_uniform(
                [num_quantiles * batch_size, 1], minval=0, maxval=1, dtype=tf.float32
            )
            net = tf.tile(quantiles, [1, embedding])
            net = tf.cast(tf.range(1, embedding + 1, 1), tf.float32) * tf.constant(np.pi, tf.float32) * net
            net = _dense(tf.cos(net), state_size, tf.nn.relu, "fully_connected")
            net = tf.multiply(tiled, net)
            net = _dense(net, 16, tf.nn.relu, "fully_connected_1")
            return _dense(net, num_actions, None, "fully_connected_2"), quantiles

    state_ph = v1.placeholder(tf.uint8, (1, 24, 24, 4), name="state_ph")
    with v1.variable_scope("replay"):
        batch = 6
        got = v1.py_func(
            lambda: (
                np.zeros((batch, 24, 24, 4), np.uint8),
                np.zeros((batch,), np.int32),
                np.zeros((batch,), np.float32),
                np.zeros((batch, 24, 24, 4), np.uint8),
                np.zeros((batch,), np.uint8),
            ),
            [],
            [tf.uint8, tf.int32, tf.float32, tf.uint8, tf.uint8],
            name="replay_sample_py_func",
        )
        shapes = ([batch, 24, 24, 4], [batch], [batch], [batch, 24, 24, 4], [batch])
        for t, shape in zip(got, shapes, strict=True):
            t.set_shape(shape)
        states, actions, rewards, next_states, terminals = got
    values, _ = convnet(state_ph, k_samples, "Online")
    q_values = tf.reduce_mean(values, axis=0)
    q_argmax = tf.argmax(q_values, axis=0)

    replay_values, replay_quantiles = convnet(states, n_tau, "Online")
    target_values, _ = convnet(next_states, n_tau_p, "Target")
    target_q = tf.reduce_mean(
        tf.reshape(convnet(next_states, k_samples, "Target")[0], [k_samples, batch, num_actions]), 0
    )
    next_argmax = tf.argmax(target_q, axis=1)
    gamma = 0.99 * (1.0 - tf.cast(terminals, tf.float32))
    tiled_idx = tf.tile(next_argmax[:, None], [n_tau_p, 1])
    idx = tf.concat([tf.cast(tf.range(n_tau_p * batch)[:, None], tf.int64), tiled_idx], axis=1)
    target = (
        tf.tile(rewards[:, None], [n_tau_p, 1])
        + tf.tile(gamma[:, None], [n_tau_p, 1]) * tf.gather_nd(target_values, idx)[:, None]
    )
    target = tf.transpose(tf.reshape(tf.stop_gradient(target), [n_tau_p, batch, 1]), [1, 0, 2])
    chosen = tf.concat([tf.range(n_tau * batch)[:, None], tf.tile(actions[:, None], [n_tau, 1])], axis=1)
    picked = tf.transpose(tf.reshape(tf.gather_nd(replay_values, chosen), [n_tau, batch, 1]), [1, 0, 2])
    bellman = target[:, :, None, :] - picked[:, None, :, :]
    huber = tf.where(tf.abs(bellman) <= 1.0, 0.5 * bellman**2, tf.abs(bellman) - 0.5)
    rq = tf.transpose(tf.reshape(replay_quantiles, [n_tau, batch, 1]), [1, 0, 2])
    rq = tf.cast(tf.tile(rq[:, None, :, :], [1, n_tau_p, 1, 1]), tf.float32)
    ql = tf.abs(tf.stop_gradient(rq) - tf.stop_gradient(tf.cast(bellman < 0, tf.float32))) * huber
    loss = tf.reduce_mean(tf.reduce_mean(tf.reduce_sum(ql, axis=2), axis=1))
    v1.train.AdamOptimizer(0.00005, epsilon=0.0003125).minimize(
        loss, var_list=v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Online")
    )
    v1.summary.scalar("QuantileLoss", loss)
    on = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Online")
    off = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope="Target")
    [v1.assign(t, o, use_locking=True) for o, t in zip(on, off, strict=True)]
    v1.summary.merge_all()
    return [state_ph], [q_argmax]


@case("rl")
def maddpg_of_three_particles() -> Truth:
    """openai/maddpg --display: each trainer's act runs on its own observations and gives a Gumbel sample."""
    n, obs_n, act_n = 3, [6, 8, 8], [5, 5, 3]
    inputs, outputs = [], []

    def mlp_model(x: Tensor, num_outputs: int, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            out = _dense(x, 12, tf.nn.relu, "fully_connected")
            out = _dense(out, 12, tf.nn.relu, "fully_connected_1")
            return _dense(out, num_outputs, None, "fully_connected_2")

    def sample(logits: Tensor) -> Tensor:
        u = v1.random_uniform(tf.shape(logits))
        return tf.nn.softmax(logits - tf.math.log(-tf.math.log(u)), axis=-1)

    def vars_of(scope: str) -> Any:
        return v1.get_collection(
            v1.GraphKeys.TRAINABLE_VARIABLES, scope=v1.get_variable_scope().name + "/" + scope
        )

    def minimize_and_clip(optimizer: Any, objective: Tensor, var_list: list[Any]) -> Any:
        gradients = optimizer.compute_gradients(objective, var_list=var_list)
        return optimizer.apply_gradients(
            [(tf.clip_by_norm(g, 0.5), v) for g, v in gradients if g is not None]
        )

    for i in range(n):
        name = f"agent_{i}"
        obs_ph = [v1.placeholder(tf.float32, [None, o], name=f"observation{k}") for k, o in enumerate(obs_n)]
        for part in ("q", "p"):
            with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
                act_ph = [
                    v1.placeholder(tf.float32, [None, a], name=f"action{k}") for k, a in enumerate(act_n)
                ]
                optimizer = v1.train.AdamOptimizer(1e-2)
                if part == "q":
                    target_ph = v1.placeholder(tf.float32, [None], name="target")
                    q_input = tf.concat(obs_ph + act_ph, 1)
                    q = mlp_model(q_input, 1, "q_func")[:, 0]
                    q_loss = tf.reduce_mean(tf.square(q - target_ph))
                    minimize_and_clip(
                        optimizer, q_loss + 1e-3 * tf.reduce_mean(tf.square(q)), vars_of("q_func")
                    )
                    mlp_model(q_input, 1, "target_q_func")
                    pairs = zip(vars_of("q_func"), vars_of("target_q_func"), strict=True)
                else:
                    p = mlp_model(obs_ph[i], act_n[i], "p_func")
                    act_sample = sample(p)
                    p_reg = tf.reduce_mean(tf.square(p))
                    act_input = [*act_ph]
                    act_input[i] = sample(p)
                    q = mlp_model(tf.concat(obs_ph + act_input, 1), 1, "q_func")[:, 0]
                    minimize_and_clip(optimizer, -tf.reduce_mean(q) + p_reg * 1e-3, vars_of("p_func"))
                    sample(mlp_model(obs_ph[i], act_n[i], "target_p_func"))
                    pairs = zip(vars_of("p_func"), vars_of("target_p_func"), strict=True)
                    inputs.append(obs_ph[i])
                    outputs.append(act_sample)
                tf.group(*[t.assign((1.0 - 1e-2) * t + 1e-2 * v) for v, t in pairs])
    return inputs, outputs


@case("rl", frozen=True)
def alphazero_othello_frozen() -> Truth:
    """suragnair/alpha-zero-general othello/tensorflow: predict(board) runs [prob, v] on input_boards.

    It is frozen for a web demo.
    """
    board_x = board_y = 6
    action_size = 37
    input_boards = v1.placeholder(tf.float32, shape=[None, board_x, board_y])
    dropout = v1.placeholder(tf.float32)
    is_training = v1.placeholder(tf.bool, name="is_training")

    def bn(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            c = int(x.shape[-1])
            beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            mm = v1.get_variable("moving_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [c], initializer=v1.ones_initializer(), trainable=False)
            mean, var = tf.nn.moments(x, list(range(len(x.shape) - 1)))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, 0.01 * (mm - mean)))
            v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, 0.01 * (mv - var)))
            flag = tf.cast(is_training, tf.float32)
            m = flag * mean + (1 - flag) * mm
            v = flag * var + (1 - flag) * mv
            y = tf.nn.batch_normalization(x, m, v, beta, gamma, 1e-3)
            y.set_shape(x.shape)
            return y

    x = tf.reshape(input_boards, [-1, board_x, board_y, 1])
    h = tf.nn.relu(bn(_conv(x, 8, 3, 1, None, "conv2d", "SAME", False), "batch_normalization"))
    h = tf.nn.relu(bn(_conv(h, 8, 3, 1, None, "conv2d_1", "SAME", False), "batch_normalization_1"))
    h = tf.nn.relu(bn(_conv(h, 8, 3, 1, None, "conv2d_2", "VALID", False), "batch_normalization_2"))
    flat = tf.reshape(h, [-1, 8 * 4 * 4])
    fc1 = v1.nn.dropout(
        tf.nn.relu(bn(_dense(flat, 32, None, "dense", False), "batch_normalization_3")), rate=dropout
    )
    fc2 = v1.nn.dropout(
        tf.nn.relu(bn(_dense(fc1, 16, None, "dense_1", False), "batch_normalization_4")), rate=dropout
    )
    pi = _dense(fc2, action_size, None, "dense_2")
    prob = tf.nn.softmax(pi)
    v = tf.nn.tanh(_dense(fc2, 1, None, "dense_3"))
    target_pis = v1.placeholder(tf.float32, shape=[None, action_size])
    target_vs = v1.placeholder(tf.float32, shape=[None])
    loss_pi = v1.losses.softmax_cross_entropy(target_pis, pi)
    loss_v = v1.losses.mean_squared_error(target_vs, tf.reshape(v, shape=[-1]))
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(0.001).minimize(loss_pi + loss_v)
    return [input_boards], [prob, v]


@case("imitation")
def gail_with_trpo_of_baselines() -> Truth:
    """baselines/gail run_mujoco.py --task evaluate: pi.act(stochastic, ob) fetches [ac, vpred] from ob."""
    ob_dim, ac_dim, hid = 7, 2, 12
    ob = v1.placeholder(tf.float32, [None, ob_dim], name="ob")
    stochastic = v1.placeholder(tf.bool, (), name="stochastic")

    def running_mean_std(scope: str, shape: list[int]) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            s = v1.get_variable(
                "runningsum", shape, tf.float64, v1.constant_initializer(0.0), trainable=False
            )
            q = v1.get_variable(
                "runningsumsq", shape, tf.float64, v1.constant_initializer(1e-2), trainable=False
            )
            c = v1.get_variable("count", (), tf.float64, v1.constant_initializer(1e-2), trainable=False)
        new = [
            v1.placeholder(tf.float64, sh, name=k)
            for sh, k in ((shape, "sum"), (shape, "var"), ((), "count"))
        ]
        tf.group(v1.assign_add(s, new[0]), v1.assign_add(q, new[1]), v1.assign_add(c, new[2]))
        mean = tf.cast(s / c, tf.float32)
        return mean, tf.sqrt(tf.maximum(tf.cast(q / c, tf.float32) - tf.square(mean), 1e-2))

    def policy(name: str) -> dict[str, Tensor]:
        with v1.variable_scope(name):
            with v1.variable_scope("obfilter"):
                mean, std = running_mean_std("rms", [ob_dim])
            obz = tf.clip_by_value((ob - mean) / std, -5.0, 5.0)
            last = obz
            for i in range(2):
                last = tf.nn.tanh(_dense(last, hid, None, f"vffc{i + 1}"))
            vpred = _dense(last, 1, None, "vffinal")[:, 0]
            last = obz
            for i in range(2):
                last = tf.nn.tanh(_dense(last, hid, None, f"polfc{i + 1}"))
            mu = _dense(last, ac_dim, None, "polfinal")
            logstd = v1.get_variable("logstd", [1, ac_dim], initializer=v1.zeros_initializer())
            pdparam = tf.concat([mu, mu * 0.0 + logstd], axis=1)
            mean, logstd = tf.split(pdparam, 2, axis=1)
            noisy = mean + tf.exp(logstd) * v1.random_normal(tf.shape(mean))
            ac = v1.cond(stochastic, lambda: noisy, lambda: mean)
        return {"vpred": vpred, "ac": ac, "mean": mean, "logstd": logstd, "name": name}

    pi, oldpi = policy("pi"), policy("oldpi")
    atarg = v1.placeholder(tf.float32, [None])
    ret = v1.placeholder(tf.float32, [None])
    ac_ph = v1.placeholder(tf.float32, [None, ac_dim], name="ac")

    def neglogp(p: dict[str, Tensor]) -> Tensor:
        return (
            0.5 * tf.reduce_sum(tf.square((ac_ph - p["mean"]) / tf.exp(p["logstd"])), axis=-1)
            + 0.5 * np.log(2.0 * np.pi) * ac_dim
            + tf.reduce_sum(p["logstd"], axis=-1)
        )

    kl = tf.reduce_sum(
        pi["logstd"]
        - oldpi["logstd"]
        + (tf.square(tf.exp(oldpi["logstd"])) + tf.square(oldpi["mean"] - pi["mean"]))
        / (2.0 * tf.square(tf.exp(pi["logstd"])))
        - 0.5,
        axis=-1,
    )
    meankl = tf.reduce_mean(kl)
    meanent = tf.reduce_mean(tf.reduce_sum(pi["logstd"] + 0.5 * np.log(2.0 * np.pi * np.e), axis=-1))
    vferr = tf.reduce_mean(tf.square(pi["vpred"] - ret))
    surrgain = tf.reduce_mean(tf.exp(neglogp(oldpi) - neglogp(pi)) * atarg)
    optimgain = surrgain + 0.0 * meanent
    every = v1.trainable_variables("pi/")
    pol = [v for v in every if "/pol" in v.name or "logstd" in v.name]
    vf = [v for v in every if "/vff" in v.name]

    def flatgrad(loss: Tensor, vs: list[Any]) -> Tensor:
        return tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(loss, vs)], 0)

    klgrads = tf.gradients(meankl, pol)
    flat_tangent = v1.placeholder(dtype=tf.float32, shape=[None], name="flat_tan")
    start, tangents = 0, []
    for v in pol:
        size = int(np.prod(v.shape))
        tangents.append(tf.reshape(flat_tangent[start : start + size], v.shape))
        start += size
    gvp = tf.add_n([tf.reduce_sum(g * t) for g, t in zip(klgrads, tangents, strict=True)])
    flatgrad(gvp, pol)
    flatgrad(optimgain, pol)
    flatgrad(vferr, vf)
    [v1.assign(o, n) for o, n in zip(v1.global_variables("oldpi"), v1.global_variables("pi/"), strict=True)]
    theta = v1.placeholder(tf.float32, [start])
    start, assigns = 0, []
    for v in pol:
        size = int(np.prod(v.shape))
        assigns.append(v1.assign(v, tf.reshape(theta[start : start + size], v.shape)))
        start += size
    tf.group(*assigns)

    g_ob = v1.placeholder(tf.float32, (None, ob_dim), name="observations_ph")
    g_ac = v1.placeholder(tf.float32, (None, ac_dim), name="actions_ph")
    e_ob = v1.placeholder(tf.float32, (None, ob_dim), name="expert_observations_ph")
    e_ac = v1.placeholder(tf.float32, (None, ac_dim), name="expert_actions_ph")

    def discriminator(o: Tensor, a: Tensor) -> Tensor:
        with v1.variable_scope("adversary", reuse=v1.AUTO_REUSE):
            mean, std = running_mean_std("obfilter", [ob_dim])
            x = tf.concat([(o - mean) / std, a], axis=1)
            x = _dense(x, hid, tf.nn.tanh, "fully_connected")
            x = _dense(x, hid, tf.nn.tanh, "fully_connected_1")
            return _dense(x, 1, tf.identity, "fully_connected_2")

    g_logits, e_logits = discriminator(g_ob, g_ac), discriminator(e_ob, e_ac)
    tf.reduce_mean(tf.cast(tf.nn.sigmoid(g_logits) < 0.5, tf.float32))
    tf.reduce_mean(tf.cast(tf.nn.sigmoid(e_logits) > 0.5, tf.float32))
    g_loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=g_logits, labels=tf.zeros_like(g_logits))
    )
    e_loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=e_logits, labels=tf.ones_like(e_logits))
    )
    logits = tf.concat([g_logits, e_logits], 0)
    ent = tf.reduce_mean((1.0 - tf.nn.sigmoid(logits)) * logits + tf.nn.softplus(-logits))
    flatgrad(g_loss + e_loss - 0.001 * ent, v1.trainable_variables("adversary"))
    -tf.math.log(1 - tf.nn.sigmoid(g_logits) + 1e-8)
    return [ob], [pi["ac"], pi["vpred"]]


@case("bandit")
def juliani_contextual_bandit() -> Truth:
    """Awjuliani's contextual bandits: the agent runs chosen_action on state_in, one integer."""
    s_size, a_size = 3, 4
    state_in = v1.placeholder(shape=[1], dtype=tf.int32)
    state_in_OH = tf.one_hot(state_in, s_size)
    with v1.variable_scope("fully_connected"):
        weights = v1.get_variable("weights", [s_size, a_size], initializer=v1.ones_initializer())
        output = tf.nn.sigmoid(tf.matmul(state_in_OH, weights))
    output = tf.reshape(output, [-1])
    chosen_action = tf.argmax(output, 0)
    reward_holder = v1.placeholder(shape=[1], dtype=tf.float32)
    action_holder = v1.placeholder(shape=[1], dtype=tf.int32)
    responsible_weight = tf.slice(output, action_holder, [1])
    loss = -(tf.math.log(responsible_weight) * reward_holder)
    optimizer = v1.train.GradientDescentOptimizer(learning_rate=0.001)
    optimizer.minimize(loss)
    return [state_in], [chosen_action]


@case("rl")
def pathak_curiosity_with_a3c() -> Truth:
    """pathak22/noreward-rl: inference.py acts with the network in the scope 'global'; only this is saved.

    policy.act fetches sample, vf, c and h from x, c_in and h_in.
    """
    ob_space, ac_space, size = [42, 42, 4], 6, 8

    def linear(x: Tensor, n: int, name: str) -> Tensor:
        w = v1.get_variable(
            name + "/w", [int(x.shape[1]), n], initializer=v1.random_normal_initializer(0, 0.01)
        )
        b = v1.get_variable(name + "/b", [n], initializer=v1.constant_initializer(0))
        return tf.matmul(x, w) + b

    def head(x: Tensor) -> Tensor:
        for i in range(4):
            with v1.variable_scope(f"l{i + 1}"):
                w = v1.get_variable("W", [3, 3, int(x.shape[-1]), 4])
                b = v1.get_variable("b", [1, 1, 1, 4], initializer=v1.constant_initializer(0.0))
                x = tf.nn.elu(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME") + b)
        return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])

    class LSTMPolicy:
        def __init__(self) -> None:
            self.x = v1.placeholder(tf.float32, [None, *ob_space])
            x = tf.expand_dims(head(self.x), [0])
            self.c_in = v1.placeholder(tf.float32, [1, size], name="c_in")
            self.h_in = v1.placeholder(tf.float32, [1, size], name="h_in")
            out, c, h = _loop_lstm(x, self.c_in, self.h_in, size, "RNN")
            x = tf.reshape(out, [-1, size])
            self.vf = tf.reshape(linear(x, 1, "value"), [-1])
            self.state_out = [c[:1, :], h[:1, :]]
            self.logits = linear(x, ac_space, "action")
            self.probs = tf.nn.softmax(self.logits, axis=-1)[0, :]
            norm = self.logits - tf.reduce_max(self.logits, [1], keepdims=True)
            drawn = tf.squeeze(v1.multinomial(norm, 1), [1])
            self.sample = tf.one_hot(drawn, ac_space)[0, :]
            self.var_list = v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, v1.get_variable_scope().name)

    def predictor() -> tuple[Tensor, Tensor, Tensor, list[Any]]:
        s1 = v1.placeholder(tf.float32, [None, *ob_space])
        s2 = v1.placeholder(tf.float32, [None, *ob_space])
        asample = v1.placeholder(tf.float32, [None, ac_space])
        phi1 = head(s1)
        with v1.variable_scope(v1.get_variable_scope(), reuse=True):
            phi2 = head(s2)
        g = tf.nn.relu(linear(tf.concat([phi1, phi2], 1), 16, "g1"))
        logits = linear(g, ac_space, "glast")
        invloss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=tf.argmax(asample, axis=1)),
            name="invloss",
        )
        tf.nn.softmax(logits, axis=-1)
        f = tf.nn.relu(linear(tf.concat([phi1, asample], 1), 16, "f1"))
        f = linear(f, int(phi1.shape[1]), "flast")
        forwardloss = 0.5 * tf.reduce_mean(tf.square(tf.subtract(f, phi2)), name="forwardloss") * 288.0
        return (
            asample,
            invloss,
            forwardloss,
            v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, v1.get_variable_scope().name),
        )

    with v1.variable_scope("global"):
        network = LSTMPolicy()
        global_step = v1.get_variable(
            "global_step", [], tf.int32, v1.constant_initializer(0), trainable=False
        )
        with v1.variable_scope("predictor"):
            _, _, _, ap_global = predictor()
    with v1.variable_scope("local"):
        pi = LSTMPolicy()
        with v1.variable_scope("predictor"):
            _, invloss, forwardloss, ap_vars = predictor()
    ac = v1.placeholder(tf.float32, [None, ac_space], name="ac")
    adv = v1.placeholder(tf.float32, [None], name="adv")
    r = v1.placeholder(tf.float32, [None], name="r")
    log_prob, prob = tf.nn.log_softmax(pi.logits), tf.nn.softmax(pi.logits)
    pi_loss = -tf.reduce_mean(tf.reduce_sum(log_prob * ac, 1) * adv)
    vf_loss = 0.5 * tf.reduce_mean(tf.square(pi.vf - r))
    entropy = -tf.reduce_mean(tf.reduce_sum(prob * log_prob, 1))
    grads = tf.gradients((pi_loss + 0.5 * vf_loss - entropy * 0.01) * 20.0, pi.var_list)
    predgrads = tf.gradients(20.0 * (invloss * 0.8 + forwardloss * 0.2), ap_vars)
    v1.summary.scalar("model/policy_loss", pi_loss)
    v1.summary.image("model/state", pi.x)
    v1.summary.scalar("model/grad_global_norm", tf.linalg.global_norm(grads))
    grads, _ = tf.clip_by_global_norm(grads, 40.0)
    predgrads, _ = tf.clip_by_global_norm(predgrads, 40.0)
    pairs = list(zip(grads, network.var_list, strict=True)) + list(zip(predgrads, ap_global, strict=True))
    opt = v1.train.AdamOptimizer(1e-4)
    tf.group(opt.apply_gradients(pairs), global_step.assign_add(tf.shape(pi.x)[0]))
    tf.group(*[a.assign(b) for a, b in zip(pi.var_list + ap_vars, network.var_list + ap_global, strict=True)])
    v1.summary.merge_all()
    return [network.x, network.c_in, network.h_in], [network.sample, network.vf, *network.state_out]


@case("worldmodel", plain=True)
def world_models_mdn_rnn() -> Truth:
    """Hardmaru's world models, rnn.py: sampling runs the one step model.

    It feeds input_x (z and action) and initial_state, and fetches out_logmix, out_mean, out_logstd and
    final_state.
    """
    z_size, action_size, rnn_size, mixture = 4, 2, 10, 3
    log_sqrt_two_pi = np.log(np.sqrt(2.0 * np.pi))

    def model(batch_size: int, seq_len: int) -> Any:
        input_x = v1.placeholder(dtype=tf.float32, shape=[batch_size, seq_len, z_size + action_size])
        output_x = v1.placeholder(dtype=tf.float32, shape=[batch_size, seq_len, z_size])
        with v1.name_scope("LSTMCellZeroState"):
            c0 = tf.zeros([batch_size, rnn_size])
            h0 = tf.zeros([batch_size, rnn_size])
        with v1.variable_scope("RNN", reuse=v1.AUTO_REUSE):
            w = v1.get_variable("output_w", [rnn_size, z_size * mixture * 3])
            b = v1.get_variable("output_b", [z_size * mixture * 3])
            output, c, h = _loop_lstm(input_x, c0, h0, rnn_size)
        output = v1.nn.xw_plus_b(tf.reshape(output, [-1, rnn_size]), w, b)
        output = tf.reshape(output, [-1, mixture * 3])
        logmix, mean, logstd = tf.split(output, 3, 1)
        logmix -= tf.reduce_logsumexp(logmix, 1, keepdims=True)
        return input_x, output_x, (c0, h0), logmix, mean, logstd, (c, h)

    global_step = v1.Variable(0, name="global_step", trainable=False)
    with v1.variable_scope("mdn_rnn", reuse=v1.AUTO_REUSE):
        _, target, _, logmix, mean, logstd, _ = model(5, 7)
    flat = tf.reshape(target, [-1, 1])
    v = logmix + (-0.5 * ((flat - mean) / tf.exp(logstd)) ** 2 - logstd - log_sqrt_two_pi)
    cost = tf.reduce_mean(-tf.reduce_logsumexp(v, 1, keepdims=True))
    lr = v1.Variable(0.001, trainable=False)
    optimizer = v1.train.AdamOptimizer(lr)
    gvs = optimizer.compute_gradients(cost)
    optimizer.apply_gradients(
        [(tf.clip_by_value(g, -1.0, 1.0), var) for g, var in gvs], global_step=global_step, name="train_step"
    )
    for k, var in enumerate(v1.trainable_variables()):
        v1.assign(var, v1.placeholder(var.dtype.base_dtype, var.shape, name=f"assign_value_{k}"))
    with v1.variable_scope("mdn_rnn", reuse=True):
        x, _, (c0, h0), logmix, mean, logstd, (c, h) = model(1, 1)
    return [x, c0, h0], [logmix, mean, logstd, c, h]


# ================================================================ generators and what learns without labels


@case("translation")
def cyclegan_of_xhujoy() -> Truths:
    """xhujoy/CycleGAN-tensorflow: test() feeds test_A and fetches testB, or test_B and testA."""
    size, nf = 16, 4

    def instance_norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name):
            depth = int(x.shape[3])
            scale = v1.get_variable("scale", [depth], initializer=v1.random_normal_initializer(1.0, 0.02))
            offset = v1.get_variable("offset", [depth], initializer=v1.constant_initializer(0.0))
            mean, variance = tf.nn.moments(x, axes=[1, 2], keepdims=True)
            return scale * ((x - mean) * v1.rsqrt(variance + 1e-5)) + offset

    def deconv(x: Tensor, n: int, name: str) -> Tensor:
        with v1.variable_scope(name):
            w = v1.get_variable("Conv2d_transpose/weights", [3, 3, n, int(x.shape[-1])])
            shape = tf.shape(x)
            y = tf.nn.conv2d_transpose(
                x, w, tf.stack([shape[0], shape[1] * 2, shape[2] * 2, n]), [1, 2, 2, 1], "SAME"
            )
            y.set_shape(
                [None, x.shape[1] * 2 if x.shape[1] else None, x.shape[2] * 2 if x.shape[2] else None, n]
            )
            return y

    def generator(image: Tensor, name: str, reuse: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            c0 = tf.pad(image, [[0, 0], [3, 3], [3, 3], [0, 0]], "REFLECT")
            c1 = tf.nn.relu(instance_norm(_conv(c0, nf, 7, 1, None, "g_e1_c", "VALID", False), "g_e1_bn"))
            c2 = tf.nn.relu(instance_norm(_conv(c1, nf * 2, 3, 2, None, "g_e2_c", "SAME", False), "g_e2_bn"))
            r = c2
            for k in range(2):
                y = tf.pad(r, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
                y = tf.nn.relu(
                    instance_norm(_conv(y, nf * 2, 3, 1, None, f"g_r{k}_c1", "VALID", False), f"g_r{k}_bn1")
                )
                y = tf.pad(y, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
                r = r + instance_norm(
                    _conv(y, nf * 2, 3, 1, None, f"g_r{k}_c2", "VALID", False), f"g_r{k}_bn2"
                )
            d1 = tf.nn.relu(instance_norm(deconv(r, nf, "g_d1_dc"), "g_d1_bn"))
            d2 = tf.pad(d1, [[0, 0], [3, 3], [3, 3], [0, 0]], "REFLECT")
            return tf.nn.tanh(_conv(d2, 3, 7, 1, None, "g_pred_c", "VALID", False))

    def discriminator(image: Tensor, name: str, reuse: bool = False) -> Tensor:
        with v1.variable_scope(name, reuse=reuse):
            h0 = tf.nn.leaky_relu(_conv(image, nf, 4, 2, None, "d_h0_conv"))
            h1 = tf.nn.leaky_relu(instance_norm(_conv(h0, nf * 2, 4, 2, None, "d_h1_conv"), "d_bn1"))
            return _conv(h1, 1, 4, 1, None, "d_h3_pred")

    def mae(a: Tensor, b: Tensor) -> Tensor:
        return tf.reduce_mean(tf.abs(a - b))

    def sce(a: Tensor, b: Tensor) -> Tensor:
        return tf.reduce_mean((a - b) ** 2)

    real_data = v1.placeholder(tf.float32, [None, size, size, 6], name="real_A_and_B_images")
    real_A, real_B = real_data[:, :, :, :3], real_data[:, :, :, 3:6]
    fake_B = generator(real_A, "generatorA2B")
    fake_A_ = generator(fake_B, "generatorB2A")
    fake_A = generator(real_B, "generatorB2A", True)
    fake_B_ = generator(fake_A, "generatorA2B", True)
    DB_fake = discriminator(fake_B, "discriminatorB")
    DA_fake = discriminator(fake_A, "discriminatorA")
    cycle = 10.0 * mae(real_A, fake_A_) + 10.0 * mae(real_B, fake_B_)
    g_loss = sce(DA_fake, tf.ones_like(DA_fake)) + sce(DB_fake, tf.ones_like(DB_fake)) + cycle
    fake_A_sample = v1.placeholder(tf.float32, [None, size, size, 3], name="fake_A_sample")
    fake_B_sample = v1.placeholder(tf.float32, [None, size, size, 3], name="fake_B_sample")
    d_loss = 0.0
    for real, fake, name in (
        (real_B, fake_B_sample, "discriminatorB"),
        (real_A, fake_A_sample, "discriminatorA"),
    ):
        d_real, d_fake = discriminator(real, name, True), discriminator(fake, name, True)
        one = (sce(d_real, tf.ones_like(d_real)) + sce(d_fake, tf.zeros_like(d_fake))) / 2
        v1.summary.scalar(name + "_loss", one)
        d_loss += one
    v1.summary.scalar("g_loss", g_loss)
    test_A = v1.placeholder(tf.float32, [None, size, size, 3], name="test_A")
    test_B = v1.placeholder(tf.float32, [None, size, size, 3], name="test_B")
    testB = generator(test_A, "generatorA2B", True)
    testA = generator(test_B, "generatorB2A", True)
    lr = v1.placeholder(tf.float32, None, name="learning_rate")
    t_vars = v1.trainable_variables()
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        d_loss, var_list=[v for v in t_vars if "discriminator" in v.name]
    )
    v1.train.AdamOptimizer(lr, beta1=0.5).minimize(
        g_loss, var_list=[v for v in t_vars if "generator" in v.name]
    )
    v1.summary.merge_all()
    return [([test_A], [testB]), ([test_B], [testA]), ([test_A, test_B], [testB, testA])]


@case("gan")
def began_of_carpedm20() -> Truth:
    """carpedm20/BEGAN-tensorflow: generate() runs self.G with {self.z: ...}, where z is a random_uniform.

    The images come by a queue.
    """
    z_num, hidden, scale = 6, 4, 16

    paths = v1.train.string_input_producer(["a.jpg", "b.jpg"], shuffle=False, seed=1)
    _, data = v1.WholeFileReader().read(paths)
    image = tf.image.decode_jpeg(data, channels=3)
    image.set_shape([24, 24, 3])
    queue = v1.train.shuffle_batch(
        [image], batch_size=4, num_threads=2, capacity=60, min_after_dequeue=10, name="synthetic_inputs"
    )
    queue = v1.image.resize_nearest_neighbor(queue, [scale, scale])
    data_loader = tf.cast(queue, tf.float32)
    x = data_loader / 127.5 - 1.0

    def upscale(t: Tensor) -> Tensor:
        _, h, w, _ = t.shape.as_list()
        return v1.image.resize_nearest_neighbor(t, (h * 2, w * 2))

    def decoder(t: Tensor) -> Tensor:
        t = tf.reshape(_dense(t, 8 * 8 * hidden, None, "fully_connected"), [-1, 8, 8, hidden])
        t = _conv(t, hidden, 3, 1, tf.nn.elu, "Conv")
        t = upscale(_conv(t, hidden, 3, 1, tf.nn.elu, "Conv_1"))
        t = _conv(t, hidden, 3, 1, tf.nn.elu, "Conv_2")
        return _conv(t, 3, 3, 1, None, "Conv_3")

    def generator(z: Tensor) -> tuple[Tensor, list[Any]]:
        with v1.variable_scope("G") as vs:
            out = decoder(z)
        return out, v1.trainable_variables(vs.name + "/")

    def discriminator(t: Tensor) -> tuple[Tensor, Tensor, list[Any]]:
        with v1.variable_scope("D") as vs:
            with v1.variable_scope("enc"):
                t = _conv(t, hidden, 3, 1, tf.nn.elu, "Conv")
                t = _conv(t, hidden * 2, 3, 2, tf.nn.elu, "Conv_1")
                t = tf.reshape(t, [-1, 8 * 8 * hidden * 2])
                z = t = _dense(t, z_num, None, "fully_connected")
            with v1.variable_scope("dec"):
                out = decoder(t)
        return out, z, v1.trainable_variables(vs.name + "/")

    def denorm_img(norm: Tensor) -> Tensor:
        return tf.clip_by_value((norm + 1) * 127.5, 0, 255)

    step = v1.Variable(0, name="step", trainable=False)
    g_lr = v1.Variable(0.00008, name="g_lr")
    d_lr = v1.Variable(0.00008, name="d_lr")
    v1.assign(g_lr, tf.maximum(g_lr * 0.5, 0.00002), name="g_lr_update")
    v1.assign(d_lr, tf.maximum(d_lr * 0.5, 0.00002), name="d_lr_update")
    z = v1.random_uniform((tf.shape(x)[0], z_num), minval=-1.0, maxval=1.0)
    k_t = v1.Variable(0.0, trainable=False, name="k_t")
    G, G_var = generator(z)
    d_out, _, D_var = discriminator(tf.concat([G, x], 0))
    AE_G, AE_x = tf.split(d_out, 2)
    shown = denorm_img(G)
    denorm_img(AE_G), denorm_img(AE_x)
    d_loss_real = tf.reduce_mean(tf.abs(AE_x - x))
    d_loss_fake = tf.reduce_mean(tf.abs(AE_G - G))
    d_loss = d_loss_real - k_t * d_loss_fake
    g_loss = tf.reduce_mean(tf.abs(AE_G - G))
    d_optim = v1.train.AdamOptimizer(d_lr).minimize(d_loss, var_list=D_var)
    g_optim = v1.train.AdamOptimizer(g_lr).minimize(g_loss, global_step=step, var_list=G_var)
    balance = 0.5 * d_loss_real - g_loss
    measure = d_loss_real + tf.abs(balance)
    with tf.control_dependencies([d_optim, g_optim]):
        v1.assign(k_t, tf.clip_by_value(k_t + 0.001 * balance, 0, 1))
    v1.summary.merge(
        [
            v1.summary.image("G", shown),
            v1.summary.image("AE_G", denorm_img(AE_G)),
            v1.summary.scalar("loss/d_loss", d_loss),
            v1.summary.scalar("misc/measure", measure),
            v1.summary.scalar("misc/k_t", k_t),
        ]
    )
    return [z], [shown]


@case("vae")
def vq_vae_with_ema_codebook() -> Truth:
    """A VQ-VAE like hiwonjoon's: images come from tfrecords.

    The test script feeds the tensor x of the iterator and shows p_x_z.
    """
    K, D, beta, gamma = 8, 4, 0.25, 0.99

    def parse(example: Tensor) -> Tensor:
        f = v1.parse_single_example(example, {"image": v1.FixedLenFeature([], tf.string)})
        im = tf.reshape(v1.decode_raw(f["image"], tf.uint8), [16, 16, 3])
        return tf.cast(im, tf.float32) / 255.0

    data = tf.data.TFRecordDataset(["train.tfrecord"]).map(parse).shuffle(20).repeat().batch(4)
    x = v1.data.make_one_shot_iterator(data).get_next()
    with v1.variable_scope("params"):
        with v1.variable_scope("enc"):
            h = _conv(x, 8, 4, 2, tf.nn.relu, "c1")
            h = _conv(h, 8, 4, 2, tf.nn.relu, "c2")
            r = _conv(tf.nn.relu(h), 8, 3, 1, tf.nn.relu, "r1")
            h = h + _conv(r, 8, 1, 1, None, "r2")
            z_e = _conv(h, D, 1, 1, None, "to_z")
        with v1.variable_scope("embed"):
            embeds = v1.get_variable(
                "embed", [K, D], initializer=v1.truncated_normal_initializer(stddev=0.02), trainable=False
            )
            ema_count = v1.get_variable("ema_count", [K], initializer=v1.ones_initializer(), trainable=False)
            ema_w = v1.get_variable("ema_w", initializer=embeds.initialized_value(), trainable=False)
        flat = tf.reshape(z_e, [-1, D])
        dist = (
            tf.reduce_sum(flat**2, 1, keepdims=True)
            - 2 * tf.matmul(flat, embeds, transpose_b=True)
            + tf.reduce_sum(embeds**2, 1)
        )
        k = tf.argmin(dist, axis=1)
        onehot = tf.one_hot(k, K)
        z_q = tf.reshape(tf.nn.embedding_lookup(embeds, k), tf.shape(z_e))
        z_q.set_shape(z_e.shape)
        straight = z_e + tf.stop_gradient(z_q - z_e)
        with v1.variable_scope("dec"):
            h = _conv(straight, 8, 3, 1, tf.nn.relu, "c1")
            w = v1.get_variable("dc1/w", [4, 4, 8, 8])
            h = tf.nn.relu(tf.nn.conv2d_transpose(h, w, [tf.shape(h)[0], 8, 8, 8], [1, 2, 2, 1], "SAME"))
            w = v1.get_variable("dc2/w", [4, 4, 3, 8])
            p_x_z = tf.nn.conv2d_transpose(h, w, [tf.shape(h)[0], 16, 16, 3], [1, 2, 2, 1], "SAME")
            p_x_z = tf.nn.sigmoid(p_x_z)
    recon = tf.reduce_mean((p_x_z - x) ** 2)
    commit = tf.reduce_mean((tf.stop_gradient(z_q) - z_e) ** 2)
    loss = recon + beta * commit
    avg = tf.reduce_mean(onehot, 0)
    perplexity = tf.exp(-tf.reduce_sum(avg * tf.math.log(avg + 1e-10)))
    new_count = v1.assign(ema_count, ema_count * gamma + (1 - gamma) * tf.reduce_sum(onehot, 0))
    new_w = v1.assign(ema_w, ema_w * gamma + (1 - gamma) * tf.matmul(onehot, flat, transpose_a=True))
    with tf.control_dependencies([new_count, new_w]):
        update = v1.assign(embeds, ema_w.read_value() / tf.expand_dims(ema_count.read_value() + 1e-5, 1))
    global_step = v1.train.get_or_create_global_step()
    lr = v1.train.exponential_decay(2e-4, global_step, 1000, 0.5, staircase=True)
    with tf.control_dependencies([update]):
        v1.train.AdamOptimizer(lr).minimize(loss, global_step=global_step)
    v1.summary.scalar("recon", recon)
    v1.summary.scalar("perplexity", perplexity)
    v1.summary.image("images", tf.concat([x, p_x_z], axis=2), max_outputs=4)
    v1.summary.merge_all()
    return [x], [p_x_z]


@case("autoregressive")
def gated_pixelcnn_conditional() -> Truth:
    """anantzoid/Conditional-PixelCNN-decoder: generate_samples fetches pred pixel by pixel.

    It feeds X and the one-hot condition h.
    """
    height = width = 8
    f_map, num_classes = 4, 10
    X = v1.placeholder(tf.float32, shape=[None, height, width, 1])
    h = v1.placeholder(tf.float32, shape=[None, num_classes])

    def weights(shape: list[int], name: str, mask: str | None, stack: str) -> Tensor:
        W = v1.get_variable(name, shape, tf.float32, v1.glorot_uniform_initializer())
        if mask:
            m = np.ones(shape, np.float32)
            fh, fw = shape[0], shape[1]
            if stack == "v":
                m[fh // 2 + (0 if mask == "a" else 1) :, :] = 0.0
            else:
                m[:, fw // 2 + (0 if mask == "a" else 1) :] = 0.0
            W = W * m
        return W

    def gated(
        x: Tensor, name: str, size: list[int], mask: str, stack: str, payload: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        parts = []
        with v1.variable_scope(name):
            for g in ("f", "g"):
                W = weights([*size, int(x.shape[-1]), f_map], "weights_" + g, mask, stack)
                b = tf.reshape(
                    tf.matmul(h, v1.get_variable("V_" + g, [num_classes, f_map])), [-1, 1, 1, f_map]
                )
                c = tf.nn.conv2d(x, W, [1, 1, 1, 1], "SAME") + b
                if payload is not None:
                    c = c + tf.nn.conv2d(
                        payload, v1.get_variable("p_" + g, [1, 1, f_map, f_map]), [1, 1, 1, 1], "SAME"
                    )
                parts.append(c)
        return tf.multiply(tf.tanh(parts[0]), tf.sigmoid(parts[1])), parts[0]

    v_in, h_in = X, X
    for i in range(3):
        mask = "a" if i == 0 else "b"
        v_in, raw = gated(v_in, f"v_stack{i}", [3, 3], mask, "v")
        hs, _ = gated(h_in, f"h_stack{i}", [1, 3], mask, "h", raw)
        with v1.variable_scope(f"h_stack_1{i}"):
            hs = tf.nn.conv2d(hs, v1.get_variable("W", [1, 1, f_map, f_map]), [1, 1, 1, 1], "SAME")
        h_in = hs if i == 0 else hs + h_in
    with v1.variable_scope("fc_1"):
        fc1 = tf.nn.relu(tf.nn.conv2d(h_in, v1.get_variable("W", [1, 1, f_map, f_map]), [1, 1, 1, 1], "SAME"))
    with v1.variable_scope("fc_2"):
        fc2 = tf.nn.conv2d(fc1, v1.get_variable("W", [1, 1, f_map, 1]), [1, 1, 1, 1], "SAME")
    pred = tf.nn.sigmoid(fc2)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=fc2, labels=X))
    trainer = v1.train.RMSPropOptimizer(1e-3)
    gradients = trainer.compute_gradients(loss)
    trainer.apply_gradients([(tf.clip_by_value(g, -1, 1), v) for g, v in gradients if g is not None])
    v1.summary.scalar("loss", loss)
    v1.summary.merge_all()
    return [X, h], [pred]


@case("flow")
def real_nvp_in_two_towers() -> Truth:
    """taesungp/real-nvp: each gpu has its xs.

    Sampling feeds noise to x_sample and fetches new_x_gen of the inverse model.
    """
    size, ch, nf = 4, 3, 6
    checker = (np.indices((size, size)).sum(0) % 2).astype(np.float32)[None, :, :, None]

    def st(x: Tensor, i: int) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(f"coupling{i}", reuse=v1.AUTO_REUSE):
            n = _conv(x, nf, 3, 1, tf.nn.relu, "c1")
            n = n + _conv(tf.nn.relu(n), nf, 3, 1, None, "c2")
            n = _conv(n, 2 * ch, 1, 1, None, "c3")
            s, t = tf.split(n, 2, axis=3)
            scale = v1.get_variable("weights_scale", [1], initializer=v1.constant_initializer(1e-2))
            return scale * tf.tanh(s), t

    def mask(i: int) -> Any:
        return checker if i % 2 == 0 else 1.0 - checker

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        y = x * 0.9 + 0.05
        y = tf.math.log(y) - tf.math.log(1.0 - y)
        jac = tf.reduce_sum(tf.nn.softplus(y) + tf.nn.softplus(-y), [1, 2, 3])
        for i in range(4):
            b = mask(i)
            s, t = st(y * b, i)
            y = b * y + (1 - b) * (y * tf.exp(s) + t)
            jac += tf.reduce_sum((1 - b) * s, [1, 2, 3])
        return y, jac

    def inverse(y: Tensor) -> Tensor:
        for i in reversed(range(4)):
            b = mask(i)
            s, t = st(y * b, i)
            y = b * y + (1 - b) * (y - t) * tf.exp(-s)
        return (tf.sigmoid(y) - 0.05) / 0.9

    x_init = v1.placeholder(tf.float32, shape=(6, size, size, ch))
    forward(x_init)
    all_params = v1.trainable_variables()
    ema = tf.train.ExponentialMovingAverage(decay=0.9995)
    maintain = tf.group(ema.apply(all_params))
    losses, grads = [], []
    for i in range(2):
        xs = v1.placeholder(tf.float32, shape=(3, size, size, ch))
        with v1.name_scope(f"gpu_{i}"):
            z, jac = forward(xs)
            prior = -0.5 * tf.reduce_sum(z**2 + np.log(2 * np.pi), [1, 2, 3])
            losses.append(-tf.reduce_mean(prior + jac))
            grads.append(tf.gradients(losses[-1], all_params))
    x_sample = v1.placeholder(tf.float32, shape=(4, size, size, ch))
    new_x_gen = inverse(x_sample)
    lr = v1.placeholder(tf.float32, shape=[])
    with v1.name_scope("gpu_0/"):
        total = [tf.add_n([g[j] for g in grads]) for j in range(len(all_params))]
        bits = tf.add_n(losses) / (np.log(2.0) * size * size * ch * 2)
        opt = v1.train.AdamOptimizer(lr, 0.95).apply_gradients(list(zip(total, all_params, strict=True)))
        tf.group(opt, maintain)
    v1.summary.scalar("bits_per_dim", bits)
    return [x_sample], [new_x_gen]


@case("diffusion", modern=True)
def ddpm_with_sampling_loop() -> Truth:
    """hojonathanho/diffusion: training on a dataset with EMA; the sampler is p_sample_loop.

    That is a while_loop that draws its own noise; the eval script fetches the samples and feeds nothing.
    """
    T, size, ch = 20, 8, 4
    betas = np.linspace(1e-4, 0.02, T)
    alphas = np.cumprod(1.0 - betas)
    prev = np.append(1.0, alphas[:-1])

    def tab(a: Any) -> Tensor:
        return tf.constant(a.astype(np.float32))

    sqrt_ac, sqrt_1ac = tab(np.sqrt(alphas)), tab(np.sqrt(1.0 - alphas))
    recip, recipm1 = tab(np.sqrt(1.0 / alphas)), tab(np.sqrt(1.0 / alphas - 1))
    coef1 = tab(betas * np.sqrt(prev) / (1.0 - alphas))
    coef2 = tab((1.0 - prev) * np.sqrt(1.0 - betas) / (1.0 - alphas))
    logvar = tab(
        np.log(np.append((betas * (1 - prev) / (1 - alphas))[1], (betas * (1 - prev) / (1 - alphas))[1:]))
    )

    def at(a: Tensor, t: Tensor) -> Tensor:
        return tf.reshape(tf.gather(a, t), [-1, 1, 1, 1])

    def nin(x: Tensor, n: int, name: str) -> Tensor:
        return _conv(x, n, 1, 1, None, name)

    def group_norm(x: Tensor, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            c = int(x.shape[-1])
            g = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            b = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
            return (x - m) * tf.math.rsqrt(v + 1e-6) * g + b

    def res(x: Tensor, temb: Tensor, out: int, name: str) -> Tensor:
        with v1.variable_scope(name, reuse=v1.AUTO_REUSE):
            h = _conv(tf.nn.swish(group_norm(x, "norm1")), out, 3, 1, None, "conv1")
            h += _dense(tf.nn.swish(temb), out, None, "temb_proj")[:, None, None, :]
            h = _conv(tf.nn.swish(group_norm(h, "norm2")), out, 3, 1, None, "conv2")
            return (nin(x, out, "nin_shortcut") if int(x.shape[-1]) != out else x) + h

    def unet(x: Tensor, t: Tensor) -> Tensor:
        with v1.variable_scope("model", reuse=v1.AUTO_REUSE):
            freq = np.exp(np.arange(4) * -(np.log(10000.0) / 3)).astype(np.float32)
            emb = tf.cast(t, tf.float32)[:, None] * freq[None, :]
            emb = tf.concat([tf.sin(emb), tf.cos(emb)], axis=1)
            emb = _dense(tf.nn.swish(_dense(emb, 16, None, "temb/dense0")), 16, None, "temb/dense1")
            h0 = _conv(x, ch, 3, 1, None, "conv_in")
            h1 = res(h0, emb, ch, "down_0")
            h2 = res(_conv(h1, ch, 3, 2, None, "downsample"), emb, 2 * ch, "down_1")
            q, k, v = (nin(group_norm(h2, "attn/norm"), 2 * ch, "attn/" + s) for s in "qkv")
            w = tf.einsum("bhwc,bHWc->bhwHW", q, k) * (2 * ch) ** -0.5
            w = tf.nn.softmax(tf.reshape(w, [-1, 4, 4, 16]), -1)
            h2 = h2 + nin(
                tf.einsum("bhwHW,bHWc->bhwc", tf.reshape(w, [-1, 4, 4, 4, 4]), v), 2 * ch, "attn/proj_out"
            )
            u = _conv(v1.image.resize_nearest_neighbor(h2, [8, 8]), ch, 3, 1, None, "upsample")
            u = res(tf.concat([u, h1], -1), emb, ch, "up_0")
            return _conv(tf.nn.swish(group_norm(u, "norm_out")), 3, 3, 1, None, "conv_out")

    ds = (
        tf.data.Dataset.from_tensor_slices(np.zeros((8, size, size, 3), np.uint8))
        .repeat()
        .batch(4, drop_remainder=True)
    )
    image = v1.data.make_initializable_iterator(ds).get_next()
    x0 = tf.cast(image, tf.float32) / 127.5 - 1.0
    t = v1.random_uniform([4], 0, T, dtype=tf.int32)
    noise = v1.random_normal(tf.shape(x0))
    noisy = at(sqrt_ac, t) * x0 + at(sqrt_1ac, t) * noise
    loss = tf.reduce_mean(tf.math.squared_difference(noise, unet(noisy, t)))
    step = v1.train.get_or_create_global_step()
    opt = v1.train.AdamOptimizer(2e-4 * tf.minimum(tf.cast(step, tf.float32) / 100.0, 1.0))
    grads, vs = zip(*opt.compute_gradients(loss), strict=True)
    grads, norm = tf.clip_by_global_norm(grads, 1.0)
    train = opt.apply_gradients(list(zip(grads, vs, strict=True)), global_step=step)
    ema = tf.train.ExponentialMovingAverage(0.9999)
    with tf.control_dependencies([train]):
        ema.apply(v1.trainable_variables())
    v1.summary.scalar("train/loss", loss)
    v1.summary.scalar("train/gnorm", norm)

    def p_sample(i: Tensor, x: Tensor) -> Any:
        tt = tf.fill([5], i)
        recon = tf.clip_by_value(at(recip, tt) * x - at(recipm1, tt) * unet(x, tt), -1.0, 1.0)
        mean = at(coef1, tt) * recon + at(coef2, tt) * x
        nonzero = tf.reshape(1 - tf.cast(tf.equal(tt, 0), tf.float32), [5, 1, 1, 1])
        return i - 1, mean + nonzero * tf.exp(0.5 * at(logvar, tt)) * v1.random_normal([5, size, size, 3])

    _, img = v1.while_loop(
        lambda i, _: tf.greater_equal(i, 0),
        p_sample,
        [tf.constant(T - 1), v1.random_normal([5, size, size, 3])],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([5, size, size, 3])],
        back_prop=False,
    )
    return [], [img]


@case("textgan")
def seqgan_generator_and_discriminator() -> Truth:
    """LantaoYu/SeqGAN: generate() runs gen_x, which starts from the start token by itself: nothing is fed."""
    num_emb, batch, emb, hid, length = 12, 4, 5, 6, 7
    with v1.variable_scope("generator"):
        g_embeddings = v1.Variable(v1.random_normal([num_emb, emb], stddev=0.1))
        Ws = [v1.Variable(v1.random_normal([emb, hid], stddev=0.1)) for _ in range(4)]
        Us = [v1.Variable(v1.random_normal([hid, hid], stddev=0.1)) for _ in range(4)]
        bs = [v1.Variable(v1.random_normal([hid], stddev=0.1)) for _ in range(4)]
        Wo = v1.Variable(v1.random_normal([hid, num_emb], stddev=0.1))
        bo = v1.Variable(v1.random_normal([num_emb], stddev=0.1))
        g_params = [g_embeddings, *Ws, *Us, *bs, Wo, bo]

        def unit(x: Tensor, memory: Tensor) -> Tensor:
            h, c = tf.unstack(memory)
            i, f, o = (tf.sigmoid(tf.matmul(x, Ws[k]) + tf.matmul(h, Us[k]) + bs[k]) for k in range(3))
            c = f * c + i * tf.nn.tanh(tf.matmul(x, Ws[3]) + tf.matmul(h, Us[3]) + bs[3])
            return tf.stack([o * tf.nn.tanh(c), c])

        def logits_of(memory: Tensor) -> Tensor:
            return tf.matmul(tf.unstack(memory)[0], Wo) + bo

    x = v1.placeholder(tf.int32, shape=[batch, length])
    rewards = v1.placeholder(tf.float32, shape=[batch, length])
    processed_x = tf.transpose(tf.nn.embedding_lookup(g_embeddings, x), perm=[1, 0, 2])
    h0 = tf.stack([tf.zeros([batch, hid]), tf.zeros([batch, hid])])
    start_token = tf.constant([0] * batch, dtype=tf.int32)
    gen_o = tf.TensorArray(tf.float32, size=length, dynamic_size=False, infer_shape=True)
    gen_x = tf.TensorArray(tf.int32, size=length, dynamic_size=False, infer_shape=True)

    def _g_recurrence(i: Tensor, x_t: Tensor, h_tm1: Tensor, gen_o: Any, gen_x: Any) -> Any:
        h_t = unit(x_t, h_tm1)
        o_t = logits_of(h_t)
        next_token = tf.cast(
            tf.reshape(v1.multinomial(tf.math.log(tf.nn.softmax(o_t)), 1), [batch]), tf.int32
        )
        x_tp1 = tf.nn.embedding_lookup(g_embeddings, next_token)
        gen_o = gen_o.write(
            i, tf.reduce_sum(tf.multiply(tf.one_hot(next_token, num_emb, 1.0, 0.0), tf.nn.softmax(o_t)), 1)
        )
        return i + 1, x_tp1, h_t, gen_o, gen_x.write(i, next_token)

    _, _, _, gen_o, gen_x = v1.while_loop(
        lambda i, _1, _2, _3, _4: i < length,
        _g_recurrence,
        (tf.constant(0, dtype=tf.int32), tf.nn.embedding_lookup(g_embeddings, start_token), h0, gen_o, gen_x),
    )
    gen_x = tf.transpose(gen_x.stack(), perm=[1, 0])

    g_predictions = tf.TensorArray(tf.float32, size=length)
    ta_emb_x = tf.TensorArray(tf.float32, size=length).unstack(processed_x)

    def _pretrain(i: Tensor, x_t: Tensor, h_tm1: Tensor, preds: Any) -> Any:
        h_t = unit(x_t, h_tm1)
        return i + 1, ta_emb_x.read(i), h_t, preds.write(i, tf.nn.softmax(logits_of(h_t)))

    _, _, _, g_predictions = v1.while_loop(
        lambda i, *_: i < length,
        _pretrain,
        (tf.constant(0), tf.nn.embedding_lookup(g_embeddings, start_token), h0, g_predictions),
    )
    g_predictions = tf.transpose(g_predictions.stack(), perm=[1, 0, 2])
    logp = tf.math.log(tf.clip_by_value(tf.reshape(g_predictions, [-1, num_emb]), 1e-20, 1.0))
    hot = tf.one_hot(tf.cast(tf.reshape(x, [-1]), tf.int32), num_emb, 1.0, 0.0)
    pretrain_loss = -tf.reduce_sum(hot * logp) / (length * batch)
    opt = v1.train.AdamOptimizer(0.01)
    grad, _ = tf.clip_by_global_norm(tf.gradients(pretrain_loss, g_params), 5.0)
    opt.apply_gradients(zip(grad, g_params, strict=True))
    g_loss = -tf.reduce_sum(tf.reduce_sum(hot * logp, 1) * tf.reshape(rewards, [-1]))
    g_opt = v1.train.AdamOptimizer(0.01)
    g_grad, _ = tf.clip_by_global_norm(tf.gradients(g_loss, g_params), 5.0)
    g_opt.apply_gradients(zip(g_grad, g_params, strict=True))

    input_x = v1.placeholder(tf.int32, [None, length], name="input_x")
    input_y = v1.placeholder(tf.float32, [None, 2], name="input_y")
    keep = v1.placeholder(tf.float32, name="dropout_keep_prob")
    with v1.variable_scope("discriminator"):
        W = v1.Variable(v1.random_uniform([num_emb, emb], -1.0, 1.0), name="W")
        chars = tf.expand_dims(tf.nn.embedding_lookup(W, input_x), -1)
        pooled = []
        for fs in (2, 3):
            with v1.name_scope(f"conv-maxpool-{fs}"):
                F = v1.Variable(v1.truncated_normal([fs, emb, 1, 4], stddev=0.1), name="W")
                b = v1.Variable(tf.constant(0.1, shape=[4]), name="b")
                hh = tf.nn.relu(
                    tf.nn.bias_add(tf.nn.conv2d(chars, F, [1, 1, 1, 1], "VALID", name="conv"), b), name="relu"
                )
                pooled.append(
                    v1.nn.max_pool(hh, [1, length - fs + 1, 1, 1], [1, 1, 1, 1], "VALID", name="pool")
                )
        flat = tf.reshape(tf.concat(pooled, 3), [-1, 8])
        drop = v1.nn.dropout(flat, rate=1 - keep)
        with v1.name_scope("output"):
            Wd = v1.Variable(v1.truncated_normal([8, 2], stddev=0.1), name="W")
            bd = v1.Variable(tf.constant(0.1, shape=[2]), name="b")
            scores = v1.nn.xw_plus_b(drop, Wd, bd, name="scores")
            tf.nn.softmax(scores)
            tf.argmax(scores, 1, name="predictions")
        d_loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=input_y))
        d_loss += 0.2 * (tf.nn.l2_loss(Wd) + tf.nn.l2_loss(bd))
    d_opt = v1.train.AdamOptimizer(1e-4)
    d_vars = [v for v in v1.trainable_variables() if "discriminator" in v.name]
    d_opt.apply_gradients(d_opt.compute_gradients(d_loss, d_vars))
    return [], [gen_x]


@case("recommender")
def multinomial_vae_for_collaborative_filtering() -> Truth:
    """dawenl/vae_cf: the test loop feeds input_ph, fetches logits and takes the best not yet seen."""
    p_dims = [6, 12, 40]
    q_dims = p_dims[::-1]
    input_ph = v1.placeholder(dtype=tf.float32, shape=[None, 40])
    keep_prob_ph = v1.placeholder_with_default(1.0, shape=None)
    is_training_ph = v1.placeholder_with_default(0.0, shape=None)
    anneal_ph = v1.placeholder_with_default(1.0, shape=None)
    weights_q, biases_q, weights_p, biases_p = [], [], [], []
    for i, (d_in, d_out) in enumerate(pairwise(q_dims)):
        if i == len(q_dims[:-1]) - 1:
            d_out *= 2
        weights_q.append(
            v1.get_variable(
                f"weight_q_{i}to{i + 1}", [d_in, d_out], initializer=v1.glorot_uniform_initializer()
            )
        )
        biases_q.append(
            v1.get_variable(
                f"bias_q_{i + 1}", [d_out], initializer=v1.truncated_normal_initializer(stddev=0.001)
            )
        )
        v1.summary.histogram(f"weight_q_{i}to{i + 1}", weights_q[-1])
    for i, (d_in, d_out) in enumerate(pairwise(p_dims)):
        weights_p.append(
            v1.get_variable(
                f"weight_p_{i}to{i + 1}", [d_in, d_out], initializer=v1.glorot_uniform_initializer()
            )
        )
        biases_p.append(
            v1.get_variable(
                f"bias_p_{i + 1}", [d_out], initializer=v1.truncated_normal_initializer(stddev=0.001)
            )
        )
    h = v1.nn.dropout(tf.nn.l2_normalize(input_ph, 1), rate=1 - keep_prob_ph)
    for i, (w, b) in enumerate(zip(weights_q, biases_q, strict=True)):
        h = tf.matmul(h, w) + b
        if i != len(weights_q) - 1:
            h = tf.nn.tanh(h)
        else:
            mu_q = h[:, : q_dims[-1]]
            logvar_q = h[:, q_dims[-1] :]
            std_q = tf.exp(0.5 * logvar_q)
            KL = tf.reduce_mean(tf.reduce_sum(0.5 * (-logvar_q + tf.exp(logvar_q) + mu_q**2 - 1), axis=1))
    epsilon = v1.random_normal(tf.shape(std_q))
    h = mu_q + is_training_ph * epsilon * std_q
    for i, (w, b) in enumerate(zip(weights_p, biases_p, strict=True)):
        h = tf.matmul(h, w) + b
        if i != len(weights_p) - 1:
            h = tf.nn.tanh(h)
    logits = h
    log_softmax_var = tf.nn.log_softmax(logits)
    neg_ll = -tf.reduce_mean(tf.reduce_sum(log_softmax_var * input_ph, axis=-1))
    reg_var = 0.01 * tf.add_n([tf.nn.l2_loss(w) for w in weights_q + weights_p])
    neg_ELBO = neg_ll + anneal_ph * KL + 2 * reg_var
    v1.train.AdamOptimizer(1e-3).minimize(neg_ELBO)
    v1.summary.scalar("negative_multi_ll", neg_ll)
    v1.summary.scalar("KL", KL)
    v1.summary.scalar("neg_ELBO_train", neg_ELBO)
    v1.summary.merge_all()
    ndcg_var = v1.Variable(0.0)
    v1.summary.scalar("ndcg_at_k_validation", ndcg_var)
    return [input_ph], [logits]


@case("graph", modern=True)
def kipf_variational_graph_autoencoder() -> Truth:
    """tkipf/gae: get_roc_score runs model.z_mean with the sparse features and the normalized adjacency."""
    num_nodes, num_features, nonzero = 9, 7, 20
    features = v1.sparse_placeholder(tf.float32)
    adj = v1.sparse_placeholder(tf.float32)
    adj_orig = v1.sparse_placeholder(tf.float32)
    dropout = v1.placeholder_with_default(0.0, shape=())

    def glorot(a: int, b: int, name: str) -> Any:
        r = np.sqrt(6.0 / (a + b))
        return v1.Variable(v1.random_uniform([a, b], -r, r), name=name)

    with v1.variable_scope("gcnmodelvae"):
        with v1.name_scope("graphconvolutionsparse_1"):
            keep = tf.cast(tf.floor((1 - dropout) + v1.random_uniform([nonzero])), tf.bool)
            x = tf.sparse.retain(features, keep)
            x = tf.SparseTensor(x.indices, x.values * (1.0 / (1 - dropout)), x.dense_shape)
            x = tf.sparse.sparse_dense_matmul(x, glorot(num_features, 8, "weights"))
            hidden = tf.nn.relu(tf.sparse.sparse_dense_matmul(adj, x))

        def graph_convolution(h: Tensor, k: int) -> Tensor:
            with v1.name_scope(f"graphconvolution_{k}"):
                y = v1.nn.dropout(h, rate=dropout)
                y = tf.matmul(y, glorot(8, 4, "weights"))
                return tf.sparse.sparse_dense_matmul(adj, y)

        z_mean = graph_convolution(hidden, 1)
        z_log_std = graph_convolution(hidden, 2)
        z = z_mean + v1.random_normal([num_nodes, 4]) * tf.exp(z_log_std)
        with v1.name_scope("innerproductdecoder_1"):
            zz = v1.nn.dropout(z, rate=dropout)
            reconstructions = tf.reshape(tf.matmul(zz, tf.transpose(zz)), [-1])
    with v1.name_scope("optimizer"):
        labels = tf.reshape(tf.sparse.to_dense(adj_orig, validate_indices=False), [-1])
        cost = 1.2 * tf.reduce_mean(
            tf.nn.weighted_cross_entropy_with_logits(logits=reconstructions, labels=labels, pos_weight=3.0)
        )
        kl = (0.5 / num_nodes) * tf.reduce_mean(
            tf.reduce_sum(1 + 2 * z_log_std - tf.square(z_mean) - tf.square(tf.exp(z_log_std)), 1)
        )
        cost -= kl
        v1.train.AdamOptimizer(0.01).minimize(cost)
        correct = tf.equal(
            tf.cast(tf.greater_equal(tf.sigmoid(reconstructions), 0.5), tf.int32), tf.cast(labels, tf.int32)
        )
        tf.reduce_mean(tf.cast(correct, tf.float32))
    return [
        features.indices,
        features.values,
        features.dense_shape,
        adj.indices,
        adj.values,
        adj.dense_shape,
    ], [z_mean]


@case("metric")
def triplet_reid_with_query_tower() -> Truth:
    """Like VisualComputingInstitute/triplet-reid, with training and embedding in one graph.

    embed feeds the images of the second iterator, fetches emb of the tower that uses moving averages.
    """

    def read(path: Tensor, pid: Tensor) -> Any:
        im = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
        im = tf.image.resize(im, [32, 16])
        return im, path, pid

    def crop(im: Tensor, fid: Tensor, pid: Tensor) -> Any:
        return tf.image.random_flip_left_right(v1.random_crop(im, (28, 14, 3))), fid, pid

    def central(im: Tensor, fid: Tensor, pid: Tensor) -> Any:
        return im[2:30, 1:15], fid, pid

    files, pids = np.array(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]), np.array(["1", "1", "2", "2"])
    ds = (
        tf.data.Dataset.from_tensor_slices((files, pids))
        .shuffle(4)
        .repeat()
        .map(read)
        .map(crop)
        .batch(4)
        .prefetch(1)
    )
    images, _, ids = v1.data.make_one_shot_iterator(ds).get_next()
    dq = tf.data.Dataset.from_tensor_slices((files, pids)).map(read).map(central).batch(4)
    query_images, _, _ = v1.data.make_one_shot_iterator(dq).get_next()

    def batch_norm(x: Tensor, training: bool) -> Tensor:
        c = int(x.shape[-1])
        with v1.variable_scope("BatchNorm"):
            beta = v1.get_variable("beta", [c], initializer=v1.zeros_initializer())
            gamma = v1.get_variable("gamma", [c], initializer=v1.ones_initializer())
            mm = v1.get_variable("moving_mean", [c], initializer=v1.zeros_initializer(), trainable=False)
            mv = v1.get_variable("moving_variance", [c], initializer=v1.ones_initializer(), trainable=False)
        if not training:
            y, _, _ = v1.nn.fused_batch_norm(x, gamma, beta, mm, mv, is_training=False)
            return y
        y, mean, var = v1.nn.fused_batch_norm(x, gamma, beta, is_training=True)
        v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mm, (mm - mean) * 0.1))
        v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, v1.assign_sub(mv, (mv - var) * 0.1))
        return y

    def endpoints(ims: Tensor, training: bool) -> Tensor:
        x = ims - tf.constant([123.68, 116.78, 103.94], dtype=tf.float32, shape=(1, 1, 1, 3))
        with v1.variable_scope("MobilenetV1", reuse=not training):
            for i, (n, s) in enumerate(((4, 2), (8, 2), (8, 1))):
                with v1.variable_scope(f"Conv2d_{i}_depthwise"):
                    dw = v1.get_variable("depthwise_weights", [3, 3, int(x.shape[-1]), 1])
                    x = tf.nn.relu6(batch_norm(tf.nn.depthwise_conv2d(x, dw, [1, s, s, 1], "SAME"), training))
                with v1.variable_scope(f"Conv2d_{i}_pointwise"):
                    pw = v1.get_variable("weights", [1, 1, int(x.shape[-1]), n])
                    v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, 4e-5 * tf.nn.l2_loss(pw))
                    x = tf.nn.relu6(batch_norm(tf.nn.conv2d(x, pw, [1, 1, 1, 1], "SAME"), training))
        pooled = tf.reduce_mean(x, axis=(1, 2))
        with v1.variable_scope("head", reuse=not training):
            w = v1.get_variable("fc1/weights", [8, 16])
            h = tf.nn.relu(tf.matmul(pooled, w))
            w = v1.get_variable("emb/weights", [16, 6])
            b = v1.get_variable("emb/biases", [6], initializer=v1.zeros_initializer())
            return tf.nn.l2_normalize(tf.matmul(h, w) + b, -1)

    emb = endpoints(images, True)
    dists = tf.sqrt(tf.reduce_sum(tf.square(tf.expand_dims(emb, 1) - tf.expand_dims(emb, 0)), -1) + 1e-12)
    same = tf.equal(tf.expand_dims(ids, 1), tf.expand_dims(ids, 0))
    furthest = tf.reduce_max(dists * tf.cast(same, tf.float32), axis=1)
    closest = tf.reduce_min(dists + 1e5 * tf.cast(same, tf.float32), axis=1)
    losses = tf.nn.softplus(furthest - closest)
    loss = tf.reduce_mean(losses)
    prec = tf.reduce_mean(tf.cast(furthest < closest, tf.float32))
    v1.summary.scalar("loss", loss)
    v1.summary.scalar("batch_top1", prec)
    v1.summary.histogram("losses", losses)
    step = v1.Variable(0, name="global_step", trainable=False)
    rate = v1.train.exponential_decay(3e-4, tf.maximum(0, step - 15000), 10000, 0.001)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        v1.train.AdamOptimizer(rate, epsilon=1e-3).minimize(
            loss + tf.add_n(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)), global_step=step
        )
    out = endpoints(query_images, False)
    return [query_images], [out]


@case("energy", modern=True)
def energy_model_with_langevin_sampling() -> Truth:
    """openai/ebm_code_release, class conditional.

    The sandbox feeds X_NOISE and LABEL and fetches x_mod after the Langevin steps.
    """
    size, nf, classes = 12, 4, 10
    X_NOISE = v1.placeholder(shape=(None, size, size, 3), dtype=tf.float32)
    X = v1.placeholder(shape=(None, size, size, 3), dtype=tf.float32)
    LABEL = v1.placeholder(shape=(None, classes), dtype=tf.float32)
    LABEL_POS = v1.placeholder(shape=(None, classes), dtype=tf.float32)
    weights: dict[str, Any] = {}
    with v1.variable_scope("context_0"):
        for k, (i, o) in {
            "c1_pre": (3, nf),
            "res_1_c1": (nf, nf),
            "res_1_c2": (nf, nf),
            "res_2_c1": (nf, nf),
        }.items():
            weights[k] = v1.get_variable(k, [3, 3, i, o])
        for k in ("res_1_c1", "res_2_c1"):
            weights[k + "_gb"] = v1.get_variable(k + "_gb", [classes, nf])
        weights["fc5"] = v1.get_variable("fc5w", [nf, 1])

    def conv_cond(x: Tensor, label: Tensor, k: str) -> Tensor:
        y = tf.nn.conv2d(x, weights[k], [1, 1, 1, 1], "SAME")
        if k + "_gb" in weights:
            y = y * (1 + tf.matmul(label, weights[k + "_gb"])[:, None, None, :])
        return tf.nn.leaky_relu(y)

    def energy(x: Tensor, label: Tensor) -> Tensor:
        h = tf.nn.leaky_relu(tf.nn.conv2d(x, weights["c1_pre"], [1, 1, 1, 1], "SAME"))
        h = h + conv_cond(conv_cond(h, label, "res_1_c1"), label, "res_1_c2")
        h = tf.nn.avg_pool2d(h, 2, 2, "SAME")
        h = h + conv_cond(h, label, "res_2_c1")
        h = tf.reduce_sum(tf.nn.relu(h), [1, 2])
        return tf.matmul(h, weights["fc5"])

    def langevin(i: Tensor, x: Tensor, last: Tensor) -> Any:
        x = x + v1.random_normal(tf.shape(x), mean=0.0, stddev=0.005)
        e = energy(x, LABEL)
        grad = tf.gradients(e, [x])[0]
        x = tf.clip_by_value(x - 10.0 * grad, 0, 1)
        return i + 1, x, e

    _, x_mod, _ = v1.while_loop(
        lambda i, *_: tf.less(i, 5),
        langevin,
        (tf.constant(0), X_NOISE, tf.zeros([tf.shape(X_NOISE)[0], 1])),
        shape_invariants=(tf.TensorShape([]), X_NOISE.shape, tf.TensorShape([None, 1])),
    )
    energy_pos = energy(X, LABEL_POS)
    energy_neg = energy(tf.stop_gradient(x_mod), LABEL)
    loss_ml = tf.reduce_mean(energy_pos) - tf.reduce_mean(energy_neg)
    l2 = tf.reduce_mean(tf.square(energy_pos)) + tf.reduce_mean(tf.square(energy_neg))
    optimizer = v1.train.AdamOptimizer(1e-4, beta1=0.0, beta2=0.999)
    gvs = optimizer.compute_gradients(loss_ml + l2)
    optimizer.apply_gradients([(tf.clip_by_value(g, -0.1, 0.1), v) for g, v in gvs if g is not None])
    ema = tf.train.ExponentialMovingAverage(decay=0.999)
    ema.apply(v1.trainable_variables())
    tf.reduce_mean(tf.abs(x_mod - X_NOISE))
    v1.summary.scalar("loss_ml", loss_ml)
    return [X_NOISE, LABEL], [x_mod]


@case("clustering")
def deep_embedded_clustering() -> Truths:
    """A DEC as HaebinShin's: layerwise pretraining, the whole autoencoder, KL of the soft assignments.

    Prediction runs pred (or q, the soft assignment) on input_.
    """
    dims, n_cluster = [20, 12, 8, 4], 5
    input_ = v1.placeholder(tf.float32, [None, dims[0]], name="input_")
    input_batch_size = v1.placeholder(tf.int32, shape=(), name="input_batch_size")
    keep_prob = v1.placeholder(tf.float32)
    enc_w, dec_w = [], []
    with v1.name_scope("stacked_auto_encoder"):
        for i in range(3):
            enc_w.append(
                (
                    v1.Variable(v1.random_normal([dims[i], dims[i + 1]], stddev=0.01), name="W"),
                    v1.Variable(tf.zeros([dims[i + 1]]), name="b"),
                )
            )
            dec_w.append(
                (
                    v1.Variable(v1.random_normal([dims[i + 1], dims[i]], stddev=0.01), name="W"),
                    v1.Variable(tf.zeros([dims[i]]), name="b"),
                )
            )
    for i in range(3):
        with v1.name_scope(f"layerwise_{i}"):
            z = v1.placeholder(tf.float32, [None, dims[i]])
            y = v1.nn.dropout(z, rate=1 - keep_prob)
            y = tf.matmul(y, enc_w[i][0]) + enc_w[i][1]
            y = tf.nn.relu(y) if i < 2 else y
            y = tf.matmul(v1.nn.dropout(y, rate=1 - keep_prob), dec_w[i][0]) + dec_w[i][1]
            y = tf.nn.relu(y) if i > 0 else y
            loss = tf.reduce_mean(tf.square(z - y))
            v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss, var_list=[*enc_w[i], *dec_w[i]])
    h = input_
    for i, (W, b) in enumerate(enc_w):
        h = tf.matmul(h, W) + b
        h = tf.nn.relu(h) if i < 2 else h
    encoder = h
    for i, (W, b) in reversed(list(enumerate(dec_w))):
        h = tf.matmul(h, W) + b
        h = tf.nn.relu(h) if i > 0 else h
    ae_loss = tf.reduce_mean(tf.square(h - input_))
    ae_step = v1.Variable(0, trainable=False)
    v1.train.MomentumOptimizer(
        v1.train.exponential_decay(0.1, ae_step, 20000, 0.1, staircase=True), 0.9
    ).minimize(ae_loss, global_step=ae_step)
    mu = v1.Variable(tf.zeros(shape=(n_cluster, dims[-1])), name="mu")
    with v1.name_scope("distribution"):
        dist = tf.reduce_sum(tf.square(tf.expand_dims(encoder, 1) - tf.expand_dims(mu, 0)), axis=2)
        q = 1.0 / (1.0 + dist / 1.0) ** ((1.0 + 1.0) / 2.0)
        q = q / tf.reduce_sum(q, axis=1, keepdims=True)
        pred = tf.argmax(q, axis=1)
        p = v1.placeholder(tf.float32, shape=(None, n_cluster))
        kl = tf.reduce_mean(tf.reduce_sum(p * tf.math.log(p / q), axis=1))
        v1.train.AdamOptimizer(0.001).minimize(kl, var_list=[v for pair in enc_w for v in pair] + [mu])
    mu_init = v1.placeholder(tf.float32, shape=(n_cluster, dims[-1]))
    v1.assign(mu, mu_init)
    tf.tile(tf.range(input_batch_size)[:, None], [1, n_cluster])
    return [([input_], [pred]), ([input_], [q])]


@case("audio")
def wavenet_with_fast_generation() -> Truth:
    """ibab/tensorflow-wavenet on piano recordings: training by a PaddingFIFOQueue of audio.

    generate.py with fast generation feeds the last sample (an integer) and fetches the next sample's
    probabilities.
    """
    Q, res, dil, skip = 16, 4, 4, 6
    dilations = [1, 2, 4, 1, 2]
    with v1.name_scope("create_inputs"):
        sample_placeholder = v1.placeholder(dtype=tf.float32, shape=None)
        queue = v1.PaddingFIFOQueue(32, ["float32"], shapes=[(None, 1)])
        queue.enqueue([sample_placeholder])
        audio_batch = queue.dequeue_many(2)
    var: dict[str, Any] = {}
    with v1.variable_scope("wavenet"):
        init = v1.glorot_uniform_initializer()
        with v1.variable_scope("causal_layer"):
            var["causal"] = v1.Variable(init([2, Q, res]), name="filter")
        var["stack"] = []
        with v1.variable_scope("dilated_stack"):
            for i, _ in enumerate(dilations):
                with v1.variable_scope(f"layer{i}"):
                    var["stack"].append(
                        {
                            "filter": v1.Variable(init([2, res, dil]), name="filter"),
                            "gate": v1.Variable(init([2, res, dil]), name="gate"),
                            "dense": v1.Variable(init([1, dil, res]), name="dense"),
                            "skip": v1.Variable(init([1, dil, skip]), name="skip"),
                            "skip_bias": v1.Variable(tf.zeros([skip]), name="slip_bias"),
                        }
                    )
        with v1.variable_scope("postprocessing"):
            var["post1"] = v1.Variable(init([1, skip, skip]), name="postprocess1")
            var["post2"] = v1.Variable(init([1, skip, Q]), name="postprocess2")
    with v1.name_scope("wavenet"):
        with v1.name_scope("encode"):
            mu = float(Q - 1)
            magnitude = tf.math.log1p(mu * tf.minimum(tf.abs(audio_batch), 1.0)) / np.log1p(mu)
            encoded = tf.cast((tf.sign(audio_batch) * magnitude + 1) / 2 * mu + 0.5, tf.int32)
        hot = tf.reshape(tf.one_hot(encoded, depth=Q, dtype=tf.float32), [2, -1, Q])
        x = hot[:, :-1, :]
        current = v1.nn.conv1d(x, var["causal"], stride=1, padding="VALID")
        outs = []
        field = 1 + sum(dilations) + 1
        width = tf.shape(x)[1] - field + 1
        for i, d in enumerate(dilations):
            with v1.name_scope(f"layer{i}"):
                w = var["stack"][i]
                f = v1.nn.convolution(current, w["filter"], "VALID", dilation_rate=[d])
                g = v1.nn.convolution(current, w["gate"], "VALID", dilation_rate=[d])
                out = tf.tanh(f) * tf.sigmoid(g)
                transformed = v1.nn.conv1d(out, w["dense"], stride=1, padding="SAME", name="dense")
                cut = tf.slice(out, [0, tf.shape(out)[1] - width, 0], [-1, -1, -1])
                cut.set_shape([2, None, dil])
                outs.append(
                    v1.nn.conv1d(cut, w["skip"], stride=1, padding="SAME", name="skip") + w["skip_bias"]
                )
                current = (
                    tf.slice(current, [0, tf.shape(current)[1] - tf.shape(transformed)[1], 0], [-1, -1, -1])
                    + transformed
                )
                current.set_shape([2, None, res])
        with v1.name_scope("postprocessing"):
            y = v1.nn.conv1d(tf.nn.relu(sum(outs)), var["post1"], stride=1, padding="SAME")
            raw = v1.nn.conv1d(tf.nn.relu(y), var["post2"], stride=1, padding="SAME")
        with v1.name_scope("loss"):
            target = tf.reshape(tf.slice(hot, [0, field, 0], [-1, -1, -1]), [-1, Q])
            loss = tf.reduce_mean(
                tf.nn.softmax_cross_entropy_with_logits(logits=tf.reshape(raw, [-1, Q]), labels=target)
            )
            v1.summary.scalar("loss", loss)
            l2 = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name])
            total = loss + 1e-4 * l2
            v1.summary.scalar("total_loss", total)
    v1.train.AdamOptimizer(1e-3, epsilon=1e-4).minimize(total, var_list=v1.trainable_variables())
    v1.summary.merge_all()

    samples = v1.placeholder(tf.int32)
    with v1.name_scope("wavenet_1"):
        encoding = tf.reshape(tf.one_hot(samples, Q), [-1, Q])
        init_ops, push_ops = [], []
        q = v1.FIFOQueue(1, dtypes=tf.float32, shapes=(1, Q))
        init_ops.append(q.enqueue_many(tf.zeros((1, 1, Q))))
        past = q.dequeue()
        push_ops.append(q.enqueue([encoding]))
        current = tf.matmul(past, var["causal"][0]) + tf.matmul(encoding, var["causal"][1])
        outs = []
        for i, d in enumerate(dilations):
            with v1.name_scope(f"layer{i}"):
                q = v1.FIFOQueue(d, dtypes=tf.float32, shapes=(1, res))
                init_ops.append(q.enqueue_many(tf.zeros((d, 1, res))))
                past = q.dequeue()
                push_ops.append(q.enqueue([current]))
                w = var["stack"][i]
                f = tf.matmul(past, w["filter"][0]) + tf.matmul(current, w["filter"][1])
                g = tf.matmul(past, w["gate"][0]) + tf.matmul(current, w["gate"][1])
                out = tf.tanh(f) * tf.sigmoid(g)
                outs.append(tf.matmul(out, w["skip"][0]) + w["skip_bias"])
                current = current + tf.matmul(out, w["dense"][0])
        with v1.name_scope("postprocessing"):
            y = tf.matmul(tf.nn.relu(sum(outs)), var["post1"][0])
            y = tf.matmul(tf.nn.relu(y), var["post2"][0])
        proba = tf.cast(tf.nn.softmax(tf.cast(y, tf.float64)), tf.float32)
        last = tf.slice(proba, [tf.shape(proba)[0] - 1, 0], [1, Q])
        next_sample = tf.reshape(last, [-1])
        tf.group(*init_ops), tf.group(*push_ops)
    return [samples], [next_sample]
