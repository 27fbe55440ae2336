"""Make a zoo to measure with: real architectures at real size, with random normal weights.

    python -m benchmarks.zoo_models                      the zoo of eight (1.6 GB)
    python -m benchmarks.zoo_models --short              three of them (0.25 GB)
    python -m benchmarks.zoo_models mobilenet_v1 big     these

Each model is a training graph as TF-Slim's scripts made them (a training and an evaluation tower that
share variables, gradients, an optimizer, a Saver), saved as checkpoint and packed with gzip level 6.
Nothing is trained, and no session is made: the bytes of normally distributed weights compress as badly
as those of trained ones.  An archive that exists is not made again.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path("build/bench/zoo")
ZOO = (
    "mobilenet_v1", "inception_v1", "inception_v3", "inception_v3_v1_format", "inception_v3_slots",
    "resnet_v1_50", "resnet_v2_152", "vgg_16",
)  # fmt: skip
SHORT = ("mobilenet_v1", "inception_v1", "resnet_v1_50")
CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to build, and how to save it."""

    network: Callable[[Any], Any]
    """Makes a tower: gets a `Tower`, returns the logits."""
    size: int = 224
    """Height and width of the images."""
    optimizer: str = "sgd"
    """``sgd``, ``momentum`` or ``rmsprop``; the slots of the last two are saved."""
    averages: bool = False
    """Moving averages of the trainable variables are made and saved."""
    version: int = 2
    """Of the checkpoint format."""


class Tower:
    """Layers that share their variables with those of every other tower of the same graph."""

    def __init__(self, images: Any, *, training: bool) -> None:
        """Start at ``images`` [batch, height, width, 3]; ``training`` chooses batch statistics."""
        import tensorflow as tf

        self.tf, self.v1 = tf, tf.compat.v1
        self.images, self.training, self.layers = images, training, 0

    def scope(self, kind: str) -> Any:
        """A variable scope with the next number."""
        self.layers += 1
        return self.v1.variable_scope(f"{kind}_{self.layers}", reuse=self.v1.AUTO_REUSE)

    def variable(self, name: str, shape: Sequence[int], *, trainable: bool = True) -> Any:
        """A variable that no one will ever initialize."""
        zeros = self.v1.zeros_initializer()
        return self.v1.get_variable(name, shape, initializer=zeros, trainable=trainable, use_resource=False)

    def conv(
        self,
        x: Any,
        channels: int,
        size: int | tuple[int, int] = 3,
        *,
        stride: int = 1,
        padding: str = "SAME",
        norm: bool = True,
        relu: bool = True,
    ) -> Any:
        """Convolution, batch normalization or biases, ReLU."""
        height, width = (size, size) if isinstance(size, int) else size
        with self.scope("Conv2d"):
            weights = self.variable("weights", [height, width, int(x.shape[-1]), channels])
            x = self.tf.nn.conv2d(x, weights, [1, stride, stride, 1], padding)
            x = self.norm(x) if norm else self.tf.nn.bias_add(x, self.variable("biases", [channels]))
            return self.tf.nn.relu(x) if relu else x

    def depthwise(self, x: Any, *, stride: int) -> Any:
        """Depthwise 3 × 3 convolution, batch normalization, ReLU."""
        with self.scope("Conv2d_depthwise"):
            weights = self.variable("depthwise_weights", [3, 3, int(x.shape[-1]), 1])
            x = self.tf.nn.depthwise_conv2d(x, weights, [1, stride, stride, 1], "SAME")
            return self.tf.nn.relu(self.norm(x))

    def norm(self, x: Any) -> Any:
        """Batch normalization; in training its updates go to the UPDATE_OPS collection."""
        v1, shape = self.v1, [int(x.shape[-1])]
        with v1.variable_scope("BatchNorm", reuse=v1.AUTO_REUSE):
            gamma, beta = self.variable("gamma", shape), self.variable("beta", shape)
            mean = self.variable("moving_mean", shape, trainable=False)
            variance = self.variable("moving_variance", shape, trainable=False)
            if not self.training:
                return v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, is_training=False)[0]
            y, batch_mean, batch_variance = v1.nn.fused_batch_norm(x, gamma, beta, is_training=True)
            for moving, batch in ((mean, batch_mean), (variance, batch_variance)):
                v1.add_to_collection("update_ops", v1.assign_sub(moving, (moving - batch) * 0.003))
            return y

    def pool(self, x: Any, kind: str = "MAX", size: int = 3, stride: int = 2, padding: str = "SAME") -> Any:
        """Largest or mean value (``MAX``, ``AVG``) of each window."""
        return self.tf.nn.pool(x, [size, size], kind, strides=[stride, stride], padding=padding)

    def classes(self, x: Any) -> Any:
        """Logits [batch, classes] by global pooling, dropout and a 1 × 1 convolution."""
        x = self.tf.reduce_mean(x, [1, 2], keepdims=True)
        if self.training:
            x = self.v1.nn.dropout(x, rate=0.2)
        return self.tf.squeeze(self.conv(x, CLASSES + 1, 1, norm=False, relu=False), [1, 2])


