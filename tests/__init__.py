"""Tests, a package of its own name so that all of them share the helpers of tests.support."""
