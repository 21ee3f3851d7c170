import pytest

from infra.simulator.routeros.queries import BadQuery, condition

ETHER = {"name": "ether1", "type": "ether", "mtu": "1500", "disabled": "false", "comment": ""}
VLAN = {"name": "vlan100", "type": "vlan", "mtu": "900", "disabled": "true"}
PPP = {"name": "<pppoe-ani>", "type": "pppoe-in", "mtu": "1480", "disabled": "false"}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], "ether1 vlan100 <pppoe-ani>"),
        (["?comment"], "ether1"),
        (["?-comment"], "vlan100 <pppoe-ani>"),
        (["?type=vlan"], "vlan100"),
        (["?=type=vlan"], "vlan100"),
        (["?comment="], "ether1"),
        (["?disabled=no"], "ether1 <pppoe-ani>"),
        (["?>mtu=1000"], "ether1 <pppoe-ani>"),
        (["?<mtu=1000"], "vlan100"),
        # Without an operation, all must hold.
        (["?disabled=false", "?type=vlan"], ""),
        # The manual's examples.
        (["?type=ether", "?type=vlan", "?#|!"], "<pppoe-ani>"),
        (["?type=ether", "?type=vlan", "?#|"], "ether1 vlan100"),
        (["?disabled=false", "?type=ether", "?type=vlan", "?#|"], "ether1"),
        (["?type=ether", "?#!"], "vlan100 <pppoe-ani>"),
        (["?type=ether", "?#.", "?#&"], "ether1"),
        # An index pushes a copy; at the word's end it is all that stays.
        (["?type=ether", "?disabled=false", "?#1"], "ether1"),
        (["?type=ether", "?disabled=false", "?#0"], "ether1 <pppoe-ani>"),
        (["?type=vlan", "?#0.!|"], "ether1 vlan100 <pppoe-ani>"),
        # Below the stack all is true.
        (["?type=vlan", "?#|"], "ether1 vlan100 <pppoe-ani>"),
    ],
)
def test_queries_mean_what_the_manual_says(words: list[str], names: str) -> None:
    assert " ".join(row["name"] for row in filter(condition(tuple(words)), (ETHER, VLAN, PPP))) == names


@pytest.mark.parametrize("word", ["?", "?#x", "?=", "?#&;"])
def test_a_bad_query_word_is_told(word: str) -> None:
    with pytest.raises(BadQuery):
        condition((word,))
