"""Datasets, training, evaluation: everything that needs torch or runs before a model is shipped."""
