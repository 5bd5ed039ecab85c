"""Keys of clients and tokens of operators, known by their SHA-256 digests only: whoever reads the file cannot ask.

A key is a long random string (`openssl rand -hex 32`), so that a plain digest is enough; a file is what
`printf %s KEY | sha256sum` prints, with a name of one's choice behind each digest.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path

from configs.schema import ConfigError

_LINE = re.compile(r"([0-9a-fA-F]{64})(?:\s+(\S.*))?")


class Keys:
    """Some keys, with a name each.

    Args:
        digests: Pairs of a SHA-256 digest in lower-case hexadecimal and a name.
    """

    def __init__(self, digests: Sequence[tuple[str, str]]) -> None:
        self._digests = tuple(digests)

    @classmethod
    def read(cls, path: Path) -> "Keys":
        """From a file: a digest and a name a line; empty lines and lines that begin with `#` are skipped.

        Raises:
            ConfigError: the file is missing, holds something else, or holds no digest at all.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not readable as a file of digests: {error}") from None
        digests = []
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line.strip())
            if match is None:
                # The line itself is not shown: it may be a key that somebody forgot to hash.
                raise ConfigError(
                    f"{path}, line {number}: no SHA-256 digest; write what `printf %s KEY | sha256sum` says"
                )
            digest = match[1].lower()
            digests.append((digest, match[2] or digest[:8]))
        if not digests:
            raise ConfigError(f"{path}: no digest in it; add one, or leave the setting out")
        return cls(digests)

    def name_of(self, key: str) -> str | None:
        """Whose key this is; takes as long for a wrong key as for a right one."""
        said = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for digest, name in self._digests:
            if hmac.compare_digest(digest, said):
                found = name
        return found
