"""Searches and trials in notebooks: how they show themselves, their data frames and figures."""
