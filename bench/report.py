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
        ("change_cpu_ms", "CPU a change, above that of an idle server, ms", "{:.1f}"),
        ("idle_cpu_ms", "CPU of a second idle, ms", "{:.1f}"),
        ("private_changed_mb", "private memory after the changes, MB", "{:.0f}"),
        ("axfr_first_s", "transfer out, the first of a version, s", "{:.3f}"), ("axfr_s", "- the next ones, s", "{:.3f}"),
        ("axfr_first_cpu_s", "- CPU of the first, s", "{:.2f}"), ("axfr_cpu_s", "- CPU of the next ones, s", "{:.2f}"),
        ("axfr_loaded_s", "- beside 20,000 q/s, s", "{:.3f}"), ("axfr_loaded_p99_us", "- p99 of those, us", "{:,.0f}"),
        ("axfr_loaded_lost", "- of those lost", "{:,.0f}"), ("axfr_mb", "- octets, MB", "{:.1f}"),
        ("rollback_few_s", "rollback over three changes until the first answer, s", "{:.3f}"),
        ("rollback_few_cpu_s", "- CPU, s", "{:.2f}"),
        ("rollback_all_s", "rollback over a change of every record, s", "{:.3f}"),
        ("private_rollback_mb", "private memory after it, MB", "{:.0f}"),
        ("cold_s", "all zones served, cold, s", "{:.2f}"), ("cold_cpu_s", "- CPU, s", "{:.2f}"),
        ("restart_all_s", "all zones served after a restart, s", "{:.3f}"),
        ("notify_s", "NOTIFY for every zone: all current, s", "{:.2f}"), ("notify_cpu_s", "- CPU, s", "{:.2f}"),
        ("notify_told_s", "- all NOTIFYs answered, s", "{:.2f}"),
        ("notify_loaded_s", "- beside 20,000 q/s: all current, s", "{:.2f}"),
        ("notify_p50_us", "- - p50 meanwhile, us", "{:,.0f}"), ("notify_p99_us", "- - p99, us", "{:,.0f}"),
        ("notify_longest_us", "- - longest, us", "{:,.0f}"), ("notify_lost", "- - queries lost", "{:,.0f}"),
        ("missing", "zones that were not served, or not current", "{:,.0f}"), ("others", "CPU that others took meanwhile, cores", "{:.2f}"),
        ("lost", "queries lost", "{:.2%}"),
        ("octets", "mean reply, octets", "{:.1f}"), ("nxdomain", "NXDOMAIN", "{:.2%}")]

# For each zone: (key, what, which way is better, the mark, of whom). A mark "of" a peer is a ratio; of None, a bound.
MARKS = {
    "big": [("qps", "queries a second", "higher", 1.1, "Knot"), ("p50_us", "p50 at 50,000 q/s, us", "lower", 1, "best"),
            ("p99_us", "p99 at 50,000 q/s, us (the machine's noise)", "lower", None, "best"),
            ("private_mb", "private memory, MB", "lower", 40, None),
            ("private_after_mb", "private memory after the load, MB", "lower", 40, None),
            ("restart_s", "restart until first answer, s", "lower", 0.05, None),
            ("transfer_s", "first transfer until served, s", "lower", 1, "Knot"),
            ("transfer_cpu_s", "- CPU, s", "lower", 1, "Knot"), ("disk_mb", "disk, MB", "lower", 100, None),
            ("change_ms", "one change until served, ms", "lower", 1, "BIND"),
            ("change_cpu_ms", "- CPU, ms", "lower", 5, None),
            ("private_changed_mb", "private memory after changes, MB", "lower", 40, None),
            ("axfr_first_s", "transfer out, the first of a version, s", "lower", 0.5, None),
            ("axfr_loaded_s", "- the next, beside 20,000 q/s, s", "lower", 0.5, None),
            ("rollback_few_s", "rollback over three changes, s", "lower", 0.2, None),
            ("rollback_all_s", "rollback over a change of every record, s", "lower", 2, None)],
    "zones": [("cold_s", "all served, cold, s", "lower", 0.66, "Knot"),
              ("restart_all_s", "all served after a restart, s", "lower", 0.1, None),
              ("private_mb", "private memory, MB (200 are for 100,000 zones)", "lower", 200, None),
              ("notify_s", "NOTIFY for each: all current, s", "lower", 5, None),
              ("notify_loaded_s", "- beside 20,000 q/s, s", "lower", 5, None),
              ("notify_p99_us", "- - p99 meanwhile, us", "lower", 1, "Knot"),
              ("notify_lost", "- - queries lost", "lower", 0, None),
              ("missing", "zones not served or not current", "lower", 0, None)],
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
