"""Agents: distributions of returns, clipped policies, twin critics, curiosity, workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import fc
from benchmarks.endpoints.layers import Lstm, conv, flatten, v1, weight

Tensor = Any


def _within(scope: str) -> list[Any]:
    return list(v1.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES, scope))


def _copy(source: str, target: str, rate: float = 1.0, name: str = "update_target") -> Any:
    """One op that moves the target's variables towards the source's."""
    pairs = zip(_within(source), _within(target), strict=True)
    return tf.group(*[v1.assign(t, rate * s + (1 - rate) * t) for s, t in pairs], name=name)


@case("reinforcement")
def returns_as_distributions_over_atoms() -> Truths:
    """C51: a softmax over atoms for each action, the target projected in the graph, the best by mean."""
    state = v1.placeholder(tf.uint8, [None, 20, 20, 4], name="state_ph")
    following = v1.placeholder(tf.uint8, [None, 20, 20, 4], name="next_state_ph")
    action = v1.placeholder(tf.int32, [None], name="action_ph")
    reward = v1.placeholder(tf.float32, [None], name="reward_ph")
    terminal = v1.placeholder(tf.float32, [None], name="terminal_ph")
    support = tf.linspace(-10.0, 10.0, 11)

    def net(x: Tensor, scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope):
            h = tf.cast(x, tf.float32) / 255.0
            h = flatten(conv(conv(h, 6, 4, "Conv", stride=2), 6, 3, "Conv_1", stride=2))
            h = fc(fc(h, 24, tf.nn.relu, "fully_connected"), 3 * 11, name="fully_connected_1")
            probabilities = tf.nn.softmax(tf.reshape(h, [-1, 3, 11]))
            return probabilities, tf.reduce_sum(support * probabilities, 2)

    probabilities, q = net(state, "Online")
    greedy = tf.argmax(q, 1, name="greedy_action")
    next_probabilities, next_q = net(following, "Target")
    best = tf.one_hot(tf.argmax(next_q, 1), 3)[..., None]
    chosen = tf.reduce_sum(next_probabilities * best, 1)
    moved = reward[:, None] + 0.99 * (1.0 - terminal[:, None]) * support
    moved = tf.clip_by_value(moved, -10.0, 10.0)
    near = tf.clip_by_value(1 - tf.abs(moved[:, None] - support[:, None]) / 2.0, 0, 1)
    target = tf.stop_gradient(tf.reduce_sum(near * chosen[:, None], 2))
    taken = tf.reduce_sum(tf.one_hot(action, 3)[..., None] * probabilities, 1)
    loss = tf.reduce_mean(-tf.reduce_sum(target * v1.log(taken + 1e-8), 1))
    v1.train.AdamOptimizer(2.5e-4, epsilon=3e-4).minimize(loss, var_list=_within("Online"))
    _copy("Online", "Target")
    v1.summary.scalar("Losses/CrossEntropyLoss", loss)
    return [([state], [q]), ([state], [greedy]), ([state], [q, greedy])]


@case("reinforcement")
def clipped_policy_beside_its_old_self() -> Truths:
    """PPO for discrete actions: pi and oldpi by one function, the ratio clipped, samples and value heads."""
    obs = v1.placeholder(tf.float32, [None, 6], name="ob")
    taken = v1.placeholder(tf.int32, [None], name="acs")
    advantage = v1.placeholder(tf.float32, [None], name="atarg")
    returned = v1.placeholder(tf.float32, [None], name="ret")
    multiplier = v1.placeholder(tf.float32, [], name="lrmult")

    def build(scope: str) -> tuple[Tensor, Tensor]:
        with v1.variable_scope(scope):
            shift = v1.get_variable("obfilter/mean", [6], trainable=False)
            z = tf.clip_by_value(obs - shift, -5.0, 5.0)
            value = fc(fc(z, 12, tf.tanh, "vf/fc1"), 1, name="vf/final")[:, 0]
            logits = fc(fc(z, 12, tf.tanh, "pol/fc1"), 4, name="pol/final")
            return logits, value

    logits, value = build("pi")
    old, _ = build("oldpi")
    noise = tf.random.uniform(tf.shape(logits))
    sampled = tf.argmax(logits - v1.log(-v1.log(noise)), axis=-1)
    one_hot = tf.one_hot(taken, 4)
    logp = tf.reduce_sum(one_hot * tf.nn.log_softmax(logits), 1)
    ratio = tf.exp(logp - tf.stop_gradient(tf.reduce_sum(one_hot * tf.nn.log_softmax(old), 1)))
    surrogate = tf.minimum(ratio * advantage, tf.clip_by_value(ratio, 0.8, 1.2) * advantage)
    entropy = -tf.reduce_mean(tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), 1))
    loss = -tf.reduce_mean(surrogate) + tf.reduce_mean(tf.square(value - returned)) - 0.01 * entropy
    v1.train.AdamOptimizer(3e-4 * multiplier).minimize(loss, var_list=_within("pi/"))
    _copy("pi/", "oldpi/", name="assign_old_eq_new")
    return [([obs], [sampled, value]), ([obs], [sampled]), ([obs], [logits, value]), ([obs], [logits])]


@case("reinforcement")
def twin_critics_and_a_late_actor() -> Truth:
    """TD3 as in Spinning Up: main and target scopes, noise on the target's action, two critics."""
    x, x2 = v1.placeholder(tf.float32, (None, 5)), v1.placeholder(tf.float32, (None, 5))
    a = v1.placeholder(tf.float32, (None, 2))
    r, d = v1.placeholder(tf.float32, (None,)), v1.placeholder(tf.float32, (None,))

    def actor(s: Tensor) -> Tensor:
        with v1.variable_scope("pi", reuse=v1.AUTO_REUSE):
            return 2.0 * fc(fc(s, 16, tf.nn.relu, "dense"), 2, tf.tanh, "dense_1")

    def critic(s: Tensor, act: Tensor, scope: str) -> Tensor:
        with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
            return tf.squeeze(
                fc(fc(tf.concat([s, act], -1), 16, tf.nn.relu, "dense"), 1, name="dense_1"), axis=1
            )

    with v1.variable_scope("main"):
        pi = actor(x)
        q1, q2, q1_pi = critic(x, a, "q1"), critic(x, a, "q2"), critic(x, pi, "q1")
    with v1.variable_scope("target"):
        pi_target = actor(x2)
        epsilon = tf.clip_by_value(tf.random.normal(tf.shape(pi_target), stddev=0.2), -0.5, 0.5)
        a2 = tf.clip_by_value(pi_target + epsilon, -2.0, 2.0)
        low = tf.minimum(critic(x2, a2, "q1"), critic(x2, a2, "q2"))
    backup = tf.stop_gradient(r + 0.99 * (1 - d) * low)
    v1.train.AdamOptimizer(1e-3).minimize(-tf.reduce_mean(q1_pi), var_list=_within("main/pi"))
    q_loss = tf.reduce_mean((q1 - backup) ** 2) + tf.reduce_mean((q2 - backup) ** 2)
    v1.train.AdamOptimizer(1e-3).minimize(q_loss, var_list=_within("main/q"))
    _copy("main", "target", 0.005)
    _copy("main", "target", 1.0, "target_init")
    return [x], [pi]


