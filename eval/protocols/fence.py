"""Text of others inside a prompt, between two lines that it can't write itself."""

import hashlib
import re

_CONTROL = re.compile(r"<\||\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<think>|</think>", re.IGNORECASE)


def fence(name: str, text: str) -> str:
    """``text`` between BEGIN and END lines that bear a code made of the text.

    A text can't hold its own code, so it can't close the fence. Control words of chat templates, which some servers
    would read as the end of the message, are broken up with a space; nothing else of the text is changed.
    """
    plain = _CONTROL.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text.replace("\x00", "�"))
    code = hashlib.sha256(f"{name}\x1f{plain}".encode(errors="replace")).hexdigest()[:16]
    return f"BEGIN {name} {code}\n{plain}\nEND {name} {code}"
