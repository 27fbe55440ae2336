"""Nets that give numbers: prices, quantiles, mixtures, risks, series, equations."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.endpoints.cases import Truth, Truths, case
from benchmarks.endpoints.habits import both_ways, fc
from benchmarks.endpoints.layers import Gru, Lstm, v1, weight

Tensor = Any


@case("regression")
def house_prices_from_a_csv_queue() -> Truths:
    """Rows of a CSV file through queues, standardized in the graph by constants, the log price out."""
    names = v1.train.string_input_producer(["train.csv"], num_epochs=None)
    reader = v1.TextLineReader(skip_header_lines=1)
    _, row = reader.read(names)
    columns = tf.io.decode_csv(row, record_defaults=[[0.0]] * 6)
    features, price = v1.train.shuffle_batch(
        [tf.stack(columns[:-1]), columns[-1]], batch_size=16, capacity=64, min_after_dequeue=16
    )
    mean = tf.constant([6.0, 1500.0, 2.0, 1970.0, 0.3], name="mean")
    std = tf.constant([1.4, 500.0, 0.7, 30.0, 0.5], name="std")
    h = (features - mean) / std
    with v1.variable_scope("nn"):
        for i, units in enumerate((16, 8)):
            h = tf.nn.elu(fc(h, units, name=f"hidden{i}"))
        log_price = tf.squeeze(fc(h, 1, name="out"), axis=1)
    price_hat = tf.exp(log_price, name="price")
    loss = tf.sqrt(tf.reduce_mean(tf.square(log_price - v1.log(price))), name="rmsle")
    penalty = sum(tf.nn.l2_loss(v) for v in v1.trainable_variables() if "kernel" in v.name)
    v1.train.AdamOptimizer(0.01).minimize(loss + 1e-3 * penalty)
    v1.summary.scalar("rmsle", loss)
    return [([features], [price_hat]), ([features], [log_price])]


@case("regression")
def three_quantiles_by_pinball_losses() -> Truth:
    """One hidden layer, an output a quantile, each with its tilted loss; the outputs are stacked nowhere."""
    x = v1.placeholder(tf.float32, shape=(None, 1))
    y = v1.placeholder(tf.float32, shape=(None, 1))
    h = tf.nn.relu(fc(tf.nn.relu(fc(x, 12, name="d0")), 12, name="d1"))
    outputs, losses = [], []
    for i, q in enumerate((0.1, 0.5, 0.9)):
        out = fc(h, 1, name=f"quantile_{i}")
        error = y - out
        losses.append(tf.reduce_mean(tf.maximum(q * error, (q - 1) * error), axis=-1))
        outputs.append(out)
    combined = tf.reduce_mean(tf.add_n(losses))
    v1.train.AdamOptimizer().minimize(combined)
    v1.summary.scalar("quantile_loss", combined)
    return [x], outputs


@case("regression")
def mixture_of_gaussians_for_each_input() -> Truth:
    """A mixture density net: weights, deviations and means split from one layer, the likelihood by hand."""
    x = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="x")
    y = v1.placeholder(dtype=tf.float32, shape=[None, 1], name="y")
    wh, bh = v1.Variable(tf.random.normal([1, 14])), v1.Variable(tf.random.normal([1, 14]))
    wo, bo = v1.Variable(tf.random.normal([14, 15])), v1.Variable(tf.random.normal([1, 15]))
    output = tf.matmul(tf.nn.tanh(tf.matmul(x, wh) + bh), wo) + bo
    out_pi, out_sigma, out_mu = tf.split(output, 3, 1)
    out_pi = tf.exp(tf.subtract(out_pi, tf.reduce_max(out_pi, 1, keepdims=True)))
    out_pi = tf.multiply(tf.math.reciprocal(tf.reduce_sum(out_pi, 1, keepdims=True)), out_pi)
    out_sigma = tf.exp(out_sigma)
    scaled = tf.multiply(tf.subtract(y, out_mu), tf.math.reciprocal(out_sigma))
    normal = tf.exp(-tf.square(scaled) / 2) * tf.math.reciprocal(out_sigma) / math.sqrt(2 * math.pi)
    loss = tf.reduce_mean(-v1.log(tf.reduce_sum(tf.multiply(normal, out_pi), 1, keepdims=True)))
    v1.train.AdamOptimizer().minimize(loss)
    return [x], [out_pi, out_sigma, out_mu]


@case("regression", plain=True)
def risk_by_partial_likelihood() -> Truth:
    """DeepSurv: a log hazard for each patient, the Cox loss over sorted times."""
    covariates = v1.placeholder(tf.float32, [None, 9], name="X")
    event = v1.placeholder(tf.float32, [None, 1], name="label")
    keep = v1.placeholder_with_default(1.0, shape=(), name="keep_prob")
    h = covariates
    for i in range(2):
        with v1.variable_scope(f"layer{i + 1}"):
            h = tf.nn.selu(tf.matmul(h, weight("weights", [int(h.shape[1]), 12])) + weight("biases", [12]))
            h = v1.nn.dropout(h, keep)
    with v1.variable_scope("layer_last"):
        theta = tf.matmul(h, weight("weights", [12, 1]))
    risk = tf.exp(theta)
    at_risk = v1.log(tf.cumsum(risk))
    observed = tf.reduce_sum(event)
    loss = -tf.reduce_sum((theta - at_risk) * event) / observed
    step = v1.Variable(0, trainable=False)
    rate = v1.train.inverse_time_decay(0.01, step, 1, 0.01)
    v1.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)
    return [covariates], [theta]


@case("time series")
def weeks_ahead_from_months_before() -> Truth:
    """Web traffic: normalized in the graph, an encoder, a decoder that feeds itself its forecasts."""
    past = v1.placeholder(tf.float32, [None, 24], name="visits")
    kind = v1.placeholder(tf.int32, [None], name="agent_type")
    future = v1.placeholder(tf.float32, [None, 6], name="true_visits")
    logged = v1.log1p(past)
    mean, variance = tf.nn.moments(logged, 1, keepdims=True)
    std = tf.sqrt(variance) + 1e-3
    x = (logged - mean) / std
    agent = tf.one_hot(kind, 3)
    with v1.variable_scope("encoder"):
        repeated = tf.tile(agent[:, None], [1, 24, 1])
        features = tf.concat([x[..., None], repeated], 2)
        _, state = v1.nn.dynamic_rnn(Gru(10), features, dtype=tf.float32)
    outputs, last = [], x[:, -1:]
    with v1.variable_scope("decoder"):
        cell = Gru(10)
        for _ in range(6):
            out, state = cell(tf.concat([last, agent], 1), state)
            last = fc(out, 1, name="decoder_output_proj")
            outputs.append(last)
    decoded = tf.concat(outputs, 1)
    predictions = tf.math.expm1(decoded * std + mean)
    epsilon = 0.1
    total = tf.maximum(tf.abs(future) + tf.abs(predictions) + epsilon, 0.5 + epsilon)
    smape = tf.reduce_mean(tf.abs(predictions - future) / total * 2.0)
    mae = tf.reduce_mean(tf.abs(v1.log1p(future) - decoded * std - mean))
    variables = v1.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(mae, variables), 1.0)
    step = v1.train.get_or_create_global_step()
    optimizer = v1.train.AdamOptimizer()
    trained = optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=step)
    ema = v1.train.ExponentialMovingAverage(0.99)
    with v1.control_dependencies([trained]):
        ema.apply(variables)
    v1.summary.scalar("smape", smape)
    v1.summary.histogram("predictions", predictions)
    return [past, kind], [predictions]


@case("time series")
def strange_heartbeats_by_their_error() -> Truths:
    """An LSTM autoencoder: the window reversed and rebuilt; the error is the anomaly's score."""
    window = v1.placeholder(tf.float32, [None, 12, 2])
    batch = tf.shape(window)[0]
    with v1.variable_scope("encoder"):
        _, state = v1.nn.dynamic_rnn(Lstm(8), window, dtype=tf.float32)
    with v1.variable_scope("decoder"):
        cell, outputs = Lstm(8), []
        w, b = v1.Variable(tf.random.truncated_normal([8, 2])), v1.Variable(tf.constant(0.1, shape=[2]))
        x = tf.zeros([batch, 2])
        for _ in range(12):
            h, state = cell(x, state)
            x = tf.matmul(h, w) + b
            outputs.append(x)
    rebuilt = tf.stack(outputs[::-1], axis=1)
    score = tf.reduce_mean(tf.square(window - rebuilt), axis=[1, 2], name="anomaly_score")
    v1.train.AdamOptimizer().minimize(tf.reduce_mean(score))
    return [([window], [rebuilt]), ([window], [score]), ([window], [rebuilt, score])]