@case("reinforcement")
def worker_with_memory_and_a_global_net() -> Truths:
    """A3C: the same net globally and in a worker, an LSTM whose state is fed, gradients applied globally."""
    nets: dict[str, Any] = {}
    for scope in ("global", "worker_0"):
        with v1.variable_scope(scope):
            inputs = v1.placeholder(tf.float32, [None, 400], name="inputs")
            image = tf.reshape(inputs, [-1, 20, 20, 1])
            h = conv(conv(image, 6, 5, "c1", stride=2, activation=tf.nn.elu), 6, 3, "c2", stride=2)
            hidden = fc(flatten(h), 16, tf.nn.elu)
            c_in = v1.placeholder(tf.float32, [1, 8], name="c_in")
            h_in = v1.placeholder(tf.float32, [1, 8], name="h_in")
            out, (c, hh) = v1.nn.dynamic_rnn(Lstm(8), hidden[None], initial_state=(c_in, h_in))
            flat = tf.reshape(out, [-1, 8])
            policy = tf.nn.softmax(fc(flat, 3, name="policy", bias=False))
            value = fc(flat, 1, name="value", bias=False)
            nets[scope] = ([inputs, c_in, h_in], policy, value, [c[:1], hh[:1]])
    _, policy, value, _ = nets["worker_0"]
    optimizer = v1.train.AdamOptimizer(1e-4)
    with v1.variable_scope("worker_0"):
        actions = v1.placeholder(tf.int32, [None])
        target_v = v1.placeholder(tf.float32, [None])
        advantages = v1.placeholder(tf.float32, [None])
        responsible = tf.reduce_sum(policy * tf.one_hot(actions, 3), [1])
        value_loss = 0.5 * tf.reduce_sum(tf.square(target_v - tf.reshape(value, [-1])))
        entropy = -tf.reduce_sum(policy * v1.log(policy))
        loss = 0.5 * value_loss - tf.reduce_sum(v1.log(responsible) * advantages) - entropy * 0.01
        gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, _within("worker_0")), 40.0)
        optimizer.apply_gradients(zip(gradients, _within("global"), strict=True))
    _copy("global", "worker_0", name="update_local_ops")
    answers: list[Any] = []
    for given, chances, worth, after in nets.values():
        answers += [(given, [chances, worth]), (given, [chances, worth, *after]), (given, [chances])]
    return answers


