"""Proposals: spaces, scales, strategies, stopping rules. Pure: no input or output, no state."""
