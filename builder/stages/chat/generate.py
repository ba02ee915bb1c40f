"""The whole of a build's items through the chat generator: norms, routes, training texts, test rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ....inference import Job
from ....schemas import table
from ....store.hashes import fraction, sha256_bytes
from ....store.likeness import jaccard, shingles
from ...sources.items import CrossRow, Reject, TrainItem
from ..texts import Known, Prepared, Texts, known_of
from .asking import Asker, RowError
from .testing import test_rows
from .writing import extract, write

TEST_SHARE = 0.2
SAME_NORM = 0.6


@dataclass(slots=True)
class Generated(Prepared):
    """What was made, and ``keys``: the requests whose answers it stands on."""

    keys: set[str] = field(default_factory=set)


async def generate(job: Job, asker: Asker, items: Sequence[TrainItem]) -> Generated:
    """Run all stages over all items; rows under way share the endpoint's slots.

    Bundled items carry their norm and prompt, and get answers. A photograph's norm is extracted; of the norms of CROSS
    countries a fifth, drawn by hash, goes to test rows, the others to training.

    Raises:
        UserError: the run has to stop; answers that came in are in the job's journal.
    """
    made = Generated()
    norms = await _norms(job, asker, items, made)
    pairs = [(item, norms[item.id]) for item in items if item.id in norms]
    await _train(job, asker, [(item, known) for item, known in pairs if not is_test(known, item)], made)
    await _test(job, asker, [(item, known) for item, known in pairs if is_test(known, item)], items, norms, made)
    made.keys = asker.keys
    return made


def is_test(known: Known, item: TrainItem) -> bool:
    """Does this norm go to test: one in five of the norms found in photographs of a CROSS country."""
    country = bool(table("countries")[item.country]["cross"])
    return item.norm is None and country and fraction("chat-test", known.id) < TEST_SHARE


async def _norms(job: Job, asker: Asker, items: Sequence[TrainItem], made: Generated) -> dict[str, Known]:
    """Norms by item id; near-identical statements of one country share an id."""
    norms = {item.id: known_of(item.norm) for item in items if item.norm is not None}
    stated: dict[str, dict[str, str]] = {}

    async def work(item: TrainItem) -> None:
        try:
            found = await extract(asker, item)
        except RowError as error:
            made.rejects.append(Reject(item.id, error.reason, error.detail))
        else:
            if found is not None:
                stated[item.id] = found

    async for _ in job.each([item for item in items if item.norm is None], work):
        pass
    by_country: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
    for item in sorted(items, key=lambda each: each.id):
        if item.id in stated:
            norms[item.id] = _known(stated[item.id], item, by_country[item.country])
    return norms


def _known(stated: dict[str, str], item: TrainItem, seen: list[tuple[frozenset[str], str]]) -> Known:
    grams = shingles(stated["norm"])
    name = next((name for others, name in seen if jaccard(grams, others) >= SAME_NORM), None)
    if name is None:
        name = f"chat-{item.country.lower()}-{sha256_bytes(stated['norm'].encode())[:12]}"
        seen.append((grams, name))
    return Known(
        name,
        stated["norm"],
        stated["meaning"],
        stated["item"],
        None if stated["topic"] == "none" else stated["topic"],
        None if stated["domain"] == "none" else stated["domain"],
        stated["region"] or None,
    )


async def _train(job: Job, asker: Asker, pairs: Sequence[tuple[TrainItem, Known]], made: Generated) -> None:
    async def work(pair: tuple[TrainItem, Known]) -> None:
        item, known = pair
        try:
            texts: Texts = await write(asker, item, known)
        except RowError as error:
            made.rejects.append(Reject(item.id, error.reason, error.detail))
        else:
            made.known[item.id], made.texts[item.id] = known, texts

    async for _ in job.each(pairs, work):
        pass


async def _test(
    job: Job,
    asker: Asker,
    pairs: Sequence[tuple[TrainItem, Known]],
    items: Sequence[TrainItem],
    norms: dict[str, Known],
    made: Generated,
) -> None:
    """Test rows; twins come from photographs that touch no norm and are the same picture as no violation's."""
    taken = {item.picture.sha256 for item, _ in pairs}
    plain = [each for each in items if each.id not in norms and each.picture.sha256 not in taken]
    once = {item.picture.sha256: (item, known) for item, known in reversed(pairs)}

    async def work(pair: tuple[TrainItem, Known]) -> tuple[list[CrossRow], list[Reject]]:
        try:
            return await test_rows(asker, *pair, plain)
        except RowError as error:
            return [], [Reject(pair[0].id, error.reason, error.detail)]

    async for rows, rejects in job.each(list(once.values()), work):
        made.cross += rows
        made.cross_rejects += rejects
