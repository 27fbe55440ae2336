"""Reasons in words that a person can check on the page."""

from __future__ import annotations

from zoo.endpoints import ops
from zoo.endpoints.flow import FeedPoint, Flow
from zoo.endpoints.heads import Head, tensor
from zoo.endpoints.kinds import input_kind, walk_back
from zoo.endpoints.region import Region
from zoo.endpoints.states import is_zero_state
from zoo.protos import Shape


def output_reason(flow: Flow, found: Region, head: Head, kind: str, *, alone: bool) -> str:
    """Why a head is an output: which op, how many variables, no label, who reads it."""
    if head.rule == "transitions":
        return "how likely one tag follows another: who finds the path, as the graph does not, needs it, too"
    base = walk_back(flow, head.node)
    op = flow.graph.nodes[base].op if base < len(flow.graph.nodes) else "tensor"
    own, everything = head.coverage.bit_count(), found.everything(flow).bit_count()
    what = "large constants" if flow.frozen else "model variables"
    article = "an" if op[:1] in "AEIOaeio" else "a"
    parts = [f"{'the only head' if alone else 'a head'}, {article} {op}"]
    if everything:
        parts.append(
            f"that depends on all {everything} {what}"
            if own == everything
            else f"that depends on {own} of {everything} {what}"
        )
    if found.labels:
        parts.append("and on no label")
    text = " ".join(parts)
    if head.rule == "reconstruction":
        text += "; the loss compares it with the input itself"
    elif head.rule == "generator":
        text += "; another net of this graph judges it in the place of examples"
    elif head.rule == "averaged":
        text += "; of the copy that reads moving averages of them, which no loss needs"
    elif head.rule == "complete":
        text += "; the first tensor that needs them all, before the loss"
    elif head.rule == "collected":
        key = flow.collected[tensor(flow, head.node, head.port)]
        text += f"; its author put it into the collection {key!r}"
    elif head.rule == "named":
        text += "; its author gave it a name by a node that does nothing else"
    elif head.rule == "path":
        text += "; decisions of all steps, found together, which a measure compares with a label"
    elif head.dangling:
        text += "; nobody reads it, so it was made to be fetched"
    elif head.labels:
        names = [feed.tensor for k, feed in enumerate(flow.feeds) if head.labels >> k & 1]
        text += f"; the next step compares it with {names[0]}" if names else ""
    if head.towers > 1:
        text += f"; chosen among {head.towers} copies with the same variables"
    return text


def input_reason(flow: Flow, feed: FeedPoint, shape: Shape, meets: int) -> str:
    """Why a feed is an input: what it holds and how the outputs need it."""
    node = flow.graph.nodes[feed.node]
    what = input_kind(flow, feed.dtype, shape)
    if node.op in ops.PLACEHOLDERS:
        source = "a placeholder"
    elif is_zero_state(node):
        source, what = "zeros that a recurrent layer begins with, cut here", "states of the call before"
    elif node.op == "Const":
        source = "a constant that stands in for a feed"
    elif node.op in ops.PYTHON:
        source = "computed by Python, cut here"
    elif node.op in ops.PARSERS:
        source = "parsed from examples, cut here"
    elif node.op in ops.DECODERS:
        source = "read from a file of the author's, cut here"
    elif node.op == "Identity":
        source = "handed out by an input pipeline under a name of its author's, cut here"
    elif not ops.hands_out_examples(node.op):
        source = "random numbers that the graph draws itself for want of an input, cut here"
    else:
        source = f"handed out by {node.op}, cut here"
    use = "parameters meet it, and the outputs need it" if meets else "the outputs need it"
    return f"{source} ({what}): {use}"
