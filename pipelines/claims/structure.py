"""The metrics of claims about the shape of security: ages of ties, hub and spokes, kinds of pacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipelines.claims.dimensions import DATASETS, EDITION, YEAR, Dimension, Metric

_DATASET = Dimension(
    str,
    required=True,
    values_from=DATASETS,
    pattern=r"(ATOP|COW) \d+(\.\d+)*",
    expects="ATOP or COW with its version, like ATOP 5.1",
)
_OBLIGATION = Dimension(str, ("all", "defense or offense", "defense"), "all")
_MEMBERS = Dimension(str, ("all", "bilateral", "multilateral"), "all")
_WARTIME = Dimension(str, ("in", "out"), "in")
_REGION = Dimension(str, ("core", "with South Asia", "with Central Asia"), "core")
_LEVELS = {"core": 1, "with South Asia": 2, "with Central Asia": 3}
_STATES = Dimension(list, required=True)
_HUB = {"hub": Dimension(int, default=2, bounds=(1, 9999)), "spokes": _STATES}


def _of(p: Mapping[str, Any], prefix: str = "") -> str:
    """The dataset and version of a claim about alliances, as a condition."""
    dataset, version = p["dataset"].split()
    return f"{prefix}dataset = '{dataset}' AND {prefix}version = '{version}'"


def _has(p: Mapping[str, Any], prefix: str = "") -> str:
    """The obligation asked for, as a condition on a pact or unit."""
    kinds = ("defense", "offense", "neutrality", "nonaggression", "consultation")
    columns = ", ".join(f"{prefix}{kind}" for kind in kinds)
    return f"has_obligation('{p['obligation']}', {columns})"


def _side(p: Mapping[str, Any]) -> str:
    return {"all": "", "bilateral": " AND bilateral", "multilateral": " AND NOT bilateral"}[
        p["members"]
    ]


def _codes(codes: list[int]) -> str:
    return ", ".join(map(str, codes))


def _lineage_age(p: Mapping[str, Any]) -> str:
    last = f"DATE '{p['year']}-12-31'"
    age = (
        f"date_diff('day', u.begin_date, {last}) / 365.2425"
        if p["convention"] == "exact"
        else f"{p['year']} - year(u.begin_date)"
    )
    unit_id = "a.lineage_id" if p["unit"] == "lineage" else "a.alliance_id"
    return (
        f"SELECT max({age}) AS value FROM alliances AS a JOIN alliance_units AS u "
        f"ON u.dataset = a.dataset AND u.version = a.version AND u.unit = '{p['unit']}' "
        f"AND u.unit_id = {unit_id} WHERE {_of(p, 'a.')} AND {_has(p, 'a.')} "
        f"AND a.begin_date <= {last} AND (a.end_date IS NULL OR a.end_date > {last}) "
        f"AND a.closing_date >= {last} "
        f"AND (SELECT count(DISTINCT m.cow_code) FROM alliance_members AS m "
        f"WHERE m.dataset = a.dataset AND m.version = a.version "
        f"AND m.alliance_id = a.alliance_id AND m.cow_code IN ({_codes(p['states'])}) "
        f"AND m.entry_date <= {last} AND (m.exit_date IS NULL OR m.exit_date > {last})) "
        f"= {len(p['states'])}"
    )


def _share_reaching_age(p: Mapping[str, Any]) -> str:
    if p["estimate"] == "survival":
        dataset, version = p["dataset"].split()
        return (
            f"SELECT 100 * survival AS value FROM survival_at({p['age']}, dataset := '{dataset}', "
            f"version := '{version}', unit := '{p['unit']}', obligation := '{p['obligation']}', "
            f"members := '{p['members']}', formed_from := {p['from_year']}, "
            f"formed_to := {p['to_year']})"
        )
    last = "coalesce(end_date, closing_date)"
    age = (
        f"date_diff('day', begin_date, {last}) / 365.2425"
        if p["convention"] == "exact"
        else f"year({last}) - year(begin_date)"
    )
    could = (
        ""
        if p["eligible"] == "all formed"
        else f" AND year(begin_date) + {p['age']} <= year(closing_date)"
    )
    return (
        f"SELECT 100 * avg(({age} >= {p['age']})::INTEGER) AS value FROM alliance_units "
        f"WHERE {_of(p)} AND unit = '{p['unit']}' AND year(begin_date) BETWEEN {p['from_year']} "
        f"AND {p['to_year']} AND {_has(p)}{_side(p)}{could}"
    )


def _pacts(p: Mapping[str, Any]) -> str:
    """The region's pacts of a span of years with the obligation asked for."""
    return (
        f"FROM regional_pacts WHERE {_of(p)} AND year BETWEEN {p['from_year']} AND {p['to_year']} "
        f"AND {_has(p)}{_side(p)}"
    )


