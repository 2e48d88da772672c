"""From target weights to an account: the only package that imports vectorbt, and the only place
where execution lag applies.

`account.simulate` takes decisions and prices; it knows neither why something was decided nor
whether the result is any good. The terms are in `execution`, which imports nothing heavy, so that
a backtest file can be read without pandas or an engine.
"""
