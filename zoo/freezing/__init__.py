"""The streaming freezer, in the order of its work.

ops        what is known about ops: which make, pass on, read and write variables
body       a graph or function body being rewritten: drafts of nodes, the cone of its outputs
cut        feeds become placeholders, folds become constants
simplify   what a folded constant decides: branches, dropout
values     variables become values, through control flow and functions
effects    which variables the graph would write
tables     lookup tables keep the nodes that fill them
plan       all of this in order: what will be written, and what is to be told about it
wire       protobuf bytes, written by hand
write      the frozen GraphDef, frame by frame
why        why the other nodes were left out
"""
