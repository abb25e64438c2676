"""One file a page; a page asks queries, draws with charts and knows no SQL."""
