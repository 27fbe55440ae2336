"""How archives become files: decoders, formats, and the rules for what may be written."""
