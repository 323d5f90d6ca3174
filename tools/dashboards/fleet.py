"""The dashboard of all nodes: where to look."""
from . import grafana as g
from .threshold import multiple

JOB = 'job="$job"'
CAUSES = f'nodevigil_verdict{{{JOB}, class!="normal"}}'
MULTIPLE = multiple(JOB)
ABOVE_ONE = [(None, g.OK), (1, g.BAD)]
NONE_IS_GOOD = [(None, g.OK), (1, g.WARN)]
TO_NODE = {"title": "This node's dashboard", "url":
           "/d/nodevigil-node?var-datasource=${datasource}&var-job=${job}"
           "&var-node=${__data.fields.Node}&${__url_time_range}"}


def nodes(title, description, expression, heading, *, width, unit="short", steps=None, **more):
    """A table of nodes with a figure each, from where a click leads to the node; `more` is what is
    special about the figure."""
    return g.table(title, description, [g.rows(expression)], width=width, unit=unit, steps=steps,
                   columns={"node": "Node", "Value": heading},
                   overrides=[g.by_name("Node", links=[TO_NODE]), g.by_name(heading, **more)])


def now():
    return [
        g.row("Now"),
        g.stat("Nodes watched", "Agents that answer Prometheus.", f'sum(up{{{JOB}}})'),
        g.stat("Anomalous", "Nodes judged anomalous now.",
               f'sum(max by (node) (nodevigil_anomaly{{{JOB}}})) or vector(0)',
               steps=[(None, g.OK), (1, g.BAD)]),
        g.stat("Agents down", "Targets of Prometheus that do not answer.",
               f'count(up{{{JOB}}} == 0) or vector(0)', steps=NONE_IS_GOOD),
        g.stat("Not warm", "Agents that have seen too little for a verdict.",
               f'sum(max by (node) (nodevigil_warmup{{{JOB}}}))', steps=NONE_IS_GOOD),
        g.stat("Rows queued",
               "Rows of all nodes that Postgres does not have yet, where that is known.",
               f'sum(nodevigil_postgres_queue_rows{{{JOB}}}) or vector(0)'),
        g.stat("Rows lost in a day",
               "Rows that did not get into a journal, or left it before Postgres had them.",
               f'sum(increase(nodevigil_journal_dropped_rows_total{{{JOB}}}[1d]))'
               f' + (sum(increase(nodevigil_postgres_lost_rows_total{{{JOB}}}[1d])) or vector(0))',
               steps=NONE_IS_GOOD, defaults={"decimals": 0}),
        g.table("Anomalous nodes",
                "Nodes judged anomalous now and what the model calls it. A click leads to the "
                "node.",
                [g.rows(f'max by (node, class) ({CAUSES} == 1)')],
                columns={"node": "Node", "class": "Cause"}, width=8,
                overrides=[g.by_name("Node", links=[TO_NODE])]),
        nodes("Nearest to an anomaly",
              "Score, smoothed score or suspicion, whichever is the largest multiple of its "
              "threshold: over 1 an anomaly begins.",
              f'topk(10, {MULTIPLE})', "Times threshold", width=8,
              steps=ABOVE_ONE, decimals=2, custom__cellOptions={"type": "color-text"}),
        nodes("Agents that are not warm", "Nodes without verdicts, and how far their warm-up is.",
              f'max by (node) (nodevigil_warmup_progress_ratio{{{JOB}}}) < 1', "Warm-up",
              width=8, unit="percentunit"),
    ]


def history():
    bars = {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}
    return [
        g.row("Anomalies over time"),
        g.lines("Anomalous nodes by cause",
                "How many nodes are anomalous, by what the model calls it.",
                [g.query(f'sum by (class) ({CAUSES})', "{{class}}")],
                width=12, custom={"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}},
                defaults={"min": 0, "decimals": 0}),
        g.lines("Nearest to an anomaly over time",
                "Score, smoothed score or suspicion, whichever is the largest multiple of its "
                "threshold; the ten highest at each moment.",
                [g.query(f'topk(10, {MULTIPLE})', "{{node}}")], width=12,
                defaults={"min": 0}, custom={"thresholdsStyle": {"mode": "line"}}, steps=ABOVE_ONE),
        g.lines("Anomalies raised", "Anomalies that began, per hour, all nodes.",
                [g.query(f'sum(increase(nodevigil_anomalies_total{{{JOB}}}[1h]))', "anomalies")],
                width=12, legend=False, custom=bars, defaults={"min": 0}),
        g.panel("bargauge", "Alert budget spent",
                "Anomalies of the last 7 days against --alert-budget; the ten nodes that spent "
                "most. Needs the recording rules.",
                [g.last(f'sort_desc(topk(10, '
                        f'job_node:nodevigil_alert_budget_spent:ratio7d{{{JOB}}}))',
                        "{{node}}")],
                width=12, unit="percentunit", steps=[(None, g.OK), (1, g.WARN)],
                defaults={"min": 0, "max": 2},
                options={"orientation": "horizontal", "displayMode": "basic",
                         "reduceOptions": g.LAST}),
    ]


def agents():
    def cost(title, description, expression, unit):
        return g.lines(title, description,
                       [g.query(f'max({expression})', "most"),
                        g.query(f'quantile(0.5, {expression})', "median")],
                       width=6, unit=unit, defaults={"min": 0})
    return [
        g.row("Agents"),
        cost("CPU of an agent", "CPU time in cores: of the costliest agent, and the median.",
             f'rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])', "none"),
        cost("Memory of an agent", "Resident memory: of the largest agent, and the median.",
             f'process_resident_memory_bytes{{{JOB}}}', "bytes"),
        g.lines("Rows queued for Postgres",
                "The ten nodes with most rows that Postgres does not have yet.",
                [g.query(f'topk(10, max by (node) (nodevigil_postgres_queue_rows{{{JOB}}}))',
                         "{{node}}")],
                width=6, defaults={"min": 0}),
        g.table("Versions", "Agents by version and model.",
                [g.rows(f'count by (version, name) (nodevigil_build_info{{{JOB}}}'
                         f' * on (job, instance) group_left (name) nodevigil_model_info)')],
                columns={"version": "Version", "name": "Model", "Value": "Agents"}, width=6),
    ]


def dashboard():
    return g.dashboard(
        "nodevigil-fleet", "Nodevigil: all nodes",
        "Which nodes behave unusually, and how the agents are.",
        [g.variable("job", "Job", "label_values(nodevigil_build_info, job)")],
        [*now(), *history(), *agents()],
        links=[])
