"""The catalogue of upstream files, and how a file is found or obtained."""
