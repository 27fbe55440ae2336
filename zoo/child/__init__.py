"""The process that holds TensorFlow: the only part of the library that imports it.

Started by `zoo.runner` as ``python -m zoo.child``.  It imports TensorFlow once and then only forks;
it never makes a session or an eager op itself, because after one of those a session in a forked
process hangs.  Each job runs in a fork, confined (`zoo.running.confine`), and refuses a graph whose
wanted part touches files, network or Python (`zoo.risk`).
"""
