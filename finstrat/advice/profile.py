"""A person's profile: what they can bear, what they have, and what they rule out.

It is one TOML file; a mistake in it is answered with its line. It knows no prices, so whether an
asset exists is found out when advice is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from finstrat.components import Settings
from finstrat.errors import ConfigError, did_you_mean
from finstrat.toml_file import TomlFile, config_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

Shares = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

RISKS = {"cautious": 0.02, "balanced": 0.05, "bold": 0.09}
"""The mean loss in the worst 5 % of months that a person of this kind can bear."""

GLIDE_YEARS = 10.0
FLOOR = 0.2
"""With fewer years to go than the first, what can be borne falls in a line to this part of it."""


class Group(Settings):
    """Bounds on several assets together."""

    assets: tuple[str, ...] = Field(min_length=1)
    low: Share = 0.0
    high: Share = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} exceeds high {self.high}")
        return self


class Wishes(Settings):
    """What the allocation must keep to, as fractions of the account."""

    max_weight: float = Field(0.25, gt=0, le=1, description="most in one stock")
    min_cash: Share = Field(0.02, description="least in cash")
    max_turnover: float | None = Field(None, gt=0, le=2, description="most bought and sold")
    minimum: dict[str, Share] = Field({}, description="least in a named stock")
    groups: dict[str, Group] = Field({}, description="bounds on several stocks together")


class Profile(Settings):
    """One person.

    Attributes:
        backtest: whose decision the advice follows.
        risk: what can be borne, see `RISKS`; `worst_month` says it in a number instead.
        worst_month: the mean loss, as a fraction of the account, in the worst 5 % of months.
        horizon_years: until the money is needed.
        capital: money besides the holdings, in the market's currency.
        holdings: shares held now, by asset.
        exclude: assets never to hold; what is held of them is sold.
        lot: shares are bought in whole multiples of it; 0 = any fraction.
        premium: yearly return of the average stock above cash that is assumed, not estimated.
    """

    name: str = Field(min_length=1)
    backtest: str
    risk: Literal["cautious", "balanced", "bold"]
    worst_month: float | None = Field(None, gt=0, lt=1)
    horizon_years: float = Field(gt=0, le=60)
    capital: float = Field(ge=0, allow_inf_nan=False)
    exclude: tuple[str, ...] = ()
    lot: float = Field(1.0, ge=0, allow_inf_nan=False)
    premium: float = Field(0.04, gt=-1, lt=1)
    holdings: dict[str, Shares] = Field({})
    constraints: Wishes = Field(default_factory=Wishes)

    @property
    def bearable(self) -> float:
        """The mean loss in the worst 5 % of months that can be borne with all the time in hand."""
        return RISKS[self.risk] if self.worst_month is None else self.worst_month

    def bearable_with(self, years: float) -> float:
        """The same with `years` to go."""
        return self.bearable * (FLOOR + (1.0 - FLOOR) * min(1.0, max(0.0, years) / GLIDE_YEARS))


def read_profile(name: str) -> tuple[Profile, TomlFile]:
    """The profile in a file, or a bundled one by its name, and the file that knows its lines.

    Raises:
        ConfigError: there is none, or it has mistakes, each named with its line.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise ConfigError(f"no profile {name}; `finstrat advise {name} --ask` writes one")
        file = TomlFile.read(path, shown_as=name)
    else:
        bundled = {
            each.name.removesuffix(".toml"): each
            for each in resources.files("finstrat").joinpath("templates/profiles").iterdir()
        }
        if name not in bundled:
            raise ConfigError(f'no profile "{name}"{did_you_mean(name, bundled)}')
        file = TomlFile.parse(
            bundled[name].read_text(encoding="utf-8"), shown_as=f"profiles/{name}.toml"
        )
    try:
        return Profile.model_validate(file.data), file
    except ValidationError as error:
        raise config_error(error, file, (), Profile) from None


Ask = Callable[[str, str], str]
"""Asks a question with a default and gives the answer."""


def asked(ask: Ask, backtests: list[str]) -> str:
    """The text of a profile out of a person's answers; a mistake is asked again.

    `ask` is given a question and a default.
    """

    def checked(question: str, default: str, accept: Callable[[str], object]) -> str:
        while True:
            answer = ask(question, default).strip()
            try:
                accept(answer)
            except ValueError as error:
                question = f"{error}. {question.rpartition('. ')[2]}"
                continue
            return answer

    name = checked("A name for this profile", "me", _some)
    losses = ", ".join(f"{key} {loss:.0%}" for key, loss in RISKS.items())
    risk = checked(
        f"In the worst one of twenty months, which mean loss could you bear ({losses})",
        "balanced",
        lambda text: _one_of(text, RISKS),
    )
    years = checked("In how many years do you need the money", "10", _above_zero)
    capital = checked("How much money do you have to invest, besides stocks", "100000", _number)
    held = checked("Which shares do you hold, like AAPL 20, XOM 5", "none", _holdings)
    excluded = ask("Which stocks do you rule out, like XOM, CVX", "none").strip()
    most = checked("At most how much in one stock, in percent", "20", _percent)
    cash = checked("At least how much in cash, in percent", "2", _percent)
    backtest = checked(
        f"Which backtest should it follow ({', '.join(backtests)})",
        "momentum",
        lambda text: _one_of(text, backtests),
    )
    ruled_out = [] if excluded in {"", "none"} else [each.strip() for each in excluded.split(",")]
    lines = [
        f"name = {json.dumps(name)}",
        f"backtest = {json.dumps(backtest)}",
        f"risk = {json.dumps(risk)}",
        f"horizon_years = {float(years):g}",
        f"capital = {float(capital):.2f}",
        f"exclude = {json.dumps(ruled_out)}",
        "",
        "[constraints]",
        f"max_weight = {_percent(most)!r}",
        f"min_cash = {_percent(cash)!r}",
        "",
        "[holdings]",
        *(f"{json.dumps(asset)} = {shares!r}" for asset, shares in _holdings(held).items()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _some(text: str) -> str:
    if not text:
        raise ValueError("Something is needed")
    return text


def _one_of(text: str, known: Iterable[str]) -> str:
    names = list(known)
    if text not in names:
        raise ValueError(f"Expected one of {', '.join(names)}")
    return text


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise ValueError("Expected a number, 0 or more")
    return value


def _above_zero(text: str) -> float:
    if _number(text) == 0.0:
        raise ValueError("Expected a number above 0")
    return _number(text)


def _percent(text: str) -> float:
    value = _number(text.rstrip("% "))
    if value > 100.0:
        raise ValueError("Expected at most 100")
    return value / 100.0


def _holdings(text: str) -> dict[str, float]:
    """Shares by asset, out of a text like "AAPL 20, XOM 5"."""
    if text in {"", "none"}:
        return {}
    held = {}
    for part in text.split(","):
        asset, _, shares = part.strip().rpartition(" ")
        if not asset:
            raise ValueError("Expected a stock and its shares, like AAPL 20")
        held[asset.strip()] = _number(shares)
    return held
