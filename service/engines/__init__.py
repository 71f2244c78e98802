"""Engines place agents and keep them alive; they know nothing of trials."""
