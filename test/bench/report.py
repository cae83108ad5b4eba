"""What the runs come to: a row for each goal, as text and for JSON.

A figure is the median of the rounds, and a ratio, ours to the peer's, that
of the two medians; its least and most are those of the single rounds.  Of
several peers the best counts.
"""

import statistics
from typing import NamedTuple, Optional

# Of these more is better; of all others (times, CPU, bytes) less.
MORE = ("GB/s", "conn/s", "messages/s", "M lines/s")


class Row(NamedTuple):
    """A goal.  It is one of the ratio, or of our own figure or its sum."""
    key: str
    what: str
    case: str
    unit: str                   # of the figure, and its name
    peers: list
    goal: Optional[float]
    of: str = "ratio"

    @property
    def more(self):
        return self.unit in MORE


def spread(values):
    return {"median": statistics.median(values), "least": min(values),
            "most": max(values)} if values else None


def figures(results, case, name, unit):
    """One for each round; None where there is none."""
    return [r.get(unit) for r in results.get(case, {}).get(name, [])]


def ratios(ours, theirs):
    pairs = [(a, b) for a, b in zip(ours, theirs) if a is not None and b]
    if not pairs:
        return None
    middle = statistics.median(a for a, _ in pairs) / \
        statistics.median(b for _, b in pairs)
    each = [a / b for a, b in pairs] + [middle]
    return {"median": middle, "least": min(each), "most": max(each)}


def best(row, results):
    """The peer with the best median, and its figures."""
    found = []
    for name in row.peers:
        values = figures(results, row.case, name, row.unit)
        good = [v for v in values if v is not None]
        if good:
            found.append((statistics.median(good), name, values))
    found.sort(reverse=row.more)
    return found[0][1:] if found else (None, [])


def sum_up(row, results, judge=True):
    """A row of the report, or None if nothing of it was measured."""
    ours = figures(results, row.case, "tcpkit", row.unit)
    if not ours:
        return None
    peer, theirs = best(row, results)
    portable = figures(results, row.case, "portable", row.unit)
    some = [v for v in ours if v is not None]
    got = {"key": row.key, "what": row.what, "unit": row.unit,
           "more": row.more, "of": row.of, "goal": row.goal,
           "peers": row.peers, "peer": peer,
           "rounds": len(ours), "failed": len(ours) - len(some),
           "ours": spread(some),
           "theirs": spread([v for v in theirs if v is not None]),
           "ratio": None, "portable": ratios(portable, ours)}
    if row.of == "sum":
        for side, values in (("ours", some), ("theirs", theirs)):
            total = sum(v for v in values if v is not None)
            if got[side]:
                got[side] = dict.fromkeys(got[side], total)
        got["portable"] = None
    else:
        got["ratio"] = ratios(ours, theirs)
    got["met"] = verdict(got) if judge else None
    return got


def verdict(got):
    value = got["ratio"] if got["of"] == "ratio" else got["ours"]
    if got["goal"] is None or (value is None and not got["failed"]):
        return None
    if got["failed"] or value is None:
        return False
    return value["median"] >= got["goal"] if got["more"] and \
        got["of"] == "ratio" else value["median"] <= got["goal"]


def short(x):
    """Three digits that count."""
    if abs(x) >= 100:
        return format(round(x), ",")
    return "%.3g" % x if abs(x) >= 0.001 or x == 0 else "%.1e" % x


def goal_text(got):
    if got["goal"] is None:
        return ""
    sign = ">=" if got["more"] and got["of"] == "ratio" else "<="
    unit = " " + got["unit"] if got["of"] == "figure" else ""
    return "%s %s%s" % (sign, short(got["goal"]), unit)


def figure_text(value, unit):
    return "%s %s" % (short(value["median"]), unit) if value else "none"


def line(got, portable):
    ratio = got["ratio"]
    cells = [got["what"], figure_text(got["ours"], got["unit"]),
             got["peer"] or "(no peer)", figure_text(got["theirs"],
                                                     got["unit"])
             if got["peer"] else "",
             short(ratio["median"]) if ratio else "",
             "(%s..%s)" % (short(ratio["least"]), short(ratio["most"]))
             if ratio else "", goal_text(got),
             {True: "met", False: "MISSED", None: ""}[got["met"]]]
    if portable:
        p = got["portable"]
        cells.append(short(p["median"]) if p else "")
    if got["failed"]:
        cells.append("%d failed" % got["failed"])
    return cells


HEAD = ["", "tcpkit", "peer", "", "ratio", "(least..most)", "goal", ""]
RIGHT = (1, 3, 4, 8)            # columns of figures


def table(rows):
    """The text of all rows; "portable" is that build's figure to ours."""
    portable = any(r["portable"] for r in rows)
    cells = [HEAD + ["portable"] * portable]
    cells += [line(r, portable) for r in rows]
    widths = [max(len(c[i]) for c in cells if len(c) > i)
              for i in range(max(len(c) for c in cells))]
    return "\n".join("  ".join(
        c.rjust(w) if i in RIGHT else c.ljust(w)
        for i, (c, w) in enumerate(zip(row, widths))).rstrip()
        for row in cells)


def merge(reports):
    """The results of several runs, as if they were one."""
    whole = {"results": {}, "system": {}, "missing": {}, "failures": []}
    for r in reports:
        whole["system"].update(r["system"])
        whole["missing"].update(r["missing"])
        whole["failures"] += r["failures"]
        for case, names in r["results"].items():
            for name, values in names.items():
                whole["results"].setdefault(case, {}).setdefault(
                    name, []).extend(values)
    return whole
