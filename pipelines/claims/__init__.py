"""Claims: files that state them, grids of specifications, verdicts; knows no publisher's format."""