def _hub_ties(p: Mapping[str, Any]) -> str:
    return (
        f"SELECT count(DISTINCT spoke) AS value FROM (SELECT unnest(list_intersect(cow_codes, "
        f"{p['spokes']})) AS spoke {_pacts(p)} AND list_contains(cow_codes, {p['hub']}))"
    )


def _hub_bilateral_asymmetric(p: Mapping[str, Any]) -> str:
    every = "bool_and" if p["criterion"] == "every pact" else "bool_or"
    return (
        f"SELECT count(*) AS value FROM (SELECT t.spoke FROM (SELECT alliance_id, bilateral, "
        f"unnest(list_intersect(cow_codes, {p['spokes']})) AS spoke {_pacts(p)} "
        f"AND list_contains(cow_codes, {p['hub']})) AS t JOIN (FROM alliances WHERE {_of(p)}) AS a "
        f'USING (alliance_id) GROUP BY t.spoke HAVING {every}(t.bilateral AND a."asymmetric"))'
    )


def _pacts_of_spokes(with_hub: bool) -> Callable[[Mapping[str, Any]], str]:
    def call(p: Mapping[str, Any]) -> str:
        hub = f"{'' if with_hub else 'NOT '}list_contains(cow_codes, {p['hub']})"
        return (
            f"SELECT count(DISTINCT alliance_id) AS value {_pacts(p)} "
            f"AND len(list_intersect(cow_codes, {p['spokes']})) >= 2 AND {hub}"
        )

    return call


def _hub_decades(p: Mapping[str, Any]) -> str:
    wartime = "" if p["wartime"] == "in" else " AND NOT wartime"
    members = "SELECT alliance_id FROM alliance_members WHERE"
    return (
        f"SELECT ({p['year']} - year(min(begin_date))) / 10.0 AS value FROM alliances "
        f"WHERE {_of(p)} AND {_has(p)}{_side(p)}{wartime} "
        f"AND alliance_id IN ({members} {_of(p)} AND cow_code = {p['hub']}) "
        f"AND alliance_id IN ({members} {_of(p)} AND cow_code IN ({_codes(p['spokes'])}))"
    )


def _member_duties(p: Mapping[str, Any]) -> str:
    latest = "" if p["pacts"] == "all" else " AND a.end_date IS NULL"
    shared = " AND ".join(
        f"a.alliance_id IN (SELECT alliance_id FROM alliance_members "
        f"WHERE {_of(p)} AND cow_code = {code})"
        for code in p["states"]
    )
    return (
        f"SELECT count(*) FILTER (has_duty = list_contains({p['bound']}, cow_code)) AS value "
        f"FROM (SELECT m.cow_code, bool_or(m.defense) AS has_duty FROM alliances AS a "
        f"JOIN alliance_members AS m USING (dataset, version, alliance_id) WHERE {_of(p)} "
        f"AND a.bilateral AND a.defense{latest} AND {shared} GROUP BY m.cow_code)"
    )


def _pact_share(p: Mapping[str, Any]) -> str:
    counted = "bilateral" if p["criterion"] == "bilateral" else "NOT defense"
    return (
        f"SELECT 100 * avg(({counted})::INTEGER) AS value FROM regional_pacts WHERE {_of(p)} "
        f"AND year = {p['year']} AND level <= {_LEVELS[p['region']]} AND {_has(p)}{_side(p)}"
    )


