"""Sources, stages and release: what makes the datasets."""
