"""Three teams behind one attached client: tags say whose calls they are, budgets stop a team, a ledger keeps each call.

The local endpoint answers and nothing is sent to AWS; in your program the client is boto3.client("bedrock-runtime").
Afterwards:

    rockbottom ledger summary ledger --by team --side local
    rockbottom monitor budgets --file budgets.db
    rockbottom dash --ledger ledger --open
"""

import boto3
import prompts

import rockbottom
from rockbottom import Budget, BudgetExceeded, Budgets
from rockbottom.local import running

budgets = Budgets(
    Budget("0.10", "month", per=["team"], action="stop"),
    file="budgets.db",
    simulated=True,  # counts calls to the local endpoint; leave it out in your program
)

with running() as endpoint:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=endpoint.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    bedrock = rockbottom.attach(client, ledger="ledger", budget=budgets)
    for team, request, calls in (
        ("search", prompts.search, 40),
        ("support", prompts.support, 60),
        ("reports", prompts.reports, 12),
    ):
        with rockbottom.tagged(team=team):
            for number in range(calls):
                try:
                    bedrock.converse(**request())
                except BudgetExceeded as stopped:
                    print(f"{team}: stopped after {number} calls. {stopped}")
                    break
            else:
                print(f"{team}: {calls} calls")
