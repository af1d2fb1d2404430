"""Thin adapters for programs written for other libraries."""
