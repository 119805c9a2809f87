"""What was worked out before is met again, within bounds."""

from lossapi.memo import Memo


def test_a_value_is_met_again_by_its_key() -> None:
    memo: Memo[str] = Memo(2)
    memo.put(("a", 1), "one")
    assert memo.get(("a", 1)) == "one"
    assert memo.get(("b", 1)) is None


def test_a_key_with_a_list_leaves_nothing() -> None:
    memo: Memo[str] = Memo(2)
    memo.put(("a", [1]), "one")
    assert memo.get(("a", [1])) is None


def test_one_too_many_and_all_are_forgotten() -> None:
    memo: Memo[int] = Memo(2)
    for key in range(3):
        memo.put(key, key)
    assert [memo.get(key) for key in range(3)] == [None, None, 2]
