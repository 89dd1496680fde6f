"""Posts that were scored again are known by where they came from."""

import pytest

from pipelines.kafka.cursor import Cursor, read_cursor
from pipelines.kafka.wire import Origin


@pytest.mark.parametrize("cursor", [Cursor(), Cursor(7), Cursor(7, "cluster/topic", 5)])
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert read_cursor(str(cursor)) == cursor


def test_the_empty_text_is_the_beginning() -> None:
    assert read_cursor("") == Cursor()


def test_a_post_is_known_once_it_was_here_and_what_comes_after_it_is_not() -> None:
    cursor = Cursor(9).after(Origin("t", 2, 41), 2)
    assert cursor.knows(Origin("t", 2, 41), 2)
    assert cursor.knows(Origin("t", 2, 3), 2)
    assert not cursor.knows(Origin("t", 2, 42), 2)


def test_a_post_of_a_topic_made_anew_is_new_whatever_its_offset() -> None:
    cursor = Cursor(9, "old", 1000)
    assert not cursor.knows(Origin("new", 2, 3), 2)
    assert cursor.after(Origin("new", 2, 3), 2) == Cursor(9, "new", 4)


def test_nothing_is_concluded_from_another_partition_or_from_no_origin() -> None:
    cursor = Cursor(9, "t", 1000)
    for origin in (Origin("t", 1, 3), None):
        assert not cursor.knows(origin, 2)
        assert cursor.after(origin, 2) == cursor
