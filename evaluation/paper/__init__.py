"""The tables and figures of Li et al. (2020)."""
