"""Rendering, metrics, verification, samples, tables, figures and the report."""
