"""Programs and SDKs that use Bedrock, as they come from the package index, against the endpoint.

They are the dependency group ``sdks``; where one is not installed its test skips and says so.
"""

import json
import os
import subprocess
import sys

import pytest

HANDBOOK = "Every invoice is due within thirty days. Refunds take five days. " * 150


@pytest.fixture
def environment(endpoint, kit, monkeypatch, tmp_path):
    """Credentials, Region and endpoint in the environment, and no configuration of this machine."""
    changes = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": endpoint.url,
        "AWS_ENDPOINT_URL_BEDROCK": endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_PAGER": "",
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def aws(*arguments):
    """Run the AWS CLI of this environment; its JSON."""
    pytest.importorskip("awscli", reason="the AWS CLI is not installed: pip install awscli")
    done = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_aws_cli_converses(environment, kit):
    """`aws bedrock-runtime converse` prints the reply with its usage."""
    reply = aws(
        "bedrock-runtime",
        "converse",
        "--model-id",
        kit.SONNET,
        "--messages",
        json.dumps([kit.user("hello")]),
        "--system",
        json.dumps([{"text": HANDBOOK}, kit.POINT]),
    )
    assert reply["usage"]["cacheWriteInputTokens"] > 1024


def test_the_aws_cli_lists_and_creates_profiles(environment, kit):
    """The control plane through the CLI."""
    made = aws(
        "bedrock",
        "create-inference-profile",
        "--inference-profile-name",
        "cli",
        "--model-source",
        json.dumps({"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"}),
    )
    listed = aws("bedrock", "list-inference-profiles", "--type-equals", "APPLICATION")["inferenceProfileSummaries"]
    assert [row["inferenceProfileArn"] for row in listed] == [made["inferenceProfileArn"]]


def test_the_aws_cli_invokes(environment, kit, tmp_path):
    """`aws bedrock-runtime invoke-model` writes the native body to a file."""
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    aws(
        "bedrock-runtime",
        "invoke-model",
        "--model-id",
        kit.SONNET,
        "--body",
        json.dumps(body),
        str(tmp_path / "reply.json"),
    )
    assert json.loads((tmp_path / "reply.json").read_text())["usage"]["output_tokens"] > 0


@pytest.fixture
def anthropic_client(environment, endpoint):
    """AnthropicBedrock."""
    anthropic = pytest.importorskip("anthropic", reason="the Anthropic SDK is not installed: pip install anthropic")
    return anthropic.AnthropicBedrock(
        base_url=endpoint.url, aws_access_key="test", aws_secret_key="test", aws_region="us-east-1", max_retries=0
    )


def anthropic_call(kit, question="When is an invoice due?"):
    """Arguments of a Messages call with a cached system text."""
    return {
        "model": kit.SONNET,
        "max_tokens": 60,
        "messages": [{"role": "user", "content": question}],
        "system": [{"type": "text", "text": HANDBOOK, "cache_control": {"type": "ephemeral"}}],
    }


def test_anthropic_bedrock_writes_then_reads(anthropic_client, kit):
    """Messages: usage of the typed reply, a write and then a read of the same tokens."""
    first, second = (anthropic_client.messages.create(**anthropic_call(kit)) for _ in range(2))
    assert first.usage.cache_creation_input_tokens == second.usage.cache_read_input_tokens > 1024
    assert first.usage.cache_creation.ephemeral_5m_input_tokens == first.usage.cache_creation_input_tokens
    assert first.content[0].text == "Every invoice is due within thirty days."


def test_anthropic_bedrock_streams(anthropic_client, kit):
    """The streamed message, assembled by the SDK, is the whole one."""
    whole = anthropic_client.messages.create(**anthropic_call(kit))
    with anthropic_client.messages.stream(**anthropic_call(kit)) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == whole.content[0].text
    assert final.usage.cache_read_input_tokens == whole.usage.cache_creation_input_tokens


def test_anthropic_bedrock_calls_a_forced_tool(anthropic_client, kit):
    """tool_choice any: a tool_use block with arguments of the schema."""
    tool = {"name": "pay", "input_schema": {"type": "object", "properties": {"days": {"type": "integer"}}}}
    reply = anthropic_client.messages.create(**anthropic_call(kit), tools=[tool], tool_choice={"type": "any"})
    assert (reply.stop_reason, reply.content[0].name, reply.content[0].input) == ("tool_use", "pay", {"days": 1})


def test_anthropic_bedrock_raises_its_own_errors(anthropic_client, kit, endpoint):
    """A throttled call raises RateLimitError, a bad one BadRequestError with Bedrock's text."""
    import anthropic

    kit.control(endpoint, "POST", "faults", {"kind": "error", "code": "ThrottlingException", "count": 1})
    with pytest.raises(anthropic.RateLimitError):
        anthropic_client.messages.create(**anthropic_call(kit))
    with pytest.raises(anthropic.BadRequestError, match="model identifier is invalid"):
        anthropic_client.messages.create(**{**anthropic_call(kit), "model": "no-such-model"})


def test_langchain_aws_counts_cache_tokens(environment, endpoint, kit):
    """ChatBedrockConverse with a cachePoint: usage_metadata shows the write, then the read."""
    langchain_aws = pytest.importorskip("langchain_aws", reason="not installed: pip install langchain-aws")
    chat = langchain_aws.ChatBedrockConverse(model=kit.SONNET, region_name="us-east-1", endpoint_url=endpoint.url)
    messages = [
        ("system", [{"type": "text", "text": HANDBOOK}, {"cachePoint": {"type": "default"}}]),
        ("user", "When is an invoice due?"),
    ]
    first, second = (chat.invoke(messages) for _ in range(2))
    assert second.usage_metadata["input_token_details"]["cache_read"] > 1024
    assert first.usage_metadata["input_token_details"]["cache_read"] == 0
    assert first.text.startswith("Every invoice is due")
    assert "".join(part.text for part in chat.stream(messages)) == first.text


