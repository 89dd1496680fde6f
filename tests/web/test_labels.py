"""Labelling on the page: one post at a time, kept under the coder who gave it."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.stores.sqlite import SqliteStore
from pipelines.web import queries
from tests.web.conftest import Site


def kept(site: Site) -> dict[str, tuple[str, str]]:
    """What the store holds: coder and label of each labelled post."""
    from pipelines.query import All

    with_labels = SqliteStore(site.options.store, readonly=True)
    try:
        found = with_labels.labelled(All())
    finally:
        with_labels.close()
    return {hit.post.id: (labels[0].coder, labels[0].label) for hit, labels in found}


def test_label__is_kept_and_the_next_post_is_shown(serve: Callable[..., Site]) -> None:
    site = serve()
    page = site.page("/label")
    post = re.search(r'name="post_id" value="([^"]+)"', page)
    assert post
    answer = site.post("/label", token=site.token("/label"), post_id=post[1], label="positive")
    assert answer.headers["location"] == "/label"
    assert kept(site) == {post[1]: ("page", "positive")}
    assert "1 post is labelled so far, 1 by you." in site.page("/label")


def test_label__of_a_post_is_changed_by_saying_it_again(serve: Callable[..., Site]) -> None:
    site = serve()
    for said in ("positive", "unclear"):
        token = site.token("/post?id=twitter:1")
        site.post("/label", token=token, post_id="twitter:1", label=said, next="/post?id=twitter:1")
    assert kept(site) == {"twitter:1": ("page", "unclear")}
    assert "Your label is kept: unclear" in site.page("/post?id=twitter:1")


def test_label__of_no_post_or_no_word_is_refused(serve: Callable[..., Site]) -> None:
    site = serve()
    token = site.token("/label")
    assert (
        site.post("/label", token=token, post_id="twitter:99", label="neutral").status_code == 404
    )
    assert site.post("/label", token=token, post_id="twitter:1", label="sad").status_code == 400
    assert site.post("/label", token="", post_id="twitter:1", label="neutral").status_code == 403
    assert kept(site) == {}


def test_label__says_when_nothing_is_left(serve: Callable[..., Site]) -> None:
    site = serve()
    token = site.token("/label")
    site.post("/label", token=token, post_id="twitter:4", label="positive")
    assert "Nothing is left to label here" in site.page("/label?q=skype")


def test_label__says_how_far_coders_agree(serve: Callable[..., Site]) -> None:
    site = serve()
    said = {
        "sara": ("negative", "negative", "positive", "neutral"),
        "omar": ("negative", "negative", "positive", "positive"),
    }
    with SqliteStore(site.options.store) as store:
        for coder, labels in said.items():
            for number, label in enumerate(labels, start=1):
                assert queries.label(store, f"twitter:{number}", coder, label)
    page = site.page("/label")
    assert "agree on 75% of the 4 posts" in page
    # by hand: chance is (2*2 + 1*2 + 1*0) / 16 = 0.375, so kappa is 0.375 / 0.625; and alpha is
    # 1 - (2/8) / (1 - (4*3 + 3*2 + 1*0) / (8*7))
    assert "Cohen&#39;s kappa is 0.6." in page
    assert "Krippendorff&#39;s alpha is 0.63." in page