@case("time series")
def load_of_the_grid_both_ways_and_bounds() -> Truths:
    """A bidirectional net whose mean and deviation of the next hour come out; bounds for the dashboard."""
    with tf.name_scope("feeds"):
        load = v1.placeholder(tf.float32, [None, 18, 1], name="load")
        weather = v1.placeholder(tf.float32, [None, 18, 3], name="weather")
        hour = v1.placeholder(tf.int32, [None, 18], name="hour")
        target = v1.placeholder(tf.float32, [None], name="next_load")
    x = tf.concat([load, weather, tf.nn.embedding_lookup(weight("hours", [24, 3]), hour)], 2)
    h, _ = both_ways(x, 8)
    h = tf.concat([h[:, -1], tf.reduce_mean(h, 1)], 1)
    mu = tf.squeeze(fc(h, 1, name="mu"), 1)
    sigma = tf.squeeze(fc(h, 1, tf.nn.softplus, "sigma"), 1) + 1e-3
    nll = tf.reduce_mean(v1.log(sigma) + 0.5 * tf.square((target - mu) / sigma))
    v1.train.RMSPropOptimizer(1e-3).minimize(nll)
    lower, upper = tf.subtract(mu, 1.96 * sigma, name="lower"), tf.add(mu, 1.96 * sigma, name="upper")
    covered = tf.logical_and(target > lower, target < upper)
    v1.summary.scalar("coverage", tf.reduce_mean(tf.cast(covered, tf.float32)))
    feeds = [load, weather, hour]
    return [(feeds, [mu, lower, upper]), (feeds, [mu, sigma]), (feeds, [mu])]


