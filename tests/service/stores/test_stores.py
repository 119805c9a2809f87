"""What every store must do, on each of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.stores import open_store
from service.stores.store import BEHIND, GONE, STORED, Append, Entry, Key, Outcome, Store, Unavailable

NOW, LATER = 1_000_000, 1_000_000 + 86_400_000
NAME = "a"


@pytest.fixture
def store(store_address: str) -> Iterator[Store]:
    """An empty store of each kind with a stream in it."""
    store = open_store(store_address)
    assert store.create(NAME, b"head", None, 10, NOW)
    yield store
    store.close()


def append(
    after: int, *contents: bytes, stream: str = NAME, key: Key | None = None, expires: int | None = None
) -> Append:
    """Entries, the last of them under a key."""
    *first, last = contents
    return Append(stream, after, [*map(Entry, first), Entry(last, key)], expires, LATER)


def test_entries_are_read_in_the_order_in_which_they_were_written(store: Store) -> None:
    assert store.append([append(0, b"one", b"\x00\xff two")], NOW) == [STORED]
    assert store.append([append(2, b"three")], NOW) == [STORED]
    assert store.read(NAME, 0, NOW) == (b"head", 0, None, (b"one", b"\x00\xff two", b"three"), 3)
    assert store.read(NAME, 2, NOW) == (b"head", 0, None, (b"three",), 3)
    assert store.read(NAME, 3, NOW) == (b"head", 0, None, (), 3)


def test_who_has_not_seen_all_writes_nothing(store: Store) -> None:
    store.append([append(0, b"one")], NOW)
    assert store.append([append(0, b"two", key=Key("k", "d"))], NOW) == [BEHIND]
    assert store.append([append(1, b"two", key=Key("k", "d"))], NOW) == [STORED]


def test_a_key_is_known_once_its_entry_is_stored(store: Store) -> None:
    assert store.append([append(0, b"one", b"two", key=Key("k", "digest"))], NOW) == [STORED]
    known = Outcome("known", {"k": "digest"})
    assert store.append([append(2, b"two", key=Key("k", "another"))], NOW) == [known]
    assert store.append([append(0, b"two", key=Key("k", "another"))], NOW) == [known]
    tail = store.read(NAME, 0, NOW)
    assert tail is not None
    assert tail.last == 2


def test_a_key_is_forgotten_when_it_expires(store: Store) -> None:
    store.append([append(0, b"one", key=Key("k", "digest"))], NOW)
    assert store.append([append(1, b"two", key=Key("k", "digest"))], LATER - 1) == [Outcome("known", {"k": "digest"})]
    assert store.append([append(1, b"two", key=Key("k", "digest"))], LATER) == [STORED]


def test_keys_are_those_of_one_stream(store: Store) -> None:
    store.create("b", b"", None, 10, NOW)
    both = [append(0, b"one", key=Key("k", "d")), append(0, b"one", stream="b", key=Key("k", "d"))]
    assert store.append(both, NOW) == [STORED, STORED]


def test_several_logs_are_written_each_by_itself(store: Store) -> None:
    store.create("b", b"", None, 10, NOW)
    every = [append(0, b"x", stream="none"), append(7, b"x"), append(0, b"x", stream="b")]
    assert store.append(every, NOW) == [GONE, BEHIND, STORED]


def test_a_snapshot_stands_for_what_it_holds(store: Store) -> None:
    store.append([append(0, b"one", b"two", b"three")], NOW)
    store.compact(NAME, 2, b"one and two")
    assert store.read(NAME, 0, NOW) == (b"head", 2, b"one and two", (b"three",), 3)
    assert store.read(NAME, 1, NOW) == (b"head", 2, b"one and two", (b"three",), 3)
    assert store.read(NAME, 2, NOW) == (b"head", 2, None, (b"three",), 3)
    assert store.append([append(3, b"four")], NOW) == [STORED]
    assert store.read(NAME, 3, NOW) == (b"head", 2, None, (b"four",), 4)


def test_a_snapshot_that_is_older_or_too_new_is_passed_over(store: Store) -> None:
    store.append([append(0, b"one", b"two", b"three")], NOW)
    store.compact(NAME, 3, b"new")
    for base in (2, 3, 4):
        store.compact(NAME, base, b"another")
    assert store.read(NAME, 0, NOW) == (b"head", 3, b"new", (), 3)
    store.compact("none", 1, b"")
    assert store.read("none", 0, NOW) is None


def test_what_has_expired_is_gone_before_it_is_swept(store: Store) -> None:
    store.create("b", b"b", NOW + 5, 10, NOW)
    assert store.heads(NOW + 4) == {NAME: b"head", "b": b"b"}
    assert store.heads(NOW + 5) == {NAME: b"head"}
    assert store.read("b", 0, NOW + 5) is None
    assert store.append([append(0, b"one", stream="b")], NOW + 5) == [GONE]
    assert not store.delete("b", NOW + 5)


def test_an_entry_puts_off_the_expiry(store: Store) -> None:
    store.create("b", b"b", NOW + 5, 10, NOW)
    store.append([append(0, b"one", stream="b", expires=NOW + 9)], NOW)
    assert store.read("b", 0, NOW + 8) is not None
    assert store.read("b", 0, NOW + 9) is None


def test_sweeping_lets_go_of_what_has_expired_alone(store: Store) -> None:
    store.create("b", b"b", NOW + 5, 10, NOW)
    store.append([append(0, b"one", key=Key("k", "d"))], NOW)
    store.sweep(NOW + 5)
    assert store.read("b", 0, NOW) is None
    assert store.heads(NOW) == {NAME: b"head"}
    assert store.append([append(1, b"two", key=Key("k", "d"))], NOW + 5) == [Outcome("known", {"k": "d"})]


def test_there_are_no_more_streams_than_there_may_be(store: Store) -> None:
    assert store.create("b", b"", NOW + 5, 2, NOW)
    assert not store.create("c", b"", None, 2, NOW)
    assert store.create("c", b"", None, 2, NOW + 5)


def test_a_removed_stream_is_gone(store: Store) -> None:
    store.append([append(0, b"one")], NOW)
    assert store.delete(NAME, NOW)
    assert not store.delete(NAME, NOW)
    assert store.read(NAME, 0, NOW) is None
    assert store.heads(NOW) == {}


def test_of_writers_at_once_each_finds_a_place(store: Store) -> None:
    def write(name: str) -> None:
        for turn in range(20):
            tail = store.read(NAME, 0, NOW)
            assert tail is not None
            while store.append([append(tail.last, f"{name}{turn}".encode())], NOW) != [STORED]:
                tail = store.read(NAME, 0, NOW)
                assert tail is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    tail = store.read(NAME, 0, NOW)
    assert tail is not None
    for name in "abcd":
        assert [e.decode()[1:] for e in tail.entries if e.decode()[0] == name] == [str(turn) for turn in range(20)]


def test_another_process_reads_what_was_written(shared_address: str) -> None:
    one, two = open_store(shared_address), open_store(shared_address)
    one.create(NAME, b"head", None, 10, NOW)
    assert two.append([append(0, b"one")], NOW) == [STORED]
    tail = one.read(NAME, 0, NOW)
    assert tail is not None
    assert tail.entries == (b"one",)
    one.close()
    two.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://host", "expected sqlite:///path/to/file.db, redis://host:port/db, memory://, got 'mysql://host'"),
        ("sqlite:///", "got 'sqlite:///'"),
        ("sqlite:////proc/none/streams.db", "sqlite /proc/none/streams.db"),
        ("redis://127.0.0.1:1/0", "redis: "),
    ],
)
def test_what_cannot_be_opened_says_why(address: str, message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        open_store(address)