def mobilenet_v1(net: Tower) -> Any:
    """MobileNet v1 1.0 224, 4.2 million parameters; arXiv:1704.04861."""
    x = net.conv(net.images, 32, stride=2)
    widths = [
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ]
    for width, stride in widths:
        x = net.conv(net.depthwise(x, stride=stride), width, 1)
    return net.classes(x)


def inception_v1(net: Tower) -> Any:
    """GoogLeNet with batch normalization, 6.6 million parameters; arXiv:1409.4842."""
    x = net.pool(net.conv(net.images, 64, 7, stride=2))
    x = net.pool(net.conv(net.conv(x, 64, 1), 192))
    blocks: list[tuple[int, ...]] = [
        (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (),
        (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128), (),
        (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
    ]  # fmt: skip
    for block in blocks:
        if not block:
            x = net.pool(x)
            continue
        a, b1, b2, c1, c2, d = block
        branches = [
            net.conv(x, a, 1),
            net.conv(net.conv(x, b1, 1), b2),
            net.conv(net.conv(x, c1, 1), c2),
            net.conv(net.pool(x, stride=1), d, 1),
        ]
        x = net.tf.concat(branches, 3)
    return net.classes(x)


def inception_v3(net: Tower) -> Any:
    """Inception v3 with its auxiliary head, 27 million parameters; arXiv:1512.00567."""

    def chain(x: Any, *steps: tuple[int, int | tuple[int, int]], last_stride: int = 1) -> Any:
        for step, (channels, size) in enumerate(steps, start=1):
            down = last_stride if step == len(steps) else 1
            x = net.conv(x, channels, size, stride=down, padding="VALID" if down > 1 else "SAME")
        return x

    def mixed(*branches: Any) -> Any:
        return net.tf.concat(branches, 3)

    def average(x: Any, channels: int) -> Any:
        return net.conv(net.pool(x, "AVG", 3, 1), channels, 1)

    row, column = (1, 7), (7, 1)
    x = net.conv(net.images, 32, stride=2, padding="VALID")
    x = net.conv(net.conv(x, 32, padding="VALID"), 64)
    x = net.conv(net.pool(x, padding="VALID"), 80, 1)
    x = net.pool(net.conv(x, 192, padding="VALID"), padding="VALID")
    for width in (32, 64, 64):
        x = mixed(
            chain(x, (64, 1)),
            chain(x, (48, 1), (64, 5)),
            chain(x, (64, 1), (96, 3), (96, 3)),
            average(x, width),
        )
    x = mixed(
        chain(x, (384, 3), last_stride=2),
        chain(x, (64, 1), (96, 3), (96, 3), last_stride=2),
        net.pool(x, padding="VALID"),
    )
    for n in (128, 160, 160, 192):
        x = mixed(
            chain(x, (192, 1)),
            chain(x, (n, 1), (n, row), (192, column)),
            chain(x, (n, 1), (n, column), (n, row), (n, column), (192, row)),
            average(x, 192),
        )
    aux = chain(net.pool(x, "AVG", 5, 3, "VALID"), (128, 1))
    aux = net.conv(aux, 768, 5, padding="VALID")
    aux = net.tf.squeeze(net.conv(aux, CLASSES + 1, 1, norm=False, relu=False), [1, 2], name="aux_logits")
    if net.training:
        net.v1.add_to_collection("aux_logits", aux)
    x = mixed(
        chain(x, (192, 1), (320, 3), last_stride=2),
        chain(x, (192, 1), (192, row), (192, column), (192, 3), last_stride=2),
        net.pool(x, padding="VALID"),
    )
    for _ in range(2):
        left, right = net.conv(x, 384, 1), chain(x, (448, 1), (384, 3))
        x = mixed(
            net.conv(x, 320, 1),
            *(net.conv(y, 384, size) for y in (left, right) for size in ((1, 3), (3, 1))),
            average(x, 192),
        )
    return net.classes(x)


def resnet(depths: Sequence[int], *, preactivation: bool) -> Callable[[Tower], Any]:
    """ResNet v1 (arXiv:1512.03385) or, with ``preactivation``, v2 (arXiv:1603.05027)."""

    def network(net: Tower) -> Any:
        x = net.conv(net.images, 64, 7, stride=2, norm=not preactivation, relu=not preactivation)
        x = net.pool(x)
        for stage, depth in enumerate(depths):
            width = 64 << stage
            for unit in range(depth):
                stride = 2 if unit == 0 and stage else 1
                before = _activated(net, x) if preactivation else x
                shortcut = x
                if unit == 0:
                    shortcut = net.conv(
                        before, 4 * width, 1, stride=stride, norm=not preactivation, relu=False
                    )
                y = net.conv(net.conv(before, width, 1), width, 3, stride=stride)
                y = net.conv(y, 4 * width, 1, norm=not preactivation, relu=False)
                x = shortcut + y if preactivation else net.tf.nn.relu(shortcut + y)
        return net.classes(_activated(net, x) if preactivation else x)

    return network


def _activated(net: Tower, x: Any) -> Any:
    with net.scope("preact"):
        return net.tf.nn.relu(net.norm(x))


def vgg_16(net: Tower) -> Any:
    """VGG-16, 138 million parameters; arXiv:1409.1556."""
    x = net.images
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            x = net.conv(x, width, norm=False)
        x = net.pool(x, size=2)
    x = net.conv(net.conv(x, 4096, 7, padding="VALID", norm=False), 4096, 1, norm=False)
    return net.classes(x)


def big(net: Tower) -> Any:
    """Four embeddings of 2.6 GB together that the image looks up: larger than a protobuf can be."""
    indices = net.tf.cast(net.tf.reduce_max(net.images, [1, 2]) * 1e5, net.tf.int32)[:, 0] % 1_000_000
    parts = []
    for _ in range(4):
        with net.scope("embedding"):
            parts.append(net.tf.gather(net.variable("weights", [1_000_000, 162]), indices))
    x = net.tf.concat(parts, 1)[:, None, None, :]
    return net.classes(net.conv(net.conv(x, 512, 1, norm=False), 512, 1, norm=False))


PLANS = {
    "mobilenet_v1": Plan(network=mobilenet_v1),
    "mobilenet_v1_slots": Plan(network=mobilenet_v1, optimizer="rmsprop", averages=True),
    "inception_v1": Plan(network=inception_v1),
    "inception_v3": Plan(network=inception_v3, size=299),
    "inception_v3_v1_format": Plan(network=inception_v3, size=299, version=1),
    "inception_v3_slots": Plan(network=inception_v3, size=299, optimizer="rmsprop", averages=True),
    "resnet_v1_50": Plan(network=resnet([3, 4, 6, 3], preactivation=False), optimizer="momentum"),
    "resnet_v2_152": Plan(network=resnet([3, 8, 36, 3], preactivation=True)),
    "vgg_16": Plan(network=vgg_16),
    "big": Plan(network=big),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PLANS)}")
    parser.add_argument("--short", action="store_true", help="a zoo of three, to try things out")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: %(default)s")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.names) - set(PLANS))
    if unknown:
        parser.error(f"expected names out of {', '.join(PLANS)}, got {', '.join(unknown)}")
    for name in options.names or (SHORT if options.short else ZOO):
        archive = make(name, options.folder)
        print(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB", flush=True)
    return 0


def make(name: str, folder: Path) -> Path:
    """The archive ``folder/name.tar.gz``, made now unless it is there."""
    archive = folder / f"{name}.tar.gz"
    if archive.exists():
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zoo-model-", dir=folder) as scratch:
        build(PLANS[name], Path(scratch) / name)
        partial = Path(scratch) / archive.name
        with tarfile.open(partial, "w:gz", compresslevel=6) as tar:
            for path in sorted((Path(scratch) / name).iterdir()):
                tar.add(path, f"{name}/{path.name}")
        partial.rename(archive)
    return archive


def build(plan: Plan, folder: Path, *, seed: int = 0) -> None:
    """Write the checkpoint of a plan into ``folder``: ``model.ckpt`` and its companions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    v1 = tf.compat.v1
    folder.mkdir(parents=True)
    prefix = folder / "model.ckpt"
    with tf.Graph().as_default():
        shape = [None, plan.size, plan.size, 3]
        saved = training_graph(plan, v1.placeholder(tf.float32, shape, name="input"))
        write_version = v1.train.SaverDef.V1 if plan.version == 1 else v1.train.SaverDef.V2
        saver = v1.train.Saver(saved, write_version=write_version)
        saver.export_meta_graph(f"{prefix}.meta", clear_devices=True)
        shapes = {variable.op.name: variable.shape.as_list() for variable in saved}
    random = np.random.default_rng(seed)
    names = sorted(shapes)
    values = [
        random.standard_normal(shapes[name], dtype=np.float32) * np.float32(0.05)
        if name != "global_step"
        else np.int64(90_000)
        for name in names
    ]
    if plan.version == 1:
        tf.raw_ops.Save(filename=str(prefix), tensor_names=names, data=values)
    else:
        tf.raw_ops.SaveV2(
            prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=values
        )
        # A lone SaveV2 leaves the name of one shard of one; the Saver's merge would leave the same.
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')


def training_graph(plan: Plan, images: Any) -> list[Any]:
    """Build both towers and the training op in the default graph; the variables to save."""
    import tensorflow as tf

    v1 = tf.compat.v1
    logits = plan.network(Tower(images, training=False))
    tf.nn.softmax(logits, name="prob")
    model = v1.global_variables()
    with v1.name_scope("train_tower"):
        batch = v1.placeholder(tf.float32, [32, plan.size, plan.size, 3], name="images")
        labels = v1.placeholder(tf.int64, [32], name="labels")
        heads = [plan.network(Tower(batch, training=True)), *v1.get_collection("aux_logits")]
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=head) for head in heads
        ]
        loss = tf.add_n([tf.reduce_mean(loss) for loss in losses], name="total_loss")
    step = v1.train.get_or_create_global_step()
    v1.summary.scalar("loss", loss)
    trainer = {
        "sgd": lambda: v1.train.GradientDescentOptimizer(0.01),
        "momentum": lambda: v1.train.MomentumOptimizer(0.01, 0.9),
        "rmsprop": lambda: v1.train.RMSPropOptimizer(0.01, 0.9, momentum=0.9),
    }[plan.optimizer]()
    # As TF-Slim does: one barrier, instead of every update as control input of every gradient.
    with tf.control_dependencies([tf.group(*v1.get_collection("update_ops"), name="update_barrier")]):
        loss = tf.identity(loss, name="train_loss")
    train = trainer.minimize(loss, global_step=step)
    if plan.averages:
        average = tf.train.ExponentialMovingAverage(0.9999, step)
        with tf.control_dependencies([train]):
            average.apply(v1.trainable_variables())
    slots = plan.optimizer != "sgd"
    return list(v1.global_variables()) if slots or plan.averages else [*model, step]


def write_manifest(archives: Sequence[Path], base: str, path: Path) -> Path:
    """A manifest of ``archives`` that are served below the URL ``base``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url", "family", "expect"])
        for archive in archives:
            name = archive.name.removesuffix(".tar.gz")
            writer.writerow([name, f"{base}/{archive.name}", "benchmark", "frozen"])
    return path


if __name__ == "__main__":
    sys.exit(main())
