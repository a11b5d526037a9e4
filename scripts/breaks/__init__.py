"""Finds what a change of the contracts breaks for clients that were written against those before."""
