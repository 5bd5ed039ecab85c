"""Masking: what is hidden, what must stay, and that a mask says what stood there."""

import re
from collections.abc import Iterable
from importlib import import_module
from math import inf, prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text import personal
from models.text.personal import MASKS, is_identity_number, mask_personal, passes_luhn


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("我电话13812345678，快打给我", "我电话[电话]，快打给我"),
        ("打138-1234-5678或+86 139 1234 5678", "打[电话]或[电话]"),
        ("０１０-62345678 请打", "[电话] 请打"),
        ("身份证11010519491231002X办的", "身份证[证件号]办的"),
        ("卡号6222 0212 3456 7890 128", "卡号[银行卡]"),
        ("发到zhang.san@qq.com吧", "发到[邮箱]吧"),
        ("加微信号abc_12345", "加微信号[账号]"),
        ("我叫张三丰，收件人李四。", "我叫[姓名]，收件人[姓名]。"),
        ("地址是浙江省杭州市西湖区文三路478号3栋2单元501室，麻烦改一下", "地址是[地址]，麻烦改一下"),
        ("送到幸福小区3号楼", "送到[地址]"),
        ("送到上海市沙市区阳光花园小区3号楼", "送到[地址]"),
        ("现在地址是湖北省洪湖市螺山镇复粮洲村", "现在地址是[地址]"),
        ("订单号4111111111111111还没发", "订单号[单号]还没发"),
        ("单号SF1234567890123", "单号[单号]"),
    ],
)
def test_personal_data_is_masked(raw: str, masked: str) -> None:
    assert mask_personal(raw) == masked


@pytest.mark.parametrize(
    "raw",
    [
        "快递到广州市了吗",
        "您是哪个省哪个市哪个区的",
        "12号下单，15号还没到",
        "客服电话95118打不通",
        "一路走一路看",
        "我叫了三次客服都没人理",
        "价格1999元，满300减40",
        "这路15号到货吗",
    ],
)
def test_plain_sentences_stay(raw: str) -> None:
    assert mask_personal(raw) == raw


def test_identity_number_worked_by_hand() -> None:
    # 1*7+1*9+0+1*5+0+5*4+1*2+9*1+4*6+9*3+1*7+2*9+3*10+1*5+0+0+2*2 = 167, and 167 mod 11 = 2 is written X
    assert is_identity_number("11010519491231002X")
    assert not is_identity_number("110105194912310021")
    assert not is_identity_number("11010519491331002X")


def test_luhn_worked_by_hand() -> None:
    # From the right 3, 1*2, 7, 8*2 -> 7, 9, 3*2, 7, 2*2, 9, 9*2 -> 9, 7: together 70.
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")


@settings(max_examples=60)
@given(st.text("我叫王地址是省市区路号楼在到微信qq:：@.x-+ 0123456789１２", max_size=40))
def test_masking_twice_changes_nothing(raw: str) -> None:
    once = mask_personal(raw)
    assert mask_personal(once) == once


@settings(max_examples=30)
@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["打", "号码是", "，", ""]))
def test_no_mobile_number_survives(number: str, before: str) -> None:
    assert mask_personal(f"{before}{number}谢谢") == f"{before}{MASKS['phone']}谢谢"
    assert not re.search(r"[0-9]{11}", mask_personal(f"{before}{number}谢谢"))


def ways(parsed: Iterable[tuple[Any, Any]]) -> float:
    """In how many ways a parsed pattern can be tried from one place: the most that backtracking can go through."""
    return prod(_ways(str(operation), argument) for operation, argument in parsed)


def _ways(operation: str, argument: Any) -> float:
    if operation == "BRANCH":
        return sum(map(ways, argument[1]))
    if operation == "SUBPATTERN":
        return ways(argument[3])
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, body = argument
        each = ways(body)
        return inf if most > 1000 else sum(each**n for n in range(least, most + 1))
    return 1  # one character, one place, or atomic and possessive groups, which are never entered again


def parsed(pattern: re.Pattern[str]) -> Iterable[tuple[Any, Any]]:
    parser: Any = import_module("re._parser")
    tokens: Iterable[tuple[Any, Any]] = parser.parse(pattern.pattern, pattern.flags)
    return tokens


def test_ways_worked_by_hand() -> None:
    assert ways(parsed(re.compile("(?:ab|c)d"))) == 2
    assert ways(parsed(re.compile("a{1,3}b?"))) == 3 * 2
    assert ways(parsed(re.compile("(?:a{1,8}?b){1,3}"))) == 8 + 64 + 512
    assert ways(parsed(re.compile("(?>a{1,8}?b){1,3}"))) == 3
    assert ways(parsed(re.compile("a+b"))) == inf
    assert ways(parsed(re.compile("a++b"))) == 1


@pytest.mark.parametrize("name", [name for name, value in vars(personal).items() if isinstance(value, re.Pattern)])
def test_masking_takes_time_linear_in_the_text(name: str) -> None:
    pattern = getattr(personal, name)
    if name != "_LEAD":  # is tried on an address alone, from its beginning
        assert ways(parsed(pattern)) < 2000
