"""Takes personal data out of a customer's words before they are kept: numbers, e-mail addresses, places of living.

Rules, no model: rather one number too many than one too few. Called by the feedback writer.
"""

import re

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}[@＠][A-Za-z0-9-]{1,63}(?:[.．][A-Za-z0-9-]{1,63}){1,4}")
# Seven digits or more, with or without separators: telephones, identity and bank cards, orders, QQ numbers.
_NUMBER = re.compile(r"[+＋]?\d(?:[\s().·—–-]{0,2}\d){6,}[Xx]?")
_SPELT_NUMBER = re.compile("[零〇一幺二两三四五六七八九]{7,}")
_HAN = "\u4e00-\u9fff"
_PLACE = "路|街|道|巷|弄|胡同|村|镇|小区|花园|公寓|大厦"
_HOUSE = "号|栋|幢|楼|单元|室|座|层|弄|户"
_ADDRESS = re.compile(
    rf"[{_HAN}]{{2,24}}(?:{_PLACE})[{_HAN}A-Za-z]{{0,12}}[\dA-Za-z-]{{1,8}}(?:{_HOUSE})"
    rf"(?:[{_HAN}]{{0,4}}[\dA-Za-z-]{{1,8}}(?:{_HOUSE}|(?!\w)))*"
)


def mask_personal(text: str) -> str:
    """`text` with every e-mail address, long number and street address replaced by its kind in brackets.

    A name, and an address without a house number, are not recognised.
    """
    text = _EMAIL.sub("[邮箱]", text)
    text = _NUMBER.sub("[号码]", text)
    text = _SPELT_NUMBER.sub("[号码]", text)
    return _ADDRESS.sub("[地址]", text)
