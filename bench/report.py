"""What was measured, as Markdown: a table a zone, and the marks."""
import statistics

TOLERANCE = 0.01  # of replies, beside Knot's
# In signed zones the peers themselves differ by 2%: who compresses which name. Over TCP not all are asked the same queries.
TOLERANCES = {"nsec": 0.05, "nsec3": 0.05, "tcp": 0.05}
STARVED = 0.1  # of the mean: what the connection with the fewest answers must have got

ROWS = [("qps", "queries a second on one core", "{:,.0f}"), ("cpu_us", "CPU a query, us", "{:.2f}"),
        ("p50_us", "p50 at 50,000 q/s, us", "{:.0f}"), ("p99_us", "p99 at 50,000 q/s, us", "{:.0f}"),
        ("tcp1_qps", "TCP, 1 in flight: queries a second", "{:,.0f}"), ("tcp1_cpu_us", "- CPU a query, us", "{:.2f}"),
        ("tcp1_p50_us", "- p50, us", "{:,.0f}"), ("tcp1_p99_us", "- p99, us", "{:,.0f}"),
        ("tcp1_longest_us", "- longest, us", "{:,.0f}"),
        ("tcp1_least", "- the slowest connection's share of the mean", "{:.2f}"),
        ("tcp1_lost", "- queries lost", "{:,.0f}"),
        ("tcp16_qps", "TCP, 16 in flight: queries a second", "{:,.0f}"), ("tcp16_cpu_us", "- CPU a query, us", "{:.2f}"),
        ("tcp16_p50_us", "- p50, us", "{:,.0f}"), ("tcp16_p99_us", "- p99, us", "{:,.0f}"),
        ("tcp16_longest_us", "- longest, us", "{:,.0f}"),
        ("tcp16_least", "- the slowest connection's share of the mean", "{:.2f}"),
        ("tcp16_lost", "- queries lost", "{:,.0f}"),
        ("once_cpu_us", "TCP, one query a connection: CPU a query, us", "{:.2f}"),
        ("once_qps", "- queries a second (the client's ports may be the limit)", "{:,.0f}"),
        ("once_undialled", "- connections that the client had no port for", "{:,.0f}"),
        ("once_lost", "- queries lost", "{:,.0f}"),
        ("transfer_s", "first transfer (AXFR) until served, s", "{:.2f}"), ("transfer_cpu_s", "CPU of that, s", "{:.2f}"),
        ("private_mb", "private memory, MB", "{:.0f}"), ("private_after_mb", "private memory after the load, MB", "{:.0f}"),
        ("disk_mb", "disk, MB", "{:.0f}"), ("restart_s", "restart until first answer, s", "{:.3f}"),
        ("change_ms", "one change: primary serves it -> secondary serves it, ms", "{:.1f}"),
        ("change_cpu_ms", "CPU a change, ms", "{:.0f}"), ("others", "CPU that others took meanwhile, cores", "{:.2f}"),
        ("lost", "queries lost", "{:.2%}"),
        ("octets", "mean reply, octets", "{:.1f}"), ("nxdomain", "NXDOMAIN", "{:.2%}")]

# For each zone: (key, what, which way is better, the mark, of whom). A mark "of" a peer is a ratio; of None, a bound.
MARKS = {
    "big": [("qps", "queries a second", "higher", 1.1, "Knot"), ("p50_us", "p50 at 50,000 q/s, us", "lower", 1, "best"),
            ("p99_us", "p99 at 50,000 q/s, us (the machine's noise)", "lower", None, "best"),
            ("private_mb", "private memory, MB", "lower", 40, None),
            ("private_after_mb", "private memory after the load, MB", "lower", 40, None),
            ("restart_s", "restart until first answer, s", "lower", 0.05, None)],
    "small": [("qps", "queries a second", "higher", 1.15, "Knot")],
    "nsec": [("qps", "queries a second", "higher", 1.1, "best")],
    "nsec3": [("qps", "queries a second", "higher", 1.1, "best")],
    "tcp": [("tcp1_qps", "1 in flight: queries a second", "higher", 1, "best"),
            ("tcp1_least", "- the slowest connection's share of the mean", "higher", STARVED, None),
            ("tcp16_qps", "16 in flight: queries a second", "higher", 1, "best"),
            ("tcp16_least", "- the slowest connection's share of the mean", "higher", STARVED, None),
            ("once_cpu_us", "one query a connection: CPU a query, us", "lower", 1, "best")]}


