"""Counts that grow with the requests, and do not grow without end."""

from service.statistics import MOST_SIZES, Record, Stages

STAGES = Stages(1, 2, 3, 4)


def test_stages_and_rows_add_up() -> None:
    record = Record()
    for batch in (3, 5):
        record.succeeded(batch, 20, STAGES)
    record.failed(7)
    shown = record.shown("m")
    assert (shown["inference_count"], shown["execution_count"]) == (8, 2)
    assert shown["inference_stats"]["compute_infer"] == {"count": 2, "ns": 6}
    assert shown["inference_stats"]["success"] == {"count": 2, "ns": 40}
    assert shown["inference_stats"]["fail"] == {"count": 1, "ns": 7}
    assert [each["batch_size"] for each in shown["batch_stats"]] == [3, 5]


def test_batch_sizes_past_the_first_are_rounded_up() -> None:
    record = Record()
    for batch in range(1, MOST_SIZES + 1):
        record.succeeded(batch, 1, STAGES)
    for batch in (1000, 1024, 3_000_000, 7):
        record.succeeded(batch, 1, STAGES)
    sizes = {each["batch_size"]: each["compute_infer"]["count"] for each in record.shown("m")["batch_stats"]}
    assert (sizes[1024], sizes[2**22], sizes[7], len(sizes)) == (2, 1, 2, MOST_SIZES + 2)
