"""The workloads, a file each: its inputs, its target, and one function for each contender."""
