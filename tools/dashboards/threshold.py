"""What raises an alarm, held against its threshold, in PromQL."""

# The suspicion counts where the tree gives the newest sample itself to an attack; without a model there is none.
SEEN = 0.5  # kSure in src/scoring/suspicion.cpp


def multiple(labels):
    """How many times its threshold a node has of the figure that is nearest to an alarm, by node: over 1 it is raised.

    A label tells the figures apart: of series with equal labels `or` takes the first alone.
    """
    def against(name, named, counts=""):
        series = f"nodevigil_{name}"
        return f'label_replace({series}{{{labels}}} / {series}_threshold{counts}, "figure", "{named}", "", "")'
    seen = f' and max without (class) (nodevigil_class_probability{{{labels}, class!="normal"}}) >= {SEEN}'
    figures = [against("score", "score"), against("score_smoothed", "smoothed score"),
               against("suspicion", "suspicion", seen)]
    return f'max by (node) ({" or ".join(figures)})'
