"""In which order a listener hears the questions."""

from collections.abc import Sequence

from evaluation.listening_test.triplets import Triplet, keyed


def question_order(triplets: Sequence[Triplet], key: str, listener: str) -> list[Triplet]:
    """The questions in a listener's own order, the same at every call.

    They come in rounds with one question of every layer, so that layers are mixed, practice and
    fatigue touch all of them alike, and who stops half way has heard all of them equally often.

    Args:
        triplets: the questions.
        key: of the test; without it nobody can tell which layer comes when.
        listener: their name.
    """
    generator = keyed(key, f"order of {listener}")
    layers: dict[str, list[Triplet]] = {}
    for triplet in triplets:
        layers.setdefault(triplet.layer, []).append(triplet)
    queues = {
        layer: [mine[i] for i in generator.permutation(len(mine))] for layer, mine in layers.items()
    }
    order: list[Triplet] = []
    while any(queues.values()):
        names = [name for name, queue in queues.items() if queue]
        names = [names[i] for i in generator.permutation(len(names))]
        if order and len(names) > 1 and names[0] == order[-1].layer:
            names.append(names.pop(0))  # never twice the same layer in a row
        order += [queues[name].pop() for name in names]
    return order
