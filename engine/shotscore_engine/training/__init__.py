"""Datasets, training, export, and the tables and figures of the paper; the only place torch may be imported."""
