"""What an operator has read again is known by where it came from."""

import pytest

from pipelines.kafka.cursor import Cursor, read_cursor
from pipelines.kafka.messages import RecordOffset


@pytest.mark.parametrize(
    "cursor", [Cursor(), Cursor(7), Cursor(7, "cluster/topic", {0: 5, 11: 1_000})]
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert read_cursor(str(cursor)) == cursor


def test_the_empty_text_is_the_beginning() -> None:
    assert read_cursor("") == Cursor()


def test_a_message_is_known_once_it_was_here_and_what_comes_after_it_is_not() -> None:
    cursor = Cursor(9).after(RecordOffset("t", 2, 41))
    assert cursor.knows(RecordOffset("t", 2, 41))
    assert cursor.knows(RecordOffset("t", 2, 3))
    assert not cursor.knows(RecordOffset("t", 2, 42))


def test_each_partition_that_messages_come_from_has_its_own_place() -> None:
    cursor = Cursor(9).after(RecordOffset("t", 2, 41)).after(RecordOffset("t", 0, 7))
    assert cursor.knows(RecordOffset("t", 2, 41))
    assert cursor.knows(RecordOffset("t", 0, 7))
    assert not cursor.knows(RecordOffset("t", 0, 8))
    assert not cursor.knows(RecordOffset("t", 1, 0))


def test_a_message_of_a_topic_made_anew_is_new_whatever_its_offset() -> None:
    cursor = Cursor(9, "old", {2: 1000})
    assert not cursor.knows(RecordOffset("new", 2, 3))
    assert cursor.after(RecordOffset("new", 2, 3)) == Cursor(9, "new", {2: 4})


def test_nothing_is_concluded_without_an_origin() -> None:
    cursor = Cursor(9, "t", {2: 1000})
    assert not cursor.knows(None)
    assert cursor.after(None) == cursor
