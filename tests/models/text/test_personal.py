"""Personal data in customers' words: what is taken out, and what stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text.personal import mask_personal


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我电话13812345678快打给我", "我电话[号码]快打给我"),
        ("打 +86 138-1234-5678 或 010-62345678。", "打 [号码] 或 [号码]。"),
        ("１３８１２３４５６７８", "[号码]"),
        ("一三八一二三四五六七八是我手机", "[号码]是我手机"),
        ("身份证33010219900101123X，卡号6222 0212 3456 7890 123", "身份证[号码]，卡号[号码]"),
        ("邮箱a.b+c@mail.example.com。谢谢", "邮箱[邮箱]。谢谢"),
        ("送到，西湖区文三路138号2幢301室，快点", "送到，[地址]，快点"),
    ],
)
def test_personal_data_is_taken_out(text: str, masked: str) -> None:
    assert mask_personal(text) == masked


@pytest.mark.parametrize(
    "text", ["等了15天了，500块的东西", "2楼没人收，气死我了", "走在路上都能气笑", "三番五次一二三四", "iPhone 15 256G"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert mask_personal(text) == text


@given(st.text(alphabet="一二1２路号街幢 -@.aX", max_size=300))
def test_masking_again_changes_nothing_and_no_long_number_is_left(text: str) -> None:
    masked = mask_personal(text)
    assert mask_personal(masked) == masked
    runs = "".join(c if c.isdecimal() else " " for c in masked).split()
    assert all(len(run) < 7 for run in runs)
