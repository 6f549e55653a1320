"""What ``rockbottom bench`` checks before anything runs: files it will write, the Region, and where profiles live."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from rockbottom.cli.console import tell
from rockbottom.cli.standing import tell_age, tell_endings
from rockbottom.process import bare_session

if TYPE_CHECKING:
    from rockbottom.bench import Bench


def known_region(region: str) -> str:
    """The Region itself, when botocore knows it; raises WrongSetting with the nearest ones."""
    from difflib import get_close_matches

    from rockbottom.bench import WrongSetting

    session = bare_session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition)
    ]
    if region in known:
        return region
    near = get_close_matches(region, known, n=3)
    near.sort(key=lambda name: sorted(name) != sorted(region))  # letters that changed places come first
    suggestion = f"; the nearest are {', '.join(near)}" if near else ""
    fix = f"--region {near[0] if near else 'us-east-1'}; for a Region newer than this botocore, upgrade boto3"
    raise WrongSetting(f"unknown Region '{region}'{suggestion}", fix=fix)


def tell_standing(bench: "Bench", today: date) -> None:
    """Say which models of a run end, and that their prices are old."""
    plan = bench.plan
    models = dict.fromkeys(row.subject.given for row in plan.rows)
    tell_endings(plan.catalog, models, plan.on, plan.region)
    tell_age(replace(plan.catalog, price_book=plan.book), models, plan.on, today, plan.region)


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
