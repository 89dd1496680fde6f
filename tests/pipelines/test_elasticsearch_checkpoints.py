"""Which records a post's document counts already, after crashes and writers in two places."""

from __future__ import annotations

from pipelines.stores.elasticsearch.checkpoints import Checkpoint, Epoch, next_epoch


def batch(epochs: tuple[Epoch, ...], epoch: Epoch, number: int, key: str = "input") -> Checkpoint:
    return Checkpoint(key, epochs, epoch, number)


def test_epoch__grows_with_each_run_that_applied_something() -> None:
    first = next_epoch(())
    assert first.number == 1
    assert next_epoch((first,)).number == 2
    assert next_epoch((first,)).writer != next_epoch((first,)).writer


def test_checkpoint__gives_credit_for_a_batch_that_was_never_applied() -> None:
    killed, later = Epoch(1, "a"), Epoch(1, "b")
    applied = batch((), killed, 1).add((), 2)
    assert batch((), later, 1).credit(applied) == 2
    assert batch((Epoch(1, "a", 1),), Epoch(2, "b"), 1).credit(applied) == 0
    assert batch((), later, 1, key="another").credit(applied) == 0


def test_checkpoint__gives_no_credit_within_a_run_that_went_on() -> None:
    one = Epoch(1, "a")
    applied = batch((), one, 1).add((), 1)
    assert batch((Epoch(1, "a", 7),), one, 8).credit(applied) == 0


def test_checkpoint__keeps_credit_that_a_batch_used_which_was_lost_as_well() -> None:
    applied = batch((), Epoch(1, "a"), 1).add((), 3)
    used = batch((), Epoch(1, "b"), 1).add(applied, 0, used=2)
    # lost: all of it is there for the next one
    assert batch((), Epoch(1, "c"), 1).credit(used) == 3
    # applied: what was left is
    epochs = (Epoch(1, "b", 1),)
    assert batch(epochs, Epoch(2, "c"), 1).credit(used) == 1
    rest = batch(epochs, Epoch(2, "c"), 1).add(used, 0, used=1)
    assert batch((*epochs, Epoch(2, "c", 1)), Epoch(3, "d"), 1).credit(rest) == 0


def test_checkpoint__counts_once_whichever_of_two_writers_applies_its_batch() -> None:
    slow, quick = Epoch(1, "slow"), Epoch(1, "quick")
    written = batch((), slow, 1).add((), 1)
    seen = batch((), quick, 1).add(written, 0, used=1)
    for winner in (Epoch(1, "slow", 1), Epoch(1, "quick", 1)):
        assert batch((winner,), Epoch(2, "next"), 1).credit(seen) == 0


def test_checkpoint__uses_credit_once_also_when_an_answer_was_lost() -> None:
    applied = batch((), Epoch(1, "a"), 1).add((), 2)
    again = batch((), Epoch(1, "b"), 1)
    for _ in range(12):
        applied = again.add(applied, 0, used=again.credit(applied))
    assert len(applied) == 2
    assert batch((Epoch(1, "b", 1),), Epoch(2, "c"), 1).credit(applied) == 0
    assert batch((), Epoch(1, "c"), 1).credit(applied) == 2


def test_checkpoint__takes_what_is_too_old_to_be_remembered_as_applied() -> None:
    applied = batch((), Epoch(1, "a"), 1).add((), 1)
    epochs: tuple[Epoch, ...] = ()
    for number in range(2, 40):
        epochs = batch(epochs, Epoch(number, "w"), 1).applied(epochs)
    assert len(epochs) == 32
    assert batch(epochs, Epoch(40, "x"), 1).credit(applied) == 0


def test_checkpoint__keeps_a_bounded_number_of_entries_of_other_inputs() -> None:
    applied: tuple[str, ...] = ()
    for number in range(50):
        applied = batch((), Epoch(1, "a"), 1, key=f"file {number}").add(applied, 1)
    assert len(applied) == 9
