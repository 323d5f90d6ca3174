"""The dashboard of one node: what is unusual, and against what."""
from . import grafana as g
from .threshold import multiple

NODE = 'job="$job", node="$node"'

# Grafana's unit for the feature of a metric: the level of a gauge, the rate of a counter.
UNITS = {
    ("gauge", "percent"): "percent", ("gauge", "tasks"): "short", ("gauge", "sockets"): "short",
    ("gauge", "pages"): "short", ("gauge", "connections"): "short",
    ("gauge", "descriptors"): "short",
    ("counter", "seconds"): "percentunit",  # of idle time a second
    ("counter", "bytes"): "Bps", ("counter", "packets"): "pps", ("counter", "faults"): "cps",
    ("counter", "forks"): "cps", ("counter", "interrupts"): "cps", ("counter", "errors"): "cps",
}
TOP = f"topk(5, max by (instance, metric) (abs(nodevigil_metric_z{{{NODE}}})))"
BAND = g.fixed("super-light-blue")
TICK = "nodevigil_tick_duration_seconds"
TO_PAGE = {"title": "The agent's page", "targetBlank": True,
           "url": "http://${__data.fields.Agent}/"}


def one(series, **labels):
    """A series of this node: that of the newest pod, where it was replaced."""
    more = "".join(f', {name}="{value}"' for name, value in labels.items())
    return f"max({series}{{{NODE}{more}}})"


def rate(series):
    return f"rate({series}{{{NODE}}}[$__rate_interval])"


def verdict():
    flag = {0: ("no", "transparent"), 1: ("yes", g.BAD)}
    return [
        g.row("Verdict"),
        g.stat("Verdict", "What the node is judged to be now; empty in warm-up.",
               f'max by (class) (nodevigil_verdict{{{NODE}}}) == 1', legend="{{class}}"),
        g.stat("Times threshold",
               "Score, smoothed score or suspicion, whichever is the largest multiple of its "
               "threshold: over 1 an anomaly begins.", multiple(NODE),
               steps=[(None, g.OK), (0.7, g.WARN), (1, g.BAD)], defaults={"decimals": 2}),
        g.stat("Anomalies in a week", "Anomalies raised in the last 7 days.",
               f'sum(increase(nodevigil_anomalies_total{{{NODE}}}[7d]))', defaults={"decimals": 0}),
        g.stat("Alert budget", "Anomalies a week that --alert-budget allows on a quiet node.",
               one("nodevigil_alert_budget_per_week")),
        g.stat("Warm-up", "How much of the warm-up is done; no verdicts before all of it.",
               one("nodevigil_warmup_progress_ratio"), unit="percentunit",
               steps=[(None, g.WARN), (1, g.OK)]),
        g.stat("Since the newest sample", "Time since the agent sampled last.",
               f'time() - {one("nodevigil_last_tick_timestamp_seconds")}', unit="s"),
        g.states("Verdicts", "Which class was the verdict when.",
                 [g.query(f'max by (class) (nodevigil_verdict{{{NODE}, class!="normal"}})',
                          "{{class}}")], width=12, mappings=flag),
        g.table("Most unusual now",
                "The metrics that stand out, with what is usual. A click on one leads to the "
                "agent's page, which explains the verdict.",
                [g.rows(TOP)]
                + [g.rows(f'max by (instance, metric) (nodevigil_metric_usual_{end}{{{NODE}}}) '
                          f'and {TOP}')
                   for end in ("low", "high")],
                columns={"metric": "Metric", "Value #A": "|z|", "Value #B": "Usual from",
                         "Value #C": "to", "instance": "Agent"}, width=12,
                defaults={"decimals": 2}, overrides=[g.by_name("Metric", links=[TO_PAGE])],
                options={"sortBy": [{"displayName": "|z|", "desc": True}]}),
    ]


