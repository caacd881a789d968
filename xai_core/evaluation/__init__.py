"""Evaluation: many images, methods and metrics into one table that can be continued.

dataset     images with labels, levels and masks: Orchard, or a folder of one's own
plan        what is still to be computed, in forward passes and seconds
run         has it computed, unit by unit
computing   one method on one unit of images, wherever that is
workers     processes of a scheduler that compute units, here or elsewhere
cluster     a scheduler and workers of our own
store       the run folder: tables, maps, journal (read without torch)
holding     when that is written: many pieces together, a second later at most
pieces      what was computed of a unit, and many of them as few files
map_files   the heatmaps that a run keeps, and which file has which
journal     what is finished, with the checksums of its files
manifest    what a run evaluated, typed
image_list  its images, a line each
compaction  many parts into one file, a method at a time
remote      a run folder at a URL, computed here and copied there
shards      one run as several, on several machines, and one again
status      progress, lock and cancelling of a run (read without torch)
summary     scores -> one row per method and metric, with intervals
statistics  tests, ranks and agreement
two_runs    two of them on the same images, by paired tests
clusters    a run's heatmaps in groups by where they lie
"""
