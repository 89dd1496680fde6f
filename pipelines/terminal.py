"""What people see: texts from outside never steer a terminal, wherever they are printed."""

from __future__ import annotations

import logging

#: Controls as signs, one for one: a terminal would obey those of a post. Line ends and tabs stay;
#: what turns the direction of all that follows goes too.
_SIGNS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_SIGNS |= {0x7F: 0x2421, **dict.fromkeys((*range(0x80, 0xA0), 0x202D, 0x202E), 0xFFFD)}


def printable(text: str) -> str:
    """Return a text of the same length that a terminal can be given."""
    return text.translate(_SIGNS)


class LogFormatter(logging.Formatter):
    """Writes log lines with controls as signs: they quote servers and names of files."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return printable(super().format(record))
