"""Answers of a run graded: what a workload asks for, checks that can be stopped, a judge's votes, and what came out."""
