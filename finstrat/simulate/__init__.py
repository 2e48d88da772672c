"""From target weights to an account: the only package that imports vectorbt, and the only place
where execution lag applies.
"""
