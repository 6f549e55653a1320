"""How often an entry has died before the next request comes: expected values of a Poisson process.

Write a = rate of conversations that use one variant (its conversations in a window / the window's seconds), T =
lifetime, g = seconds between turns, n = turns.

*Reach.* With g < T a conversation keeps its entries alive from its first request until T after its last one: L = T +
(n-1)g seconds after its start. So the first request of a conversation finds the entry dead exactly when no other
conversation started in the L seconds before it: probability exp(-aL), and all later turns read. With g >= T each
request covers only the T seconds after itself, the n stretches do not overlap, so L = nT, and every one of the n
requests finds the entry dead with probability exp(-aL).

*The first of a window.* The cache starts empty. Adding up over a window of H seconds the rate of conversations times
the chance that none came in the L seconds before (or since the window began):

    misses = integral_0^L a exp(-a t) dt + integral_L^H a exp(-a L) dt = (1 - exp(-aL)) + a (H - L) exp(-aL)

and 1 - exp(-aH) where L >= H. For one variant that is used all the time this is 1: one write, then reads.

*Keep-alive.* A request that only reads is sent whenever the entry was idle for T' (a little less than T), again and
again. Before a conversation the k-th was sent when none started in the last kT' + (n-1)g seconds, so a
conversation pays for sum_k exp(-a(kT' + (n-1)g)) = exp(-a(n-1)g) x/(1-x) of them, x = exp(-aT').
"""

from decimal import Decimal

from rockbottom.advise.shapes import MonthlyTraffic

_ONE = Decimal(1)


def misses(traffic: MonthlyTraffic, variants: int, ttl_s: int) -> Decimal:
    """Requests of a month that find the entry dead, all variants and windows together."""
    rate = _rate(traffic, variants)
    window, turns, gap = traffic.window_s, traffic.turns, traffic.turn_gap_s
    apart = gap >= ttl_s
    reach = Decimal(ttl_s) * turns if apart else ttl_s + (turns - 1) * gap
    if reach >= window:
        first = _ONE - (-rate * window).exp()
    else:
        gone = (-rate * reach).exp()
        first = _ONE - gone + rate * (window - reach) * gone
    each = turns if apart and turns > 1 else 1
    return min(first * each * variants * traffic.windows, traffic.requests)


def first_uses(traffic: MonthlyTraffic, variants: int) -> Decimal:
    """Conversations of a month that are the first of their variant and window: what no keep-alive can help."""
    return (_ONE - (-_rate(traffic, variants) * traffic.window_s).exp()) * variants * traffic.windows


def keep_alives(traffic: MonthlyTraffic, variants: int, period_s: Decimal) -> Decimal:
    """Requests of a month that are sent only to keep ``variants`` entries alive, one each ``period_s`` idle seconds."""
    rate = _rate(traffic, variants)
    idle = (-rate * period_s).exp()
    at_most = traffic.windows * traffic.window_s / period_s * variants
    if idle == 1:
        return at_most
    before_each = (-rate * (traffic.turns - 1) * traffic.turn_gap_s).exp() * idle / (_ONE - idle)
    return min(before_each * traffic.sessions, at_most)


def _rate(traffic: MonthlyTraffic, variants: int) -> Decimal:
    """Conversations a second that use one variant."""
    return traffic.sessions / traffic.windows / variants / traffic.window_s