def test_strands_agents_run_a_turn_and_a_tool(environment, endpoint, kit):
    """An agent streams a scripted tool call, runs the tool and gets the final answer; tokens are counted."""
    strands = pytest.importorskip("strands", reason="not installed: pip install strands-agents")
    from strands.models import BedrockModel

    called = []

    @strands.tool
    def due_days(invoice: str) -> str:
        """Days until an invoice is due.

        Args:
            invoice: its number
        """
        called.append(invoice)
        return "thirty days"

    kit.control(
        endpoint,
        "POST",
        "replies",
        [
            {"content": [{"toolUse": {"toolUseId": "t1", "name": "due_days", "input": {"invoice": "7"}}}]},
            {"text": "It is due in thirty days."},
        ],
    )
    model = BedrockModel(model_id=kit.SONNET, region_name="us-east-1", endpoint_url=endpoint.url)
    agent = strands.Agent(model=model, tools=[due_days], system_prompt=HANDBOOK, callback_handler=None)
    result = agent("When is invoice 7 due?")
    assert called == ["7"]
    assert str(result).strip() == "It is due in thirty days."
    assert result.metrics.accumulated_usage["outputTokens"] > 0


def test_pydantic_ai_gives_structured_output(environment, endpoint, kit):
    """An agent with an output type: the forced tool's arguments make the object."""
    pydantic_ai = pytest.importorskip("pydantic_ai", reason="not installed: pip install pydantic-ai-slim[bedrock]")
    pydantic = pytest.importorskip("pydantic")
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    class Invoice(pydantic.BaseModel):
        """What is asked for."""

        number: int
        note: str

    provider = BedrockProvider(bedrock_client=kit.client_of("bedrock-runtime", endpoint.url))
    agent = pydantic_ai.Agent(BedrockConverseModel(kit.SONNET, provider=provider), output_type=Invoice)
    result = agent.run_sync("Which invoice?")
    assert result.output == Invoice(number=1, note="Which invoice?")
    assert result.usage.input_tokens > 0


def test_pydantic_ai_answers_in_text(environment, endpoint, kit):
    """Plain text through the same provider."""
    pydantic_ai = pytest.importorskip("pydantic_ai", reason="not installed: pip install pydantic-ai-slim[bedrock]")
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    provider = BedrockProvider(bedrock_client=kit.client_of("bedrock-runtime", endpoint.url))
    agent = pydantic_ai.Agent(BedrockConverseModel(kit.SONNET, provider=provider), system_prompt=HANDBOOK)
    result = agent.run_sync("When is an invoice due?")
    assert "due within thirty days" in result.output


def test_strands_agents_loop_to_their_end_by_themselves(environment, endpoint, kit):
    """Nothing is scripted: the question calls for the tool and holds its argument, the result is the answer."""
    strands = pytest.importorskip("strands", reason="not installed: pip install strands-agents")
    from strands.models import BedrockModel

    called = []

    @strands.tool
    def get_weather(city: str) -> str:
        """Weather of a city.

        Args:
            city: its name
        """
        called.append(city)
        return f"It rains in {city}."

    model = BedrockModel(model_id=kit.SONNET, region_name="us-east-1", endpoint_url=endpoint.url)
    agent = strands.Agent(model=model, tools=[get_weather], callback_handler=None)
    assert str(agent("What is the weather in Oslo?")).strip() == "It rains in Oslo."
    assert called == ["Oslo"]


def test_langchain_aws_loops_to_its_end_by_itself(environment, endpoint, kit):
    """bind_tools: call, result, answer."""
    langchain_aws = pytest.importorskip("langchain_aws", reason="not installed: pip install langchain-aws")
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def add_numbers(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    chat = langchain_aws.ChatBedrockConverse(model=kit.NOVA, region_name="us-east-1", endpoint_url=endpoint.url)
    bound = chat.bind_tools([add_numbers])
    messages = [HumanMessage("Which numbers are 20 and 22 together?")]
    reply = bound.invoke(messages)
    (call,) = reply.tool_calls
    assert (call["name"], call["args"]) == ("add_numbers", {"a": 20, "b": 22})
    messages += [reply, ToolMessage(str(add_numbers.invoke(call["args"])), tool_call_id=call["id"])]
    last = bound.invoke(messages)
    assert (last.tool_calls, last.text) == ([], "42")


def test_pydantic_ai_loops_to_its_end_by_itself(environment, endpoint, kit):
    """A tool, then the tool that gives the output: `any` forces a call at each turn, and it ends all the same."""
    pydantic_ai = pytest.importorskip("pydantic_ai", reason="not installed: pip install pydantic-ai-slim[bedrock]")
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    class Weather(pytest.importorskip("pydantic").BaseModel):
        """What is asked for."""

        city: str
        degrees: int

    provider = BedrockProvider(bedrock_client=kit.client_of("bedrock-runtime", endpoint.url))
    agent = pydantic_ai.Agent(BedrockConverseModel(kit.SONNET, provider=provider), output_type=Weather)
    called = []

    @agent.tool_plain
    def temperature(city: str) -> int:
        """Degrees in a city."""
        called.append(city)
        return 12

    result = agent.run_sync("What is the temperature in Lima?")
    assert (called, result.output.city) == (["Lima"], "Lima")
