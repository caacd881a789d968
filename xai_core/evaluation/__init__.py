"""Evaluation: many images, methods and metrics into one table that can be continued.

dataset     images with labels, levels and masks: Orchard, or a folder of one's own
plan        what is still to be computed, in forward passes and seconds
run         computes it, unit by unit
store       the run folder: tables, maps, journal (read without torch)
manifest    what a run evaluated, typed
status      progress, lock and cancelling of a run (read without torch)
summary     scores -> one row per method and metric, with intervals
statistics  tests, ranks and agreement
"""
