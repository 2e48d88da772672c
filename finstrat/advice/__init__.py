"""Advice for one person on the pipeline that was backtested: what to hold, why, and what is not
known.
"""
