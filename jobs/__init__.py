"""The batch job over a manifest."""
