"""Dataset references, manifests, hashes, atomic writes, and likeness of pictures and texts."""
