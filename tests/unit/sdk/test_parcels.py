"""Bodies on their way, within bounds."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pantau.parcels import LONGEST_BODY, MOST_PER_PARCEL, Parcel, Waiting, halves, packed, without


def item(number: int, text: str = "") -> dict[str, Any]:
    return {"id": number, "text": text, "timestamp": 1_000 - number}


def numbers(parcel: Parcel) -> list[int]:
    found = json.loads(parcel.body)
    return [one["id"] for one in (found if parcel.what == "samples" else found["requests"])]


@given(st.lists(st.integers(0, 300_000), max_size=30), st.integers(0, 1_200))
def test_everything_is_packed_once_in_order_and_in_bounds(lengths: list[int], more: int) -> None:
    items = [item(number, "x" * length) for number, length in enumerate([*lengths, *[0] * more])]
    parcels = list(packed("samples", items, "billing"))
    assert [number for parcel in parcels for number in numbers(parcel)] == list(range(len(items)))
    assert all(parcel.count == len(numbers(parcel)) <= MOST_PER_PARCEL for parcel in parcels)
    assert all(len(parcel.body) <= LONGEST_BODY + MOST_PER_PARCEL + 2 for parcel in parcels)
    assert [parcel.latest_ms for parcel in parcels] == [1_000 - numbers(parcel)[0] for parcel in parcels]


def test_request_logs_name_their_source() -> None:
    (parcel,) = packed("requests", [item(1)], 'bil"ling')
    assert json.loads(parcel.body) == {"source": 'bil"ling', "requests": [item(1)]}


def test_what_is_refused_is_left_out() -> None:
    for what in ("samples", "requests"):
        (parcel,) = packed("samples" if what == "samples" else "requests", [item(n) for n in range(5)], "billing")
        rest = without(parcel, {0, 3})
        assert rest is not None
        assert (rest.what, numbers(rest), rest.count) == (what, [1, 2, 4], 3)
        assert without(parcel, set(range(5))) is None
        assert [numbers(one) for one in halves(parcel)] == [[0, 1], [2, 3, 4]]


def parcel(size: int, count: int = 1) -> Parcel:
    return Parcel("samples", b"x" * size, count, 0)


def test_the_oldest_is_given_up_for_the_newest() -> None:
    waiting = Waiting(10_000)
    kept = [parcel(2_000, number) for number in range(4)]
    assert [waiting.put(one) for one in kept] == [[], [], [], []]
    assert waiting.put(parcel(5_000)) == kept[:2]
    assert len(waiting) == 3
    assert waiting.bytes == 2 * 2_200 + 5_200


def test_what_is_larger_than_all_room_is_given_up_itself() -> None:
    waiting = Waiting(1_000)
    huge = parcel(2_000)
    assert waiting.put(huge) == [huge]
    assert (len(waiting), waiting.bytes) == (0, 0)


def test_parts_take_the_place_of_the_whole() -> None:
    waiting = Waiting(10_000)
    whole, next_one = parcel(400, 4), parcel(100, 9)
    waiting.put(whole)
    waiting.put(next_one)
    waiting.replace(parcel(200, 1), parcel(200, 3))
    assert [waiting.take().count for _ in range(3)] == [1, 3, 9]
    assert waiting.bytes == 0
