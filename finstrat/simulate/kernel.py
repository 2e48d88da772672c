"""One cash-shared account, session by session, in compiled code; several accounts one by one.

Everything an account does within a session stands here in the order in which it happens:

    interest and borrow fees → splits and dividends → orders that are due → limits, lots, margin,
    cash → fills → stops → valuation at the close → margin call, bankruptcy

(Where fills are at the close, resting stops come before the orders.)

The kernel and everything it calls are in this one file: numba notices a change of a file by its
own time and size, and of no other. It takes arrays that `ledger` has checked and laid out; it
raises nothing and knows no labels. Row t of every result uses rows up to t only, except for the
rows in which a listing ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from finstrat.features.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

DECISION, DELISTING, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, MARGIN_CALL, LIMIT, CLOSED_OUT = range(
    8
)
"""Why a fill happened."""

CASH, FEES, SLIPPAGE, TRADED, INTEREST, BORROW, DIVIDENDS, GROSS = range(8)
"""Columns of a session's detail; `GROSS` is Σ|position value| at the close."""

PARTIAL, LATE, MISSED, DELISTED, CAPPED, STOPPED, CALLED, ENDED = range(8)
"""Columns of an account's counts; `ENDED` is the row of its bankruptcy, or -1."""

DUST = 1e-13
"""Orders below this share of net asset value are the rounding of a sum."""
CUT = 1e-9
"""A shortfall below this share of net asset value is rounding too."""
STEEPEST = 0.99
"""Slippage and impact together move a price by at most this fraction."""


class Market(NamedTuple):
    """What all accounts see; every array read-only and contiguous.

    `price` of the fill, `open`, `high`, `low` `[T, N]`, NaN = none (the last three `[0, 0]` where
    no stop needs them); `valued` `[T, N]` last known close, 0 = none yet; `volume` in shares,
    `dividend`, `split` `[T, N]` or `[0, 0]`; `end` `[N]` first row after a listing has ended, T
    where it hasn't, with `payout` a share; `leaves` `[T]`, whether any listing ends in that row;
    `days` `[T]` calendar days since the session before, over 360.
    """

    price: Array
    open: Array
    high: Array
    low: Array
    valued: Array
    volume: Array
    dividend: Array
    split: Array
    end: Index
    payout: Array
    leaves: NDArray[np.bool_]
    days: Array


class Rates(NamedTuple):
    """Costs; each `[T, N]` or with one row, one column, or both, where they are all alike.

    `buy` and `sell` are fractions of the value, `slippage` of the price, `share` and `order` in
    currency, `impact` times √(value / `daily`) a fraction of the price, `borrow` a year.
    """

    buy: Array
    sell: Array
    slippage: Array
    share: Array
    order: Array
    impact: Array
    daily: Array
    borrow: Array


class Terms(NamedTuple):
    """The account's terms, with `inf`, 0 or NaN for what is off; see `Execution`."""

    cash: float
    buffer: float
    at_close: bool
    after_costs: bool
    lot: float
    participation: float
    stop_loss: float
    take_profit: float
    trailing: float
    cash_rate: float
    loan_rate: float
    initial: float
    maintenance: float
    name: float
    net_low: float
    net_high: float
    gross: float


class Records(NamedTuple):
    """Fills, one a row, as many as there is room for; `shares` below 0 is a sale."""

    account: NDArray[np.int32]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    reason: NDArray[np.int8]
    shares: Array
    price: Array
    fee: Array
    slippage: Array


class State(NamedTuple):
    """One account within a session, in buffers made once; `[N]` but for the first two.

    `now` is the session's detail, of which `CASH` carries over; `tally` the account's counts.
    `position` in shares; `goal` the position an order is for, NaN = none; `want` the shares to
    trade, at `price` and for `fee` and `slipped`; `pending` the weight of an order that waits for
    a price, due `since`, for a `cause`; `rest` shares that the volume left over; `entry` and
    `best` prices of a position; `known` the close that sizes orders.
    """

    now: Array
    tally: Index
    position: Array
    goal: Array
    want: Array
    price: Array
    fee: Array
    slipped: Array
    pending: Array
    rest: Array
    entry: Array
    best: Array
    known: Array
    since: Index
    owed: NDArray[np.bool_]
    cause: NDArray[np.int8]
    why: NDArray[np.int8]


