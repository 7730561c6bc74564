"""What the generated services and the tool cost, measured: `python -m benchmarks`."""
