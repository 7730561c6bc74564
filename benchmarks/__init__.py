"""What the generated services cost, measured: `python -m benchmarks`."""
