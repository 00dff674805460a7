"""Numbers for people: three digits and a unit that fits."""


def energy(pj: float) -> str:
    """An energy that is given in picojoule.

    >>> energy(0.9), energy(1234.0), energy(2.5e9)
    ('0.9 pJ', '1.23 nJ', '2.5 mJ')
    """
    return _scaled(pj, ("pJ", "nJ", "µJ", "mJ", "J"))


def time(us: float) -> str:
    """A time that is given in microseconds.

    >>> time(0.5), time(1234.0)
    ('500 ns', '1.23 ms')
    """
    return _scaled(us * 1e3, ("ns", "µs", "ms", "s"))


def rate(per_second: float) -> str:
    """Samples a second: three digits, thousands marked, no exponent.

    >>> rate(2716.4), rate(373.2), rate(0.01234)
    ('2,720', '373', '0.0123')
    """
    return f"{float(f'{per_second:.3g}'):,.12g}"


def number(value: float) -> str:
    """A count, with thousands marked; a mean of samples has one decimal.

    >>> number(1234567.0), number(0.25)
    ('1,234,567', '0.2')
    """
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.1f}"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    index = 0
    while abs(value) >= 1000 and index < len(units) - 1:
        value, index = value / 1000, index + 1
    return f"{value:.3g} {units[index]}"
