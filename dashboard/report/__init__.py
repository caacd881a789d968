"""Report: runs for the paper and the talk."""