@case("reinforcement")
def curious_of_what_it_cannot_foresee() -> Truths:
    """Intrinsic curiosity: inverse and forward models on features of both states, beside the policy."""
    s1 = v1.placeholder(tf.float32, [None, 16, 16, 3], name="s1")
    s2 = v1.placeholder(tf.float32, [None, 16, 16, 3], name="s2")
    asample = v1.placeholder(tf.float32, [None, 4], name="asample")
    adv, ret = v1.placeholder(tf.float32, [None], name="adv"), v1.placeholder(tf.float32, [None], name="r")

    def universe(x: Tensor) -> Tensor:
        for i in range(3):
            x = conv(x, 6, 3, f"l{i + 1}", stride=2, activation=tf.nn.elu)
        return flatten(x)

    with v1.variable_scope("local"):
        h = fc(universe(s1), 12, tf.nn.elu)
        logits, vf = fc(h, 4, name="action"), tf.reshape(fc(h, 1, name="value"), [-1])
        shifted = logits - tf.reduce_max(logits, [1], keepdims=True)
        sample = tf.one_hot(tf.squeeze(v1.multinomial(shifted, 1), [1]), 4, name="sample")
    with v1.variable_scope("predictor", reuse=v1.AUTO_REUSE):
        phi1, phi2 = universe(s1), universe(s2)
        inverse = fc(fc(tf.concat([phi1, phi2], 1), 16, tf.nn.relu, "g1"), 4, name="glast")
        guess = fc(fc(tf.concat([phi1, asample], 1), 16, tf.nn.relu, "f1"), int(phi1.shape[1]), name="flast")
        aindex = tf.argmax(asample, axis=1)
        inv_loss = tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(logits=inverse, labels=aindex), name="invloss"
        )
        forward_loss = 0.5 * tf.reduce_mean(tf.square(guess - phi2), name="forwardloss")
        bonus = forward_loss * int(phi1.shape[1]) * 0.01
    pi_loss = -tf.reduce_mean(tf.reduce_sum(tf.nn.log_softmax(logits) * asample, 1) * adv)
    vf_loss = 0.5 * tf.reduce_mean(tf.square(vf - ret))
    v1.summary.scalar("model/policy_loss", pi_loss)
    v1.summary.scalar("model/bonus", bonus)
    v1.train.AdamOptimizer(1e-4).minimize(pi_loss + 0.5 * vf_loss + 0.8 * inv_loss + 0.2 * forward_loss)
    return [([s1], [sample, vf]), ([s1], [logits, vf]), ([s1], [sample]), ([s1], [logits])]


