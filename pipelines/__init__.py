"""Milex: military-spending and alliance claims, recomputed from the editions they rest on."""