@compiled
def _row(rates, t):
    """The rates of session t, `[N]` or `[1]`."""
    return rates[t if rates.shape[0] > 1 else 0]


@compiled
def _order_of(shares, quote, rate, slippage, share, order, impact, daily):
    """Price, fee and slippage in currency of an order.

    Slippage and square-root impact (Almgren et al. 2005) move the price against it; `rate` is the
    fee on its value, `share` and `order` the fees on each.
    """
    size = abs(shares)
    move = slippage
    if impact > 0.0:
        move += impact * np.sqrt(size * quote / daily)
    move = min(move, STEEPEST)
    price = quote * (1.0 + move) if shares > 0.0 else quote * (1.0 - move)
    return price, size * (price * rate + share) + order, size * quote * move


@compiled
def _terms_of(shares, quote, rates, t, j):
    """Price, fee and slippage in currency of an order for one cell."""
    buy, sell, slippage = _row(rates.buy, t), _row(rates.sell, t), _row(rates.slippage, t)
    share, order = _row(rates.share, t), _row(rates.order, t)
    impact, daily = _row(rates.impact, t), _row(rates.daily, t)
    return _order_of(
        shares,
        quote,
        buy[min(j, buy.shape[0] - 1)] if shares > 0.0 else sell[min(j, sell.shape[0] - 1)],
        slippage[min(j, slippage.shape[0] - 1)],
        share[min(j, share.shape[0] - 1)],
        order[min(j, order.shape[0] - 1)],
        impact[min(j, impact.shape[0] - 1)],
        daily[min(j, daily.shape[0] - 1)],
    )


@compiled
def _whole(shares, lot):
    """`shares` cut to a multiple of `lot`, toward 0; a hair below a multiple is that multiple."""
    if lot == 0.0:
        return shares
    return lot * np.trunc(shares / lot * (1.0 + 1e-12))


@compiled
def _stopping(terms):
    """Whether any stop is set."""
    return min(terms.stop_loss, terms.take_profit, terms.trailing) < np.inf


@compiled
def _limited(terms):
    """Whether any limit is set on what is held."""
    return min(terms.name, terms.net_high, terms.gross, -terms.net_low) < np.inf


@compiled
def _settle(state, stops):
    """Book every order at its price; entry prices are for `stops` alone."""
    want, price, fee, slipped = state.want, state.price, state.fee, state.slipped
    position, entry, best, goal, now = (
        state.position,
        state.entry,
        state.best,
        state.goal,
        state.now,
    )
    taken, fees, lost, traded, left = 0.0, 0.0, 0.0, 0.0, 0
    for j in range(want.shape[0]):
        shares = want[j]
        if shares == 0.0:
            continue
        value = shares * price[j]
        taken += value + fee[j]
        fees += fee[j]
        lost += slipped[j]
        traded += abs(value)
        before = position[j]
        after = before + shares
        if stops and before * after <= 0.0:
            entry[j] = best[j] = price[j]
        elif stops and abs(after) > abs(before):
            entry[j] = (entry[j] * abs(before) + abs(value)) / abs(after)
        # An exit is an exit: a sum may leave its rounding behind.
        if goal[j] == 0.0 and abs(after) <= 1e-12 * abs(before):
            after = 0.0
        position[j] = after
        left += state.why[j] == DELISTING and after == 0.0
    now[CASH] -= taken
    now[FEES] += fees
    now[SLIPPAGE] += lost
    now[TRADED] += traded
    state.tally[DELISTED] += left