@case("reinforcement")
def sometimes_random_by_a_variable_chance() -> Truths:
    """The act function of a library: the greedy action, or by chance a random one; eps kept in a variable."""
    with v1.variable_scope("deepq"):
        obs = v1.placeholder(tf.float32, [None, 4], name="observation")
        stochastic = v1.placeholder(tf.bool, (), name="stochastic")
        update_eps = v1.placeholder(tf.float32, (), name="update_eps")
        eps = v1.get_variable("eps", (), initializer=v1.constant_initializer(0))

        def q_func(x: Tensor, scope: str) -> Tensor:
            with v1.variable_scope(scope, reuse=v1.AUTO_REUSE):
                a = fc(fc(x, 16, tf.nn.relu, "action_value/a"), 3, name="action_value/b")
                v = fc(fc(x, 16, tf.nn.relu, "state_value/a"), 1, name="state_value/b")
                return v + a - tf.expand_dims(tf.reduce_mean(a, 1), 1)

        q = q_func(obs, "q_func")
        greedy = tf.argmax(q, axis=1)
        batch = tf.shape(obs)[0]
        random = v1.random_uniform(tf.stack([batch]), minval=0, maxval=3, dtype=tf.int64)
        chance = v1.random_uniform(tf.stack([batch]), minval=0, maxval=1, dtype=tf.float32) < eps
        mixed = tf.where(chance, random, greedy)
        output = v1.cond(stochastic, lambda: mixed, lambda: greedy)
        v1.assign(eps, v1.cond(update_eps >= 0, lambda: update_eps, lambda: eps.read_value()))
        obs_t, obs_tp1 = (v1.placeholder(tf.float32, [None, 4], name=n) for n in ("obs_t", "obs_tp1"))
        act = v1.placeholder(tf.int32, [None], name="action")
        rew = v1.placeholder(tf.float32, [None], name="reward")
        done = v1.placeholder(tf.float32, [None], name="done")
        importance = v1.placeholder(tf.float32, [None], name="weight")
        q_t = q_func(obs_t, "q_func")
        q_tp1, online_tp1 = q_func(obs_tp1, "target_q_func"), q_func(obs_tp1, "q_func")
        chosen = tf.reduce_sum(q_tp1 * tf.one_hot(tf.argmax(online_tp1, 1), 3), 1)
        goal = rew + 0.99 * (1.0 - done) * chosen
        td = tf.reduce_sum(q_t * tf.one_hot(act, 3), 1) - tf.stop_gradient(goal)
        huber = tf.where(tf.abs(td) < 1.0, tf.square(td) * 0.5, tf.abs(td) - 0.5)
        loss = tf.reduce_mean(importance * huber)
        optimizer = v1.train.AdamOptimizer(5e-4)
        pairs = optimizer.compute_gradients(loss, var_list=_within("deepq/q_func"))
        optimizer.apply_gradients([(tf.clip_by_norm(g, 10.0), v) for g, v in pairs])
        _copy("deepq/q_func", "deepq/target_q_func")
    return [([obs], [output]), ([obs], [q]), ([obs], [greedy])]


@case("reinforcement", plain=True)
def monte_carlo_policy_with_a_baseline() -> Truths:
    """REINFORCE on numpy-made weights: action probabilities, a separate value net as the baseline."""
    rng = np.random.RandomState(0)
    observations = v1.placeholder(tf.float32, [None, 8])
    picked = v1.placeholder(tf.int32, [None])
    rewards = v1.placeholder(tf.float32, [None])
    w1 = v1.Variable(rng.randn(8, 10).astype("f") / 3)
    w2 = v1.Variable(rng.randn(10, 2).astype("f") / 3)
    prob = tf.nn.softmax(tf.matmul(tf.tanh(tf.matmul(observations, w1)), w2))
    baseline = tf.matmul(tf.tanh(tf.matmul(observations, weight("v1", [8, 10]))), weight("v2", [10, 1]))[:, 0]
    index = tf.range(0, tf.shape(prob)[0]) * 2 + picked
    good = v1.log(tf.gather(tf.reshape(prob, [-1]), index) + 1e-9)
    loss = -tf.reduce_mean(good * tf.stop_gradient(rewards - baseline))
    v1.train.AdamOptimizer(0.01).minimize(loss, var_list=[w1, w2])
    v1.train.AdamOptimizer(0.01).minimize(tf.reduce_mean(tf.square(rewards - baseline)))
    return [([observations], [prob]), ([observations], [prob, baseline])]
