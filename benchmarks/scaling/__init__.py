"""More than one machine, in small: `python -m benchmarks.scaling`."""