@compiled
def _noted(n, a, t, state, records):
    """The number of fills so far; they are kept while there is room.

    With no room at all nobody asks for the number.
    """
    if records.row.shape[0] == 0:
        return n
    want, price, fee, slipped, why = (
        state.want,
        state.price,
        state.fee,
        state.slipped,
        state.why,
    )
    to_shares, to_price, to_fee, to_slippage = (
        records.shares,
        records.price,
        records.fee,
        records.slippage,
    )
    account, row, column, reason = records.account, records.row, records.column, records.reason
    for j in range(want.shape[0]):
        if want[j] == 0.0:
            continue
        if n < row.shape[0]:
            account[n], row[n], column[n], reason[n] = a, t, j, why[j]
            to_shares[n], to_price[n], to_fee[n], to_slippage[n] = (
                want[j],
                price[j],
                fee[j],
                slipped[j],
            )
        n += 1
    return n


@compiled
def _overnight(t, state, market, rates, terms):
    """Interest and borrow fees on what was held at the last close; splits; dividends."""
    now, position, known = state.now, state.position, state.known
    rate = terms.cash_rate if now[CASH] > 0.0 else terms.loan_rate
    now[INTEREST] = now[CASH] * rate * market.days[t]
    splits, dividends = market.split.shape[0] > 0, market.dividend.shape[0] > 0
    lent = _row(rates.borrow, t)
    for j in range(position.shape[0]):
        known[j] = market.valued[t - 1, j]
        if position[j] < 0.0:
            rate = lent[min(j, lent.shape[0] - 1)] * market.days[t]
            now[BORROW] -= position[j] * known[j] * rate
        if splits:
            ratio = market.split[t, j]
            # NaN is no split.
            if ratio > 0.0 and ratio != 1.0:
                position[j] *= ratio
                state.rest[j] *= ratio
                known[j] /= ratio
                state.entry[j] /= ratio
                state.best[j] /= ratio
        if dividends:
            paid = market.dividend[t, j]
            if paid == paid:
                now[DIVIDENDS] += position[j] * paid
    now[CASH] += now[INTEREST] - now[BORROW] + now[DIVIDENDS]


@compiled
def _due(t, decided, weights, value, known, state, market):
    """Set the goal of every order that can be filled now; the number that still wait."""
    goal, pending, position, rest = state.goal, state.pending, state.position, state.rest
    since, owed, cause, why, count = state.since, state.owed, state.cause, state.why, state.tally
    quotes, end = market.price[t], market.end
    waiting = 0
    for j in range(goal.shape[0]):
        held, wish, base = position[j], pending[j], known[j]
        fills = t < end[j] and quotes[j] == quotes[j] and base > 0.0
        goal[j] = np.nan
        why[j] = DECISION
        if decided:
            count[MISSED] += owed[j] and wish == wish
            pending[j], rest[j] = np.nan, 0.0
            wish = weights[j]
            if fills:
                goal[j] = wish * value / base
                continue
            pending[j], since[j], cause[j] = wish, t, DECISION
            owed[j] = wish != 0.0 or (held != 0.0 and t < end[j])
        if fills:
            if wish == wish:
                goal[j] = wish * value / base
                why[j] = cause[j]
                count[LATE] += since[j] < t and (wish != 0.0 or held != 0.0)
                pending[j] = wish = np.nan
            elif rest[j] != 0.0:
                goal[j] = held + rest[j]
        elif t >= end[j] and held != 0.0:
            goal[j], rest[j] = 0.0, 0.0
            why[j] = DELISTING
        waiting += wish == wish
    return waiting


@compiled
def _after_costs(t, value, known, state, market, rates):
    """Scale decided goals to fractions of what is left once the trades themselves are paid for."""
    goal, position = state.goal, state.position
    scale = 1.0
    # Each round is closer by about the cost rate.
    for _ in range(60):
        cost = 0.0
        for j in range(goal.shape[0]):
            if goal[j] == goal[j] and t < market.end[j]:
                shares = goal[j] * scale - position[j]
                if shares != 0.0:
                    _, fee, slipped = _terms_of(shares, known[j], rates, t, j)
                    cost += fee + slipped
        new = max(0.0, 1.0 - cost / value)
        done = abs(new - scale) <= 1e-15
        scale = new
        if done:
            break
    for j in range(goal.shape[0]):
        goal[j] *= scale


