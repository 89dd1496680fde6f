"""What the page asks a store: nothing else of the page does.

Each function takes an open store and returns a typed answer. They call what the commands call, so
that the page and the command line can't show different figures.
"""

from pipelines.web.queries.deletions import Preview, deletion
from pipelines.web.queries.labels import Labelling, label, label_of, next_to_label
from pipelines.web.queries.likes import Likes, likes, likes_chart
from pipelines.web.queries.overview import Overview, overview
from pipelines.web.queries.posts import (
    Answer,
    FacetValue,
    Found,
    Study,
    entities,
    matching,
    node_of,
    post,
    search,
    study,
    top,
)
from pipelines.web.queries.state import State, state
from pipelines.web.queries.trends import Trend, trend, trend_chart

__all__ = [
    "Answer",
    "FacetValue",
    "Found",
    "Labelling",
    "Likes",
    "Overview",
    "Preview",
    "State",
    "Study",
    "Trend",
    "deletion",
    "entities",
    "label",
    "label_of",
    "likes",
    "likes_chart",
    "matching",
    "next_to_label",
    "node_of",
    "overview",
    "post",
    "search",
    "state",
    "study",
    "top",
    "trend",
    "trend_chart",
]
