"""What ``rockbottom bench`` checks before anything runs: how old its facts are, and where profiles live."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from rockbottom.cli.console import tell
from rockbottom.cli.standing import tell_age, tell_endings, tell_unsent_temperature

if TYPE_CHECKING:
    from rockbottom.bench import Bench


def tell_standing(bench: "Bench", today: date) -> None:
    """Say which models of a run end, that their prices are old, and which of them are not sent a temperature."""
    plan = bench.plan
    models = dict.fromkeys(row.subject.given for row in plan.rows)
    tell_endings(plan.catalog, models, plan.on, plan.region)
    tell_age(replace(plan.catalog, price_book=plan.book), models, plan.on, today, plan.region)
    _tell_unsent(bench)


def _tell_unsent(bench: "Bench") -> None:
    from rockbottom.catalog import refused_members

    if bench.plan.workload.inference.temperature is None:
        return
    models = {row.subject.model.model.id: row.subject.model.model.name for row in bench.plan.rows}
    tell_unsent_temperature(
        [name for bare, name in models.items() if "temperature" in refused_members(bare, "converse")]
    )


def warn_of_other_geographies(bench: "Bench") -> None:
    """Say which profiles belong to another geography than the Region of the calls.

    A warning and no refusal: AWS's lists of source Regions differ by model, and none was read whole.
    """
    from rockbottom.catalog import geographies, load_catalog

    places, region = geographies(load_catalog()), bench.plan.region
    for profile, model in {row.subject.given: row.subject.model for row in bench.plan.rows}.items():
        place = places.get(model.scope)
        if place is None or not place.own or region.startswith(place.own):
            continue
        begins = " and ".join(f"{name}*" if name.endswith("-") else name for name in place.own)
        tell(
            f"rockbottom: {profile} is a profile of the Regions {begins}; a call from {region} "
            f"may be refused\n  rockbottom profiles {model.model.id} --region {region} lists those that fit"
        )