@compiled
def _shrink(j, factor, reason, t, state, market):
    """Make it the goal to hold `factor` times what is held after the orders, where one can."""
    if t < market.end[j] and market.price[t, j] == market.price[t, j]:
        held = state.goal[j] if state.goal[j] == state.goal[j] else state.position[j]
        if held != 0.0:
            state.goal[j] = held * factor
            state.why[j] = reason


@compiled
def _held_values(known, state):
    """Long and short value once the goals are reached, at the prices that size them."""
    long, short = 0.0, 0.0
    for j in range(known.shape[0]):
        held = state.goal[j] if state.goal[j] == state.goal[j] else state.position[j]
        if held > 0.0:
            long += held * known[j]
        else:
            short -= held * known[j]
    return long, short


@compiled
def _within_limits(t, value, known, state, market, terms):
    """Move the goals so that what is held keeps the limits: by name, then Σw, then Σ|w|."""
    slack = 1.0 + 1e-12
    n = known.shape[0]
    for j in range(n):
        held = state.goal[j] if state.goal[j] == state.goal[j] else state.position[j]
        size = abs(held) * known[j]
        if size > terms.name * value * slack:
            _shrink(j, terms.name * value / size, LIMIT, t, state, market)
    long, short = _held_values(known, state)
    if long > 0.0 and long - short > terms.net_high * value + (slack - 1.0) * value:
        factor = max(0.0, (terms.net_high * value + short) / long)
        for j in range(n):
            held = state.goal[j] if state.goal[j] == state.goal[j] else state.position[j]
            if held > 0.0:
                _shrink(j, factor, LIMIT, t, state, market)
    if short > 0.0 and long - short < terms.net_low * value - (slack - 1.0) * value:
        factor = max(0.0, (long - terms.net_low * value) / short)
        for j in range(n):
            held = state.goal[j] if state.goal[j] == state.goal[j] else state.position[j]
            if held < 0.0:
                _shrink(j, factor, LIMIT, t, state, market)
    long, short = _held_values(known, state)
    if long + short > terms.gross * value * slack:
        for j in range(n):
            _shrink(j, terms.gross * value / (long + short), LIMIT, t, state, market)


@compiled
def _wanted(t, value, known, state, market, terms):
    """The shares to trade, from goals, lots and the session's volume; the number carried on."""
    goal, position, want, rest = state.goal, state.position, state.want, state.rest
    end, lot, dust = market.end, terms.lot, DUST * value
    capped = market.volume.shape[0] > 0
    carried = 0
    for j in range(goal.shape[0]):
        target = goal[j]
        if target != target:
            want[j] = 0.0
            continue
        if lot > 0.0 and t < end[j]:
            target = _whole(target, lot)
        shares = target - position[j]
        if target != 0.0 and abs(shares) * known[j] <= dust:
            shares = 0.0
        if capped and t < end[j]:
            volume = market.volume[t, j]
            # Where the volume isn't known, none is taken for granted.
            most = terms.participation * volume if volume > 0.0 else 0.0
            new = rest[j] == 0.0
            rest[j] = 0.0
            if abs(shares) > most:
                part = _whole(np.copysign(most, shares), lot)
                rest[j] = shares - part
                state.tally[CAPPED] += new
                carried += 1
                shares = part
        want[j] = shares
    return carried


@compiled
def _priced(t, state, market, rates):
    """Price, fee and slippage of every order; the money they take, and cost, altogether."""
    want, price, fee, slipped = state.want, state.price, state.fee, state.slipped
    quotes, end, payout = market.price[t], market.end, market.payout
    buy, sell, slippage = _row(rates.buy, t), _row(rates.sell, t), _row(rates.slippage, t)
    share, order = _row(rates.share, t), _row(rates.order, t)
    impact, daily = _row(rates.impact, t), _row(rates.daily, t)
    # A row of one rate is the same for all columns.
    b, s, p = buy.shape[0] > 1, sell.shape[0] > 1, slippage.shape[0] > 1
    h, o, i, d = share.shape[0] > 1, order.shape[0] > 1, impact.shape[0] > 1, daily.shape[0] > 1
    taken, cost = 0.0, 0.0
    for j in range(want.shape[0]):
        shares = want[j]
        if shares == 0.0:
            continue
        if t < end[j]:
            got, paid, lost = _order_of(
                shares,
                quotes[j],
                buy[j * b] if shares > 0.0 else sell[j * s],
                slippage[j * p],
                share[j * h],
                order[j * o],
                impact[j * i],
                daily[j * d],
            )
        else:
            # Paid out, not traded: nobody charges for it.
            got, paid, lost = payout[j], 0.0, 0.0
        price[j], fee[j], slipped[j] = got, paid, lost
        taken += shares * got + paid
        cost += paid + lost
    return taken, cost


