"""Masking of personal data in what people type: before anything is stored, mined or shown to a reviewer.

Rules, not a model: what has a check digit or a fixed form is found reliably (identity numbers, bank cards, phones,
e-mail), what only has a habit is found as far as a rule can (names after a cue, account names after a cue, addresses
by their units). A mask says what stood there, so that the sentence keeps its meaning: 我电话是[电话]. Called on raw
text, before `models.text.normalise`, by mining and annotation, and by whatever keeps logs or feedback.
"""

import re
import unicodedata
from collections.abc import Callable

__all__ = ["MASKS", "mask_personal"]

MASKS = {
    "email": "[邮箱]",
    "id": "[证件号]",
    "card": "[银行卡]",
    "phone": "[电话]",
    "account": "[账号]",
    "address": "[地址]",
    "name": "[姓名]",
    "number": "[单号]",
}
"""What stands for each kind of personal data; a masked text is never masked again."""

# All patterns take time linear in the text: repetitions are bounded or possessive, and units of an address atomic, so
# that a text that almost fits is not tried in every division into parts. 64: longest local part (RFC 5321).
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}\s?@\s?[a-z0-9-]++(?:\.[a-z0-9-]++)++", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"(?<![0-9a-z])[0-9](?:[ -]?+[0-9]){13,18}(?:[ -]?x)?(?![0-9a-z])", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![0-9a-z])(?:(?:\+|00)?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])"
    r"|(?<![0-9a-z])0[1-9][0-9]{1,2}[ -]?[1-9][0-9]{6,7}(?![0-9])"
    r"|(?<=电话)[:是为 ]{0,2}[1-9][0-9]{6,7}(?![0-9])"
)
_OTHER_NUMBER = re.compile(r"(?<![0-9a-z])[a-z]{0,4}[0-9]{8,}+(?![0-9])", re.IGNORECASE)
_ORDER_CUE = re.compile(r"(?:单|编)号?\s?(?:是|为|[:：])?\s?$")
_LONGEST_CUE = 5
_ACCOUNT = re.compile(
    r"(?P<cue>(?:微信号?|vx|wx|qq号?|支付宝(?:账号|账户)?|旺旺号?)\s?(?:是|为|[:：])?\s?)(?P<value>[a-z0-9][a-z0-9_-]{4,19})",
    re.IGNORECASE,
)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_NAME = re.compile(
    rf"(?P<cue>(?:我叫|我的名字[是叫]|姓名|收件人|收货人|联系人|户主)\s?(?:是|为|叫|[:：])?\s?)(?P<value>[{_SURNAMES}][一-鿿]{{1,2}}"
    r"(?=$|[\s,，。.;；、!！?？:：0-9\[]))"
)
_DIVISION = r"(?>(?:(?![哪那这每本各])[一-鿿]){2,7}?(?:特别行政区|自治[区州县旗]|省|市|盟|区|县|旗|镇|乡|街道))"
_DETAIL = r"(?>\s?(?:[0-9]{1,5}|[一二三四五六七八九十百]{1,5}|[a-z])\s?-?(?:号院|号楼|单元|弄|号|栋|幢|座|楼|层|室|户))"
_STREET = (
    r"(?>(?:(?![哪那这每本各])[一-鿿]){1,8}?"
    r"(?:大道|路|街|巷|胡同|村|屯|小区|花园|公寓|大厦|广场|家园|新村|社区){1,3})"
)
_ROOM = r"(?>\s?[0-9]{2,4}(?![0-9])室?)"
_ADDRESS = re.compile(
    rf"{_DIVISION}{{2,5}}{_STREET}{{0,3}}{_DETAIL}{{0,5}}{_ROOM}?"
    rf"|{_DIVISION}?{_STREET}{{1,3}}{_DETAIL}{{1,5}}{_ROOM}?",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r".*(?:地址(?:改成|改到|换成|填的|写的|是|为|在|[:：])?|收货地|住在|住|寄到|寄往|发到|发往|送到|送去|改成|改到|换成|我在|我是|到|在|是|从|去)"
    r"(?=.{4})"
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def mask_personal(raw: str) -> str:
    """Replaces personal data by what it is.

    Full-width digits and letters are made narrow; the rest of the text stays as it was typed.

    Args:
        raw: any string.

    Returns:
        The text with `MASKS` in place of e-mail addresses, identity numbers (18 digits with their check digit),
        bank cards (14 to 19 digits that pass Luhn's test and are not called an order), phones, account names and
        names after a cue, addresses of at least two administrative units or a street with a number, and any other
        number of eight digits or more: orders and parcels lead to people too.
    """
    text = _narrow(raw)
    text = _EMAIL.sub(MASKS["email"], text)
    text = _LONG_NUMBER.sub(_long_number, text)
    text = _PHONE.sub(MASKS["phone"], text)
    text = _ACCOUNT.sub(_after_cue("account"), text)
    text = _NAME.sub(_after_cue("name"), text)
    text = _ADDRESS.sub(_address, text)
    return _OTHER_NUMBER.sub(MASKS["number"], text)


def is_identity_number(digits: str) -> bool:
    """Whether 18 characters are a Chinese identity number (GB 11643: ISO 7064 MOD 11-2, a possible date of birth)."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9Xx]", digits):
        return False
    month, day = int(digits[10:12]), int(digits[12:14])
    total = sum(int(digit) * weight for digit, weight in zip(digits[:17], _ID_WEIGHTS, strict=True))
    return 1 <= month <= 12 and 1 <= day <= 31 and _ID_CHECKS[total % 11] == digits[17].upper()


def passes_luhn(digits: str) -> bool:
    """Whether a number ends with its Luhn check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _narrow(raw: str) -> str:
    """Full-width digits, letters and signs as ordinary ones; the rest untouched."""
    return "".join(
        unicodedata.normalize("NFKC", char) if "\uff10" <= char <= "\uff5a" or char in "＠－＋．＿" else char
        for char in raw
    )


def _long_number(match: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", match.group())
    if is_identity_number(digits):
        return MASKS["id"]
    before = match.string[max(0, match.start() - _LONGEST_CUE) : match.start()]
    if digits.isdigit() and passes_luhn(digits) and not _ORDER_CUE.search(before):
        return MASKS["card"]
    return match.group()


def _after_cue(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match["cue"] + MASKS[kind]


def _address(match: re.Match[str]) -> str:
    """The mask, behind the words that lead to the address (送到, 地址是), which the pattern swallows."""
    lead = _LEAD.match(match.group())
    return (lead.group() if lead else "") + MASKS["address"]
