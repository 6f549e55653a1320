"""aiobotocore clients: the same hooks, awaited."""

import asyncio

import pytest

from tests.client.client_doubles import KEYS, MarkingPlanner, ask, native, words

aiobotocore = pytest.importorskip("aiobotocore.session", reason="pins another botocore: make sdks runs this")

import rockbottom.client as rb  # noqa: E402
from rockbottom.local import ClockKind, running  # noqa: E402


def _run(endpoint, scene, **options):
    async def inside():
        async with aiobotocore.get_session().create_client(
            "bedrock-runtime", endpoint_url=endpoint.url, **KEYS
        ) as client:
            rb.attach(client, planner=options.pop("planner", None) or MarkingPlanner(), **options)
            return await scene(client)

    return asyncio.run(inside())


def test_every_operation_is_planned_and_observed(endpoint):
    planner = MarkingPlanner()

    async def scene(client):
        await client.converse(**ask())
        async for _ in (await client.converse_stream(**ask()))["stream"]:
            pass
        await (await client.invoke_model(**native()))["body"].read()
        async for _ in (await client.invoke_model_with_response_stream(**native()))["body"]:
            pass
        return rb.report(client).total.calls

    assert _run(endpoint, scene, planner=planner) == 4
    usages = [usage for _, usage in planner.observed]
    assert [bool(usage.cache_read) for usage in usages] == [False, True, False, True]


def test_a_native_body_is_read_in_pieces(endpoint):
    async def scene(client):
        body = (await client.invoke_model(**native()))["body"]
        pieces = [piece async for piece in body.iter_chunks(64)]
        return b"".join(pieces), rb.report(client).total.usage.cache_write_1h

    raw, written = _run(endpoint, scene, planner=MarkingPlanner(ttl="1h"))
    assert raw.startswith(b"{")
    assert written > 3000


def test_tasks_that_start_together_write_once():
    with running(clock=ClockKind.REAL) as served:
        served.state.latency.change({"mode": "wait", "models": {"*": {"base_ms": 150, "per_output_token_ms": 0}}})

        async def scene(client):
            requests = [client.converse(**ask(f"question {n}", words(3000, "together"))) for n in range(6)]
            return [reply["usage"] for reply in await asyncio.gather(*requests)]

        usages = _run(served, scene)
    assert sum(usage["cacheWriteInputTokens"] > 0 for usage in usages) == 1


def test_an_application_profile_is_looked_up_beside_the_event_loop(endpoint):
    import botocore.session

    bedrock = botocore.session.get_session().create_client("bedrock", endpoint_url=endpoint.url, **KEYS)
    made = bedrock.create_inference_profile(
        inferenceProfileName="async",
        modelSource={
            "copyFrom": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6"
        },
    )

    async def scene(client):
        request = {**ask(), "modelId": made["inferenceProfileArn"]}
        return [(await client.converse(**request))["usage"]["cacheReadInputTokens"] for _ in range(2)]

    first, second = _run(endpoint, scene)
    assert (first, second > 3000) == (0, True)


def test_every_operation_is_recorded_with_the_tags_of_its_task(endpoint):
    """Four records, each with the tenant of the task that made the call; streams with their first token."""

    kept = []

    class Kept:
        def record(self, call):
            kept.append(call)

        def close(self):
            return

    async def scene(client):
        async def one(tenant, make):
            with rb.tagged(tenant=tenant):
                await make()

        async def stream():
            async for _ in (await client.converse_stream(**ask()))["stream"]:
                pass

        async def native_stream():
            async for _ in (await client.invoke_model_with_response_stream(**native()))["body"]:
                pass

        async def body():
            await (await client.invoke_model(**native()))["body"].read()

        await asyncio.gather(
            one("a", lambda: client.converse(**ask())), one("b", stream), one("c", body), one("d", native_stream)
        )

    _run(endpoint, scene, sinks=[Kept()])
    found = {call.tags["tenant"]: call for call in kept}
    assert {name: call.operation for name, call in found.items()} == {
        "a": "Converse", "b": "ConverseStream", "c": "InvokeModel", "d": "InvokeModelWithResponseStream",
    }  # fmt: skip
    assert [call.first_ms is not None for _, call in sorted(found.items())] == [False, True, False, True]
    assert all(call.status == "ok" and call.request_id for call in found.values())


def test_clients_of_an_attached_session_are_attached(endpoint):
    """Frameworks that make a client for every call (LlamaIndex with aioboto3) are attached by their session."""
    session, planner = aiobotocore.get_session(), MarkingPlanner()
    assert rb.attach(session, planner=planner) is session

    async def scene():
        usages = []
        for _ in range(2):
            async with session.create_client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS) as client:
                usages.append((await client.converse(**ask()))["usage"])
        return usages

    first, second = asyncio.run(scene())
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 0
    assert rb.report(session).total.calls == 2


def test_of_twenty_first_calls_at_two_clients_that_share_one_writes(endpoint, tmp_path):
    """They share a file; while it is asked who writes, the event loop goes on."""
    text = "".join(f"Clause {n}: the tenant of unit {n} pays by day {n % 28} of each month. " for n in range(600))

    async def usage(client, number):
        messages = [{"role": "user", "content": [{"text": f"question {number}?"}]}]
        reply = await client.converse(
            modelId="us.anthropic.claude-sonnet-4-6", system=[{"text": text}], messages=messages
        )
        return reply["usage"]

    async def inside():
        opened = [
            aiobotocore.get_session().create_client("bedrock-runtime", endpoint_url=endpoint.url, **KEYS)
            for _ in range(2)
        ]
        async with opened[0] as one, opened[1] as other:
            for client in (one, other):
                rb.attach(client, share=f"sqlite://{tmp_path}/share.db")
            await asyncio.sleep(2)  # until both are members
            usages = await asyncio.gather(*(usage((one, other)[number % 2], number) for number in range(20)))
            for client in (one, other):
                rb.detach(client)
        return usages

    usages = asyncio.run(inside())
    assert sum(reply["cacheWriteInputTokens"] > 5_000 for reply in usages) == 1
    assert sum(reply["cacheReadInputTokens"] > 5_000 for reply in usages) == 19