@compiled
def _within_margin(t, cost, value, known, state, market, terms):
    """Cut what adds to Σ|value| by one factor, so that Σ|value| · initial ≤ net asset value after.

    Everything is valued at the quotes of the session. `cost` is that of all orders in full; at a
    smaller factor they cost no more.
    """
    want, position = state.want, state.position
    base, added, worth = 0.0, 0.0, state.now[CASH]
    n = want.shape[0]
    for j in range(n):
        quote = market.price[t, j]
        mark = quote if quote == quote else known[j]
        before, after = position[j], position[j] + want[j]
        worth += before * mark
        more = abs(after) if before * after < 0.0 else max(abs(after) - abs(before), 0.0)
        base += (abs(after) - more) * mark
        added += more * mark
    if added == 0.0 or (base + added) * terms.initial <= worth - cost:
        return False
    factor = max(0.0, ((worth - cost) / terms.initial - base) / added)
    for j in range(n):
        before, after = position[j], position[j] + want[j]
        full = want[j]
        if before * after < 0.0:
            want[j] = _whole(after * factor - before, terms.lot)
        elif abs(after) > abs(before):
            want[j] = _whole(want[j] * factor, terms.lot)
        state.tally[PARTIAL] += abs(full - want[j]) * known[j] > CUT * value
    return True


@compiled
def _affordable(cash, shares, quote, rates, t, j):
    """The most of a purchase that `cash` pays for, fees and impact included."""
    # Without impact the outlay is a straight line: two of its points give the answer.
    one_price, one_fee, _ = _terms_of(1.0, quote, rates, t, j)
    two_price, two_fee, _ = _terms_of(2.0, quote, rates, t, j)
    one, two = one_price + one_fee, 2.0 * two_price + two_fee
    if one_price == two_price:
        return min(shares, max(0.0, (cash - (2.0 * one - two)) / (two - one)))
    low, high = 0.0, shares
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        price, fee, _ = _terms_of(middle, quote, rates, t, j)
        if middle * price + fee <= cash:
            low = middle
        else:
            high = middle
    return low


@compiled
def _within_cash(t, value, known, state, market, rates, terms):
    """Cut purchases to the cash there is after all sales: smaller ones first, ties by column."""
    want = state.want
    cash = state.now[CASH]
    buys = 0
    for j in range(want.shape[0]):
        if want[j] < 0.0:
            cash -= want[j] * state.price[j] + state.fee[j]
        buys += want[j] > 0.0
    columns, sizes = np.empty(buys, dtype=np.int64), np.empty(buys)
    buys = 0
    for j in range(want.shape[0]):
        if want[j] > 0.0:
            # Orders of one size must tie, whatever rounding went into their shares.
            columns[buys], sizes[buys] = j, np.rint(want[j] * known[j] / value * 1e12)
            buys += 1
    for k in np.argsort(sizes, kind="mergesort"):
        j = columns[k]
        full = want[j]
        if full * state.price[j] + state.fee[j] > cash:
            if t < market.end[j]:
                part = _affordable(cash, full, market.price[t, j], rates, t, j)
                want[j] = _whole(part, terms.lot)
            else:
                want[j] = max(0.0, min(full, cash / state.price[j]))
            if want[j] * known[j] <= DUST * value:
                want[j] = 0.0
            elif t < market.end[j]:
                state.price[j], state.fee[j], state.slipped[j] = _terms_of(
                    want[j], market.price[t, j], rates, t, j
                )
            state.tally[PARTIAL] += (full - want[j]) * known[j] > CUT * value
        if want[j] > 0.0:
            cash -= want[j] * state.price[j] + state.fee[j]


