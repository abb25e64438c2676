"""The security structure as a graph: where states are drawn, and a few measures of its shape."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

# Clockwise from the top: where a state lies as seen from the middle of the region.
RING = (
    710, 731, 986, 987, 983, 970, 946, 947, 990, 955, 950, 935, 940, 910, 920, 860, 850, 835, 820,
    830, 811, 816, 817, 812, 775, 780, 781, 771, 760, 790, 750, 770, 700, 702, 701, 704, 703, 705,
    712,
)  # fmt: skip
RUSSIA = 365
_RADII = {"spoke": 0.42, "inside": 0.75, "outside": 1.0}


def positions(
    hub: int, spokes: Sequence[int], inside: Iterable[int], outside: Iterable[int]
) -> dict[int, tuple[float, float]]:
    """Where each state is drawn: the hub in the middle, its spokes, the region, those outside it.

    The places depend on these lists alone and not on a year, so that years can be compared. Spokes go
    clockwise from the top in the order given; inside follows RING, what it lacks comes last; outside
    goes by code, with Russia in the north.
    """
    order = {state: place for place, state in enumerate(RING)}
    others = sorted(
        set(inside) - {hub, *spokes}, key=lambda state: (order.get(state, len(order)), state)
    )
    far = sorted(set(outside) - {hub, *spokes, *others}, key=lambda state: (state != RUSSIA, state))
    places = {hub: (0.0, 0.0)}
    for ring, states in (("spoke", list(spokes)), ("inside", others), ("outside", far)):
        for number, state in enumerate(states):
            angle = 2 * math.pi * number / len(states)
            radius = _RADII[ring]
            places[state] = (radius * math.sin(angle), radius * math.cos(angle))
    return places


def measures(
    ties: Collection[tuple[int, int]], hub: int, states: Collection[int] = ()
) -> Mapping[str, float | int | None]:
    """Measures of an undirected graph of ties.

    states: those that count even without a tie. share_at_hub: ties of which the hub is one end.
    centralisation: Freeman's, by degree; 1 for a star, 0 where all have equally many ties.
    closed_triangles: of all pairs that share a partner, the share that is tied too. None where a
    measure has no meaning.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(states)
    graph.add_edges_from(ties)
    degrees = dict(graph.degree())
    n = len(degrees)
    components = list(nx.connected_components(graph))
    most = max(degrees.values(), default=0)
    pairs = sum(degree * (degree - 1) // 2 for degree in degrees.values())
    edges = graph.number_of_edges()
    return {
        "states": n,
        "ties": edges,
        "density": nx.density(graph) if n > 1 else None,
        "components": sum(len(part) > 1 for part in components),
        "largest_component": max((len(part) for part in components if len(part) > 1), default=0),
        "hub_degree": degrees.get(hub, 0),
        "share_at_hub": degrees.get(hub, 0) / edges if edges else None,
        "centralisation": sum(most - degree for degree in degrees.values()) / ((n - 1) * (n - 2))
        if n > 2
        else None,
        "closed_triangles": nx.transitivity(graph) if pairs else None,
    }
