"""Grafana's model of a dashboard (10 and later), as far as ours use it."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24  # of a row of panels

OK, WARN, BAD, QUIET = "green", "orange", "red", "text"
LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
NO_LEGEND = LEGEND | {"showLegend": False}


def query(expression, legend=""):
    """A query over time."""
    return {"expr": expression, "legendFormat": legend, "datasource": DATASOURCE}


def last(expression, legend=""):
    """A query of the last moment."""
    return query(expression, legend) | {"instant": True, "range": False}


def rows(expression):
    """A query of the last moment that gives a row for each series."""
    return last(expression) | {"format": "table"}


def panel(kind, title, description, queries, *, width, height=8, unit="short", steps=None,
          defaults=None, overrides=None, options=None, **more):
    """`steps`: colours from values on, as [(None, colour), (value, colour), ...]."""
    targets = [query | {"refId": chr(ord("A") + i)} for i, query in enumerate(queries)]
    steps = [{"value": value, "color": colour} for value, colour in steps or [(None, QUIET)]]
    field = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    return {
        "type": kind, "title": title, "description": description, "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height}, "targets": targets, "options": options or {},
        "fieldConfig": {"defaults": field | (defaults or {}), "overrides": overrides or []}, **more}


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"w": WIDTH, "h": 1}}


def stat(title, description, expression, *, width=4, legend="", **more):
    """One figure; with `legend`, that instead of the figure."""
    options = {"reduceOptions": LAST, "colorMode": "value", "graphMode": "none",
               "textMode": "name" if legend else "value"}
    return panel("stat", title, description, [last(expression, legend)], width=width, height=4,
                 options=options, **more)


def lines(title, description, queries, *, width, legend=True, custom=None, **more):
    """Values over time."""
    style = {"lineWidth": 1, "fillOpacity": 0, "showPoints": "never", "spanNulls": False}
    options = {"legend": LEGEND if legend else NO_LEGEND,
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, queries, width=width, options=options,
                 defaults={"custom": style | (custom or {}), "color": {"mode": "palette-classic"}}
                 | more.pop("defaults", {}), **more)


def states(title, description, queries, *, width, mappings, **more):
    """What is the case over time, a line each. `mappings`: {value: (text, colour)}."""
    options = {str(value): {"text": text, "color": colour, "index": i}
               for i, (value, (text, colour)) in enumerate(mappings.items())}
    return panel("state-timeline", title, description, queries, width=width,
                 defaults={"mappings": [{"type": "value", "options": options}],
                           "color": {"mode": "thresholds"}, "custom": {"fillOpacity": 80}},
                 options={"mergeValues": True, "showValue": "never", "rowHeight": 0.9,
                          "legend": NO_LEGEND}, **more)


def table(title, description, queries, *, width, columns, **more):
    """The last values as rows. `columns`: {field: heading}, in their order; no others are shown."""
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": {
            "indexByName": {field: i for i, field in enumerate(columns)},
            "renameByName": columns}}]
    return panel("table", title, description, queries, width=width,
                 transformations=transformations, **more)


def by_name(name, **properties):
    """An override of the series called `name`; `custom__x` stands for custom.x."""
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": key.replace("__", "."), "value": value}
                           for key, value in properties.items()]}


def fixed(colour):
    return {"mode": "fixed", "fixedColor": colour}


def place(panels):
    """Gives panels ids and places: from left to right, in rows as high as their highest."""
    x = y = height = 0
    for number, one in enumerate(panels, 1):
        at = one["gridPos"]
        if x + at["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        one["id"] = number
        at |= {"x": x, "y": y}
        x += at["w"]
        height = max(height, at["h"])
    return panels


def variable(name, label, expression):
    return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE,
            "query": {"query": expression, "refId": f"Variable-{name}"}, "definition": expression,
            "refresh": 2, "sort": 1, "multi": False, "includeAll": False}


def dashboard(uid, title, description, variables, panels, links):
    source = {"type": "datasource", "name": "datasource", "label": "Prometheus",
              "query": "prometheus", "refresh": 1}
    return {
        "uid": uid, "title": title, "description": description, "tags": ["nodevigil"],
        "schemaVersion": 38, "version": 1, "editable": True, "graphTooltip": 1,
        "time": {"from": "now-6h", "to": "now"}, "refresh": "30s", "timezone": "",
        "templating": {"list": [source, *variables]}, "annotations": {"list": []},
        "links": links, "panels": place(panels)}