@compiled
def _level(position, opened, high, low, entry, best, terms):
    """The price at which a resting stop closes a position within a session, and why; or NaN.

    A gap through the level fills at the open; where loss and profit are both touched, the loss.
    """
    side = 1.0 if position > 0.0 else -1.0
    worst, favourable = (low, high) if position > 0.0 else (high, low)
    level, reason = entry * (1.0 - side * terms.stop_loss), STOP_LOSS
    trail = best * (1.0 - side * terms.trailing)
    if side * trail > side * level:
        level, reason = trail, TRAILING_STOP
    if side * worst <= side * level:
        return side * min(side * level, side * opened), reason
    level = entry * (1.0 + side * terms.take_profit)
    if side * favourable >= side * level:
        return side * max(side * level, side * opened), TAKE_PROFIT
    return np.nan, DECISION


@compiled
def _resting(fills, a, t, state, market, rates, terms, records):
    """Fill the stops that the session's range touches; the number of fills so far."""
    state.want[:] = 0.0
    state.goal[:] = 0.0
    quotes = market.price[t]
    for j in range(state.position.shape[0]):
        shares = -state.position[j]
        high, low, opened = market.high[t, j], market.low[t, j], market.open[t, j]
        # Without a quote for orders (halted, cost unknown) nothing trades at all.
        if shares == 0.0 or not (high >= low and opened > 0.0 and quotes[j] > 0.0):
            continue
        quote, reason = _level(-shares, opened, high, low, state.entry[j], state.best[j], terms)
        if quote == quote:
            state.want[j], state.why[j], state.rest[j] = shares, reason, 0.0
            state.price[j], state.fee[j], state.slipped[j] = _terms_of(shares, quote, rates, t, j)
            state.tally[STOPPED] += 1
        elif shares < 0.0:
            state.best[j] = max(state.best[j], high)
        else:
            state.best[j] = min(state.best[j], low)
    _settle(state, True)
    return _noted(fills, a, t, state, records)


@compiled
def _watched(t, state, market, terms):
    """Order out, at the next fill, what the close has stopped; the number of new orders."""
    ordered = 0
    for j in range(state.position.shape[0]):
        close = market.valued[t, j]
        if state.position[j] == 0.0:
            continue
        quote, reason = _level(
            state.position[j], close, close, close, state.entry[j], state.best[j], terms
        )
        if quote == quote and t + 1 < market.end[j]:
            ordered += state.pending[j] != state.pending[j]
            state.pending[j], state.since[j], state.cause[j] = 0.0, t + 1, reason
            # A decision of the same close replaces it, which is no order missed.
            state.owed[j], state.rest[j] = False, 0.0
            state.tally[STOPPED] += 1
        elif state.position[j] > 0.0:
            state.best[j] = max(state.best[j], close)
        else:
            state.best[j] = min(state.best[j], close)
    return ordered


@compiled
def _traded(fills, a, t, decided, called, weights, value, state, market, rates, terms, records):
    """Trade one session's orders; how many wait, how many are carried, and the fills so far."""
    known = state.known if market.split.shape[0] > 0 else market.valued[t - 1]
    waiting = _due(t, decided, weights, value * (1.0 - terms.buffer), known, state, market)
    if terms.after_costs:
        _after_costs(t, value, known, state, market, rates)
    if called:
        long, short = _held_values(known, state)
        factor = value / (terms.initial * (long + short)) if long + short > 0.0 else 1.0
        if factor < 1.0:
            for j in range(known.shape[0]):
                _shrink(j, factor, MARGIN_CALL, t, state, market)
    if _limited(terms):
        _within_limits(t, value, known, state, market, terms)
    carried = _wanted(t, value, known, state, market, terms)
    taken, cost = _priced(t, state, market, rates)
    if terms.initial > 0.0:
        if _within_margin(t, cost, value, known, state, market, terms):
            _priced(t, state, market, rates)
    elif taken > state.now[CASH]:
        _within_cash(t, value, known, state, market, rates, terms)
    _settle(state, _stopping(terms))
    return waiting, carried, _noted(fills, a, t, state, records)


