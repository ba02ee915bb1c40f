"""Chat models behind any OpenAI-compatible endpoint: one typed call, a journal of answers, limits, cost, batches.

In the order in which one meets them::

    endpoint = Endpoint("http://localhost:8000/v1")
    async with Job(Journal(Path("journal.sqlite"))) as job:
        chat = job.connect(endpoint)
        result = await chat.ask(Request("my-model", (user("What is shown?", Picture(data)),), stage="respond"))

``result`` is an ``Answer`` or a ``Failure``; nothing that the world does is an exception. ``Job.each`` works through
any number of rows with a bounded number of them in memory. Callers that are not async use ``run``.
"""

from .client import Client
from .endpoint import Endpoint
from .job import Job, ask_all, run
from .journal import Journal
from .request import Message, Picture, Request, Sampling, UnknownPictureError, system, user
from .result import Answer, Failure, Reason, Result, Usage

__all__ = [
    "Answer",
    "Client",
    "Endpoint",
    "Failure",
    "Job",
    "Journal",
    "Message",
    "Picture",
    "Reason",
    "Request",
    "Result",
    "Sampling",
    "UnknownPictureError",
    "Usage",
    "ask_all",
    "run",
    "system",
    "user",
]
