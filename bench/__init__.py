"""Benchmarks: what a build, a reader and a grid cost, printed and written to docs/benchmarks.md."""
