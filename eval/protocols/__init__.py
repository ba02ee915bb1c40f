"""Judge protocols: a folder each, with its prompts, schemas and settings; the folder's name is its version.

A protocol that judged anything is never edited: a change is a new folder. What a run stores is the name and the hash of
all files. The prompts are our own, written from the four definitions of CROSS-Eval.
"""

from .fence import fence
from .protocol import Field, Protocol, Question, load_protocol, protocol_names

__all__ = ["Field", "Protocol", "Question", "fence", "load_protocol", "protocol_names"]