def score():
    def against(title, description, name, legend="score"):
        return g.lines(title, description,
                       [g.query(one(f"nodevigil_{name}"), legend),
                        g.query(one(f"nodevigil_{name}_threshold"), "threshold")], width=8,
                       defaults={"min": 0},
                       overrides=[g.by_name("threshold", color=g.fixed(g.BAD),
                                            custom__lineStyle={"fill": "dash", "dash": [8, 4]})])
    return [
        g.row("Score"),
        against("Score of a sample",
                "Mean of the five largest deviations of each sample, against its threshold.",
                "score"),
        against("Smoothed score", "The same over the last samples, against its own threshold.",
                "score_smoothed"),
        against("Suspicion",
                "What the tree has held for an attack over the last samples, against its "
                "threshold. It counts while the tree gives the sample itself to that attack.",
                "suspicion", "suspicion"),
        g.panel("status-history", "Deviation of each metric",
                "|z| of each metric: how many standard deviations it is from its usual level; 20 "
                "at most.",
                [g.query(f'max by (metric) (abs(nodevigil_metric_z{{{NODE}}}))', "{{metric}}")],
                width=24, height=16, maxDataPoints=120,
                steps=[(None, "transparent"), (2, "yellow"), (4, g.WARN), (8, g.BAD)],
                defaults={"color": {"mode": "thresholds"}},
                options={"showValue": "never", "rowHeight": 0.9, "legend": g.NO_LEGEND}),
    ]


def feature(metric):
    """A panel of one metric of the table within its usual range."""
    name, counter = metric["name"], metric["kind"] == "counter"
    value = f'max({rate(metric["prometheus"])})' if counter else one(metric["prometheus"])
    return g.lines(
        name, metric["help"] + (" Per second." if counter else "") + " The band is what is usual.",
        [g.query(value, name),
         g.query(one("nodevigil_metric_usual_low", metric=name), "usual from"),
         g.query(one("nodevigil_metric_usual_high", metric=name), "usual to")],
        width=6, height=6, legend=False, unit=UNITS[metric["kind"], metric["unit"]],
        overrides=[
            g.by_name("usual from", color=BAND, custom__lineWidth=0),
            g.by_name("usual to", color=BAND, custom__lineWidth=0, custom__fillOpacity=25,
                      custom__fillBelowTo="usual from")])


def agent():
    return [
        g.row("Agent"),
        g.states("Baseline",
                 "Whether the agent warms up, keeps an anomaly out of its baselines (frozen) or "
                 "learns it as usual (relearning), and whether the long baseline judges.",
                 [g.query(one("nodevigil_warmup"), "warm-up"),
                  g.query(one("nodevigil_baseline_frozen"), "frozen"),
                  g.query(one("nodevigil_baseline_relearning"), "relearning"),
                  g.query(f'1 - {one("nodevigil_slow_baseline_warm")}', "knows an hour only")],
                 width=12, mappings={0: ("no", "transparent"), 1: ("yes", g.WARN)}),
        g.states("Sources", "Which files of /proc and /sys the last reading could read.",
                 [g.query(f'max by (source) (nodevigil_source_up{{{NODE}}})', "{{source}}")],
                 width=12, mappings={0: ("not readable", g.BAD), 1: ("read", g.OK)}),
        g.lines("Time of a tick", "99th percentile and mean of the time a tick takes.",
                [g.query(f'histogram_quantile(0.99, sum by (le) ({rate(TICK + "_bucket")}))',
                         "p99"),
                 g.query(f'sum({rate(TICK + "_sum")}) / sum({rate(TICK + "_count")})', "mean")],
                width=6, unit="s"),
        g.lines("Ticks late and missed", "Ticks that began late or were skipped, per second.",
                [g.query(f'sum({rate(f"nodevigil_ticks_{kind}_total")})', kind)
                 for kind in ("late", "missed")], width=6, unit="cps", defaults={"min": 0}),
        g.lines("Rows waiting",
                "Rows that wait to be written to the journal, and those Postgres does not have.",
                [g.query(one("nodevigil_journal_queue_rows"), "for the journal"),
                 g.query(one("nodevigil_postgres_queue_rows"), "for Postgres")],
                width=6, defaults={"min": 0}),
        g.lines("CPU of the agent", "CPU time of the agent, in cores.",
                [g.query(f'max({rate("process_cpu_seconds_total")})', "cores")],
                width=6, legend=False, unit="none", defaults={"min": 0}),
    ]


def dashboard(metrics):
    return g.dashboard(
        "nodevigil-node", "Nodevigil: one node",
        "What is unusual on a node, and against what.",
        [g.variable("job", "Job", "label_values(nodevigil_build_info, job)"),
         g.variable("node", "Node", 'label_values(nodevigil_build_info{job="$job"}, node)')],
        [*verdict(), *score(), g.row("Metrics and their usual range"), *map(feature, metrics),
         *agent()],
        links=[{"type": "link", "title": "All nodes", "icon": "dashboard", "includeVars": True,
                "keepTime": True, "url": "/d/nodevigil-fleet"}])