@case("equation")
def burgers_flow_with_gradients_inside() -> Truths:
    """A physics-informed net: u of x and t, and the equation's residual by gradients."""
    x_u, t_u, u = (v1.placeholder(tf.float32, [None, 1]) for _ in range(3))
    x_f, t_f = (v1.placeholder(tf.float32, [None, 1]) for _ in range(2))
    sizes = (2, 12, 12, 1)
    ws = [
        v1.Variable(tf.random.truncated_normal([a, b], stddev=math.sqrt(2 / (a + b))))
        for a, b in itertools.pairwise(sizes)
    ]
    bs = [v1.Variable(tf.zeros([1, b])) for b in sizes[1:]]

    def net(x: Tensor, t: Tensor) -> Tensor:
        h = 2.0 * (tf.concat([x, t], 1) - np.array([-1, 0], np.float32)) / np.array([2, 1], np.float32) - 1.0
        for w, b in zip(ws[:-1], bs[:-1], strict=True):
            h = tf.tanh(tf.add(tf.matmul(h, w), b))
        return tf.add(tf.matmul(h, ws[-1]), bs[-1])

    u_pred = net(x_u, t_u)
    inside = net(x_f, t_f)
    u_t, u_x = tf.gradients(inside, t_f)[0], tf.gradients(inside, x_f)[0]
    f_pred = u_t + inside * u_x - (0.01 / math.pi) * tf.gradients(u_x, x_f)[0]
    loss = tf.reduce_mean(tf.square(u - u_pred)) + tf.reduce_mean(tf.square(f_pred))
    v1.train.AdamOptimizer().minimize(loss)
    return [([x_u, t_u], [u_pred]), ([x_u, t_u, x_f, t_f], [u_pred, f_pred])]


@case("equation", modern=True)
def path_of_a_learned_field() -> Truth:
    """A neural ODE: Runge-Kutta steps in a functional loop over given times, the trajectory stacked."""
    y0 = v1.placeholder(tf.float32, [None, 2], name="y0")
    times = v1.placeholder(tf.float32, [None], name="t")
    truth = v1.placeholder(tf.float32, [None, None, 2], name="true_y")

    def field(y: Tensor) -> Tensor:
        return fc(fc(y**3, 16, tf.tanh, "func/1"), 2, name="func/2")

    def step(i: Tensor, y: Tensor, path: Any) -> Any:
        h = times[i + 1] - times[i]
        k1 = field(y)
        k2 = field(y + h * k1 / 2)
        k3 = field(y + h * k2 / 2)
        k4 = field(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return i + 1, y, path.write(i + 1, y)

    count = tf.shape(times)[0]
    path = tf.TensorArray(tf.float32, count, element_shape=[None, 2]).write(0, y0)
    _, _, path = v1.while_loop(lambda i, *_: i < count - 1, step, [0, y0, path])
    trajectory = path.stack()
    loss = tf.reduce_mean(tf.abs(trajectory - truth))
    v1.train.RMSPropOptimizer(1e-3).minimize(loss)
    return [y0, times], [trajectory]
