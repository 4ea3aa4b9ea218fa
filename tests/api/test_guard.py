"""Who may call, from where, and how often."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.api.guard import Buckets, Guard, Rate, check_rate, read_pairs
from lib_music.api.problems import Problem

PAIRS = (("anna", "secret"), ("ben", "a:b"), ("café", "clé à molette"))


def basic(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    coded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"{scheme} {coded}"}


def test_nobody_need_say_who_they_are_where_no_flag_is_given() -> None:
    assert Guard().user({}, {}) == ""


@pytest.mark.parametrize("pair", PAIRS)
def test_any_of_the_pairs_will_do(pair: tuple[str, str]) -> None:
    guard = Guard(PAIRS, needed=True)
    assert guard.user(basic(*pair), {}) == pair[0]
    assert guard.user(basic(*pair, scheme="bAsIc"), {}) == pair[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("anna", "Secret"),
        basic("anna", ""),
        basic("", "secret"),
        basic("", ""),
        basic("anna", "a:b"),
        basic("ben", "a"),
        basic("anna:secret", ""),
        basic("anna", "secret "),
        basic("anna", "secret", scheme="Bearer"),
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic YW5uYQ=="},
        {"authorization": "anna:secret"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
    ],
)
def test_anything_else_will_not(headers: dict[str, str]) -> None:
    assert Guard(PAIRS, needed=True).user(headers, {}) is None


def test_a_flag_without_a_pair_lets_nobody_in() -> None:
    guard = Guard(read_pairs("nonsense"), needed=True)
    assert guard.pairs == ()
    assert guard.user(basic("nonsense", ""), {}) is None and guard.user({}, {}) is None


def test_who_is_signed_in_gets_in_but_not_with_wrong_credentials() -> None:
    guard = Guard(PAIRS, needed=True, signed_in=lambda cookies: cookies.get("session"))
    assert guard.user({}, {"session": "carl"}) == "carl"
    assert guard.user({}, {}) is None
    assert guard.user(basic("anna", "wrong"), {"session": "carl"}) is None


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a:b", (("a", "b"),)),
        ("a:b,c:d:e", (("a", "b"), ("c", "d:e"))),
        (" a:b , c:d \n\n e:f", (("a", "b"), ("c", "d"), ("e", "f"))),
        ("a:", (("a", ""),)),
        (":b,a,,", ()),
    ],
)
def test_flags_are_read_as_the_host_reads_them(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert read_pairs(text) == pairs


def test_blanks_belong_to_an_api_password() -> None:
    assert read_pairs("a:b ,c:d", trimmed=False) == (("a", "b "), ("c", "d"))


@given(st.text(max_size=20), st.text(max_size=20))
def test_only_the_very_pair_opens(user: str, password: str) -> None:
    guard = Guard(PAIRS, needed=True)
    try:
        headers = basic(user, password)
    except UnicodeEncodeError:
        return
    assert (guard.user(headers, {}) is not None) == ((user, password) in PAIRS)


OURS = {"host": "pod-3000.example.net"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://pod-3000.example.net"},
        {"origin": "https://POD-3000.example.net:443"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://outside.example", "x-forwarded-host": "outside.example"},
        {"origin": "https://friend.example"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_programs_and_the_own_pages_may_ask(method: str, headers: dict[str, str]) -> None:
    Guard(origins=("https://friend.example",)).check_origin(method, {**OURS, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://pod-3000.example.net.evil.example"},
        {"origin": "https://pod-3000.example.net:8443"},
        {"origin": "https://evil.example@pod-3000.example.net.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_web_sites_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        Guard().check_origin("POST", {**OURS, **headers})
    assert caught.value.status == 403


def test_a_link_from_elsewhere_may_show_a_video() -> None:
    Guard().check_origin("GET", {**OURS, "sec-fetch-site": "cross-site"})


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    buckets, rate = Buckets(lambda: now[0]), Rate(3, 0.5)
    assert [buckets.take("a", "x", rate) for _ in range(5)] == [0, 0, 0, 2, 2]
    assert buckets.take("a", "y", rate) == 0 and buckets.take("b", "x", rate) == 0
    now[0] = 2.0
    assert buckets.take("a", "x", rate) == 0 and buckets.take("a", "x", rate) == 2
    now[0] = 1000.0
    assert [buckets.take("a", "x", rate) for _ in range(4)] == [0, 0, 0, 2]


def test_it_is_said_when_to_try_again() -> None:
    buckets = Buckets(lambda: 0.0)
    check_rate(buckets, "a", "x", Rate(1, 0.1))
    with pytest.raises(Problem) as caught:
        check_rate(buckets, "a", "x", Rate(1, 0.1))
    assert caught.value.status == 429 and caught.value.headers["Retry-After"] == "10"


def test_callers_are_forgotten_before_they_fill_the_memory() -> None:
    buckets = Buckets(lambda: 0.0)
    for n in range(5000):
        buckets.take("a", str(n), Rate(1, 1))
    assert len(buckets._held) == 1000