@compiled
def keep(
    weights: Array,
    market: Market,
    rates: Rates,
    terms: Terms,
    equity: Array,
    detail: Array,
    shares: Array,
    records: Records,
    counts: Index,
) -> int:
    """Fill `equity` `[A, T]`, `counts` `[A, 8]`, and, where they have room, `detail` `[A, T, 8]`,
    `shares` `[A, T, N]` held at each close and `records`; the number of fills there were.

    `weights` `[A, T, N]` were decided at each close; a row that begins with NaN holds.
    """
    accounts, rows, n = weights.shape
    state = State(
        np.zeros(8),
        np.zeros(8, dtype=np.int64),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.bool_),
        np.zeros(n, dtype=np.int8),
        np.zeros(n, dtype=np.int8),
    )
    now, position, valued = state.now, state.position, market.valued
    financed = terms.cash_rate != 0.0 or terms.loan_rate != 0.0 or rates.borrow.max() > 0.0
    overnight = financed or market.dividend.shape[0] > 0 or market.split.shape[0] > 0
    stops, limited = _stopping(terms), _limited(terms)
    intraday = stops and market.low.shape[0] > 0
    detailed, positions = detail.shape[0] > 0, shares.shape[0] > 0
    fills = 0
    for a in range(accounts):
        for each in (now, position, state.rest, state.entry, state.best):
            each[:] = 0.0
        state.pending[:] = np.nan
        state.tally[:] = 0
        state.tally[ENDED] = -1
        now[CASH] = value = terms.cash
        waiting, carried, called, stuck = 0, 0, False, False
        for t in range(rows):
            if detailed:
                now[CASH + 1 :] = 0.0
            solvent = state.tally[ENDED] < 0
            if t > 0 and solvent:
                if overnight:
                    _overnight(t, state, market, rates, terms)
                if intraday and terms.at_close:
                    fills = _resting(fills, a, t, state, market, rates, terms, records)
                decided = weights[a, t - 1, 0] == weights[a, t - 1, 0]
                if (
                    decided
                    or waiting + carried > 0
                    or called
                    or limited
                    or stuck
                    or market.leaves[t]
                ):
                    waiting, carried, fills = _traded(
                        fills,
                        a,
                        t,
                        decided,
                        called,
                        weights[a, t - 1],
                        value,
                        state,
                        market,
                        rates,
                        terms,
                        records,
                    )
                    if market.leaves[t] or stuck:
                        # A short whose cover the cash didn't allow tries again.
                        stuck = False
                        for j in range(n):
                            stuck = stuck or (t >= market.end[j] and position[j] != 0.0)
                if intraday and not terms.at_close:
                    fills = _resting(fills, a, t, state, market, rates, terms, records)
            held, gross = 0.0, 0.0
            closes = valued[t]
            for j in range(n):
                worth = position[j] * closes[j]
                held += worth
                gross += abs(worth)
            value = now[CASH] + held
            if solvent and value <= 0.0:
                state.tally[ENDED] = t
                gross = 0.0
                for j in range(n):
                    state.want[j], state.goal[j], state.why[j] = -position[j], 0.0, CLOSED_OUT
                    state.price[j] = market.valued[t, j]
                    state.fee[j], state.slipped[j] = 0.0, 0.0
                _settle(state, stops)
                fills = _noted(fills, a, t, state, records)
            elif solvent and stops and not intraday:
                waiting += _watched(t, state, market, terms)
            called = terms.maintenance > 0.0 and solvent and value < terms.maintenance * gross
            state.tally[CALLED] += called
            equity[a, t] = value
            if detailed:
                now[GROSS] = gross
                detail[a, t] = now
            if positions:
                shares[a, t] = position
        for j in range(n):
            if state.pending[j] == state.pending[j]:
                state.tally[MISSED] += state.owed[j]
        counts[a] = state.tally
    return fills
