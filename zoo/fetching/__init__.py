"""How the bytes of a source come: over HTTP or fsspec, with retries, into a cache."""