FORMS = {key: form for key, _, form in ROWS}


def values_of(results, name, key):
    return [r[key] for r in results.get(name, []) if key in r]


def is_not_yet(results, name):
    """Whether the server gave no proof of the kind that this zone is for."""
    return any("not_yet" in r for r in results.get(name, []))


def median_and_range(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}-{form.format(max(values))})"


def table(results):
    names = [name for name in results if results[name]]
    heads = [f"{name} (not yet)" if is_not_yet(results, name) else name for name in names]
    lines = ["| median (lowest-highest) | " + " | ".join(heads) + " |", "|---|" + "---|" * len(names)]
    for key, title, form in ROWS:
        cells = [median_and_range(values, form) if (values := values_of(results, name, key)) else "" for name in names]
        if any(cells):
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def best_peer(results, key, better):
    peers = [name for name in results if name not in ("Understudy", "echo") and values_of(results, name, key)]
    pick = max if better == "higher" else min
    return pick(peers, key=lambda name: statistics.median(values_of(results, name, key)), default=None)


def verdict(value, better, mark):
    if mark is None:
        return "no mark"
    return "passed" if (value >= mark if better == "higher" else value <= mark) else "missed"


def mark_row(results, mark_line):
    """One row, or None where it was not measured. A ratio is the median of the rounds' ratios: two servers of one round
    stood beside the same noise."""
    key, what, better, mark, of = mark_line
    ours = values_of(results, "Understudy", key)
    sign = ">=" if better == "higher" else "<="
    if not ours:
        if is_not_yet(results, "Understudy"):
            return f"| {what} | {sign} {mark} x | not yet | | | missed |"
        return None
    if of is None:
        value = statistics.median(ours)
        return f"| {what} | {sign} {mark} | {median_and_range(ours, FORMS[key])} | | | {verdict(value, better, mark)} |"
    peer = best_peer(results, key, better) if of == "best" else of
    theirs = values_of(results, peer, key) if peer else []
    if not theirs:
        return None
    ratios = [a / b for a, b in zip(ours, theirs) if b]
    knot = values_of(results, "Knot", key)
    noise = [value / statistics.median(knot) for value in knot] if knot and statistics.median(knot) else []
    spread = f"{min(noise):.2f}-{max(noise):.2f}" if noise else ""
    wanted = f"{sign} {mark} x {peer}" if mark is not None else f"beside {peer}"
    return (f"| {what} | {wanted} | {FORMS[key].format(statistics.median(ours))} | {median_and_range(ratios, '{:.2f}')} "
            f"| {spread} | {verdict(statistics.median(ratios), better, mark)} |")


def marks(measured):
    """All marks as one table; measured: {kind of zone: results}."""
    lines = ["| | must | Understudy | ratio, median (lowest-highest) | Knot / its own median | |", "|---|---|---|---|---|---|"]
    for kind, results in measured.items():
        for mark_line in MARKS[kind]:
            row = mark_row(results, (mark_line[0], f"{kind}: {mark_line[1]}") + mark_line[2:])
            if row:
                lines.append(row)
    return "\n".join(lines)


def disagreements(kind, results):
    """Where replies differ from Knot's by more than the tolerance: then a throughput says nothing."""
    out, allowed = [], TOLERANCES.get(kind, TOLERANCE)
    for name in results:
        for key in ("octets", "noerror", "nxdomain"):
            theirs, knot = values_of(results, name, key), values_of(results, "Knot", key)
            if name in ("echo", "Knot") or not theirs or not knot:
                continue
            if abs(statistics.mean(theirs) - statistics.mean(knot)) > allowed * statistics.mean(knot):
                out.append(f"{kind}: {name}: {key} {statistics.mean(theirs):.4g}, Knot {statistics.mean(knot):.4g}")
    return out