def _pact_rank(p: Mapping[str, Any]) -> str:
    amount = "constant_usd_m" if p["prices"] == "constant" else "current_usd_m"
    enough = 2 if p["figures"] == "both members" else 1
    return (
        f"SELECT rank AS value FROM (SELECT p.cow_codes, rank() OVER (ORDER BY sum(s.{amount}) DESC) "
        f"AS rank FROM (SELECT *, unnest(countries) AS country FROM regional_pacts WHERE {_of(p)} "
        f"AND year = {p['year']} AND level <= {_LEVELS[p['region']]} AND bilateral AND {_has(p)}) "
        f"AS p LEFT JOIN spending AS s ON s.edition = {p['edition']} AND s.country = p.country "
        f"AND s.year = p.year GROUP BY p.alliance_id, p.cow_codes "
        f"HAVING count(s.{amount}) >= {enough}) "
        f"WHERE list_has_all(cow_codes, {p['states']}) ORDER BY rank LIMIT 1"
    )


def _metric(
    name: str,
    unit: str,
    dimensions: Mapping[str, Dimension],
    call: Callable[[Mapping[str, Any]], str],
) -> Metric:
    return Metric(name, "structure_grid", unit, {**dimensions, "dataset": _DATASET}, call)


_SPAN = {"from_year": YEAR, "to_year": YEAR}

STRUCTURE: tuple[Metric, ...] = (
    _metric(
        "lineage_age",
        "years",
        {
            "states": _STATES,
            "year": YEAR,
            "unit": Dimension(str, ("lineage", "alliance"), "lineage"),
            "obligation": Dimension(str, ("defense", "all"), "defense"),
            "convention": Dimension(str, ("years", "exact"), "years"),
        },
        _lineage_age,
    ),
    _metric(
        "share_reaching_age",
        "%",
        {
            "age": Dimension(int, required=True, bounds=(1, 200)),
            **{name: Dimension(int, required=True, bounds=(1500, 2100)) for name in _SPAN},
            "unit": Dimension(str, ("alliance", "phase", "lineage"), "alliance"),
            "obligation": _OBLIGATION,
            "members": _MEMBERS,
            "eligible": Dimension(str, ("all formed", "could reach it"), "all formed"),
            "estimate": Dimension(str, ("share", "survival"), "share"),
            "convention": Dimension(str, ("years", "exact"), "years"),
        },
        _share_reaching_age,
    ),
    _metric(
        "hub_ties",
        "ties",
        {**_HUB, **_SPAN, "obligation": _OBLIGATION, "members": _MEMBERS},
        _hub_ties,
    ),
    _metric(
        "hub_bilateral_asymmetric",
        "ties",
        {
            **_HUB,
            **_SPAN,
            "obligation": _OBLIGATION,
            "members": Dimension(str, ("all",), "all"),
            "criterion": Dimension(str, ("any pact", "every pact"), "any pact"),
        },
        _hub_bilateral_asymmetric,
    ),
    _metric(
        "pacts_among_spokes",
        "pacts",
        {**_HUB, **_SPAN, "obligation": _OBLIGATION, "members": _MEMBERS},
        _pacts_of_spokes(with_hub=False),
    ),
    _metric(
        "hub_multilateral",
        "pacts",
        {**_HUB, **_SPAN, "obligation": _OBLIGATION, "members": _MEMBERS},
        _pacts_of_spokes(with_hub=True),
    ),
    _metric(
        "hub_decades",
        "decades",
        {
            **_HUB,
            "year": YEAR,
            "obligation": _OBLIGATION,
            "members": _MEMBERS,
            "wartime": _WARTIME,
        },
        _hub_decades,
    ),
    _metric(
        "member_duties",
        "obligations",
        {
            "states": _STATES,
            "bound": _STATES,
            "pacts": Dimension(str, ("all", "in force at closing"), "all"),
        },
        _member_duties,
    ),
    _metric(
        "pact_share",
        "%",
        {
            "year": YEAR,
            "region": _REGION,
            "obligation": _OBLIGATION,
            "members": _MEMBERS,
            "criterion": Dimension(str, ("bilateral", "no defense"), required=True),
        },
        _pact_share,
    ),
    _metric(
        "pact_rank",
        "rank",
        {
            "states": _STATES,
            "year": YEAR,
            "region": _REGION,
            "obligation": Dimension(str, ("defense", "defense or offense", "all"), "defense"),
            "edition": EDITION,
            "prices": Dimension(str, ("current", "constant"), "current"),
            "figures": Dimension(str, ("both members", "any member"), "both members"),
        },
        _pact_rank,
    ),
)
