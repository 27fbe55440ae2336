"""Commands that measure; each makes its own inputs."""
