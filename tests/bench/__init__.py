"""What each layer costs: the app beside a floor and a textbook, in one run. See docs/benchmarks.md."""
