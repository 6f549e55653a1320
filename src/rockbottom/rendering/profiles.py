"""Inference profiles with their Regions, prices and residency, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from rockbottom.catalog import PricedProfile, Scope, iam_statements, scp_regions
from rockbottom.figures import Cell, Column, Paint, paragraph, table, usd_exact
from rockbottom.quantities import Unit, Usd

_UNITS = (Unit.INPUT, Unit.OUTPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M)


class OwnProfile(msgspec.Struct, frozen=True):
    """An application profile of the account: its model by the bare id, and the Regions that it goes to."""

    name: str
    arn: str
    model: str
    regions: tuple[str, ...]


class ProfileRow(msgspec.Struct, frozen=True, kw_only=True):
    """One way to reach a model; ``regions_from`` is service or catalogue, and None where no Region is known."""

    id: str
    model: str
    scope: Scope
    residency: str | None
    says: str
    regions: tuple[str, ...] | None
    regions_from: str | None
    prices: Mapping[Unit, Usd]
    scp_must_allow: tuple[str, ...] | None
    iam: Any
    source: str
    checked_on: date


class ProfilesResult(msgspec.Struct, frozen=True, kw_only=True):
    """The profiles asked for; ``cheapest`` where a residency was."""

    on: date
    unit: str
    cheapest: str | None
    profiles: tuple[ProfileRow, ...]
    own: tuple[OwnProfile, ...]


def profiles_document(
    rows: Sequence[PricedProfile], own: Sequence[OwnProfile], day: date, region: str | None, *, cheapest_first: bool
) -> ProfilesResult:
    """The profiles with what policies must allow; ``cheapest_first`` says that the first row is the one to use."""
    return ProfilesResult(
        on=day,
        unit="USD per 1,000,000 tokens",
        cheapest=rows[0].profile.id if rows and cheapest_first else None,
        profiles=tuple(_row(row, region or "YOUR-REGION") for row in rows),
        own=tuple(own),
    )


def profiles_text(
    rows: Sequence[PricedProfile], own: Sequence[OwnProfile], day: date, region: str | None, *, one_model: bool,
    residency: str | None, width: int = 80, colour: bool = False,
) -> Iterator[str]:  # fmt: skip
    """A table, the account's own profiles, and of one model where each goes and what must be allowed."""
    columns = [
        Column("modelId", right=False, wide=True), Column("stays in", right=False), Column("input"), Column("output"),
        Column("read"), Column("write 5m"),
    ]  # fmt: skip
    cells = [
        [
            Cell(row.profile.id), Cell(row.profile.residency or _place(row)),
            *(Cell(_price(row.usd_per_mtok.get(unit))) for unit in _UNITS),
        ]
        for row in rows
    ]  # fmt: skip
    yield f"US dollars per million tokens, in force on {day}"
    yield from table(columns, cells, width, Paint(colour))
    for profile in own:
        yield f" {profile.name}: yours, {profile.model}, {len(profile.regions)} Regions"
        yield f"   {profile.arn}"
    if one_model:
        for row in rows[:1] if residency else rows:
            yield ""
            yield from _details(row, region, residency is not None, width)


def _place(row: PricedProfile) -> str:
    return "its Region" if row.profile.scope is Scope.IN_REGION else f"({row.profile.scope.value})"


def _price(amount: Usd | None) -> str:
    return "-" if amount is None else usd_exact(amount)


def _details(row: PricedProfile, region: str | None, chosen: bool, width: int) -> Iterator[str]:
    profile = row.profile
    yield f"{profile.id}{'  <- the cheapest allowed' if chosen else ''}"
    yield from _wrapped(f"goes to: {profile.says}", width)
    if profile.scope is not Scope.IN_REGION:
        unknown = "no source read names them; --ask asks the service"
        yield from _wrapped(f"destination Regions: {', '.join(profile.regions) if profile.regions else unknown}", width)
    if profile.elsewhere:
        yield from _wrapped(f"{region} is not of that geography; --ask asks whether it may call it", width)
    needed = scp_regions(profile, region or "YOUR-REGION")
    where = f"one of {', '.join(needed)}" if needed else "any destination Region"
    yield from _wrapped(f"a call fails where a service control policy denies aws:RequestedRegion for {where}", width)
    yield from _wrapped(f"source: {profile.source.title}, checked {profile.source.checked_on}", width)


def _wrapped(text: str, width: int) -> list[str]:
    return paragraph(text, width, "  ", "    ")


def _row(row: PricedProfile, region: str) -> ProfileRow:
    profile = row.profile
    return ProfileRow(
        id=profile.id,
        model=profile.model.id,
        scope=profile.scope,
        residency=profile.residency or None,
        says=profile.says,
        regions=tuple(profile.regions) if profile.regions else None,
        regions_from="service" if profile.listed else "catalogue" if profile.regions else None,
        prices=dict(row.usd_per_mtok),
        scp_must_allow=tuple(scp_regions(profile, region) or ()) or None,
        iam=iam_statements(profile, region, "YOUR-ACCOUNT"),
        source=profile.source.url,
        checked_on=profile.source.checked_on,
    )
