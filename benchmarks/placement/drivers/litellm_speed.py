"""How long LiteLLM's injection takes on given conversations: the hook that ``completion`` runs, and nothing else."""

import json
import sys
import time
from pathlib import Path

from litellm.integrations.anthropic_cache_control_hook import AnthropicCacheControlHook
from litellm_driver import messages_of

POINTS = [{"location": "message", "role": "system"}, {"location": "message", "index": -1}]


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    hook = AnthropicCacheControlHook()
    seconds = {}
    for name, body in job["bodies"].items():
        told = json.dumps(messages_of(body))
        seconds[name] = []
        for _ in range(job["rounds"]):
            messages = json.loads(told)  # as from a client: texts that nobody has hashed or measured yet
            params = {
                "cache_control_injection_points": [dict(point) for point in POINTS],
                "custom_llm_provider": "bedrock",
            }
            started = time.thread_time()
            _, injected, _ = hook.get_chat_completion_prompt(
                model=body["modelId"],
                messages=messages,
                non_default_params=params,
                prompt_id=None,
                prompt_variables=None,
                dynamic_callback_params={},
            )
            seconds[name].append(time.thread_time() - started)
        assert "cache_control" in json.dumps(injected[-1])
    with open(sys.argv[2], "w") as out:
        json.dump(seconds, out)


main()
